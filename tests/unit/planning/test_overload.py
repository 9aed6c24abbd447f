"""Nights that cannot hold all tables: as many as can be, in turns, and told once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from hippolyte.engines.datapipeline_definition import TABLES_PER_PIPELINE
from hippolyte.engines.lambda_ import TABLES_PER_WORKER
from hippolyte.planning.bound import most_jobs
from hippolyte.planning.overload import NAMED, nights_without
from hippolyte.planning.plan import Plan
from hippolyte.planning.planner import make_plan
from hippolyte.record_form import iso
from hippolyte.tables.table import Inventory, Limits, Table
from tests.support import builders
from tests.support.builders import GIB, START, settings, table

EXPORTER = {
    "machine_arn": "arn:aws:states:us-east-1:123456789012:stateMachine:h-exporter",
    "max_workers": 2,
}
Rows = Mapping[str, Mapping[str, Any]]


def by_clusters(fleet: Iterable[Table], before: Rows, day: int = 0, **changes: Any) -> Plan:
    made = settings(planning={"max_clusters": 1}, raise_capacity=False, **changes)
    return _plan(made, fleet, before, day, TABLES_PER_PIPELINE)


def by_workers(fleet: Iterable[Table], before: Rows, day: int = 0, **changes: Any) -> Plan:
    made = settings(engine="lambda", exporter=EXPORTER, raise_capacity=False, **changes)
    return _plan(made, fleet, before, day, TABLES_PER_WORKER)


def _plan(made: Any, tables: Iterable[Table], before: Rows, day: int, limit: int) -> Plan:
    start = START + timedelta(days=day)
    night = replace(
        builders.night(), start=start, deadline=start + timedelta(hours=7), now=start, before=before
    )
    limits = Limits(account_max_read=10**6, unreserved_concurrency=1000)
    return make_plan(Inventory(tuple(tables), limits), made, night, limit, limit > 32)


def in_time(made: Plan) -> set[str]:
    """Return the tables of the batches that run from the start."""
    first = {batch.timeline: batch for batch in reversed(made.batches)}
    return {job.table for batch in first.values() for job in batch.jobs}


def row(name: str, good: datetime | None, wanted: datetime = START) -> dict[str, Any]:
    return {
        "table_id": f"id-{name}",
        "last_good": iso(good) if good else None,
        "wanted_since": iso(wanted),
    }


# some of three hours each, of which two go into a night with one host: clusters by their rate,
# workers by the bytes that they read
THIRDS = {
    by_clusters: [table(f"t{n}", size_bytes=10_500 * 50 * 4096) for n in range(5)],
    by_workers: [table(f"t{n}", size_bytes=10_500 * 10**7, read_capacity=20_000) for n in range(5)],
}
both = pytest.mark.parametrize("make", THIRDS, ids=["clusters", "workers"])
Make = Callable[..., Plan]


@both
def test_what_was_left_out_comes_first_the_next_night(make: Make) -> None:
    assert in_time(make(THIRDS[make], {})) == {"t0", "t1"}
    ended = START + timedelta(hours=3)
    before = {f"t{n}": row(f"t{n}", ended if n < 2 else None) for n in range(5)}
    assert in_time(make(THIRDS[make], before, 1)) == {"t2", "t3"}
    before |= {f"t{n}": row(f"t{n}", ended + timedelta(days=1)) for n in (2, 3)}
    assert in_time(make(THIRDS[make], before, 2)) == {"t4", "t0"}


@both
def test_what_always_names_comes_before_what_waits(make: Make) -> None:
    before = {f"t{n}": row(f"t{n}", START + timedelta(hours=n > 3)) for n in range(5)}
    made = make(THIRDS[make], before, 3, tables={"always": ["t4"]})
    assert in_time(made) == {"t4", "t0"}


@both
def test_of_those_that_wait_as_long_the_quickest_come_first(make: Make) -> None:
    large = replace(THIRDS[make][0], size_bytes=int(THIRDS[make][0].size_bytes * 1.3))
    assert in_time(make([large, *THIRDS[make][1:]], {})) == {"t1", "t2"}


@both
def test_gaps_are_filled_with_what_comes_later(make: Make) -> None:
    small = table("z", size_bytes=1000, read_capacity=20_000)
    before = {f"t{n}": row(f"t{n}", None) for n in range(5)} | {"z": row("z", START)}
    assert in_time(make([*THIRDS[make], small], before, 1)) == {"t0", "t1", "z"}


@both
def test_one_warning_tells_how_many_and_which(make: Make) -> None:
    fleet = [replace(THIRDS[make][0], name=f"t{n:02d}", table_id=f"id-t{n:02d}") for n in range(30)]
    made = make(fleet, {})
    (told,) = made.warnings
    assert "has time for 28 of 30 tables before 2026-11-24T07:00:00" in told
    assert told.count(" s at ") == NAMED
    assert " and 18 more" in told
    # 15 nights' work on one
    need = "planning.max_clusters = 1" if make is by_clusters else "exporter.max_workers = 1"
    assert need in told
    assert len(make(fleet, {}).jobs) == 30


@pytest.mark.parametrize(
    ("good", "wanted", "nights"),
    [
        (timedelta(hours=-17), timedelta(days=-9), 0),
        (timedelta(hours=-24), timedelta(days=-9), 0),
        # a window that began an hour earlier by UTC
        (timedelta(hours=-25), timedelta(days=-9), 0),
        (timedelta(hours=-41), timedelta(days=-9), 1),
        (timedelta(hours=-48), timedelta(days=-9), 1),
        (None, timedelta(days=-1), 1),
        (None, timedelta(days=-3), 3),
    ],
)
def test_nights_without_a_backup(good: timedelta | None, wanted: timedelta, nights: int) -> None:
    job = builders.job()
    last = row(job.table, START + good if good else None, START + wanted)
    night = replace(builders.night(), before={job.table: last})
    assert nights_without(job, night) == nights


def test_a_table_made_anew_has_no_backup_yet() -> None:
    job, night = builders.job(), builders.night()
    assert nights_without(job, night) == 0
    anew = row(job.table, START - timedelta(hours=20)) | {"table_id": "of-another-one"}
    assert nights_without(job, replace(night, before={job.table: anew})) == 1
    assert nights_without(job, replace(night, before={"another": anew})) == 1


def test_many_that_do_not_fit_alone_are_one_warning_too() -> None:
    fleet = [table(f"t{n:02d}", size_bytes=100 * GIB, on_demand=True) for n in range(30)]
    made = builders.plan(*fleet)
    fits, times = made.warnings
    assert fits.startswith("t00 does not fit the window: an on-demand table")
    assert "; 30 tables in all, also t01, " in fits
    assert fits.endswith("t10 and 19 more")
    assert "no cluster has time for 30 of 30 tables" in times
    assert len(builders.plan(*fleet[:2]).warnings) == 3


@both
@pytest.mark.parametrize("left", [0, 1, 60])
def test_a_start_at_the_windows_end_has_time_for_nothing(make: Make, left: int) -> None:
    late = timedelta(hours=7, seconds=-left)
    limits = Limits(account_max_read=10**6, unreserved_concurrency=1000)
    made = settings(engine="lambda", exporter=EXPORTER) if make is by_workers else settings()
    found = Inventory((table("t0", size_bytes=0), table("t1", size_bytes=GIB)), limits)
    plan = make_plan(found, made, builders.night(late=late), 1500 if make is by_workers else 32)
    assert {job.table for job in plan.jobs} == {"t0", "t1"}
    assert any("has time for" in w for w in plan.warnings)


@both
def test_the_plan_says_when_what_is_late_begins(make: Make) -> None:
    first, second = make(THIRDS[make], {}).batches
    assert first.ends is not None
    assert second.begins is not None
    assert first.ends <= 25_200
    assert second.begins == first.ends + 600
    assert (second.ends or 0) > 25_200


def test_a_full_worker_is_followed_by_another_while_there_is_time() -> None:
    """Of 3,200 tables of a minute one worker holds 1,500 at a time; a giant is not waited for."""
    small = [table(f"t{n:04d}", size_bytes=60 * 25 * 7680) for n in range(3200)]
    giant = table("giant", size_bytes=900 * GIB, read_capacity=1000)
    one = {**EXPORTER, "max_workers": 1}
    made = _plan(
        settings(engine="lambda", exporter=one, raise_capacity=False),
        *([*small, giant], {}, 0, TABLES_PER_WORKER),
    )
    assert [len(batch.jobs) for batch in made.batches] == [1500, 1500, 200, 1]
    assert made.batches[-1].jobs[0].table == "giant"
    assert {batch.timeline for batch in made.batches} == {0}
    (told,) = [w for w in made.warnings if "has time for" in w]
    assert "no worker has time for 1 of 3201 tables" in told


def test_timelines_with_one_batch_less_have_the_longer_tables() -> None:
    """Of 5 clusters one has a second batch: 169 tables, of which 171 would fit by time alone."""
    fleet = [
        table(f"t{n:03d}", size_bytes=(340 + 4 * n) * 50 * 4096, read_capacity=100)
        for n in range(220)
    ]
    made = _plan(
        settings(planning={"max_clusters": 5}, raise_capacity=False),
        *(fleet, {}, 0, TABLES_PER_PIPELINE),
    )
    (told,) = [w for w in made.warnings if "has time for" in w]
    late = int(told.partition("has time for ")[2].split()[0])
    times = sorted(job.estimate_seconds for job in made.jobs)
    most = most_jobs(times, 5, TABLES_PER_PIPELINE, 25_200, 1200, 600)
    assert most > 5 * TABLES_PER_PIPELINE
    assert 220 - late >= 0.98 * most
