"""RunJobFlow's request for a batch: the cluster, what it is made of, and how it ends by itself."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from hippolyte.engines.export_job import batch_tags, log_uri
from hippolyte.errors import code_of
from hippolyte.planning.mappers import SMALL_MB

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

    from hippolyte.engines.engine import Launch
    from hippolyte.settings import Emr, Settings

# the monitor ends clusters at the deadline; if there is no monitor, they end themselves
SHUTDOWN_AFTER = timedelta(minutes=30)
# a cluster that nobody gives a step or ends; longer than a raise is waited for
IDLE_SECONDS = 5400
# minutes that spot instances are waited for, then on-demand ones are taken
_SPOT_MINUTES = 20
# the one tag of which it is documented that EMR puts it on all it makes for a cluster (Management
# Guide, "Tagging resources to use managed policies"); the service role goes by it
_MANAGED = {"for-use-with-amazon-emr-managed-policies": "true"}

SHUTDOWN_SCRIPT = """\
#!/bin/bash
# shutdown-at.sh <epoch seconds>: shuts the primary node down then, which ends the cluster,
# whatever has become of those who should have ended it. It never fails the bootstrap.
at="${1:-0}"
grep -Eq '"isMaster" *: *true' /mnt/var/lib/info/instance.json || exit 0
minutes=$(( (at - $(date +%s) + 59) / 60 ))
if [ "$minutes" -lt 1 ]; then minutes=1; fi
sudo shutdown -P "+$minutes" ||
  sudo nohup bash -c "sleep $((minutes * 60)); shutdown -P now" > /dev/null 2>&1 &
