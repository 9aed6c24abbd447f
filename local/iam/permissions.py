"""Which permissions an operation needs: actions, resources, condition keys.

From the Service Authorization Reference, for the operations that the Lambdas, the clusters' steps
and the command line make. What has no row is refused to every role.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from moto.applicationautoscaling.models import applicationautoscaling_backends
from moto.sns.models import sns_backends

from local.iam import permissions_dynamodb, permissions_jobs, permissions_s3
from local.iam.permission import Permission, arn_of, key_arn, via

if TYPE_CHECKING:
    from local.core.call import Call


def of(call: Call) -> list[Permission]:
    """Return every permission that `call` needs."""
    rows = _SERVICES.get(call.service)
    return rows(call) if rows else [Permission(call.name, None)]


# the rest

_SCALING_READS = ("DescribeScalableTargets", "DescribeScalingPolicies", "DescribeScheduledActions")


def _scaling(call: Call) -> list[Permission]:
    action = f"application-autoscaling:{call.operation}"
    if call.operation in _SCALING_READS:
        return [Permission(action, "*")]
    params = call.params
    resource, dimension = params.get("ResourceId", ""), params.get("ScalableDimension", "")
    backend = applicationautoscaling_backends[call.account][call.region]
    target = backend.targets.get(dimension, {}).get(resource)
    arn = target.arn if target else arn_of(call, "application-autoscaling", "scalable-target/new")
    context = {
        "application-autoscaling:service-namespace": params.get("ServiceNamespace", ""),
        "application-autoscaling:scalable-dimension": dimension,
    }
    return [Permission(action, arn, context)]


def _cloudwatch(call: Call) -> list[Permission]:
    action = f"cloudwatch:{call.operation}"
    if call.operation in ("GetMetricStatistics", "GetMetricData", "ListMetrics"):
        return [Permission(action, "*")]
    if call.operation == "PutMetricData":
        return [Permission(action, "*", {"cloudwatch:namespace": call.params.get("Namespace", "")})]
    if call.operation == "DescribeAlarms":
        return [Permission(action, arn_of(call, "cloudwatch", "alarm:*"))]
    return [Permission(action, None)]


def _sns(call: Call) -> list[Permission]:
    arn = call.params.get("TopicArn") or call.params.get("TargetArn")
    action = f"sns:{call.operation}"
    known = ("Publish", "PublishBatch", "GetTopicAttributes", "ListSubscriptionsByTopic")
    if call.operation not in known or not arn:
        return [Permission(action, None)]
    out = [Permission(action, arn)]
    region, account = arn.split(":")[3:5]
    topic = sns_backends[account][region].topics.get(arn)
    if call.operation.startswith("Publish") and topic and topic.kms_master_key_id:
        key = key_arn(call, topic.kms_master_key_id)
        if key:
            out += [
                Permission(one, key, via(call, "sns", region))
                for one in ("kms:Decrypt", "kms:GenerateDataKey")
            ]
    return out


def _sqs(call: Call) -> list[Permission]:
    name = str(call.params.get("QueueUrl", "")).rsplit("/", 1)[-1]
    known = ("SendMessage", "ReceiveMessage", "DeleteMessage", "GetQueueAttributes", "GetQueueUrl")
    name = name or str(call.params.get("QueueName", ""))
    arn = arn_of(call, "sqs", name) if call.operation in known else None
    return [Permission(f"sqs:{call.operation}", arn)]


def _events(call: Call) -> list[Permission]:
    if call.operation != "PutEvents":
        return [Permission(f"events:{call.operation}", None)]
    entries = call.params.get("Entries", [])
    asked = {(e.get("EventBusName") or "default", e.get("Source", "")) for e in entries}
    return [
        Permission(
            "events:PutEvents",
            arn_of(call, "events", f"event-bus/{bus}"),
            {"events:source": source},
        )
        for bus, source in sorted(asked)
    ]


def _lambda(call: Call) -> list[Permission]:
    if call.operation == "GetAccountSettings":
        return [Permission("lambda:GetAccountSettings", "*")]
    known = ("Invoke", "GetFunction", "GetFunctionConfiguration")
    if call.operation not in known:
        return [Permission(f"lambda:{call.operation}", None)]
    name = call.path.split("/functions/", 1)[1].split("/", 1)[0]
    action = "InvokeFunction" if call.operation == "Invoke" else call.operation
    arn = name if name.startswith("arn:") else arn_of(call, "lambda", f"function:{name}")
    return [Permission(f"lambda:{action}", arn)]


_STATES_WITHOUT_ARN = ("ListStateMachines", "ValidateStateMachineDefinition")


def _states(call: Call) -> list[Permission]:
    """Return what a call of Step Functions needs: tags given at creation are a right of their own.

    No condition on tags is known here.
    """
    params, action = call.params, f"states:{call.operation}"
    named = ("executionArn", "stateMachineArn", "resourceArn")
    arn = next((params[name] for name in named if params.get(name)), None)
    if call.operation == "CreateStateMachine":
        arn = arn_of(call, "states", f"stateMachine:{params.get('name')}")
    out = [Permission(action, "*" if call.operation in _STATES_WITHOUT_ARN else arn)]
    if call.operation == "CreateStateMachine" and params.get("tags"):
        out.append(Permission("states:TagResource", arn))
    if role := params.get("roleArn"):
        passed = {"iam:PassedToService": "states.amazonaws.com"}
        out.append(Permission("iam:PassRole", role, passed))
    return out


def _scheduler(call: Call) -> list[Permission]:
    """Return what a call for a schedule needs: its role is passed to Scheduler."""
    known = ("CreateSchedule", "DeleteSchedule", "GetSchedule", "UpdateSchedule")
    action, params = f"scheduler:{call.operation}", call.params
    if call.operation not in known:
        return [Permission(action, None)]
    group = params.get("GroupName") or params.get("groupName") or "default"
    name = call.path.rsplit("/", 1)[-1]
    out = [Permission(action, arn_of(call, "scheduler", f"schedule/{group}/{name}"))]
    if role := (params.get("Target") or {}).get("RoleArn"):
        passed = {"iam:PassedToService": "scheduler.amazonaws.com"}
        out.append(Permission("iam:PassRole", role, passed))
    return out


def _logs(call: Call) -> list[Permission]:
    group = call.params.get("logGroupName")
    known = ("CreateLogGroup", "CreateLogStream", "PutLogEvents", "FilterLogEvents", "GetLogEvents")
    if call.operation not in known or not group:
        return [Permission(f"logs:{call.operation}", None)]
    stream = call.params.get("logStreamName")
    tail = f":log-stream:{stream}" if stream else ""
    return [Permission(f"logs:{call.operation}", arn_of(call, "logs", f"log-group:{group}{tail}"))]


def _kms(call: Call) -> list[Permission]:
    known = ("Decrypt", "Encrypt", "GenerateDataKey", "DescribeKey", "ScheduleKeyDeletion")
    key = call.params.get("KeyId")
    arn = key_arn(call, key) if key and call.operation in known else None
    return [Permission(f"kms:{call.operation}", arn)]


def _sts(call: Call) -> list[Permission]:
    if call.operation == "GetCallerIdentity":
        return []
    return [Permission(f"sts:{call.operation}", call.params.get("RoleArn"))]


def _ssm(call: Call) -> list[Permission]:
    # a path's rights are those of its name, whatever is below it
    name = call.params.get("Name") or call.params.get("Path")
    arn = arn_of(call, "ssm", f"parameter/{name.lstrip('/')}") if name else None
    return [Permission(f"ssm:{call.operation}", arn)]


def _tagging(call: Call) -> list[Permission]:
    return [Permission(f"tag:{call.operation}", "*")]


# EC2's describe calls and those of EMR's security configurations know no ARN
_EC2 = (
    "DescribeInstanceTypeOfferings",
    "DescribeKeyPairs",
    "DescribeSecurityGroups",
    "DescribeSubnets",
)


def _ec2(call: Call) -> list[Permission]:
    return [Permission(f"ec2:{call.operation}", "*" if call.operation in _EC2 else None)]


def _quotas(call: Call) -> list[Permission]:
    code = f"{call.params.get('ServiceCode')}/{call.params.get('QuotaCode')}"
    arn = arn_of(call, "servicequotas", code) if call.operation == "GetServiceQuota" else None
    return [Permission(f"servicequotas:{call.operation}", arn)]


def _iam(call: Call) -> list[Permission]:
    params = call.params
    arn = {
        "GetRole": arn_of(call, "iam", f"role/{params.get('RoleName')}", region=""),
        "GetInstanceProfile": arn_of(
            call, "iam", f"instance-profile/{params.get('InstanceProfileName')}", region=""
        ),
        "GetPolicy": params.get("PolicyArn"),
    }.get(call.operation)
    return [Permission(f"iam:{call.operation}", arn)]


_SERVICES: dict[str, Callable[[Call], list[Any]]] = {
    "dynamodb": permissions_dynamodb.dynamodb,
    "s3": permissions_s3.of,
    "datapipeline": permissions_jobs.datapipeline,
    "emr": permissions_jobs.emr,
    "application-autoscaling": _scaling,
    "cloudwatch": _cloudwatch,
    "sns": _sns,
    "sqs": _sqs,
    "events": _events,
    "lambda": _lambda,
    "stepfunctions": _states,
    "scheduler": _scheduler,
    "logs": _logs,
    "kms": _kms,
    "sts": _sts,
    "ssm": _ssm,
    "resourcegroupstaggingapi": _tagging,
    "ec2": _ec2,
    "service-quotas": _quotas,
    "iam": _iam,
}
