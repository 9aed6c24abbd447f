"""`python -m local.serve`: keep the local AWS in the foreground, in real or faster time."""

from __future__ import annotations

import signal
import sys
import threading
import time
from datetime import UTC, datetime
from typing import Annotated

import typer

from local.core.clock import Clock
from local.world import World

_TICK_SECONDS = 0.5


def _start_time(text: str | None) -> datetime:
    if text is None:
        return datetime.now(UTC)
    try:
        start = datetime.fromisoformat(text)
    except ValueError as error:
        raise typer.BadParameter(
            f"--start must be an ISO time, got {text!r}. Example: 2026-11-24T00:00:00+00:00"
        ) from error
    return start if start.tzinfo else start.replace(tzinfo=UTC)


def _tick(world: World, speed: float, stop: threading.Event) -> None:
    """Let virtual time pass at `speed` times real time; a late tick catches up."""
    last = time.monotonic()
    while not stop.wait(_TICK_SECONDS):
        now = time.monotonic()
        world.clock.advance((now - last) * speed)
        last = now
        while world.problems:
            print(f"# {world.clock.now():%H:%M:%S} {world.problems.pop(0)}", flush=True)


def serve(
    port: Annotated[int, typer.Option(help="port on 127.0.0.1; 0 takes a free one")] = 4566,
    speed: Annotated[float, typer.Option(help="virtual seconds to a real second")] = 1,
    start: Annotated[str | None, typer.Option(help="virtual start, ISO; default: now")] = None,
) -> None:
    """Serve a local AWS until Ctrl-C; what it prints points Terraform and the AWS CLI at it."""
    if speed <= 0:
        raise typer.BadParameter(f"--speed must be above 0, got {speed:g}")
    world = World(Clock(_start_time(start)))
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    try:
        with world.served(port):
            _print_environment(world, speed)
            world.schedules.start()
            world.alarms.start()
            _tick(world, speed, stop)
    except OSError as error:
        print(f"cannot listen on 127.0.0.1:{port}: {error}; try another --port", file=sys.stderr)
        raise typer.Exit(1) from error


def _print_environment(world: World, speed: float) -> None:
    for name, value in world.environment().items():
        print(f"export {name}={value}")
    start = f"{world.clock.now():%Y-%m-%dT%H:%M:%SZ}"
    print(f"# the local AWS is up: virtual time {start}, speed {speed:g}; Ctrl-C ends it")
    sys.stdout.flush()


if __name__ == "__main__":
    typer.run(serve)
