"""EventBridge Scheduler in virtual time."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from local.world import World


class Schedules:
    """The schedules of a world."""

    def __init__(self, world: World) -> None:
        self._world = world


def install(world: World) -> None:
    """Nothing yet."""


def uninstall() -> None:
    """Nothing yet."""
