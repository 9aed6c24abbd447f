"""What Data Pipeline, EMR and the export share: the world they need, their lock, their records."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from local.clock import Clock
    from local.faults import Faults
    from local.gate import Gate


@dataclass(frozen=True, slots=True)
class Consumption:
    """One export's reading of a table: from when to when, and how much it took.

    `read_units_per_second` is the rate the tool set itself; `read_capacity` is what DescribeTable
    said when it did (None: on-demand).
    """

    table: str
    account: str
    region: str
    start: datetime
    end: datetime
    read_units_per_second: float
    read_capacity: int | None


@dataclass(frozen=True, slots=True)
class RunningStep:
    """An export that reads a table right now, or is about to: its rate is set."""

    table: str
    account: str
    region: str
    start: datetime
    read_units_per_second: float
    read_capacity: int | None
    cluster_id: str
    step_id: str


class JobsWorld(Protocol):
    """What the job services need of a world.

    `lock` is held by each of their events and calls: the server answers in threads.
    """

    clock: Clock
    lock: AbstractContextManager[Any]
    account: str
    region: str
    gate: Gate
    iam_enforced: bool | None
    datapipeline_rates: bool
    emr_rates: bool
    faults: Faults
    consumption: list[Consumption]


def later(world: JobsWorld, seconds: float, event: Callable[[], object]) -> None:
    """Run `event` under the lock after `seconds` of virtual time."""

    def locked() -> None:
        with world.lock:
            event()

    world.clock.call_in(seconds, locked)


def naive_now(world: JobsWorld) -> datetime:
    """Return virtual UTC without a time zone, as moto keeps times."""
    return world.clock.now().astimezone(UTC).replace(tzinfo=None)


def may(
    world: JobsWorld,
    account: str,
    role: str,
    action: str,
    resource: str,
    context: Mapping[str, str] | None = None,
) -> bool:
    """Return whether `role` may do `action` on `resource` in this world."""
    if not world.iam_enforced:
        return not any(  # a test's `world.deny` counts all the same
            fnmatchcase(action, denied) and fnmatchcase(resource, arn)
            for denied, arn in world.gate.denied
        )
    from local import iam  # the parts of a world know each other only when they run

    return iam.allowed(world, account, role, action, resource, context or {})  # type: ignore[arg-type]


def trusts(world: JobsWorld, account: str, role: str, service: str, region: str) -> bool:
    """Return whether `role` lets an AWS service take it.

    EMR says on whose behalf it comes (EMR Management Guide, "Service role for Amazon EMR"); of
    Data Pipeline that is not confirmed, EC2 does not.
    """
    if not world.iam_enforced:
        return True
    from local import iam

    context = {}
    if service.startswith("elasticmapreduce."):
        context = {
            "aws:SourceAccount": account,
            "aws:SourceArn": f"arn:aws:elasticmapreduce:{region}:{account}:cluster/j-NEW",
        }
    return iam.trusts(account, role, service, context)


def describe_table(
    world: JobsWorld, account: str, region: str, table: str
) -> dict[str, Any] | None:
    """Return DescribeTable's `Table` as this world tells it, None when there is no such table."""
    from local import dynamodb

    return dynamodb.describe(world, account, region, table)  # type: ignore[arg-type]


def profile_role(account: str, partition: str, profile: str | None) -> str | None:
    """Return the role inside an instance profile (by name or ARN), None when there is none."""
    from moto.iam.models import iam_backends  # moto is slow to import

    name = (profile or "").rpartition("/")[2]
    for candidate in iam_backends[account][partition].instance_profiles.values():
        if candidate.name == name and candidate.roles:
            return str(candidate.roles[0].name)
    return None


def role_exists(account: str, partition: str, role: str) -> bool:
    """Return whether the account has this role (by name or ARN)."""
    from moto.iam.models import iam_backends

    name = role.rpartition("/")[2]
    return any(known.name == name for known in iam_backends[account][partition].roles.values())
