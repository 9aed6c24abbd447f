"""When a scan may ask for its next page, and for how many items: a pure function of the answers.

Times are seconds of one clock, which only the caller reads; units are read capacity units; sizes
are bytes. What may be read is `Share`'s; here it becomes requests:

- Units are paid from a bucket that starts empty, fills at the allowed rate less 1 %, and holds half
  a page or half a second, whichever is less, for when the caller comes late. So no minute has more
  than the share and one page. What a request costs is known when it is answered. Until then the
  most it can cost is set aside, so that several at once pass the bucket by one page at most.
- Segments next to each other lie in one partition, and together never have more than the share of
  what a partition gives.
- Who reads a part of the segments has that part of both: the parts together are the share.
- `Limit` starts at 1, at most doubles, and is so small that a page of the largest items seen lately
  is paid in a second.
- A throttled answer halves the rate at once; 2 % of the share a minute come back.
- While it has not all come back pages are smaller: the application may not ask again what it was
  refused, and then only a request that falls into a short moment of debt is throttled as well. Many
  small requests find that out, few large ones do not.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import ceil
from typing import Any

from hippolyte.share import PARTITION_RATE, Share

# an eventually consistent read of 8 KiB costs a unit, a consistent one of 4 KiB
EVENTUAL, CONSISTENT = 8192, 4096
# of Scan: a page is at most 1 MB, an item at most 400 KB; reads are counted in blocks of 4 KB
_PAGE, _ITEM, _BLOCK = 1 << 20, 400 << 10, 4096
# of the rate: what the bucket holds is made up for within a minute
_KEPT = 0.99
# what is left of the rate after however many throttled answers, so that it can come back
_LEAST = 1 / 64
_BACK_PER_SECOND = 0.02 / 60
# after a throttled answer its segment waits so long
_PAUSE = 1.0
# seconds in which a page is paid, at the least, while the table is throttled
_SMALL = 1 / 32
_MOST_ITEMS = 1 << 20


@dataclass(frozen=True, slots=True)
class _Bucket:
    """Fills by `rate` a second up to `depth`; below zero: in debt, or with something set aside."""

    rate: float
    depth: float
    at: float
    level: float = 0.0

    def filled(self, now: float, rate: float, page: float) -> _Bucket:
        """Return it as it is now, to go on at another rate; a full page costs so many units."""
        depth = min(rate, page) / 2
        level = self.level + self.rate * max(0.0, now - self.at)
        return _Bucket(rate, depth, max(now, self.at), min(depth, level))

    def paid(self, units: float) -> _Bucket:
        return _Bucket(self.rate, self.depth, self.at, min(self.depth, self.level - units))

    def positive(self) -> float:
        """Return when it has something."""
        return self.at - self.level / self.rate


@dataclass(frozen=True, slots=True)
class _Segment:
    limit: int = 1  # of the next request
    largest: float = 0.0  # bytes of an item, lately
    cost: float = 0.0  # of the last page
    turn: int = 0  # of its last request, among all the table's
    aside: float = 0.0  # for the request under way
    sent: float | None = None  # when that began; None: there is none
    not_before: float = 0.0


@dataclass(frozen=True, slots=True)
class Pace:
    """The pace of one table's scan; every method leaves it as it is and returns the next one.

    Ask `due` of all segments again after each answer, which may make them due at once, and when
    the moment comes that it named.
    """

    share: Share
    unit_bytes: int
    table: _Bucket
    groups: tuple[_Bucket, ...]
    segments: tuple[_Segment, ...]
    # those of the segments that are read here
    own: range
    turns: int = 0
    # of the allowed rate, since that moment
    factor: float = 1.0
    since: float = 0.0

    @classmethod
    def start(
        cls,
        share: Share,
        segments: int,
        now: float,
        unit_bytes: int = EVENTUAL,
        own: range | None = None,
    ) -> Pace:
        """Begin, or go on in another process: nothing is owed, and nothing saved.

        Args:
            share: what may be consumed. Of an autoscaled table that is gone on with, its `start`
                is the capacity at the scan's beginning.
            segments: how many, read side by side.
            now: of the caller's clock.
            unit_bytes: `EVENTUAL` or `CONSISTENT`.
            own: the segments that are asked for here, where others read the rest; None: all.
        """
        own = range(segments) if own is None else own
        empty = _Bucket(share.rate, 0.0, now)
        groups = (empty,) * _groups(share, segments)
        pace = cls(share, unit_bytes, empty, groups, (_Segment(),) * segments, own, since=now)
        return pace._at(now)

    @property
    def rate(self) -> float:
        """Units a second, as of the last thing that happened."""
        return self.table.rate

    def due(self, segment: int, now: float) -> float:
        """Return when the segment's next request may go out: now or before, or later.

        One that is under way is taken for lost.
        """
        if self.segments[segment].sent is not None:
            return self.failed(segment, now).due(segment, now)
        mine = self.segments[segment]
        group = self.groups[self._group(segment)]
        # the one that waited longest comes first; whoever does not ask costs the rest little
        late = min(self.table.depth / self.rate, 1.0) / 2
        behind = max(0, len(self.own) - (self.turns - mine.turn)) / len(self.own)
        ready = max(mine.not_before, self.table.positive(), group.positive())
        return ready + late * behind

    def limit(self, segment: int) -> int:
        """Return the `Limit` of the segment's next request."""
        mine = self.segments[segment]
        # its rate may have fallen since its last page
        return self._limit(mine.limit, mine.largest)

    def sent(self, segment: int, now: float) -> Pace:
        """Take note that the segment's request goes out, of the `limit` that it has just now.

        A former one without an answer is lost.
        """
        limit, pace = self.limit(segment), self.failed(segment, now)
        aside, turn = self._most(limit), pace.turns + 1
        mine = replace(pace.segments[segment], limit=limit, aside=aside, sent=now, turn=turn)
        return replace(pace, turns=turn)._paid(segment, aside, mine)

    def answered(self, segment: int, now: float, units: float, items: int, largest: float) -> Pace:
        """Take note of a page.

        Args:
            segment: whose page it is.
            now: when it came.
            units: that it consumed.
            items: how many there are on it.
            largest: bytes of the largest of them; as text it is more than what is counted, which
                makes for smaller pages.
        """
        mine = self.segments[segment]
        # forgotten as fast as a limit grows
        size = max(float(largest), mine.largest / 2) if items else mine.largest
        return self._ended(segment, now, units, limit=2 * mine.limit, largest=size, cost=units)

    def throttled(self, segment: int, now: float) -> Pace:
        """Take note of a throttled answer: half the rate, but once for all that were under way."""
        sent = self.segments[segment].sent
        pace = self._ended(segment, now, 0.0, not_before=now + _PAUSE)
        if sent is None or sent >= pace.since:
            pace = replace(pace, factor=max(_LEAST, pace._factor(now) / 2), since=now)._at(now)
            pace = replace(pace, table=pace.table.paid(max(0.0, pace.table.level)))
        return pace

    def failed(self, segment: int, now: float) -> Pace:
        """Take note of a request that broke off: it may have cost what the last one did."""
        mine = self.segments[segment]
        if mine.sent is None:
            return self._at(now)
        return self._ended(segment, now, min(mine.cost, mine.aside))

    def capacity_seen(self, capacity: float | None, now: float) -> Pace:
        """Take note of the capacity that the table has now; None: on demand."""
        pace = replace(self._at(now), share=self.share.seen(capacity))
        groups = _groups(pace.share, len(pace.segments))
        if groups > len(pace.groups):
            # more capacity is more partitions; fewer they never become
            emptiest = min(pace.groups, key=lambda group: group.level)
            pace = replace(pace, groups=(emptiest,) * groups)
        return pace._at(now)

    def _at(self, now: float) -> Pace:
        """Return the pace with the table's bucket filled until now, and the rate of now."""
        part = len(self.own) / len(self.segments)
        rate = self.share.rate * part * self._factor(now) * _KEPT
        return replace(self, table=self.table.filled(now, rate, self._most(_MOST_ITEMS)))

    def _ended(self, segment: int, now: float, units: float, **changed: Any) -> Pace:
        """Return the pace now, when the segment's request, if there is one, has cost that."""
        mine = self.segments[segment]
        ended = replace(mine, aside=0.0, sent=None, **changed)
        return self._at(now)._paid(segment, units - mine.aside, ended)

    def _factor(self, now: float) -> float:
        return min(1.0, self.factor + _BACK_PER_SECOND * max(0.0, now - self.since))

    def _group(self, segment: int) -> int:
        return segment * len(self.groups) // len(self.segments)

    def _own_part(self, group: int) -> float:
        """Return how much of a group's segments is read here."""
        groups, segments = len(self.groups), len(self.segments)
        first, end = (-(-one * segments // groups) for one in (group, group + 1))
        return len(range(max(first, self.own.start), min(end, self.own.stop))) / (end - first)

    def _paid(self, segment: int, units: float, after: _Segment) -> Pace:
        """Return the pace with so much taken out of the table's bucket and the segment's group's.

        A group is filled when something is paid from it: there may be thousands.
        """
        group, table = self._group(segment), self.table
        share = self.share.fraction * PARTITION_RATE * self._factor(table.at) * _KEPT
        share *= self._own_part(group)
        mine = self.groups[group].filled(table.at, min(table.rate, share), self._most(_MOST_ITEMS))
        paid = mine.paid(units)
        groups = (*self.groups[:group], paid, *self.groups[group + 1 :])
        segments = (*self.segments[:segment], after, *self.segments[segment + 1 :])
        return replace(self, table=self.table.paid(units), groups=groups, segments=segments)

    def _most(self, limit: int) -> float:
        """Return what a page of so many items costs at most."""
        return (min(_PAGE, limit * _ITEM) + _BLOCK) / self.unit_bytes

    def _limit(self, most: int, size: float) -> int:
        """Return how many items of a size are paid in a second or less, at most so many."""
        factor = self._factor(self.table.at)
        fair = max(1.0, self.rate) * self.unit_bytes
        if factor < 1:
            # no page costs less than a block
            fair = max(_BLOCK, self.rate * max(_SMALL, factor * factor) * self.unit_bytes)
        # the service itself ends a page that costs no more than that
        fits = most if fair >= _PAGE + _BLOCK else int(fair / max(1.0, size))
        return max(1, min(most, fits, _MOST_ITEMS))


def _groups(share: Share, segments: int) -> int:
    """Return into how many groups of neighbours segments fall, each about a partition.

    A table of a capacity has at least so many partitions as give it; of one on demand it is not
    known, and each segment is taken for one.
    """
    partitions = ceil((share.capacity or 0.0) / PARTITION_RATE)
    together = max(1, segments // partitions) if partitions else 1
    return ceil(segments / together)
