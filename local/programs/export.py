"""DynamoDBExport as an EMR step: takes the time its rate allows, then really exports the items.

Source: awslabs/emr-dynamodb-connector 4.11 (tools.DynamoDBExport and what it uses), as set out in
the project's notes: the capacity is read once, at the start (as of 5.x, which the user's own jar is
taken for, at each task's start); scans are eventually consistent, 8,192 bytes a read unit; each
task begins with five seconds' worth at once; the output directory must not exist.
"""

from __future__ import annotations

import gzip
import random
import uuid
import zlib
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import PurePosixPath
from typing import IO, Any

from local.core import aws
from local.core.consumption import RunningStep
from local.core.faults import strikes
from local.dynamodb.items import table_items
from local.programs import step_logs
from local.programs.export_arguments import Arguments, ToolError, UsageError, parse
from local.programs.reading import Reading
from local.programs.source_table import Source
from local.programs.step_context import AWS_BUCKET, Done, Outcome, StepContext
from local.s3.as_role import Denied, NoSuchBucket, split_url

LAUNCH_SECONDS = 20.0
"""From the step's start until the tool has a JVM, and describes the table."""
STARTUP_SECONDS = 25.0
"""From there until its mappers read (AM, containers)."""
_PACKED: dict[str, Callable[[bytes], bytes]] = {
    ".gz": lambda data: gzip.compress(data, mtime=0),
    ".deflate": zlib.compress,
}

_running: list[Export] = []


