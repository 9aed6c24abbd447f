"""An application that reads a table beside a backup, evenly over its keys, in virtual time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from moto.dynamodb.models import dynamodb_backends

from local.core.aws import later
from local.dynamodb import metering

if TYPE_CHECKING:
    from local.core.aws import Aws

_SLACK = 1e-6


@dataclass
class Application:
    """Reads `rate(seconds since its start)` units/s until it is stopped or the table is gone.

    It asks once a second for all of that second, and does not ask again for what it did not get.
    The world's `live_capacity` must be on.

    Attributes:
        served: units it got, of all it asked for.
        asked: units it asked for.
        throttled: when it got less than it asked for.
    """

    world: Aws
    table: str
    rate: Callable[[float], float]
    served: float = 0.0
    asked: float = 0.0
    throttled: list[datetime] = field(default_factory=list)
    running: bool = True

    def __post_init__(self) -> None:
        if not self.world.live_capacity:
            raise ValueError("set the world's live_capacity first: nothing would be throttled")
        self._start = self.world.clock.now()
        self._second()

    def stop(self) -> None:
        """Ask for nothing more."""
        self.running = False

    def _second(self) -> None:
        world = self.world
        table = dynamodb_backends[world.account][world.region].tables.get(self.table)
        if not self.running or table is None:
            return
        now = world.clock.now()
        units = self.rate((now - self._start).total_seconds())
        got = metering.spread(world, table, units)
        self.asked += units
        self.served += got
        if got < units - _SLACK:
            self.throttled.append(now)
        later(world, 1, self._second)
