"""A whole night of 2,500 tables in virtual time: what its invocations call, take, write and hold.

`python -m benchmarks.night [tables] [engine]`. Each call of scheduler and monitor is made to take
20 ms of virtual time, in which the world goes on; what they sleep between retries comes on top, and
so does the CPU they really used here (without the local AWS's own), as long as it takes the share
of a core that their memory gives them. Of some the memory is traced: Python's allocations while
they run, those of the local AWS among them, so at most what they take; it makes them several times
slower. Beside it the night of the commit before any function read, by its own benchmark.
"""

from __future__ import annotations

import gc
import json
import os
import subprocess
import sys
import threading
import time
import tracemalloc
from collections import Counter
from collections.abc import Container, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from statistics import mean, median
from typing import Any

import boto3
from botocore import xform_name
from moto.core.botocore_stubber import BotocoreStubber
from rich.console import Console
from rich.table import Table as RichTable

from benchmarks._plans import settings
from benchmarks._trees import tree_of
from hippolyte import clients, link, monitor, scheduler
from hippolyte.planning.window import run_id
from hippolyte.scan import loop
from hippolyte.scan.pace import EVENTUAL
from hippolyte.settings import VARIABLE
from local.core.call import Call
from local.core.clock import Clock
from local.datapipeline.service import BURST, RATES
from local.functions.virtual_time import AskedTime
from local.world import World
from tests.support import exporter
from tools.tf import REPOSITORY

TABLES = 2_500
BEFORE, PARTS = "aa41bf0", ("lambda", "cli", "local", "benchmarks")
START = datetime(2026, 11, 24, tzinfo=UTC)
SECONDS_A_CALL = 0.020
# exporter functions, which read side by side, take from no time to so much for a table, so that the
# night is about as long as the one on clusters, with as many passes in which as many tables end
READING_SECONDS = 13_500
# between two pages of a table, at most: one that gets on so slowly is taken for dead after 2,400
PAGE_SECONDS = 1_200
TIMEOUT_SECONDS = 900
MEMORY_MB = 512  # the module's default; a whole core is 1,769 MB
CORE_MB = 1769
MONITOR_SECONDS = 300
WINDOW_SECONDS = 25_200
TRACED_EVERY = 15
# the default of ten does not have the time for so many tables
CLUSTERS = 16
# one table in so many is too large for the window and raised
RAISED_EVERY = 1_250
LARGE_BYTES = {"lambda": 2_400_000_000, "emr": 2_400_000_000, "datapipeline": 1_200_000_000}
# the functions' calls are signed with it
_KEY = "AKIAHIPPOLYTEPRODUCT"
_CAPACITY = 20
_MACHINE = "arn:aws:states:us-east-1:123456789012:stateMachine:hippolyte-exporter"


@dataclass
class Invocation:
    """One invocation: CPU seconds of its own, virtual seconds, calls, peak bytes."""

    what: str
    cpu: float = 0.0
    waited: float = 0.0
    peak: int | None = None  # None: not traced
    written: list[int] = field(default_factory=list)  # bytes of the ledger, by write
    calls: Counter[str] = field(default_factory=Counter)

    @property
    def modelled(self) -> float:
        """Seconds it would have taken: calls, sleeps and CPU one after another."""
        return self.cpu * CORE_MB / MEMORY_MB + self.waited


class _Context:
    def __init__(self, remaining: Any) -> None:
        self.aws_request_id = "request"
        self._remaining = remaining

    def get_remaining_time_in_millis(self) -> int:
        """Return what is left of the timeout, in virtual time."""
        return int(self._remaining() * 1000)


