"""As many of a row as go together."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

_T = TypeVar("_T")

# of so many one more or less is not looked for: gaps are filled anyway
_PRECISION = 500


def most_first(first: Callable[[int], _T | None], most: int) -> tuple[_T | None, int]:
    """Return what `first` makes of as many of the first as go together, and of how many it is.

    `first` has an answer for some number if it has one for a larger one, or nearly so; it is asked
    in the logarithm of `most`, which is the most that may go.
    """
    best, fit, over = None, 0, most + 1
    step = most // _PRECISION
    number, back = most, step + 1
    # down in growing steps, then between what goes and what does not
    while over - fit > 1 + step * (fit > 0):
        if found := first(number):
            best, fit = found, number
        else:
            over = number
        number = (fit + over) // 2 if fit else max(1, over - back)
        back *= 2
    return best, fit
