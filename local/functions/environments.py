"""Execution environments: a warm process for each function's code, environment and role."""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import zipfile
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3

from local.functions import worker as lambda_worker
from local.functions.in_process import Sleeper
from local.functions.invocation import Invocation, logging_config
from local.functions.logs import stream_name
from local.iam.sessions import session_keys

if TYPE_CHECKING:
    from moto.awslambda.models import LambdaFunction

    from local.core.aws import Aws

# real seconds after which a process that does not answer is killed
_PATIENCE_SECONDS = 300


class Worker:
    """One process that serves one invocation after the other."""

    def __init__(self, code: Path, environment: dict[str, str], errors: Path) -> None:
        self._errors = errors
        with errors.open("w") as stderr:
            self._process = subprocess.Popen(
                [sys.executable, "-I", lambda_worker.__file__, str(code)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stderr,
                env=environment,
                cwd=code,
                text=True,
            )

    @property
    def alive(self) -> bool:
        """Return whether the process still runs."""
        return self._process.poll() is None

    def ask(self, request: dict[str, Any]) -> dict[str, Any] | None:
        """Return the answer to a request, None if the process died over it."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        watchdog = threading.Timer(_PATIENCE_SECONDS, self._process.kill)
        watchdog.start()
        try:
            self._process.stdin.write(json.dumps(request) + "\n")
            self._process.stdin.flush()
            line = self._process.stdout.readline()
        except BrokenPipeError:
            line = ""
        finally:
            watchdog.cancel()
        if not line:
            self.close()
            return None
        answer: dict[str, Any] = json.loads(line)
        return answer

    def last_words(self) -> str:
        """Return what the process wrote to standard error."""
        return self._errors.read_text()

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()


class Executions:
    """The execution environments of a world."""

    def __init__(self, world: Aws, sleeper: Sleeper) -> None:
        self._world = world
        self._sleeper = sleeper
        self._idle: dict[str, list[Worker]] = defaultdict(list)
        self._lock = threading.Lock()
        self._directory: Path | None = None
        self._started = 0

    def warm(self, function: LambdaFunction) -> None:
        """Start an environment ahead of the first invocation."""
        if self._world.endpoint_url is None:
            return
        key = _key(function)
        with self._lock:
            if not self._idle[key]:
                self._idle[key].append(self._start(function))

    def run(self, function: LambdaFunction, invocation: Invocation) -> dict[str, Any]:
        """Run one invocation, in an idle environment or a new one."""
        request = _request(function, invocation)
        if self._world.endpoint_url is None:
            return self._run_here(function, request)
        key = _key(function)
        with self._lock:
            worker = self._idle[key].pop() if self._idle[key] else self._start(function)
        answer = worker.ask(request)
        if answer is None:
            message = f"RequestId: {invocation.request_id} Error: Runtime exited with error"
            error = {"errorType": "Runtime.ExitError", "errorMessage": message}
            return {"error": error, "log": worker.last_words()}
        if answer["error"] and answer["error"]["errorType"] in (
            "Sandbox.Timedout",
            "Runtime.ExitError",
        ):
            worker.close()  # as Lambda does: the next invocation finds a fresh environment
        else:
            with self._lock:
                self._idle[key].append(worker)
        return answer

    def _run_here(self, function: LambdaFunction, request: dict[str, Any]) -> dict[str, Any]:
        """Without an endpoint: run the handler of this process's own source, as the role."""
        old = dict(os.environ)
        session = boto3.DEFAULT_SESSION
        boto3.DEFAULT_SESSION = None
        os.environ.update(self._environment(function))
        try:
            with self._sleeper.own_time() as clock:
                return lambda_worker.run(request, clock, own_process=False)
        finally:
            boto3.DEFAULT_SESSION = session
            os.environ.clear()
            os.environ.update(old)

    def _environment(self, function: LambdaFunction) -> dict[str, str]:
        keys = session_keys(function.role, function.region, function.function_name)
        out = {
            **{name: str(value) for name, value in function.environment_vars.items()},
            **keys,
            "AWS_REGION": function.region,
            "AWS_DEFAULT_REGION": function.region,
            "AWS_LAMBDA_FUNCTION_NAME": function.function_name,
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory_size),
            "AWS_LAMBDA_LOG_GROUP_NAME": logging_config(function)["LogGroup"],
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "TZ": ":UTC",
            "LANG": "en_US.UTF-8",
        }
        if self._world.endpoint_url:
            out["AWS_ENDPOINT_URL"] = self._world.endpoint_url
        return out

    def _start(self, function: LambdaFunction) -> Worker:
        if self._directory is None:
            self._directory = Path(tempfile.mkdtemp(prefix="local-aws-"))
        code = self._directory / hashlib.sha256(function.code_bytes).hexdigest()[:16]
        if not code.exists():
            with zipfile.ZipFile(io.BytesIO(function.code_bytes)) as archive:
                archive.extractall(code)
        self._started += 1
        errors = self._directory / f"stderr-{self._started}"
        environment = {**self._environment(function), "LAMBDA_TASK_ROOT": str(code)}
        return Worker(code, environment, errors)

    def close(self) -> None:
        """End every process and remove the code."""
        with self._lock:
            for workers in self._idle.values():
                for worker in workers:
                    worker.close()
            self._idle.clear()
            if self._directory is not None:
                shutil.rmtree(self._directory, ignore_errors=True)
                self._directory = None


def _key(function: LambdaFunction) -> str:
    environment = json.dumps(function.environment_vars, sort_keys=True)
    return f"{function.function_arn} {function.role} {function.code_sha_256} {environment}"


def _request(function: LambdaFunction, invocation: Invocation) -> dict[str, Any]:
    config = logging_config(function)
    return {
        "event": invocation.event,
        "now": invocation.at.isoformat(),
        "timeout_seconds": function.timeout,
        "request_id": invocation.request_id,
        "arn": function.function_arn,
        "function_name": function.function_name,
        "handler": function.handler,
        "memory_mb": function.memory_size,
        "log_format": config["LogFormat"],
        "log_level": config.get("ApplicationLogLevel"),
        "log_group": config["LogGroup"],
        "log_stream": stream_name(invocation),
    }
