"""The scheduler's handler: plans a night, records the plan, takes the first step."""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from hippolyte import clock
from hippolyte.announcements import announce, cannot_record, too_late
from hippolyte.asked import Asked, is_delivery, read_event, refuse_unknown
from hippolyte.assembly import Context, begin, elsewhere, tell
from hippolyte.check import CHECK, check
from hippolyte.errors import ConflictError, RefusedError
from hippolyte.leases.lease import as_it_was
from hippolyte.night.cancelled import take_note
from hippolyte.night.one_pass import Pass
from hippolyte.night.reconcile import reconcile
from hippolyte.night.sight import Sight, see_others, undecided
from hippolyte.planning.answer import answer
from hippolyte.planning.native import named as native
from hippolyte.planning.plan import Plan
from hippolyte.planning.planner import make_plan
from hippolyte.planning.selection import choose
from hippolyte.planning.window import Night, part_id, run_id
from hippolyte.preflight import preflight
from hippolyte.record_form import iso
from hippolyte.records.places import Place
from hippolyte.records.runs import is_open, is_part
from hippolyte.settings import Settings, changed, raw, read
from hippolyte.tables import discovery
from hippolyte.tables.concurrency import unreserved_concurrency
from hippolyte.tables.patience import Patience
from hippolyte.tables.recovery import with_recovery
from hippolyte.tables.table import Inventory, Tags
from hippolyte.verdicts import Verdict

# a delivery and its retries; a later one may be of a night that has begun, in a place that cannot
# be read. What an earlier night began there has ended by itself
_ON_TIME = timedelta(minutes=20)
# a first night that costs more is announced
_ANNOUNCED_USD = 50
# tables named in an answer
_NAMED = 10

_log = logging.getLogger(__name__)


def handler(event: object, context: Context) -> dict[str, Any]:
    """Start the night of an event, or go on with it if it has begun; or do what a person asks.

    What a person asks and cannot have is answered, with the remedy; a schedule's delivery that
    cannot be handled fails, and rings an alarm.
    """
    if event == CHECK:
        return check(begin(context), "scheduler")
    try:
        asked = read_event(event, clock.now())
        p = begin(context)
        return _planned(p, asked) if asked.plan_only else _run(p, asked, is_delivery(event))
    except RefusedError as error:
        if is_delivery(event):
            raise
        _log.info("refused: %s", error)
        return {"refused": str(error), "at": iso(clock.now())}


def _run(p: Pass, asked: Asked, delivered: bool) -> dict[str, Any]:
    start = asked.start
    run = part_id(start) if asked.tables else run_id(start)
    deadline = start + timedelta(seconds=p.settings.window_seconds)
    others = see_others(p, elsewhere(p))
    opened = p.runs.open(run) if _readable(p, run) else None
    if opened and opened.plan.part != asked.tables:
        raise RefusedError(f"run {run} of this very second is of other tables: try again")
    if opened is None:
        if any("plan.json" in other.recent.get(run, ()) for other in others):
            return tell(p, "begun in the place that was written to before", run_id=run)
        if p.unseen and (asked.by_hand or clock.now() >= start + _ON_TIME):
            raise RefusedError(f"run {run} is not begun beside what cannot be seen: {p.unseen[0]}")
        if asked.by_hand:
            _alone(p, others)
        if clock.now() >= deadline:
            return _too_late(p, run, deadline, delivered)
        recent = p.runs.recent(clock.now())
        if not recent:
            preflight(p, "scheduler")
        p.held = p.leases.all_open()
        plan, definitions = _plan(p, asked, others)
        if plan.cost_usd > _ANNOUNCED_USD and not (asked.tables or any(map(_is_night, recent))):
            announce(p, plan)
        _record(p, plan, definitions)
        opened = p.runs.open(run)
        assert opened is not None, "the plan was just written"
    elif p.runs.is_closed(run):
        return tell(p, "closed already", run_id=run)
    else:
        p.held = p.leases.all_open()
        take_note(p, opened)
    p.taken = _taken(p, run, others)
    try:
        closed = reconcile(p, opened)
    except ConflictError as error:
        return tell(p, "another invocation is at work on the run", run_id=run, why=str(error))
    plan = opened.plan
    facts: dict[str, Any] = {"tables": plan.discovered, "cost_usd": plan.cost_usd}
    skipped = {n: why for n, (v, why) in plan.verdicts.items() if v is Verdict.SKIPPED}
    if plan.part and skipped:
        facts["skipped"] = skipped
    return tell(p, "closed" if closed else "begun", run_id=run, **facts)


def _is_night(run: str) -> bool:
    return not is_part(run)


def _planned(p: Pass, asked: Asked) -> dict[str, Any]:
    """Answer with the plan of a window that begins now; nothing is recorded or changed."""
    others = see_others(p, elsewhere(p))
    p.held = p.leases.all_open()
    wanted = [p.settings, *(_what_if(p.settings, changes) for changes in asked.what_if)]
    found = _discovered(p, asked, others, wanted)
    before = _night_before(p)
    plans = [_made(p, asked, found, settings, before) for settings in wanted]
    _refuse_skipped(plans[0])
    return {"result": "planned", "at": iso(clock.now()), **answer(plans[0], plans[1:])}


