"""What is around the functions, for `doctor`: schedules, alarms, lost events, the last night."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError

from hippolyte import clock
from hippolyte.errors import code_of
from hippolyte.record_form import known_form, when
from hippolyte.records.runs import is_night, start_of
from hippolyte.settings import Settings
from hippolyte.store import Store

Look = Callable[[], tuple[bool, str]]
Client = Callable[..., Any]

# as schedules.tf and monitoring.tf have them; tests/terraform compares
_MONITOR, _LATER = "rate(5 minutes)", 65
ALARMS = (
    "night-overdue",
    "tables-failed",
    "tables-left-raised",
    "backups-old",
    "scheduler-errors",
    "monitor-errors",
    "events-lost",
)
_CRON = re.compile(r"cron\(([0-9]{1,2}) ([0-9]{1,2}) \* \* \? \*\)")
_APPLY = "apply the module again"


def looks(settings: Settings, client: Client) -> Iterator[tuple[str, Look]]:
    """Yield what is looked at, and how; `client` makes one of a service, and a region if given."""
    yield "schedules", lambda: _schedules(settings, client("scheduler"))
    yield "alarms", lambda: _alarms(settings, client("cloudwatch"))
    yield "lost events", lambda: _lost(settings, client("sqs"))
    yield "last night", lambda: _night(settings, client)


def _schedule(settings: Settings, scheduler: Any, key: str) -> Any:
    return scheduler.get_schedule(GroupName=settings.name, Name=f"{settings.name}-{key}")


def _schedules(settings: Settings, scheduler: Any) -> tuple[bool, str]:
    if not settings.enabled:
        return False, "nights are disabled (enabled = false): none begins by itself"
    wanted = ["night", "monitor"]
    if settings.window_seconds > _LATER * 60:
        wanted.append("catch-up")
    found: dict[str, Any] = {}
    wrong: list[str] = []
    for key in wanted:
        try:
            found[key] = _schedule(settings, scheduler, key)
        except ClientError as error:
            if code_of(error) != "ResourceNotFoundException":
                raise
            wrong.append(f"{settings.name}-{key} is not there")
    wrong += [line for key, one in found.items() for line in _wrong(settings, key, one)]
    night, later = (
        _minute(found[key]["ScheduleExpression"]) if key in found else None
        for key in ("night", "catch-up")
    )
    if night is not None and later is not None and (night + _LATER) % 1440 != later:
        wrong.append(f"{settings.name}-catch-up is not {_LATER} minutes after the night's")
    if wrong:
        return False, f"{'; '.join(wrong)}: {_APPLY}"
    begins = f"{(night or 0) // 60:02}:{(night or 0) % 60:02} {settings.timezone}"
    return True, f"{len(found)} are enabled; nights begin at {begins}"


def _wrong(settings: Settings, key: str, one: Any) -> Iterator[str]:
    """Yield what is another at a schedule than the module made it."""
    name = f"{settings.name}-{key}"
    function = "monitor" if key == "monitor" else "scheduler"
    said, zone = one["ScheduleExpression"], one.get("ScheduleExpressionTimezone", "UTC")
    if one["State"] != "ENABLED":
        yield f"{name} is {one['State']}"
    if not one["Target"]["Arn"].endswith(f":function:{settings.name}-{function}"):
        yield f"{name} invokes {one['Target']['Arn']}"
    if key == "monitor":
        if said != _MONITOR:
            yield f"{name} is {said}, and not {_MONITOR}"
        return
    if zone != settings.timezone:
        yield f"{name} is in {zone}, the window in {settings.timezone}"
    if _minute(said) is None:
        yield f"{name} is {said}: no time of each day"


def _minute(expression: str) -> int | None:
    found = _CRON.fullmatch(expression)
    return int(found[2]) * 60 + int(found[1]) if found else None


def _alarms(settings: Settings, cloudwatch: Any) -> tuple[bool, str]:
    keys = [*ALARMS, *(["drill-failed"] if settings.restore_drill else [])]
    names = [f"{settings.name}-{key}" for key in keys]
    found = {
        each["AlarmName"]: each
        for each in cloudwatch.describe_alarms(AlarmNames=names)["MetricAlarms"]
    }
    if not found:
        return False, f"there is none (alarms_enabled = false?): {_APPLY} with them"
    wrong = [f"{name} is not there" for name in names if name not in found]
    for name, one in found.items():
        if not one["ActionsEnabled"] or not one["AlarmActions"]:
            wrong.append(f"{name} tells nobody: its actions are off")
        elif one["StateValue"] == "ALARM":
            wrong.append(f"{name} is in ALARM: {one.get('StateReason', '')}")
    if wrong:
        return False, "; ".join(wrong)
    return True, f"{len(found)} are there, and none is in ALARM"


def _lost(settings: Settings, sqs: Any) -> tuple[bool, str]:
    name = f"{settings.name}-lost"
    url = sqs.get_queue_url(QueueName=name)["QueueUrl"]
    which = "ApproximateNumberOfMessages"
    asked = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=[which])
    count = int(asked["Attributes"][which])
    if count:
        return False, (
            f"{count} in the queue {name}: docs/operations.md, alarm `events-lost`, says what to do"
        )
    return True, f"the queue {name} is empty"


def _night(settings: Settings, client: Client) -> tuple[bool, str]:
    """Say how old the newest night's report is; at the most a day, its window and some time."""
    store = Store(client("s3", settings.bucket_region or settings.region), settings.bucket)
    most = timedelta(hours=26, seconds=settings.window_seconds)
    below = store.level(settings.place("runs", "")).below
    for run in sorted(filter(is_night, below), key=start_of, reverse=True):
        if found := store.read(settings.place("runs", run, "report.json")):
            with known_form("the report"):
                closed = when(found[0]["closed_at"])
            said = f"night {run} was closed {_ago(closed)}"
            return _is_new(closed, most), said
    made = _schedule(settings, client("scheduler"), "night")["CreationDate"]
    said = f"no night has ended yet; its schedule was made {_ago(made)}"
    return _is_new(made, most), said


def _is_new(moment: datetime, most: timedelta) -> bool:
    """Say whether it was not long ago; nor is it to come, but for an hour of clocks that differ."""
    return -timedelta(hours=1) <= clock.now() - moment <= most


def _ago(moment: datetime) -> str:
    hours = (clock.now() - moment) / timedelta(hours=1)
    if hours < -1:
        return f"at {moment:%Y-%m-%d %H:%M}Z, which is to come: one of the clocks is wrong"
    return f"{hours / 24:.1f} days ago" if hours >= 48 else f"{hours:.0f} hours ago"
