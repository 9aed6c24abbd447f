"""Before a deployment's first night: which calls of a function are denied, told in one message.

Each call is made in a way that changes nothing: on names that do not exist, or under a condition
that cannot hold. IAM is asked first, so any other refusal means that the call is allowed.
"""

from __future__ import annotations

import json
import logging
import uuid
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from typing import Any

from botocore import xform_name
from botocore.exceptions import BotoCoreError, ClientError

from hippolyte import clock
from hippolyte.engines.engine import Launch
from hippolyte.errors import EngineError
from hippolyte.night.keep_settings import table_arn
from hippolyte.night.one_pass import Pass
from hippolyte.planning.plan import Job
from hippolyte.record_form import iso
from hippolyte.report.notify import metrics, own_topic, publish

_PIPELINE = "df-HIPPOLYTE0PREFLIGHT"
_CLUSTER = "j-0HIPPOLYTE"
_NO_ETAG = '"preflight: no object has this"'
_DENIED = ("AccessDenied", "AuthorizationError", "NotAuthorized", "UnauthorizedOperation")

Call = tuple[str, Callable[[], object]]

_log = logging.getLogger(__name__)


def preflight(p: Pass, function: str) -> None:
    """Look what `function` (scheduler, monitor) is denied; once, and again while anything is.

    The record of it is the probe object: written, read, and written over, never deleted.
    """
    key = p.settings.place("runs", f"preflight-{function}.json")
    found = p.store.read(key)
    record = found[0] if found else {"denied": [], "looking": None}
    if found and not record["denied"] and not record.get("looking"):
        return
    before: list[str] = record["denied"]
    # a look that was cut off may have left its pipeline: it is found again by its name
    name = record.get("looking") or f"preflight-{clock.now():%Y-%m-%dT%H-%MZ}"
    # what cannot be recorded fails the invocation, which an alarm tells once
    p.store.put(key, {"at": iso(clock.now()), "denied": before, "looking": name})
    p.store.read(key)
    denied = _denied(p, function, name)
    _log.info("preflight: %s", denied or "nothing is denied")
    # refusals hold names that are new each time
    if _actions(denied) != _actions(before):
        _tell(p, function, denied)
    p.store.put(key, {"at": iso(clock.now()), "denied": denied})


def _denied(p: Pass, function: str, name: str) -> list[str]:
    calls = [*_shared(p), *(_of_scheduler(p) if function == "scheduler" else ())]
    denied = [line for call in calls if not p.time_is_short and (line := _tried(*call))]
    if p.settings.engine == "datapipeline":
        denied += _pipeline_refused(p, function, name)
    if function == "scheduler" and p.store.read(p.settings.place("runs", "since.json")) is None:
        denied.append("the monitor has not run yet: without it no night ends, see its schedule")
    return denied


def _actions(lines: list[str]) -> list[str]:
    return [line.partition(": ")[0] for line in lines]


def _tell(p: Pass, function: str, denied: list[str]) -> None:
    what = f"calls of the {function} that would fail: {len(denied)}" if denied else "mended"
    lines = [
        f"Tried before the first night, as the role of the {function}:",
        *(f"  - {line}" for line in denied or ["nothing is denied any more"]),
        "",
        "Look at the role's policy and boundary, at the policies of bucket and keys, and at the "
        "organization's; apply the module again.",
        "The roles of those who read the tables cannot be tried before they run.",
    ]
    publish(p.clients, p.settings, f"PREFLIGHT: {what}", "\n".join(lines))


def _tried(action: str, call: Callable[[], object]) -> str:
    """Return what is said if a call is denied, else nothing."""
    try:
        call()
    except ClientError as error:
        code = error.response["Error"]["Code"]
        status = error.response["ResponseMetadata"].get("HTTPStatusCode")
        if status == 403 or any(word in code for word in _DENIED):
            return f"{action}: {error}"
    except BotoCoreError as error:
        return f"{action}: {error}"
    return ""


