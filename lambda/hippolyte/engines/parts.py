"""A table that is too much for one worker is read by several: how they are named, and are one.

Each has its own execution and record, all have the orders of the first. Which segments each reads
follows from its name (`scan.table.Part`); that a table is whole is seen by the last of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hippolyte.engines.engine import JobState, JobStatus
from hippolyte.engines.workers import OVER, TableRecord

# of records that differ, the first of these is what the table is
_SHOWN = ("done", "failed", "finishing", "reading", "opening", "more", "read")


@dataclass(frozen=True, slots=True)
class PartStatus:
    """A table in one worker. `gone`: that worker is dead, `why`: of what."""

    worker: str
    known: TableRecord | None
    gone: bool
    why: str = ""

    @property
    def over(self) -> bool:
        """Whether nothing of it is left to be read here."""
        return self.known is not None and self.known.state in OVER


def joined(parts: Sequence[PartStatus], gone: bool = False) -> JobStatus:
    """Return how a table is that these workers read. `gone`: all of its batch are dead."""
    known = [part.known for part in parts if part.known]
    if not known:
        return JobStatus(JobState.WAITING)
    whole = summed(known)
    # whoever read it says so, or is no more: nothing of it is under way
    dead = all(part.over or part.gone for part in parts)
    state, error, finished = JobState.RUNNING, "", None
    lost = [part for part in parts if part.gone and not part.over]
    if whole.state in ("done", "failed"):
        state = JobState.SUCCEEDED if whole.state == "done" else JobState.FAILED
        error = whole.reason if state is JobState.FAILED else ""
        said = [one.at for one in known if one.state == whole.state and one.at]
        finished = min(said, default=None)
    elif lost and not gone:
        # without it the others' work leads nowhere; where all are gone the batch says what of
        why = f": {lost[0].why}" if lost[0].why else " before its part was read"
        state, error = JobState.CANCELLED, f"worker {lost[0].worker} ended{why}"
    return JobStatus(
        state=state,
        dead=dead and state is not JobState.RUNNING,
        error=error,
        started_at=whole.begun,
        finished_at=finished,
        progress_at=whole.at or whole.begun,
    )


def summed(known: Sequence[TableRecord]) -> TableRecord:
    """Return what some workers say of one table, as one; there is at least one."""
    if len(known) == 1:
        return known[0]
    first = min(known, key=lambda one: _SHOWN.index(one.state))
    return TableRecord(
        state=first.state,
        items=sum(one.items for one in known),
        text=sum(one.text for one in known),
        units=sum(one.units for one in known),
        files=sum(one.files for one in known),
        segments=sum(one.segments for one in known),
        ended=sum(one.ended for one in known),
        reason=first.reason or next((one.reason for one in known if one.reason), ""),
        begun=min((one.begun for one in known if one.begun), default=None),
        at=max((one.at for one in known if one.at), default=None),
    )
