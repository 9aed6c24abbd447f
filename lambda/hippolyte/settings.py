"""The settings of a deployment: JSON that Terraform writes, and a variable leads to."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from hippolyte import settings_form
from hippolyte.errors import ConfigurationError, RefusedError
from hippolyte.settings_form import NativeExport as NativeExport
from hippolyte.settings_form import RestoreDrill as RestoreDrill

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
    an instance fleet of these types. `guard_role`: ARN of the role with which a schedule ends a
    cluster; None: of a module that had none yet.
    """

    jar: str
    service_role: str
    subnet_ids: tuple[str, ...] = ()
    spot: bool = False
    security_configuration: str | None = None
    instance_types: tuple[str, ...] = ()
    guard_role: str | None = None


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
    see `planning.host`. `on_demand_read_rate` is read units per second. `estimates`: "measured",
    where the last nights say how fast a table is read, or "formula". `cluster_bytes_per_second`:
    what a cluster reads at the most; None: by its mappers, see `planning.mappers`.
    """

    attempts: int = 2
    max_clusters: int = 10
    bytes_per_read_unit: int | None = None
    cluster_bootstrap_seconds: int = 600
    activity_bootstrap_seconds: int = 60
    on_demand_read_rate: int = 1000
    item_count_tolerance_percentage: int = 20
    discovery_concurrency: int = 24
    estimates: str = "measured"
    cluster_bytes_per_second: int | None = None


@dataclass(frozen=True, slots=True)
class Prices:
    """What AWS asks for, in USD; the defaults are in docs/costs.md with their sources.

    Attributes:
        region, dated: whose prices they are, and of when: said beside what they come to.
        read_unit_hour: a provisioned read capacity unit.
        on_demand_million: a million read request units.
        node_hour: a cluster's node, EMR's surcharge with it.
        function_gb_second: of an arm64 function.
        transition_thousand: of a Standard machine.
        put_thousand, get_thousand: S3's writes and listings; its reads.
        storage_gb_month: S3's.
        export_gb, import_gb: a native export's, by the table's size; ImportTable's likewise.
        activity_month: an activity of Data Pipeline of low frequency, by the time it is there.
    """

    region: str = "us-east-1"
    dated: str = "2026-11"
    read_unit_hour: float = 0.00013
    on_demand_million: float = 0.125
    node_hour: float = 0.24
    function_gb_second: float = 0.0000133334
    transition_thousand: float = 0.025
    put_thousand: float = 0.005
    get_thousand: float = 0.0004
    storage_gb_month: float = 0.023
    import_gb: float = 0.15
    export_gb: float = 0.10
    activity_month: float = 0.60

    @property
    def said(self) -> str:
        """Whose prices they are."""
        return f"{self.region}, {self.dated}"


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
    bucket_region: str | None = None  # None: the own
    # said with each object that is written; and the customer's key, if it is to be said
    sse_header: str | None = None
    sse_key_arn: str | None = None
    bucket_key: str | None = None  # the customer's, that the bucket encrypts with
    bucket_owner: str | None = None  # the account, said with native exports; None: the own one
    # the SSM parameter that holds the places in which something may be open, see `records.places`
    places_parameter: str | None = None
    enabled: bool = True
    events: bool = False  # see `report.events`
    tell_good_nights: bool = True  # False: a message goes out only if a person must act
    window_seconds: int = 25_200
    timezone: str = "UTC"  # of the window, an IANA name: the report tells its times in it
    consumed_percentage: int = 50
    tables: Selection = field(default_factory=Selection)
    native_export: NativeExport = field(default_factory=NativeExport)
    cluster: Cluster = field(default_factory=Cluster)
    max_read_capacity: int | None = None
    max_night_usd: float | None = None  # None: no limit
    # how long backups are kept; None: of a module that did not say
    retention_days: int | None = None
    retention_weeks: int = 0  # of the first of each week, and month; 0: none is kept longer
    retention_months: int = 0
    verify_days: int | None = None  # see `reading_turn`
    # "plan": nothing is raised, and the report says what would have been
    raise_capacity: bool | Literal["plan"] = True
    raise_above_warm_throughput: bool = False  # where a table's is known
    planning: Planning = field(default_factory=Planning)
    prices: Prices = field(default_factory=Prices)
    engine: str = "datapipeline"
    emr: Emr | None = None
    exporter: Exporter | None = None  # None: of a module that had none yet
    consistent_reads: bool = False
    restore_drill: RestoreDrill | None = None
    runbook_url: str | None = None  # the page that messages lead to; None: docs/operations.md
    tags: TagPairs = ()  # of pipelines and clusters, beside hippolyte:*

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


ENGINES = settings_form.ENGINES

_NESTED: dict[str, type[Any]] = {
    "tables": Selection,
    "native_export": NativeExport,
    "cluster": Cluster,
    "planning": Planning,
    "prices": Prices,
    "emr": Emr,
    "exporter": Exporter,
    "restore_drill": RestoreDrill,
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
    settings, problems = read(data)
    if settings is None:
        raise ConfigurationError(
            f"{VARIABLE} cannot be used: {'; '.join(problems)}. "
            "The module and the package must be of one version: apply the module again."
        )
    return settings


def read(data: object) -> tuple[Settings | None, list[str]]:
    """Return the settings that JSON's `data` holds, or None and all that is wrong with it."""
    problems: list[str] = []
    settings = settings_form.build(Settings, data, _NESTED, problems)
    if isinstance(settings, Settings):
        if settings.engine == "emr" and settings.emr is None:
            problems.append('missing key emr, which engine "emr" needs')
        if settings.engine == "lambda" and settings.exporter is None:
            problems.append('missing key exporter, which engine "lambda" needs')
    return settings if isinstance(settings, Settings) and not problems else None, problems


def raw(settings: Settings) -> dict[str, Any]:
    """Return settings in their JSON form, as `read` takes it."""
    data = asdict(settings)
    for name in ("include_tags", "exclude_tags"):
        data["tables"][name] = dict(data["tables"][name])
    data["tags"] = dict(data["tags"])
    made: dict[str, Any] = json.loads(json.dumps(data))
    return made


def changed(data: Mapping[str, Any], changes: object, path: str = "") -> dict[str, Any]:
    """Return settings' JSON form with a part of it changed; what is nested key by key.

    Raises:
        RefusedError: the changes are no object.
    """
    if not isinstance(changes, dict):
        raise RefusedError(f"{path or 'settings'} must be an object, got {changes!r}")
    merged = dict(data)
    for key, value in changes.items():
        nested = not path and key in _NESTED and isinstance(merged.get(key), dict)
        whole = not nested or value is None
        merged[key] = value if whole else changed(merged[key], value, key)
    return merged
