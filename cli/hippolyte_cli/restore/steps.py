"""What a table was set to beside its definition, as steps that put it back.

From the raw answers that a night keeps (`hippolyte.tables.settings_of`). Each step is one call,
named so that it can be shown beforehand; making it again does no harm.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from hippolyte_cli.restore.answers import (
    MARKER,
    ON,
    answers,
    destinations,
    listed,
    name_of,
    policies,
    renamed,
    tags_of,
    targets,
    ttl_attribute,
)

DYNAMODB, SCALING = "dynamodb", "application-autoscaling"
# the service makes this role itself when it is not named
_SERVICE_ROLE = ":role/aws-service-role/"
# TagResource, Service quotas: tags of a table
_TAGS = 50
_READS_OF_A_TABLE = "dynamodb:table:ReadCapacityUnits"
_OF_ALL = ("ServiceNamespace", "ResourceId", "ScalableDimension")
_OF_A_TARGET = ("MinCapacity", "MaxCapacity", "RoleARN", "SuspendedState")
_OF_A_POLICY = (
    "PolicyName",
    "PolicyType",
    "TargetTrackingScalingPolicyConfiguration",
    "StepScalingPolicyConfiguration",
    "PredictiveScalingPolicyConfiguration",
)
_OF_AN_ACTION = (
    "ScheduledActionName",
    "Schedule",
    "Timezone",
    "StartTime",
    "EndTime",
    "ScalableTargetAction",
)


@dataclass(frozen=True, slots=True)
class Step:
    """A call that puts back one thing.

    Attributes:
        name: what it puts back, in words.
        service: `dynamodb` or `application-autoscaling`.
        operation: as the API has it, UpdateTimeToLive.
        asked: the call's parameters.
    """

    name: str
    service: str
    operation: str
    asked: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is wanted of the settings: for which table, and what of it is not as it was.

    `old` and `new` are ARNs. `stream` is DescribeTable's StreamSpecification if one is wanted.
    """

    old: str
    new: str
    indexes: frozenset[str]
    on_demand_now: bool = False
    raised: bool = False
    stream: Mapping[str, Any] | None = None
    kinesis: bool = False
    protected: bool = False
    marker: str = ""

    @property
    def table(self) -> str:
        """The new table's name."""
        return name_of(self.new)


def first_tags(tags: list[dict[str, str]], marker: str) -> list[dict[str, str]]:
    """Return the tags that fit beside the marker, with it."""
    own = [{"Key": MARKER, "Value": marker}] if marker else []
    return tags[: _TAGS - len(own)] + own


def steps_of(settings: Mapping[str, Any] | None, wanted: Wanted) -> tuple[Step, ...]:
    """Return what is to be done once the items are in the table, in its order.

    Time to live comes after everything else that was set: from then on items go. A policy that
    forbids comes late as well, and the marker is taken off when all is done.
    """
    return (
        *_tags(settings, wanted),
        *_scaling(settings, wanted),
        *_recovery(settings, wanted),
        *_insights(settings, wanted),
        *_streams(settings, wanted),
        *_protection(wanted),
        *_policy(settings, wanted),
        *_time_to_live(settings, wanted),
        *_unmark(settings, wanted),
    )


def is_suspended_by_us(target: Mapping[str, Any], wanted: Wanted) -> bool:
    """Say whether scale-in may be suspended only because the backup held the capacity up."""
    suspended = (target.get("SuspendedState") or {}).get("DynamicScalingInSuspended")
    return bool(wanted.raised and suspended and target["ScalableDimension"] == _READS_OF_A_TABLE)


def elsewhere(step: Step, expected: str, arn: str) -> Step:
    """Return a step for a table that turned out to have another ARN than was expected."""
    if arn == expected:
        return step
    asked = json.loads(json.dumps(step.asked).replace(expected, arn))
    return Step(step.name, step.service, step.operation, asked)


def _tags(settings: Mapping[str, Any] | None, wanted: Wanted) -> Iterator[Step]:
    tags = tags_of(settings)
    if tags := tags[: _TAGS - 1] if wanted.marker else tags:
        yield _tag(wanted, tags)


def _tag(wanted: Wanted, tags: list[dict[str, str]]) -> Step:
    name = f"tags: {', '.join(tag['Key'] for tag in tags)}"
    return Step(name, DYNAMODB, "TagResource", {"ResourceArn": wanted.new, "Tags": tags})


def _unmark(settings: Mapping[str, Any] | None, wanted: Wanted) -> Iterator[Step]:
    if not wanted.marker:
        return
    asked = {"ResourceArn": wanted.new, "TagKeys": [MARKER]}
    yield Step(
        f"the tag {MARKER}, this restore's mark, is removed",
        DYNAMODB,
        "UntagResource",
        asked,
    )
    if rest := tags_of(settings)[_TAGS - 1 :]:
        yield _tag(wanted, rest)


