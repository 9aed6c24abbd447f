"""Reports of nights that were never run: made by the product from a plan and a filled ledger."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

from hippolyte.record_form import iso
from hippolyte.records.ledger import BatchState, Ledger
from hippolyte.report.content import make_report
from hippolyte.verdicts import Verdict
from tests.support.builders import START, plan, settings, table

SETTINGS = settings()


def at(minutes: float) -> str:
    """A recorded time, in minutes after the window's start."""
    return iso(START + timedelta(minutes=minutes))


def night_report(
    names: list[str], engine: str = "datapipeline", **of_tables: dict[str, Any]
) -> dict[str, Any]:
    """A night of one export after another in each batch; `of_tables` sets fields of entries."""
    made = replace(plan(*(table(name) for name in names)), engine=engine)
    ledger = Ledger.of_plan(made)
    for number, batch in enumerate(ledger.batches.values()):
        begin = 5.0 + number
        batch.state, batch.started_at = BatchState.CLOSED, at(begin)
        clusters = {"pipeline": f"df-{number}", "cluster": f"j-{number}"}
        batch.handle = {"worker": batch.batch_id} if engine == "lambda" else clusters
        for place, job in enumerate(batch.jobs):
            entry = ledger.tables[job.table]
            entry.attempt = 1
            entry.started_at = at(begin + 10 + place)
            entry.finished_at = at(begin + 11 + place)
            entry.items, entry.bytes = 100, 4096
            entry.location = f"s3://backups/backups/123456789012/us-east-1/{job.table}/run-1"
            entry.notes = ["1 listed file present, 1 with a whole last line", "100 items read"]
            entry.close(Verdict.BACKED_UP)
        batch.ended_at = at(begin + 12 + len(batch.jobs))
    for name, values in of_tables.items():
        for key, value in values.items():
            setattr(ledger.tables[name], key, value)
    left = [n for n, e in ledger.tables.items() if e.raised_to and not e.given_back_at]
    return make_report(SETTINGS, made, ledger, left, {}, START + timedelta(hours=3))


