"""`hippolyte compare` as a process: pipes that close, ctrl-c, full disks, half a backup."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from benchmarks.compare import lines, write
from tests.support.comparing import exported, written

_MORE = ("--key-attributes", "pk", "--json")
ITEMS: list[dict[str, Any]] = [{"pk": {"S": f"a{n}"}, "n": {"N": str(n)}} for n in range(30)]


def begun(*arguments: object, limit: str = "", **more: Any) -> subprocess.Popen[str]:
    """Begin it; `limit`: ulimit's, by a shell, as a fork of a process with gRPC in it may hang."""
    command = [sys.executable, "-m", "hippolyte_cli", "compare", *map(str, arguments), *_MORE]
    if limit:
        command = ["sh", "-c", f'ulimit {limit} && exec "$@"', "sh", *command]
    return subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "COLUMNS": "400", "PYTHONPATH": os.pathsep.join(sys.path)},
        **more,
    )


@pytest.fixture
def sides(tmp_path: Path) -> list[Path]:
    """60,000 items a side in two orders, for the program to be still at it; 1 % differs."""
    found = [tmp_path / "left", tmp_path / "right"]
    write(found[0], 60_000, lines(range(60_000), False))
    mixed = (number * 7_368_787 % 60_000 for number in range(60_000))
    write(found[1], 60_000, lines(mixed, True))
    return found


def test_a_pipe_that_closes(sides: list[Path], tmp_path: Path) -> None:
    work = tmp_path / "work"
    with begun(*sides, "--work", work) as process:
        assert process.stdout and process.stderr
        assert json.loads(process.stdout.readline())["kind"] in ("left", "right", "different")
        process.stdout.close()
        assert process.stderr.read() == ""
    assert process.returncode == 1
    assert list(work.iterdir()) == []


def test_ctrl_c_and_the_same_command_again(sides: list[Path], tmp_path: Path) -> None:
    work = tmp_path / "work"
    # as the terminal does: all of the group have it
    process = begun(*sides, "--work", work, start_new_session=True)
    while not list(work.glob("*/plan*")):
        assert process.poll() is None, process.communicate()
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGINT)
    out, err = process.communicate()
    assert process.returncode == 2, (out, err)
    assert "STOPPED" in err and "the same command goes on" in err
    assert "Traceback" not in err
    assert list(work.iterdir())
    out, err = begun(*sides, "--work", work).communicate()
    assert len(out.splitlines()) == 600
    assert "59,400 equal, 200 only left, 200 only right, 200 different." in err
    assert list(work.iterdir()) == []


def test_a_disk_that_takes_no_more(sides: list[Path], tmp_path: Path) -> None:
    """A limit of the size of files, for a full disk; then what was done goes on."""
    work = tmp_path / "work"
    # 1 MiB, in blocks of 512 bytes
    out, err = begun(*sides, "--work", work, limit="-f 2048").communicate()
    assert out == "" and "Traceback" not in err
    assert "File too large" in err and "make room there, or name another folder by --work" in err
    process = begun(*sides, "--work", work)
    out, err = process.communicate()
    assert process.returncode == 1 and len(out.splitlines()) == 600, err


@pytest.mark.parametrize(
    ("missing", "words"),
    [
        ("manifest-summary.json", "manifest-summary.json"),
        ("manifest-files.json", "manifest-files.json"),
        ("1.json.gz", "data/1.json.gz is missing; copy this file"),
    ],
)
def test_half_a_backup(tmp_path: Path, missing: str, words: str) -> None:
    left, right = (written(tmp_path / name, exported(ITEMS, "native")) for name in "ab")
    for path in right.rglob(missing):
        path.unlink()
    process = begun(left, right, "--work", tmp_path / "work")
    out, err = process.communicate()
    assert process.returncode == 2 and out == "", err
    assert words in err and "Traceback" not in err


@pytest.mark.parametrize("kind", ["N", "B"])
def test_keys_of_numbers_and_of_bytes(tmp_path: Path, kind: str) -> None:
    """As text they differ, as keys they do not: numbers by value."""
    values = ["10", "1.50", "7"] if kind == "N" else ["AQI=", "/+8=", ""]
    again = ["1E1", "1.5", "7"] if kind == "N" else values
    one, other = (
        [{"pk": {kind: key}, "sk": {"S": "x"}, "n": {"N": n}} for key in keys]
        for keys, n in ((values, "1"), (again, "1.0"))
    )
    del other[2]
    left, right = (
        written(tmp_path / name, exported(items, "native"))
        for name, items in (("a", one), ("b", other))
    )
    process = begun(left, right, "--work", tmp_path / "work", "--key-attributes", "pk,sk")
    out, err = process.communicate()
    assert process.returncode == 1, err
    (line,) = map(json.loads, out.splitlines())
    assert line["kind"] == "left" and line["key"]["pk"] == {kind: values[2]}
