"""The processes that read and pair: each takes orders by its standard input, and ends with it.

`python -m hippolyte_cli.compare.crew FOLDER` is one. A line in is an order, a line out how far it
is: `{"items": n}`, and at last `{"done": true}` or `{"error": "..."}`.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from time import monotonic
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from hippolyte.errors import HippolyteError
from hippolyte_cli.compare import pairing, unit
from hippolyte_cli.compare.plan import Plan, load
from hippolyte_cli.compare.reading import CompareError
from hippolyte_cli.compare.unit import StoppedError
from hippolyte_cli.troubles import of_file, remedied

STOP = "stop"
# seconds between two looks for the mark to stop, and two words of how far it is
_EACH_LOOK = 0.5

# told how many items came
Told = Callable[[int], object]


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be done: a unit to be read, or a partition to be paired."""

    what: str
    number: int


def do(order: Order, plan: Plan, work: Path, told: Told, stopped: Callable[[], bool]) -> None:
    """Do what is ordered.

    Raises:
        CompareError: it cannot be done; StoppedError: it is to end.
    """
    try:
        if order.what == "read":
            unit.read_unit(plan, work, order.number, told, stopped)
        else:
            pairing.pair(plan, work, order.number, stopped)
    except (OSError, ClientError, BotoCoreError) as error:
        raise CompareError(_told(error, work)) from error


def _told(error: Exception, work: Path) -> str:
    if isinstance(error, OSError):
        return (
            f"{of_file(error)}. What differs and the keys are kept in {work} "
            "meanwhile: make room there, or name another folder by --work"
        )
    return remedied(error)


def done(
    orders: Iterable[Order],
    plan: Plan,
    work: Path,
    processes: int,
    told: Told,
    stopped: Callable[[], bool],
) -> Iterator[Order]:
    """Do all orders, in this process or in so many others; yield each when it is done.

    Raises:
        CompareError: one cannot be done; StoppedError: it was stopped.
    """
    if processes <= 1:
        for order in orders:
            if stopped():
                raise StoppedError
            do(order, plan, work, told, stopped)
            yield order
        return
    with ExitStack() as opened:
        (work / STOP).unlink(missing_ok=True)
        workers: SimpleQueue[_Worker] = SimpleQueue()
        for _ in range(processes):
            workers.put(opened.enter_context(_Worker(work)))
        pool = opened.enter_context(ThreadPoolExecutor(processes))

        def run(order: Order) -> Order:
            worker = workers.get()
            try:
                worker.do(order, told)
            finally:
                workers.put(worker)
            return order

        opened.callback((work / STOP).touch)
        yield from _gathered(pool, run, orders, stopped)


def _gathered(
    pool: ThreadPoolExecutor,
    run: Callable[[Order], Order],
    orders: Iterable[Order],
    stopped: Callable[[], bool],
) -> Iterator[Order]:
    waiting: set[Future[Order]] = {pool.submit(run, order) for order in orders}
    try:
        while waiting:
            ready, waiting = wait(waiting, _EACH_LOOK, FIRST_COMPLETED)
            for future in ready:
                yield future.result()
            if stopped():
                raise StoppedError
    finally:
        for future in waiting:
            future.cancel()


class _Worker:
    """A process that does one order after the other."""

    def __init__(self, work: Path) -> None:
        # a terminal sends ctrl-c to the whole group, even before a process has begun to run: this
        # one is told and says when to stop, the others keep the mask that they begin with
        old = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
        try:
            self._process = subprocess.Popen(  # noqa: S603 (our own module)
                [sys.executable, "-m", __name__, str(work)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            )
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, old)

    def do(self, order: Order, told: Told) -> None:
        """Have an order done.

        Raises:
            CompareError: it cannot be done; StoppedError: it was stopped.
        """
        process = self._process
        assert process.stdin and process.stdout
        with suppress(BrokenPipeError):
            process.stdin.write(f"{json.dumps([order.what, order.number])}\n")
            process.stdin.flush()
        for line in process.stdout:
            answer: dict[str, Any] = json.loads(line)
            if "items" in answer:
                told(answer["items"])
            elif answer.get("done"):
                return
            elif answer.get("stopped"):
                raise StoppedError
            else:
                raise CompareError(answer["error"])
        code = process.wait()
        how = f"by signal {-code}" if code < 0 else f"with {code}"
        raise CompareError(f"a process that reads ended {how} (was there memory enough?)")

    def __enter__(self) -> _Worker:
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin and self._process.stdout
        with suppress(BrokenPipeError):
            self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()


def main(folder: str) -> None:
    """Take orders until standard input ends."""
    work = Path(folder)
    plan, parent = load(work), os.getppid()
    looked, items = monotonic(), 0

    def say(answer: dict[str, Any]) -> None:
        sys.stdout.write(f"{json.dumps(answer)}\n")
        sys.stdout.flush()

    def told(count: int) -> None:
        nonlocal items
        items += count

    def stopped() -> bool:
        nonlocal looked, items
        if monotonic() - looked < _EACH_LOOK:
            return False
        looked = monotonic()
        say({"items": items})
        items = 0
        return (work / STOP).exists() or os.getppid() != parent

    for line in sys.stdin:
        try:
            do(Order(*json.loads(line)), plan, work, told, stopped)
            say({"items": items})
            items = 0
            say({"done": True})
        except StoppedError:
            say({"stopped": True})
        except HippolyteError as error:
            say({"error": remedied(error)})


if __name__ == "__main__":
    with suppress(BrokenPipeError):
        main(*sys.argv[1:])
