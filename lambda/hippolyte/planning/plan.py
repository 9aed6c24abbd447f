"""The values that flow through a night: tables, limits, jobs, batches, the plan."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from hippolyte.record_form import VERSION, iso, known_form, when
from hippolyte.settings import ENGINES
from hippolyte.verdicts import Verdict

NATIVE = "native"
"""The engine of a table that DynamoDB itself exports."""


@dataclass(frozen=True, slots=True)
class Job:
    """One table's export: `ratio` of its capacity is read, `rate` units/s in all.

    `raise_to` is the capacity it needs first (None: none), `capacity` the one it was planned with.
    `plain_ratio` is what the job gets when the raise does not come. `estimate_seconds` includes
    the activity's bootstrap; it says nothing if not `estimated`.
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
    # False: DescribeTable has not counted the table yet, so nobody knows how long it takes
    estimated: bool = True
    # its read capacity follows its consumption: the scan's pace follows it down only
    autoscaled: bool = False
    # over so many workers it is split: its rate is more than one of them reads
    parts: int = 1
    # why its time is not the formula's; empty: it is
    basis: str = ""
    # what it would be raised to, were it allowed (raise_capacity is "plan")
    would_raise_to: int | None = None
    # by which it is exported; empty: by the night's
    own_engine: str = ""

    def __post_init__(self) -> None:
        """Refuse an engine that no job can have beside the night's."""
        if self.own_engine not in ("", NATIVE):
            raise ValueError(f"own_engine {self.own_engine!r}")


def parts_of(jobs: Iterable[Job]) -> int:
    """Return how many workers a batch of these has."""
    return max((job.parts for job in jobs), default=1)


@dataclass(frozen=True, slots=True)
class Identity:
    """Which table had a name: dropped and made anew, it has another id. Empty: not known."""

    table_id: str = ""
    created_at: str | None = None

    def is_of(self, row: Mapping[str, Any], night: datetime) -> bool:
        """Say whether a row in the report of the night that began then is of this very table.

        A row without an id is of an older version: then only a table older than that night is.
        """
        if not self.table_id:
            return True
        if known := row.get("table_id"):
            return bool(known == self.table_id)
        return self.created_at is not None and when(self.created_at) < night


@dataclass(frozen=True, slots=True)
class Batch:
    """The jobs of one cluster. Batches of one timeline run one after another.

    `begins`, `ends`: by the plan, in seconds after the window's start; None: it does not say.
    """

    batch_id: str
    timeline: int
    jobs: tuple[Job, ...]
    begins: int | None = None
    ends: int | None = None


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
    # its parts: hosts, raised, reads; USD
    cost: Mapping[str, float] = field(default_factory=dict)
    # whose they are and of when; empty: an older version did not say
    prices: str = ""
    # of a month, with as many such nights as are kept; None: the retention is not known
    storage_usd: float | None = None
    previous_run: str | None = None
    # by which the run is followed to its end
    engine: str = "datapipeline"
    # of every table that was described
    identities: Mapping[str, Identity] = field(default_factory=dict)
    # tables that could not be described yet, and why: they are planned by a later pass
    undescribed: Mapping[str, str] = field(default_factory=dict)
    # hosts that may run at once tonight; 0: as many as the settings say
    at_once: int = 0
    # globs of the only tables that a part answers for
    part: tuple[str, ...] = ()
    # left out by a rule: a global table's replica (True), or one that was and is none any more
    replicas: Mapping[str, bool] = field(default_factory=dict)
    # whose backup of tonight is kept longer: `weekly` or `monthly`
    kept: Mapping[str, str] = field(default_factory=dict)

    def identity(self, table: str) -> Identity:
        """Return which table has the name tonight."""
        return self.identities.get(table, Identity())

    @property
    def jobs(self) -> list[Job]:
        """All jobs, in plan order."""
        return [job for batch in self.batches for job in batch.jobs]

    @property
    def discovered(self) -> int:
        """The number of tables the night answers for."""
        return len(self.jobs) + len(self.verdicts) + len(self.empty) + len(self.undescribed)

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
                Batch(**{**b, "jobs": tuple(Job(**j) for j in b["jobs"])}) for b in data["batches"]
            )
            data["identities"] = {
                name: Identity(**known) for name, known in data.get("identities", {}).items()
            }
            for name in ("empty", "warnings", "alerts", "part"):
                data[name] = tuple(data.get(name, ()))
            if data.get("engine", "datapipeline") not in ENGINES:
                raise ValueError(f"engine {data['engine']!r}")
            return cls(**data)
