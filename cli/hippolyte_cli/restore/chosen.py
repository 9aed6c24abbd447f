"""Which items a restore is of, what is written of each, and how many are past their time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from hippolyte import clock
from hippolyte.exports.lines import Item
from hippolyte.exports.reader import Backup
from hippolyte_cli.masking.change import Change
from hippolyte_cli.restore.answers import past_ttl
from hippolyte_cli.restore.part import Condition


@dataclass
class Chosen:
    """What is chosen of a backup's items.

    Attributes:
        conditions: all must hold of an item as the backup has it.
        change: makes of it what is written; None: it is written as it is.
        ttl: the attribute of the time to live that is to be turned on; None: none.
        past: items so far that it would delete.
    """

    conditions: Sequence[Condition]
    change: Change | None = None
    ttl: str | None = None
    now: datetime = field(default_factory=clock.now)
    past: int = 0

    @property
    def where(self) -> Callable[[Item], bool] | None:
        """Return what says whether an item is chosen; None: all are."""
        return self._is_chosen if self.conditions or (self.ttl and not self.change) else None

    @property
    def made(self) -> Callable[[Item], Item] | None:
        """Return what makes of an item what is written; None: it is written as it is."""
        return self._made if self.change else None

    def count_past(self, backup: Backup) -> None:
        """Count `past` anew, over all of a backup."""
        self.past = 0
        for item in backup.items():
            if all(holds(item) for holds in self.conditions):
                self._count(self.change.look(item) if self.change else item)

    def _is_chosen(self, item: Item) -> bool:
        chosen = all(holds(item) for holds in self.conditions)
        if chosen and not self.change:
            self._count(item)
        return chosen

    def _made(self, item: Item) -> Item:
        assert self.change
        made = self.change(item)
        self._count(made)
        return made

    def _count(self, item: Item) -> None:
        self.past += bool(self.ttl) and past_ttl(item, self.ttl or "", self.now)
