"""How far a backup is verified, by levels, and what is wrong with it: file, line, what.

1: every listed file is there with its size, and its checksum where the listing has one.
2: every line of every file is an item, with one type a value; counts and checksums are kept.
3: the number of items was compared with another one, see `exports.verification`; only the night
   has those, and only of clusters' logs.
4: restored into a table of its own and compared with it.

Level 4 includes the others, level 2 the first. Level 3 is beside them: it judges a number.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

LISTED, READ, PLAUSIBLE, RESTORED = 1, 2, 3, 4
# of one backup, that are told one by one
MOST_FINDINGS = 100


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is wrong. `file`: below the backup's place; empty: of the whole of it."""

    file: str
    line: int | None
    what: str

    def __str__(self) -> str:
        where = ", ".join(p for p in (self.file, f"line {self.line}" if self.line else "") if p)
        return f"{where}: {self.what}" if where else self.what


@dataclass(frozen=True, slots=True)
class Expected:
    """What a catalogue's entry says of a backup; None: it does not say."""

    files: int | None = None
    bytes: int | None = None
    items: int | None = None
    manifest_md5: str | None = None
    files_md5: str | None = None
    table_id: str | None = None


@dataclass(frozen=True, slots=True)
class Seen:
    """How far a check is: files to their end, items; bytes as they lie there, of how many.

    `findings` are known where a file ends.
    """

    files: int = 0
    items: int = 0
    bytes: int = 0
    of: int = 0
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class Checked:
    """What became of a check.

    Attributes:
        levels: those that the backup has passed.
        files, bytes: that are listed and there.
        items: that were read, or that a manifest tells; None: neither.
        findings: the first `MOST_FINDINGS`.
        more: how many there are besides.
    """

    levels: tuple[int, ...]
    files: int = 0
    bytes: int = 0
    items: int | None = None
    findings: tuple[Finding, ...] = ()
    more: int = 0

    @property
    def level(self) -> int:
        """The level as a whole, 0: not even the first."""
        return level_of(self.levels)


def level_of(levels: Iterable[int]) -> int:
    """Return the highest level that includes others below it."""
    return max((level for level in levels if level != PLAUSIBLE), default=0)


@dataclass(slots=True)
class Findings:
    """What is found, the first of it and how much there is."""

    first: list[Finding] = field(default_factory=list)
    count: int = 0

    @property
    def more(self) -> int:
        """How many are not kept."""
        return self.count - len(self.first)

    def add(self, finding: Finding) -> None:
        """Take another one."""
        self.count += 1
        if len(self.first) < MOST_FINDINGS:
            self.first.append(finding)
