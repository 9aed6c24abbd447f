"""One execution environment of a Lambda function: a process that runs a zip in virtual time.

Started by `local.functions.environments` in a process of its own, without this repository on its
path. Speaks JSON lines: a request on standard input, an answer on standard output; between them,
where the request says that it `asks`, `{"sleep": seconds}` for each sleep, whose answer says the
virtual time and whether the invocation's time is up, `{"now": iso, "late": bool}`.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import json
import logging
import os
import resource
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from local.functions.virtual_time import AskedTime, TimedOut, VirtualTime, hook, say_time


class Context:
    """What Lambda hands a handler beside the event."""

    def __init__(self, request: dict[str, Any], clock: VirtualTime) -> None:
        self._clock = clock
        self.function_name = request["function_name"]
        self.function_version = "$LATEST"
        self.invoked_function_arn = request["arn"]
        self.memory_limit_in_mb = str(request["memory_mb"])
        self.aws_request_id = request["request_id"]
        self.log_group_name = request["log_group"]
        self.log_stream_name = request["log_stream"]
        self.identity = None
        self.client_context = None

    def get_remaining_time_in_millis(self) -> int:
        """Return what is left of the function's timeout, in virtual time."""
        return max(0, int((self._clock.limit_seconds - self._clock.elapsed()) * 1000))


class LogFormat(logging.Formatter):
    """Log lines as Lambda's runtime writes them: text, or JSON with the record's extra fields."""

    _plain = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}

    def __init__(self, as_json: bool, request_id: str, clock: VirtualTime) -> None:
        super().__init__()
        self._as_json, self._request_id, self._clock = as_json, request_id, clock

    def format(self, record: logging.LogRecord) -> str:
        """Return one line."""
        now = self._clock.now().strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
        if not self._as_json:
            text = f"[{record.levelname}]\t{now}\t{self._request_id}\t{record.getMessage()}"
            return text + (f"\n{self.formatException(record.exc_info)}" if record.exc_info else "")
        line: dict[str, Any] = {
            "timestamp": now[:-5] + "Z",
            "level": record.levelname,
            "message": record.getMessage(),
            "logger": record.name,
            "requestId": self._request_id,
        }
        line.update({k: v for k, v in vars(record).items() if k not in self._plain})
        if record.exc_info and record.exc_info[0]:
            line["errorType"] = record.exc_info[0].__name__
            line["errorMessage"] = str(record.exc_info[1])
            line["stackTrace"] = traceback.format_tb(record.exc_info[2])
        return json.dumps(line, default=str)


@contextlib.contextmanager
def captured(request: dict[str, Any], clock: VirtualTime, log: io.StringIO) -> Iterator[None]:
    """Gather what the handler prints and logs."""
    root = logging.getLogger()
    as_json = request.get("log_format") == "JSON"
    handler = logging.StreamHandler(log)
    handler.setFormatter(LogFormat(as_json, request["request_id"], clock))
    level, handlers = root.level, list(root.handlers)
    root.handlers[:] = [handler]
    # the runtime's defaults: WARNING in text, INFO in JSON (Lambda guide, application log level)
    root.setLevel(request.get("log_level") or ("INFO" if as_json else "WARNING"))
    try:
        with contextlib.redirect_stdout(log), contextlib.redirect_stderr(log):
            yield
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)


def load(handler: str) -> Callable[[Any, Context], Any]:
    """Return the function named `package.module.function`."""
    module, _, function = handler.rpartition(".")
    loaded: Callable[[Any, Context], Any] = getattr(
        importlib.import_module(module.replace("/", ".")), function
    )
    return loaded


def run(
    request: dict[str, Any],
    clock: VirtualTime,
    own_process: bool = True,
    log: io.StringIO | None = None,
) -> dict[str, Any]:
    """Run one invocation and return its answer: payload or error, log, costs.

    `log` is for a caller that wants to see it while it is written.
    """
    log = io.StringIO() if log is None else log
    clock.begin(datetime.fromisoformat(request["now"]), request["timeout_seconds"])
    cpu = time.process_time()
    answer: dict[str, Any] = {"error": None, "payload": None}
    with captured(request, clock, log):
        try:
            function = load(request["handler"])
            if own_process:
                hook(clock)
            returned = function(request["event"], Context(request, clock))
            answer["payload"] = json.loads(json.dumps(returned))
        except TimedOut:
            answer["error"] = timed_out(request, clock.start)
        except Exception as error:  # noqa: BLE001 - whatever the handler raises is its answer
            answer["error"] = described(error)
        except SystemExit as error:
            message = f"RequestId: {request['request_id']} Error: Runtime exited with {error.code}"
            answer["error"] = {"errorType": "Runtime.ExitError", "errorMessage": message}
        if answer["error"]:
            log.write(json.dumps(answer["error"]) + "\n")
    answer["log"] = log.getvalue()
    answer["slept_seconds"] = min(clock.elapsed(), clock.limit_seconds)
    answer["cpu_seconds"] = time.process_time() - cpu
    answer["peak_memory_kb"] = _peak_memory_kb()
    return answer


def _peak_memory_kb() -> int:
    # getrusage would give the parent's peak: it survives exec on Linux
    with contextlib.suppress(OSError), Path("/proc/self/status").open() as status:
        for line in status:
            if line.startswith("VmHWM:"):
                return int(line.split()[1])
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def described(error: BaseException) -> dict[str, Any]:
    """Return an error as Lambda's Python runtime gives it."""
    import_error = isinstance(error, ImportError)
    return {
        "errorMessage": str(error),
        "errorType": "Runtime.ImportModuleError" if import_error else type(error).__name__,
        "stackTrace": [
            f'  File "{frame.filename}", line {frame.lineno}, in {frame.name}\n    {frame.line}\n'
            for frame in traceback.extract_tb(error.__traceback__)[1:]
        ],
    }


def timed_out(request: dict[str, Any], start: datetime) -> dict[str, str]:
    """Return the error of an invocation that was still going at its timeout."""
    at = start + timedelta(seconds=request["timeout_seconds"])
    return {
        "errorType": "Sandbox.Timedout",
        "errorMessage": f"{at:%Y-%m-%dT%H:%M:%SZ} {request['request_id']} "
        f"Task timed out after {request['timeout_seconds']:.2f} seconds",
    }


def main() -> None:
    """Serve requests until standard input ends."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    current = own = VirtualTime()

    def say(message: dict[str, Any]) -> None:
        answers.write(json.dumps(message) + "\n")
        answers.flush()

    def ask(question: dict[str, Any]) -> dict[str, Any]:
        say(question)
        reply: dict[str, Any] = json.loads(sys.stdin.readline())
        return reply

    # before boto3 is imported: botocore's back-off then costs nothing and moves this clock
    time.sleep = lambda seconds, /: current.sleep(float(seconds))
    say_time(lambda: current.now())
    sys.path.insert(0, sys.argv[1])
    importlib.import_module("boto3")
    for line in iter(sys.stdin.readline, ""):
        request = json.loads(line)
        current = AskedTime(ask) if request.get("asks") else own
        say(run(request, current))