exit 0
"""

# Release Guide, "Hadoop task configuration": the defaults give the AM and the reducer, which only
# writes file names, half of an xlarge node each. With SMALL_MB two m5.xlarge core nodes have 6
# mappers in place of 4, and one has 3 in place of 1 (computed by the rule of the connector).
# A Java heap is 80 % of its container
_SMALL_HEAP = f"-Xmx{SMALL_MB * 8 // 10}m"
# the header's values as Hadoop names them (Hadoop 3.3, S3A, "Working with Encrypted S3 Data")
_S3A_NAMES = {"AES256": "AES256", "aws:kms": "SSE-KMS"}


def shutdown_key(settings: Settings) -> str:
    """Return the S3 key of the script that ends a cluster by itself."""
    return settings.place("scripts", "shutdown-at.sh")


def put_script(s3: S3Client, settings: Settings) -> None:
    """Put the script where clusters look for it, unless it is there."""
    bucket, key = settings.bucket, shutdown_key(settings)
    try:
        found = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    except ClientError as error:
        if code_of(error) not in ("NoSuchKey", "404"):
            raise
        found = b""
    if found != SHUTDOWN_SCRIPT.encode():
        s3.put_object(Bucket=bucket, Key=key, Body=SHUTDOWN_SCRIPT.encode())


def job_flow(
    name: str, launch: Launch, steps: list[dict[str, Any]], settings: Settings
) -> dict[str, Any]:
    """Return the request.

    A cluster that gets no further step ends with its last one, and costs nothing until it is seen.
    """
    emr = settings.emr
    assert emr is not None, "an engine without settings starts nothing"
    tags = batch_tags(launch, settings, "emr") | _MANAGED
    release = settings.cluster.release_label
    request: dict[str, Any] = {
        "Name": name,
        "ReleaseLabel": release,
        "Applications": [{"Name": "Hadoop"}],
        "LogUri": log_uri(settings),
        "ServiceRole": emr.service_role,
        "JobFlowRole": settings.cluster_role,
        "Instances": _instances(launch, settings, emr),
        "Configurations": configurations(settings),
        "BootstrapActions": [_shutdown(launch, settings)],
        "Steps": steps,
        "StepConcurrencyLevel": 1,
        "Tags": [{"Key": key, "Value": value} for key, value in tags.items()],
    }
    if emr.security_configuration:
        request["SecurityConfiguration"] = emr.security_configuration
    can_idle = _version(release) >= (6, 1) or (5, 30) <= _version(release) < (6, 0)
    if keeps_alive(launch) and can_idle:
        request["AutoTerminationPolicy"] = {"IdleTimeout": IDLE_SECONDS}
    return request


def keeps_alive(launch: Launch) -> bool:
    """Say whether the cluster must wait for further steps."""
    return any(ratio is None for ratio in launch.ratios)


def configurations(settings: Settings) -> list[dict[str, Any]]:
    """Return Hadoop's settings for all releases: memory for mappers, no speculative copies.

    How objects are encrypted is said to both file systems that may be behind `s3://`: EMRFS (EMR
    Management Guide, "Server-side encryption") and, from emr-7.10 on, S3A (Hadoop's own names).
    """
    properties = {
        "yarn.app.mapreduce.am.resource.mb": str(SMALL_MB),
        "yarn.app.mapreduce.am.command-opts": _SMALL_HEAP,
        "mapreduce.reduce.memory.mb": str(SMALL_MB),
        "mapreduce.reduce.java.opts": _SMALL_HEAP,
        "mapreduce.map.speculative": "false",
        "mapreduce.reduce.speculative": "false",
    }
    found = [{"Classification": "mapred-site", "Properties": properties}]
    if settings.sse_header:
        key = settings.sse_key_arn
        emrfs = {"fs.s3.enableServerSideEncryption": "true"}
        s3a = {"fs.s3a.encryption.algorithm": _S3A_NAMES[settings.sse_header]}
        if key:
            emrfs["fs.s3.serverSideEncryption.kms.keyId"] = key
            s3a["fs.s3a.encryption.key"] = key
        found += [
            {"Classification": "emrfs-site", "Properties": emrfs},
            {"Classification": "core-site", "Properties": s3a},
        ]
    return found


def _version(release: str) -> tuple[int, int]:
    """Return a release's (major, minor); of an unknown form: a current one's."""
    found = re.match(r"emr-(\d+)\.(\d+)", release)
    return (int(found[1]), int(found[2])) if found else (7, 0)


def _shutdown(launch: Launch, settings: Settings) -> dict[str, Any]:
    at = launch.deadline + SHUTDOWN_AFTER
    return {
        "Name": "shutdown-at",
        "ScriptBootstrapAction": {
            "Path": f"s3://{settings.bucket}/{shutdown_key(settings)}",
            "Args": [str(int(at.timestamp()))],
        },
    }


def _instances(launch: Launch, settings: Settings, emr: Emr) -> dict[str, Any]:
    cluster = settings.cluster
    wanted = {
        "Ec2KeyName": cluster.key_pair,
        "EmrManagedMasterSecurityGroup": cluster.master_security_group_id,
        "EmrManagedSlaveSecurityGroup": cluster.core_security_group_id,
        "ServiceAccessSecurityGroup": cluster.service_access_security_group_id,
    }
    instances: dict[str, Any] = {k: v for k, v in wanted.items() if v}
    # if further steps come `finish` ends it, else its last step does
    instances |= {
        "KeepJobFlowAliveWhenNoSteps": keeps_alive(launch),
        "TerminationProtected": False,
    }
    if emr.instance_types:
        instances["InstanceFleets"] = _fleets(settings, emr)
        if emr.subnet_ids:
            # EMR takes the one with room for the fleet
            instances["Ec2SubnetIds"] = list(emr.subnet_ids)
        return instances
    instances["InstanceGroups"] = _groups(settings, emr)
    if emr.subnet_ids:
        # where a type was short, another try goes elsewhere
        instances["Ec2SubnetId"] = emr.subnet_ids[launch.attempt % len(emr.subnet_ids)]
    return instances


def _groups(settings: Settings, emr: Emr) -> list[dict[str, Any]]:
    cluster = settings.cluster
    return [
        {
            "Name": "primary",
            "InstanceRole": "MASTER",
            "InstanceType": cluster.master_instance_type,
            "InstanceCount": 1,
            "Market": "ON_DEMAND",
        },
        {
            "Name": "core",
            "InstanceRole": "CORE",
            "InstanceType": cluster.core_instance_type,
            "InstanceCount": cluster.core_instance_count,
            "Market": "SPOT" if emr.spot else "ON_DEMAND",
        },
    ]


def _fleets(settings: Settings, emr: Emr) -> list[dict[str, Any]]:
    cluster, kind = settings.cluster, "Spot" if emr.spot else "OnDemand"
    core: dict[str, Any] = {
        "Name": "core",
        "InstanceFleetType": "CORE",
        f"Target{kind}Capacity": cluster.core_instance_count,
        "InstanceTypeConfigs": [
            {"InstanceType": t, "WeightedCapacity": 1} for t in emr.instance_types
        ],
    }
    if emr.spot:
        core["LaunchSpecifications"] = {
            "SpotSpecification": {
                "TimeoutDurationMinutes": _SPOT_MINUTES,
                "TimeoutAction": "SWITCH_TO_ON_DEMAND",
                "AllocationStrategy": "capacity-optimized",
            }
        }
    primary = {
        "Name": "primary",
        "InstanceFleetType": "MASTER",
        "TargetOnDemandCapacity": 1,
        "InstanceTypeConfigs": [{"InstanceType": cluster.master_instance_type}],
    }
    return [primary, core]
