"""Patience with services: a read that fails for a while is made again, more and more slowly.

Only discovery is patient, since nothing later can look at a table that it did not see; all else
leaves what fails to the next invocation. botocore's own retries are not enough: a client has one
purse for all its calls (botocore.retries.quota), and when that is empty each call fails at once.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from hippolyte.errors import read_passes

_log = logging.getLogger(__name__)

_Out = TypeVar("_Out")

# of an invocation, for what follows the reads: the reads without patience, the plan, its records
_FOR_THE_REST_SECONDS = 240.0
_LONGEST_PAUSE_SECONDS = 30.0

Failure = ClientError | BotoCoreError | TimeoutError
"""Why there is no answer. TimeoutError: it was not even asked for, there was no time left."""


@dataclass(frozen=True, slots=True)
class Patience:
    """Whether and how long to go on asking; `remaining()` seconds are left of the invocation."""

    remaining: Callable[[], float]
    spare: float = _FOR_THE_REST_SECONDS
    # False: everything is asked for once, and nothing is waited for
    waits: bool = True

    @property
    def is_over(self) -> bool:
        """Whether the time that is left belongs to what follows."""
        return self.remaining() <= self.spare

    def at_most(self, seconds: float) -> Patience:
        """Return a patience that ends after so many seconds, or with this one."""
        return replace(self, spare=max(self.spare, self.remaining() - seconds))

    def pauses(self) -> Iterator[None]:
        """Wait between one try and the next: a second, then twice as long; end with the time."""
        pause = 1.0
        while self.waits and self.remaining() - pause > self.spare:
            time.sleep(pause)
            yield
            pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)

    def ask(self, call: Callable[[], _Out]) -> _Out:
        """Make a call, and again as long as its failure is one that passes.

        Raises:
            ClientError, BotoCoreError: the last failure, when the time is over or it will stay.
        """
        pauses = self.pauses()
        while True:
            try:
                return call()
            except (ClientError, BotoCoreError) as error:
                if not read_passes(error) or next(pauses, self) is self:
                    raise
                _log.warning("asked again: %s", error)

    def ask_each(
        self, call: Callable[[str], _Out], names: Iterable[str], concurrency: int
    ) -> dict[str, _Out | Failure]:
        """Make a call for each name, `concurrency` at once; whoever fails, the others go on.

        Those whose failure passes are asked again together, each time half as many at once.
        """
        waiting = list(names)
        answers: dict[str, _Out | Failure] = dict.fromkeys(
            waiting, TimeoutError("no time was left")
        )

        def answer(name: str) -> _Out | Failure:
            if self.is_over:
                return answers[name]
            try:
                return call(name)
            except (ClientError, BotoCoreError) as error:
                return error

        pauses = self.pauses()
        while waiting:
            answers.update(zip(waiting, _map(answer, waiting, concurrency), strict=True))
            waiting = [n for n in waiting if may_pass(answers[n])]
            if not waiting or next(pauses, self) is self:
                break
            _log.warning("%d are asked for again: %s", len(waiting), answers[waiting[0]])
            concurrency = max(1, concurrency // 2)
        return answers

    def pages(
        self, call: Callable[..., Any], items: str, token: tuple[str, str], **asked: Any
    ) -> Iterator[list[Any]]:
        """Yield the `items` of each page; `token` is its name in the answer and in the next call.

        A page that fails is asked for again, and not those before it.

        Raises:
            ClientError, BotoCoreError: as `ask` does.
        """
        said, sent = token
        while True:
            page = self.ask(lambda: call(**asked))
            yield page[items]
            if not page.get(said):
                return
            asked[sent] = page[said]


def may_pass(answer: object) -> bool:
    """Say whether there may be an answer later."""
    if isinstance(answer, ClientError | BotoCoreError):
        return read_passes(answer)
    return isinstance(answer, TimeoutError)


def _map(call: Callable[[str], _Out], values: list[str], concurrency: int) -> list[_Out]:
    if concurrency == 1:
        return [call(v) for v in values]
    with ThreadPoolExecutor(concurrency) as pool:
        return list(pool.map(call, values))
