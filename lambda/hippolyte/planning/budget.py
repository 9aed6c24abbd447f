"""The brake on money: which tables a night leaves out so that it costs no more than it may."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate, count

from hippolyte.planning.cost import own_usd
from hippolyte.planning.native import export_usd
from hippolyte.planning.packer import Packed, Packer
from hippolyte.planning.plan import Job
from hippolyte.settings import Settings
from hippolyte.tables.names import first_names
from hippolyte.tables.table import Table
from hippolyte.verdicts import OVER_BUDGET, Verdict
from hippolyte.words import count_of

# of so many steps one halves what is left, for costs that do not grow evenly
_STEPS = 3


@dataclass(frozen=True, slots=True)
class LeftOut:
    """The tables left out, and what a person is told of it."""

    verdicts: Mapping[str, tuple[Verdict, str]] = field(default_factory=dict)
    alerts: tuple[str, ...] = ()


def exports_within_budget(
    exports: Sequence[Job], settings: Settings
) -> tuple[tuple[Job, ...], LeftOut]:
    """Return the native exports that `max_night_usd` allows, those that cost least first."""
    most, kept, spent = settings.max_night_usd, list[Job](), 0.0
    for job in sorted(exports, key=lambda j: (j.size_bytes, j.table)):
        spent += export_usd(job, settings)
        if most is None or spent <= most:
            kept.append(job)
    names = {job.table for job in kept}
    dear = sorted(job.table for job in exports if job.table not in names)
    if most is None or not dear:
        return tuple(exports), LeftOut()
    why = f"{OVER_BUDGET}: its native export does not go into {most:.2f} USD a night"
    alert = (
        f"max_night_usd ({most:.2f} USD) leaves {count_of(len(dear), 'native export')} out, "
        f"so these tables have no backup: {first_names(dear)}. Raise it, or take them out of "
        "native_export"
    )
    left = LeftOut(dict.fromkeys(dear, (Verdict.SKIPPED, why)), (alert,))
    return tuple(job for job in exports if job.table in names), left


def within_budget(
    packer: Packer, tables: Sequence[Table], spent: float = 0.0
) -> tuple[Packed, LeftOut]:
    """Pack as many tables as `max_night_usd` allows, those that cost least first.

    So as many tables as can be have their backup, and always the same ones. `spent`: of it
    already, in USD.
    """
    most, whole = packer.settings.max_night_usd, packer.pack(tables)
    most = None if most is None else most - spent
    if most is None or whole.cost_usd <= most:
        return whole, LeftOut()
    own = {
        job.table: own_usd(job, packer.settings, packer.raises_per_job, packer.host)
        for job in whole.jobs
    }
    ordered = sorted(tables, key=lambda t: (own[t.name], t.size_bytes, t.name))
    upto = [0.0, *accumulate(own[t.name] for t in ordered)]
    packed, low, high, high_usd = packer.pack(()), 0, len(ordered), whole.cost_usd
    # what is kept was seen to be within it; that the cost grows with the number is not relied on
    for tries in count(1):
        left = most - packed.cost_usd
        if high - low <= 1 or left < own[ordered[low].name]:
            break
        # a host costs more than its tables do: that is as much for each dollar of theirs
        part = left / max(left, high_usd - packed.cost_usd)
        middle = bisect_right(upto, upto[low] + part * (upto[high] - upto[low])) - 1
        if not tries % _STEPS:
            middle = (low + high) // 2
        middle = min(max(middle, low + 1), high - 1)
        tried = packer.pack(ordered[:middle])
        if tried.cost_usd <= most:
            packed, low = tried, middle
        else:
            high, high_usd = middle, tried.cost_usd
    dear = [t.name for t in reversed(ordered[low:])]
    why = f"{OVER_BUDGET}: it does not go into {most + spent:.2f} USD a night"
    alert = (
        f"max_night_usd ({most + spent:.2f} USD) leaves {len(dear):,} of "
        f"{count_of(len(tables), 'table')} without a backup: {first_names(dear)}. "
        f"With all of them the run is estimated at {whole.cost_usd + spent:.2f} USD: raise it, "
        "or exclude what needs no backup"
    )
    return packed, LeftOut(dict.fromkeys(dear, (Verdict.SKIPPED, why)), (alert,))
