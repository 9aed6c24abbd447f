"""One item that is put back: what is done to it, what it was when that was shown. Pure."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from hippolyte.exports.lines import Item
from hippolyte_cli.compare.difference import Difference
from hippolyte_cli.restore.values import canonical, canonical_item, item_bytes, write_units

_READ_BYTES = 4096

Do = Literal["put", "change", "delete"]
# an attribute's value; None: it is taken away
Values = Mapping[str, Mapping[str, Any] | None]


@dataclass(frozen=True, slots=True)
class Change:
    """What is done to an item; values in DynamoDB JSON.

    Attributes:
        do: `put`: it vanished; `change`: attributes of it did; `delete`: it was added.
        key: of the item.
        was: the item when it was shown; None: there was none.
        to: of `put` the whole item; of `change` the attributes that are put back.
    """

    do: Do
    key: Item
    was: Item | None
    to: Values

    @property
    def units(self) -> int:
        """Write capacity units that it costs, but for indexes: by the larger of both items."""
        return write_units(max(item_bytes(self.was or {}), item_bytes(self.after() or {})))

    @property
    def read_units(self) -> int:
        """Read capacity units of the look just before, which is consistent; nothing costs one."""
        return max(1, -(-item_bytes(self.was or {}) // _READ_BYTES))

    def after(self) -> Item | None:
        """Return the item as it is to be."""
        if self.do == "delete":
            return None
        both = {**(self.was or {}), **self.to}
        return {name: dict(value) for name, value in both.items() if value is not None}

    def is_as_shown(self, now: Item | None) -> bool:
        """Say whether the item is still what it was."""
        return _same(now, self.was)

    def is_done(self, now: Item | None) -> bool:
        """Say whether the item is what it is to be: in the attributes that are put back."""
        if self.do != "change" or now is None:
            return _same(now, self.after())
        return all(_same_value(now.get(name), value) for name, value in self.to.items())

    def line(self) -> bytes:
        """Return this as a line of JSON."""
        record = {"do": self.do, "key": self.key, "was": self.was, "to": self.to}
        return json.dumps(record, separators=(",", ":")).encode() + b"\n"

    @classmethod
    def of(cls, line: bytes) -> Change:
        """Return what `line` gave."""
        record = json.loads(line)
        return cls(record["do"], record["key"], record["was"], record["to"])


def change_of(difference: Difference, only: Collection[str], delete_added: bool) -> Change | None:
    """Return what is done about a difference between a night (left) and the table now (right).

    Args:
        difference: of the two.
        only: attributes that are put back, of items that are still there; none: all, and whole
            items too.
        delete_added: whether an item that the night has not is deleted.
    """
    if difference.kind == "right":
        return Change("delete", difference.key, difference.right, {}) if delete_added else None
    if difference.kind == "left":
        return None if only else Change("put", difference.key, None, difference.left or {})
    to = {
        name: pair.left
        for name, pair in difference.attributes().items()
        if not only or name in only
    }
    return Change("change", difference.key, difference.right, to) if to else None


def _same(one: Item | None, other: Item | None) -> bool:
    if one is None or other is None:
        return one is other
    return one == other or canonical_item(one) == canonical_item(other)


def _same_value(one: Mapping[str, Any] | None, other: Mapping[str, Any] | None) -> bool:
    if one is None or other is None:
        return one is other
    return one == other or canonical(one) == canonical(other)
