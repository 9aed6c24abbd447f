"""The log files of an EMR step, as the tool and Hadoop write them (counter block included)."""

from __future__ import annotations

import gzip
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from local.s3.as_role import Denied, NoSuchBucket, split_url

if TYPE_CHECKING:
    from local.programs.step_context import StepContext

STAMP = "%y/%m/%d %H:%M:%S"
_GROUP = "org.apache.hadoop.dynamodb.tools.ExportMapper$Counters"


@dataclass(frozen=True, slots=True)
class Counters:
    """What the job counted."""

    items_read: int
    output_files: int
    output_bytes: int
    map_tasks: int


def success_stderr(counters: Counters, start: datetime, end: datetime, table: str) -> str:
    """Return stderr of an export that ended well.

    Hadoop prints the counters by group, a group's name after one tab and its counters after two
    (Hadoop's Job.monitorAndPrintJob); the tool's own group is its counter enum's class name. A
    counter that was never raised is not printed, its group neither (seen, 4.11 and 6.1): a job
    that read nothing says so by "Map input records" alone.
    """
    own = {"DYNAMODB_ITEMS_READ": counters.items_read, "OUTPUT_FILES": counters.output_files}
    raised = "".join(f"\t\t{name}={value}\n" for name, value in own.items() if value)
    group = f"\t{_GROUP}\n{raised}" if raised else ""
    begun, ended = start.strftime(STAMP), end.strftime(STAMP)
    job = f"job_{start:%Y%m%d%H%M%S}_0001"
    return (
        f"{begun} INFO tools.DynamoDBExport: Exporting table {table}\n"
        f"{begun} INFO mapreduce.Job: Running job: {job}\n"
        f"{ended} INFO mapreduce.Job:  map 100% reduce 100%\n"
        f"{ended} INFO mapreduce.Job: Job {job} completed successfully\n"
        f"{ended} INFO mapreduce.Job: Counters: 8\n"
        "\tFile System Counters\n"
        f"\t\tS3: Number of bytes written={counters.output_bytes}\n"
        "\tJob Counters \n"
        f"\t\tLaunched map tasks={counters.map_tasks}\n"
        "\t\tLaunched reduce tasks=1\n"
        "\tMap-Reduce Framework\n"
        f"\t\tMap input records={counters.items_read}\n"
        f"\t\tReduce output records={counters.output_files}\n"
        f"{group}"
    )


def failure_stderr(error: str, message: str, end: datetime) -> str:
    """Return stderr of an export that ended with an exception."""
    return (
        f"{end.strftime(STAMP)} INFO tools.DynamoDBExport: Starting\n"
        f'Exception in thread "main" {error}: {message}\n'
        "\tat org.apache.hadoop.dynamodb.tools.DynamoDBExport.run(DynamoDBExport.java)\n"
        "\tat org.apache.hadoop.util.ToolRunner.run(ToolRunner.java:76)\n"
    )


def controller(args: list[str], exit_code: int, start: datetime, end: datetime) -> str:
    """Return the controller log: what was run and how it ended."""
    seconds = int((end - start).total_seconds())
    return (
        f"{start:%Y-%m-%dT%H:%M:%S.000Z} INFO startExec 'hadoop jar {' '.join(args)}'\n"
        f"{end:%Y-%m-%dT%H:%M:%S.000Z} INFO waitProcessCompletion ended with exit code {exit_code}"
        f" : hadoop jar\n"
        f"{end:%Y-%m-%dT%H:%M:%S.000Z} INFO total process run time: {seconds} seconds\n"
    )


def compress(text: str) -> bytes:
    """Return `text` as the bytes of a .gz file, the same for the same text."""
    return gzip.compress(text.encode(), mtime=0)


def _stdout(begun: datetime, ended: datetime, output: str) -> str:
    """Return what the tool prints beside its log."""
    seconds = int((ended - begun).total_seconds())
    day = "%a %b %d %H:%M:%S UTC %Y"
    return (
        f"Job started: {begun:{day}}\nJob ended: {ended:{day}}\n"
        f"The job took {seconds} seconds.\nOutput path: {output}\n"
    )


def write(
    context: StepContext, begun: datetime, exit_code: int, stderr: str, output: str = ""
) -> str:
    """Write a step's logs if there is a place for them; return where stderr lies."""
    if not context.log_uri:
        return ""
    base = f"{context.log_uri.rstrip('/')}/{context.cluster_id}/steps/{context.step_id}"
    ended = context.world.clock.now()
    said = controller([context.jar, *context.args], exit_code, begun, ended)
    stdout = "" if exit_code else _stdout(begun, ended, output)
    texts = {"controller": said, "stderr": stderr, "stdout": stdout, "syslog": stderr}
    try:
        for name, text in texts.items():
            bucket, key = split_url(f"{base}/{name}.gz")
            context.s3.put(bucket, key, compress(text))
    except (Denied, NoSuchBucket):
        return ""
    return f"{base}/stderr.gz"
