"""What tables are called: by AWS, and in sentences."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hippolyte.settings import Settings

NAMED = 10
"""A warning or alert names this many tables."""


def table_arn(settings: Settings, name: str) -> str:
    """Return a table's ARN."""
    s = settings
    return f"arn:{s.partition}:dynamodb:{s.region}:{s.account}:table/{name}"


def first_names(names: Sequence[str], of: int | None = None) -> str:
    """Return the first names, and how many more there are.

    `of`: how many there are in all; None: as many as names are given.
    """
    more = (len(names) if of is None else of) - NAMED
    return ", ".join(names[:NAMED]) + (f" and {more:,} more" if more > 0 else "")