class Night:
    """The functions' invocations of one night, measured."""

    def __init__(self, world: World, traced: Container[int]) -> None:
        self.world, self.traced = world, traced
        self.invocations: list[Invocation] = []
        self._apart = threading.local()
        self._apart_seconds: list[float] = []
        world.before("*", self._call)

    def _call(self, call: Call) -> None:
        if call.access_key != _KEY:
            return
        self.invocations[-1].calls[call.name] += 1
        self.world.sleeper.sleep(SECONDS_A_CALL)

    def put(self, params: dict[str, Any], **_: Any) -> None:
        """Note how much is written, before PutObject."""
        if params["url_path"].endswith("/ledger.json"):
            body = params["body"]
            size = len(body) if isinstance(body, bytes) else len(body.getvalue())
            self.invocations[-1].written.append(size)

    @contextmanager
    def _timed_apart(self) -> Iterator[None]:
        """Leave this thread's CPU time out of the invocation's."""
        if getattr(self._apart, "inside", False):
            yield
            return
        self._apart.inside, begin = True, time.thread_time()
        try:
            yield
        finally:
            self._apart.inside = False
            self._apart_seconds.append(time.thread_time() - begin)

    @contextmanager
    def aws_timed(self) -> Iterator[None]:
        """Take the local AWS's own CPU time apart."""
        original = BotocoreStubber.__call__

        def timed(stubber: Any, *arguments: Any, **named: Any) -> Any:
            with self._timed_apart():
                return original(stubber, *arguments, **named)

        BotocoreStubber.__call__ = timed
        try:
            yield
        finally:
            BotocoreStubber.__call__ = original

    def _pass_time(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Let the world go on while an invocation sleeps."""
        with self._timed_apart():
            self.world.clock.advance(asked["sleep"])
        return {"now": self.world.clock.now().isoformat(), "late": False}

    def invoke(self, what: str, handler: Any, event: dict[str, Any]) -> dict[str, Any]:
        """Invoke a function and measure it."""
        made = Invocation(what)
        self.invocations.append(made)
        self._apart_seconds.clear()
        traced = len(self.invocations) - 1 in self.traced
        virtual = AskedTime(self._pass_time)
        virtual.begin(self.world.clock.now(), TIMEOUT_SECONDS)
        if traced:
            tracemalloc.start()
        # a function has not the heap of the local AWS, which the garbage collector looks through
        gc.freeze()
        begin = time.process_time()

        def remaining() -> float:
            made.waited = virtual.elapsed()
            made.cpu = time.process_time() - begin - sum(self._apart_seconds)
            return TIMEOUT_SECONDS - made.modelled

        with self.world.sleeper.lent(virtual):
            answer = handler(event, _Context(remaining))
            remaining()
        gc.unfreeze()
        if traced:
            made.peak = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
        return dict(answer)

    def run(self) -> None:
        """Run the night to its report."""
        event = {"run": f"{START:%Y-%m-%dT%H:%M:%SZ}", "delay_seconds": 0}
        self.invoke("scheduler", scheduler.handler, event)
        answer: dict[str, Any] = {}
        begun = self.world.clock.now()
        while not answer.get("closed"):
            passed = (self.world.clock.now() - begun).total_seconds()
            self.world.clock.advance(MONITOR_SECONDS - passed % MONITOR_SECONDS)
            answer = self.invoke("monitor", monitor.handler, {})


def _fleet(world: World, count: int, large_bytes: int, reading_seconds: float) -> None:
    dynamodb = world.client("dynamodb")
    for number in range(count):
        name = f"some-service.production.table-{number:04d}"
        dynamodb.create_table(
            TableName=name,
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
            ProvisionedThroughput={"ReadCapacityUnits": _CAPACITY, "WriteCapacityUnits": 5},
        )
        seconds = reading_seconds * number / count
        # the next item is read when the last one is paid
        items = 2 + int(seconds / PAGE_SECONDS)
        world.put_items(name, [{"pk": {"S": str(item)}} for item in range(items)])
        size = large_bytes if number % RAISED_EVERY == 0 else 1 << 20
        paid = seconds * _CAPACITY * settings().consumed_fraction * EVENTUAL
        paid *= items / (items - 1)
        world.set_table(name, size_bytes=size, item_count=items, read_bytes=int(paid))


def measure(
    tables: int,
    traced: Container[int] = (),
    engine: str = "lambda",
    reading_seconds: float = READING_SECONDS,
) -> tuple[Night, dict[str, Any]]:
    """Run a night of so many tables, with the memory of some invocations traced.

    Exporter functions are given up to so many seconds for a table.
    """
    world = World(Clock(START))
    with world.in_process(), _seldom():
        world.limits.account_read = 1_000_000
        world.client("s3").create_bucket(Bucket="backups")
        topic = world.client("sns").create_topic(Name="hippolyte")["TopicArn"]
        _fleet(world, tables, LARGE_BYTES[engine], reading_seconds)
        exporter.deploy(world, _MACHINE, timeout_seconds=WINDOW_SECONDS)
        raw = _raw(topic, engine)
        os.environ[VARIABLE] = json.dumps(raw)
        os.environ["AWS_ACCESS_KEY_ID"] = _KEY
        clients.build.cache_clear()
        boto3.setup_default_session()
        night = Night(world, traced)
        built = clients.build(settings(**raw))
        built.s3.meta.events.register("before-call.s3.PutObject", night.put)
        with night.aws_timed():
            night.run()
        clients.build.cache_clear()
        key = f"runs/{world.account}/{world.region}/{run_id(START)}/report.json"
        body = world.client("s3").get_object(Bucket="backups", Key=key)["Body"].read()
    return night, json.loads(body)


@contextmanager
def _seldom() -> Iterator[None]:
    """Let exporter functions look and write less often: they are not measured, and cost time."""
    looks, saves, waits = (link, "LOOK_EVERY"), (link, "_SAVE_EVERY"), (loop, "_ATTENTION")
    with ExitStack() as leaving:
        for (module, name), seconds in ((looks, 120.0), (saves, 240.0), (waits, 10.0)):
            leaving.callback(setattr, module, name, getattr(module, name))
            setattr(module, name, seconds)
        yield


def _raw(topic: str, engine: str) -> dict[str, Any]:
    return {
        "engine": engine,
        "exporter": {"machine_arn": _MACHINE, "timeout_seconds": WINDOW_SECONDS},
        "name": "hippolyte",
        "account": "123456789012",
        "region": "us-east-1",
        "partition": "aws",
        "bucket": "backups",
        "topic_arn": topic,
        "pipeline_region": "us-east-1",
        "pipeline_role": "pipeline",
        "cluster_role": "cluster",
        "window_seconds": WINDOW_SECONDS,
        "planning": {"max_clusters": CLUSTERS},
    }


def main(small: bool = False, tables: int = TABLES, engine: str = "lambda") -> None:
    """Print the tables."""
    count = 40 if small else tables
    console = Console(width=110)
    begin = time.monotonic()
    night, report = measure(count, range(0, 10_000, TRACED_EVERY), engine)
    took = time.monotonic() - begin
    console.print(
        f"{count:,} tables by {engine}, {len(report['batches'])} batches, "
        f"{len(report['raised'])} raised: "
        f"{report['totals']['backed_up']:,} backed up in {report['duration_seconds'] / 3600:.1f} h"
        f" of {report['window_seconds'] / 3600:.0f} h; {len(night.invocations)} invocations; "
        f"{took:.0f} s on this machine"
    )
    _invocations(console, night)
    _calls(console, night)
    _beside(console, night, count)


def _invocations(console: Console, night: Night) -> None:
    passes = [one for one in night.invocations[1:] if one.peak is None]
    traced = [one for one in night.invocations if one.peak is not None]
    rows: dict[str, Invocation] = {
        "scheduler": night.invocations[0],
        "longest monitor pass": max(passes, key=lambda i: i.modelled),
        "last monitor pass": night.invocations[-1],
        "median monitor pass": sorted(passes, key=lambda i: i.modelled)[len(passes) // 2],
        "most memory of those traced": max(traced, key=lambda i: i.peak or 0),
    }
    table = RichTable(title=f"invocations, {SECONDS_A_CALL * 1000:.0f} ms a call")
    for column in ("invocation", "seconds", "CPU s", "calls", "peak MiB"):
        table.add_column(column, justify="left" if column == "invocation" else "right")
    for name, i in rows.items():
        peak = "-" if i.peak is None else f"{i.peak / 2**20:.0f}"
        calls = f"{i.calls.total():,}"
        table.add_row(name, f"{i.modelled:.1f}", f"{i.cpu:.2f}", calls, peak)
    console.print(table)


def _beside(console: Console, night: Night, tables: int) -> None:
    """Print what is asked for, beside the same of the earlier commit."""
    before = _before(tables)
    if before is None:
        console.print(f"Not beside commit {BEFORE}: this clone does not have it.")
        return
    passes = [one.cpu for one in night.invocations[1:] if one.peak is None]
    written = [size for one in night.invocations for size in one.written]
    table = RichTable(title=f"monitor, {tables:,} tables, beside {BEFORE} (Data Pipeline)")
    for column in ("what", BEFORE, "now", "ratio", "at most"):
        table.add_column(column, justify="left" if column == "what" else "right")
    rows: list[tuple[str, float, float, str, float | None]] = [
        ("CPU of a median pass, s", median(before["cpu"]), median(passes), ".3f", 0.5),
        ("bytes of ledger written", sum(before["written"]), sum(written), ",", 0.15),
        ("writes of it", len(before["written"]), len(written), ",", None),
        ("passes", len(before["cpu"]), len(night.invocations) - 1, ",", None),
        ("CPU of a mean pass, s", mean(before["cpu"]), mean(passes), ".3f", None),
        # those whose memory is traced would be slower: they are taken for mean ones
        (
            "CPU of all passes, s",
            sum(before["cpu"]),
            mean(passes) * (len(night.invocations) - 1),
            ".1f",
            None,
        ),
        ("CPU of the longest pass, s", max(before["cpu"]), max(passes), ".2f", None),
    ]
    for what, then, now, form, most in rows:
        table.add_row(what, f"{then:{form}}", f"{now:{form}}", f"{now / then:.2f}", str(most or ""))
    console.print(table)


def _before(tables: int) -> dict[str, Any] | None:
    """Measure a night of the earlier commit, from its own tree; None: it is not here."""
    tree = tree_of(BEFORE, PARTS)
    if tree is None:
        return None
    output = subprocess.run(
        [sys.executable, REPOSITORY / "benchmarks" / "_night_before.py", str(tables)],
        cwd=tree,
        env={**os.environ, "PYTHONPATH": "lambda:cli:."},
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    ).stdout
    return dict(json.loads(output))


def _calls(console: Console, night: Night) -> None:
    total: Counter[str] = Counter()
    for invocation in night.invocations:
        total += invocation.calls
    table = RichTable(title="calls of the night, retries included")
    columns = ("operation", "calls", "most in one pass", "per second", "documented rate")
    for column in columns:
        table.add_column(column, justify="left" if column == "operation" else "right")
    seconds = MONITOR_SECONDS * len(night.invocations)
    for name, count in total.most_common():
        most = max(i.calls[name] for i in night.invocations)
        service, operation = name.split(":")
        rate = RATES.get(xform_name(operation)) if service == "datapipeline" else None
        documented = f"{rate:g}/s, burst {BURST}" if rate else ""
        table.add_row(name, f"{count:,}", f"{most:,}", f"{count / seconds:.2f}", documented)
    console.print(table)


if __name__ == "__main__":
    given = sys.argv[1:]
    main(tables=int(given[0]) if given else TABLES, engine=given[1] if given[1:] else "lambda")
