"""What each call of Data Pipeline does."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

from local.datapipeline.call import Call, bad_request
from local.datapipeline.cluster import missing_roles
from local.datapipeline.objects import matches
from local.datapipeline.pipeline import Pipeline
from local.datapipeline.set_status import add_tags, as_tags, remove_tags, set_status
from local.datapipeline.validation import LIMITS, NotStored, check_storable, find_errors, value

DESCRIBED_PIPELINES = 25
DESCRIBED_OBJECTS = 100
"""The API text says 25; the AWS CLI sends 100 and works."""
QUERY_PAGE = 100
LIST_PAGE = 50
SELECTORS = 10


# --- life cycle


def _create(call: Call) -> dict[str, Any]:
    name, unique_id = call.text("name"), call.text("uniqueId")
    tags = as_tags(call.params.get("tags") or [])
    for known in call.pipelines.values():
        if (known.name, known.unique_id) == (name, unique_id):
            return {"pipelineId": known.pipeline_id}
    if call.world.faults.create_pipeline_refused:
        raise bad_request(call.world.faults.create_pipeline_refused)
    if len(call.pipelines) >= LIMITS.pipelines:
        raise bad_request(
            f"Pipeline limit exceeded: the account has {len(call.pipelines)} pipelines, "
            f"the limit is {LIMITS.pipelines}"
        )
    backend = call.backend
    place = (backend.account_id, backend.region_name, backend.partition)
    pipeline = Pipeline(call.world, place, name, unique_id, call.params.get("description"), tags)
    call.pipelines[pipeline.pipeline_id] = pipeline
    return {"pipelineId": pipeline.pipeline_id}


def _definition(call: Call) -> list[dict[str, Any]]:
    objects = call.params.get("pipelineObjects") or []
    try:
        check_storable(objects)
    except NotStored as refused:
        raise bad_request(str(refused)) from None
    return objects


def _verdict(errors: dict[str, list[str]]) -> dict[str, Any]:
    listed = [{"id": name, "errors": texts} for name, texts in errors.items()]
    return {"errored": bool(errors), "validationErrors": listed, "validationWarnings": []}


def _put_definition(call: Call) -> dict[str, Any]:
    pipeline, objects = call.pipeline(), _definition(call)
    if pipeline.state == "FINISHED":
        raise bad_request(f"Pipeline {pipeline.pipeline_id} is FINISHED: it cannot be changed")
    errors = find_errors(objects)
    if pipeline.first_activation:
        for name, text in _changes(pipeline.objects, objects).items():
            errors.setdefault(name, []).append(text)
    faults = call.world.faults
    if faults.definition_errored:
        faults.definition_errored -= faults.definition_errored > 0
        errors.setdefault("Default", []).append("Injected by the local AWS")
    pipeline.objects = objects
    pipeline.parameter_objects = call.params.get("parameterObjects") or []
    pipeline.parameter_values = call.params.get("parameterValues") or []
    pipeline.errors = errors
    return _verdict(errors)


def _changes(old: list[dict[str, Any]], new: list[dict[str, Any]]) -> dict[str, str]:
    """Return what may not change after an activation [dp-manage-pipeline-modify-console]."""

    def refs(thing: dict[str, Any]) -> set[tuple[str, str]]:
        return {(f["key"], f["refValue"]) for f in thing["fields"] if "refValue" in f}

    now = {thing["id"]: thing for thing in new}
    found = {}
    for thing in old:
        if thing["id"] not in now:
            found[thing["id"]] = "An object of an activated pipeline cannot be removed"
        elif refs(now[thing["id"]]) != refs(thing):
            found[thing["id"]] = "References of an activated pipeline cannot be changed"
    return found


def _validate(call: Call) -> dict[str, Any]:
    call.pipeline()
    return _verdict(find_errors(_definition(call)))


def _get_definition(call: Call) -> dict[str, Any]:
    pipeline = call.pipeline()
    return {
        "pipelineObjects": pipeline.objects,
        "parameterObjects": pipeline.parameter_objects,
        "parameterValues": pipeline.parameter_values,
    }


def _activate(call: Call) -> dict[str, Any]:
    pipeline = call.pipeline()
    if not pipeline.objects:
        raise bad_request(f"Pipeline {pipeline.pipeline_id} has no definition")
    if pipeline.errors:
        where, texts = next(iter(pipeline.errors.items()))
        raise bad_request(
            f"Pipeline {pipeline.pipeline_id} has validation errors: {where}: {texts[0]}"
        )
    if pipeline.state == "DEACTIVATING":
        raise bad_request(f"Pipeline {pipeline.pipeline_id} is DEACTIVATING")
    default = next(thing["fields"] for thing in pipeline.objects if thing["id"] == "Default")
    role, profile = value(default, "role") or "", value(default, "resourceRole") or ""
    missing = missing_roles(pipeline, role, profile)
    if missing:
        raise bad_request("; ".join(missing))
    pipeline.activate()
    return {}


def _deactivate(call: Call) -> dict[str, Any]:
    call.pipeline().deactivate(cancel_active=call.params.get("cancelActive", True) is not False)
    return {}


def _delete(call: Call) -> dict[str, Any]:
    pipeline = call.known(call.text("pipelineId"))  # no PipelineDeletedException is modelled here
    pipeline.cancel()
    pipeline.state = "DELETING"
    del call.pipelines[pipeline.pipeline_id]
    call.deleted.add(pipeline.pipeline_id)
    return {}


# --- what there is


def _describe_pipelines(call: Call) -> dict[str, Any]:
    ids = call.params.get("pipelineIds") or []
    if not 1 <= len(ids) <= DESCRIBED_PIPELINES:
        raise bad_request(f"1 to {DESCRIBED_PIPELINES} pipeline ids are allowed, got {len(ids)}")
    return {"pipelineDescriptionList": [call.pipeline(one).describe() for one in ids]}


def _mark(place: int) -> str:
    return base64.b64encode(str(place).encode()).decode()


def _page(things: list[Any], marker: str | None, size: int) -> tuple[list[Any], dict[str, Any]]:
    try:
        start = int(base64.b64decode(marker)) if marker else 0
    except ValueError:
        raise bad_request(f"The marker '{marker}' is not valid") from None
    more = start + size < len(things)
    rest = {"hasMoreResults": more} | ({"marker": _mark(start + size)} if more else {})
    return things[start : start + size], rest


def _list(call: Call) -> dict[str, Any]:
    known = [{"id": one.pipeline_id, "name": one.name} for one in call.pipelines.values()]
    page, rest = _page(known, call.params.get("marker"), LIST_PAGE)
    return {"pipelineIdList": page} | rest


def _query_objects(call: Call) -> dict[str, Any]:
    pipeline, sphere = call.pipeline(), call.text("sphere")
    if sphere.upper() not in {"COMPONENT", "INSTANCE", "ATTEMPT"}:
        raise bad_request(f"sphere must be COMPONENT, INSTANCE or ATTEMPT, got '{sphere}'")
    selectors = (call.params.get("query") or {}).get("selectors") or []
    if len(selectors) > SELECTORS:
        raise bad_request(f"At most {SELECTORS} selectors are allowed, got {len(selectors)}")
    limit = call.params.get("limit", QUERY_PAGE)
    if not 1 <= limit <= QUERY_PAGE:
        raise bad_request(f"limit must be 1 to {QUERY_PAGE}, got {limit}")
    ids = [
        name
        for name, make in pipeline.objects_of(sphere)
        if not selectors or all(matches(make(), selector) for selector in selectors)
    ]
    page, rest = _page(ids, call.params.get("marker"), limit)
    return {"ids": page} | rest


def _describe_objects(call: Call) -> dict[str, Any]:
    pipeline, ids = call.pipeline(), call.params.get("objectIds") or []
    if not 1 <= len(ids) <= DESCRIBED_OBJECTS:
        raise bad_request(f"1 to {DESCRIBED_OBJECTS} object ids are allowed, got {len(ids)}")
    spheres = {_sphere(one) for one in ids}
    known = dict(pair for each in spheres for pair in pipeline.objects_of(each))
    found = [known[one]() for one in ids if one in known]
    return {"pipelineObjects": found, "hasMoreResults": False}


def _sphere(object_id: str) -> str:
    if not object_id.startswith("@"):
        return "COMPONENT"
    return "ATTEMPT" if "_Attempt=" in object_id else "INSTANCE"


ACTIONS: dict[str, Callable[[Call], dict[str, Any]]] = {
    "create_pipeline": _create,
    "put_pipeline_definition": _put_definition,
    "validate_pipeline_definition": _validate,
    "get_pipeline_definition": _get_definition,
    "activate_pipeline": _activate,
    "deactivate_pipeline": _deactivate,
    "delete_pipeline": _delete,
    "describe_pipelines": _describe_pipelines,
    "list_pipelines": _list,
    "query_objects": _query_objects,
    "describe_objects": _describe_objects,
    "set_status": set_status,
    "add_tags": add_tags,
    "remove_tags": remove_tags,
}
