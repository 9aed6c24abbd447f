"""What a running scan shows: a line of rate, items, bytes and time left."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from hippolyte.scan.state import Progress, State
from hippolyte.words import count_of
from hippolyte_cli.export_offer import duration, size
from hippolyte_cli.troubles import in_words

# of the last so many seconds is the rate
_RECENT = 30.0


@dataclass
class View:
    """Knows what a scan told lately, so that its rate can be said.

    Attributes:
        expected: items in all, as the table was last counted; 0: not known.
    """

    expected: int
    latest: Progress | None = None
    _seen: deque[tuple[float, Progress]] = field(default_factory=deque)

    def take(self, progress: Progress) -> None:
        """Take note of what a scan tells."""
        self.latest = progress

    def line(self, now: float) -> str:
        """Return how far it is; to be asked for every second or so."""
        latest = self.latest
        if latest is None or latest.state is State.OPENING:
            return self._waits("opening")
        self._seen.append((now, latest))
        while len(self._seen) > 1 and now - self._seen[1][0] >= _RECENT:
            self._seen.popleft()
        since, before = self._seen[0]
        seconds = max(now - since, 1e-9)
        units = (latest.units - before.units) / seconds
        items = (latest.items - before.items) / seconds
        parts = [
            count_of(latest.items, "item"),
            size(latest.text),
            f"{units:,.1f} units/s",
            f"{latest.ended} of {count_of(latest.segments, 'segment')} read",
        ]
        left = self.expected - latest.items
        if left > 0 and items > 0:
            parts.append(f"about {duration(left / items)} left")
        elif self.expected and left < 0:
            parts.append("more than were counted")
        return self._waits(f"{latest.state.value}: {', '.join(parts)}")

    def _waits(self, text: str) -> str:
        reason = self.latest.reason if self.latest else ""
        return f"{text}; waits: {in_words(reason)}" if reason else text
