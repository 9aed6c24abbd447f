"""What the loop carries out: a story is what happens to a table or segment, told from top to end.

It is a generator on the loop's thread. It yields a `Call`, which a thread makes meanwhile, and is
given the answer, or the error; or it yields `Together`, and goes on when all of them have ended.
So each story reads as if it were alone, and only the loop knows of threads, waiting and retries.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import Any


def _at_once(now: float) -> float:
    return now


@dataclass(frozen=True, slots=True)
class Call:
    """A call to be made.

    Attributes:
        task: what a thread does; it touches nothing that is not its own.
        due: from now to when, in seconds of the loop's clock; asked again when that comes.
        sent: told when it begins.
        holds: bytes that the story keeps in memory meanwhile.
        urgent: it is made even when the loop is about to stop: it puts what was read in safety.
        broke: of a call at a pace, told when it failed and will be made again. That it was
            throttled is the story's business then, not the loop's.
    """

    task: Callable[[], Any]
    due: Callable[[float], float] = _at_once
    sent: Callable[[float], None] | None = None
    holds: int = 0
    urgent: bool = False
    broke: Callable[[float], None] | None = None


@dataclass(frozen=True, slots=True)
class Together:
    """Stories to be told side by side, each in its turn.

    Attributes:
        stories: one a segment, in the order of segments.
        needs: bytes of memory that each may need until it can put them away.
    """

    stories: Sequence[Story]
    needs: int = 0


Story = Generator[Call | Together, Any, None]


class Interrupted(Exception):
    """When a story is not to wait for its call."""


class Flush(Interrupted):
    """When memory is short: put away what was read, then go on."""


class Stop(Interrupted):
    """When the loop is about to end: put away what was read, and end."""
