"""Plans what discovery could not describe: each pass asks once more, until the deadline."""

from __future__ import annotations

from dataclasses import asdict, replace

from hippolyte import clock
from hippolyte.night.one_pass import Pass
from hippolyte.planning.planner import make_plan
from hippolyte.planning.selection import is_native
from hippolyte.planning.window import Night
from hippolyte.records.runs import Run
from hippolyte.settings import NativeExport, Selection
from hippolyte.tables.discovery import describe, look_into, table_of
from hippolyte.tables.patience import Patience
from hippolyte.tables.table import Inventory, Limits
from hippolyte.verdicts import Verdict

# of a pass: what is not described by then is left to the next
_SECONDS = 120.0


def describe_late(p: Pass, run: Run) -> None:
    """Describe what discovery could not, and add it to the night: read at its share, never raised.

    It is on record with all that follows from it, or not at all: the ledger is saved once.
    """
    ledger = run.ledger
    late = [n for n, e in ledger.tables.items() if e.undescribed and e.verdict is None]
    if ledger.cancelled or clock.now() >= run.plan.deadline:
        for name in late:
            why = ledger.cancelled or ledger.tables[name].undescribed
            ledger.tables[name].close(Verdict.FAILED, why)
        return
    if not late or p.time_is_short:
        return
    dynamodb, at_once = p.clients.dynamodb_once, p.settings.planning.discovery_concurrency
    patience = Patience(p.remaining, spare=max(60.0, p.remaining() - _SECONDS), waits=False)
    definitions, undescribed, later = describe(dynamodb, late, at_once, patience)
    for name, why in later.items():
        ledger.tables[name].undescribed = why
    for name, (verdict, why) in undescribed.items():
        ledger.tables[name].close(verdict, why)
    if not definitions:
        return
    tables = [table_of(d) for d in definitions.values()]
    # what rules leave out has its verdict already; quotas and scaling are those of raises
    tables_seen = look_into(dynamodb, tables, at_once, lambda _: True, patience)
    most = p.settings.max_night_usd
    settings = replace(
        p.settings,
        raise_capacity=False,
        tables=Selection(),
        native_export=NativeExport(),
        # the canary is a table of the whole night
        restore_drill=None,
        engine=p.engine.name,
        # what the others leave of it
        max_night_usd=None if most is None else max(0.0, most - run.plan.cost_usd),
    )
    night = Night(run.plan.start, run.plan.deadline, clock.now())
    engine = p.engine
    # a tenth of it are the night's workers
    found = Inventory(tables_seen, Limits(unreserved_concurrency=10 * run.plan.at_once))
    plan = make_plan(found, settings, night, engine.tables_per_batch, engine.raises_per_job)
    p.runs.add_definitions(run.plan.run_id, definitions)
    for name in definitions:
        ledger.tables[name].undescribed = ""
        named = is_native(name, p.settings.native_export)
        beside = f"; read by {engine.name}, though native_export names it" if named else ""
        said = f"planned late: it could not be described at first{beside}"
        ledger.tables[name].notes.append(said)
    for name, (verdict, why) in plan.verdicts.items():
        ledger.tables[name].close(verdict, why)
    ledger.alerts += plan.alerts
    for name in plan.empty:
        ledger.tables[name].attempt = 1
    for batch in plan.batches:
        ledger.add_batch(list(batch.jobs))
    ledger.identities |= {name: asdict(known) for name, known in plan.identities.items()}
    run.plan = replace(run.plan, identities={**run.plan.identities, **plan.identities})
