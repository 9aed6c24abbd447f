"""How good plans are, and how fast they are made: beside an earlier commit's, and beside bounds.

The bounds are certified: no plan is below. Both planners size tables alike; what is compared is
which tables a night holds, on how many hosts, at what cost and until when, by this tree's model.
"""

from __future__ import annotations

import json
import math
import os
import random
import subprocess
import sys
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from itertools import accumulate
from typing import Any

from rich.console import Console
from rich.table import Table as RichTable

from benchmarks._plans import (
    START,
    TABLES,
    WINDOW_SECONDS,
    Case,
    fleet_of,
    most_memory,
    random_fleet,
)
from benchmarks._plans import crowded as crowded_fleet
from benchmarks._trees import tree_of
from benchmarks.engines import NODES, hosts, raised_unit_hours
from hippolyte.engines.datapipeline_definition import TABLES_PER_PIPELINE
from hippolyte.planning.bound import least_bins, most_jobs
from hippolyte.planning.cost import NODE_HOUR_USD, RCU_HOUR_USD, workers_usd
from hippolyte.planning.host import Host, host_of
from hippolyte.planning.plan import Job, Plan
from hippolyte.planning.sharing import reading_seconds, worker_seconds
from hippolyte.planning.sizing import segments
from hippolyte.planning.timelines import HANDOVER_SECONDS, Timeline
from hippolyte.record_form import iso
from tools.tf import REPOSITORY

BEFORE = "89753d9"
FLEETS = ("small (1 MiB)", "log-normal around 1 GiB", "a few giants")
_OVERLOADED = "median 2 MiB"
_SLOWEST = ("half a night each", "all to be raised")
_DAYS = 28
# of a time that is looked for
_HALVINGS = 30


@dataclass(frozen=True, slots=True)
class Made:
    """A plan, and what making it took: seconds of CPU, bytes of memory at the most."""

    plan: Plan
    cpu: float
    memory: int


class Planner:
    """Makes plans in a process of its own each, with this tree's package or an earlier one's."""

    def __init__(self, package: str) -> None:
        self.package = package

    def make(self, case: Case) -> Made:
        """Plan a case."""
        child = subprocess.run(
            [sys.executable, REPOSITORY / "benchmarks" / "_plans.py"],
            env={**os.environ, "PYTHONPATH": self.package},
            input=json.dumps(asdict(case)) + "\n",
            stdout=subprocess.PIPE,
            check=True,
            text=True,
        )
        found = json.loads(child.stdout)
        return Made(Plan.from_record(found["plan"]), found["cpu"], found["memory"])


# what a plan is worth


def host_for(case: Case) -> Host:
    """Return what a case's tables are read by."""
    return host_of(case.settings, case.engine)


def rows(plan: Plan) -> list[list[tuple[Job, ...]]]:
    """Return the plan's batches by timeline."""
    found: dict[int, list[tuple[Job, ...]]] = {}
    for batch in plan.batches:
        found.setdefault(batch.timeline, []).append(batch.jobs)
    return list(found.values())


def ends(plan: Plan, host: Host) -> list[tuple[float, Job]]:
    """Return when each table is over, in seconds of the window; on clusters as its batch is."""
    found = []
    for row in rows(plan):
        at = 0.0
        for jobs in row:
            if host.side_by_side:
                # beside too much none is said to end before all are read
                read = host.bootstrap + reading_seconds(jobs, host)
                late = read if at + read > WINDOW_SECONDS else 0
                found += [(at + max(host.bootstrap + j.estimate_seconds, late), j) for j in jobs]
                at += worker_seconds(jobs, host)
            else:
                at += host.bootstrap + sum(j.estimate_seconds for j in jobs)
                found += [(at, job) for job in jobs]
                at += HANDOVER_SECONDS
    return found


def in_time(plan: Plan, host: Host) -> list[Job]:
    """Return the tables that are read within the window."""
    return [job for end, job in ends(plan, host) if end <= WINDOW_SECONDS]


