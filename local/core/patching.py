"""Replaced attributes of moto that can be put back."""

from __future__ import annotations

from typing import Any

_MISSING = object()


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
