"""The report of a run: what it holds, and how it reads in a message."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from hippolyte import __version__
from hippolyte.planning import keeping, replicas
from hippolyte.planning.drill import ALERT, DRILL_PREFIX
from hippolyte.planning.history import measure
from hippolyte.planning.host import host_of
from hippolyte.planning.plan import Job, Plan
from hippolyte.record_form import VERSION, iso, when
from hippolyte.records.ledger import Ledger, TableEntry
from hippolyte.records.runs import start_of
from hippolyte.report.before import backup_before, night_before, oldest
from hippolyte.report.unknown import not_read, uncounted, unguarded, unread, unread_of
from hippolyte.settings import Settings
from hippolyte.verdicts import ALERTING_VERDICTS, OVER_BUDGET, Verdict


def make_report(
    settings: Settings,
    plan: Plan,
    ledger: Ledger,
    left_raised: Iterable[str],
    previous: Mapping[str, Any],
    now: datetime,
    *,
    catalogued: Mapping[str, str] | None = None,
    alerts: Iterable[str] = (),
) -> dict[str, Any]:
    """Return the report. `previous` is the report of the night before, `{}` if there is none.

    `catalogued` tells of good backups that `previous` may not know, of tables without one now,
    `alerts` what else a person must know.

    docs/report.schema.json says what each key holds.
    """
    # those that the plan has not were described late
    jobs = {job.table: job for batch in ledger.batches.values() for job in batch.jobs}
    jobs |= {job.table: job for job in plan.jobs}
    before = previous.get("tables", {})
    own = _of_the_same_table(plan, previous)
    tables = {
        name: _table(name, entry, jobs.get(name), plan, own.get(name, {}))
        | {"measured": _measured(settings, plan, entry, jobs.get(name), own.get(name, {}))}
        | {replicas.KEY: plan.replicas.get(name)}
        | {keeping.KEY: keeping.since(plan, settings, name, _is_good(entry), own.get(name, {}))}
        | {"before": backup_before(own.get(name, {}))}
        | _protection(
            entry,
            own.get(name, {}),
            {} if name in own else before.get(name, {}),
            (catalogued or {}).get(name),
            iso(plan.start),
        )
        for name, entry in sorted(ledger.tables.items())
    }
    totals = Counter(str(t["verdict"]) for t in tables.values())
    ends = [t["finished_at"] for t in tables.values() if t["finished_at"]]
    ended = max((when(e) for e in ends), default=plan.start)
    # of a part, the others are no business
    changes = _changes(
        tables, {n: row for n, row in before.items() if n in tables} if plan.part else before
    )
    told = [*([f"the run was {c}"] if (c := ledger.cancelled) else []), *ledger.alerts, *alerts]
    told += [_emptied(name, name in own) for name in changes["empty"]]
    if not tables and before and not plan.part:
        told.append(f"no table was found, and the night before there were {len(before):,}")
    return {
        "version": VERSION,
        "package": __version__,
        "deployment": settings.name,
        "account": settings.account,
        "region": settings.region,
        "partition": settings.partition,
        "bucket_region": settings.bucket_region or settings.region,
        "timezone": settings.timezone,
        "runbook_url": settings.runbook_url,
        "engine": plan.engine,
        "run_id": plan.run_id,
        # globs of the only tables it answers for; none: a night
        "part": list(plan.part),
        "previous_run": previous.get("run_id"),
        "start": iso(plan.start),
        "deadline": iso(plan.deadline),
        "closed_at": iso(now),
        "duration_seconds": int((ended - plan.start).total_seconds()),
        "window_seconds": int((plan.deadline - plan.start).total_seconds()),
        "discovered": len(tables),
        "totals": {v.value: totals[v.value] for v in Verdict},
        "items": sum(t["items"] or 0 for t in tables.values()),
        "bytes": sum(t["bytes"] for t in tables.values()),
        "cost_usd": plan.cost_usd,
        "storage_usd": plan.storage_usd,
        "before": None if plan.part else night_before(previous),
        "alerts": told,
        "drills": list(ledger.drills),
        "warnings": [
            *plan.warnings,
            *uncounted(tables),
            *unread(tables, ledger.unread),
            *not_read(ledger.not_read),
            *unguarded(ledger),
        ],
        "left_raised": sorted(left_raised),
        "raised": [
            {
                "table": name,
                "from": entry.raised_from,
                "to": entry.raised_to,
                "raised_at": entry.raised_at,
                "given_back_at": entry.given_back_at,
                "duration_seconds": _between(entry.raised_at, entry.given_back_at),
            }
            for name, entry in sorted(ledger.tables.items())
            if entry.raised_to
        ],
        "would_raise": [
            {"table": job.table, "from": job.capacity, "to": job.would_raise_to}
            for job in sorted(jobs.values(), key=lambda job: job.table)
            if job.would_raise_to
        ],
        "changes": changes,
        "oldest_good": oldest(tables, now),
        "batches": [
            {
                "batch_id": b.batch_id,
                "timeline": b.timeline,
                "tables": [j.table for j in b.jobs],
                "workers": b.workers,
                "started_at": b.started_at,
                "ended_at": b.ended_at,
                # names alone: a native batch's has its exports too, which the tables' logs name
                "handle": {k: v for k, v in b.handle.items() if isinstance(v, str)},
                "error": b.error,
                "cancel_reason": b.cancel_reason,
            }
            for b in ledger.batches.values()
        ],
        "tables": tables,
    }


def _of_the_same_table(plan: Plan, previous: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Return the previous report's rows of tables that were not made anew since."""
    if not previous:
        return {}
    begun = start_of(previous["run_id"])
    return {
        name: row
        for name, row in previous["tables"].items()
        if plan.identity(name).is_of(row, begun)
    }