def _scaling(settings: Mapping[str, Any] | None, wanted: Wanted) -> Iterator[Step]:
    """Yield the ranges first: policies and scheduled actions are of a target that is there."""
    if wanted.on_demand_now:
        return
    policies = listed(settings, "DescribeScalingPolicies", "ScalingPolicies")
    actions = listed(settings, "DescribeScheduledActions", "ScheduledActions")
    for kind, operation, members, found in (
        ("the range of", "RegisterScalableTarget", _OF_A_TARGET, targets(settings)),
        ("a policy for", "PutScalingPolicy", _OF_A_POLICY, policies),
        ("a scheduled action for", "PutScheduledAction", _OF_AN_ACTION, actions),
    ):
        for one in found:
            if not _is_made(one, wanted):
                continue
            asked = {name: one[name] for name in (*_OF_ALL, *members) if one.get(name) is not None}
            if _SERVICE_ROLE in asked.get("RoleARN", ""):
                del asked["RoleARN"]
            if operation == "RegisterScalableTarget" and is_suspended_by_us(one, wanted):
                asked["SuspendedState"] = {
                    **one["SuspendedState"],
                    "DynamicScalingInSuspended": False,
                }
            asked = renamed(asked, wanted.old, wanted.new)
            yield Step(f"auto scaling: {kind} {_scaled_unit(asked)}", SCALING, operation, asked)


def _scaled_unit(asked: Mapping[str, Any]) -> str:
    """Return what is scaled, in words: `the read capacity of the index by-day`."""
    unit = "read" if "Read" in asked["ScalableDimension"] else "write"
    index = asked["ResourceId"].partition("/index/")[2]
    return f"the {unit} capacity of {f'the index {index}' if index else 'the table'}"


def _is_made(scaled: Mapping[str, Any], wanted: Wanted) -> bool:
    index = scaled["ResourceId"].partition("/index/")[2]
    return not index or index in wanted.indexes


def _recovery(settings: Mapping[str, Any] | None, wanted: Wanted) -> Iterator[Step]:
    for answer in answers(settings, "DescribeContinuousBackups"):
        told = answer.get("ContinuousBackupsDescription", {})
        recovery = told.get("PointInTimeRecoveryDescription", {})
        if recovery.get("PointInTimeRecoveryStatus") not in ON:
            continue
        asked: dict[str, Any] = {"PointInTimeRecoveryEnabled": True}
        name = "point-in-time recovery"
        if days := recovery.get("RecoveryPeriodInDays"):
            asked["RecoveryPeriodInDays"] = days
            name += f" of {days} days, from now on"
        whole = {"TableName": wanted.table, "PointInTimeRecoverySpecification": asked}
        yield Step(name, DYNAMODB, "UpdateContinuousBackups", whole)


def _insights(settings: Mapping[str, Any] | None, wanted: Wanted) -> Iterator[Step]:
    for answer in answers(settings, "DescribeContributorInsights"):
        index = answer.get("IndexName")
        is_on = answer.get("ContributorInsightsStatus") in ON
        if not is_on or (index and index not in wanted.indexes):
            continue
        asked = {"TableName": wanted.table, "ContributorInsightsAction": "ENABLE"}
        asked |= {"IndexName": index} if index else {}
        if mode := answer.get("ContributorInsightsMode"):
            asked["ContributorInsightsMode"] = mode
        of = f"the index {index}" if index else "the table"
        name = f"Contributor Insights of {of}"
        yield Step(name, DYNAMODB, "UpdateContributorInsights", asked)


def _streams(settings: Mapping[str, Any] | None, wanted: Wanted) -> Iterator[Step]:
    if wanted.stream:
        view = wanted.stream.get("StreamViewType", "")
        asked = {"TableName": wanted.table, "StreamSpecification": dict(wanted.stream)}
        yield Step(f"a stream of changes ({view})", DYNAMODB, "UpdateTable", asked)
    for found in destinations(settings) if wanted.kinesis else ():
        asked = {"TableName": wanted.table, "StreamArn": found["StreamArn"]}
        if precision := found.get("ApproximateCreationDateTimePrecision"):
            asked["EnableKinesisStreamingConfiguration"] = {
                "ApproximateCreationDateTimePrecision": precision
            }
        name = f"changes to {found['StreamArn']}"
        yield Step(name, DYNAMODB, "EnableKinesisStreamingDestination", asked)


def _protection(wanted: Wanted) -> Iterator[Step]:
    if wanted.protected:
        asked = {"TableName": wanted.table, "DeletionProtectionEnabled": True}
        yield Step("deletion protection", DYNAMODB, "UpdateTable", asked)


def _policy(settings: Mapping[str, Any] | None, wanted: Wanted) -> Iterator[Step]:
    for text in policies(settings):
        policy = renamed(text, wanted.old, wanted.new)
        asked = {"ResourceArn": wanted.new, "Policy": policy}
        yield Step("the resource policy", DYNAMODB, "PutResourcePolicy", asked)


def _time_to_live(settings: Mapping[str, Any] | None, wanted: Wanted) -> Iterator[Step]:
    if attribute := ttl_attribute(settings):
        spec = {"Enabled": True, "AttributeName": attribute}
        asked = {"TableName": wanted.table, "TimeToLiveSpecification": spec}
        yield Step(f"time to live by {attribute}", DYNAMODB, "UpdateTimeToLive", asked)
