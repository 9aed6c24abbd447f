"""Replicas of global tables that rules leave out: each holds everything, so one copy is enough.

A rule by name does not see that the table is a replica no more (the others were deleted, or it was
made anew): then nothing backs it up. So the reports remember which ones were replicas.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hippolyte.planning.drill import DRILL_PREFIX
from hippolyte.planning.selection import Choice
from hippolyte.tables.names import first_names
from hippolyte.tables.table import Inventory

KEY = "replica"
"""Of a report's row: as `left_out` has it; null: neither."""


def left_out(
    inventory: Inventory, choices: Mapping[str, Choice], before: Mapping[str, Mapping[str, Any]]
) -> dict[str, bool]:
    """Return the tables left out that are a replica (True), or were one in an earlier night.

    `before`: the rows of the last report. What cannot be seen tonight is as it was.
    """
    seen = {t.name: t.replicated for t in inventory.tables} if inventory.replicas_known else {}
    found: dict[str, bool] = {}
    for name, choice in choices.items():
        if choice.rule is None or name.startswith(DRILL_PREFIX):
            continue
        was = before.get(name, {}).get(KEY)
        if seen.get(name):
            found[name] = True
        elif was is not None:
            found[name] = bool(was) and name not in seen
    return found


def told(
    found: Mapping[str, bool],
    choices: Mapping[str, Choice],
    before: Mapping[str, Mapping[str, Any]],
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return an alert of those that became plain tables since, and a warning of those before."""
    former = [name for name, is_one in found.items() if not is_one]
    new = [name for name in former if before.get(name, {}).get(KEY)]
    old = [name for name in former if name not in new]
    return _said(new, choices), _said(old, choices)


def _said(names: list[str], choices: Mapping[str, Choice]) -> tuple[str, ...]:
    if not names:
        return ()
    one = len(names) == 1
    are = "is a global table's replica" if one else "are global tables' replicas"
    still = "is" if one else "are"
    rules = "; ".join(sorted({choices[name].rule or "" for name in names}))
    return (
        f"{first_names(names)} {are} no more, and {still} still left out ({rules}): nothing backs "
        f"{'it' if one else 'them'} up; take {'it' if one else 'them'} out of the rules of "
        "`tables`",
    )
