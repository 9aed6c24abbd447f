"""Damaged sides are told with what to do, and what was stopped goes on."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from hippolyte_cli.compare import run, spill, unit
from hippolyte_cli.compare.difference import Options
from hippolyte_cli.compare.reading import CompareError
from hippolyte_cli.compare.run import compare
from hippolyte_cli.compare.unit import StoppedError
from tests.support.comparing import FORMATS, compared, named, side


def items(count: int = 30) -> list[dict[str, Any]]:
    return [{"pk": {"S": f"a{n}"}, "n": {"N": str(n)}} for n in range(count)]


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("other", [False, True])
def test_a_key_that_stands_twice_is_told(tmp_path: Path, form: str, other: bool) -> None:
    """The same item twice, or two of one key; also where the other side has the same damage."""
    again = {"pk": {"S": "a3"}, "n": {"N": "99"}} if other else items()[3]
    for number, rest in enumerate((items(), [again, *items()])):
        found, totals = compared(
            side(tmp_path / f"a{number}", [*items(), again], form),
            side(tmp_path / f"b{number}", rest, form),
            tmp_path / f"work{number}",
        )
        assert found == []
        assert (totals.left_twice, totals.right_twice) == (1, number)
        assert '{"pk": {"S": "a3"}}' in totals.examples[0]


def test_a_file_that_was_changed_is_named(tmp_path: Path) -> None:
    left, right = side(tmp_path / "a", items()), side(tmp_path / "b", items()[:-1])
    file = tmp_path / "b" / right.backup.files[0].name
    shutil.copy(tmp_path / "b" / right.backup.files[1].name, file)
    with pytest.raises(CompareError, match=r"b: .*0\.json\.gz: its MD5 is .*; copy this file"):
        compared(left, right, tmp_path / "work")


def test_a_file_that_vanishes_is_named_and_the_same_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hippolyte_cli.compare.plan._UNIT_BYTES", 300)
    left, right = side(tmp_path / "a", items()), side(tmp_path / "b", items()[1:])
    file = tmp_path / "b" / right.backup.files[2].name
    comparison = compare(left, right, Options(), tmp_path / "work")
    content = file.read_bytes()
    file.unlink()
    with pytest.raises(CompareError, match=r"b: .*2\.json\.gz: is missing; copy this file"):
        list(comparison)
    done = sorted((tmp_path / "work").glob("unit-*[0-9]"))
    assert done
    file.write_bytes(content)
    times = [path.stat().st_mtime_ns for path in done]
    found, _ = compared(left, right, tmp_path / "work")
    assert named(found)["left"] == ['{"pk": {"S": "a0"}}']
    # what was read is not read again
    assert [path.stat().st_mtime_ns for path in done] == times


@pytest.mark.parametrize("processes", [1, 2])
def test_what_is_stopped_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, processes: int
) -> None:
    monkeypatch.setattr("hippolyte_cli.compare.plan._UNIT_BYTES", 300)
    monkeypatch.setattr(run, "_SMALL_BYTES", 0 if processes > 1 else 1 << 30)
    left, right = side(tmp_path / "a", items()), side(tmp_path / "b", items()[1:])
    calls = iter(range(99))
    stopping = compare(left, right, Options(), tmp_path / "work", stopped=lambda: next(calls) >= 2)
    with pytest.raises(StoppedError):
        list(stopping)
    found, totals = compared(left, right, tmp_path / "work")
    assert named(found)["left"] == ['{"pk": {"S": "a0"}}'] and totals.equal == 29


def test_a_full_disk_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: Any) -> None:
        raise OSError(28, "No space left on device", str(tmp_path / "work"))

    monkeypatch.setattr(spill.Spill, "write", full)
    left, right = side(tmp_path / "a", items()), side(tmp_path / "b", items())
    monkeypatch.setattr("hippolyte_cli.compare.plan._same", lambda _: frozenset())
    with pytest.raises(CompareError, match=r"No space left on device.*by --work"):
        compared(left, right, tmp_path / "work")


def test_files_of_the_same_md5_are_not_read(tmp_path: Path) -> None:
    left, right = side(tmp_path / "a", items()), side(tmp_path / "b", items())
    found, totals = compared(left, right, tmp_path / "work")
    assert found == [] and totals.equal == totals.left_items == 30
    assert totals.same_files == 3
    assert unit.result(tmp_path / "work", 0) is None
