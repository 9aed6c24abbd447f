"""The settings of a deployment: JSON that Terraform writes, and a variable leads to."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, field, fields
from typing import Any

from hippolyte.errors import ConfigurationError

VARIABLE = "HIPPOLYTE_SETTINGS"

TagRules = tuple[tuple[str, tuple[str, ...]], ...]
"""Rules over tags: key, and globs over its value. Terraform writes an object of lists."""

TagPairs = tuple[tuple[str, str], ...]
"""Tags: key and value. Terraform writes an object of strings."""


@dataclass(frozen=True, slots=True)
class Selection:
    """Which tables are backed up; how the rules work together says `selection.choose`."""

    include: tuple[str, ...] = ("*",)
    exclude: tuple[str, ...] = ()
    always: tuple[str, ...] = ()
    include_tags: TagRules = ()
    exclude_tags: TagRules = ()

    @property
    def by_tag(self) -> bool:
        """Whether tags matter at all, and so must be read."""
        return bool(self.include_tags or self.exclude_tags)


@dataclass(frozen=True, slots=True)
class Cluster:
    """The EMR cluster of a batch; `subnet_id` is Data Pipeline's, see `Emr.subnet_ids`."""

    release_label: str = "emr-5.27.1"
    master_instance_type: str = "m5.xlarge"
    core_instance_type: str = "m5.xlarge"
    core_instance_count: int = 1
    subnet_id: str | None = None
    key_pair: str | None = None
    master_security_group_id: str | None = None
    core_security_group_id: str | None = None
    service_access_security_group_id: str | None = None


@dataclass(frozen=True, slots=True)
class Emr:
    """What the EMR engine needs beside the cluster.

    `jar` holds DynamoDBExport. `subnet_ids` are tried in turn when a type is short (none: EMR's
    default subnet). `spot`: core nodes are spot instances. `instance_types` makes the core nodes
    an instance fleet of these types.
    """

    jar: str
    service_role: str
    subnet_ids: tuple[str, ...] = ()
    spot: bool = False
    security_configuration: str | None = None
    instance_types: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Exporter:
    """The functions that read tables, and the machine that invokes them link by link.

    `timeout_seconds` is of the function, `memory_size` in MB; `max_workers` at once, at the most.
    """

    machine_arn: str
    timeout_seconds: int = 900
    memory_size: int = 1769
    max_workers: int = 10


@dataclass(frozen=True, slots=True)
class Planning:
    """The figures a plan is made with.

    `bytes_per_read_unit` is bytes read per read capacity unit and second; None: the engine's own,
    see `planning.host`. `on_demand_read_rate` is read units per second.
    """

    attempts: int = 2
    max_clusters: int = 10
    bytes_per_read_unit: int | None = None
    cluster_bootstrap_seconds: int = 600
    activity_bootstrap_seconds: int = 60
    on_demand_read_rate: int = 1000
    item_count_tolerance_percentage: int = 20
    discovery_concurrency: int = 24


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything a deployment is told. `max_read_capacity` is in read capacity units per second."""

    name: str
    account: str
    region: str
    partition: str
    bucket: str
    topic_arn: str
    pipeline_region: str
    pipeline_role: str
    cluster_role: str
    prefix: str = ""
    # None: the own region
    bucket_region: str | None = None
    # said with each object that is written; and the customer's key, if it is to be said
    sse_header: str | None = None
    sse_key_arn: str | None = None
    # the customer's key that the bucket encrypts with: the roles are let at it
    bucket_key: str | None = None
    # the SSM parameter that holds the places in which something may be open, see `records.places`
    places_parameter: str | None = None
    enabled: bool = True
    window_seconds: int = 25_200
    consumed_percentage: int = 50
    tables: Selection = field(default_factory=Selection)
    cluster: Cluster = field(default_factory=Cluster)
    max_read_capacity: int | None = None
    # what a night may be estimated to cost; None: no limit
    max_night_usd: float | None = None
    # how long backups are kept, for the estimate of storage; None: of a module that did not say
    retention_days: int | None = None
    verify_days: int | None = None  # see `reading_turn`
    raise_capacity: bool = True
    planning: Planning = field(default_factory=Planning)
    engine: str = "datapipeline"
    emr: Emr | None = None
    # None: of a module that had none yet
    exporter: Exporter | None = None
    consistent_reads: bool = False
    # of pipelines and clusters, beside hippolyte:*
    tags: TagPairs = ()

    @property
    def consumed_fraction(self) -> float:
        """The part of a table's read capacity the backup may take, 0 to 1."""
        return self.consumed_percentage / 100

    @property
    def reading_turn(self) -> int:
        """In how many nights each table is read back once; 0: none is."""
        return (self.retention_days or 0) if self.verify_days is None else self.verify_days

    def key(self, *parts: str) -> str:
        """Return an S3 key of this deployment: the prefix, then `parts`."""
        return "/".join([*([self.prefix] if self.prefix else []), *parts])

    def place(self, kind: str, *parts: str) -> str:
        """Return a key below `<prefix>/<kind>/<account>/<region>/`."""
        return self.key(kind, self.account, self.region, *parts)


