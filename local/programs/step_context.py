"""What a step's program is given, and what it answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from local.core import aws
from local.programs.hadoop_fs import FileSystem
from local.s3.as_role import RoleS3

EXPORT_CLASSES = frozenset({"org.apache.hadoop.dynamodb.tools.DynamoDBExport"})


AWS_BUCKET, EMR_BUCKET = "dynamodb-dpl-", "elasticmapreduce"
"""How the names of AWS's own buckets begin and end; they are not in the local S3."""


@dataclass(frozen=True, slots=True)
class StepContext:
    """Where a step runs."""

    world: aws.Aws
    account: str
    partition: str
    region: str
    cluster_id: str
    step_id: str
    role: str
    log_uri: str | None
    jar: str
    args: tuple[str, ...]
    s3a: bool = False
    # mappers that run at once
    slots: int = 1

    @property
    def s3(self) -> RoleS3:
        """S3 as the cluster's role may use it."""
        return RoleS3(self.world, self.account, self.partition, self.role)

    @property
    def files(self) -> FileSystem:
        """The file system over it."""
        return FileSystem(self.s3, self.s3a)


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a step ended; `reason`, `message` and `log_file` are EMR's FailureDetails."""

    succeeded: bool
    reason: str = ""
    message: str = ""
    log_file: str = ""


class Program(Protocol):
    """A running program."""

    def lose_nodes(self, *, every: bool) -> None:
        """Lose every node it works on, or some: then their tasks begin again."""

    def stop(self) -> None:
        """End it now, without a word to whoever waits for its outcome."""


Done = Callable[[Outcome], None]
