"""Data Pipeline of the local AWS: whole runs, in virtual time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from jobs_world import Pipe, definition, keys, make_table, small_world


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    with small_world(monkeypatch) as made:
        made.datapipeline_rates = False
        yield made


def test_a_run_exports_its_tables_one_by_one(world: Any) -> None:
    for name in ("orders", "users", "events"):
        make_table(world, name)
    pipe = Pipe(world, definition(["orders", "users", "events"]))
    assert pipe.answer["errored"] is False
    assert pipe.activate().ids() == []
    pipe.until_finished()

    assert set(pipe.statuses().values()) == {"FINISHED"}
    for name in ("orders", "users", "events"):
        found = keys(world, f"out/{name}/")
        assert f"out/{name}/manifest" in found
        assert f"out/{name}/_SUCCESS" in found
    cluster = pipe.cluster()
    assert cluster["Status"]["State"] == "TERMINATED"
    steps = pipe.steps()
    assert [step["Status"]["State"] for step in steps] == ["COMPLETED"] * 3
    times = sorted((one.start, one.end) for one in world.consumption)
    assert all(before[1] <= after[0] for before, after in zip(times, times[1:], strict=False))
