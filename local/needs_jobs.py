"""Which permissions Data Pipeline's and EMR's operations need, the roles passed included."""

from __future__ import annotations

from typing import TYPE_CHECKING

from moto.datapipeline.models import datapipeline_backends

from local.need import Need, arn_of

if TYPE_CHECKING:
    from local.gate import Call

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


def datapipeline(call: Call) -> list[Need]:
    """Return what a call of Data Pipeline needs."""
    action = f"datapipeline:{call.operation}"
    if call.operation in ("CreatePipeline", "ListPipelines"):
        out = [Need(action, "*")]
        if call.operation == "CreatePipeline" and call.params.get("tags"):
            # AWS's rule for tags given at creation; that Data Pipeline keeps it is not confirmed
            out.append(Need("datapipeline:AddTags", arn_of(call, "datapipeline", "pipeline/new")))
        return out
    if call.operation not in _PIPELINE:
        return [Need(action, None)]
    ids = call.params.get("pipelineIds") or [call.params.get("pipelineId", "")]
    out = [Need(action, arn_of(call, "datapipeline", f"pipeline/{one}")) for one in ids]
    if call.operation in _PASSING:
        out += _passed_roles(call, ids[0])
    return out


def _passed_roles(call: Call, pipeline_id: str) -> list[Need]:
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


def _pass_role(call: Call, name: str, service: str) -> Need:
    arn = name if name.startswith("arn:") else arn_of(call, "iam", f"role/{name}", region="")
    arn = arn.replace(":instance-profile/", ":role/")
    return Need("iam:PassRole", arn, {"iam:PassedToService": service})


_CLUSTER = [
    "DescribeCluster",
    "ListSteps",
    "DescribeStep",
    "AddJobFlowSteps",
    "CancelSteps",
    "ListInstances",
    "ListInstanceGroups",
    "ListInstanceFleets",
    "ListBootstrapActions",
    "TerminateJobFlows",
    "SetTerminationProtection",
]


def emr(call: Call) -> list[Need]:
    """Return what a call of EMR needs."""
    action = f"elasticmapreduce:{call.operation}"
    if call.operation == "ListClusters":
        return [Need(action, "*")]
    if call.operation == "RunJobFlow":
        needs = [Need(action, arn_of(call, "elasticmapreduce", "cluster/*"))]
        for name, service in (
            ("JobFlowRole", "ec2.amazonaws.com"),
            ("ServiceRole", "elasticmapreduce.amazonaws.com"),
        ):
            if call.params.get(name):
                needs.append(_pass_role(call, call.params[name], service))
        return needs
    if call.operation not in _CLUSTER:
        return [Need(action, None)]
    params = call.params
    ids = params.get("JobFlowIds") or [params.get("ClusterId") or params.get("JobFlowId") or ""]
    return [Need(action, arn_of(call, "elasticmapreduce", f"cluster/{one}")) for one in ids]
