"""Packing under a time and a count limit: within them, and no worse than first fit."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from hippolyte.planning.bound import least_bins
from hippolyte.planning.packing import pack
from hippolyte.planning.timelines import Bins


@dataclass(frozen=True)
class Piece:
    table: str
    estimate_seconds: int


def pieces(seconds: list[int]) -> list[Piece]:
    return [Piece(f"t{i:04d}", s) for i, s in enumerate(seconds)]


BINS = Bins(25_200, 600, 32, 10)


@given(st.lists(st.integers(60, 24_600), max_size=120))
def test_every_job_has_one_place_and_no_limit_is_passed(seconds: list[int]) -> None:
    jobs = pieces(seconds)
    timelines, overflow = pack(jobs, BINS)
    placed = [j for t in timelines for b in t.batches for j in b]
    assert sorted(placed, key=lambda j: j.table) == jobs
    assert len(timelines) <= BINS.timelines
    for timeline in timelines:
        assert all(0 < len(b) <= 32 for b in timeline.batches)
        work = sum(j.estimate_seconds for b in timeline.batches for j in b)
        assert timeline.seconds == work + 600 * len(timeline.batches)
        if not overflow:
            assert timeline.seconds <= BINS.window_seconds


def test_the_count_limit_opens_a_further_batch_with_its_own_bootstrap() -> None:
    timelines, overflow = pack(pieces([61] * 70), BINS)
    assert [len(b) for t in timelines for b in t.batches] == [32, 32, 6]
    assert timelines[0].seconds == 3 * 600 + 70 * 61
    assert not overflow


def test_the_time_between_two_batches_of_a_timeline_counts() -> None:
    bins = Bins(25_200, 600, 32, 10, handover_seconds=600)
    timelines, _ = pack(pieces([61] * 70), bins)
    assert timelines[0].seconds == 3 * 600 + 2 * 600 + 70 * 61
    # a further batch has time for one on the same timeline, for two it would end after the window
    for jobs, shape in ((33, [[32, 1]]), (34, [[17], [17]])):
        timelines, overflow = pack(pieces([700] * jobs), bins)
        assert [[len(b) for b in t.batches] for t in timelines] == shape
        assert not overflow


def test_no_more_batches_than_are_needed() -> None:
    # into the first timeline that has time went 32 and 1, and 7 into a second one
    timelines, _ = pack(pieces([700] * 40), Bins(25_200, 600, 32, 10, handover_seconds=600))
    assert [[len(b) for b in t.batches] for t in timelines] == [[20], [20]]


def test_small_jobs_fill_the_gaps_that_large_ones_leave() -> None:
    timelines, _ = pack(pieces([14_000, 14_000, 10_000, 10_000]), BINS)
    assert [[j.estimate_seconds for j in t.batches[0]] for t in timelines] == [
        [14_000, 10_000],
        [14_000, 10_000],
    ]


def test_what_fits_nowhere_is_still_placed_and_named() -> None:
    jobs = pieces([24_600] * 3)
    timelines, overflow = pack(jobs, Bins(25_200, 600, 32, 2))
    assert sum(len(b) for t in timelines for b in t.batches) == 3
    assert len(overflow) == 1


def test_what_fits_nowhere_does_not_crowd_out_what_fits() -> None:
    # two giants that no cluster can end in time, and many that fit
    jobs = pieces([90_000, 30_000, *[600] * 30])
    timelines, overflow = pack(jobs, Bins(25_200, 600, 32, 1, handover_seconds=600))
    assert [j.estimate_seconds for j in overflow] == [90_000, 30_000]
    batches = [[j.estimate_seconds for j in b] for t in timelines for b in t.batches]
    assert batches == [[600] * 30, [30_000, 90_000]]


def test_what_fits_nowhere_has_a_timeline_of_its_own_if_one_is_left() -> None:
    timelines, overflow = pack(pieces([30_000, 600]), Bins(25_200, 600, 32, 2))
    assert [[j.estimate_seconds for j in t.batches[0]] for t in timelines] == [[600], [30_000]]
    assert len(overflow) == 1


@given(st.lists(st.integers(60, 60_000), max_size=120), st.integers(1, 4))
def test_nothing_in_a_batch_that_fits_waits_for_what_does_not(seconds: list[int], n: int) -> None:
    bins = Bins(25_200, 600, 32, n)
    timelines, overflow = pack(pieces(seconds), bins)
    late = {j.table for j in overflow}
    for timeline in timelines:
        names = [{j.table for j in b} for b in timeline.batches]
        first = next((i for i, b in enumerate(names) if b & late), len(names))
        assert all(b <= late for b in names[first:])
        work = sum(j.estimate_seconds for b in timeline.batches[:first] for j in b)
        assert work + 600 * first <= bins.window_seconds


@given(
    places=st.integers(1, 6),
    contents=st.lists(st.lists(st.sampled_from([7, 8, 30, 33, 49, 100]), min_size=1), max_size=12),
)
def test_no_packing_has_less_than_the_bound(places: int, contents: list[list[int]]) -> None:
    """Of pieces that were cut from so many bins, no more bins are needed."""
    bins: list[list[int]] = []
    for content in contents:
        kept: list[int] = []
        for piece in content[:places]:
            if sum(kept) + piece <= 100:
                kept.append(piece)
        bins.append(kept)
    assert least_bins([piece for kept in bins for piece in kept], 100, places) <= len(bins)


def test_time_and_places_bound_together() -> None:
    """Of 16 long ones 14 short go beside, of 15 there are 17: no batch is full in both ways."""
    long, short = 4918, 5050
    seconds = [1426] * long + [126] * short
    assert -(-sum(seconds) // 24_600) == 311
    assert -(-len(seconds) // 32) == 312
    # a batch is 62 at the most if a long one counts 3 and a short one 1
    assert least_bins(seconds, 24_600, 32) == -(-(3 * long + short) // 62) == 320
    timelines, overflow = pack(pieces(seconds), Bins(25_200, 600, 32, 350, 600))
    assert not overflow
    assert sum(len(timeline.batches) for timeline in timelines) <= 322
