"""A backup that is to be verified, and what came of it; as text, and as `--json` prints it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

from rich.markup import escape

from hippolyte.exports.findings import Checked, Expected
from hippolyte.exports.gather import Gather
from hippolyte.exports.place import Listing
from hippolyte.words import count_of
from hippolyte_cli.export_offer import size


@dataclass(frozen=True, slots=True)
class Backup:
    """A backup that is to be looked at.

    `note`: keep what came of it, or say why that is not. `failure`: why it cannot be looked at.
    `gather`: leaves filters for `hippolyte get` while it is read.
    """

    what: str
    location: str
    place: Listing
    about: dict[str, Any]
    expected: Expected | None = None
    note: Callable[[Checked], str] = lambda _: ""
    failure: str = ""
    gather: Callable[[], Gather | None] = lambda: None


@dataclass(frozen=True, slots=True)
class Result:
    """What came of it; `asked`: the level."""

    backup: Backup
    asked: int
    checked: Checked | None
    failure: str = ""
    unrecorded: str = ""

    def record(self) -> dict[str, Any]:
        """Return what `--json` prints of a backup."""
        found = self.checked or Checked(())
        return self.backup.about | {
            "location": self.backup.location,
            "asked_level": self.asked,
            "verified_level": found.level,
            "ok": not self.failure and not found.findings,
            "files": found.files,
            "bytes": found.bytes,
            "items": found.items,
            "findings": [asdict(finding) for finding in found.findings],
            "more_findings": found.more,
            "failure": self.failure or None,
            "unrecorded": self.unrecorded or None,
        }


def lines_of(result: Result) -> Iterator[str]:
    """Yield what is said of it, in rich's markup."""
    found = result.checked
    if found is None:
        return
    what = escape(result.backup.what)
    if not found.findings:
        items = "" if found.items is None else f"{count_of(found.items, 'item')} in "
        files = f"{items}{count_of(found.files, 'file')}, {size(found.bytes)}"
        yield f"{what}: [green]level {found.level}[/green], {files}"
        return
    holds = f"level {found.level} holds" if found.level else "not even level 1 holds"
    yield f"{what}: [red]DAMAGED[/red], {holds}"
    yield from (f"  {escape(str(finding))}" for finding in found.findings)
    if found.more:
        yield f"  and {found.more:,} more"
