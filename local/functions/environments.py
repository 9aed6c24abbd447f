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
_REPOSITORY = Path(__file__).parents[2]
_BEGIN = """
import sys
sys.path.insert(0, sys.argv.pop())
from local.functions import worker
del sys.path[0]
worker.main()
"""


class Worker:
    """One process that serves one invocation after the other."""

    def __init__(self, code: Path, environment: dict[str, str], errors: Path) -> None:
        self._errors = errors
        with errors.open("w") as stderr:
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-c", _BEGIN, str(code), str(_REPOSITORY)],
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

    def kill(self) -> None:
        """Kill the process; whoever asks it hears None and closes it."""
        self._process.kill()

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
        """Run one invocation in its own time, in an idle environment or a new one."""
        request = requested(function, invocation)
        if self._world.endpoint_url is None:
            return self._run_here(function, request)
        worker = self.take(function)
        answer = worker.ask(request)
        if answer is None:
            return {"error": exit_error(invocation), "log": worker.last_words()}
        self.give_back(function, worker, answer)
        return answer

    def take(self, function: LambdaFunction) -> Worker:
        """Return an idle environment or a new one."""
        key = _key(function)
        with self._lock:
            return self._idle[key].pop() if self._idle[key] else self._start(function)

    def give_back(self, function: LambdaFunction, worker: Worker, answer: dict[str, Any]) -> None:
        """Keep an environment for the next invocation, unless its end leaves none."""
        if answer["error"] and answer["error"]["errorType"] in (
            "Sandbox.Timedout",
            "Runtime.ExitError",
        ):
            worker.close()  # as Lambda does: the next invocation finds a fresh environment
        else:
            with self._lock:
                self._idle[_key(function)].append(worker)

    def _run_here(self, function: LambdaFunction, request: dict[str, Any]) -> dict[str, Any]:
        """Without an endpoint: run the handler of this process's own source, as the role."""
        old = dict(os.environ)
        session = boto3.DEFAULT_SESSION
        boto3.DEFAULT_SESSION = None
        os.environ.update(self.variables(function))
        try:
            with self._sleeper.own_time() as clock:
                return lambda_worker.run(request, clock, own_process=False)
        finally:
            boto3.DEFAULT_SESSION = session
            os.environ.clear()
            os.environ.update(old)

    def variables(self, function: LambdaFunction) -> dict[str, str]:
        """Return the environment variables of a function, its role's keys among them."""
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
        environment = {**self.variables(function), "LAMBDA_TASK_ROOT": str(code)}
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


def exit_error(invocation: Invocation) -> dict[str, str]:
    """Return the error of an invocation whose process died."""
    message = f"RequestId: {invocation.request_id} Error: Runtime exited with error"
    return {"errorType": "Runtime.ExitError", "errorMessage": message}


def requested(function: LambdaFunction, invocation: Invocation) -> dict[str, Any]:
    """Return what a worker is asked (`local.functions.worker.run`)."""
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
