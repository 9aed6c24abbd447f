"""Replaced attributes of moto that can be put back, and the one world they serve."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from local.world import World

_MISSING = object()
_current: list[World] = []


def current() -> World:
    """Return the running world (one per process at a time)."""
    if not _current:
        raise RuntimeError("no local AWS is running: enter World.in_process() or World.served()")
    return _current[-1]


def enter(world: World) -> None:
    """Make `world` the running one."""
    if _current:
        raise RuntimeError("a local AWS is already running in this process: leave it first")
    _current.append(world)


def leave() -> None:
    """Let no world run."""
    _current.clear()


class Patches:
    """Attributes replaced on moto's classes and modules, in order, and undone in reverse."""

    def __init__(self) -> None:
        self._undo: list[tuple[Any, str, Any]] = []

    def set(self, target: Any, name: str, value: Any) -> Any:
        """Replace `target.name` and return what was there (None if nothing was)."""
        own = vars(target).get(name, _MISSING)
        found = getattr(target, name, None)
        self._undo.append((target, name, own))
        setattr(target, name, value)
        return found

    def undo(self) -> None:
        """Put everything back."""
        while self._undo:
            target, name, old = self._undo.pop()
            if old is _MISSING:
                delattr(target, name)
            else:
                setattr(target, name, old)
