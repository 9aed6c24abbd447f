"""Checks a record against its schema in docs: the keywords that the schemas use, no others."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_DOCS = Path(__file__).parents[2] / "docs"
SCHEMA = json.loads((_DOCS / "report.schema.json").read_text(encoding="utf-8"))
CATALOGUE = json.loads((_DOCS / "catalogue.schema.json").read_text(encoding="utf-8"))
EVENTS = json.loads((_DOCS / "event.schema.json").read_text(encoding="utf-8"))["properties"]
PLAN = json.loads((_DOCS / "plan.schema.json").read_text(encoding="utf-8"))
_KNOWN = {
    "$schema",
    "title",
    "description",
    "type",
    "properties",
    "required",
    "additionalProperties",
    "items",
    "enum",
    "pattern",
    "minimum",
}
_TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "null": (type(None),),
    "boolean": (bool,),
}


def faults(value: Any, schema: dict[str, Any] = SCHEMA, at: str = "report") -> Iterator[str]:
    """Yield what is wrong with a value, one sentence each."""
    assert set(schema) <= _KNOWN, f"{at}: {set(schema) - _KNOWN} is not checked"
    wanted = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    kinds = tuple(kind for name in wanted for kind in _TYPES[name])
    if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
        yield f"{at} is {value!r}, not {' or '.join(wanted)}"
    elif isinstance(value, dict):
        yield from _object(value, schema, at)
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from faults(item, schema["items"], f"{at}[{number}]")
    elif isinstance(value, str):
        if value not in schema.get("enum", [value]):
            yield f"{at} is {value!r}, not one of {schema['enum']}"
        if not re.search(schema.get("pattern", ""), value):
            yield f"{at} is {value!r}, which {schema['pattern']} does not match"
    elif value is not None and value < schema.get("minimum", value):
        yield f"{at} is {value}, below {schema['minimum']}"


def _object(value: dict[str, Any], schema: dict[str, Any], at: str) -> Iterator[str]:
    known, other = schema.get("properties", {}), schema["additionalProperties"]
    for name in schema.get("required", []):
        if name not in value:
            yield f"{at} has no {name}"
    for name, item in value.items():
        if name in known:
            yield from faults(item, known[name], f"{at}.{name}")
        elif other is True:
            continue
        elif other:
            yield from faults(item, other, f"{at}.{name}")
        else:
            yield f"{at}.{name} is not in the schema"
