"""What a trial run on a cluster shows of the points that docs/emr.md marks as not verified."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

# EMR's own figure for an ordinary start is some minutes
CAME_UP_SECONDS = 900
# an eventually consistent read unit; and how long reading must take to say how fast it was
_UNIT_BYTES, _LONG_SECONDS = 8192, 60

ENDED = ("TERMINATED", "TERMINATED_WITH_ERRORS")
"""The states of a cluster that is gone."""

HELD, BROKEN, UNSEEN = "held", "broken", "not seen"
COLOURS = {HELD: "green", BROKEN: "red", UNSEEN: "yellow"}

_DENIED = ("AccessDenied", "not authorized", "UnauthorizedOperation", "is denied")
_QUOTA = ("vCPU", "VcpuLimitExceeded", "quota")


@dataclass(frozen=True, slots=True)
class Seen:
    """What was seen of a trial run; None: it was not seen.

    Attributes:
        verdict: the table's, of the report; empty: there is no report.
        trouble: what service and tool said of what went wrong, empty: nothing.
        created, ready, ended: the cluster's times.
        state: the cluster's last state.
        left_alone: the cluster ended without this command's doing.
        succeeded: the step has.
        logs: objects below the step's log.
        counted: items by the job's own counter.
        unreadable: why the backup cannot be read; empty: it was read.
        read: items that our reader found in the backup.
        live: items of the table by a consistent scan after the run.
        cost_usd: the plan's estimate.
        target: read units a second that the plan meant.
        rate: those that it came to, see `rate_of`.
    """

    verdict: str = ""
    trouble: str = ""
    created: datetime | None = None
    ready: datetime | None = None
    ended: datetime | None = None
    state: str = ""
    left_alone: bool = True
    succeeded: bool | None = None
    logs: int | None = None
    counted: int | None = None
    unreadable: str = ""
    read: int | None = None
    live: int | None = None
    cost_usd: float | None = None
    target: float | None = None
    rate: float | None = None


@dataclass(frozen=True, slots=True)
class Point:
    """A point of the document: its id there, whether it held, and what was seen."""

    id: str
    held: str
    said: str


def rate_of(size_bytes: int, seconds: float) -> float | None:
    """Return read units a second by a table's size and how long it was read; None: too short.

    The job's own start is not known but reckoned, so it is not exact; a small table is read within
    the start, by the tool's full bucket.
    """
    return size_bytes / _UNIT_BYTES / seconds if seconds >= _LONG_SECONDS else None


def rate_line(seen: Seen) -> str:
    """Return what is said of the rate; empty: nothing is known."""
    if seen.target is None:
        return ""
    if seen.rate is None:
        return f"rate: {seen.target:,.0f} read units/s meant; it was read too soon to say more"
    return f"rate: about {seen.rate:,.0f} read units/s, by size and time; {seen.target:,.0f} meant"


def points(seen: Seen) -> list[Point]:
    """Return what a trial says of each point, in the document's order."""
    return [Point(name, held, said) for name, held, said in _points(seen)]


def _points(seen: Seen) -> Iterator[tuple[str, str, str]]:
    yield "cluster-up", *_came_up(seen)
    short = _says(seen, _QUOTA)
    yield "vcpu-quota", _if(seen.ready, not short), seen.trouble if short else "EC2 gave the vCPUs"
    denied = _says(seen, _DENIED)
    whole = seen.verdict == "backed_up" and not denied
    known = True if whole or denied else None
    yield "roles", _if(known, whole), seen.trouble if denied else "no call was denied"
    ran = "the step ended well" if seen.succeeded else seen.trouble or "the step did not end well"
    yield "jar", _if(seen.succeeded, bool(seen.succeeded)), ran
    yield "log", _if(seen.logs, bool(seen.logs)), f"{seen.logs or 0} objects of the step's log"
    # a log without the counter says it is another tool's
    counters = seen.logs or None
    said = f"the job counted {_number(seen.counted)} items"
    yield "counters", _if(counters, seen.counted is not None), said
    tried = True if seen.unreadable or seen.read is not None else None
    told = seen.unreadable or f"our reader found {_number(seen.read)} items"
    yield "format", _if(tried, not seen.unreadable), told
    both = None if seen.read is None else seen.live
    equal = seen.read == seen.live and seen.counted in (None, seen.live)
    count = (
        f"{_number(seen.live)} live, {_number(seen.counted)} counted, {_number(seen.read)} read "
        "(a table that is written to meanwhile may differ)"
    )
    yield "items", _if(both, equal), count
    over = seen.state in ENDED
    how = "by itself" if seen.left_alone else "by this command"
    state = f"{seen.state or 'no cluster was seen'}, ended {how}" if over else seen.state
    yield "end", _if(seen.state or None, over and seen.left_alone), state or "no cluster was seen"


def _came_up(seen: Seen) -> tuple[str, str]:
    if seen.created is None or seen.ready is None:
        return (BROKEN, seen.trouble) if seen.trouble else (UNSEEN, "no cluster was seen ready")
    took = (seen.ready - seen.created).total_seconds()
    return _if(took, took <= CAME_UP_SECONDS), f"ready after {took / 60:.0f} minutes"


def _says(seen: Seen, words: tuple[str, ...]) -> bool:
    return any(word.lower() in seen.trouble.lower() for word in words)


def _if(known: object, holds: bool) -> str:
    """Return how a point is; what is known to be None was not seen."""
    if not holds and known is not None:
        return BROKEN
    return HELD if known is not None else UNSEEN


def _number(value: int | None) -> str:
    return "?" if value is None else f"{value:,}"
