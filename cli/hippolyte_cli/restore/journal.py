"""What of a backup is certainly written: on disk, and beside the backup where that can be written.

A restore that was killed goes on from there. What it wrote since is written again, which changes
nothing. A journal is of one backup, one table and one way of loading; another's is not gone by.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from hippolyte.errors import ConfigurationError, HippolyteError
from hippolyte.store import Store
from hippolyte_cli.troubles import of_file, remedied

VERSION = 1
# between two writes
_DISK_SECONDS, _BESIDE_SECONDS = 1.0, 30.0


def identity(
    location: str, description: Mapping[str, Any], mode: str, left_out: str = ""
) -> dict[str, str]:
    """Return what a journal is to be of.

    Args:
        location: where the backup lies.
        description: DescribeTable's `Table`; one that was made again under its name is another.
        mode: of loading.
        left_out: what a filter is made of, as text.
    """
    table = f"{description['TableArn']} {description.get('TableId', '')}"
    made = str(description.get("CreationDateTime", ""))
    return {"backup": location, "table": table, "made": made, "mode": mode, "filter": left_out}


class JournalError(HippolyteError):
    """When the journal cannot be written on disk."""


@dataclass(frozen=True, slots=True)
class Done:
    """How far a file is: lines that are certainly written, and whether these are all."""

    lines: int = 0
    whole: bool = False


@dataclass
class Journal:
    """A journal; `of` says what it is of: backup, table with its id, mode, what is left out.

    Attributes:
        folder: where it is kept on disk.
        of: what it is of; not gone by where anything is another.
        beside: the same in a bucket; what it refuses is in `not_beside`, and no error.
        done: how far each file is, by its name.
        not_beside: why it is not beside the backup; None: it is, or is not to be.
        not_read: why what may be beside the backup could not be read.
    """

    folder: Path
    of: Mapping[str, str]
    beside: tuple[Store, str] | None = None
    done: dict[str, Done] = field(default_factory=dict)
    not_beside: str | None = None
    not_read: str | None = None
    _saved_at: float = float("-inf")
    _beside_at: float = float("-inf")

    @property
    def path(self) -> Path:
        """The file on disk; its name is made of what it is of."""
        text = json.dumps(dict(self.of), sort_keys=True)
        return self.folder / f"{hashlib.sha256(text.encode()).hexdigest()[:24]}.json"

    @property
    def lines(self) -> int:
        """How many lines are certainly written."""
        return sum(done.lines for done in self.done.values())

    def read(self) -> Journal:
        """Take in what an earlier restore left, on disk and beside the backup; return itself."""
        for record in (self._on_disk(), self._from_beside()):
            for name, done in _taken(record, self.of).items():
                before = self.done.get(name, Done())
                if (done.whole, done.lines) > (before.whole, before.lines):
                    self.done[name] = done
        return self

    def save(self, now: float, *, last: bool = False) -> None:
        """Write it if it is time, or if it is the last time.

        Raises:
            JournalError: the disk will not have it.
        """
        if last or now - self._saved_at >= _DISK_SECONDS:
            self._saved_at = now
            self._to_disk()
        due = last or now - self._beside_at >= _BESIDE_SECONDS
        if self.beside and not self.not_beside and due:
            self._beside_at = now
            self._to_beside(*self.beside)

    def remove(self) -> None:
        """Forget it, for what it is of is at its end."""
        self.path.unlink(missing_ok=True)
        self.done.clear()
        if self.beside and not self.not_beside:
            store, key = self.beside
            try:
                store.s3.delete_object(Bucket=store.bucket, Key=key)
            except (ClientError, BotoCoreError) as error:
                self.not_beside = remedied(error)

    def _record(self) -> dict[str, Any]:
        files = {name: [done.lines, done.whole] for name, done in sorted(self.done.items())}
        return {"version": VERSION, "of": dict(self.of), "files": files}

    def _to_disk(self) -> None:
        path = self.path
        aside = path.with_suffix(f".{os.getpid()}")
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with aside.open("w", encoding="utf-8") as file:
                json.dump(self._record(), file, separators=(",", ":"))
                file.flush()
                os.fsync(file.fileno())
            aside.replace(path)
        except OSError as error:
            with suppress(OSError):
                aside.unlink()
            raise JournalError(
                f"how far the restore is cannot be kept in {self.folder}: {of_file(error)}. Make "
                "room there or name another folder, and run it again: what is written stays"
            ) from error

    def _on_disk(self) -> Any:
        try:
            return json.loads(self.path.read_bytes())
        except FileNotFoundError:
            return None
        except (OSError, ValueError):
            # half of one is none: everything is written again
            return None

    def _to_beside(self, store: Store, key: str) -> None:
        try:
            store.put(key, self._record())
        except (ClientError, BotoCoreError) as error:
            self.not_beside = remedied(error)

    def _from_beside(self) -> Any:
        if self.beside is None:
            return None
        store, key = self.beside
        try:
            found = store.read(key)
        except (ClientError, BotoCoreError, ConfigurationError) as error:
            # that on disk is what there is
            self.not_read = remedied(error)
            return None
        return found[0] if found else None


def _taken(record: Any, of: Mapping[str, str]) -> dict[str, Done]:
    """Return what a record says, nothing if it is none or of something else."""
    if not isinstance(record, dict) or record.get("of") != dict(of):
        return {}
    if record.get("version") != VERSION or not isinstance(record.get("files"), dict):
        return {}
    taken = {}
    for name, value in record["files"].items():
        match value:
            case [int(lines), bool(whole)] if lines >= 0:
                taken[name] = Done(lines, whole)
            case _:
                return {}
    return taken
