"""Finds what changed in a table since a night: the table is read, and compared with the backup."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from hippolyte import clock
from hippolyte.errors import ConfigurationError
from hippolyte.exports.lines import Item
from hippolyte.words import count_of
from hippolyte_cli import console
from hippolyte_cli.compare import live
from hippolyte_cli.compare.difference import Options
from hippolyte_cli.compare.opening import Live
from hippolyte_cli.compare.run import Progress, Totals, compare
from hippolyte_cli.compare.sides import Side
from hippolyte_cli.restore import part
from hippolyte_cli.restore.answers import ttl_attribute
from hippolyte_cli.restore.target import Target
from hippolyte_cli.session import profile
from hippolyte_cli.undo.change import Change, change_of

_BEGUN = "begun"


@dataclass
class Finding:
    """A look for changes.

    Attributes:
        target: the table, and the night.
        folder: where it works, and goes on.
        reading: how the table is read.
        only, delete_added: see `change.change_of`.
        totals: once it is at its end.
    """

    target: Target
    folder: Path
    reading: live.Reading
    only: tuple[str, ...]
    delete_added: bool
    totals: Totals = field(default_factory=Totals)

    def changes(self, show: Callable[[str], None], stopped: Callable[[], bool]) -> Iterator[Change]:
        """Yield what is to be done, as it is found."""
        target, found = self.target, self.target.found
        out = console.console(stderr=target.asked.as_json)
        ttl = self._ttl()
        left = Side(found.name, found.location, found.backup, target.keys)
        right = live.read(self._table(ttl), self.folder / "live", self.reading, out, stopped)

        def told(progress: Progress) -> None:
            of = f" of {progress.of:,}" if progress.of else ""
            show(f"{count_of(progress.items, 'item')}{of}")

        now = self._begun() if ttl else None
        options = Options(ttl=ttl, now=now, where=target.asked.where)
        comparison = compare(left, right, options, self.folder / "compare", told, stopped)
        wanted = [part.keys(target.asked.keys, target.keys)] if target.asked.keys else []
        for difference in comparison:
            if difference.kind == "left":
                self._see_key(difference.key)
            if all(holds(difference.key) for holds in wanted):
                change = change_of(difference, self.only, self.delete_added)
                if change:
                    yield change
        self.totals = comparison.totals

    def _see_key(self, key: Item) -> None:
        """Refuse a key that the table can have no item of: a place does not say its table's."""
        there = self.target.there
        types = {
            one["AttributeName"]: one["AttributeType"] for one in there["AttributeDefinitions"]
        }
        for name, value in key.items():
            if types[name] not in value:
                raise ConfigurationError(
                    f"{name}, of the key, is of type {types[name]} in {self.target.name} and of "
                    f"{next(iter(value))} in {self.target.found.name}: is it of the same table?"
                )

    def _table(self, ttl: str | None) -> Live:
        there = self.target.there
        return Live(
            name=f"{self.target.name} (live)",
            arn=there["TableArn"],
            table_id=str(there.get("TableId") or there["CreationDateTime"]),
            keys=self.target.keys,
            ttl=ttl,
            region=self.target.asked.region,
            profile=profile(),
            text_bytes=there.get("TableSizeBytes", 0),
        )

    def _ttl(self) -> str | None:
        """Return the attribute by which items expire: what that took away stays away."""
        answer = self.target.client().describe_time_to_live(TableName=self.target.name)
        return ttl_attribute({"answers": {"DescribeTimeToLive": [answer]}})

    def _begun(self) -> datetime:
        """Return when this was first begun, for it is gone on with by the same moment."""
        path = self.folder / _BEGUN
        if not path.exists():
            path.write_text(clock.now().isoformat(), encoding="utf-8")
        return datetime.fromisoformat(path.read_text(encoding="utf-8"))
