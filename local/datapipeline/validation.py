"""What Data Pipeline says of a definition: what it refuses to store, and what it finds wrong in it.

Source: Developer Guide (limits, pipeline objects, on-demand) and API reference
(PutPipelineDefinition), 2012-10-29. The wording of the messages is ours; the service's is not
documented.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Object = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of an account [dp-limits]; those of pipelines and objects can be raised by AWS."""

    pipelines: int = 100
    objects: int = 100
    fields: int = 50
    id_bytes: int = 256
    field_bytes: int = 10_240
    object_bytes: int = 15_360
    steps: int = 255


LIMITS = Limits()

_TYPES = """
CopyActivity EmrActivity HadoopActivity HiveActivity HiveCopyActivity PigActivity SqlActivity
RedshiftCopyActivity ShellCommandActivity DynamoDBDataNode MySqlDataNode RedshiftDataNode S3DataNode
SqlDataNode Ec2Resource EmrCluster HttpProxy EmrConfiguration Property EbsConfiguration
EbsBlockDeviceConfig VolumeSpecification DynamoDBDataExists DynamoDBTableExists Exists S3KeyExists
S3PrefixNotEmpty ShellCommandPrecondition JdbcDatabase RdsDatabase RedshiftDatabase CSV Custom
DynamoDBDataFormat DynamoDBExportDataFormat RegEx TSV SnsAlarm Terminate Schedule Default
"""
KNOWN_TYPES = frozenset(_TYPES.split())
REQUIRED: dict[str, tuple[tuple[str, ...], ...]] = {  # of each inner tuple, one field is enough
    "DynamoDBDataNode": (("tableName",),),
    "S3DataNode": (("directoryPath", "filePath"),),
    "EmrActivity": (("runsOn", "workerGroup"),),
    "HadoopActivity": (("runsOn", "workerGroup"), ("jarUri",)),
    "EmrConfiguration": (("classification",),),
    "Property": (("key",), ("value",)),
    "SnsAlarm": (("message",), ("role",), ("subject",), ("topicArn",)),
    "Schedule": (("period",), ("startAt", "startDateTime")),
    "EmrCluster": (("role",), ("resourceRole",)),
}
PERIODS = frozenset(
    {
        "attemptTimeout",
        "initTimeout",
        "lateAfterTimeout",
        "reportProgressTimeout",
        "retryDelay",
        "terminateAfter",
        "period",
    }
)
PERIOD = re.compile(r"(\d+)\s+(minute|hour|day|week|month|year)s?", re.IGNORECASE)
PERIOD_SECONDS = {
    "minute": 60,
    "hour": 3600,
    "day": 86_400,
    "week": 604_800,
    "month": 2_592_000,
    "year": 31_536_000,
}
INTEGERS = frozenset({"maximumRetries", "coreInstanceCount", "taskInstanceCount"})
PERCENTAGES = frozenset({"readThroughputPercent", "writeThroughputPercent"})
CHOICES = {
    "failureAndRerunMode": {"NONE", "CASCADE"},
    "actionOnTaskFailure": {"CONTINUE", "TERMINATE"},
    "actionOnResourceFailure": {"RETRYALL", "RETRYNONE"},
    "scheduleType": {"ONDEMAND", "CRON", "TIMESERIES"},
    "resizeClusterBeforeRunning": {"TRUE", "FALSE"},
}
MAXIMUM_RETRIES = 5
RETRY_DELAY_SECONDS = 120


class NotStored(Exception):
    """When the service stores nothing and answers InvalidRequestException with this message."""


def values(fields: Sequence[Object], key: str) -> list[str]:
    """Return all values of a field, strings and references."""
    return [
        str(field.get("stringValue", field.get("refValue")))
        for field in fields
        if field["key"] == key
    ]


def value(fields: Sequence[Object], key: str) -> str | None:
    """Return a field's first value."""
    return next(iter(values(fields, key)), None)


def seconds_of_period(text: str) -> int | None:
    """Return a Period's length ("12 hours"), None if it is none."""
    match = PERIOD.fullmatch(text.strip())
    return int(match[1]) * PERIOD_SECONDS[match[2].lower()] if match else None


def check_storable(objects: Sequence[Object], limits: Limits = LIMITS) -> None:
    """Raise NotStored for what makes the service store nothing at all."""
    if len(objects) > limits.objects:
        raise NotStored(
            f"The pipeline definition has {len(objects)} objects: the limit is {limits.objects} "
            "objects per pipeline"
        )
    seen: set[str] = set()
    for thing in objects:
        for part in ("id", "name"):
            if not thing.get(part):
                raise NotStored(f"Every pipeline object needs an {part}: {_short(thing)}")
        identifier = thing["id"]
        if len(identifier.encode()) > limits.id_bytes:
            raise NotStored(f"Id {identifier[:40]}... is longer than {limits.id_bytes} bytes")
        if identifier in seen:
            raise NotStored(f"Object id {identifier} occurs twice")
        seen.add(identifier)
        _check_fields(identifier, thing, limits)


def _short(thing: Object) -> str:
    return repr({key: thing.get(key) for key in ("id", "name")})


