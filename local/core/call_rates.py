"""Call rates of an account, as token buckets in virtual time."""

from __future__ import annotations

from bisect import bisect_right, insort
from dataclasses import dataclass, field
from datetime import datetime, timedelta

_OLD = timedelta(minutes=15)
"""What lies so far back no caller's time goes back behind: an invocation's longest."""


@dataclass(slots=True)
class Bucket:
    """A token bucket: `burst` calls at once, `per_second` in the long run.

    Invocations beside each other have a time of their own each, so that calls do not come in the
    order of their times: each sees what was taken up to its own.
    """

    per_second: float
    burst: int
    _tokens: float = field(init=False)
    _seen: datetime | None = None
    _taken: list[datetime] = field(default_factory=list)
    """After `_seen`, when there were `_tokens`; in order."""

    def __post_init__(self) -> None:
        self._tokens = float(self.burst)

    def take(self, now: datetime) -> bool:
        """Take a token; return False if there is none."""
        earlier = self._taken[: bisect_right(self._taken, now)]
        if self._after([*earlier, now], self._tokens) < 0:
            return False
        insort(self._taken, now)
        old = bisect_right(self._taken, now - _OLD)
        if old:
            self._tokens = self._after(self._taken[:old], self._tokens)
            self._seen = self._taken[old - 1]
            del self._taken[:old]
        return True

    def _after(self, calls: list[datetime], tokens: float) -> float:
        seen = self._seen
        for moment in calls:
            if seen is not None:
                passed = max(0.0, (moment - seen).total_seconds())
                tokens = min(float(self.burst), tokens + passed * self.per_second)
            seen = moment
            tokens -= 1
        return tokens
