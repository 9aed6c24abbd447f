"""What an undo is to do, on disk: written while the two are compared, gone by once it is agreed to.

`changes.jsonl` holds a change a line. `agreed.json` beside it says that it is agreed to, with all
that must stay the same when it is gone on with; without it nothing has been written to the table.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from datetime import datetime
from itertools import islice
from pathlib import Path

from hippolyte.errors import ConfigurationError, HippolyteError
from hippolyte_cli.troubles import of_file
from hippolyte_cli.undo.change import Change

_CHANGES, _AGREED = "changes.jsonl", "agreed.json"
_FORM = 1
# of text, in memory for each that is under way
_BATCH_BYTES = 1 << 20
# of each kind, that are shown
EXAMPLES = 20


class PlanError(HippolyteError):
    """When a plan cannot be kept on disk."""


@dataclass(frozen=True, slots=True)
class Agreed:
    """What was agreed to.

    Attributes:
        made: when it was shown.
        kept_in: where the items that are replaced or deleted are kept.
        kept: how many those are.
        changes: how many there are, by what is done.
        units: write capacity units that they cost, without indexes'.
    """

    made: datetime
    kept_in: str
    kept: int
    changes: dict[str, int]
    units: int

    @property
    def count(self) -> int:
        """How many changes there are."""
        return sum(self.changes.values())


@dataclass
class Counts:
    """What was found while a plan was written.

    Attributes:
        changes: by what is done.
        units: write capacity units.
        read_units: read capacity units.
        kept: changes of items that are there.
        examples: the first of each kind.
    """

    changes: Counter[str] = field(default_factory=Counter)
    units: int = 0
    read_units: int = 0
    kept: int = 0
    examples: dict[str, list[Change]] = field(default_factory=dict)

    def add(self, change: Change) -> None:
        """Count a change."""
        self.changes[change.do] += 1
        self.units += change.units
        self.read_units += change.read_units
        self.kept += change.was is not None
        some = self.examples.setdefault(change.do, [])
        if len(some) < EXAMPLES:
            some.append(change)


@dataclass(frozen=True, slots=True)
class Plan:
    """A plan in a folder, which is for nobody else's eyes: it holds items."""

    folder: Path

    @property
    def path(self) -> Path:
        """The file of the changes."""
        return self.folder / _CHANGES

    def write(self, changes: Iterable[Change]) -> Counts:
        """Write changes in place of what is there; return what they are.

        Raises:
            PlanError: the disk will not have them.
        """
        counts = Counts()
        # not around the changes: they are being compared meanwhile, and fail by themselves
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            file = os.fdopen(os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb")
        except OSError as error:
            raise self._full(error) from error
        with file:
            for change in changes:
                counts.add(change)
                try:
                    file.write(change.line())
                except OSError as error:
                    raise self._full(error) from error
            try:
                file.flush()
                os.fsync(file.fileno())
            except OSError as error:
                raise self._full(error) from error
        return counts

    def changes(self) -> Iterator[Change]:
        """Yield all changes."""
        with self.path.open("rb") as file:
            yield from map(Change.of, file)

    def batches(self, first: int, most: int) -> Iterator[list[Change]]:
        """Yield the changes from a number on, so many together, or fewer of large items."""
        batch: list[Change] = []
        size = 0
        with self.path.open("rb") as file:
            for line in islice(file, first, None):
                if batch and (len(batch) == most or size + len(line) > _BATCH_BYTES):
                    yield batch
                    batch, size = [], 0
                batch.append(Change.of(line))
                size += len(line)
        if batch:
            yield batch

    def agree(self, agreed: Agreed) -> None:
        """Note that it is agreed to."""
        record = {**asdict(agreed), "made": agreed.made.isoformat(), "form": _FORM}
        aside = self.folder / f"{_AGREED}.new"
        try:
            with aside.open("w", encoding="utf-8") as file:
                json.dump(record, file)
                file.flush()
                os.fsync(file.fileno())
            aside.replace(self.folder / _AGREED)
        except OSError as error:
            raise self._full(error) from error

    def agreed(self) -> Agreed | None:
        """Return what was agreed to, None: nothing yet.

        Raises:
            ConfigurationError: another version wrote it.
        """
        try:
            record = json.loads((self.folder / _AGREED).read_bytes())
        except FileNotFoundError:
            return None
        if record.pop("form") != _FORM:
            raise ConfigurationError(
                f"{self.folder} holds an undo of another version: end it with that one, or remove "
                "the folder to forget it"
            )
        return Agreed(**{**record, "made": datetime.fromisoformat(record["made"])})

    def _full(self, error: OSError) -> PlanError:
        return PlanError(
            f"what is to be put back cannot be written to {self.folder}: "
            f"{of_file(error)}. Make room there, and run it again"
        )
