"""The calls that are tried before the first night, each so that it changes nothing."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from typing import Any

from botocore import xform_name

from hippolyte import clock
from hippolyte.engines.emr_guard import TARGET
from hippolyte.night.one_pass import Pass
from hippolyte.planning.drill import DRILL_PREFIX
from hippolyte.planning.keeping import part, used
from hippolyte.record_form import iso
from hippolyte.report.events import try_put
from hippolyte.report.notify import metrics, own_topic
from hippolyte.tables.names import table_arn

_PIPELINE = "df-HIPPOLYTE0PREFLIGHT"
_CLUSTER = "j-0HIPPOLYTE"
_NO_ETAG = '"preflight: no object has this"'

# the action, and a call that IAM answers first
Call = tuple[str, Callable[[], object]]


def shared(p: Pass) -> Iterator[Call]:
    """Return the calls that both functions make."""
    c, s3, place = p.clients, p.clients.s3, p.settings.place
    table, bucket = f"hippolyte-preflight-{uuid.uuid4().hex}", p.settings.bucket
    yield "s3:ListBucket", lambda: next(p.store.names(place("runs", "")), None)
    scripts = ("scripts",) if p.settings.engine == "emr" else ()
    longer = [part(k, kept) for kept in used(p.settings) for k in ("backups", "catalog")]
    for kind in ("backups", "catalog", *longer, "leases", *scripts):
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
    yield from _exports(p, table)
    yield from _places(p)
    yield from _scaling(p, table)
    yield from _clusters(p)
    if p.settings.engine != "lambda":
        yield from {"emr": _starting_clusters, "datapipeline": _pipelines}[p.settings.engine](p)
    yield from _workers(p)
    if p.settings.events:
        yield "events:PutEvents", partial(try_put, c)
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


def _exports(p: Pass, table: str) -> Iterator[Call]:
    """Native exports, where there may be some: of a table that is not there."""
    if not p.settings.native_export.tables:
        return
    arn, dynamodb = table_arn(p.settings, table), p.clients.dynamodb_once
    prefix = p.settings.place("backups", "preflight")
    asked: dict[str, Any] = {"TableArn": arn, "S3Bucket": p.settings.bucket, "S3Prefix": prefix}
    export = f"{arn}/export/01716790307109-00000000"
    yield (
        "dynamodb:ExportTableToPointInTime",
        partial(dynamodb.export_table_to_point_in_time, **asked),
    )
    yield "dynamodb:DescribeExport", partial(dynamodb.describe_export, ExportArn=export)


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
    if p.settings.emr and (role := p.settings.emr.guard_role):
        scheduler = p.clients.seldom("scheduler")
        target = {"Arn": TARGET.format(p.settings.partition), "RoleArn": role}
        # no such time
        nothing: dict[str, Any] = {
            "Name": f"cluster-{_CLUSTER}",
            "GroupName": p.settings.name,
            "ScheduleExpression": "at(never)",
            "FlexibleTimeWindow": {"Mode": "OFF"},
            "Target": target,
        }
        yield "scheduler:CreateSchedule", partial(scheduler.create_schedule, **nothing)


def _workers(p: Pass) -> Iterator[Call]:
    if p.settings.exporter is None:
        return
    machine = p.settings.exporter.machine_arn
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


def of_monitor(p: Pass) -> Iterator[Call]:
    """Return those that only the monitor makes: of restore drills, where there are to be some."""
    if p.settings.restore_drill is None:
        return
    name, dynamodb = f"{DRILL_PREFIX}preflight-{uuid.uuid4().hex}", p.clients.dynamodb_once
    arn = table_arn(p.settings, name)
    prefix = p.settings.place("backups", "preflight")
    # no such form: nothing can come of it
    nothing: dict[str, Any] = {
        "S3BucketSource": {"S3Bucket": p.settings.bucket, "S3KeyPrefix": prefix},
        "InputFormat": "PREFLIGHT",
        "TableCreationParameters": {
            "TableName": name,
            "AttributeDefinitions": [{"AttributeName": "key", "AttributeType": "S"}],
            "KeySchema": [{"AttributeName": "key", "KeyType": "HASH"}],
            "BillingMode": "PAY_PER_REQUEST",
        },
    }
    imported = f"{arn}/import/01716790307109-00000000"
    yield "dynamodb:ImportTable", partial(dynamodb.import_table, **nothing)
    yield "dynamodb:DescribeImport", partial(dynamodb.describe_import, ImportArn=imported)
    yield "dynamodb:ListImports", partial(dynamodb.list_imports, TableArn=arn, PageSize=1)
    yield "dynamodb:DeleteTable", partial(dynamodb.delete_table, TableName=name)


def of_scheduler(p: Pass) -> Iterator[Call]:
    """Return those that only the scheduler makes."""
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
