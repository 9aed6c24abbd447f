"""What differs between two items, and which items are looked at. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Literal

from hippolyte.exports.lines import Item
from hippolyte_cli.restore import part
from hippolyte_cli.restore.answers import past_ttl
from hippolyte_cli.restore.values import canonical

Kind = Literal["left", "right", "different"]

# the largest time in seconds since 1970 that is read as one, in the year 5138; above: milliseconds
_MOST_SECONDS = 10**11


@dataclass(frozen=True, slots=True)
class Change:
    """What an attribute is on either side, in DynamoDB JSON; None: it is not there."""

    left: Mapping[str, Any] | None
    right: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class Difference:
    """An item that is only left, only right, or different: items in DynamoDB JSON.

    Attributes:
        key: the attributes of its key.
        left, right: the whole items; None: there is none.
        ignored: names of attributes that are not compared.
        written_since: its timestamp says that it was written since the older side was begun.
    """

    kind: Kind
    key: Item
    left: Item | None
    right: Item | None
    ignored: frozenset[str] = frozenset()
    written_since: bool = False

    def attributes(self) -> dict[str, Change]:
        """Return what differs, by the attribute's name; of an item on one side, all it has."""
        left, right = self.left or {}, self.right or {}
        names = sorted((left.keys() | right.keys()) - self.ignored)
        pairs = {name: Change(left.get(name), right.get(name)) for name in names}
        return {name: pair for name, pair in pairs.items() if not _equal(pair)}


def _equal(pair: Change) -> bool:
    left, right = pair.left, pair.right
    if left == right:
        return True
    return left is not None and right is not None and canonical(left) == canonical(right)


def same(left: Item, right: Item, ignored: frozenset[str]) -> bool:
    """Say whether two items are equal: numbers by value, sets without order, binary by bytes."""
    if left == right:
        return True
    names = (left.keys() | right.keys()) - ignored
    return all(_equal(Change(left.get(name), right.get(name))) for name in names)


@dataclass(frozen=True, slots=True)
class Options:
    """How it is compared.

    Attributes:
        keys_only: only whether an item of the key is there.
        ignore: names of attributes that are not compared.
        ttl: attribute of time to live: what is past it at `now` on every side is left out.
        where: conditions as `--where` takes them; all must hold of the item of one side.
        written: attribute that says when an item was written: text in ISO form, or a number of
            seconds or milliseconds since 1970.
        since: items written since then are told apart.
    """

    keys_only: bool = False
    ignore: frozenset[str] = frozenset()
    ttl: str | None = None
    now: datetime | None = None
    where: tuple[str, ...] = ()
    written: str | None = None
    since: datetime | None = None

    @property
    def chooses(self) -> bool:
        """Whether some items may be left out."""
        return bool(self.where or self.ttl)

    def record(self) -> dict[str, Any]:
        """Return this as JSON takes it."""
        return {
            "keys_only": self.keys_only,
            "ignore": sorted(self.ignore),
            "ttl": self.ttl,
            "now": self.now.isoformat() if self.now else None,
            "where": list(self.where),
            "written": self.written,
            "since": self.since.isoformat() if self.since else None,
        }

    @classmethod
    def of(cls, record: Mapping[str, Any]) -> Options:
        """Return what `record` gave."""
        moments = {
            name: datetime.fromisoformat(record[name]) if record[name] else None
            for name in ("now", "since")
        }
        return cls(
            keys_only=record["keys_only"],
            ignore=frozenset(record["ignore"]),
            ttl=record["ttl"],
            where=tuple(record["where"]),
            written=record["written"],
            **moments,
        )


@dataclass(slots=True)
class Judge:
    """Compares pairs of items as it is asked for.

    Raises:
        ConfigurationError: a condition is none.
    """

    options: Options
    _conditions: list[part.Condition] = field(init=False)

    def __post_init__(self) -> None:
        self._conditions = [part.where(text) for text in self.options.where]

    def chosen(self, *items: Item | None) -> bool:
        """Say whether the item, as it is on one side or on both, is looked at."""
        there = [item for item in items if item is not None]
        if not any(all(holds(item) for holds in self._conditions) for item in there):
            return False
        ttl, now = self.options.ttl, self.options.now
        return not (ttl and now and all(past_ttl(item, ttl, now) for item in there))

    def difference(
        self, left: Item | None, right: Item | None, keys: tuple[str, ...]
    ) -> Difference | None:
        """Return how the two differ, None if they do not."""
        one = left if left is not None else right
        assert one is not None
        kind: Kind = "left" if right is None else "right" if left is None else "different"
        both = left is not None and right is not None
        if both and (self.options.keys_only or same(left or {}, right or {}, self.options.ignore)):
            return None
        key = {name: one[name] for name in keys}
        since = any(self._is_since(item) for item in (left, right) if item)
        return Difference(kind, key, left, right, self.options.ignore, since)

    def _is_since(self, item: Item) -> bool:
        name, since = self.options.written, self.options.since
        moment = moment_of(item.get(name)) if name else None
        return moment is not None and since is not None and moment >= since


def moment_of(value: Mapping[str, Any] | None) -> datetime | None:
    """Return the time that a value says: see `Options.written`; None: it says none."""
    match value:
        case {"S": str(text)}:
            try:
                moment = datetime.fromisoformat(text)
            except ValueError:
                return None
            return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        case {"N": str(text)}:
            number = Decimal(text)
            seconds = number if abs(number) < _MOST_SECONDS else number / 1000
            try:
                return datetime.fromtimestamp(float(seconds), UTC)
            except (ValueError, OverflowError, OSError):
                return None
        case _:
            return None
