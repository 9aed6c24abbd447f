"""What a program takes, with all its processes."""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Any

MB = 1_000_000
_LOOK_SECONDS = 0.02


@dataclass(frozen=True, slots=True)
class Cost:
    """What a program took: CPU of all its processes, and the most memory of all at one time."""

    cpu_seconds: float
    seconds: float
    bytes: int
    code: int = 0


def cost(
    command: Sequence[Any],
    environment: Mapping[str, str],
    stdin: Path | None = None,
    codes: Sequence[int] = (0,),
    output: Any = subprocess.DEVNULL,
    errors: Any = None,
) -> Cost:
    """Run a program to its end.

    Raises:
        RuntimeError: it ended with none of these codes.
    """
    most, began = 0, monotonic()
    with (stdin or Path(os.devnull)).open("rb") as given:
        process = subprocess.Popen(
            list(map(str, command)),
            stdin=given,
            stdout=output,
            stderr=errors,
            env=dict(environment),
        )
    ended = threading.Event()
    used: list[Any] = []

    def reap() -> None:
        # of it and of the processes that it awaited
        used.extend(os.wait4(process.pid, 0))
        ended.set()

    threading.Thread(target=reap).start()
    while not ended.wait(_LOOK_SECONDS):
        most = max(most, sum(map(_resident, _tree(process.pid))))
    seconds = monotonic() - began
    _, status, usage = used
    process.returncode = code = os.waitstatus_to_exitcode(status)
    if code not in codes:
        raise RuntimeError(f"{command[0]} ended with {code}")
    return Cost(usage.ru_utime + usage.ru_stime, seconds, most, code)


def _tree(pid: int) -> Iterator[int]:
    yield pid
    with suppress(OSError):
        for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
            yield from _tree(int(child))


def _resident(pid: int) -> int:
    """Return what a process has in memory; of what it shares, its part."""
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    return 0
