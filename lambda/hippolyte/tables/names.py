"""How many tables a sentence names."""

from __future__ import annotations

from collections.abc import Sequence

NAMED = 10
"""A warning or alert names this many tables."""


def first_names(names: Sequence[str], of: int | None = None) -> str:
    """Return the first names, and how many more there are.

    `of`: how many there are in all; None: as many as names are given.
    """
    more = (len(names) if of is None else of) - NAMED
    return ", ".join(names[:NAMED]) + (f" and {more} more" if more > 0 else "")
