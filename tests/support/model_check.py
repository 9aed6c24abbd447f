"""Checks an answer against botocore's model of the service: nothing missing, nothing unknown."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import cache
from typing import Any

import botocore.session
from botocore.model import ListShape, MapShape, ServiceModel, Shape, StringShape, StructureShape

_PYTHON: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "character": (str,),
    "integer": (int,),
    "long": (int,),
    "float": (float, int),
    "double": (float, int),
    "boolean": (bool,),
    "timestamp": (datetime, float, int),
}


@cache
def _model(service: str) -> ServiceModel:
    return botocore.session.get_session().get_service_model(service)


def problems(service: str, operation: str, answer: Mapping[str, Any]) -> list[str]:
    """Return what is wrong with an answer of `operation` (its boto3 or its API name).

    botocore drops members it does not know while parsing: `Checked` looks at what was sent.
    """
    model = _model(service)
    names = {name.lower(): name for name in model.operation_names}
    shape = model.operation_model(names[operation.replace("_", "").lower()]).output_shape
    body = {key: value for key, value in answer.items() if key != "ResponseMetadata"}
    if shape is None:
        return [f"{operation}: answers nothing, got {sorted(body)}"] if body else []
    return list(_wrong(shape, body, operation))


def _wrong(shape: Shape, value: Any, where: str) -> Iterator[str]:
    if isinstance(shape, StructureShape):
        yield from _wrong_structure(shape, value, where)
    elif isinstance(shape, ListShape):
        if not isinstance(value, list):
            yield f"{where}: a list is wanted, got {value!r}"
            return
        yield from _length(shape, value, where)
        for number, one in enumerate(value):
            yield from _wrong(shape.member, one, f"{where}[{number}]")
    elif isinstance(shape, MapShape):
        if not isinstance(value, dict):
            yield f"{where}: a map is wanted, got {value!r}"
            return
        for key, one in value.items():
            yield from _wrong(shape.value, one, f"{where}[{key}]")
    else:
        yield from _wrong_scalar(shape, value, where)


def _wrong_structure(shape: StructureShape, value: Any, where: str) -> Iterator[str]:
    if not isinstance(value, dict):
        yield f"{where}: a structure is wanted, got {value!r}"
        return
    for name in shape.required_members:
        if name not in value:
            yield f"{where}.{name}: required, missing"
    for name, one in value.items():
        if name in shape.members:
            yield from _wrong(shape.members[name], one, f"{where}.{name}")
        else:
            yield f"{where}.{name}: unknown to the model"


def _wrong_scalar(shape: Shape, value: Any, where: str) -> Iterator[str]:
    wanted = _PYTHON.get(shape.type_name, (object,))
    boolean = isinstance(value, bool) and bool not in wanted and object not in wanted
    if not isinstance(value, wanted) or boolean:
        yield f"{where}: {shape.type_name} is wanted, got {value!r}"
    elif isinstance(shape, StringShape) and shape.enum and value not in shape.enum:
        yield f"{where}: {value!r} is none of {', '.join(shape.enum)}"
    elif isinstance(value, str):
        yield from _length(shape, value, where)


def _length(shape: Shape, value: str | list[Any], where: str) -> Iterator[str]:
    low, high = shape.metadata.get("min", 0), shape.metadata.get("max")
    if len(value) < low or (high is not None and len(value) > high):
        yield f"{where}: length {len(value)}, {low} to {high} is wanted"


class Checked:
    """Checks every answer a boto3 client of a JSON service gets, as it was sent."""

    def __init__(self, client: Any) -> None:
        self.found: list[str] = []
        self.operations: set[str] = set()
        client.meta.events.register("before-parse", self._check)

    def _check(self, operation_model: Any, response_dict: dict[str, Any], **_: Any) -> None:
        if response_dict["status_code"] >= 300:
            return
        body = response_dict["body"]
        answer = json.loads(body) if body else {}
        shape = operation_model.output_shape
        self.operations.add(operation_model.name)
        if shape is None:
            self.found += [f"{operation_model.name}: answers nothing"] if answer else []
        else:
            self.found += _wrong(shape, _without_null(answer), operation_model.name)


def _without_null(value: Any) -> Any:
    """Drop what is null: it is the same as absent in the JSON protocol."""
    if isinstance(value, dict):
        return {key: _without_null(one) for key, one in value.items() if one is not None}
    if isinstance(value, list):
        return [_without_null(one) for one in value]
    return value