def _what_if(settings: Settings, changes: dict[str, Any]) -> Settings:
    """Return the settings with a part of them changed, for a plan."""
    found, problems = read(changed(raw(settings), changes))
    if found is None:
        raise RefusedError(f"these settings cannot be planned with: {'; '.join(problems)}")
    return found


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
        raise RefusedError(
            f"run {still[0]} is open: wait for its report, or end it with "
            f"`hippolyte cancel {still[0]}`, then try again"
        )


def _plan(p: Pass, asked: Asked, others: list[Sight]) -> tuple[Plan, dict[str, Any]]:
    found = _discovered(p, asked, others, [p.settings])
    plan = _made(p, asked, found, p.settings, _night_before(p))
    _refuse_skipped(plan)
    plan = replace(plan, warnings=(*plan.warnings, *p.runs.unread[:_NAMED]))
    globs = asked.tables
    kept = {t: d for t, d in found.definitions.items() if not globs or t in plan.identities}
    return plan, kept


def _discovered(p: Pass, asked: Asked, others: list[Sight], plans: list[Settings]) -> Inventory:
    """Return all tables as they were before this product changed any, for plans by settings."""
    rules, globs = p.settings.tables, asked.tables

    def wanted(name: str) -> bool:
        asked_for = not globs or any(fnmatchcase(name, glob) for glob in globs)
        return asked_for and choose(name, rules, tags.of(name)).rule is None

    patience = Patience(p.remaining).at_most(p.settings.window_seconds / 4)
    tags = discovery.read_tags(p.clients.tagging, patience) if p.clients.tagging else Tags()
    at_once = p.settings.planning.discovery_concurrency
    found = discovery.discover(p.clients, at_once, wanted, patience)
    refuse_unknown(globs, found.names)
    held = {
        name: each for q in (*(sight.p for sight in others), p) for name, each in q.held.items()
    }
    own = tuple(as_it_was(t, held[t.name].lease if t.name in held else None) for t in found.tables)
    own = with_recovery(p.clients.dynamodb_once, own, filter(wanted, native(own, plans)), patience)
    found = replace(found, tables=own, tags=tags)
    if "lambda" in {settings.engine for settings in plans}:
        free = unreserved_concurrency(p.clients.seldom("lambda"))
        found = replace(found, limits=replace(found.limits, unreserved_concurrency=free))
    return found


def _made(
    p: Pass,
    asked: Asked,
    found: Inventory,
    settings: Settings,
    before: tuple[str | None, dict[str, Any]],
) -> Plan:
    """Return the plan by some settings of what was discovered."""
    last, rows = before
    deadline = asked.start + timedelta(seconds=settings.window_seconds)
    night = Night(asked.start, deadline, clock.now(), last, asked.tables, rows)
    engine = p.engines[settings.engine]
    return make_plan(found, settings, night, engine.tables_per_batch, engine.raises_per_job)


def _night_before(p: Pass) -> tuple[str | None, dict[str, Any]]:
    """Return the last night, and its report's tables: without it all turns are alike."""
    try:
        last, found = p.runs.last_night(p.runs.recent(clock.now()))
    except (ClientError, BotoCoreError) as error:
        _log.warning("the nights before cannot be listed: %s", error)
        return None, {}
    p.previous = found or None
    return last, found.get("tables", {})


def _refuse_skipped(plan: Plan) -> None:
    """Refuse a part of which the rules leave nothing."""
    if not plan.part or plan.discovered > len(plan.verdicts):
        return
    if any(verdict is not Verdict.SKIPPED for verdict, _ in plan.verdicts.values()):
        return
    rules = "; ".join(f"{name}: {why}" for name, (_, why) in sorted(plan.verdicts.items())[:_NAMED])
    raise RefusedError(
        f"nothing is left of {', '.join(plan.part)}: {rules}. Excluded tables stay excluded: "
        "change the variables `tables` or `max_night_usd` for them"
    )


def _readable(p: Pass, run: str) -> bool:
    """Look whether the records can be reached; tell a person before failing if they cannot."""
    try:
        p.store.read(p.runs.key(run, "plan.json"))
    except (ClientError, BotoCoreError) as error:
        cannot_record(p, run, error)
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
        cannot_record(p, plan.run_id, error)
        raise


def _too_late(p: Pass, run: str, deadline: datetime, delivered: bool) -> dict[str, Any]:
    if not delivered:
        raise RefusedError(
            f"the window of run {run} ended at {iso(deadline)}: ask for one that begins "
            'now, {"run": "now"}'
        )
    too_late(p, run, deadline)
    return tell(p, "refused: after the deadline", run_id=run)
