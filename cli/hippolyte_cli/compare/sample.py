"""`--sample`: the same segments of both sides, for segments are ranges of a table's keys. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from math import gcd

from hippolyte.errors import ConfigurationError
from hippolyte.exports import native
from hippolyte.scan.table import Part
from hippolyte_cli.compare.sides import Side

# of two live tables
_SEGMENTS = 100


def segments_of(side: Side) -> int:
    """Return by how many segments a backup was read.

    Raises:
        ConfigurationError: it was not read by segments that can be told.
    """
    places = [native.parse_data_name(_name(file.name)) for file in side.backup.files]
    if not places or None in places:
        raise ConfigurationError(
            f"--sample: {side.name} does not lie by segments, as backups of the engine lambda and "
            "of `hippolyte export` do: compare the whole"
        )
    return 1 + max(place[0] for place in places if place)


def part_of(counts: Sequence[int], percent: float, seed: int) -> tuple[Part, int]:
    """Return which part of their segments is compared, and the segments of a live table.

    Args:
        counts: of the segments of the sides that are backups.
        percent: of a table, that is wanted.
        seed: chooses which.

    Raises:
        ConfigurationError: no part of one is the same part of the other.
    """
    common = gcd(*counts) if counts else _SEGMENTS
    most = max(1, int(100 / percent))
    of = max(n for n in range(1, most + 1) if common % n == 0)
    if of == 1 < most:
        many = " and ".join(map(str, counts))
        raise ConfigurationError(
            f"--sample: of {many} segments there is no common part: compare the whole"
        )
    return Part(seed % of, of), counts[0] if counts else _SEGMENTS


def sampled(side: Side, part: Part) -> Side:
    """Return a side with the files of some segments only."""
    wanted = part.segments(segments_of(side))
    places = [(file, native.parse_data_name(_name(file.name))) for file in side.backup.files]
    return side.only([file for file, place in places if place and place[0] in wanted])


def _name(path: str) -> str:
    return path.rpartition("/")[2]
