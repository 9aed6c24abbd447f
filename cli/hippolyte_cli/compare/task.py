"""A comparison as it is asked for on the command line: its sides, its folder, its options."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

import typer
from rich.console import Console
from rich.markup import escape

from hippolyte import clock
from hippolyte.errors import ConfigurationError
from hippolyte.scan.table import Part
from hippolyte_cli.backups_place import SHARE, share_of_backups
from hippolyte_cli.compare import live
from hippolyte_cli.compare.difference import Judge, Options
from hippolyte_cli.compare.opening import Live, Where, opened
from hippolyte_cli.compare.plan import keys_of
from hippolyte_cli.compare.run import Comparison, Progress, compare
from hippolyte_cli.compare.sample import part_of, sampled, segments_of
from hippolyte_cli.compare.sides import Side
from hippolyte_cli.export_offer import size

_NOW = "now"
# of disk; less is not spoken of
_MUCH_BYTES = 256 << 20


@dataclass(frozen=True, slots=True)
class Asked:
    """What the command line says; see `command.compare`."""

    left: str
    right: str
    wheres: tuple[Where, Where]
    keys_only: bool = False
    ignore: tuple[str, ...] = ()
    ignore_expired: bool = False
    conditions: tuple[str, ...] = ()
    written_at: str | None = None
    sample: float | None = None
    share: int | None = None
    rate: float | None = None
    key_attributes: tuple[str, ...] = ()
    work: Path | None = None


@dataclass
class Task:
    """One comparison.

    Attributes:
        asked: on the command line.
        out: where it is said what is done.
        folder: of its work, once it has one.
        sides: once they are read.
        notes: what is to be said with the end.
    """

    asked: Asked
    out: Console
    folder: Path | None = None
    sides: Sequence[Side] = ()
    notes: list[str] = field(default_factory=list)

    def begin(
        self, progress: Callable[[Progress], object], stopped: Callable[[], bool]
    ) -> Comparison:
        """Open both sides, read those that are live, and return the comparison of the two.

        Raises:
            HippolyteError, ValueError, OSError, ClientError, BotoCoreError: it cannot be done.
            StoppedError: it was stopped while a live table was read.
        """
        asked = self.asked
        pairs = zip((asked.left, asked.right), asked.wheres, strict=True)
        found = [self._keyed(opened(text, where)) for text, where in pairs]
        self._see(found)
        digest = self._digest(found)
        reading = live.Reading(self._share(found), asked.rate)
        if asked.sample and asked.sample < 100:
            found, reading = self._sampled(found, reading, int(digest, 16))
        base = asked.work or Path(typer.get_app_dir("hippolyte")) / "compare"
        self.folder = folder = base / digest
        folder.mkdir(parents=True, exist_ok=True)
        self._say_room(sum(one.text_bytes for one in found))
        sides = [
            live.read(one, folder / name, reading, self.out, stopped)
            if isinstance(one, Live)
            else one
            for one, name in zip(found, ("left", "right"), strict=True)
        ]
        self.sides = sides
        left, right = sides
        return compare(left, right, self._options(sides), folder, progress, stopped)

    def remove(self) -> None:
        """Remove the folder of the work."""
        if self.folder:
            shutil.rmtree(self.folder, ignore_errors=True)

    def _keyed(self, one: Side | Live) -> Side | Live:
        """Return a side with the key that was named, if nothing else says it."""
        names = self.asked.key_attributes
        return replace(one, keys=names) if names and not one.keys else one

    def _see(self, found: Sequence[Side | Live]) -> None:
        """Refuse what cannot be compared, before a live table is read."""
        left, right = found
        keys_of(left, right)
        Judge(Options(where=self.asked.conditions))
        ttls = {one.ttl for one in found}
        if self.asked.ignore_expired and ttls == {None}:
            raise ConfigurationError(
                "--ignore-expired: nothing says which attribute time to live goes by, neither of "
                f"{left.name} nor of {right.name}: name a live table, or a night by TABLE@WHEN"
            )
        is_known = any(isinstance(one, Live) or one.began for one in found)
        if self.asked.written_at and not is_known:
            raise ConfigurationError(
                f"--written-at: nothing says when {left.name} or {right.name} was begun"
            )

    def _share(self, found: Sequence[Side | Live]) -> int:
        """Return the percentage of its capacity that a live table is read at."""
        asked, where = self.asked, self.asked.wheres[0]
        if asked.share or asked.rate or not any(isinstance(one, Live) for one in found):
            return asked.share or SHARE
        return share_of_backups(where.function, where.bucket, where.region)

    def _digest(self, found: Sequence[Side | Live]) -> str:
        """Return what this comparison's folder is called, at each start of the same command."""
        asked = self.asked
        how = [asked.keys_only, asked.ignore, asked.ignore_expired, asked.conditions]
        which = [asked.written_at, asked.sample, asked.key_attributes]
        record = [[one.location for one in found], how, which]
        return hashlib.sha256(json.dumps(record).encode()).hexdigest()[:16]

    def _say_room(self, needed: int) -> None:
        """Say how much disk it may take, where that is much."""
        free = shutil.disk_usage(self.folder or ".").free
        if needed < _MUCH_BYTES:
            return
        said = (
            f"Up to {size(needed)} go to {self.folder} (sides in different orders; little if they "
            f"come in the same), where {size(free)} are free."
        )
        short = " It may not be enough: name another folder by --work." if free < needed else ""
        self.out.print(escape(f"{said}{short}"), soft_wrap=True)

    def _sampled(
        self, found: list[Side | Live], reading: live.Reading, seed: int
    ) -> tuple[list[Side | Live], live.Reading]:
        counts = [segments_of(one) for one in found if isinstance(one, Side)]
        part, segments = part_of(counts, self.asked.sample or 100, seed)
        self.notes.append(
            f"A sample: {_share(part)} of each, by segments. Two scans need not cut a table alike: "
            "where much is only left and only right, compare the whole."
        )
        some = [sampled(one, part) if isinstance(one, Side) else one for one in found]
        return some, replace(reading, segments=segments, part=part)

    def _options(self, sides: Sequence[Side]) -> Options:
        asked = self.asked
        began = [side.began for side in sides if side.began]
        ttl = next((side.ttl for side in sides if side.ttl), None)
        return Options(
            keys_only=asked.keys_only,
            ignore=frozenset(asked.ignore),
            ttl=ttl if asked.ignore_expired else None,
            now=self._now() if asked.ignore_expired else None,
            where=asked.conditions,
            written=asked.written_at,
            since=min(began) if asked.written_at and began else None,
        )

    def _now(self) -> datetime:
        """Return the moment that time to live goes by: of the first start of this command."""
        assert self.folder
        path = self.folder / _NOW
        if not path.exists():
            path.write_text(clock.now().isoformat(), encoding="utf-8")
        return datetime.fromisoformat(path.read_text(encoding="utf-8"))


def _share(part: Part) -> str:
    return f"part {part.number + 1} of {part.of}"
