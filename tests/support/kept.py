"""Settings in SSM parameters: as Terraform keeps them, and read from a plan or a deployment."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
from collections.abc import Mapping
from typing import Any

from hippolyte.parameters import joined

PARENT = "/hippolyte-settings/hippolyte"
PART = 4000


def parts(settings: Mapping[str, Any], parent: str = PARENT) -> tuple[str, dict[str, str]]:
    """Return the path and what is below it, by name: one parameter more than is needed."""
    text = json.dumps(settings, ensure_ascii=False)
    content = base64.b64encode(gzip.compress(text.encode(), mtime=0)).decode()
    path = f"{parent}/{hashlib.sha256(content.encode()).hexdigest()[:16]}"
    cut = [content[at : at + PART] for at in range(0, len(content), PART)]
    return path, {f"{path}/{n}": part for n, part in enumerate([*cut, "-"])}


def keep(ssm: Any, settings: Mapping[str, Any], parent: str = PARENT) -> str:
    """Put settings into parameters, as Terraform does; return what the variable is to hold."""
    path, values = parts(settings, parent)
    for name, value in values.items():
        ssm.put_parameter(Name=name, Value=value, Type="String", Tier="Standard", Overwrite=True)
    return path


def planned_text(resources: Mapping[str, dict[str, Any]], function: str = "scheduler") -> str:
    """Return the JSON text that a planned function is led to."""
    (environment,) = resources[f'aws_lambda_function.this["{function}"]']["environment"]
    path = environment["variables"]["HIPPOLYTE_SETTINGS"]
    found = {
        values["name"].rpartition("/")[2]: values["value"]
        for address, values in resources.items()
        if address.startswith("aws_ssm_parameter.settings[")
    }
    return joined(path, found)


def text_of(function: Mapping[str, Any], ssm: Any) -> str:
    """Return the JSON text that a deployed function is led to, by its configuration."""
    path = function["Environment"]["Variables"]["HIPPOLYTE_SETTINGS"]
    pages = ssm.get_paginator("get_parameters_by_path").paginate(Path=path)
    found = {p["Name"].rpartition("/")[2]: p["Value"] for page in pages for p in page["Parameters"]}
    return joined(path, found)
