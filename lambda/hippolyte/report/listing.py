"""All tables of a night, folded by verdict; and the workers or clusters that read them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from hippolyte.planning.host import noun_of
from hippolyte.report.consoles import Consoles
from hippolyte.report.document import Column, fold, link, table
from hippolyte.report.groups import pattern, usual
from hippolyte.report.texts import change, duration, named, shown, size
from hippolyte.report.times import Times

Row = Mapping[str, Any]

# as DynamoDB has them; of any other the script would make another address
_NAME = re.compile(r"[A-Za-z0-9_.-]{1,255}")
_BACKED_UP = (
    Column("table"),
    Column("items", "n"),
    Column("size", "n"),
    Column("size change", "n"),
    Column("took", "n"),
    Column("time change", "n"),
    Column("engine", "word"),
    Column("noted", "why"),
)
_OTHERS = (Column("table"), Column("reason", "why"), Column("last good backup"))
_HOSTS = (
    Column(""),
    Column("tables", "n"),
    Column("began"),
    Column("ended"),
    Column("took", "n"),
    Column("what went wrong", "why"),
)


def tables(report: Row, consoles: Consoles, times: Times) -> str:
    """Return every table that needs no attention, a fold each for what became of them."""
    by_verdict: dict[str, dict[str, Row]] = {"backed_up": {}, "skipped": {}, "vanished": {}}
    for name, row in report["tables"].items():
        if row["verdict"] in by_verdict:
            by_verdict[row["verdict"]][name] = row
    made = ""
    if good := by_verdict.pop("backed_up"):
        made += fold("Backed up", len(good), _backed_up(good, report, consoles))
    for verdict, rows in by_verdict.items():
        if rows:
            made += fold(verdict.capitalize(), len(rows), _others(verdict, rows, times))
    return made


def _backed_up(good: Mapping[str, Row], report: Row, consoles: Consoles) -> str:
    notes = {name: row["notes"] for name, row in good.items()}
    common = usual(notes) if len(good) > 1 else {}
    said = _where(good, consoles)
    if common:
        each = "".join(f"<li>{shown(words)}</li>" for words in common.values())
        said += (
            "<p>Checked of most of them, with other figures (all are in report.json):</p>"
            f"<ul>{each}</ul>"
        )
    places = _places(good, consoles)
    rows = (_backup(name, row, common, places, report, consoles) for name, row in good.items())
    return said + table(_BACKED_UP, rows, "good", "Tables that are backed up", places)


def _where(good: Mapping[str, Row], consoles: Consoles) -> str:
    """Say where the backups are, for who wants them by hand."""
    for name, row in good.items():
        above, at, below = (row["location"] or "").rpartition(f"/{name}/")
        if at:
            folder = link(consoles.folder(above), f"<code>{shown(above, 2000)}/</code>")
            return (
                f"<p>In {folder}, each in <code>&lt;table&gt;/{shown(below)}/</code> or alike.</p>"
            )
    return ""


def _backup(
    name: str,
    row: Row,
    common: Mapping[str, str],
    places: str,
    report: Row,
    consoles: Consoles,
) -> Sequence[str]:
    before = row["before"] or {}
    location, seconds = row["location"] or "", row["duration_seconds"]
    notes = [note for note in row["notes"] if pattern(note, name) not in common]
    lines = [*row["damage"], *row["errors"], *notes]
    if location and not consoles.partition:
        lines.append(location)
    mixed = row["engine"] != report["engine"]
    return (
        _linked(name, location, places, consoles),
        "-" if row["items"] is None else f"{row['items']:,}",
        size(row["bytes"]) if location else "-",
        change(before.get("bytes"), row["bytes"]),
        duration(seconds),
        change(before.get("duration_seconds"), seconds),
        shown(row["engine"] or "") if mixed else "",
        "<br>".join(shown(line) for line in lines),
    )


def _linked(name: str, location: str, places: str, consoles: Consoles) -> str:
    if places and places == _place(name, location, consoles):
        return f"<a>{named(name)}</a>"
    return link(consoles.folder(location), named(name))


def _place(name: str, location: str, consoles: Consoles) -> str:
    """Return a backup's address, with a star for the table's name; empty: not of this form."""
    above, at, below = location.rpartition(f"/{name}/")
    if not at or not _NAME.fullmatch(name):
        return ""
    # a star of the location's own would be quoted
    return consoles.folder(f"{above}/\0/{below}").replace("%00", "*")


def _places(good: Mapping[str, Row], consoles: Consoles) -> str:
    """Return the address that is that of most backups, but for the table's name.

    Written into each row it would be a third of the page.
    """
    found = Counter(_place(name, row["location"] or "", consoles) for name, row in good.items())
    return max(found, key=lambda place: (place != "", found[place]))


def _others(verdict: str, rows: Mapping[str, Row], times: Times) -> str:
    cells = (
        (
            named(name),
            shown(row["reason"]),
            times.moment(row["last_good"]) if row["last_good"] else "",
        )
        for name, row in rows.items()
    )
    return table(_OTHERS, cells, verdict, f"Tables: {verdict}")


def hosts(report: Row, consoles: Consoles, times: Times) -> str:
    """Return the workers or clusters, each with a link to itself and to what was logged then."""
    begun = [batch for batch in report["batches"] if batch["started_at"]]
    if not begun:
        return ""
    noun = noun_of(report["engine"])
    rows = [_host(batch, report, consoles, times) for batch in begun]
    columns = (Column(noun), *_HOSTS[1:])
    inside = table(columns, rows, "hosts", f"{noun.capitalize()}s")
    return fold(f"{noun.capitalize()}s", len(begun), inside)


def _host(batch: Row, report: Row, consoles: Consoles, times: Times) -> Sequence[str]:
    begin, end = batch["started_at"], batch["ended_at"]
    seconds = (times.local(end) - times.local(begin)).total_seconds() if end else None
    wrong = [batch["error"], batch["cancel_reason"]]
    name = link(consoles.host(batch["handle"]), shown(batch["batch_id"]))
    if not batch["workers"]:
        name += " · native exports"
    if log := consoles.exporter_log(batch, report["closed_at"]):
        name += f" · {link(log, 'log')}"
    return (
        name + _ids(batch["handle"]),
        f"{len(batch['tables']):,}",
        times.clock(begin),
        times.clock(end) if end else "?",
        duration(seconds),
        "<br>".join(shown(line) for line in wrong if line),
    )


def _ids(handle: Row) -> str:
    """Say what AWS calls a cluster or a pipeline."""
    known = [str(handle[kind]) for kind in ("pipeline", "cluster") if handle.get(kind)]
    return f' <span class="muted">{shown(" · ".join(known))}</span>' if known else ""