def _shared(p: Pass) -> Iterator[Call]:
    c, s3, place = p.clients, p.clients.s3, p.settings.place
    table, bucket = f"hippolyte-preflight-{uuid.uuid4().hex}", p.settings.bucket
    yield "s3:ListBucket", lambda: next(p.store.names(place("runs", "")), None)
    scripts = ("scripts",) if p.settings.engine == "emr" else ()
    for kind in ("backups", "catalog", "leases", *scripts):
        key = place(kind, "preflight", "none")
        yield f"s3:GetObject {kind}/", partial(s3.get_object, Bucket=bucket, Key=key)
        # a condition that no object fulfils, were there one
        put = partial(s3.put_object, Bucket=bucket, Key=key, IfMatch=_NO_ETAG)
        yield f"s3:PutObject {kind}/", put
    logs = place("logs", "preflight")
    yield "s3:GetObject logs/", partial(s3.get_object, Bucket=bucket, Key=logs)
    one: Any = {"ReadCapacityUnits": 1, "WriteCapacityUnits": 1}
    yield "dynamodb:DescribeTable", lambda: c.dynamodb.describe_table(TableName=table)
    yield (
        "dynamodb:UpdateTable",
        lambda: c.dynamodb_once.update_table(TableName=table, ProvisionedThroughput=one),
    )
    yield "dynamodb:Scan", lambda: c.dynamodb.scan(TableName=table, Limit=1, Select="COUNT")
    yield from _settings(p, table)
    yield from _places(p)
    yield from _scaling(p, table)
    yield from _clusters(p)
    engines = {"emr": _starting_clusters, "datapipeline": _pipelines, "lambda": _workers}
    yield from engines[p.settings.engine](p)
    topics = c.own_sns or c.sns
    yield (
        "sns:ListSubscriptionsByTopic",
        lambda: topics.list_subscriptions_by_topic(TopicArn=own_topic(p.settings)),
    )
    yield (
        "cloudwatch:PutMetricData",
        lambda: metrics(c, p.settings, {"Preflight": 1}, quietly=False),
    )


def _settings(p: Pass, table: str) -> Iterator[Call]:
    """What the catalogue keeps of a table."""
    dynamodb, arn = p.clients.dynamodb, table_arn(p.settings, table)
    for operation, asked in (
        ("DescribeContinuousBackups", {"TableName": table}),
        ("DescribeContributorInsights", {"TableName": table}),
        ("DescribeKinesisStreamingDestination", {"TableName": table}),
        ("DescribeTimeToLive", {"TableName": table}),
        ("GetResourcePolicy", {"ResourceArn": arn}),
        ("ListTagsOfResource", {"ResourceArn": arn}),
    ):
        yield f"dynamodb:{operation}", partial(getattr(dynamodb, xform_name(operation)), **asked)


def _places(p: Pass) -> Iterator[Call]:
    """The record of the places in which something is open; what is there is not written over."""
    if name := p.settings.places_parameter:
        ssm = p.clients.seldom("ssm")
        nothing: dict[str, Any] = {"Name": name, "Value": p.places.empty, "Type": "String"}
        yield "ssm:GetParameter", partial(ssm.get_parameter, Name=name)
        yield "ssm:PutParameter", partial(ssm.put_parameter, **nothing)


def _scaling(p: Pass, table: str) -> Iterator[Call]:
    c, now = p.clients, clock.now()
    yield (
        "application-autoscaling:DescribeScalableTargets",
        lambda: c.scaling.describe_scalable_targets(ServiceNamespace="dynamodb", MaxResults=1),
    )
    yield (
        "application-autoscaling:DescribeScalingPolicies",
        lambda: c.scaling.describe_scaling_policies(ServiceNamespace="dynamodb", MaxResults=1),
    )
    yield (
        "application-autoscaling:DescribeScheduledActions",
        lambda: c.scaling.describe_scheduled_actions(ServiceNamespace="dynamodb", MaxResults=1),
    )
    # a target that is not registered needs limits: this cannot register one
    yield (
        "application-autoscaling:RegisterScalableTarget",
        lambda: c.scaling.register_scalable_target(
            ServiceNamespace="dynamodb",
            ResourceId=f"table/{table}",
            ScalableDimension="dynamodb:table:ReadCapacityUnits",
            SuspendedState={"DynamicScalingInSuspended": False},
        ),
    )
    yield (
        "cloudwatch:GetMetricStatistics",
        lambda: c.cloudwatch.get_metric_statistics(
            Namespace="AWS/DynamoDB",
            MetricName="ConsumedReadCapacityUnits",
            StartTime=now - timedelta(minutes=5),
            EndTime=now,
            Period=300,
            Statistics=["Sum"],
        ),
    )


def _clusters(p: Pass) -> Iterator[Call]:
    emr = p.clients.emr
    yield "elasticmapreduce:DescribeCluster", lambda: emr.describe_cluster(ClusterId=_CLUSTER)
    yield "elasticmapreduce:ListSteps", lambda: emr.list_steps(ClusterId=_CLUSTER)
    yield (
        "elasticmapreduce:TerminateJobFlows",
        lambda: emr.terminate_job_flows(JobFlowIds=[_CLUSTER]),
    )


