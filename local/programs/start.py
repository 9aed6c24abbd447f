"""What a step of a cluster runs: the way EMR hands a step to a program and hears how it ended."""

from __future__ import annotations

import io
import zipfile
from dataclasses import replace

from local.core import aws
from local.programs import step_logs
from local.programs.export import Export
from local.programs.step_context import (
    AWS_BUCKET,
    EMR_BUCKET,
    EXPORT_CLASSES,
    Done,
    Outcome,
    Program,
    StepContext,
)
from local.s3.as_role import Denied, NoSuchBucket, NoSuchKey, split_url

TRIVIAL_SECONDS = 5.0


class Ends:
    """A program that does nothing and ends after a while."""

    def __init__(self, context: StepContext, done: Done, outcome: Outcome) -> None:
        self._stopped = False
        self._done = done
        self._outcome = outcome
        aws.later(context.world, TRIVIAL_SECONDS, self._end)

    def _end(self) -> None:
        if not self._stopped:
            self._done(self._outcome)

    def lose_nodes(self, *, every: bool) -> None:
        """It runs on the primary."""

    def stop(self) -> None:
        """End it now."""
        self._stopped = True


class NoJar(Ends):
    """A step whose jar the primary cannot fetch.

    Wording: seen by others (snowplow/snowplow#4286, rjurney/Agile_Data_Code#18).
    """

    def __init__(self, context: StepContext, done: Done, why: str) -> None:
        begun = context.world.clock.now()
        message = f"java.lang.RuntimeException: Error whilst fetching '{context.jar}': {why}"

        def logged(outcome: Outcome) -> None:
            log = step_logs.write(context, begun, 1, f"Error fetching jar file. {message}\n")
            done(replace(outcome, log_file=log))

        super().__init__(context, logged, Outcome(False, "Unknown Error.", message))


def start(context: StepContext, done: Done) -> Program:
    """Start the program a step names: the export, in any jar on S3 that the nodes can read."""
    if context.jar in {"command-runner.jar", "script-runner.jar"}:
        return Ends(context, done, Outcome(succeeded=True))
    if context.jar.startswith("s3"):
        try:
            jar = _fetch(context, *split_url(context.jar))
        except Denied as denied:
            message = f"Could not fetch the jar {context.jar}: {denied}"
            return Ends(context, done, Outcome(False, "Unknown Error.", message))
        except (NoSuchKey, NoSuchBucket) as missing:
            return NoJar(context, done, str(missing))
        if _lacks(jar, *context.args[:1]):
            return _no_class(context, done)
    if context.args and context.args[0] in EXPORT_CLASSES:
        return Export(context, done)
    return _no_class(context, done)


def _no_class(context: StepContext, done: Done) -> Program:
    missing_class = context.args[0] if context.args else "no class given"
    message = f'Exception in thread "main" java.lang.ClassNotFoundException: {missing_class}'
    return Ends(context, done, Outcome(False, "Main Class not found.", message))


def _lacks(jar: bytes, main: str = "") -> bool:
    """Say whether it is a true jar without the class; what is none stands for the tool's own."""
    content = io.BytesIO(jar)
    if not zipfile.is_zipfile(content):
        return False
    return f"{main.replace('.', '/')}.class" not in zipfile.ZipFile(content).namelist()


def _fetch(context: StepContext, bucket: str, key: str) -> bytes:
    """Fetch a jar as the nodes' role; those of AWS, here empty, are there in every region."""
    if bucket.startswith(AWS_BUCKET) or bucket.endswith(EMR_BUCKET):
        context.s3.may_read(bucket, key)
        return b""
    return context.s3.get(bucket, key)
