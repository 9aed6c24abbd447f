"""How a night differs from the one before: the whole, what moved most, which tables came and went.

All of it is in the report itself: the figures of the night before are kept in it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from hippolyte.report.texts import change, count_of, duration, named, shown, size

Row = Mapping[str, Any]

CHANGES = {
    "empty": "empty tonight, not the night before",
    "broken": "backed up the night before, not tonight",
    "recovered": "backed up again",
    "new": "new",
    "gone": "gone",
}
# tables named for each
_MOST = 5
# and names of each kind of change; the others are behind a click
_NAMED = 12
# a change that is worth a line: by a tenth, and by so much
_LEAST_BYTES = 1 << 20
_LEAST_SECONDS = 60


def since_the_night_before(report: Row) -> str:
    """Return the section; empty without a night before."""
    if not report["previous_run"]:
        return ""
    run = f'<span class="muted">{shown(report["previous_run"])}</span>'
    made = f"<h2>Since the night before {run}</h2>"
    parts = [_kinds(report["changes"]), _figures(report), _moved(report["tables"])]
    return made + ("".join(parts) or "<p>No change.</p>")


def _figures(report: Row) -> str:
    before = report["before"]
    if not before:
        return ""
    rows = "".join(
        f"<li>{words}: {form(before[key])} → {form(report[key])}"
        f"{_by(change(before[key], report[key]))}</li>"
        for words, key, form in _FIGURES
        if before.get(key) is not None and report.get(key) is not None
    )
    return f"<ul>{rows}</ul>" if rows else ""


def _by(percent: str) -> str:
    return f" ({percent})" if percent else ""


def _usd(value: float) -> str:
    return f"{value:,.2f} USD"


_FIGURES: Sequence[tuple[str, str, Callable[[Any], str]]] = (
    ("items", "items", "{:,}".format),
    ("size of the backups", "bytes", size),
    ("until the last backup", "duration_seconds", duration),
    ("estimated cost of the night", "cost_usd", _usd),
    ("estimated cost of a month's storage", "storage_usd", _usd),
)


def _kinds(changes: Row) -> str:
    rows = "".join(
        f"<li>{words}: {_names(changes[kind])}</li>"
        for kind, words in CHANGES.items()
        if changes[kind]
    )
    return f"<ul>{rows}</ul>" if rows else ""


def _names(names: Sequence[str]) -> str:
    said = [named(name) for name in names]
    if len(names) <= _NAMED:
        return ", ".join(said)
    return (
        f"<details><summary>{count_of(len(names), 'table')}: "
        + ", ".join(named(name, 60) for name in names[:3])
        + f" and {len(names) - 3:,} more</summary>{', '.join(said[3:])}</details>"
    )


def _moved(tables: Mapping[str, Row]) -> str:
    """Name the tables whose backups differ most, in size or in time."""
    both = {n: t for n, t in tables.items() if t["before"] and t["verdict"] == "backed_up"}
    lines = []
    for words, key, form, least, sign in (
        ("grew most", "bytes", size, _LEAST_BYTES, 1),
        ("shrank most", "bytes", size, _LEAST_BYTES, -1),
        ("took longer", "duration_seconds", duration, _LEAST_SECONDS, 1),
        ("took less time", "duration_seconds", duration, _LEAST_SECONDS, -1),
    ):
        moved = sorted(
            (
                (sign * (row[key] - row["before"][key]), name)
                for name, row in both.items()
                if row[key] is not None and row["before"][key] is not None
            ),
            key=lambda one: (-one[0], one[1]),
        )
        said = [
            f"{named(name)} {form(both[name]['before'][key])} → {form(both[name][key])}"
            for by, name in moved[:_MOST]
            if by >= max(least, both[name]["before"][key] / 10)
        ]
        if said:
            lines.append(f"<li>{words}: {', '.join(said)}</li>")
    if not lines:
        return ""
    title = "The tables whose size or time changed most"
    return f"<details><summary>{title}</summary><ul>{''.join(lines)}</ul></details>"