def _starting_clusters(p: Pass) -> Iterator[Call]:
    emr, once, after = p.clients.emr, p.clients.emr_once, clock.now() - timedelta(minutes=5)
    yield "elasticmapreduce:ListClusters", lambda: emr.list_clusters(CreatedAfter=after)
    # no such release, no machines, no legal name: nothing can come of it
    yield (
        "elasticmapreduce:RunJobFlow",
        lambda: once.run_job_flow(Name="<preflight>", ReleaseLabel="emr-0.0.0", Instances={}),
    )
    step: Any = {"Name": "preflight", "HadoopJarStep": {"Jar": "command-runner.jar"}}
    yield (
        "elasticmapreduce:AddJobFlowSteps",
        lambda: once.add_job_flow_steps(JobFlowId=_CLUSTER, Steps=[step]),
    )


def _workers(p: Pass) -> Iterator[Call]:
    machine = p.settings.exporter.machine_arn if p.settings.exporter else ""
    states, name = p.clients.states(), f"preflight-{uuid.uuid4().hex}"
    arn = f"{machine.replace(':stateMachine:', ':execution:')}:{name}"
    # its deadline has passed: it ends by its first state, and invokes nothing
    over = json.dumps({"run": "preflight", "worker": name, "deadline": iso(clock.now())})
    start = partial(states.start_execution, stateMachineArn=machine, name=name, input=over)
    yield "states:StartExecution", start
    yield "states:DescribeExecution", lambda: states.describe_execution(executionArn=arn)
    yield "states:StopExecution", lambda: states.stop_execution(executionArn=arn)


def _pipelines(p: Pass) -> Iterator[Call]:
    pipelines = p.clients.datapipeline
    yield (
        "datapipeline:DescribePipelines",
        lambda: pipelines.describe_pipelines(pipelineIds=[_PIPELINE]),
    )
    yield (
        "datapipeline:QueryObjects",
        lambda: pipelines.query_objects(pipelineId=_PIPELINE, sphere="INSTANCE"),
    )
    yield (
        "datapipeline:DescribeObjects",
        lambda: pipelines.describe_objects(pipelineId=_PIPELINE, objectIds=["Cluster"]),
    )
    yield (
        "datapipeline:ActivatePipeline",
        lambda: pipelines.activate_pipeline(pipelineId=_PIPELINE),
    )
    yield (
        "datapipeline:DeactivatePipeline",
        lambda: pipelines.deactivate_pipeline(pipelineId=_PIPELINE),
    )


def _of_scheduler(p: Pass) -> Iterator[Call]:
    c = p.clients
    yield "dynamodb:ListTables", lambda: c.dynamodb.list_tables(Limit=1)
    yield "dynamodb:ListGlobalTables", lambda: c.dynamodb.list_global_tables(Limit=1)
    yield "dynamodb:DescribeLimits", lambda: c.dynamodb.describe_limits()
    if p.settings.engine == "lambda":
        functions = c.seldom("lambda")
        yield "lambda:GetAccountSettings", lambda: functions.get_account_settings()
    if tagging := c.tagging:
        kinds = ["dynamodb:table"]
        yield (
            "tag:GetResources",
            lambda: tagging.get_resources(ResourcesPerPage=1, ResourceTypeFilters=kinds),
        )


def _pipeline_refused(p: Pass, function: str, name: str) -> list[str]:
    """Make a pipeline that is never activated, and delete it; return the service's refusal.

    The one way to know whether the account may use Data Pipeline, and whether the roles pass.
    """
    job = Job("preflight", "", 0, 0, 1, 0.1, 0.1, 1.0, 60)
    launch = Launch(
        run_id=name,
        batch_id=function,
        jobs=(job,),
        ratios=[job.ratio],
        outputs=[f"s3://{p.settings.bucket}/{p.settings.place('backups', 'preflight', 'none')}"],
        deadline=clock.now(),
    )
    try:
        handle = p.engine.prepare(launch)
    except EngineError as error:
        refused = [f"a pipeline cannot be made: {error}"]
        handle = error.handle or {}
    except (ClientError, BotoCoreError) as error:
        return [f"a pipeline cannot be made: {error}"]
    else:
        refused = []
    if handle:
        refused.append(_tried("datapipeline:DeletePipeline", lambda: p.engine.clean_up(handle)))
    return [line for line in refused if line]