def _emptied(name: str, is_same: bool) -> str:
    if is_same:
        return f"{name} is empty tonight and was not the night before"
    return f"{name} is empty tonight: it was made anew, and the one of the night before was not"


def _table(
    name: str, entry: TableEntry, job: Job | None, plan: Plan, own: Mapping[str, Any]
) -> dict[str, Any]:
    counted = entry.verdict is Verdict.BACKED_UP and entry.items is not None
    return {
        "verdict": entry.verdict.value if entry.verdict else None,
        "reason": entry.reason,
        # of a table that could not be described: as last known
        "table_id": plan.identity(name).table_id or own.get("table_id"),
        "location": entry.location,
        "items": entry.items,
        # of the last night that knew, and of this very table: what the next one is compared with
        "last_items": entry.items if counted else own.get("last_items"),
        "bytes": entry.bytes,
        "files": entry.files,
        "verified_levels": entry.levels,
        "damage": entry.damage,
        "attempt": entry.attempt,
        "batch": entry.batch_id,
        # a night may mix them
        "engine": (job.own_engine or plan.engine) if job else None,
        "started_at": entry.started_at,
        "finished_at": entry.finished_at,
        "duration_seconds": _between(entry.started_at, entry.finished_at),
        "estimate_seconds": job.estimate_seconds if job else None,
        "table_bytes": job.size_bytes if job else None,
        "table_items": job.item_count if job else None,
        "earlier_attempts": entry.earlier,
        "errors": entry.errors,
        "notes": entry.notes,
        "unread_settings": unread_of(entry),
        "log": entry.log,
    }


def _measured(
    settings: Settings, plan: Plan, entry: TableEntry, job: Job | None, own: Mapping[str, Any]
) -> Mapping[str, Any] | None:
    """Return how fast the table is known to be read: of tonight, if one try read it whole."""
    former = own.get("measured")
    seconds = _between(entry.started_at, entry.finished_at)
    whole = entry.verdict is Verdict.BACKED_UP and not entry.earlier and entry.tries <= 1
    if job is None or seconds is None or not whole:
        return former
    rate = job.capacity * job.plain_ratio if job.raise_to and entry.plain else job.rate
    host = host_of(settings, plan.engine)
    return measure(job, rate, seconds, entry.items, plan.engine, host, former)


def _is_good(entry: TableEntry) -> bool:
    return entry.verdict is Verdict.BACKED_UP


def _protection(
    entry: TableEntry,
    own: Mapping[str, Any],
    other: Mapping[str, Any],
    catalogued: str | None,
    start: str,
) -> dict[str, str | None]:
    """Return the newest good backup, and since when there shall be one.

    Carried from report to report, and the catalogue's where that is newer: `own` is the last row
    of the table, `other` that of another one of its name, whose backups are not this one's. From
    the last of those on there shall be one, or a table made anew each day would never be old.
    """
    good = entry.finished_at if _is_good(entry) else None
    spared = entry.verdict in (Verdict.SKIPPED, Verdict.VANISHED)
    spared = spared and not entry.reason.startswith(OVER_BUDGET)
    taken_over = filter(None, [other.get("last_good"), other.get("wanted_since")])
    since = None if spared else own.get("wanted_since") or max(taken_over, default=None)
    return {
        "last_good": good or max(filter(None, [own.get("last_good"), catalogued]), default=None),
        "wanted_since": since or start,
    }


def _between(begin: str | None, end: str | None) -> int | None:
    """Return the seconds from one recorded time to another, None if either is missing."""
    return int((when(end) - when(begin)).total_seconds()) if begin and end else None


def _changes(tables: Mapping[str, Any], before: Mapping[str, Any]) -> dict[str, list[str]]:
    good = Verdict.BACKED_UP.value
    # which come and go
    tables, before = _without_drills(tables), _without_drills(before)
    if not before:
        return {"new": [], "gone": [], "empty": [], "recovered": [], "broken": []}
    both = [(n, t, before[n]) for n, t in tables.items() if n in before]
    return {
        "new": [n for n in tables if n not in before],
        "gone": [n for n in before if n not in tables],
        "empty": [n for n, t, b in both if t["items"] == 0 and b["last_items"]],
        "recovered": [n for n, t, b in both if t["verdict"] == good != b["verdict"]],
        "broken": [n for n, t, b in both if b["verdict"] == good != t["verdict"]],
    }


def _without_drills(tables: Mapping[str, Any]) -> Mapping[str, Any]:
    return {name: row for name, row in tables.items() if not name.startswith(DRILL_PREFIX)}


def measures(report: Mapping[str, Any]) -> dict[str, float]:
    """Return the night's figures as CloudWatch is told them."""
    oldest = report["oldest_good"]
    failed = sum(alert.startswith(ALERT) for alert in report["alerts"])
    return {
        # of a deployment that has drills
        **({"DrillsFailed": failed} if report["drills"] else {}),
        "TablesFailed": sum(report["totals"][verdict.value] for verdict in ALERTING_VERDICTS),
        "OldestBackupAgeDays": oldest["age_days"] if oldest else 0.0,
        "BackupBytes": report["bytes"],
        "NightSeconds": report["duration_seconds"],
        "WindowSeconds": report["window_seconds"],
        "EstimatedCostUsd": report["cost_usd"],
    }


def by_verdict(report: Mapping[str, Any]) -> dict[str, float]:
    """Return the number of tables of each verdict."""
    return {verdict.value: report["totals"][verdict.value] for verdict in Verdict}
