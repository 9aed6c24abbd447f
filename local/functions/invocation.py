"""One invocation of a function, and what is kept of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from moto.awslambda.models import LambdaFunction


@dataclass
class Invocation:
    """One invocation of a function and what came of it (times virtual, `cpu_seconds` real)."""

    function: str
    arn: str
    request_id: str
    event: Any
    at: datetime
    attempt: int = 1
    payload: Any = None
    error: dict[str, Any] | None = None
    log: str = field(default="", repr=False)
    slept_seconds: float = 0
    cpu_seconds: float = 0
    peak_memory_kb: int = 0
    ended_at: datetime | None = None
    """When its end was known; None: it runs."""


def logging_config(function: LambdaFunction) -> dict[str, Any]:
    """Return the function's LoggingConfig with the service's defaults."""
    given = function.__dict__.get("local_logging_config") or {}
    defaults = {"LogFormat": "Text", "LogGroup": f"/aws/lambda/{function.function_name}"}
    return {**defaults, **given}
