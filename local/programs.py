"""What a step of a cluster runs: the way EMR hands a step to a program and hears how it ended."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from local import jobs
from local.s3direct import Denied, RoleS3, split_url

EXPORT_CLASSES = frozenset({"org.apache.hadoop.dynamodb.tools.DynamoDBExport"})
TRIVIAL_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class StepContext:
    """Where a step runs."""

    world: jobs.JobsWorld
    account: str
    partition: str
    region: str
    cluster_id: str
    step_id: str
    role: str
    log_uri: str | None
    jar: str
    args: tuple[str, ...]

    @property
    def s3(self) -> RoleS3:
        """S3 as the cluster's role may use it."""
        return RoleS3(self.world, self.account, self.partition, self.role)


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a step ended; `reason`, `message` and `log_file` are EMR's FailureDetails."""

    succeeded: bool
    reason: str = ""
    message: str = ""
    log_file: str = ""


class Program(Protocol):
    """A running program."""

    def stop(self) -> None:
        """End it now, without a word to whoever waits for its outcome."""


Done = Callable[[Outcome], None]


class Ends:
    """A program that does nothing and ends after a while."""

    def __init__(self, context: StepContext, done: Done, outcome: Outcome) -> None:
        self._stopped = False
        self._done = done
        self._outcome = outcome
        jobs.later(context.world, TRIVIAL_SECONDS, self._end)

    def _end(self) -> None:
        if not self._stopped:
            self._done(self._outcome)

    def stop(self) -> None:
        """End it now."""
        self._stopped = True


def start(context: StepContext, done: Done) -> Program:
    """Start the program a step names."""
    from local.export import Export  # the export knows this module

    if context.jar in {"command-runner.jar", "script-runner.jar"}:
        return Ends(context, done, Outcome(succeeded=True))
    if context.jar.startswith("s3"):
        try:
            context.s3.may_read(*split_url(context.jar))
        except Denied as denied:
            message = f"Could not fetch the jar {context.jar}: {denied}"
            return Ends(context, done, Outcome(False, "Unknown Error.", message))
    if context.args and context.args[0] in EXPORT_CLASSES:
        return Export(context, done)
    missing = context.args[0] if context.args else "no class given"
    message = f'Exception in thread "main" java.lang.ClassNotFoundException: {missing}'
    return Ends(context, done, Outcome(False, "Main Class not found.", message))
