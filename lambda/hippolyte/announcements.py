"""What the scheduler tells people: what a first night costs, and why there is no backup."""

from __future__ import annotations

from datetime import datetime

from hippolyte.night.one_pass import Pass
from hippolyte.planning.plan import Plan
from hippolyte.record_form import iso
from hippolyte.report.message import money
from hippolyte.report.notify import publish, try_publish
from hippolyte.report.remedies import RUNBOOK


def announce(p: Pass, plan: Plan) -> None:
    """Tell what a first night costs before it is begun; it is begun all the same."""
    cost = {"cost_usd": plan.cost_usd, "storage_usd": plan.storage_usd}
    try_publish(
        p.clients,
        p.settings,
        (
            f"PREFLIGHT: the first night is estimated at {plan.cost_usd:.2f} USD",
            f"PREFLIGHT: {plan.cost_usd:.0f} USD a night",
        ),
        f"Run {plan.run_id}, {len(plan.jobs)} tables, is the first of this deployment, and begins "
        f"now: {money(cost)}. Each night costs about as much.\n"
        f"To end it: hippolyte cancel {plan.run_id}. To bound what a night costs: the variable "
        "max_night_usd. `hippolyte plan` shows the tables; docs/costs.md says what is reckoned.\n"
        f"what to do: {RUNBOOK}#what-a-night-may-cost",
        plan.run_id,
    )


def cannot_record(p: Pass, run: str, error: Exception) -> None:
    """Tell that nothing was begun, as the records cannot be reached."""
    try_publish(
        p.clients,
        p.settings,
        ("NO BACKUP, the run cannot be recorded", "NO BACKUP, not recorded"),
        f"Run {run} cannot be recorded in bucket {p.settings.bucket}: {error}\n"
        "Nothing was raised and nothing was started. Restore the bucket or the role's access to "
        'it, then invoke the scheduler with {"run": "now"}.\n'
        f"what to do: {RUNBOOK}#run-a-night-now",
        run,
    )


def too_late(p: Pass, run: str, deadline: datetime) -> None:
    """Tell that a delivery came after its deadline."""
    publish(
        p.clients,
        p.settings,
        ("NO BACKUP, delivered after its deadline", "NO BACKUP, delivered late"),
        f"The delivery for run {run} came after its deadline {iso(deadline)} and was refused: "
        'there is no backup of this night. Invoke the scheduler with {"run": "now"} for one.\n'
        f"what to do: {RUNBOOK}#run-a-night-now",
        run,
    )
