"""CloudWatch metric alarms, evaluated in virtual time: moto leaves every alarm at OK.

CloudWatch user guide, alarm evaluation: M of N periods, missing data as the alarm treats it, and
actions only on a change of state.
"""

from __future__ import annotations

import json
import operator
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from moto.cloudwatch.models import Alarm, MetricAggregatedDatum, cloudwatch_backends
from moto.sns.models import sns_backends
from moto.sqs.models import sqs_backends

from local.iam import resource_policies
from local.iam.permission import find_key
from local.messaging import sns_sqs

if TYPE_CHECKING:
    from local.core.aws import Aws
    from local.functions.service import Functions

_COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    "GreaterThanOrEqualToThreshold": operator.ge,
    "GreaterThanThreshold": operator.gt,
    "LessThanThreshold": operator.lt,
    "LessThanOrEqualToThreshold": operator.le,
}
_STATISTICS: dict[str, Callable[[list[float]], float]] = {
    "Sum": sum,
    "Maximum": max,
    "Minimum": min,
    "Average": lambda values: sum(values) / len(values),
    "SampleCount": len,
}
_EVERY_SECONDS = 60
# "a higher number of data points than the evaluation periods": the user guide's table for three
# periods shows five
_FURTHER_BACK = 2


class Alarms:
    """The alarms of a world that tell an SNS topic; nothing is evaluated before `start()`."""

    def __init__(self, world: Aws, functions: Functions) -> None:
        self._world = world
        self._functions = functions
        self._started = False
        self._states: dict[str, str] = {}
        self._evaluated: dict[str, tuple[Alarm, datetime]] = {}
        self.changes: list[tuple[datetime, str, str]] = []
        """Each change so far: time, alarm, new state."""

    def start(self) -> None:
        """Evaluate every alarm each virtual minute from now on."""
        if not self._started:
            self._started = True
            self._world.clock.call_in(_EVERY_SECONDS, self._tick)

    def stop(self) -> None:
        """Evaluate nothing more."""
        self._started = False

    def states(self) -> dict[str, str]:
        """Return every alarm's state."""
        return {alarm.name: self._state(alarm) for _, _, alarm in _all()}

    def _state(self, alarm: Alarm) -> str:
        # a new alarm knows nothing yet, one that is put again keeps its state: moto says OK of both
        return self._states.get(alarm.alarm_arn, "INSUFFICIENT_DATA")

    def _tick(self) -> None:
        if not self._started:
            return
        self._world.clock.call_in(_EVERY_SECONDS, self._tick)
        now = self._world.clock.now()
        for account, region, alarm in _all():
            alarm.state_value = self._state(alarm)
            state = self._evaluate(account, region, alarm, now)
            if state not in (None, alarm.state_value):
                self._change(account, region, alarm, str(state))

    def _evaluate(self, account: str, region: str, alarm: Alarm, now: datetime) -> str | None:
        """Return the alarm's state, None to keep the one it has.

        CloudWatch looks further back than the alarm's periods, and goes by the newest points there
        are; missing ones count only where too few are left (user guide, missing data).
        """
        period, periods = int(alarm.period), int(alarm.evaluation_periods)
        last = datetime.fromtimestamp(now.timestamp() // period * period, UTC)
        # nothing is new before the next period ends, but for a queue, which is looked at as it is
        if self._evaluated.get(alarm.alarm_arn) == (alarm, last) and alarm.namespace != "AWS/SQS":
            return None
        self._evaluated[alarm.alarm_arn] = (alarm, last)
        found: list[float] = []
        for number in range(periods + _FURTHER_BACK):
            end = last - timedelta(seconds=period * number)
            begin = end - timedelta(seconds=period)
            if values := self._values(account, region, alarm, begin, end):
                found.append(_STATISTICS[alarm.statistic](values))
        found = found[:periods]
        treatment = alarm.treat_missing_data or "missing"
        missing = periods - len(found)
        if missing and treatment == "ignore":
            return None
        if not found and treatment == "missing":
            return "INSUFFICIENT_DATA"
        compare = _COMPARISONS[alarm.comparison_operator]
        breaching = sum(compare(point, float(alarm.threshold)) for point in found)
        needed = int(alarm.datapoints_to_alarm or periods)
        if treatment == "breaching":
            breaching += missing
        elif treatment == "missing":
            needed = min(needed, len(found))
        return "ALARM" if breaching >= needed else "OK"

    def _values(
        self, account: str, region: str, alarm: Alarm, begin: datetime, end: datetime
    ) -> list[float]:
        dimensions = {d.name: d.value for d in alarm.dimensions}
        if alarm.namespace == "AWS/Lambda":
            name = dimensions["FunctionName"]
            return [
                float(i.error is not None) if alarm.metric_name == "Errors" else 1.0
                for i in self._functions.invocations
                if i.function == name and i.ended_at and begin <= i.at < end and account in i.arn
            ]
        if alarm.namespace == "AWS/SQS":
            queue = sqs_backends[account][region].queues.get(dimensions["QueueName"])
            return [] if queue is None else [float(len(queue._messages))]
        return list(_measured(account, region, alarm, dimensions, (begin, end)))

    def _change(self, account: str, region: str, alarm: Alarm, state: str) -> None:
        old = alarm.state_value
        reason = f"evaluated by the local AWS at {self._world.clock.now():%Y-%m-%dT%H:%M:%SZ}"
        alarm.update_state(reason, "{}", state)
        self._states[alarm.alarm_arn] = state
        self.changes.append((self._world.clock.now(), alarm.name, state))
        actions = {
            "ALARM": alarm.alarm_actions,
            "OK": alarm.ok_actions,
            "INSUFFICIENT_DATA": alarm.insufficient_data_actions,
        }[state]
        for action in actions if alarm.actions_enabled else []:
            if action.split(":")[2] != "sns":
                continue
            why = self._not_deliverable(account, alarm, action)
            if why:
                # as on AWS, where such an alarm is lost without a word
                self._world.problems.append(f"alarm {alarm.name} was dropped: {why}")
                continue
            body = {
                "AlarmName": alarm.name,
                "AlarmDescription": alarm.description,
                "AWSAccountId": account,
                "NewStateValue": state,
                "OldStateValue": old,
                "NewStateReason": reason,
                "Region": region,
            }
            sns_sqs.publish(action, json.dumps(body), subject=f'{state}: "{alarm.name}"'[:100])

    def _not_deliverable(self, account: str, alarm: Alarm, topic_arn: str) -> str | None:
        region, owner = topic_arn.split(":")[3:5]
        topic = sns_backends[owner][region].topics.get(topic_arn)
        if topic is None:
            return f"there is no topic {topic_arn}"
        context = {
            "aws:SourceAccount": account,
            "aws:SourceArn": alarm.alarm_arn,
            "aws:SourceOwner": account,
        }
        service = "cloudwatch.amazonaws.com"
        if not resource_policies.allows_service(
            topic._policy_json, service, "sns:Publish", topic_arn, context
        ):
            return f"the policy of {topic_arn} does not let {service} publish"
        if not topic.kms_master_key_id:
            return None
        key = find_key(owner, region, topic.kms_master_key_id)
        if key is None or not resource_policies.allows_service(
            json.loads(key.policy), service, "kms:GenerateDataKey", key.arn, context
        ):
            return f"the policy of the key of {topic_arn} does not let {service} use it"
        return None


def _measured(
    account: str,
    region: str,
    alarm: Alarm,
    dimensions: dict[str, str],
    span: tuple[datetime, datetime],
) -> Iterator[float]:
    for datum in cloudwatch_backends[account][region].metric_data:
        if (datum.namespace, datum.name) != (alarm.namespace, alarm.metric_name):
            continue
        if {d.name: d.value for d in datum.dimensions} != dimensions:
            continue
        at = datum.timestamp if datum.timestamp.tzinfo else datum.timestamp.replace(tzinfo=UTC)
        if span[0] <= at < span[1]:
            aggregated = isinstance(datum, MetricAggregatedDatum)
            yield float(datum.max if aggregated else datum.value)


def _all() -> Iterator[tuple[str, str, Any]]:
    """Yield the alarms with a topic; those of scaling policies are moto's own affair."""
    for account, regions in list(cloudwatch_backends.items()):
        for region, backend in list(regions.items()):
            for alarm in list(backend.alarms.values()):
                if alarm.metric_name and not alarm.name.startswith("TargetTracking-"):
                    yield account, region, alarm
