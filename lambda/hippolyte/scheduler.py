"""The scheduler's handler: plans a night, records the plan, takes the first step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from hippolyte import clock
from hippolyte.assembly import Context, begin, elsewhere, tell
from hippolyte.errors import ConfigurationError, ConflictError
from hippolyte.leases.lease import as_it_was
from hippolyte.night.one_pass import Pass
from hippolyte.night.reconcile import reconcile
from hippolyte.night.sight import Sight, see_others, undecided
from hippolyte.planning.plan import Plan
from hippolyte.planning.planner import make_plan
from hippolyte.planning.selection import choose
from hippolyte.planning.window import Night, run_id
from hippolyte.preflight import preflight
from hippolyte.record_form import iso, when
from hippolyte.records.places import Place
from hippolyte.records.runs import is_open
from hippolyte.report.notify import publish, try_publish
from hippolyte.tables import discovery
from hippolyte.tables.concurrency import unreserved_concurrency
from hippolyte.tables.patience import Patience
from hippolyte.tables.table import Tags

# a delivery and its retries; a later one may be of a night that has begun, in a place that cannot
# be read. What an earlier night began there has ended by itself
_ON_TIME = timedelta(minutes=20)

_FORM = (
    'the scheduler takes {"run": "<the window\'s start, 2026-11-24T00:00:00Z>"'
    ', "delay_seconds": <by how much the delivery is late on purpose>} or {"run": "now"}'
)


def handler(event: Mapping[str, Any], context: Context) -> dict[str, Any]:
    """Start the night of an event, or go on with it if it has begun."""
    start = window_start(event, clock.now())
    p = begin(context)
    run = run_id(start)
    deadline = start + timedelta(seconds=p.settings.window_seconds)
    others = see_others(p, elsewhere(p))
    opened = p.runs.open(run) if _readable(p, run) else None
    if opened is None:
        if any("plan.json" in other.recent.get(run, ()) for other in others):
            return tell(p, "begun in the place that was written to before", run_id=run)
        if p.unseen and (event["run"] == "now" or clock.now() >= start + _ON_TIME):
            raise ConfigurationError(
                f"run {run} is not begun beside what cannot be seen: {p.unseen[0]}"
            )
        if event["run"] == "now":
            _alone(p, others)
        if clock.now() >= deadline:
            return _too_late(p, run, deadline)
        if not p.runs.recent(clock.now()):
            preflight(p, "scheduler")
        p.held = p.leases.all_open()
        plan, definitions = _plan(p, start, deadline, others)
        _record(p, plan, definitions)
        opened = p.runs.open(run)
        assert opened is not None, "the plan was just written"
    elif p.runs.report(run):
        return tell(p, "closed already", run_id=run)
    else:
        p.held = p.leases.all_open()
    p.taken = _taken(p, run, others)
    try:
        closed = reconcile(p, opened)
    except ConflictError as error:
        return tell(p, "another invocation is at work on the run", run_id=run, why=str(error))
    tables = opened.plan.discovered
    return tell(p, "closed" if closed else "begun", run_id=run, tables=tables)


def window_start(event: Mapping[str, Any], now: datetime) -> datetime:
    """Return the start of the window an event is about, to the minute.

    Raises:
        ConfigurationError: the event says no time; nothing is started by accident.
    """
    run, delay = event.get("run"), event.get("delay_seconds", 0)
    unknown = set(event) - {"run", "delay_seconds"}
    if unknown or not isinstance(run, str) or isinstance(delay, bool) or not isinstance(delay, int):
        raise ConfigurationError(f"refused the event {dict(event)!r}: {_FORM}")
    if run == "now":
        start = now
    else:
        try:
            start = when(run) - timedelta(seconds=delay)
        except ConfigurationError as error:
            raise ConfigurationError(f"refused the event {dict(event)!r}: {_FORM}") from error
        if start > now + timedelta(minutes=5):
            raise ConfigurationError(f"refused the event {dict(event)!r}: {iso(start)} is to come")
    return start.replace(second=0, microsecond=0)


def _open_runs(p: Pass) -> list[str]:
    return [run for run, names in p.runs.recent(clock.now()).items() if is_open(names)]


def _taken(p: Pass, run: str, others: list[Sight]) -> set[str]:
    """Return the tables that other open runs have not done with, or have raised elsewhere."""
    earlier = [p.runs.open(other) for other in _open_runs(p) if other < run]
    raised = {table for sight in others for table in sight.p.held}
    here = {name for found in earlier if found for name in found.ledger.undecided}
    return here | raised | undecided(others)


def _alone(p: Pass, others: list[Sight]) -> None:
    """Refuse a run by hand beside an open one: both would take the share of the same tables."""
    still = sorted({*_open_runs(p), *(run for sight in others for run in sight.still_open)})
    if still:
        raise ConfigurationError(f"run {still[0]} is open: wait for its report, then try again")


def _plan(
    p: Pass, start: datetime, deadline: datetime, others: list[Sight]
) -> tuple[Plan, dict[str, Any]]:
    rules = p.settings.tables
    patience = Patience(p.remaining).at_most(p.settings.window_seconds / 4)
    tags = discovery.read_tags(p.clients.tagging, patience) if p.clients.tagging else Tags()
    found = discovery.discover(
        p.clients,
        p.settings.planning.discovery_concurrency,
        lambda name: choose(name, rules, tags.of(name)).rule is None,
        patience,
    )
    held = {
        name: each for q in (*(sight.p for sight in others), p) for name, each in q.held.items()
    }
    own = tuple(as_it_was(t, held[t.name].lease if t.name in held else None) for t in found.tables)
    found = replace(found, tables=own, tags=tags)
    now = clock.now()
    earlier = [r for r, names in p.runs.recent(now).items() if "report.json" in names]
    night = Night(start, deadline, now, previous_run=max(earlier, default=None))
    engine = p.engine
    if engine.name == "lambda":
        free = unreserved_concurrency(p.clients.seldom("lambda"))
        found = replace(found, limits=replace(found.limits, unreserved_concurrency=free))
    plan = make_plan(found, p.settings, night, engine.tables_per_batch, engine.raises_per_job)
    return plan, dict(found.definitions)


def _readable(p: Pass, run: str) -> bool:
    """Look whether the records can be reached; tell a person before failing if they cannot."""
    try:
        p.store.read(p.runs.key(run, "plan.json"))
    except (ClientError, BotoCoreError) as error:
        _cannot_record(p, run, error)
        raise
    return True


def _record(p: Pass, plan: Plan, definitions: dict[str, Any]) -> None:
    """Write the plan before anything is raised or started, and first that something is open here.

    If that cannot be, the night goes on: the monitor tries again, and tells.
    """
    with p.apart("the place is not on record"):
        p.places.change([Place.of(p.settings)])
    try:
        p.runs.create(plan, definitions)
    except (ClientError, BotoCoreError) as error:
        _cannot_record(p, plan.run_id, error)
        raise


def _cannot_record(p: Pass, run: str, error: Exception) -> None:
    try_publish(
        p.clients,
        p.settings,
        f"NO BACKUP {run}: the run cannot be recorded",
        f"Run {run} cannot be recorded in bucket {p.settings.bucket}: {error}\n"
        "Nothing was raised and nothing was started. Restore the bucket or the role's access to "
        'it, then invoke the scheduler with {"run": "now"}.',
    )


def _too_late(p: Pass, run: str, deadline: datetime) -> dict[str, Any]:
    publish(
        p.clients,
        p.settings,
        f"NO BACKUP {run}: delivered after its deadline",
        f"The delivery for run {run} came after its deadline {iso(deadline)} and was refused: "
        'there is no backup of this night. Invoke the scheduler with {"run": "now"} for one.',
    )
    return tell(p, "refused: after the deadline", run_id=run)
