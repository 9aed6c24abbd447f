"""What an engine is: it launches a batch's exports, tells how they are, ends them, cleans up."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

from botocore.exceptions import ClientError

from hippolyte.errors import EngineError
from hippolyte.planning.plan import Job

Handle = dict[str, Any]
"""What an engine needs to find a batch again; kept in the ledger, so plain JSON values."""


class JobState(StrEnum):
    """How a job is, as the engine tells it."""

    WAITING = "waiting"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class JobStatus:
    """One job. `dead` is certain: it has succeeded, or its host is gone.

    `progress_at`: when it last read something; None: the engine does not say.
    """

    state: JobState
    dead: bool = False
    error: str = ""
    log: str = ""
    started_at: str | None = None
    finished_at: str | None = None
    progress_at: str | None = None


@dataclass(frozen=True, slots=True)
class BatchStatus:
    """One batch. `jobs` is by the job's number in the batch; a job not named there waits."""

    jobs: Mapping[int, JobStatus] = field(default_factory=dict)
    # what runs the jobs, as the service calls it
    host_id: str | None = None
    # no host of the batch is left, and none will come
    gone: bool = False
    # the host failed or was taken away, with the reason
    failure: str = ""
    paused: bool = False
    # the host still waits for its machines, which is worth so many seconds; None: it does not
    start_patience: int | None = None
    # False: the service was not asked about the jobs that are not named, for its rate's sake, so
    # that nothing is known of them; another pass asks
    asked: bool = True


@dataclass(frozen=True, slots=True)
class Launch:
    """A batch as the engine is told of it: `outputs` are the jobs' S3 directories.

    A ratio of None: the job is not to be started yet.
    """

    run_id: str
    batch_id: str
    jobs: Sequence[Job]
    ratios: Sequence[float | None]
    outputs: Sequence[str]
    # the engine is to end by itself what runs on after it
    deadline: datetime
    # how often this was tried before: another try may go elsewhere
    attempt: int = 0
    # ids of the exports, of an engine whose exports have some
    scans: Sequence[str] = ()
    # of tables that are raised by now: what they had, and what they were given
    raised: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    # hosts that a batch may have side by side
    workers: int = 1
    # the window's start: what an engine that can choose its moment exports as of
    moment: datetime | None = None


class DefinitionError(EngineError):
    """When the engine refuses a definition; `by_job` holds the faults of single jobs."""

    def __init__(self, message: str, by_job: Mapping[int, str] | None = None) -> None:
        super().__init__(message)
        self.by_job = dict(by_job or {})


class LimitError(EngineError):
    """When a limit or the call rate is met: try again when something has ended."""


def refusal(call: str, error: ClientError, handle: Handle | None = None) -> EngineError:
    """Return what a service's refusal means: a limit that passes, or a fault that stays."""
    code, message = error.response["Error"]["Code"], error.response["Error"].get("Message", "")
    text = f"{call}: {code}: {message}"
    busy = code.startswith("Throttl") or code in ("LimitExceededException", "RequestLimitExceeded")
    if busy or "limit" in message.lower() or "rate exceeded" in message.lower():
        return LimitError(text, handle)
    return EngineError(text, handle)


def may_be_taken(error: ClientError) -> bool:
    """Say whether a call that failed may have been carried out all the same."""
    # EMR's model does not say its internal errors' status
    internal = error.response["Error"]["Code"].startswith("Internal")
    return internal or error.response["ResponseMetadata"].get("HTTPStatusCode", 500) >= 500


class Engine(Protocol):
    """An engine. All calls but `start` and `add` may be repeated."""

    @property
    def name(self) -> str:
        """As the setting `engine` names it."""
        ...

    @property
    def tables_per_batch(self) -> int:
        """The most tables a batch may have."""
        ...

    @property
    def ordered(self) -> bool:
        """Whether a batch's jobs run in the order given."""
        ...

    @property
    def raises_per_job(self) -> bool:
        """Whether a job can be added to a running batch, so its table is raised in its turn."""
        ...

    def prepare(self, launch: Launch) -> Handle:
        """Tell the engine of a batch and let it check it; nothing runs yet."""
        ...

    def start(self, handle: Handle, launch: Launch) -> None:
        """Start a prepared batch. Not idempotent: an intent is on record first."""
        ...

    def add(self, handle: Handle, launch: Launch, numbers: Sequence[int]) -> None:
        """Start further jobs of a running batch, by number; an intent is on record first."""
        ...

    def finish(self, handle: Handle) -> None:
        """Say that no job comes any more: the host may end."""
        ...

    def started(self, handle: Handle) -> bool:
        """Say whether a batch was ever started."""
        ...

    def poll(self, handle: Handle, jobs: int, doubt: Collection[int] = ()) -> BatchStatus:
        """Tell how the batch's jobs and their host are.

        `doubt`: numbers of jobs of which nobody knows whether they were added.
        """
        ...

    def cancel(self, handle: Handle) -> None:
        """End a batch's host, and with it whatever it still reads; may be asked again."""
        ...

    def clean_up(self, handle: Handle) -> None:
        """Remove what the engine keeps of a batch; its evidence is in the ledger."""
        ...
