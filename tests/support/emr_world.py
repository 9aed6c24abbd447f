"""Clusters that the tests of the local EMR start by RunJobFlow."""

from __future__ import annotations

from typing import Any

from tests.support.jobs_world import BUCKET, EXPORT_CLASS, JAR

RELEASE = "emr-7.9.0"


def step(
    table: str, out: str | None = None, action: str = "CONTINUE", jar: str = JAR
) -> dict[str, Any]:
    """Return the step of an export."""
    args = [EXPORT_CLASS, "-Dmapreduce.map.speculative=false", f"s3://{BUCKET}/{out or table}"]
    return {
        "Name": table,
        "ActionOnFailure": action,
        "HadoopJarStep": {"Jar": jar, "Args": [*args, table, "0.5"]},
    }


def request(*steps: dict[str, Any], keep: bool = False, **more: Any) -> dict[str, Any]:
    """Return a RunJobFlow; `instances` replaces what it says of the machines."""
    instances = more.pop("instances", None) or {
        "MasterInstanceType": "m5.xlarge",
        "SlaveInstanceType": "m5.xlarge",
        "InstanceCount": 2,
    }
    return {
        "Name": "night",
        "ReleaseLabel": RELEASE,
        "LogUri": f"s3://{BUCKET}/logs/",
        "ServiceRole": "service",
        "JobFlowRole": "cluster-role",
        "Instances": {**instances, "KeepJobFlowAliveWhenNoSteps": keep},
        "Steps": list(steps),
        **more,
    }


def group(role: str, count: int = 1, kind: str = "m5.xlarge", **more: Any) -> dict[str, Any]:
    """Return an instance group."""
    return {"InstanceRole": role, "InstanceCount": count, "InstanceType": kind, **more}


def fleet(role: str, *kinds: str, on_demand: int = 0, spot: int = 0, **more: Any) -> dict[str, Any]:
    """Return an instance fleet of types of equal weight."""
    return {
        "InstanceFleetType": role,
        "TargetOnDemandCapacity": on_demand,
        "TargetSpotCapacity": spot,
        "InstanceTypeConfigs": [{"InstanceType": kind} for kind in kinds],
        **more,
    }


def bootstrap(path: str, *args: str) -> list[dict[str, Any]]:
    """Return one bootstrap action."""
    return [{"Name": "it", "ScriptBootstrapAction": {"Path": path, "Args": list(args)}}]


class Emr:
    """A cluster in the hands of a test."""

    def __init__(self, world: Any, *steps: dict[str, Any], **more: Any) -> None:
        self.world = world
        self.client = world.client("emr")
        self.id = self.client.run_job_flow(**request(*steps, **more))["JobFlowId"]

    def cluster(self) -> dict[str, Any]:
        found: dict[str, Any] = self.client.describe_cluster(ClusterId=self.id)["Cluster"]
        return found

    def status(self) -> dict[str, Any]:
        found: dict[str, Any] = self.cluster()["Status"]
        return found

    @property
    def state(self) -> str:
        return str(self.status()["State"])

    @property
    def reason(self) -> tuple[str, str]:
        reason = self.status()["StateChangeReason"]
        return str(reason.get("Code", "")), str(reason.get("Message", ""))

    def steps(self) -> dict[str, str]:
        found = self.client.list_steps(ClusterId=self.id)["Steps"]
        return {one["Name"]: one["Status"]["State"] for one in reversed(found)}

    def failure(self, name: str) -> dict[str, str]:
        """Return a step's FailureDetails."""
        found = self.client.list_steps(ClusterId=self.id)["Steps"]
        (details,) = (one["Status"]["FailureDetails"] for one in found if one["Name"] == name)
        return dict(details)

    def add(self, *steps: dict[str, Any]) -> list[str]:
        ids: list[str] = self.client.add_job_flow_steps(JobFlowId=self.id, Steps=list(steps))[
            "StepIds"
        ]
        return ids

    def until(self, *states: str) -> None:
        self.world.advance_until(lambda: self.state in states)