ENGINES = ("lambda", "datapipeline", "emr")

_NESTED: dict[str, type[Any]] = {
    "tables": Selection,
    "cluster": Cluster,
    "planning": Planning,
    "emr": Emr,
    "exporter": Exporter,
}
_LOWEST = {
    "window_seconds": 900,
    "consumed_percentage": 1,
    "core_instance_count": 1,
    "max_read_capacity": 1,
    "attempts": 1,
    "max_clusters": 1,
    "bytes_per_read_unit": 1,
    "on_demand_read_rate": 1,
    "discovery_concurrency": 1,
    "timeout_seconds": 1,
    "memory_size": 128,
    "max_workers": 1,
    "retention_days": 1,
}


def load(
    environment: Mapping[str, str] = os.environ, kept_at: Callable[[str], str] = str
) -> Settings:
    """Find the settings by the environment: at the path it names, or in it as JSON.

    JSON is what older modules wrote. `kept_at` returns the text at a path, see `parameters`.

    Raises:
        ConfigurationError: the variable is missing, leads to nothing or to no JSON, or the settings
            have unknown, missing or wrong keys; all of them are named at once.
    """
    text = environment.get(VARIABLE)
    if not text:
        raise ConfigurationError(
            f"the environment variable {VARIABLE} is missing: Terraform writes it, apply the module"
        )
    return parse(kept_at(text) if text.startswith("/") else text)


def parse(text: str) -> Settings:
    """Parse the settings from their JSON text; errors as in `load`."""
    try:
        data = json.loads(text)
    except ValueError as error:
        raise ConfigurationError(f"{VARIABLE} is not JSON: {error}") from error
    problems: list[str] = []
    settings = _build(Settings, data, "", problems)
    if isinstance(settings, Settings) and settings.engine == "emr" and settings.emr is None:
        problems.append('missing key emr, which engine "emr" needs')
    if isinstance(settings, Settings) and settings.engine == "lambda" and not settings.exporter:
        problems.append('missing key exporter, which engine "lambda" needs')
    if problems:
        raise ConfigurationError(
            f"{VARIABLE} cannot be used: {'; '.join(problems)}. "
            "The module and the package must be of one version: apply the module again."
        )
    assert isinstance(settings, Settings)
    return settings


def _build(kind: type[Any], data: object, path: str, problems: list[str]) -> object:
    if not isinstance(data, dict):
        problems.append(f"{path or 'the settings'} must be an object, got {data!r}")
        return None
    known = {f.name: f for f in fields(kind)}
    problems += [f"unknown key {path}{key}" for key in data if key not in known]
    values: dict[str, object] = {}
    for name, spec in known.items():
        if name not in data:
            if spec.default is MISSING and spec.default_factory is MISSING:
                problems.append(f"missing key {path}{name}")
            continue
        value = data[name]
        if name in _NESTED and not (value is None and "None" in str(spec.type)):
            value = _build(_NESTED[name], value, f"{path}{name}.", problems)
        elif wrong := _wrong(name, str(spec.type), value):
            problems.append(f"{path}{name} {wrong}, got {value!r}")
        else:
            value = _frozen(value)
        values[name] = value
    return None if problems else kind(**values)


def _frozen(value: object) -> object:
    """Return lists as tuples and objects as tuples of pairs: settings can be hashed."""
    if isinstance(value, list):
        return tuple(value)
    if isinstance(value, dict):
        return tuple((k, v if isinstance(v, str) else tuple(v)) for k, v in value.items())
    return value


def _strings(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(v, str) for v in value)


def _no_number(name: str, kind: str, value: object) -> str | None:
    if kind.startswith("float"):
        good = isinstance(value, int | float) and not isinstance(value, bool) and value > 0
        return None if good else "must be a number above 0"
    if isinstance(value, bool) or not isinstance(value, int):
        return "must be a whole number"
    lowest = _LOWEST.get(name, 0)
    if value < lowest:
        return f"must be at least {lowest}"
    return "must be at most 100" if name.endswith("percentage") and value > 100 else None


def _wrong(name: str, kind: str, value: object) -> str | None:
    if value is None:
        return None if "None" in kind else "must not be null"
    if kind == "TagRules":
        good = isinstance(value, dict) and all(_strings(one) for one in value.values())
        return None if good else "must be an object of lists of strings"
    if kind == "TagPairs":
        good = isinstance(value, dict) and _strings(list(value.values()))
        return None if good else "must be an object of strings"
    if kind.startswith("tuple"):
        return None if _strings(value) else "must be a list of strings"
    if kind.startswith("bool"):
        return None if isinstance(value, bool) else "must be true or false"
    if kind.startswith(("float", "int")):
        return _no_number(name, kind, value)
    if not isinstance(value, str):
        return "must be a string"
    if name == "engine" and value not in ENGINES:
        return f"must be one of {', '.join(ENGINES)}"
    if name == "jar" and not re.fullmatch(r"s3://[^/]+/.+\.jar", value):
        return "must be like s3://bucket/key.jar"
    return "must not be empty" if name == "service_role" and not value else None
