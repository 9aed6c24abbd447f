"""Settings for a plan without a deployment, and parts of settings to try."""

from __future__ import annotations

import json
from dataclasses import fields
from typing import Any

from hippolyte.errors import RefusedError
from hippolyte.settings import Exporter, Planning, Settings, changed, read

# what a plan has no use of, and must have a value
_NOBODYS = {
    "name": "hippolyte",
    "account": "000000000000",
    "partition": "aws",
    "bucket": "none",
    "topic_arn": "none",
    "pipeline_role": "none",
    "cluster_role": "none",
}
# the module's own, where they are not those of an older one
_MODULES = {"engine": "lambda", "retention_days": 35}
_SHORT = {"percentage": "consumed_percentage"}
_DAY = 86_400


def settings_of(given: object, region: str, source: str) -> Settings:
    """Return settings of which a part is given, in JSON's form; the rest is the module's default.

    Raises:
        RefusedError: the part does not fit, and how; `source` is what it is called.
    """
    base = {
        **_NOBODYS,
        **_MODULES,
        "region": region,
        "pipeline_region": region,
        "exporter": {"machine_arn": "none"},
        "emr": {"jar": "s3://none/none.jar", "service_role": "none"},
    }
    settings, problems = read(changed(base, given))
    if settings is None:
        raise RefusedError(f"{source} cannot be planned with: {'; '.join(problems)}")
    return settings


def what_if(text: str) -> dict[str, Any]:
    """Return the part of the settings that a text like `window=00:00-05:00,percentage=30` names.

    `window` is of its length; any other name is a setting's, of `planning` and `exporter` too.

    Raises:
        RefusedError: it has another form, or names no setting.
    """
    made: dict[str, Any] = {}
    for pair in text.split(","):
        name, equals, value = (part.strip() for part in pair.partition("="))
        if not (name and equals and value):
            raise RefusedError(
                f"--what-if takes pairs like window=00:00-05:00,percentage=30, got {text!r}"
            )
        *path, key = _path(name)
        place: Any = made
        for part in path:
            place = place.setdefault(part, {}) if isinstance(place, dict) else place
        if not isinstance(place, dict) or key in place:
            raise RefusedError(f"--what-if says {name} twice: {text!r}")
        place[key] = _window(value) if name == "window" else _value(value)
    return made


def _path(name: str) -> list[str]:
    """Return where a setting of this name is."""
    if name == "window":
        return ["window_seconds"]
    name = _SHORT.get(name, name)
    own = {field.name for field in fields(Settings)}
    if name in own or name.partition(".")[0] in own:
        return name.split(".")
    for section, kind in (("planning", Planning), ("exporter", Exporter)):
        if name in {field.name for field in fields(kind)}:
            return [section, name]
    raise RefusedError(
        f"--what-if: there is no setting {name!r}; window, percentage, raise_capacity, "
        "max_clusters, max_workers, prices.read_unit_hour are some"
    )


def _value(text: str) -> object:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _window(text: str) -> int:
    """Return the seconds of a window like `22:00-05:30`."""
    start, _, end = text.partition("-")
    seconds = (_clock(end, text) - _clock(start, text)) % _DAY
    if not seconds:
        raise RefusedError(f"--what-if: the window {text!r} begins and ends at the same time")
    return seconds


def _clock(text: str, window: str) -> int:
    hours, colon, minutes = text.strip().partition(":")
    digits = all(part.isascii() and part.isdigit() and len(part) == 2 for part in (hours, minutes))
    if not (colon and digits and int(hours) < 24 and int(minutes) < 60):
        raise RefusedError(f"--what-if: a window is like 00:00-05:00, got {window!r}")
    return int(hours) * 3600 + int(minutes) * 60