def usd(plan: Plan, case: Case) -> float:
    """Return what a plan's hosts and raises cost."""
    raises = raised_unit_hours(plan, case.settings, by_the_hour=True) * RCU_HOUR_USD
    return hosts(plan, case.settings)[1] + raises


# what no plan is below


def least_batches(jobs: Iterable[Job], host: Host) -> int:
    """Return how many batches the tables that fit a window alone need at least, the others one."""
    room = WINDOW_SECONDS - host.bootstrap
    fit = [j.estimate_seconds for j in jobs]
    late = sum(seconds > room for seconds in fit)
    return late + least_bins([s for s in fit if s <= room], room, TABLES_PER_PIPELINE)


def least_batches_on(timelines: int, jobs: Iterable[Job], host: Host) -> int:
    """Return how many batches the tables need at least on at most so many timelines.

    The fewer timelines, the more batches go one after the other, and each costs the time of its
    start. Each timeline is given the shortest tables of all beside the one table of more than half
    a window that it may have, and what it holds by its batches is made concave: no plan has more.
    """
    room, gap, jobs = WINDOW_SECONDS - host.bootstrap, HANDOVER_SECONDS, list(jobs)
    fit = sorted(j.estimate_seconds for j in jobs if j.estimate_seconds <= room)
    half, late = bisect_right(fit, room / 2), len(jobs) - len(fit)
    upto = [0, *accumulate(fit[:half])]
    most = int((WINDOW_SECONDS + gap) // (host.bootstrap + gap))

    def holds(used: float, batches: int) -> int:
        left = WINDOW_SECONDS + gap - used - batches * (host.bootstrap + gap)
        places = TABLES_PER_PIPELINE * batches - (used > 0)
        return max(0, min(places, bisect_right(upto, left) - 1))

    batches, wanted = len(fit) - half, float(half)
    steps = (timelines - late - batches) * _gains([holds(0, n) for n in range(most + 1)])
    for seconds in fit[half:]:
        beside = [holds(seconds, n) for n in range(1, most + 1)]
        wanted -= beside[0]
        steps += _gains(beside)
    for step in sorted(steps, reverse=True):
        if wanted <= 0:
            break
        wanted -= step
        batches += 1
    return max(late + batches, least_batches(jobs, host))


def _gains(points: Sequence[int]) -> list[float]:
    """Return the steps of the least concave function that is not below, as long as it grows."""
    gains: list[float] = []
    while len(gains) < len(points) - 1:
        at = len(gains)
        step, end = max(
            ((points[n] - points[at]) / (n - at), n) for n in range(at + 1, len(points))
        )
        if step <= 0:
            break
        gains += [step] * (end - at)
    return gains


def least_usd(jobs: Sequence[Job], case: Case) -> float:
    """Return what reading these tables costs at least: each raise for its own hours only."""
    host, room = host_for(case), WINDOW_SECONDS - host_for(case).bootstrap
    raised = sum(
        ((j.raise_to or j.capacity) - j.capacity) * math.ceil(j.estimate_seconds / 3600)
        for j in jobs
    )
    if host.side_by_side:
        seconds = [host.bootstrap + sum(j.size_bytes for j in jobs) / (host.throughput or math.inf)]
        return raised * RCU_HOUR_USD + workers_usd([Timeline([list(jobs)])], seconds, case.settings)
    work = sum(min(j.estimate_seconds, room) for j in jobs)
    hours = (work + least_batches(jobs, host) * host.bootstrap) / 3600
    return raised * RCU_HOUR_USD + hours * NODES * NODE_HOUR_USD


def least_end(jobs: Iterable[Job], host: Host, workers: int, share: float = 0.5) -> float:
    """Return when workers can have read all at the earliest, in seconds of the window.

    Workers are whole: a table that one of them does not read in time has some for itself, and the
    others' bytes go into the rest without being cut.
    """
    jobs, full = list(jobs), host.throughput or math.inf
    alone = [j.size_bytes / full for j in jobs]
    slowest = max(
        max(j.size_bytes / (j.rate * host.unit_bytes), each / _most_parts(j, each, host, share))
        for j, each in zip(jobs, alone, strict=True)
    )
    least = max(slowest, max(alone) / workers, sum(alone) / workers)

    def enough(seconds: float) -> bool:
        own = sum(math.ceil(each / seconds) for each in alone if each > seconds)
        rest = [each for each in alone if 0 < each <= seconds]
        return own + least_bins(rest, seconds, len(jobs)) <= workers

    # in twice the time too few workers may do as well; `least` is one that does not, or the bound
    most = 2 * least
    for _ in range(_HALVINGS if not enough(least * (1 + 1e-9)) else 0):
        middle = (least + most) / 2
        least, most = (least, middle) if enough(middle) else (middle, most)
    return host.bootstrap + least


def _most_parts(job: Job, alone: float, host: Host, share: float) -> int:
    """Return over how many workers a table may go that takes one of them so many seconds."""
    fast = math.ceil(round(job.rate * host.unit_bytes / (host.throughput or math.inf), 6))
    cut = segments(job.size_bytes, job.rate, share) // 4
    return max(1, min(fast, int(alone / 900), cut, host.planned))


def most_in_time(jobs: Iterable[Job], host: Host) -> int:
    """Return how many tables a night holds at the most: those that take least, by time alone."""
    room = WINDOW_SECONDS - host.bootstrap
    fit = [j for j in jobs if j.estimate_seconds <= room]
    if not host.side_by_side:
        times = sorted(j.estimate_seconds for j in fit)
        gap = HANDOVER_SECONDS
        limits = TABLES_PER_PIPELINE, WINDOW_SECONDS, host.bootstrap + gap, gap
        # no timeline holds more than one would hold of the shortest
        each = most_jobs(times, 1, *limits)
        most = min(most_jobs(times, host.at_once, *limits), each * host.at_once)
        # nor are they cut: so many of the shortest need more timelines, however they are put
        low, high = 0, most + 1
        while high - low > 1:
            middle = (low + high) // 2
            need = least_bins(times[:middle], room, middle)
            low, high = (middle, high) if need <= host.at_once else (low, middle)
        return low
    left, number = room * host.planned * (host.throughput or math.inf), 0
    for size in sorted(j.size_bytes for j in fit):
        left -= size
        number += left >= 0
    return number


# the tables


def _quality(
    console: Console, now: Planner, before: Planner | None, count: int
) -> tuple[float, float]:
    """Print fleets' batches and cost; return the bound's and the plans' batches in total."""
    table = _table(
        f"{count:,} tables on clusters, no limit of them",
        ("fleet", "bound", "of as few", f"batches {BEFORE}", "batches", f"at once {BEFORE}",
         "at once", "USD bound", f"USD {BEFORE}", "USD"),
    )  # fmt: skip
    total = [0.0] * 9
    for fleet in FLEETS:
        case = Case(fleet, count, count)
        new, old = _both(case, now, before)
        jobs = new.jobs
        figures = [
            least_batches(jobs, host_for(case)),
            # no plan may be of more at once than the one before
            least_batches_on(len(rows(old)), jobs, host_for(case)) if old else math.nan,
            *(len(p.batches) if p else math.nan for p in (old, new)),
            *(len(rows(p)) if p else math.nan for p in (old, new)),
            least_usd(jobs, case),
            *(usd(p, case) if p else math.nan for p in (old, new)),
        ]
        total = [a + b for a, b in zip(total, figures, strict=True)]
        _row(table, fleet, figures, ",.0f", ",.2f", 6)
    table.add_section()
    _row(table, "in total", total, ",.0f", ",.2f", 6)
    money = [n / total[6] for n in total[6:]]
    for name, least in (("to the bound", total[0]), ("to that of as few at once", total[1])):
        ratios = [n / least for n in total[:4]]
        _row(table, name, [*ratios, math.nan, math.nan, *money], ".4f", ".4f", 6)
    console.print(table)
    return total[0], total[3]


def _ends(console: Console, now: Planner, before: Planner | None, count: int) -> None:
    table = _table(
        f"{count:,} tables by workers: when the night ends, in seconds",
        ("fleet", "workers", "bound", BEFORE, "now", "to the bound", "USD bound",
         f"USD {BEFORE}", "USD"),
    )  # fmt: skip
    cases = [
        (fleet, workers) for fleet in (*FLEETS, "fast", "fast giants") for workers in (5, 10, 100)
    ]
    for fleet, workers in cases:
        case = Case(fleet, count, workers, "lambda")
        host = host_for(case)
        new, old = _both(case, now, before)
        fit = len(in_time(new, host)) == len(new.jobs)
        end = [
            max(sum(worker_seconds(jobs, host) for jobs in row) for row in rows(p))
            if p
            else math.nan
            for p in (old, new)
        ]
        least = least_end(new.jobs, host, host.planned)
        money = [least_usd(new.jobs, case), *(usd(p, case) if p else math.nan for p in (old, new))]
        table.add_row(
            fleet,
            str(workers),
            f"{least:,.0f}",
            *(f"{each:,.0f}" for each in end),
            f"{end[1] / least:.3f}" if fit else "overloaded",
            *(f"{each:,.2f}" for each in money),
        )
    console.print(table)


def _overloaded(console: Console, now: Planner, before: Planner | None, count: int) -> None:
    table = _table(
        f"{count:,} tables, more than the night holds: how many are read in it",
        ("fleet", "hosts", "bound", BEFORE, "now", "to the bound"),
    )
    few = max(2, count // 250)
    for engine, noun in (("datapipeline", "clusters"), ("lambda", "workers")):
        for fleet in (_OVERLOADED, *FLEETS):
            case = Case(fleet, count, few if noun == "clusters" else 3, engine, raises=False)
            host = host_for(case)
            new, old = _both(case, now, before)
            least = most_in_time(new.jobs, host)
            found = [len(in_time(p, host)) if p else math.nan for p in (old, new)]
            table.add_row(
                fleet,
                f"{case.hosts} {noun}",
                f"{least:,}",
                *(f"{each:,.0f}" for each in found),
                f"{found[1] / least:.3f}",
            )
    console.print(table)


def _many_overloaded(console: Console, number: int) -> None:
    """Print how full nights are over many random fleets, and how many tables of each are read."""
    table = _table(
        f"more than the night holds, of {number} random fleets",
        ("hosts", "fleets", "bound in total", "read", "to the bound", "of 100 and more, at least"),
    )
    for engine, noun, some in (
        ("datapipeline", "clusters", (2, 5, 10, 20)),
        ("lambda", "workers", (2, 3, 6)),
    ):
        found = []
        for seed in range(number):
            rng = random.Random(seed)
            case = Case("random", 0, rng.choice(some), engine, raises=False)
            plan, host = case.plan(random_fleet(rng)), host_for(case)
            most = most_in_time(plan.jobs, host)
            if most < len(plan.jobs):
                found.append((len(in_time(plan, host)), most))
        least, made = sum(most for _, most in found), sum(read for read, _ in found)
        worst = min(read / most for read, most in found if most >= 100)
        table.add_row(
            *(noun, str(len(found)), f"{least:,}", f"{made:,}"),
            *(f"{made / least:.4f}", f"{worst:.4f}"),
        )
    console.print(table)


def _speed(console: Console, now: Planner, before: Planner | None, count: int) -> None:
    bare = int(
        subprocess.run(
            [sys.executable, "-c", f"{_MEMORY}; print(most_memory())"],
            env={**os.environ, "PYTHONPATH": ""},
            cwd=REPOSITORY / "benchmarks",
            stdout=subprocess.PIPE,
            check=True,
        ).stdout
    ) if most_memory() else 0  # fmt: skip
    table = _table(
        "seconds of CPU a plan, and memory above the bare interpreter",
        ("fleet", "tables", "clusters", f"CPU s {BEFORE}", "CPU s", "ratio", "MB"),
    )
    every = [*FLEETS, _OVERLOADED, *_SLOWEST]
    cases = [Case(f, 4 * count, n) for f in every for n in (10, count // 25, 4 * count)]
    for case in cases:
        new = now.make(case)
        old = before.make(case).cpu if before else math.nan
        memory = (new.memory - bare) / 1e6
        table.add_row(
            case.fleet,
            f"{case.count:,}",
            f"{case.hosts:,}",
            f"{old:.2f}",
            f"{new.cpu:.2f}",
            f"{new.cpu / old:.3f}",
            f"{memory:.0f}" if bare else "-",
        )
    console.print(table)
    _brake(console, now, 4 * count)
    table = _table(
        "ten times as many tables: n log n is the ratio of 10 x log(10 n) / log n",
        ("fleet", "clusters", f"CPU s of {4 * count:,}", f"of {40 * count:,}", "ratio", "n log n"),
    )
    expected = 10 * math.log(40 * count) / math.log(4 * count)
    for fleet in every:
        for part in (250, 1):
            few, many = (
                min(now.make(Case(fleet, n * count, n * count // part)).cpu for _ in range(runs))
                for n, runs in ((4, 3), (40, 3))
            )
            ratio = f"{many / few:.1f}"
            table.add_row(
                fleet,
                f"a {part}th" if part > 1 else "as many",
                f"{few:.2f}",
                f"{many:.2f}",
                ratio,
                f"{expected:.1f}",
            )
    console.print(table)


def _brake(console: Console, now: Planner, count: int) -> None:
    """Print what it takes to leave tables out for max_night_usd: several plans are made."""
    table = _table(
        f"{count:,} tables, max_night_usd a part of what the night costs: CPU s",
        ("fleet", "all", "0.9", "0.5", "0.1"),
    )
    for fleet in (*FLEETS, _SLOWEST[1]):
        case = Case(fleet, count, count)
        whole = now.make(case)
        least = whole.plan.cost_usd
        found = [now.make(replace(case, most_usd=least * part)).cpu for part in (0.9, 0.5, 0.1)]
        table.add_row(fleet, *(f"{each:.2f}" for each in (whole.cpu, *found)))
    console.print(table)


_MEMORY = (
    "import re, pathlib; most_memory = lambda: int(re.search(r'VmHWM:\\s+(\\d+)', "
    "pathlib.Path('/proc/self/status').read_text())[1]) * 1024"
)


def _month(console: Console, count: int) -> None:
    """Print how an overloaded fleet gets on over a month: each night knows the last report."""
    table = _table(
        f"{_DAYS} nights of {count:,} tables that no night holds",
        ("engine", "hosts", "tables that fit alone", "nights' work", "a night on average",
         "never read", "all have one after", "longest gap then"),
    )  # fmt: skip
    few = max(2, count // 250)
    for engine, number in (("datapipeline", few), ("lambda", 3)):
        case = Case(_OVERLOADED, count, number, engine, raises=False)
        host, tables = host_for(case), fleet_of(case.fleet, case.count)
        if engine == "lambda":
            # more bytes than three nights of two workers read
            size = sum(t.size_bytes for t in tables)
            room = (WINDOW_SECONDS - host.bootstrap) * (host.throughput or 1) * host.planned
            tables = [
                replace(t, size_bytes=int(t.size_bytes * 3.8 * room / size), read_capacity=40_000)
                for t in tables
            ]
        last: dict[str, int] = {}
        first: dict[str, int] = {}
        gaps: dict[str, int] = {}
        read = 0
        before: dict[str, Any] = {}
        fit: dict[str, Job] = {}
        for day in range(_DAYS):
            plan = replace(case, day=day, before=before).plan(tables)
            room = WINDOW_SECONDS - host.bootstrap
            fit = {j.table: j for j in plan.jobs if j.estimate_seconds <= room}
            for job in in_time(plan, host):
                if job.table in last:
                    gaps[job.table] = max(gaps.get(job.table, 0), day - last[job.table])
                first.setdefault(job.table, day)
                last[job.table] = day
                read += 1
            before = {j.table: _row_of(j, last.get(j.table)) for j in plan.jobs}
        gap = max(max(gaps.get(name, 0), _DAYS - last.get(name, 0)) for name in fit)
        table.add_row(
            engine,
            str(case.hosts),
            f"{len(fit):,}",
            f"{_work(fit.values(), host):.2f}",
            f"{read / _DAYS:,.0f}",
            str(len(fit.keys() - last.keys())),
            f"{1 + max(first.values())} nights",
            f"{gap} nights",
        )
    console.print(table)
    print(
        "A gap is from one backup to the next, 1 where each night has one. The longest is no less"
    )
    print("than the nights' work, rounded up, whatever is planned.")


def _work(jobs: Iterable[Job], host: Host) -> float:
    """Return how many nights these tables fill at least."""
    jobs, room = list(jobs), WINDOW_SECONDS - host.bootstrap
    if host.side_by_side:
        read = sum(j.size_bytes for j in jobs) / (host.throughput or math.inf)
        return read / room / host.planned
    work = sum(j.estimate_seconds for j in jobs)
    batches = math.ceil(len(jobs) / TABLES_PER_PIPELINE)
    pause = host.bootstrap + HANDOVER_SECONDS
    even = (work + batches * pause) / (WINDOW_SECONDS + HANDOVER_SECONDS)
    # no two of the large ones share a timeline
    large = least_bins([j.estimate_seconds for j in jobs], room, len(jobs))
    return max(even, large) / host.at_once


def _row_of(job: Job, day: int | None) -> dict[str, Any]:
    good = iso(START + timedelta(days=day, hours=6)) if day is not None else None
    return {"table_id": job.table_id, "last_good": good, "wanted_since": iso(START)}


def _print_crowded(console: Console, small: bool) -> None:
    """Print what becomes of nights with more raised tables than clusters."""
    table = _table(
        "tables of 30 GiB (raised) and of 1 MiB, on few clusters",
        ("large", "small", "clusters", "without time", "hours a raised", "raised to"),
    )
    every = ((8, 600, 10), (12, 600, 10), (20, 1000, 10), (50, 2450, 30))
    for large, others, clusters in every[:1] if small else every:
        case = Case("crowded", large + others, clusters)
        plan = case.plan(crowded_fleet(large, others))
        raised = [j for j in plan.jobs if j.raise_to]
        table.add_row(
            str(large),
            str(others),
            str(clusters),
            str(len(plan.jobs) - len(in_time(plan, host_for(case)))),
            f"{raised[0].estimate_seconds / 3600:.1f}",
            str(raised[0].raise_to),
        )
    console.print(table)


def _both(case: Case, now: Planner, before: Planner | None) -> tuple[Plan, Plan | None]:
    return now.make(case).plan, before.make(case).plan if before else None


def _table(title: str, columns: Sequence[str]) -> RichTable:
    table = RichTable(title=title)
    for column in columns:
        left = column in ("fleet", "engine")
        table.add_column(column, justify="left" if left else "right")
    return table


def _row(
    table: RichTable, name: str, figures: Sequence[float], form: str, other: str, cut: int
) -> None:
    forms = [form if n < cut else other for n in range(len(figures))]
    texts = ["-" if math.isnan(f) else f"{f:{how}}" for f, how in zip(figures, forms, strict=True)]
    table.add_row(name, *texts)


def main(small: bool = False) -> None:
    """Print the tables."""
    count = 100 if small else TABLES
    console = Console(width=140)
    now = Planner(str(REPOSITORY / "lambda"))
    tree = tree_of(BEFORE, ("lambda",))
    before = Planner(str(tree / "lambda")) if tree else None
    if before is None:
        console.print(f"Not beside commit {BEFORE}: this clone does not have it.")
    sizes = (count,) if small else (count, 4 * count)
    least, made = zip(*(_quality(console, now, before, each) for each in sizes), strict=True)
    print(
        f"Batches of all these fleets: {sum(made):,.0f}, the bound {sum(least):,.0f}, "
        f"{sum(made) / sum(least):.4f} of it"
    )
    _ends(console, now, before, count)
    _overloaded(console, now, before, count)
    _many_overloaded(console, 20 if small else 150)
    _month(console, count)
    _print_crowded(console, small)
    _speed(console, now, before, count)


if __name__ == "__main__":
    main()
