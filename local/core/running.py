"""The world that runs in this process."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from local.core.aws import Aws


_current: list[Aws] = []


def current() -> Aws:
    """Return the running world (one per process at a time)."""
    if not _current:
        raise RuntimeError("no local AWS is running: enter World.in_process() or World.served()")
    return _current[-1]


def enter(world: Aws) -> None:
    """Make `world` the running one."""
    if _current:
        raise RuntimeError("a local AWS is already running in this process: leave it first")
    _current.append(world)


def leave() -> None:
    """Let no world run."""
    _current.clear()
