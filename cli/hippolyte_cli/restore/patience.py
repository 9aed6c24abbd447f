"""How requests to one table are paid for, and how long refusals are waited out.

Used by many threads at once.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

from hippolyte.errors import HippolyteError
from hippolyte.scan.reading import Throttled
from hippolyte_cli.restore.pace import Pace
from hippolyte_cli.restore.sending import OfSomeKeys
from hippolyte_cli.troubles import in_words

_FIRST_PAUSE, _LONGEST_PAUSE = 0.05, 10.0
_PATIENCE_SECONDS = 600.0


class Stopped(Exception):
    """When what is to be sent is given up, for the load ends."""


class GivenUp(HippolyteError):
    """When the table has taken nothing for long."""


@dataclass(frozen=True, slots=True)
class Clockwork:
    """Time and chance: `sleep` returns True if the load has ended meanwhile."""

    now: Callable[[], float]
    sleep: Callable[[float], bool]
    chance: Callable[[], float]


@dataclass(slots=True)
class Tries:
    """How often something was refused without getting on."""

    count: int = 0


@dataclass
class Patience:
    """Of all threads that send to a table."""

    table: str
    clock: Clockwork
    ended: threading.Event
    # since when nothing was answered
    _failing_since: float | None = None

    def pay(self, pace: Pace, units: float) -> None:
        """Wait until so much may be consumed.

        Raises:
            Stopped: the load has ended.
        """
        while wait := pace.begin(units, self.clock.now()):
            self._sleep(wait)
        if self.ended.is_set():
            pace.ended(units, 0)
            raise Stopped

    def answered(self) -> None:
        """Take note that the table gave or took something."""
        self._failing_since = None

    def refused(self, pace: Pace, tries: Tries, error: Exception) -> None:
        """Wait after a refusal, longer each time.

        Raises:
            Stopped: the load has ended.
            GivenUp: nothing has been answered for too long.
        """
        now = self.clock.now()
        tries.count += 1
        if isinstance(error, Throttled) and not isinstance(error, OfSomeKeys):
            pace.refused(now)
        if self._failing_since is None:
            self._failing_since = now
        if now - self._failing_since > _PATIENCE_SECONDS:
            raise GivenUp(
                f"{self.table} has taken nothing for {_PATIENCE_SECONDS / 60:.0f} minutes "
                f"({in_words(str(error))}). Run it again later: it goes on from here"
            ) from error
        most = min(_LONGEST_PAUSE, _FIRST_PAUSE * 2 ** min(tries.count, 20))
        self._sleep(most * (0.2 + 0.8 * self.clock.chance()))

    def _sleep(self, seconds: float) -> None:
        if self.clock.sleep(seconds):
            raise Stopped
