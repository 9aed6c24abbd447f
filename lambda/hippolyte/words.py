"""Words that every room needs: a number with its noun."""

from __future__ import annotations


def count_of(number: int, noun: str) -> str:
    """Return a number with its noun: `1 table`, `2,500 tables`, `3 indexes`."""
    ending = "es" if noun.endswith("x") else "s"
    return f"{number:,} {noun}{'' if number == 1 else ending}"
