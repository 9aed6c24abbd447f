"""What Data Pipeline, EMR and the export share: the world they need, their lock, their records."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Protocol

from local.core.consumption import Consumption

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from local.core.clock import Clock
    from local.core.faults import Faults
    from local.core.gate import Gate


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
