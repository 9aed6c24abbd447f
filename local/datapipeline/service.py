"""Data Pipeline's API on moto: the calls, their limits and rates, and what they refuse.

Source: API reference 2012-10-29 and the Developer Guide's limits page, as set out in the project's
notes; the wording of messages is ours where it is not documented.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from typing import Any

from moto.core.exceptions import JsonRESTError
from moto.datapipeline.models import DataPipelineBackend
from moto.datapipeline.responses import DataPipelineResponse

from local.core import aws
from local.core.call_rates import Bucket
from local.core.patching import Patches
from local.datapipeline.actions import ACTIONS
from local.datapipeline.call import Call, bad_request

RATES: dict[str, float] = {  # calls a second and account, burst 100 [dp-limits]; others not listed
    "create_pipeline": 1,
    "put_pipeline_definition": 1,
    "activate_pipeline": 1,
    "delete_pipeline": 1,
    "describe_pipelines": 1,
    "list_pipelines": 1,
    "get_pipeline_definition": 1,
    "validate_pipeline_definition": 1,
    "set_status": 1,
    "describe_objects": 2,
    "query_objects": 2,
}
BURST = 100

_patches = Patches()
_world: aws.Aws | None = None
_buckets: dict[tuple[str, str, str], Bucket] = {}
_installing = threading.Lock()


def _check_rate(
    world: aws.Aws, account: str, region: str, name: str, headers: Mapping[str, str]
) -> None:
    if name not in RATES or not world.datapipeline_rates:
        return
    bucket = _buckets.setdefault((account, region, name), Bucket(RATES[name], BURST))
    if not bucket.take(world.callers_time(headers)):
        raise JsonRESTError("ThrottlingException", "Rate exceeded")


def _method(name: str, action: Callable[[Call], dict[str, Any]]) -> Callable[..., str]:
    def method(self: DataPipelineResponse) -> str:
        world = _world
        assert world is not None, "local.datapipeline.service.install(world) comes first"
        with world.lock:
            backend: DataPipelineBackend = self.datapipeline_backend
            _check_rate(world, backend.account_id, backend.region_name, name, self.headers)
            call = Call(world, backend, json.loads(self.body or "{}"))
            answer = action(call)
        return json.dumps(answer)

    method.__name__ = name
    return method


def _unsupported(self: DataPipelineResponse) -> str:
    raise bad_request(
        "The local AWS has no Task Runner calls: its clusters run tasks by themselves"
    )


def install(world: aws.Aws) -> None:
    """Give this world Data Pipeline."""
    global _world
    with _installing:
        uninstall()
        _world = world
        for name, action in ACTIONS.items():
            _patches.set(DataPipelineResponse, name, _method(name, action))
        for name in ("poll_for_task", "report_task_progress", "set_task_status"):
            _patches.set(DataPipelineResponse, name, _unsupported)


def uninstall() -> None:
    """Put moto's Data Pipeline back."""
    global _world
    _patches.undo()
    _buckets.clear()
    _world = None
