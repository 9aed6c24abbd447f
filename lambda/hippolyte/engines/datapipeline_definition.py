"""The Data Pipeline definition of a batch, in the service's JSON form and as API objects.

Limits (AWS Data Pipeline Developer Guide, "Limits"): 100 objects a pipeline, 256 bytes an id.
`Default` and `EmrCluster` take 2 objects, a table 3.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from hippolyte.engines.engine import DefinitionError, Launch
from hippolyte.engines.export_job import export_arguments, export_id, job_number, log_uri
from hippolyte.settings import Settings

OBJECTS_PER_PIPELINE = 100
_SHARED_OBJECTS = 2
_OBJECTS_PER_TABLE = 3
TABLES_PER_PIPELINE = (OBJECTS_PER_PIPELINE - _SHARED_OBJECTS) // _OBJECTS_PER_TABLE

_TOOLS_VERSION = "4.11.0"


def definition(launch: Launch, settings: Settings, now: datetime) -> dict[str, Any]:
    """Return the definition in the JSON form of the service's files and console: `objects`."""
    objects = [_default(settings), _cluster(settings, launch.deadline - now)]
    for number in range(len(launch.jobs)):
        objects += _table(number, launch, settings)
    # an empty string or reference makes the service drop the whole definition
    return {"objects": [{k: v for k, v in o.items() if v not in ("", None)} for o in objects]}


def api_objects(document: dict[str, Any]) -> list[dict[str, Any]]:
    """Translate a definition to the API's form: id, name and fields; a list is a repeated key."""
    result: list[dict[str, Any]] = []
    for entry in document["objects"]:
        fields = []
        for key, value in entry.items():
            if key in ("id", "name"):
                continue
            for single in value if isinstance(value, list) else [value]:
                fields.append(_field(key, single))
        result.append({"id": entry["id"], "name": entry["name"], "fields": fields})
    return result


def definition_error(errors: Iterable[Mapping[str, Any]]) -> DefinitionError:
    """Return what the service found wrong with a definition, by job where it is one job's."""
    by_job: dict[int, str] = {}
    texts: list[str] = []
    for entry in errors:
        text = f"{entry.get('id', '?')}: {'; '.join(entry.get('errors', []))}"
        texts.append(text)
        number = job_number(entry.get("id", ""))
        if number is not None:
            by_job[number] = text
    if len(by_job) < len(texts):
        # a fault of a shared object is everybody's
        by_job = {}
    return DefinitionError(f"the definition was refused: {' | '.join(texts)}"[:2000], by_job)


def step(arguments: list[str]) -> str:
    """Join a step's jar and arguments; the service splits at commas and eats one backslash."""
    return ",".join(a.replace("\\", "\\\\").replace(",", "\\\\,") for a in arguments)


def _field(key: str, value: object) -> dict[str, str]:
    if isinstance(value, dict):
        return {"key": key, "refValue": value["ref"]}
    return {"key": key, "stringValue": str(value)}


def _default(settings: Settings) -> dict[str, Any]:
    return {
        "id": "Default",
        "name": "Default",
        "scheduleType": "ONDEMAND",
        "failureAndRerunMode": "CASCADE",
        "role": settings.pipeline_role,
        "resourceRole": settings.cluster_role,
        "pipelineLogUri": log_uri(settings),
    }


def _cluster(settings: Settings, left: timedelta) -> dict[str, Any]:
    cluster = settings.cluster
    return {
        "id": "Cluster",
        "name": "Cluster",
        "type": "EmrCluster",
        "releaseLabel": cluster.release_label,
        "masterInstanceType": cluster.master_instance_type,
        "coreInstanceType": cluster.core_instance_type,
        "coreInstanceCount": cluster.core_instance_count,
        "region": settings.region,
        "terminateAfter": f"{_hours(left)} hours",
        # where the steps' logs go, which hold the item counts; said, as it overrides any default
        "emrLogUri": log_uri(settings),
        # one table's failure must not take the others' cluster
        "actionOnTaskFailure": "continue",
        "subnetId": cluster.subnet_id,
        "keyPair": cluster.key_pair,
        "emrManagedMasterSecurityGroupId": cluster.master_security_group_id,
        "emrManagedSlaveSecurityGroupId": cluster.core_security_group_id,
        "serviceAccessSecurityGroupId": cluster.service_access_security_group_id,
    }


def _hours(left: timedelta) -> int:
    """Return after how many hours the cluster ends by itself: the window's, and one for us."""
    return max(0, -(-left // timedelta(hours=1))) + 1


def _table(number: int, launch: Launch, settings: Settings) -> list[dict[str, Any]]:
    job, output = launch.jobs[number], launch.outputs[number]
    bucket = f"dynamodb-dpl-{settings.region}"
    jar = f"emr-dynamodb-tools-{_TOOLS_VERSION}-SNAPSHOT-jar-with-dependencies.jar"
    arguments = [
        f"s3://{bucket}/emr-ddb-storage-handler/{_TOOLS_VERSION}/{jar}",
        *export_arguments(number, launch, settings),
    ]
    table, directory, name = f"Table{number:03d}", f"Output{number:03d}", export_id(number)
    return [
        {"id": table, "name": table, "type": "DynamoDBDataNode", "tableName": job.table},
        {"id": directory, "name": directory, "type": "S3DataNode", "directoryPath": output},
        {
            "id": name,
            "name": name,
            "type": "EmrActivity",
            "runsOn": {"ref": "Cluster"},
            "input": {"ref": table},
            "output": {"ref": directory},
            "step": step(arguments),
            # an export refuses its own leftovers: a retry needs a fresh path, so a new pipeline
            "maximumRetries": 0,
            # true would replace the instance types
            "resizeClusterBeforeRunning": "false",
        },
    ]
