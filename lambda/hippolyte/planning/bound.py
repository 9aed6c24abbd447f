"""How few batches any packing needs: a certified lower bound.

All bounds are of bins with `capacity` seconds and `places` jobs each. That by large and small
pieces is L2 of Martello and Toth ("Lower bounds and reduction procedures for the bin packing
problem", 1990) with places counted as well; so is the reduction by which pairs are set aside. That
by two sizes is a weight function (a dual feasible one) of time and places together.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate, pairwise


def least_bins(seconds: Sequence[float], capacity: float, places: int) -> int:
    """Return how many bins are needed at least; no piece is longer than `capacity`."""
    pieces = sorted(seconds)
    if not pieces:
        return 0
    pairs, rest = _set_aside(pieces, capacity, places)
    return max(
        _by_size(pieces, capacity, places),
        pairs + max(_by_size(rest, capacity, places), _by_two_sizes(rest, capacity, places)),
    )


def _set_aside(
    pieces: Sequence[float], capacity: float, places: int
) -> tuple[int, Sequence[float]]:
    """Return how many bins can be given to the largest for certain, and what is left then.

    While the largest goes with one other at the most, no bin does better with it than the one
    with the largest that fits beside it.
    """
    gone = [False] * len(pieces)
    # the nearest below that is not gone; found anew from where it was last seen
    below = list(range(len(pieces)))

    def there(at: int) -> int:
        """Return the last piece up to `at` that is left, -1 if none is."""
        trail = []
        while at >= 0 and gone[at]:
            trail.append(at)
            at = below[at]
        for each in trail:
            below[each] = at
        return at

    bins, first = 0, 0
    largest = there(len(pieces) - 1)
    while largest >= 0:
        while gone[first]:
            first += 1
        second = first + 1
        while second < largest and gone[second]:
            second += 1
        three = pieces[largest] + pieces[first] + pieces[second] if second < largest else None
        if three is not None and three <= capacity and places > 2:
            break
        mate = there(bisect_right(pieces, capacity - pieces[largest], 0, largest) - 1)
        for at in (largest, mate if places > 1 else -1):
            if at >= 0:
                gone[at], below[at] = True, at - 1
        bins += 1
        largest = there(largest)
    return bins, [piece for piece, out in zip(pieces, gone, strict=True) if not out]


def _by_size(pieces: Sequence[float], capacity: float, places: int) -> int:
    """Return the bound by all pieces, and by the large ones with what goes beside them."""
    if not pieces:
        return 0
    upto = [0, *accumulate(pieces)]
    number, half = len(pieces), bisect_right(pieces, capacity / 2)
    least = max(_up(upto[-1], capacity), _up(number, places))
    # no two of those over a half share a bin; the smallest ones beside them, as many as go
    beside = sum(
        min(places - 1, bisect_right(upto, capacity - large, 0, half + 1) - 1)
        for large in pieces[half:]
    )
    each = min(places, bisect_right(upto, capacity) - 1)
    least = max(least, number - half + _up(max(0, half - beside), each))
    at = 0
    while at < half:
        # without all that is smaller: those too large to go with the rest have bins of their own
        smallest = pieces[at]
        alone = bisect_right(pieces, capacity - smallest, half)
        shared = alone - half
        seconds = upto[half] - upto[at] - (shared * capacity - upto[alone] + upto[half])
        more = max(_up(seconds, capacity), _up(half - at - shared * (places - 1), places), 0)
        least = max(least, number - half + more)
        at = bisect_right(pieces, smallest, at, half)
    return least


def _by_two_sizes(pieces: Sequence[float], capacity: float, places: int) -> int:
    """Return the bound as if all pieces were of two sizes: what binds is time and places at once.

    Large are those of which no bin holds as many as it has places; each piece counts as the
    smallest of its kind. What a bin can hold of both kinds is known then. If no such content weighs
    more than a bin, all pieces' weight is a bound: the linear program's dual, whose corners are
    the lines through two contents.
    """
    small = bisect_right(pieces, capacity / places)
    large = len(pieces) - small
    if not small or not large or pieces[0] <= 0:
        return 0
    long, short = pieces[small], pieces[0]
    most = min(places, int(capacity // long))
    # of the contents that a bin can have, those that a straight weight can make the heaviest
    corners: list[tuple[int, int]] = []
    for number in range(most + 1):
        beside = min(places - number, int((capacity - number * long) // short))
        while len(corners) > 1 and not _above(corners[-2], corners[-1], (number, beside)):
            corners.pop()
        corners.append((number, beside))
    least = 0
    for (first, beside), (second, others) in pairwise(corners):
        each, other = beside - others, second - first
        least = max(least, _up(each * large + other * small, each * first + other * beside))
    return least


def _above(left: tuple[int, int], middle: tuple[int, int], right: tuple[int, int]) -> bool:
    """Say whether the middle one of three points is above the line through the others."""
    (x, y), (u, v), (s, t) = left, middle, right
    return (v - y) * (s - x) > (t - y) * (u - x)


def _up(amount: float, each: float) -> int:
    """Return how many of `each` hold an amount."""
    return int(-(-amount // each))


def least_timelines(work: float, batches: int, window: float, pause: float, gap: float) -> int:
    """Return over how many timelines batches with so many seconds of work go at least.

    A timeline's batches have `pause` seconds each before their work, less a `gap` before the first.
    """
    return _up(work + batches * pause, window + gap)


def most_jobs(
    seconds: Sequence[float], timelines: int, places: int, window: float, pause: float, gap: float
) -> int:
    """Return how many of the first jobs, as they are given, may have time at the most."""
    most = 0
    for number, work in enumerate(accumulate(seconds), 1):
        if least_timelines(work, _up(number, places), window, pause, gap) > timelines:
            break
        most = number
    return most
