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


@dataclass(frozen=True, slots=True)
class Counters:
    """What the job counted."""

    items_read: int
    output_files: int
    output_bytes: int
    read_units: int
    map_tasks: int


def success_stderr(counters: Counters, start: datetime, end: datetime, table: str) -> str:
    """Return stderr of an export that ended well.

    Hadoop prints the counters by group, a group's name after one tab and its counters after two
    (Hadoop's Job.monitorAndPrintJob); the tool's own group is its counter enum's class name.
    """
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
        "\torg.apache.hadoop.dynamodb.DynamoDBConstants$Counters\n"
        f"\t\tDYNAMODB_ITEMS_READ={counters.items_read}\n"
        f"\t\tDYNAMODB_READ_UNITS_CONSUMED={counters.read_units}\n"
        f"\t\tOUTPUT_FILES={counters.output_files}\n"
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


def write(context: StepContext, begun: datetime, exit_code: int, stderr: str) -> str:
    """Write a step's logs if there is a place for them; return where stderr lies."""
    if not context.log_uri:
        return ""
    base = f"{context.log_uri.rstrip('/')}/{context.cluster_id}/steps/{context.step_id}"
    said = controller([context.jar, *context.args], exit_code, begun, context.world.clock.now())
    texts = {"controller": said, "stderr": stderr, "stdout": "", "syslog": stderr}
    try:
        for name, text in texts.items():
            bucket, key = split_url(f"{base}/{name}.gz")
            context.s3.put(bucket, key, compress(text))
    except (Denied, NoSuchBucket):
        return ""
    return f"{base}/stderr.gz"
