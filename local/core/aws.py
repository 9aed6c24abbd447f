"""What a service of the local AWS asks of the world it runs in, and events under its lock."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections import Counter
    from contextlib import AbstractContextManager

    from local.core.clock import Clock
    from local.core.consumption import Consumption
    from local.core.faults import Faults
    from local.core.gate import Gate
    from local.core.principal import Principal


@dataclass
class Limits:
    """DynamoDB quotas as DescribeLimits gives them (capacity units per table, per account).

    `changing_tables` is how many tables of an account may be in a change at once (API Reference,
    LimitExceededException; lower in the past); `concurrent_executions` how many invocations an
    account may have running in a region (Lambda quotas).
    """

    table_read: int = 40_000
    table_write: int = 40_000
    account_read: int = 80_000
    account_write: int = 80_000
    changing_tables: int = 500
    concurrent_executions: int = 1000


class Aws(Protocol):
    """The world as its services see it; `local.world.World` is one."""

    clock: Clock
    account: str
    region: str
    gate: Gate
    faults: Faults
    limits: Limits
    datapipeline_rates: bool
    """Whether Data Pipeline's call rates hold."""
    emr_rates: bool
    live_capacity: bool
    """Whether reads are held to a table's capacity, and auto scaling reacts to them."""
    consumption: list[Consumption]
    problems: list[str]
    """What went wrong unseen, in words: a delivery refused, a message dropped."""
    principals: dict[str, Principal]
    """Role sessions by access key id."""
    granted: Counter[tuple[str, str]]
    """How often a role was let do an action."""
    endpoint_url: str | None
    """Where the world is served; None in process."""

    @property
    def lock(self) -> AbstractContextManager[Any]:
        """Held by each event and call of the job services: the server answers in threads."""
        ...

    def callers_time(self, headers: Mapping[str, str]) -> datetime:
        """Return the virtual time of whoever sent a request: an invocation has its own."""
        ...

    @property
    def iam_enforced(self) -> bool:
        """Whether roles are held to their policies."""
        ...


def later(world: Aws, seconds: float, event: Callable[[], object]) -> None:
    """Run `event` under the lock after `seconds` of virtual time."""

    def locked() -> None:
        with world.lock:
            event()

    world.clock.call_in(seconds, locked)


def naive_now(world: Aws) -> datetime:
    """Return virtual UTC without a time zone, as moto keeps times."""
    return world.clock.now().astimezone(UTC).replace(tzinfo=None)
