"""A scan's pace, in virtual time beside an application, and rule by rule."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from math import ceil
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hippolyte.scan.pace import CONSISTENT, EVENTUAL, Pace
from hippolyte.share import PARTITION_RATE, Share
from local.dynamodb.buckets import ReadCapacity
from tests.support.read_capacity import KB, MB, Application, Runs, Story, Trial

C = 0.5
MINUTE, TEN_MINUTES = 60.0, 600.0
# (capacity, segments, partitions)
TABLES = [(1, 2, 1), (5, 4, 1), (40, 4, 1), (1000, 8, 1), (12_000, 16, 4)]
ITEMS = {
    "100 B": [(100, 1000)],
    "10 KB": [(10 * KB, 1000)],
    "mixed": [(100, 5000), (10 * KB, 40), (400 * KB, 5), (1000, 300), (400 * KB, 1)],
}


# units of an item of 400 KB
LARGE = 400 * KB / EVENTUAL


def apart(runs: Runs, segments: int) -> list[Runs]:
    """Return what segments hold that begin at different places of the runs."""
    starts = (segment % len(runs) for segment in range(segments))
    return [[*runs[start:], *runs[:start]] for start in starts]


def in_debt(story: Story, capacity: float) -> set[int]:
    """Return the seconds in which a table may owe what an item of 400 KB cost, on any page."""
    pages = zip(story.times, story.units, strict=True)
    large = [(start, start + units / capacity) for start, units in pages if units >= LARGE]
    return {second for start, end in large for second in range(int(start), int(end) + 1)}


def held(story: Story, rate: float) -> float:
    """Return the most units that the bucket may hold, for a caller who comes late."""
    return min(rate, story.largest) / 2


@pytest.mark.parametrize("items", ITEMS)
@pytest.mark.parametrize(("capacity", "segments", "partitions"), TABLES)
def test_a_scan_keeps_to_its_share_and_uses_it(
    capacity: int, segments: int, partitions: int, items: str
) -> None:
    application = Application(lambda _: (1 - C) * capacity, step=0.02)
    story = Trial(
        ReadCapacity(capacity, [1] * partitions),
        Pace.start(Share(C, capacity), segments, 0.0),
        [ITEMS[items]],
        application=application,
    ).run()
    rate = C * capacity
    assert story.most_above(rate, MINUTE, pages=20) <= story.largest
    assert story.most_above(rate, 1.0) <= story.largest + held(story, rate)
    assert sum(story.units) >= 0.9 * rate * TEN_MINUTES
    assert story.throttled == []
    assert sum(application.offered) >= 0.99 * (1 - C) * capacity * TEN_MINUTES
    assert sum(application.refused) == 0


@pytest.mark.parametrize("items", ITEMS)
@pytest.mark.parametrize(("capacity", "segments", "partitions"), TABLES)
def test_a_table_that_saved_nothing_still_serves_its_application(
    capacity: int, segments: int, partitions: int, items: str
) -> None:
    """What no pace can prevent: an item of 400 KB is read whole, 50 units at once. A table that
    gives 1, 5 or 40 a second and saved nothing has not got them, whenever it is read: it serves
    nobody until they are made up for. So there the application may be refused in those seconds,
    and in no other; on larger tables, and where there are no such items, in none at all."""
    application = Application(lambda _: (1 - C) * capacity, retries=0)
    story = Trial(
        ReadCapacity(capacity, [1] * partitions, burst=1.0),
        Pace.start(Share(C, capacity), segments, 0.0),
        apart(ITEMS[items], segments),
        application=application,
    ).run()
    assert sum(story.units) >= 0.9 * C * capacity * TEN_MINUTES
    refused = {second for second, requests in enumerate(application.refused) if requests}
    assert refused <= (in_debt(story, capacity) if capacity < LARGE else set())


@pytest.mark.parametrize("fraction", [0.1, 0.3, 0.9])
def test_another_share_is_kept_as_well(fraction: float) -> None:
    story = Trial(
        ReadCapacity(200), Pace.start(Share(fraction, 200), 4, 0.0), [ITEMS["mixed"]]
    ).run()
    assert story.most_above(fraction * 200, MINUTE, pages=20) <= story.largest
    assert sum(story.units) >= 0.9 * fraction * 200 * TEN_MINUTES


def test_consistent_reads_cost_twice_and_keep_to_the_share() -> None:
    pace = Pace.start(Share(C, 5), 1, 0.0, CONSISTENT)
    answered = pace.sent(0, 0.0).answered(0, 0.1, 1.0, 1, 100)
    eventual = Pace.start(Share(C, 5), 1, 0.0, EVENTUAL).sent(0, 0.0).answered(0, 0.1, 1.0, 1, 100)
    for _ in range(20):
        answered = answered.sent(0, 9.0).answered(0, 9.0, 0.0, answered.limit(0), 100)
        eventual = eventual.sent(0, 9.0).answered(0, 9.0, 0.0, eventual.limit(0), 100)
    assert abs(eventual.limit(0) - 2 * answered.limit(0)) <= 1


@pytest.mark.parametrize("items", ITEMS)
def test_no_partition_gives_more_than_its_share(items: str) -> None:
    """Four partitions to begin with, one of them split; nearly all data lie in two of the four."""
    segments, partitions = 16, [1, 1, 1, 1, 4, 4, 4]
    sizes = [1500 * MB if segment in (5, 6, 7, 12) else 20 * MB for segment in range(segments)]
    application = Application(lambda _: (1 - C) * 12_000, step=0.02)
    trial = Trial(
        ReadCapacity(12_000, partitions),
        Pace.start(Share(C, 12_000), segments, 0.0),
        [ITEMS[items]],
        sizes=sizes,
        application=application,
    )
    story = trial.run()
    assert all(cursor.ended for cursor in trial.cursors)
    assert sum(application.refused) == 0
    assert story.throttled == []
    # three large segments in one partition are all that is left
    late = story.times[-1] - 2 * MINUTE
    share = C * PARTITION_RATE * MINUTE
    assert 0.9 * share <= story.between(late, late + MINUTE) <= share + story.largest


def test_one_segment_alone_has_the_share_of_a_partition() -> None:
    story = Trial(
        ReadCapacity(12_000, [1] * 4),
        Pace.start(Share(C, 12_000), 1, 0.0),
        [ITEMS["10 KB"]],
        seconds=2 * MINUTE,
    ).run()
    least = 0.9 * C * PARTITION_RATE
    assert least <= sum(story.units) / 120 <= C * PARTITION_RATE + story.largest / 120


def asks_again(capacity: float) -> Application:
    return Application(lambda _: capacity, step=0.01 if capacity < 12_000 else 0.02)


def never_asks_again(capacity: float) -> Application:
    """One request at a time, evenly."""
    return Application(lambda _: capacity, step=min(0.01, 1 / capacity), retries=0)


def comes_by_chance(capacity: float) -> Application:
    step = min(0.01, 1 / capacity)
    return Application(lambda _: capacity, step=step, retries=0, chance=Random(5))


@pytest.mark.parametrize("items", ITEMS)
@pytest.mark.parametrize(
    ("capacity", "segments", "partitions", "kind"),
    [
        *((*table, asks_again) for table in TABLES),
        *((*table, never_asks_again) for table in TABLES),
        *((*table, comes_by_chance) for table in TABLES[:4]),
    ],
)
def test_an_application_that_takes_all_has_nearly_all(
    capacity: int,
    segments: int,
    partitions: int,
    kind: Callable[[float], Application],
    items: str,
) -> None:
    application = kind(capacity)
    trial = Trial(
        ReadCapacity(capacity, [1] * partitions, burst=1.0),
        Pace.start(Share(C, capacity), segments, 0.0),
        apart(ITEMS[items], segments),
        application=application,
    )
    story = trial.run()
    tenth = 0.1 * capacity * MINUTE
    for start in range(60, int(TEN_MINUTES) - 60 + 1, 5):
        # an item of 400 KB is more than that of 1 or 5 units: one such page at the most
        assert story.between(start, start + MINUTE) <= (tenth if tenth > LARGE else tenth + LARGE)
    lost = application.lost
    # four such items are 200 of the 3,000 units that a table of 5 has in ten minutes
    if tenth < LARGE:
        assert sum(lost) <= 0.08 * sum(application.offered)
        debt = in_debt(story, capacity)
        lost = [0 if second in debt else requests for second, requests in enumerate(lost)]
    assert sum(lost) <= 0.05 * sum(application.offered)
    assert sum(lost[60:]) <= 0.05 * sum(application.offered[60:])
    assert trial.pace.rate <= 0.1 * capacity


def test_what_the_application_leaves_again_is_taken_back_slowly() -> None:
    """All of it for two minutes, its own part afterwards."""
    application = Application(lambda now: 100.0 if now < 120 else 50.0, step=0.02)
    trial = Trial(
        ReadCapacity(100, burst=1.0),
        Pace.start(Share(C, 100), 4, 0.0),
        [ITEMS["10 KB"]],
        application=application,
        seconds=65 * MINUTE,
    )
    story = trial.run()
    assert story.between(120, 180) <= 0.1 * 100 * MINUTE
    assert story.between(60 * MINUTE, 61 * MINUTE) >= 0.9 * 50 * MINUTE
    # 2 % of the share a minute
    half = story.between(27 * MINUTE, 28 * MINUTE)
    assert 0.35 * 50 * MINUTE <= half <= 0.6 * 50 * MINUTE


@dataclass
class TargetTracking:
    """Scales a table's reads as Application Auto Scaling does: out after two minutes above its
    target, in after fifteen a tenth below it."""

    application: float
    target: float
    most: float
    above: int = 0
    below: int = 0
    seen: list[float] = field(default_factory=list)

    def __call__(self, capacity: ReadCapacity, consumed: float, now: float) -> None:
        used = self.application + consumed / MINUTE
        ratio = used / capacity.units
        self.above = self.above + 1 if ratio > self.target else 0
        self.below = self.below + 1 if ratio < 0.9 * self.target else 0
        if self.above >= 2 or self.below >= 15:
            capacity.set(min(self.most, max(1.0, -(-used // self.target))), now)
            self.above = self.below = 0
        self.seen.append(capacity.units)


@pytest.mark.parametrize("target", [0.7, 0.5])
@pytest.mark.parametrize(
    ("start", "segments", "items", "minutes"),
    [
        (150, 4, "10 KB", 90),
        (1, 2, "10 KB", 40),
        (5, 4, "100 B", 40),
        (40, 4, "mixed", 40),
        (1000, 8, "mixed", 20),
        (12_000, 16, "100 B", 10),
    ],
)
def test_a_table_with_auto_scaling_never_has_more_than_both_explain(
    start: float, segments: int, items: str, minutes: int, target: float
) -> None:
    application = start * 2 / 3
    scaling = TargetTracking(application, target, most=40_000)
    share = Share(C, start, autoscaled=True)
    story = Trial(
        # as many partitions as both together need
        ReadCapacity(start, [1] * ceil(2 * start / PARTITION_RATE)),
        Pace.start(share, segments, 0.0),
        [ITEMS[items]],
        application=Application(lambda _: application, step=0.05),
        seconds=minutes * MINUTE,
        each_minute=scaling,
        follow=True,
    ).run()
    # of a page that falls into this minute or the next
    a_page = story.largest / MINUTE / target
    assert max(scaling.seen) <= (application + share.rate) / target + a_page + 1
    assert story.between(0, minutes * MINUTE) >= 0.9 * share.rate * minutes * MINUTE


def test_a_share_that_followed_auto_scaling_upwards_would_run_away() -> None:
    """What the rule is for: followed both ways, the same table grows without end."""
    scaling = TargetTracking(100.0, 0.5, most=2000)
    Trial(
        ReadCapacity(150.0),
        Pace.start(Share(C, 150.0), 4, 0.0),
        [ITEMS["10 KB"]],
        seconds=60 * MINUTE,
        each_minute=scaling,
        follow=True,
    ).run()
    assert max(scaling.seen) > 4 * (100 + 75) / 0.5


def served(pace: Pace, seconds: float, units: float = 0.5) -> float:
    """Return what a pace of one segment consumes in a time, each page at that cost at once."""
    total, now = 0.0, pace.table.at
    end = now + seconds
    while (now := max(now, pace.due(0, now))) < end:
        pace = pace.sent(0, now).answered(0, now, units, 1, 100)
        total += units
    return total


def test_capacity_is_followed_both_ways() -> None:
    pace = Pace.start(Share(C, 100), 1, 0.0)
    assert served(pace, 60) == pytest.approx(3000, rel=0.02)
    assert served(pace.capacity_seen(20, 0.0), 60) == pytest.approx(600, rel=0.02)
    assert served(pace.capacity_seen(200, 0.0), 60) == pytest.approx(6000, rel=0.02)


def test_a_table_that_is_raised_in_mid_scan_has_more_partitions() -> None:
    """And keeps them when it is lowered; it was one when the scan began."""
    capacity = ReadCapacity(2000, [1] * 4)

    def change(capacity: ReadCapacity, consumed: float, now: float) -> None:
        capacity.set(12_000 if now < 3 * MINUTE else 4000, now)

    trial = Trial(
        capacity,
        Pace.start(Share(C, 2000, before=2000, raised_to=12_000), 8, 0.0),
        [ITEMS["10 KB"]],
        seconds=5 * MINUTE,
        each_minute=change,
        follow=True,
    )
    story = trial.run()
    before, raised, lowered = (
        story.between(start * MINUTE, (start + 1) * MINUTE) / MINUTE for start in (0, 1, 4)
    )
    assert 900 < before <= 1000 + story.largest / MINUTE
    # all four give their share of 3,000
    assert 0.9 * 4 * C * PARTITION_RATE < raised <= 4 * C * PARTITION_RATE + story.largest / MINUTE
    assert 1800 < lowered <= 2000 + story.largest / MINUTE


def test_under_auto_scaling_capacity_is_followed_down_and_back_but_never_up() -> None:
    pace = Pace.start(Share(C, 100, autoscaled=True), 1, 0.0)
    assert served(pace.capacity_seen(200, 0.0), 60) == pytest.approx(3000, rel=0.02)
    down = pace.capacity_seen(20, 0.0)
    assert served(down, 60) == pytest.approx(600, rel=0.02)
    assert served(down.capacity_seen(400, 0.0), 60) == pytest.approx(3000, rel=0.02)


def test_a_lease_is_honoured_while_the_table_has_what_it_gave() -> None:
    raised = Share(C, capacity=1569, before=1000, raised_to=1569)
    assert raised.is_raised
    assert raised.rate == 1069
    # while it is being raised, after it was lowered, or when somebody else set it
    for capacity in (1000, 1200, 4000):
        other = raised.seen(capacity)
        assert not other.is_raised
        assert other.rate == C * capacity
    assert raised.seen(1000).seen(1569).rate == 1069


def test_a_table_on_demand_is_read_at_the_wanted_rate_below_its_ceilings() -> None:
    assert Share(C, None, most=1000).rate == 1000
    assert Share(C, None, most=1000, ceilings=(None, 1200)).rate == 600
    assert Share(C, None, most=1000, ceilings=(100, 12_000)).rate == 50
    # no floor of one: a share is taken as it is
    assert Share(C, None, most=1000, ceilings=(1, None)).rate == 0.5
    assert Share(C, 1).rate == 0.5


@pytest.mark.parametrize("wrong", [(0.0, 5.0), (1.1, 5.0), (0.5, 0.0), (0.5, None), (-0.5, 5.0)])
def test_a_share_of_nothing_is_refused(wrong: tuple[float, float | None]) -> None:
    with pytest.raises(ValueError, match=r"share|units/s|on demand"):
        Share(*wrong)


def test_the_first_page_has_one_item_and_the_next_at_most_twice_as_many() -> None:
    pace, limits = Pace.start(Share(C, 12_000), 1, 0.0), []
    for step in range(12):
        limits.append(pace.limit(0))
        now = float(step)
        pace = pace.sent(0, now).answered(0, now, 0.5, limits[-1], 100)
    assert limits == [2**step for step in range(12)]


def test_a_page_is_of_what_is_paid_in_a_second_at_the_largest_size_seen() -> None:
    pace = Pace.start(Share(C, 40), 1, 0.0)
    for step in range(20):
        pace = pace.sent(0, step).answered(0, step, 1.0, pace.limit(0), 1000)
    assert 18 * 8 * KB <= 1000 * pace.limit(0) <= 20 * 8 * KB
    large = pace.sent(0, 30).answered(0, 30, 50.0, pace.limit(0), 400 * KB)
    assert large.limit(0) == 1
    # forgotten by half a page; an empty page says nothing of its items
    assert large.sent(0, 31).answered(0, 31, 0.5, 1, 100).limit(0) == 1
    assert large.sent(0, 31).answered(0, 31, 0.5, 0, 0).segments[0].largest == 400 * KB
    for step in range(8):
        large = large.sent(0, 100 + step).answered(0, 100 + step, 0.5, 1, 100)
    assert large.limit(0) > 50


def test_what_a_page_cost_beyond_is_paid_back_before_the_next() -> None:
    pace = Pace.start(Share(C, 5), 1, 0.0).sent(0, 0.0).answered(0, 0.1, 128.0, 1, 400 * KB)
    assert 128 / 2.5 <= pace.due(0, 0.1) <= 128 / 2.5 / 0.98


def test_a_throttled_answer_halves_the_rate_and_two_percent_a_minute_come_back() -> None:
    pace = Pace.start(Share(C, 100), 2, 0.0)
    full = pace.rate
    halved = pace.sent(0, 10.0).throttled(0, 10.1)
    assert halved.rate == full / 2
    assert halved.due(0, 10.1) >= 11.1
    for minutes in (1, 10, 25, 60):
        later = halved.capacity_seen(100, 10.1 + 60 * minutes)
        assert later.rate == pytest.approx(full * min(1.0, 0.5 + 0.02 * minutes))


def test_pages_are_small_while_the_table_is_throttled() -> None:
    """In requests that cost a unit each it is seen much sooner that a table has nothing left."""
    pace = Pace.start(Share(C, 1000), 2, 0.0)
    for step in range(60):
        page = pace.sent(step % 2, step)
        pace = page.answered(step % 2, step, 1.0, page.limit(step % 2), 1 * KB)
    full = pace.limit(0)
    assert full * KB > MB
    # half the rate, paid in a quarter of a second; the other segment's too
    pace = pace.sent(0, 70.0).throttled(0, 70.1)
    for segment in range(2):
        assert pace.limit(segment) * KB == pytest.approx(0.99 * 250 / 4 * 8 * KB, rel=0.01)
    for step in range(3):
        pace = pace.sent(0, 72.0 + step).throttled(0, 72.1 + step)
    # a sixteenth, in no more than 32 requests a second
    for segment in range(2):
        assert pace.limit(segment) * KB == pytest.approx(0.99 * 500 / 16 / 32 * 8 * KB, rel=0.1)
    for step in range(20):
        pace = pace.sent(0, 80.0 + step).throttled(0, 80.1 + step)
    # no page costs less than a block
    assert [pace.limit(segment) for segment in range(2)] == [4, 4]
    # what was asked for is what doubles, when the rate has come back
    pace = pace.capacity_seen(1000, 60 * MINUTE)
    limits = []
    for step in range(12):
        now = 60 * MINUTE + step
        limits.append(pace.limit(0))
        pace = pace.sent(0, now).answered(0, now, 0.5, 1, 1 * KB)
    assert limits[0] <= 8
    assert all(after <= 2 * before for before, after in pairwise(limits))
    assert limits[-1] * KB > MB


def test_requests_that_were_under_way_together_halve_it_once() -> None:
    pace = Pace.start(Share(C, 1000), 4, 0.0)
    full = pace.rate
    for segment in range(4):
        pace = pace.sent(segment, 1.0 + segment / 100)
    for segment in range(4):
        pace = pace.throttled(segment, 1.1 + segment / 100)
    assert pace.rate == pytest.approx(full / 2, rel=0.001)
    again = pace.sent(0, 3.0).throttled(0, 3.1)
    assert again.rate == pytest.approx(full / 4, rel=0.01)


def test_a_rate_is_never_halved_away() -> None:
    pace = Pace.start(Share(C, 100), 1, 0.0)
    for step in range(1, 100):
        pace = pace.sent(0, step).throttled(0, step + 0.1)
    assert 0 < pace.rate < 2
    assert pace.due(0, 100.0) < 100 + MINUTE


def test_a_request_that_broke_off_is_paid_as_the_last_one() -> None:
    pace = Pace.start(Share(C, 100), 1, 0.0).sent(0, 0.0).answered(0, 0.1, 30.0, 1, 240 * KB)
    due = pace.due(0, 0.1)
    broken = pace.sent(0, due).failed(0, due)
    assert broken.due(0, due) == pytest.approx(due + 30 / pace.rate, abs=0.01)
    assert pace.sent(0, due).sent(0, due + 5) == broken.sent(0, due + 5)


def test_the_segment_that_waited_longest_comes_first() -> None:
    pace, now, order = Pace.start(Share(C, 1000), 4, 0.0), 0.0, []
    for _ in range(16):
        due, segment = min((pace.due(segment, now), segment) for segment in range(4))
        now = max(now, due)
        pace = pace.sent(segment, now).answered(segment, now, 128.0, 1000, 1000)
        order.append(segment)
    assert order == [0, 1, 2, 3] * 4


happenings = st.lists(
    st.tuples(
        st.integers(0, 2),
        st.sampled_from(["page", "page", "page", "throttled", "failed", "lost"]),
        st.floats(0.001, 0.2),
        st.integers(1, 400 * KB),
        st.floats(0, 2),
    ),
    max_size=60,
)


@settings(deadline=None)
@given(st.floats(0.05, 1), st.sampled_from([1.0, 7.0, 300.0, 20_000.0]), happenings)
def test_whatever_is_answered_the_share_is_never_passed_by_more_than_a_page(
    fraction: float, capacity: float, happenings: list[tuple[int, str, float, int, float]]
) -> None:
    """Three segments, of which several may be under way; the caller comes when it likes."""
    pace = Pace.start(Share(fraction, capacity), 3, 0.0)
    now, spent, largest = 0.0, 0.0, 0.5
    under_way: dict[int, tuple[str, float, float, int, float]] = {}

    def end(segment: int) -> None:
        nonlocal pace, now, spent, largest
        what, answer, units, items, size = under_way.pop(segment)
        now = max(now, answer)
        if what == "page":
            pace = pace.answered(segment, now, units, items, size)
            spent, largest = spent + units, max(largest, units)
        elif what == "throttled":
            pace = pace.throttled(segment, now)
        elif what == "failed":
            pace = pace.failed(segment, now)

    for segment, what, takes, size, late in happenings:
        if segment in under_way:
            end(segment)
        for _ in range(10_000):
            if (due := pace.due(segment, now)) <= now:
                break
            ended = [s for s, one in under_way.items() if one[1] <= due]
            if ended:
                end(min(ended, key=lambda s: under_way[s][1]))
            else:
                now = due
        now += late
        assert pace.limit(segment) >= 1
        items = min(pace.limit(segment), -(-MB // size))
        units = -(-min(MB, items * size) // (4 * KB)) / 2
        pace = pace.sent(segment, now)
        under_way[segment] = (what, now + takes, units, items, float(size))
        aside = sum(one[2] for one in under_way.values() if one[0] == "page")
        most = fraction * capacity * now + max(largest, units)
        assert spent + aside <= most + 1e-6