def _check_fields(identifier: str, thing: Object, limits: Limits) -> None:
    fields = thing.get("fields") or []
    if len(fields) > limits.fields:
        raise NotStored(
            f"Object {identifier} has {len(fields)} fields: the limit is {limits.fields}"
        )
    size = 0
    for field in fields:
        key = field.get("key") or ""
        content = field.get("stringValue", field.get("refValue"))
        if not key or not content:
            raise NotStored(f"Object {identifier}: field '{key}' has an empty string or reference")
        if len(key.encode()) > limits.id_bytes or (
            "refValue" in field and len(content.encode()) > limits.id_bytes
        ):
            raise NotStored(
                f"Object {identifier}: '{key[:40]}' is longer than {limits.id_bytes} bytes"
            )
        if len(content.encode()) > limits.field_bytes:
            raise NotStored(
                f"Object {identifier}: field '{key}' is longer than {limits.field_bytes} bytes"
            )
        size += len(key.encode()) + len(content.encode())
    if size > limits.object_bytes:
        raise NotStored(
            f"Object {identifier} holds {size} bytes: the limit is {limits.object_bytes}"
        )


def find_errors(objects: Sequence[Object], limits: Limits = LIMITS) -> dict[str, list[str]]:
    """Return what is wrong with a definition, by object id; empty if it can be activated."""
    by_id = {thing["id"]: thing for thing in objects}
    default = list((by_id.get("Default") or {}).get("fields", []))
    on_demand = (value(default, "scheduleType") or "").upper() == "ONDEMAND"
    errors: dict[str, list[str]] = {}
    for thing in objects:
        checks = (
            _of_type(thing, default),
            _of_references(thing, by_id),
            _of_values(thing),
            _of_kind(thing, by_id, limits, on_demand=on_demand),
        )
        found = [error for check in checks for error in check]
        if found:
            errors[thing["id"]] = found
    if not any(_kind(thing) not in {None, "Default"} for thing in objects):
        errors.setdefault("Default", []).append("The pipeline has no object to run")
    return errors


def _kind(thing: Object) -> str | None:
    return value(thing["fields"], "type")


def _of_type(thing: Object, default: Sequence[Object]) -> Iterator[str]:
    kind = _kind(thing)
    if kind is None:
        if thing["id"] != "Default":
            yield "Missing required field 'type'"
        return
    if kind not in KNOWN_TYPES:
        yield f"Unknown type '{kind}'"
    inherited = [] if value(thing["fields"], "parent") else default
    for choice in REQUIRED.get(kind, ()):
        if not any(values(thing["fields"], key) or values(inherited, key) for key in choice):
            yield f"Missing required field '{' or '.join(choice)}'"


def _of_references(thing: Object, by_id: Mapping[str, Object]) -> Iterator[str]:
    for field in thing["fields"]:
        target = field.get("refValue")
        if target is not None and target not in by_id:
            yield f"Unresolved reference: field '{field['key']}' refers to '{target}'"


def _of_values(thing: Object) -> Iterator[str]:
    for field in thing["fields"]:
        key, text = field["key"], field.get("stringValue")
        if text is None or "#{" in text:
            continue
        for names, check in _VALUE_CHECKS:
            if key in names:
                yield from check(key, text)


def _period_errors(key: str, text: str) -> Iterator[str]:
    seconds = seconds_of_period(text)
    if key == "terminateAfter" and text.isdigit():  # documented as hours, though nobody writes it
        return
    if seconds is None:
        yield f"Malformed period in '{key}': '{text}' (write '2 hours')"
    elif key == "retryDelay" and seconds < RETRY_DELAY_SECONDS:
        yield "retryDelay must be at least 2 minutes"


def _integer_errors(key: str, text: str) -> Iterator[str]:
    if not text.isdigit():
        yield f"'{key}' must be an integer, got '{text}'"
    elif key == "maximumRetries" and int(text) > MAXIMUM_RETRIES:
        yield f"maximumRetries must be at most {MAXIMUM_RETRIES}, got {text}"


def _percentage_errors(key: str, text: str) -> Iterator[str]:
    try:
        fine = 0.1 <= float(text) <= 1.0
    except ValueError:
        fine = False
    if not fine:
        yield f"'{key}' must be a number from 0.1 to 1.0, got '{text}'"


def _choice_errors(key: str, text: str) -> Iterator[str]:
    if text.upper() not in CHOICES[key]:
        yield f"'{key}' must be one of {', '.join(sorted(CHOICES[key]))}, got '{text}'"


_VALUE_CHECKS: tuple[tuple[frozenset[str], Callable[[str, str], Iterator[str]]], ...] = (
    (PERIODS, _period_errors),
    (INTEGERS, _integer_errors),
    (PERCENTAGES, _percentage_errors),
    (frozenset(CHOICES), _choice_errors),
)


def _of_kind(
    thing: Object, by_id: Mapping[str, Object], limits: Limits, *, on_demand: bool
) -> Iterator[str]:
    kind, fields = _kind(thing), thing["fields"]
    if on_demand and (
        kind == "Schedule" or (thing["id"] != "Default" and value(fields, "schedule"))
    ):
        yield "An ONDEMAND pipeline must not have a Schedule"
    if on_demand and thing["id"] != "Default" and value(fields, "scheduleType"):
        yield "ONDEMAND must be the only scheduleType, set on Default"
    if kind == "EmrCluster":
        if value(fields, "releaseLabel") and value(fields, "amiVersion"):
            yield "Only one of 'releaseLabel' and 'amiVersion' may be given"
        for name in ("runsOn", "workerGroup"):
            if value(fields, name):
                yield f"Field '{name}' is not allowed on EmrCluster"
    if kind == "EmrActivity":
        target = by_id.get(value(fields, "runsOn") or "")
        if target is not None and _kind(target) != "EmrCluster":
            yield f"'runsOn' of an EmrActivity must be an EmrCluster, not {_kind(target)}"
        if len(values(fields, "step")) > limits.steps:
            yield f"At most {limits.steps} 'step' fields are allowed"