class Export:
    """One running export."""

    def __init__(self, context: StepContext, done: Done) -> None:
        self._context = context
        self._world = context.world
        self._done = done
        self._begun = self._world.clock.now()
        self._over = False
        self._hangs = True
        self._tries = 1  # of its tasks
        self._parsed: Arguments | None = None
        try:
            self._parsed = parse(context.args[1:])
        except (UsageError, ToolError) as error:
            refused = error
            aws.later(self._world, LAUNCH_SECONDS, lambda: self._fail(refused))
            return
        self.region = self._args.region(context.region)
        self._source = Source(context, self.region, self._args.table)
        self._reading = Reading(self._source, self._args.ratio, context.slots)
        aws.later(self._world, LAUNCH_SECONDS, self._guarded(self._launch))

    @property
    def _args(self) -> Arguments:
        assert self._parsed is not None, "a step with bad arguments ends before it needs them"
        return self._parsed

    # --- the run, step by step

    def _guarded(self, stage: Any) -> Any:
        def run() -> None:
            if self._over:
                return
            try:
                stage()
            except ToolError as error:
                self._fail(error)
            except (Denied, NoSuchBucket) as error:
                reason = "Error accessing S3." if isinstance(error, Denied) else "Unknown Error."
                self._fail(ToolError(self._context.files.denied_class, str(error), reason))

        return run

    def _launch(self) -> None:
        """Describe the table, fix the rate, set up the output directory."""
        args, files = self._args, self._context.files
        table = self._source.describe()
        bucket, directory = split_url(args.output)
        if self._world.iam_enforced:
            files.look(bucket, directory)
        if files.exists(bucket, directory):
            raise ToolError(
                "org.apache.hadoop.mapred.FileAlreadyExistsException",
                f"Output directory {args.output} already exists",
                "Output directory already exists.",
            )
        files.make(bucket, directory)
        self._reading.fix_rate(table)
        self._reading.since = self._world.clock.now()
        _running.append(self)
        self._source.may_scan()
        if strikes(self._world.faults.client_dies, args.table):
            dies = Outcome(False, "Unknown Error.", "its client died: injected by the local AWS")
            aws.later(self._world, STARTUP_SECONDS, lambda: self._done(dies))
        if not strikes(self._world.faults.step_hangs, args.table):
            self._hangs = False
            self._read(table)

    def _read(self, table: dict[str, Any]) -> None:
        """Let the tasks start and read the table, all of it."""
        attempt = self._tries

        def finish() -> None:
            if attempt == self._tries:
                self._finish()

        def start() -> None:
            if attempt != self._tries:
                return
            if not self._is_hosted():  # 4.11: the capacity at the submission counts
                self._reading.fix_rate(self._source.describe())
            aws.later(self._world, self._reading.begin(table), self._guarded(finish))

        aws.later(self._world, STARTUP_SECONDS, self._guarded(start))

    def _finish(self) -> None:
        """Read the items and write them where they belong; tell what came of it."""
        args, faults = self._args, self._world.faults
        self._source.describe()
        self._source.may_scan()
        if strikes(faults.step_fails, args.table):
            raise ToolError("java.io.IOException", "Job job_0001 failed: injected by the local AWS")
        items = table_items(self._context.account, self.region, args.table)
        if strikes(faults.fewer_items, args.table):
            lost = faults.losses[args.table] = faults.losses.get(args.table, 0) + 1
            items = items[: len(items) * (1 + lost % 2) // 3]
        counters = (
            step_logs.Counters(len(items), 1, 0, 1)
            if strikes(faults.claims_success_without_output, args.table)
            else self._write(items)
        )
        self._end_reading()
        self._over = True
        self._log(
            0,
            step_logs.success_stderr(counters, self._begun, self._world.clock.now(), args.table),
        )
        self._done(Outcome(succeeded=True))

    def _write(self, items: list[dict[str, Any]]) -> step_logs.Counters:
        """Write the export's directory; faults of the content strike here."""
        from hippolyte.exports import dynamodbexport  # the product is imported only to export

        args, s3, faults = self._args, self._context.s3, self._world.faults
        bucket, directory = split_url(args.output)
        sizes: dict[str, int] = {}

        def put(name: str, body: IO[bytes]) -> None:
            data = body.read()
            is_data = not name.startswith(("manifest", "_"))
            if is_data and self._is_hosted():
                # what 4.11 writes for it; in a string the quotes would be escaped
                data = data.replace(b'{"nULL":true}', b'{"nULLValue":true}')
            data = _PACKED.get(PurePosixPath(name).suffix, bytes)(data)
            if is_data and not sizes and strikes(faults.truncated_file, args.table):
                data = data[:-2]  # the last line loses its brace and its line feed
            skip = is_data and not sizes and strikes(faults.missing_listed_file, args.table)
            if is_data:
                sizes[name] = len(data)
            if not skip:
                s3.put(bucket, f"{directory}/{name}", data, parts=is_data)

        written = dynamodbexport.write_export(items, args.output, put, names=self._names())
        self._context.files.tidy(bucket, directory)
        total = sum(sizes.values())
        return step_logs.Counters(written, len(sizes), total, args.segments or 1)

    def _names(self) -> Iterator[str]:
        """Return file names: UUIDs, the same ones for the same step of the same night."""
        source = random.Random(f"{self._args.output} {self._args.table}")
        made = (str(uuid.UUID(int=source.getrandbits(128), version=4)) for _ in count())
        return (name + self._args.suffix for name in made)

    def _is_hosted(self) -> bool:
        """Say whether it is the jar that AWS hosts for Data Pipeline, 4.11."""
        return self._context.jar.startswith(f"s3://{AWS_BUCKET}")

    # --- ends

    def lose_nodes(self, *, every: bool) -> None:
        """Lose its nodes: fail, or read from the start; what was written stays, in no manifest."""
        if self not in _running:
            return
        if every:
            lost = "Job job_0001 failed: the node of its application master was lost"
            self._fail(ToolError("java.io.IOException", lost))
            return
        bucket, directory = split_url(self._args.output)
        self._tries += 1
        orphan = f"{directory}/{uuid.uuid5(uuid.NAMESPACE_URL, f'{directory} {self._tries}')}"
        self._guarded(lambda: self._context.s3.put(bucket, orphan, b'{"pk":{"s":"lost'))()
        if not self._hangs:
            self._guarded(lambda: self._read(self._source.describe()))()

    def stop(self) -> None:
        """End it now: the cluster is gone, or the step is cancelled."""
        self._over = True
        self._end_reading()

    def _fail(self, error: UsageError | ToolError) -> None:
        if self._over:
            return
        self._over = True
        self._end_reading()
        now, message = self._world.clock.now(), str(error)
        if isinstance(error, UsageError):
            log_file = self._log(255, message + "\n")
            self._done(Outcome(False, "Unknown Error.", message, log_file))
            return
        log_file = self._log(1, step_logs.failure_stderr(error.java_class, message, now))
        full = f'Exception in thread "main" {error.java_class}: {message}'
        self._done(Outcome(False, error.reason, full, log_file))

    def _end_reading(self) -> None:
        if self in _running:
            _running.remove(self)
            self._world.consumption.append(self._reading.until(self._world.clock.now()))

    def _log(self, exit_code: int, stderr: str) -> str:
        """Write the step's logs; return where stderr lies."""
        table = self._parsed.table if self._parsed else ""
        if strikes(self._world.faults.no_log, table):
            return ""
        output = self._parsed.output if self._parsed else ""
        return step_logs.write(self._context, self._begun, exit_code, stderr, output)

    def running(self) -> RunningStep:
        """Return what it takes, from which table."""
        return self._reading.running()

    @property
    def world(self) -> aws.Aws:
        """The world it runs in."""
        return self._world


def running_steps(world: aws.Aws) -> list[RunningStep]:
    """Return the exports of this world that read a table now (from their DescribeTable on)."""
    with world.lock:
        return [export.running() for export in _running if export.world is world]


def forget_all() -> None:
    """Forget the running exports of worlds that are over."""
    _running.clear()
