"""A folder as the place of an export."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import Random
from typing import Any

import pytest

from hippolyte.exports import native
from hippolyte.scan.reading import Refused
from hippolyte.scan.runner import Threads
from hippolyte.scan.state import State
from hippolyte_cli.folder import FolderSink
from tests.support.scans import Calls, FakeTable, Killed, items, loop, scan, wanted

PREFIX = "AWSDynamoDB/1/"


@pytest.fixture
def sink(tmp_path: Path) -> FolderSink:
    return FolderSink(tmp_path, PREFIX)


def test_what_is_written_is_there(sink: FolderSink, tmp_path: Path) -> None:
    stored = sink.create("data/a.gz", b"content", {"items": "7"})
    assert stored
    assert (stored.name, stored.size) == ("data/a.gz", 7)
    assert (tmp_path / PREFIX / "data" / "a.gz").read_bytes() == b"content"
    assert sink.read("data/a.gz") == b"content"
    head = sink.head("data/a.gz")
    assert head
    assert (head.stored, head.metadata) == (stored, {"items": "7"})
    assert list(sink.listed("data/")) == list(sink.listed()) == [stored]
    assert list(sink.listed("b")) == []


def test_what_is_there_is_never_overwritten(sink: FolderSink) -> None:
    sink.create("data/a.gz", b"first", {"by": "first"})
    assert sink.create("data/a.gz", b"second", {"by": "second"}) is None
    assert sink.create("data/a.gz", b"first", {"by": "third"}) is None
    assert sink.read("data/a.gz") == b"first"
    head = sink.head("data/a.gz")
    assert head
    assert head.metadata == {"by": "first"}


def test_what_is_not_there_is_none(sink: FolderSink) -> None:
    assert sink.read("x") is None
    assert sink.head("x") is None
    assert list(sink.listed()) == []
    sink.create("x", b"")
    assert sink.read("x/y") is None
    assert sink.head("x/y") is None


def test_metadata_of_a_file_that_never_came_are_nobodys(
    sink: FolderSink, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed between the metadata and the file."""
    link, links = Path.hardlink_to, 0

    def die(path: Path, target: Path) -> None:
        nonlocal links
        links += 1
        if links == 2:
            raise Killed
        link(path, target)

    monkeypatch.setattr(Path, "hardlink_to", die)
    with pytest.raises(Killed):
        sink.create("data/a", b"lost", {"by": "lost"})
    assert list(sink.listed()) == []
    sink.create("data/a", b"kept", {"by": "kept"})
    head = sink.head("data/a")
    assert head
    assert head.metadata == {"by": "kept"}
    assert next(sink.listed()) == head.stored


def test_of_many_at_once_one_is_there_and_whole(sink: FolderSink) -> None:
    contents = [bytes([n]) * 100_000 for n in range(16)]
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda one: sink.create("data/a", one, {"n": str(one[0])}), contents))
    won = [one for one, stored in zip(contents, made, strict=True) if stored]
    assert [sink.read("data/a")] == won
    head = sink.head("data/a")
    assert head
    assert head.metadata == {"n": str(won[0][0])}


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_is_not_ours_is_told(sink: FolderSink, tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(Refused, match="Permission denied"):
        sink.create("a", b"")


def test_a_folder_that_is_a_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "AWSDynamoDB").write_text("")
    with pytest.raises(Refused, match="AWSDynamoDB"):
        FolderSink(tmp_path, PREFIX).create("a", b"")


def test_a_full_disk_is_told_and_leaves_nothing(
    sink: FolderSink, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    with (
        monkeypatch.context() as patch,
        pytest.raises(Refused, match=r"data/a: No space left on device"),
    ):
        patch.setattr(os, "fsync", full)
        sink.create("data/a", b"x" * 1000, {})
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


@pytest.fixture
def small_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hippolyte.scan.state.FILE", 250)
    monkeypatch.setattr("hippolyte.scan.datafile.CHUNK", 64)


def is_the_table(folder: Path, table: FakeTable) -> None:
    root = folder / PREFIX
    files = native.parse_files((root / native.FILES).read_bytes())
    assert {f"data/{path.name}" for path in (root / "data").iterdir()} == {
        one.key.removeprefix(PREFIX) for one in files
    }
    assert sum(one.items for one in files) == len(table.items)
    for one in files:
        assert native.checksum((folder / one.key).read_bytes()) == one.md5


@pytest.mark.usefixtures("small_files")
@pytest.mark.parametrize("seed", range(10))
def test_a_scan_into_a_folder_is_gone_on_with(tmp_path: Path, seed: int) -> None:
    calls, random = Calls(), Random(seed)
    table = FakeTable("orders", items(60), calls)

    def kill(number: int, what: str) -> None:
        if random.random() < 0.05:
            raise Killed

    calls.before = kill
    for _ in range(5):
        try:
            scan({"orders": wanted(table, FolderSink(tmp_path, PREFIX))})
        except Killed:
            continue
    calls.leave_alone()
    (end,) = scan({"orders": wanted(table, FolderSink(tmp_path, PREFIX))})
    assert (end.state, end.items) == (State.DONE, 60)
    is_the_table(tmp_path, table)


@pytest.mark.usefixtures("small_files")
def test_threads_and_two_loops_at_once_make_the_same(tmp_path: Path) -> None:
    table = FakeTable("orders", items(200), Calls())
    changed: dict[str, Any] = {"segments": 5}

    def run(_: int) -> State:
        with Threads(4) as threads:
            one = loop(
                {"orders": wanted(table, FolderSink(tmp_path, PREFIX), **changed)}, runner=threads
            )
            return one.run()[0].state

    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(run, range(2))) == [State.DONE, State.DONE]
    is_the_table(tmp_path, table)


def test_a_listing_of_many_files_reads_none_of_them(
    sink: FolderSink, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(300):
        sink.create(native.DATA + native.data_name(0, number), b"%d" % number, {"n": "1"})

    def read(path: Path) -> str:
        raise AssertionError(path)

    monkeypatch.setattr("hippolyte_cli.folder._etag_of", read)
    assert len(list(sink.listed(native.DATA))) == 300
