"""Application Auto Scaling: targets that clamp, flags that stay, actions that happen, pages.

RegisterScalableTarget on an existing target pulls the current capacity into its range, a pure
suspend too (API RegisterScalableTarget; reference/dynamodb.md section 4).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, cast

from moto.applicationautoscaling.exceptions import AWSValidationException
from moto.applicationautoscaling.models import (
    ApplicationAutoscalingBackend,
    FakeScalableTarget,
    FakeScheduledAction,
)
from moto.applicationautoscaling.responses import (
    ApplicationAutoScalingResponse,
    _build_policy,
    _build_scheduled_action,
    _build_target,
)
from moto.dynamodb.models import dynamodb_backends
from moto.dynamodb.models.table import Table

from local.core.errors import ServiceError
from local.core.patching import Patches
from local.core.running import current
from local.dynamodb import capacity
from local.scheduler.expressions import BadExpression, next_time, parse, zone

if TYPE_CHECKING:
    from local.core.aws import Aws

_patches = Patches()
_originals: dict[str, Any] = {}
FLAGS = (
    "DynamicScalingInSuspended",
    "DynamicScalingOutSuspended",
    "ScheduledScalingSuspended",
)
_ACTION_KEY = ("service_namespace", "scheduled_action_name", "resource_id", "scalable_dimension")
_DIMENSIONS = {
    "dynamodb:table:ReadCapacityUnits": "ReadCapacityUnits",
    "dynamodb:table:WriteCapacityUnits": "WriteCapacityUnits",
}


def _register(
    backend: ApplicationAutoscalingBackend,
    namespace: str,
    r_id: str,
    dimension: str,
    min_capacity: int | None,
    max_capacity: int | None,
    role_arn: str,
    suspended_state: dict[str, bool] | None,
) -> FakeScalableTarget:
    world = current()
    with world.lock:
        known = backend.targets.get(dimension, {}).get(r_id)
        if known is None and (min_capacity is None or max_capacity is None):
            raise AWSValidationException("MinCapacity and MaxCapacity are required to register")
        low = known.min_capacity if min_capacity is None else min_capacity
        high = known.max_capacity if max_capacity is None else max_capacity
        if low > high:
            raise AWSValidationException("Maximum capacity cannot be less than minimum capacity")
        if known is None:
            _require_table(backend, namespace, r_id)
        flags = dict(known.suspended_state) if known else dict.fromkeys(FLAGS, False)
        flags.update(suspended_state or {})
        target = _originals["register"](
            backend, namespace, r_id, dimension, min_capacity, max_capacity, role_arn, flags
        )
        if not target.role_arn:
            target.role_arn = (
                f"arn:aws:iam::{backend.account_id}:role/aws-service-role/"
                "dynamodb.application-autoscaling.amazonaws.com/"
                "AWSServiceRoleForApplicationAutoScaling_DynamoDBTable"
            )
        _clamp(world, backend, target)
        return target


def _table(backend: ApplicationAutoscalingBackend, resource_id: str) -> Table | None:
    name = resource_id.split("/")[1]
    return dynamodb_backends[backend.account_id][backend.region_name].tables.get(name)


def _require_table(
    backend: ApplicationAutoscalingBackend, namespace: str, resource_id: str
) -> None:
    if namespace == "dynamodb" and _table(backend, resource_id) is None:
        raise AWSValidationException(f"DynamoDB table does not exist: {resource_id}")


def _clamp(world: Aws, backend: ApplicationAutoscalingBackend, target: Any) -> None:
    unit = _DIMENSIONS.get(target.scalable_dimension)
    table = _table(backend, target.resource_id) if unit else None
    if table is None or unit is None:
        return
    state = capacity.settle(table, world.clock.now())
    if table.billing_mode == capacity.ON_DEMAND or state.pending:
        return
    wanted = min(max(table.throughput[unit], target.min_capacity), target.max_capacity)
    if wanted == table.throughput[unit]:
        return
    read, write = capacity.units(table.throughput)
    throughput = {"ReadCapacityUnits": read, "WriteCapacityUnits": write, unit: wanted}
    tables = dynamodb_backends[backend.account_id][backend.region_name].tables.values()
    capacity.start_change(world, table, throughput, None, list(tables))


def _deregister(
    backend: ApplicationAutoscalingBackend, namespace: str, r_id: str, dimension: str
) -> None:
    """Deregister a target; its policies and scheduled actions go with it (API)."""
    if dimension not in backend.targets or r_id not in backend.targets[dimension]:
        raise ServiceError(
            "ObjectNotFoundException",
            f"No scalable target found for service namespace: {namespace}, resource ID: {r_id}, "
            f"scalable dimension: {dimension}",
        )
    _originals["deregister"](backend, namespace, r_id, dimension)
    for key, policy in list(backend.policies.items()):
        if (policy.resource_id, policy.scalable_dimension) == (r_id, dimension):
            policy.delete_alarms(backend.account_id, backend.region_name)
            del backend.policies[key]
    backend.scheduled_actions = [
        action
        for action in backend.scheduled_actions
        if (action.resource_id, action.scalable_dimension) != (r_id, dimension)
    ]


def _page(handler: Any, items: list[Any], name: str, build: Callable[[Any], Any]) -> str:
    size = handler._get_int_param("MaxResults") or 50
    start = int(handler._get_param("NextToken") or 0)
    out: dict[str, Any] = {name: [_without_none(build(i)) for i in items[start : start + size]]}
    if start + size < len(items):
        out["NextToken"] = str(start + size)
    return json.dumps(out)


def _without_none(answer: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in answer.items() if value is not None}


def _backend(handler: Any) -> ApplicationAutoscalingBackend:
    return handler.applicationautoscaling_backend


def _describe_targets(handler: Any) -> str:
    handler._validate_params()
    ids = handler._get_param("ResourceIds") or []
    if len(ids) > 50:
        raise AWSValidationException(
            "1 validation error detected: Value at 'resourceIds' failed to satisfy constraint: "
            "Member must have length less than or equal to 50"
        )
    targets = _backend(handler).describe_scalable_targets(
        handler._get_param("ServiceNamespace"), ids, handler._get_param("ScalableDimension")
    )
    return _page(handler, targets, "ScalableTargets", _build_target)


def _describe_policies(handler: Any) -> str:
    wanted = {
        "service_namespace": handler._get_param("ServiceNamespace"),
        "resource_id": handler._get_param("ResourceId"),
        "scalable_dimension": handler._get_param("ScalableDimension"),
    }
    names = handler._get_param("PolicyNames")
    policies = [
        policy
        for policy in _backend(handler).policies.values()
        if all(value is None or getattr(policy, key) == value for key, value in wanted.items())
        and (not names or policy.policy_name in names)
    ]
    return _page(handler, policies, "ScalingPolicies", _build_policy)


def _describe_actions(handler: Any) -> str:
    actions = _backend(handler).describe_scheduled_actions(
        handler._get_param("ScheduledActionNames"),
        handler._get_param("ServiceNamespace"),
        handler._get_param("ResourceId"),
        handler._get_param("ScalableDimension"),
    )
    return _page(handler, actions, "ScheduledActions", _build_scheduled_action)


def _put_action(backend: ApplicationAutoscalingBackend, *args: Any, **asked: Any) -> None:
    """Keep a scheduled action, and let it happen at its times."""
    try:
        parse(asked["schedule"] or "rate(1 day)")
        zone(asked["timezone"] or "UTC")
    except BadExpression as error:
        raise AWSValidationException(str(error)) from error
    _originals["put_action"](backend, *args, **asked)
    for action in backend.scheduled_actions:
        if all(getattr(action, key) == asked[key] for key in _ACTION_KEY):
            _await(current(), backend, action)


def _await(world: Aws, backend: ApplicationAutoscalingBackend, action: FakeScheduledAction) -> None:
    """Wait for the action's next time; what is put anew, or gone by then, is left to others.

    It happens from StartTime to EndTime only, both in UTC (API PutScheduledAction).
    """
    now, as_put = world.clock.now(), dict(vars(action))
    start, end = _moment(action.start_time), _moment(action.end_time)
    # at its StartTime it may happen already
    after = max(now, start - timedelta(seconds=1)) if start else now
    since = start if start and start > now else now
    when = next_time(parse(action.schedule), zone(action.timezone or "UTC"), after, since)
    if when is None or (end and when > end):
        return

    def happen() -> None:
        if action in backend.scheduled_actions and vars(action) == as_put:
            _run(world, backend, action)
            _await(world, backend, action)

    world.clock.call_at(when, happen)


def _moment(given: Any) -> datetime | None:
    return datetime.fromtimestamp(float(given), UTC) if given else None


def _run(world: Aws, backend: ApplicationAutoscalingBackend, action: FakeScheduledAction) -> None:
    """Set the target's range, and pull the capacity into it (API PutScheduledAction)."""
    target = backend.targets.get(action.scalable_dimension, {}).get(action.resource_id)
    if target is None or target.suspended_state["ScheduledScalingSuspended"]:
        return
    wanted = cast("dict[str, int]", action.scalable_target_action or {})
    target.min_capacity = wanted.get("MinCapacity", target.min_capacity)
    target.max_capacity = wanted.get("MaxCapacity", target.max_capacity)
    with world.lock:
        _clamp(world, backend, target)


def install(world: Aws) -> None:
    """Let targets clamp and lists page."""
    for target, name, value, key in (
        (ApplicationAutoscalingBackend, "register_scalable_target", _register, "register"),
        (ApplicationAutoscalingBackend, "deregister_scalable_target", _deregister, "deregister"),
        (ApplicationAutoscalingBackend, "put_scheduled_action", _put_action, "put_action"),
        (ApplicationAutoScalingResponse, "describe_scalable_targets", _describe_targets, "-"),
        (ApplicationAutoScalingResponse, "describe_scaling_policies", _describe_policies, "-"),
        (ApplicationAutoScalingResponse, "describe_scheduled_actions", _describe_actions, "-"),
    ):
        _originals[key] = _patches.set(target, name, value)


def uninstall() -> None:
    """Put moto's scaling back."""
    _patches.undo()
