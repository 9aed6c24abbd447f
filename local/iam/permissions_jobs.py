"""Which permissions Data Pipeline's and EMR's operations need, the roles passed included."""

from __future__ import annotations

from typing import TYPE_CHECKING

from moto.datapipeline.models import datapipeline_backends
from moto.emr.models import emr_backends

from local.iam.permission import Permission, arn_of

if TYPE_CHECKING:
    from local.core.call import Call

_PIPELINE = [
    "AddTags",
    "RemoveTags",
    "PutPipelineDefinition",
    "ValidatePipelineDefinition",
    "ActivatePipeline",
    "DescribePipelines",
    "QueryObjects",
    "DescribeObjects",
    "DeactivatePipeline",
    "DeletePipeline",
    "GetPipelineDefinition",
    "SetStatus",
    "EvaluateExpression",
]
_PASSING = ("PutPipelineDefinition", "ValidatePipelineDefinition", "ActivatePipeline")
# which service a role of a definition is for
_PASSED_TO = {"role": "datapipeline.amazonaws.com", "resourceRole": "ec2.amazonaws.com"}


def datapipeline(call: Call) -> list[Permission]:
    """Return what a call of Data Pipeline needs."""
    action = f"datapipeline:{call.operation}"
    if call.operation in ("CreatePipeline", "ListPipelines"):
        out = [Permission(action, "*")]
        if call.operation == "CreatePipeline" and call.params.get("tags"):
            # AWS's rule for tags given at creation; that Data Pipeline keeps it is not confirmed
            out.append(
                Permission("datapipeline:AddTags", arn_of(call, "datapipeline", "pipeline/new"))
            )
        return out
    if call.operation not in _PIPELINE:
        return [Permission(action, None)]
    ids = call.params.get("pipelineIds") or [call.params.get("pipelineId", "")]
    out = [Permission(action, arn_of(call, "datapipeline", f"pipeline/{one}")) for one in ids]
    if call.operation in _PASSING:
        out += _passed_roles(call, ids[0])
    return out


def _passed_roles(call: Call, pipeline_id: str) -> list[Permission]:
    objects = call.params.get("pipelineObjects")
    if objects is None:
        pipeline = datapipeline_backends[call.account][call.region].pipelines.get(pipeline_id)
        objects = [
            o if isinstance(o, dict) else {"fields": o.fields}
            for o in (pipeline.objects if pipeline else [])
        ]
    roles = {
        (one.get("key"), one.get("stringValue") or one.get("string_value"))
        for item in objects
        for one in item.get("fields", [])
        if one.get("key") in _PASSED_TO
    }
    return [_pass_role(call, name, _PASSED_TO[key]) for key, name in sorted(roles) if name]


def _pass_role(call: Call, name: str, service: str) -> Permission:
    arn = name if name.startswith("arn:") else arn_of(call, "iam", f"role/{name}", region="")
    arn = arn.replace(":instance-profile/", ":role/")
    return Permission("iam:PassRole", arn, {"iam:PassedToService": service})


_ON_CLUSTERS = [
    "AddJobFlowSteps",
    "AddTags",
    "CancelSteps",
    "DescribeCluster",
    "DescribeStep",
    "GetAutoTerminationPolicy",
    "ListBootstrapActions",
    "ListInstanceFleets",
    "ListInstanceGroups",
    "ListInstances",
    "ListSteps",
    "PutAutoTerminationPolicy",
    "RemoveAutoTerminationPolicy",
    "RemoveTags",
    "SetTerminationProtection",
    "TerminateJobFlows",
]


def emr(call: Call) -> list[Permission]:
    """Return what a call of EMR needs."""
    action = f"elasticmapreduce:{call.operation}"
    if call.operation in ("ListClusters", "ListReleaseLabels", "DescribeSecurityConfiguration"):
        return [Permission(action, "*")]
    if call.operation == "RunJobFlow":
        return _run_job_flow(call)
    if call.operation not in _ON_CLUSTERS:
        return [Permission(action, None)]
    params = call.params
    single = params.get("ClusterId") or params.get("JobFlowId") or params.get("ResourceId") or ""
    asked = tag_keys("Request", params.get("Tags") or []) if call.operation == "AddTags" else {}
    return [
        Permission(
            action,
            arn_of(call, "elasticmapreduce", f"cluster/{one}"),
            {**asked, **tag_keys("Resource", _tags_of(call, one))},
        )
        for one in params.get("JobFlowIds") or [single]
    ]


def _run_job_flow(call: Call) -> list[Permission]:
    """Tags and a policy given with RunJobFlow are rights of their own.

    Its resource is `cluster/*`, as refusals say it (serverless-step-functions#423).
    """
    params = call.params
    asked = tag_keys("Request", params.get("Tags") or [])
    new = arn_of(call, "elasticmapreduce", "cluster/j-NEW")
    any_cluster = arn_of(call, "elasticmapreduce", "cluster/*")
    permissions = [Permission("elasticmapreduce:RunJobFlow", any_cluster, asked)]
    if params.get("Tags"):
        permissions.append(Permission("elasticmapreduce:AddTags", new, asked))
    if params.get("AutoTerminationPolicy"):
        tags = tag_keys("Resource", params.get("Tags") or [])
        permissions.append(Permission("elasticmapreduce:PutAutoTerminationPolicy", new, tags))
    for name, service in (
        ("JobFlowRole", "ec2.amazonaws.com"),
        ("ServiceRole", "elasticmapreduce.amazonaws.com"),
    ):
        if params.get(name):
            permissions.append(_pass_role(call, params[name], service))
    return permissions


def tag_keys(kind: str, tags: list[dict[str, str]]) -> dict[str, str]:
    """Return tags as condition keys, under AWS's name and EMR's own."""
    return {
        f"{prefix}:{kind}Tag/{tag['Key']}": tag.get("Value", "")
        for tag in tags
        for prefix in ("aws", "elasticmapreduce")
    }


def _tags_of(call: Call, cluster_id: str) -> list[dict[str, str]]:
    cluster = emr_backends[call.account][call.region].clusters.get(cluster_id)
    found: list[dict[str, str]] = cluster.tags if cluster else []
    return found
