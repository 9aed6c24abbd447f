"""Faults of the job services, injected by name: `world.faults.step_fails["orders"] = 2`."""

from __future__ import annotations

from dataclasses import dataclass, field

ALWAYS = -1


@dataclass(slots=True)
class Faults:
    """What goes wrong in this world. Tables map to how often it still happens (ALWAYS: every time).

    A fault that is counted is used up as it strikes: `step_fails = {"orders": 1}` fails the first
    export of `orders` and lets the second one through.
    """

    # clusters, in the order they are started
    cluster_never_starts: int = 0
    """This many of the next clusters stay in STARTING."""
    cluster_start_fails: list[str] = field(default_factory=list)
    """One cluster each ends TERMINATED_WITH_ERRORS in place of starting, with this message; its
    code is VALIDATION_ERROR, or stands before it: `INTERNAL_ERROR: ...`."""
    cluster_dies_at_step: int | None = None
    """The next cluster to begin its n-th step (1 is the first) loses its primary node there."""

    spot_lost_at_step: int | None = None
    """The next cluster with spot workers to begin its n-th step loses them in mid-step: all its
    workers end it, some run the step's tasks again (and leave a file no manifest lists)."""
    spot_replaced: bool = False
    """A cluster that has lost all workers gets others: only the step fails."""

    clusters_listed_after_seconds: float = 0.0
    """ListClusters shows a cluster this long after RunJobFlow (that EMR does so is not known)."""

    # clusters' machines, and what becomes of them
    short_of_capacity: dict[str, int] = field(default_factory=dict)
    """EC2 is out of capacity: by subnet, instance type, or `subnet/type`; a time is one cluster."""
    vcpu_quota: int | None = None
    """Account and region: on-demand vCPUs of all clusters together."""
    spot_vcpu_quota: int | None = None
    no_spot: int = 0
    """This many of the next clusters with spot get none (ALWAYS: all): fleets time out, groups
    stay in STARTING."""
    bootstrap_fails: int = 0
    """On this many of the next clusters with bootstrap actions the first one returns non-zero."""

    # exports, by table name
    step_hangs: dict[str, int] = field(default_factory=dict)
    step_fails: dict[str, int] = field(default_factory=dict)
    client_dies: dict[str, int] = field(default_factory=dict)
    """The step's client dies as the tasks begin: the step is FAILED, its job reads on."""
    claims_success_without_output: dict[str, int] = field(default_factory=dict)
    truncated_file: dict[str, int] = field(default_factory=dict)
    missing_listed_file: dict[str, int] = field(default_factory=dict)
    fewer_items: dict[str, int] = field(default_factory=dict)
    """A third of the items is lost, at the second time two thirds: no loss is like another."""
    losses: dict[str, int] = field(default_factory=dict)
    """How often `fewer_items` struck a table."""
    no_log: dict[str, int] = field(default_factory=dict)
    """The step's logs never arrive on S3."""

    # DynamoDB's own exports, by table name
    export_fails: dict[str, int] = field(default_factory=dict)
    """The export ends FAILED: the bucket refused it."""
    export_seconds: dict[str, float] = field(default_factory=dict)
    """How long each export of a table takes."""

    # Data Pipeline's API
    definition_errored: int = 0
    """This many of the next PutPipelineDefinition calls answer errored = true (ALWAYS: all)."""
    create_pipeline_refused: str | None = None
    """CreatePipeline answers InvalidRequestException with this message."""


def has(fault: dict[str, int], name: str) -> bool:
    """Return whether the fault would strike `name`, without using it up."""
    return fault.get(name, 0) != 0


def strikes(table_fault: dict[str, int], table: str) -> bool:
    """Return whether the fault strikes `table` now, and use up one time of it."""
    left = table_fault.get(table, 0)
    if left > 0:
        table_fault[table] = left - 1
    return left != 0
