"""The matrix that is printed at the end: fault x outcome."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import zip_longest
from typing import Any

Row = Callable[[str, str, str, str], None]
"""Adds a row: the fault, how many nights it broke, how they ended, what was told."""


def assert_all_well(outcomes: list[dict[str, Any]]) -> None:
    """No night of these has a problem; the first ones that have are shown."""
    wrong = [(o["name"], o["problems"]) for o in outcomes if o["problems"]]
    shown = "\n".join(f"{name}: {str(problems)[:2000]}" for name, problems in wrong[:10])
    assert not wrong, f"{len(wrong)} of {len(outcomes)} nights have problems:\n{shown}"


def told(outcomes: Iterable[Mapping[str, Any]]) -> str:
    """Say how many nights sent how many messages."""
    # a night that died has told nothing that is known
    counts = Counter(o.get("messages", -1) for o in outcomes)
    return "; ".join(f"{n} x {m if m >= 0 else '?'} message(s)" for m, n in sorted(counts.items()))


def ends(outcomes: Iterable[Mapping[str, Any]]) -> str:
    """Say how many nights ended how."""
    counts = Counter(_end(o) for o in outcomes)
    return "; ".join(f"{n} x {end}" for end, n in counts.most_common())


def count(verdicts: Mapping[str, str]) -> str:
    """Say how many tables have which verdict."""
    return " ".join(f"{v} {n}" for v, n in sorted(Counter(verdicts.values()).items()))


def table(rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """Yield the lines of the matrix; what a cell counts up, one below the other."""
    head = ("fault", "nights", "outcome", "told", "harm")
    lines: list[tuple[str, ...]] = [head]
    for row in rows:
        cells = [cell.split("; ") for cell in row]
        lines += list(zip_longest(*cells, fillvalue=""))
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    lines.insert(1, tuple("-" * width for width in widths))
    for line in lines:
        yield "  ".join(c.ljust(w) for c, w in zip(line, widths, strict=True)).rstrip()


def _end(outcome: Mapping[str, Any]) -> str:
    if outcome["problems"]:
        return "PROBLEM"
    if not outcome["planned"]:
        return "no night, overdue"
    return count(outcome["verdicts"])
