"""The values that flow through a night: tables, limits, jobs, batches, the plan."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from hippolyte.errors import ConfigurationError

# the records' form; a reader refuses what a newer version wrote
VERSION = 1


class Verdict(StrEnum):
    """How a table ended its night; each table has exactly one."""

    BACKED_UP = "backed_up"
    SKIPPED = "skipped"
    FAILED = "failed"
    TIMED_OUT = "timed_out"
    VANISHED = "vanished"
    UNSUPPORTED = "unsupported"


TOLD = frozenset({Verdict.FAILED, Verdict.TIMED_OUT, Verdict.UNSUPPORTED})
"""The verdicts a person is told of; the others are in the report only."""


def iso(moment: datetime) -> str:
    """Return `moment` as the records write it: UTC, whole seconds, `2026-11-24T00:00:00Z`."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def when(text: str) -> datetime:
    """Parse a time as `iso` writes it; fractions and offsets are accepted, a missing zone is UTC.

    Raises:
        ConfigurationError: the text is no time.
    """
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise ConfigurationError(f"{text!r} is not a time like 2026-11-24T00:00:00Z") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


@contextmanager
def known_form(what: str) -> Iterator[None]:
    """Refuse a record whose fields do not fit, in words.

    A field may be added within a VERSION if it has a default: older records are read with it. A
    field or value that is not known is of a later package, which alone knows what it means.

    Raises:
        ConfigurationError: the record has another form.
    """
    try:
        yield
    except (TypeError, ValueError, KeyError) as error:
        raise ConfigurationError(
            f"{what} has a form that this version does not know ({error}): another version wrote "
            "it, deploy that version again"
        ) from error


@dataclass(frozen=True, slots=True)
class Scaling:
    """A table's scaling target for reads. Capacities in read capacity units per second."""

    min_capacity: int
    max_capacity: int
    # (scale in, scale out, scheduled), as SuspendedState has them
    suspended: tuple[bool, bool, bool] = (False, False, False)
    # schedules of enabled scheduled actions: at(...), cron(...), rate(...)
    schedules: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Table:
    """What DescribeTable and Application Auto Scaling say of a table."""

    name: str
    table_id: str
    status: str
    size_bytes: int
    item_count: int
    on_demand: bool = False
    read_capacity: int = 0
    write_capacity: int = 0
    # read capacity of its global secondary indexes, for the account's headroom
    index_read_capacity: int = 0
    on_demand_max_read: int | None = None
    warm_read: int | None = None
    replicated: bool = False
    scaling: Scaling | None = None
    # probed: no item and no LastEvaluatedKey
    empty: bool = False
    created_at: datetime | None = None

    @property
    def exportable(self) -> bool:
        """Data operations work in ACTIVE and UPDATING (API TableDescription)."""
        return self.status in ("ACTIVE", "UPDATING")


@dataclass(frozen=True, slots=True)
class Limits:
    """Read capacity quotas, units per second (DescribeLimits)."""

    account_max_read: int = 80_000
    table_max_read: int = 40_000


@dataclass(frozen=True, slots=True)
class Tags:
    """The tables' tags. `error` says why not all could be read, if so."""

    known: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    error: str = ""

    def of(self, table: str) -> Mapping[str, str] | None:
        """Return a table's tags, None if they are not known; the service names tagged ones only."""
        return self.known.get(table, None if self.error else {})


@dataclass(frozen=True, slots=True)
class Inventory:
    """All tables of the account and region.

    `undescribed` gives, for tables that were listed but not described, verdict and reason;
    `definitions` holds DescribeTable's answers for the catalogue.
    """

    tables: tuple[Table, ...]
    limits: Limits
    undescribed: Mapping[str, tuple[Verdict, str]] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    definitions: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    tags: Tags = field(default_factory=Tags)


@dataclass(frozen=True, slots=True)
class Job:
    """One table's export: `ratio` of its capacity is read, `rate` units/s in all.

    `raise_to` is the capacity it needs first (None: none), `capacity` the one it was planned with.
    `plain_ratio` is what the job gets when the raise does not come. `estimate_seconds` includes
    the activity's bootstrap.
    """

    table: str
    table_id: str
    size_bytes: int
    item_count: int
    capacity: int
    ratio: float
    plain_ratio: float
    rate: float
    estimate_seconds: int
    raise_to: int | None = None


@dataclass(frozen=True, slots=True)
class Batch:
    """The jobs of one cluster. Batches of one timeline run one after another."""

    batch_id: str
    timeline: int
    jobs: tuple[Job, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """What a night is to do; written once. `verdicts` are those known before anything runs."""

    run_id: str
    start: datetime
    deadline: datetime
    batches: tuple[Batch, ...]
    verdicts: Mapping[str, tuple[Verdict, str]]
    empty: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    # told to a person: a name in `always` that does not exist, tags that could not be read
    alerts: tuple[str, ...] = ()
    cost_usd: float = 0.0
    previous_run: str | None = None
    # by which the run is followed to its end
    engine: str = "datapipeline"

    @property
    def jobs(self) -> list[Job]:
        """All jobs, in plan order."""
        return [job for batch in self.batches for job in batch.jobs]

    @property
    def discovered(self) -> int:
        """The number of tables the night answers for."""
        return len(self.jobs) + len(self.verdicts) + len(self.empty)

    def to_record(self) -> dict[str, Any]:
        """Return the plan in its JSON form."""
        record = asdict(self)
        record.update(version=VERSION, start=iso(self.start), deadline=iso(self.deadline))
        return record

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Plan:
        """Build the plan from its JSON form."""
        with known_form("the plan"):
            data = {k: v for k, v in record.items() if k not in ("version", "nonce")}
            data["start"], data["deadline"] = when(data["start"]), when(data["deadline"])
            data["verdicts"] = {
                name: (Verdict(verdict), reason)
                for name, (verdict, reason) in data["verdicts"].items()
            }
            data["batches"] = tuple(
                Batch(b["batch_id"], b["timeline"], tuple(Job(**j) for j in b["jobs"]))
                for b in data["batches"]
            )
            for name in ("empty", "warnings", "alerts"):
                data[name] = tuple(data.get(name, ()))
            if data.get("engine", "datapipeline") not in ("datapipeline", "emr"):
                raise ValueError(f"engine {data['engine']!r}")
            return cls(**data)
