"""EventBridge Scheduler in virtual time: moto keeps the schedules, this fires them.

Delivery to Lambda is asynchronous: what the function does then is Lambda's affair
(`functions.async_delivery`); a universal target is called at once (`universal`). A delivery that
the schedule's role may not make goes to the schedule's dead-letter queue at once; the service would
first retry it as its policy says.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Protocol

from moto.awslambda.exceptions import UnknownFunctionException
from moto.scheduler.exceptions import ScheduleGroupNotFound, ValidationException
from moto.scheduler.models import EventBridgeSchedulerBackend, Schedule, scheduler_backends

from local.core.aws import Aws
from local.core.patching import Patches
from local.core.running import current
from local.functions.service import Functions
from local.iam import authorize
from local.messaging import sns_sqs
from local.scheduler import universal
from local.scheduler.expressions import BadExpression, next_time, parse, zone

_patches = Patches()
_originals: dict[str, Any] = {}


class Schedules:
    """The schedules of a world; nothing fires before `start()`."""

    def __init__(self, world: Aws, functions: Functions) -> None:
        self._world = world
        self._functions = functions
        self._seen: dict[str, datetime] = {}
        self._generation = 0
        self.started = False
        self.dropped: set[str] = set()
        """Names of schedules whose deliveries are lost."""
        self.fired: list[tuple[datetime, str]] = []
        """What fired so far: time and the schedule's name."""

    def start(self) -> None:
        """Let `world.clock.advance` invoke what is due from now on."""
        self.started = True
        now = self._world.clock.now()
        for schedule in _all():
            self._seen[schedule.arn] = now
        self.plan()

    def stop(self) -> None:
        """Fire nothing more."""
        self.started = False
        self._generation += 1

    def touched(self, schedule: Schedule) -> None:
        """Take a new or changed schedule into account, from now on."""
        self._seen[schedule.arn] = self._world.clock.now()
        if self.started:
            self.plan()

    def plan(self) -> None:
        """Wait for the next due time of all schedules."""
        self._generation += 1
        generation = self._generation
        due = [when for schedule in _all() if (when := self.next_of(schedule))]
        if due:
            self._world.clock.call_at(min(due), lambda: self._fire_due(generation))

    def next_of(self, schedule: Schedule) -> datetime | None:
        """Return when a schedule fires next, None if it does not."""
        if schedule.state != "ENABLED":
            return None
        after = self._seen.get(schedule.arn, self._world.clock.now())
        begin = _time(schedule.start_date) or _time(schedule.creation_date)
        assert begin is not None
        tz = zone(schedule.schedule_expression_timezone)
        when = next_time(parse(schedule.schedule_expression), tz, after, begin)
        end = _time(schedule.end_date)
        return None if when is None or (end and when > end) else when

    def _fire_due(self, generation: int) -> None:
        if generation != self._generation:
            return  # schedules have changed since: another event waits in this one's place
        now = self._world.clock.now()
        due = [(when, s) for s in _all() if (when := self.next_of(s)) and when <= now]
        for when, schedule in due:
            self._seen[schedule.arn] = when
        self.plan()
        for when, schedule in sorted(due, key=lambda pair: (pair[0], pair[1].name)):
            self._fire(schedule, when)

    def _fire(self, schedule: Schedule, when: datetime) -> None:
        self.fired.append((when, schedule.name))
        once = schedule.schedule_expression.startswith("at(")
        if once and schedule.action_after_completion == "DELETE":
            region, account = schedule.arn.split(":")[3:5]
            scheduler_backends[account][region].delete_schedule(schedule.group_name, schedule.name)
        if schedule.name in self.dropped:
            return
        text = _input(schedule, when)
        refused = self._deliver(schedule, json.loads(text))
        if refused is not None:
            self._dead_letter(schedule, text, *refused)

    def _deliver(self, schedule: Schedule, event: Any) -> universal.Refused | None:
        """Do what a schedule is for; return why not if that cannot be."""
        target, role = schedule.target["Arn"], schedule.target["RoleArn"]
        call = universal.operation(target)
        if call is None and target.split(":")[2] != "lambda":
            self._world.problems.append(f"the local AWS does not deliver to {target}")
            return "UNSUPPORTED", target
        account = role.split(":")[4]
        if self._world.iam_enforced and not authorize.trusts(
            account, role, "scheduler.amazonaws.com", _source(schedule)
        ):
            return "AWS.Scheduler.AssumeRoleFailed", f"cannot assume {role}"
        if call is not None:
            return call(self._world, schedule, event)
        try:
            function = self._functions.find(target)
        except UnknownFunctionException:
            return "ResourceNotFoundException", f"Function not found: {target}"
        if self._world.iam_enforced and not authorize.allowed(
            self._world, account, role, "lambda:InvokeFunction", target
        ):
            return "AccessDeniedException", f"{role} may not lambda:InvokeFunction on {target}"
        self._functions.deliver(function, event)
        return None

    def _dead_letter(self, schedule: Schedule, text: str, code: str, message: str) -> None:
        self._world.problems.append(f"schedule {schedule.name}: {code}: {message}")
        queue = (schedule.target.get("DeadLetterConfig") or {}).get("Arn")
        role = schedule.target["RoleArn"]
        if not queue:
            return
        account = role.split(":")[4]
        if self._world.iam_enforced and not authorize.allowed(
            self._world, account, role, "sqs:SendMessage", queue
        ):
            self._world.problems.append(f"{role} may not sqs:SendMessage on {queue}")
            return
        attributes = {
            "SCHEDULE_ARN": schedule.arn,
            "TARGET_ARN": schedule.target["Arn"],
            "ERROR_CODE": code,
            "ERROR_MESSAGE": message,
        }
        sns_sqs.send(queue, text, attributes)


