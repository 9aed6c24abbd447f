"""What the scheduler tells people: what a first night costs, and why there is no backup."""

from __future__ import annotations

from datetime import datetime

from hippolyte.night.one_pass import Pass
from hippolyte.planning.plan import Plan
from hippolyte.report import messages
from hippolyte.report.notify import publish, try_publish


def announce(p: Pass, plan: Plan) -> None:
    """Tell what a first night costs before it is begun; it is begun all the same."""
    cost = {"cost_usd": plan.cost_usd, "storage_usd": plan.storage_usd}
    message = messages.price(p.settings, plan.run_id, len(plan.jobs), cost)
    try_publish(p.clients, p.settings, message)


def cannot_record(p: Pass, run: str, error: Exception) -> None:
    """Tell that nothing was begun, as the records cannot be reached."""
    try_publish(p.clients, p.settings, messages.not_recorded(p.settings, run, error))


def too_late(p: Pass, run: str, deadline: datetime) -> None:
    """Tell that a delivery came after its deadline."""
    publish(p.clients, p.settings, messages.too_late(p.settings, run, deadline))
