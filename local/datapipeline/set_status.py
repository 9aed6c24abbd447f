"""SetStatus and tags."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from local.datapipeline.call import Call, bad_request
from local.datapipeline.pipeline import Pipeline

TAGS = 10


def as_tags(tags: list[dict[str, str]]) -> list[dict[str, str]]:
    """Return tags if the service takes them, or refuse."""
    if len(tags) > TAGS:
        raise bad_request(f"At most {TAGS} tags are allowed, got {len(tags)}")
    for tag in tags:
        if not 1 <= len(tag.get("key", "")) <= 128 or len(tag.get("value", "")) > 256:
            raise bad_request(f"Tag '{tag.get('key')}': key 1 to 128 characters, value up to 256")
    return [{"key": tag["key"], "value": tag["value"]} for tag in tags]


def set_status(call: Call) -> dict[str, Any]:
    """SetStatus."""
    pipeline, ids, status = call.pipeline(), call.params.get("objectIds") or [], call.text("status")
    if pipeline.state == "FINISHED":
        raise bad_request(f"Pipeline {pipeline.pipeline_id} is FINISHED")
    act = _STATUS.get(status.upper())
    if act is None:
        raise bad_request(f"Status '{status}' is unknown here; known: {', '.join(_STATUS)}")
    for object_id in ids:
        act(pipeline, object_id)
    return {}


def _component(pipeline: Pipeline, object_id: str) -> str:
    if object_id not in {thing["id"] for thing in pipeline.objects}:
        raise bad_request(f"'{object_id}' is no component of the pipeline")
    return object_id


def _pause(pipeline: Pipeline, object_id: str) -> None:
    name = _component(pipeline, object_id)
    pipeline.paused.add(name)
    for run in pipeline.runs:
        run.tasks.pause(name)


def _resume(pipeline: Pipeline, object_id: str) -> None:
    name = _component(pipeline, object_id)
    pipeline.paused.discard(name)
    for run in pipeline.runs:
        run.tasks.resume(name)


def _try_cancel(pipeline: Pipeline, object_id: str) -> None:
    found = pipeline.find(object_id)
    if found is None:
        raise bad_request(f"'{object_id}' is no instance of the pipeline")
    if not found[1].over:
        found[0].try_cancel(found[1])


def _mark_finished(pipeline: Pipeline, object_id: str) -> None:
    found = pipeline.find(object_id)
    if found is None:
        raise bad_request(f"'{object_id}' is no instance of the pipeline")
    found[0].mark_finished(found[1])


_STATUS: dict[str, Callable[[Pipeline, str], None]] = {
    "PAUSE": _pause,
    "RESUME": _resume,
    "TRY_CANCEL": _try_cancel,
    "MARK_FINISHED": _mark_finished,
}


def add_tags(call: Call) -> dict[str, Any]:
    """AddTags."""
    pipeline, new = call.pipeline(), as_tags(call.params.get("tags") or [])
    merged = {tag["key"]: tag["value"] for tag in [*pipeline.tags, *new]}
    pipeline.tags = as_tags([{"key": key, "value": text} for key, text in merged.items()])
    return {}


def remove_tags(call: Call) -> dict[str, Any]:
    """RemoveTags."""
    pipeline, gone = call.pipeline(), call.params.get("tagKeys") or []
    pipeline.tags = [tag for tag in pipeline.tags if tag["key"] not in gone]
    return {}
