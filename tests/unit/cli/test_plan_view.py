"""A plan as people see it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hippolyte.planning.plan import Batch
from hippolyte_cli.plan_view import show_plan
from tests.support.builders import plan, table


def test_a_table_that_is_split_says_over_how_many(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "150")
    made = plan(table("huge"), table("plain"))
    ((huge, plain),) = [batch.jobs for batch in made.batches]
    jobs = (replace(huge, parts=4), plain)
    show_plan(replace(made, batches=(Batch("b001", 0, jobs),)).in_short())
    rows = capsys.readouterr().out.splitlines()
    assert [row.count("b001 by 4 workers") for row in rows if "huge" in row] == [1]
    assert [row.count("workers") for row in rows if "plain" in row] == [0]
