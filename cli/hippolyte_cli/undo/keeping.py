"""Where an undo keeps what it replaces: beside the backups below `undone/`, or where one says."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError

from hippolyte.errors import ConfigurationError, HippolyteError
from hippolyte.exports import native
from hippolyte.exports.place import Folder, Prefix
from hippolyte.exports.reader import find
from hippolyte.store import Store
from hippolyte_cli.export_place import BucketPlace, FolderPlace, Place, place_of
from hippolyte_cli.restore.target import Target
from hippolyte_cli.undo.keep import keep
from hippolyte_cli.undo.plan import Agreed, Plan


@dataclass(frozen=True, slots=True)
class Keeping:
    """What is kept of an undo's table.

    Attributes:
        target: the table.
        keep: as `--keep` says; None: beside the backups.
    """

    target: Target
    keep: str | None

    def base(self) -> str:
        """Return below what address all undos of this night are kept.

        Raises:
            ConfigurationError: nothing says it.
        """
        beside = self.target.found.beside
        if self.keep and self.keep.lower().startswith("s3:"):
            return self.keep.rstrip("/")
        if self.keep:
            # gone on with from another folder, it is the same
            return str(Path(self.keep).expanduser().resolve())
        if not beside:
            raise ConfigurationError(
                f"{self.target.found.name} is no night of the catalogue, beside which the items "
                "that are replaced could be kept: say where by --keep, s3://... or a folder"
            )
        # restores/<account>/<region>/<table>/<night> is where a restore keeps its progress
        *above, _, account, region, table, night = beside[1].split("/")
        parts = [beside[0].bucket, *above, "undone", account, region, table, night]
        return f"s3://{'/'.join(parts)}"

    def earlier(self, but: str) -> list[str]:
        """Return where other undos of this night keep items, the oldest first.

        Also those that were begun on another machine. What cannot be seen is not told of, nor what
        lies where `--keep` says: it may be of other tables.

        Args:
            but: leave this place out.
        """
        base, beside = self.base(), self.target.found.beside
        if self.keep or not beside:
            return []
        store = beside[0]
        try:
            names = list(Prefix(store, base.removeprefix(f"s3://{store.bucket}/") + "/").names())
        except (HippolyteError, ClientError, BotoCoreError, OSError):
            return []
        # <moment>-<...>/AWSDynamoDB/<export>/manifest-summary.json, the last file of each
        parts = (name.split("/") for name in names)
        found = {one[0] for one in parts if len(one) == 4 and one[-1] == native.SUMMARY}
        return [place for place in (f"{base}/{name}" for name in sorted(found)) if place != but]

    def see(self) -> None:
        """Refuse a place that is none.

        Raises:
            PlaceError: it is none, or there is no such bucket.
        """
        self._place(self.base())

    def write(self, agreed: Agreed, plan: Plan, seed: str, told: Callable[[int], object]) -> None:
        """Keep the items that a plan replaces, whole before this returns.

        Raises:
            NotKeptError: they cannot be kept.
            FormatError: they are not what was written.
        """
        place = self._place(agreed.kept_in)
        was = (change.was for change in plan.changes() if change.was is not None)
        sink = place.sink(native.export_id(agreed.made, seed))
        keep(sink, self.target.there, was, agreed.made, told)
        # as whoever restores it will find it
        if isinstance(place, BucketPlace):
            find(Prefix(Store(place.s3, place.bucket), f"{place.prefix}/"))
        elif isinstance(place, FolderPlace):
            find(Folder(place.folder))

    def _place(self, address: str) -> Place:
        beside = self.target.found.beside
        region = self.target.asked.region
        if beside and not self.keep:
            region = beside[0].s3.meta.region_name
        return place_of(address, region)[0]


def kept_in(base: str, made: datetime) -> str:
    """Return where the items of one undo are to be kept, where those of no other are."""
    return f"{base}/{made:%Y-%m-%dT%H-%M-%SZ}-{uuid.uuid4().hex[:6]}"
