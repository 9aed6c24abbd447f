"""Which steps of a cluster are asked about, and what is known of a batch's jobs by them.

The handle keeps it: `steps`, the [id, job] of jobs that are not over, in EMR's order, and `told`,
job -> [state, end] of those that are. One of a cluster's steps runs at a time, in their order: what
comes after one that lives has not begun, nor has, once the cluster is gone, what comes after ten
that have not.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hippolyte.engines.cluster import step_time
from hippolyte.engines.emr_calls import ENDED, IDS_AT_ONCE, EmrCalls, Status, Step
from hippolyte.engines.engine import Handle, LimitError
from hippolyte.engines.export_job import job_number

if TYPE_CHECKING:
    from mypy_boto3_emr import EMRClient

Told = tuple[str, str | None]

_LIVING = ("PENDING", "RUNNING", "CANCEL_PENDING")
_OVER = ("COMPLETED", "FAILED", "CANCELLED", "INTERRUPTED")
# in them a cluster runs no step
_STARTING = ("STARTING", "BOOTSTRAPPING")


@dataclass(frozen=True, slots=True)
class Looked:
    """What one look has shown.

    Attributes:
        steps: of each job that was not over before, the newest first.
        told: state and end of the steps of each job that was.
        complete: no job is missing for want of calls.
    """

    steps: Mapping[int, Sequence[Step]]
    told: Mapping[int, Told]
    complete: bool = True

    @property
    def states(self) -> list[str]:
        """The states of all steps."""
        seen = [step["Status"]["State"] for steps in self.steps.values() for step in steps]
        return [state for state, _ in self.told.values()] + seen


def known(handle: Handle) -> set[int]:
    """Return the jobs that are known to have a step."""
    return {number for _, number in handle.get("steps", ())} | _told(handle).keys()


def note(handle: Handle, steps: Sequence[tuple[str, int]]) -> None:
    """Take note of steps that were added: ids and jobs, in their order."""
    handle["steps"] = [*handle.get("steps", ()), *(list(step) for step in steps)]


def learn(calls: EmrCalls, emr: EMRClient, handle: Handle, jobs: int) -> list[Step]:
    """List all steps of a cluster, and take note of those not known; return them, newest first."""
    listed = calls.all_steps(emr, handle["cluster"], jobs)
    told = _told(handle)
    named = [(step["Id"], job_number(step["Name"].split(" ")[0])) for step in reversed(listed)]
    handle["steps"] = [[i, n] for i, n in named if n is not None and n not in told]
    return listed


def look(
    calls: EmrCalls,
    emr: EMRClient,
    handle: Handle,
    status: Status,
    jobs: int,
    doubt: Collection[int],
) -> Looked:
    """Look how the jobs of a batch's cluster are, and take note of those that are over.

    `doubt`: jobs of which nobody knows whether a step was added.
    """
    told, found = _told(handle), dict[str, Step]()
    starting, rest = status["State"] in _STARTING, None
    try:
        if "steps" not in handle or not known(handle).issuperset(doubt):
            found = {step["Id"]: step for step in learn(calls, emr, handle, jobs)}
        elif starting:
            rest = "PENDING"
        else:
            rest = _in_order(calls, emr, handle, status["State"] in ENDED, found)
    except LimitError:
        if not starting or doubt:
            return _noted(handle, Looked(_by_job(handle, found, None), told, complete=False))
    return _noted(handle, Looked(_by_job(handle, found, rest), told))


def _in_order(
    calls: EmrCalls, emr: EMRClient, handle: Handle, gone: bool, found: dict[str, Step]
) -> str:
    """Ask about the oldest steps, up to one that lives; return the state of all others."""
    ids = [step_id for step_id, _ in handle["steps"]]
    for first in range(0, len(ids), IDS_AT_ONCE):
        steps = calls.steps(emr, handle["cluster"], ids[first : first + IDS_AT_ONCE])
        found.update({step["Id"]: step for step in steps})
        if any(step["Status"]["State"] in _LIVING for step in steps):
            return "PENDING"
        if gone and not any(_began(step) for step in steps):
            return "CANCELLED"
    return "PENDING"


def _began(step: Step) -> bool:
    state, timeline = step["Status"]["State"], step["Status"].get("Timeline", {})
    return state != "CANCELLED" or bool(timeline.get("StartDateTime"))


def _by_job(handle: Handle, found: Mapping[str, Step], rest: str | None) -> dict[int, list[Step]]:
    """Return the steps by job, the newest first; jobs with one that is not known are left out."""
    jobs: dict[int, list[Step]] = {}
    missing: set[int] = set()
    for step_id, number in reversed(handle.get("steps", ())):
        step = found.get(step_id) or (rest and {"Id": step_id, "Status": {"State": rest}})
        if step:
            jobs.setdefault(number, []).append(step)
        else:
            missing.add(number)
    return {number: steps for number, steps in jobs.items() if number not in missing}


def _noted(handle: Handle, looked: Looked) -> Looked:
    """Take note of the jobs that are over: they are told of this once, and not asked about again.

    One whose steps ended in several ways is: a later one may have left something that reads on.
    """
    over: dict[str, Told] = {}
    for number, steps in looked.steps.items():
        states = {step["Status"]["State"] for step in steps}
        if len(states) == 1 and states <= set(_OVER):
            over[str(number)] = states.pop(), step_time(steps[0], "EndDateTime")
    if over:
        handle["told"] = {**handle.get("told", {}), **{n: list(t) for n, t in over.items()}}
        handle["steps"] = [[i, n] for i, n in handle["steps"] if str(n) not in over]
    return looked


def _told(handle: Handle) -> dict[int, Told]:
    told: Mapping[str, Any] = handle.get("told", {})
    return {int(number): (state, end) for number, (state, end) in told.items()}