def large_report(count: int, engine: str = "lambda", failures: int = 12) -> dict[str, Any]:
    """A night of many tables with some of everything, and a night before to compare with."""
    names = [f"some-service.production.table-{n:05d}" for n in range(count)]
    reasons = ("the job failed after {} pages: throttled", "{} items read, last night's is 90,000")
    of_tables: dict[str, dict[str, Any]] = {
        names[place * (count // failures) + 1]: {
            "verdict": Verdict.FAILED,
            "reason": reasons[place % 2].format(place + 10),
            "errors": ["attempt 1: no luck"],
            "log": f"s3://backups/logs/{place}/",
        }
        for place in range(failures)
    }
    of_tables[names[0]] = {"verdict": Verdict.SKIPPED, "reason": "excluded by 'some-*'"}
    of_tables[names[2]] = {"verdict": Verdict.TIMED_OUT, "reason": "at the window's end: 61 %"}
    raised = {"raised_from": 1000, "raised_to": 1569, "raised_at": at(2)}
    of_tables[names[3]] = {**raised, "given_back_at": at(70)}
    of_tables[names[4]] = raised
    report = night_report(names, engine, **of_tables)
    report["timezone"] = "Europe/Berlin"
    report["previous_run"] = "2026-11-23T00-00Z"
    figures = ("items", "bytes", "duration_seconds", "cost_usd", "storage_usd")
    report["before"] = {figure: (report[figure] or 0) * 9 // 10 for figure in figures}
    for number, row in enumerate(report["tables"].values()):
        if row["verdict"] == "backed_up":
            row["items"], row["bytes"] = number * 37, number * 54_321_987
            row["duration_seconds"] = 60 + number % 3000
            row["before"] = {
                "items": row["items"],
                "bytes": row["bytes"] * (number % 5 + 2) // 4,
                "duration_seconds": 60 + number % 2900,
            }
    return report


def judged(
    verdicts: dict[str, Verdict], previous: dict[str, Any] | None = None, left: tuple[str, ...] = ()
) -> dict[str, Any]:
    """A night of these tables that ended so, reported two hours after its start."""
    made = plan(*(table(name) for name in verdicts))
    ledger = Ledger.of_plan(made)
    for name, verdict in verdicts.items():
        ledger.tables[name].close(verdict, f"{name}'s reason")
        if verdict is Verdict.BACKED_UP:
            ledger.tables[name].items = 3
            ledger.tables[name].finished_at = iso(START + timedelta(minutes=61))
    return make_report(SETTINGS, made, ledger, left, previous or {}, START + timedelta(hours=2))


_KINDS = ("orders", "customers.v2", "payments-ledger", "sessions", "Audit_Trail")
_KINDS += ("inventory.snapshot", "mail-outbox", "search.index-state")
_REFUSED = (
    "DescribeTable: AccessDeniedException: User: arn:aws:sts::123456789012:assumed-role/"
    "hippolyte-scheduler/hippolyte-scheduler is not authorized to perform: dynamodb:DescribeTable"
)


def busy_night(count: int = 912) -> dict[str, Any]:
    """A night as one meets it: four reasons, two timeouts, raises, a drill, native exports."""
    names = [f"{_KINDS[n % 8]}.{'prod' if n % 3 else 'eu-prod'}-{n:04d}" for n in range(count)]
    reasons = {n: f"the job failed after {n * 3} pages: throttled" for n in range(100, 107)}
    reasons |= {n: f"{n * 1000:,} items read, {n * 99:,} are missing" for n in range(300, 303)}
    reasons |= {500: "its execution ended as TIMED_OUT", 501: _REFUSED}
    of_tables: dict[str, dict[str, Any]] = {
        names[n]: {
            **{"verdict": Verdict.FAILED, "reason": reason, "items": None},
            **{"errors": ["attempt 1: throttled"], "log": f"s3://backups/logs/{n}/"},
        }
        for n, reason in reasons.items()
    }
    for n, percent in ((600, 61), (601, 12)):
        reason = f"still running at the deadline: {percent} % read"
        of_tables[names[n]] = {"verdict": Verdict.TIMED_OUT, "reason": reason}
    for n in range(700, 712):
        of_tables[names[n]] = {"verdict": Verdict.SKIPPED, "reason": f"excluded by '{_KINDS[7]}*'"}
    of_tables[names[720]] = {"verdict": Verdict.VANISHED, "reason": "deleted during the night"}
    for n in range(10, 41):
        raised = {"raised_from": 100 * n, "raised_to": 157 * n, "raised_at": at(n / 4)}
        of_tables[names[n]] = {**raised, "given_back_at": at(60 + n) if n < 40 else None}
    report = night_report(names, "lambda", **of_tables)
    report |= {"timezone": "Europe/Berlin", "previous_run": "2026-11-23T00-00Z"}
    report |= {"cost_usd": 3.42, "storage_usd": 187.2}
    for number, row in enumerate(report["tables"].values()):
        if row["verdict"] != "backed_up":
            continue
        row["items"], row["bytes"] = number * 7919 % 4_000_000, number**4 % (40 << 30)
        row["duration_seconds"] = 20 + number * 37 % 2400
        row["before"] = {
            "items": row["items"],
            "bytes": row["bytes"] * (90 + number % 23) // 100,
            "duration_seconds": 20 + number * 37 % 2300,
        }
        row["engine"] = "lambda" if number % 50 else "native"
    for figure in ("items", "bytes"):
        report[figure] = sum(row[figure] or 0 for row in report["tables"].values())
    report["before"] = {
        **{name: report[name] * 95 // 100 for name in ("items", "bytes", "duration_seconds")},
        **{"cost_usd": 3.3, "storage_usd": 180.15},
    }
    report["changes"] = {
        **{"new": names[30:33], "gone": ["old-table.prod"], "empty": [names[900]]},
        **{"recovered": names[50:52], "broken": names[100:107]},
    }
    report["alerts"] = [
        f"{names[900]} is empty tonight and was not the night before",
        f"restore drill: {names[0]}: 3 of 100 items differ",
    ]
    report["drills"] = [f"{names[0]}: restored 100 items in 2 min, 3 differ"]
    report["warnings"] = [f"the count of {names[3]} is unknown: no log says how many items it read"]
    for batch in report["batches"]:
        batch["handle"]["run"] = report["run_id"]
    report["batches"][3]["error"] = "its execution ended as TIMED_OUT"
    return report


def some_of_everything(engine: str = "lambda") -> dict[str, Any]:
    """A small night with some of everything, as it is read from JSON."""
    report = large_report(40, engine)
    names = list(report["tables"])
    kept = {name: report["tables"][name] for name in [*names[:5], names[8]]}
    earlier = {
        "batch": kept[names[3]]["batch"],
        "attempt": 1,
        "started_at": at(5),
        "finished_at": at(8),
        "outcome": "failed",
    }
    kept[names[3]]["earlier_attempts"] = [earlier]
    kept[names[3]]["notes"] = ["a note", "100 items read"]
    kept[names[8]]["damage"] = ["a file is missing"]
    more = {"alerts": ["an alert"], "drills": ["a drill"], "warnings": ["a warning"]}
    wished = [{"table": "orders", "from": 1, "to": 2}]
    report["batches"][0].update(error="an error", cancel_reason="a reason")
    report["changes"] = dict.fromkeys(report["changes"], names[:2])
    return dict(json.loads(json.dumps(report | more | {"tables": kept, "would_raise": wished})))


# what has a form that its readers rely on, and no text of anybody's
_FORMS = {"verdict", "start", "deadline", "last_good", "wanted_since"}


def with_texts(report: dict[str, Any], texts: Iterator[str]) -> dict[str, Any]:
    """A report with a text of these in place of each that it has, a name's everywhere the same."""
    names = [*report["tables"], *(batch["batch_id"] for batch in report["batches"])]
    called = {name: f"{next(texts)}{number}" for number, name in enumerate(names)}

    def changed(key: str, value: Any) -> Any:
        if isinstance(value, dict):
            return {called.get(name, name): changed(name, each) for name, each in value.items()}
        if isinstance(value, list):
            return [changed(key, each) for each in value]
        if not isinstance(value, str) or key in _FORMS or key.endswith("_at"):
            return value
        return called.get(value) or next(texts)

    return {key: changed(key, value) for key, value in report.items()}


def extreme_report(count: int, what: str) -> dict[str, Any]:
    """A large night in which the same befell every table: `what` of EXTREMES."""
    usual = large_report(count, failures=1)
    names = list(usual["tables"])
    raised = {"raised_from": 1000, "raised_to": 1569, "raised_at": at(2)}
    back = {**raised, "given_back_at": at(70)}
    of_each = {"raised": back, "raised and noted": back, "left raised": raised}.get(what, {})
    report = night_report(names, "lambda", **{name: dict(of_each) for name in names})
    for number, (name, row) in enumerate(report["tables"].items()):
        for key in ("items", "bytes", "duration_seconds", "before"):
            row[key] = usual["tables"][name][key] or usual["tables"][names[-1]][key]
        if what in ("noted", "raised and noted"):
            apart = "".join(chr(97 + number // 26**place % 26) for place in range(4))
            row["notes"] = [*row["notes"], f"{apart}: DescribeTable said {number:,} items more"]
        if what == "failed":
            row.update(verdict="failed", reason=f"the job failed after {number} pages: throttled")
            row.update(log=f"s3://backups/logs/{number}/", errors=["e" * 300])
    if what == "failed":
        report["totals"] |= {"backed_up": 0, "failed": count}
    if what == "wished":
        report["would_raise"] = [{"table": name, "from": 1000, "to": 1569} for name in names]
    if what == "new":
        report["changes"]["new"] = names
    for key in ("timezone", "previous_run"):
        report[key] = usual[key]
    return report


EXTREMES = ("raised", "left raised", "noted", "raised and noted", "failed", "wished", "new")