def _all() -> Iterator[Schedule]:
    for regions in list(scheduler_backends.values()):
        for backend in list(regions.values()):
            for group in list(backend.schedule_groups.values()):
                yield from list(group.schedules.values())


def _time(value: Any) -> datetime | None:
    return None if value in (None, "") else datetime.fromtimestamp(float(value), UTC)


def _source(schedule: Schedule) -> dict[str, str]:
    """Return what a trust policy against confused deputies may ask for."""
    region, account = schedule.arn.split(":")[3:5]
    group = f"schedule-group/{schedule.group_name}"
    return {
        "aws:SourceAccount": account,
        "aws:SourceArn": f"arn:aws:scheduler:{region}:{account}:{group}",
    }


def _input(schedule: Schedule, when: datetime) -> str:
    """Fill in the context attributes that Scheduler knows."""
    text: str = schedule.target.get("Input") or "{}"
    for name, value in {
        "scheduled-time": f"{when:%Y-%m-%dT%H:%M:%SZ}",
        "schedule-arn": schedule.arn,
        "execution-id": str(uuid.uuid4()),
        "attempt-number": "1",
    }.items():
        text = text.replace(f"<aws.scheduler.{name}>", value)
    return text


def _check(backend: EventBridgeSchedulerBackend, given: dict[str, Any]) -> None:
    """Refuse what the service refuses and moto takes."""
    try:
        parse(given["schedule_expression"])
        zone(given.get("schedule_expression_timezone") or "UTC")
    except BadExpression as error:
        raise ValidationException(message=str(error)) from error
    group = given.get("group_name") or "default"
    if group not in backend.schedule_groups:
        raise ScheduleGroupNotFound(group)
    role = given["target"].get("RoleArn", "")
    context = {
        "aws:SourceAccount": backend.account_id,
        "aws:SourceArn": f"arn:aws:scheduler:{backend.region_name}:{backend.account_id}"
        f":schedule-group/{group}",
    }
    if current().iam_enforced and not authorize.trusts(
        role.split(":")[4], role, "scheduler.amazonaws.com", context
    ):
        raise ValidationException(
            message="The execution role you provide must allow AWS EventBridge Scheduler to "
            "assume the role."
        )


def _create(backend: EventBridgeSchedulerBackend, **given: Any) -> Schedule:
    _check(backend, given)
    schedule: Schedule = _originals["create"](backend, **given)
    _installed[-1].touched(schedule)
    return schedule


def _update(backend: EventBridgeSchedulerBackend, **given: Any) -> Schedule:
    _check(backend, given)
    schedule: Schedule = _originals["update"](backend, **given)
    schedule.state = given.get("state") or "ENABLED"
    _installed[-1].touched(schedule)
    return schedule


_installed: list[Schedules] = []


class WithSchedules(Protocol):
    """A world, of which only its schedules matter here."""

    schedules: Schedules


def install(world: WithSchedules) -> None:
    """Watch moto's schedules."""
    _installed[:] = [world.schedules]
    backend = EventBridgeSchedulerBackend
    _originals["create"] = _patches.set(backend, "create_schedule", _create)
    _originals["update"] = _patches.set(backend, "update_schedule", _update)


def uninstall() -> None:
    """Leave moto's schedules alone."""
    for schedules in _installed:
        schedules.stop()
    _patches.undo()
    _installed.clear()
