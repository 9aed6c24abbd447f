"""What is open in each of a deployment's places: its present one, and those it wrote to before."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta

from botocore.exceptions import BotoCoreError, ClientError

from hippolyte import clock
from hippolyte.errors import ConfigurationError, HippolyteError
from hippolyte.night import late_exports
from hippolyte.night.one_pass import Pass
from hippolyte.night.tell_programs import LEFT, TOLD
from hippolyte.records.ledger import Ledger
from hippolyte.records.places import Place
from hippolyte.records.runs import is_open, start_of

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class Sight:
    """A place as one pass sees it: its runs of the last days with their records, its open leases.

    The leases are the pass's own, `p.held`.
    """

    p: Pass
    recent: dict[str, set[str]]
    closed: set[str] = field(default_factory=set)

    @property
    def still_open(self) -> set[str]:
        """The runs that have begun and are not closed."""
        return {run for run, names in self.recent.items() if is_open(names)} - self.closed

    @property
    def wanted(self) -> set[str]:
        """The runs to be taken a step on: a lease keeps its run in sight however old it is.

        So does, of the last days, one whose giving back programs may not have heard of.
        """
        untold = {run for run, names in self.recent.items() if LEFT in names and TOLD not in names}
        return self.still_open | untold | {held.lease.run_id for held in self.p.held.values()}

    @property
    def done(self) -> bool:
        """Whether the place may be forgotten: nothing is open, and no night is delivered again.

        One in which exports go on after their night is kept as long as they are looked for.
        """
        window = timedelta(seconds=self.p.settings.window_seconds)
        begun = [run for run, names in self.recent.items() if "plan.json" in names]
        if self.p.late or any(late_exports.RECORD in names for names in self.recent.values()):
            return False
        if self.p.leases.damaged:
            return False
        return not self.wanted and all(start_of(run) + window <= clock.now() for run in begun)

    @property
    def left_raised(self) -> int:
        """How many tables are raised by a run that is over."""
        return sum(h.lease.run_id not in self.still_open for h in self.p.held.values())

    @property
    def raised_units(self) -> int:
        """By how many read capacity units a second tables are raised."""
        return sum(h.lease.target - h.lease.before for h in self.p.held.values())

    @property
    def says(self) -> str:
        """What is open here, in words; empty if nothing is."""
        found = (("raised", self.p.held), ("open", self.still_open))
        return "; ".join(f"{what} {', '.join(sorted(names))}" for what, names in found if names)


def see(p: Pass, recent: dict[str, set[str]]) -> Sight:
    """Look at the open leases of a pass's place, beside its runs."""
    p.held = p.leases.all_open()
    return Sight(p, recent)


def see_others(p: Pass, others: Iterable[Pass]) -> list[Sight]:
    """Look at places that were written to before; one that cannot be read is told, and left."""
    found: list[Sight] = []
    for other in others:
        try:
            found.append(see(other, other.runs.recent(clock.now())))
        except (HippolyteError, ClientError, BotoCoreError) as error:
            told = unseen(Place.of(other.settings), error)
            _log.exception("%s", told)
            p.unseen.append(told)
            p.failures.append(ConfigurationError(told))
    for sight in found:
        if sight.says:
            p.elsewhere.append(f"{Place.of(sight.p.settings).url}, written to before: {sight.says}")
    return found


def unseen(place: Place, error: Exception) -> str:
    """Say what it means that a place that was written to before cannot be read, and what to do."""
    return (
        f"{place.url}, where this deployment wrote before, cannot be read, and something may be "
        f"left raised there: {error}. Apply the module again, which lets its roles at that place; "
        'if the bucket is gone, see "A place that is gone" in docs/operations.md'
    )


def ledgers(p: Pass, runs: Iterable[str]) -> list[Ledger]:
    """Read the ledgers of runs; one that cannot be read is left to the monitor's step to tell."""
    found: list[Ledger] = []
    for run_id in runs:
        try:
            run = p.runs.open(run_id)
        except (HippolyteError, ClientError, BotoCoreError):
            _log.exception("run %s of %s", run_id, Place.of(p.settings).url)
            continue
        if run:
            found.append(run.ledger)
    return found


def undecided(sights: Iterable[Sight]) -> set[str]:
    """Return the tables that the open runs of some places have not done with."""
    read = [ledger for sight in sights for ledger in ledgers(sight.p, sight.still_open)]
    return {table for ledger in read for table in ledger.undecided}


def set_apart(sights: Iterable[tuple[Pass, Iterable[str]]]) -> None:
    """Let the passes of several places know what exports of the others' open runs read.

    It matters where a place could not be read for a while, and so a night took a table that is
    raised there for an ordinary one.
    """
    read = [
        (p, {t for each in ledgers(p, runs) for t, e in each.tables.items() if e.exporting})
        for p, runs in sights
    ]
    for p, _ in read:
        p.read_elsewhere = {table for q, tables in read if q is not p for table in tables}


def raised_elsewhere(sight: Sight, sights: Iterable[Sight]) -> set[str]:
    """Return the tables that have an open lease in another place."""
    return {table for other in sights if other is not sight for table in other.p.held}
