from __future__ import annotations

import json
import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import given, settings
from hypothesis import strategies as st

from hippolyte_cli.restore import journal as module
from hippolyte_cli.restore.journal import Done, Journal, JournalError, identity


class Bucket:
    """What a journal asks of a store."""

    bucket = "backups"

    def __init__(self, code: str | None = None) -> None:
        self.code, self.records = code, dict[str, Any]()
        self.s3 = self

    def put(self, key: str, record: Any) -> None:
        self._refuse("PutObject")
        self.records[key] = json.loads(json.dumps(record))

    def read(self, key: str) -> Any:
        self._refuse("GetObject")
        return (self.records[key], "etag") if key in self.records else None

    def delete_object(self, Bucket: str, Key: str) -> None:
        self._refuse("DeleteObject")
        self.records.pop(Key, None)

    def _refuse(self, operation: str) -> None:
        if self.code:
            raise ClientError({"Error": {"Code": self.code, "Message": "no"}}, operation)


def at(folder: Path, bucket: Any = None, of: str = "x") -> Journal:
    return Journal(folder, {"of": of}, (bucket, "restores/x.json") if bucket else None)


DONE = st.dictionaries(st.text(max_size=9), st.builds(Done, st.integers(0, 9), st.booleans()))


@settings(deadline=None, max_examples=40)
@given(done=DONE)
def test_what_is_saved_is_read(done: dict[str, Done], tmp_path_factory: Any) -> None:
    folder = tmp_path_factory.mktemp("journal")
    bucket = Bucket()
    first = at(folder, bucket)
    first.done = dict(done)
    first.save(0.0)
    assert at(folder).read().done == {n: d for n, d in done.items() if d != Done()}
    assert at(folder / "elsewhere", bucket).read().done == at(folder).read().done
    assert first.lines == sum(each.lines for each in done.values())


def test_it_is_saved_when_it_is_time_and_at_the_end(tmp_path: Path) -> None:
    bucket = Bucket()
    journal = at(tmp_path, bucket)
    seen = []
    for now in (0.0, 0.5, 1.1, 29.0, 31.0):
        journal.done["a"] = Done(int(now * 10))
        journal.save(now)
        there = bucket.records["restores/x.json"]["files"]["a"][0]
        seen.append((at(tmp_path).read().lines, there))
    assert seen == [(0, 0), (0, 0), (11, 0), (290, 0), (310, 310)]
    journal.done["a"] = Done(400, True)
    journal.save(31.1, last=True)
    assert at(tmp_path, bucket).read().done == {"a": Done(400, True)}


def test_of_both_the_one_that_is_further_counts(tmp_path: Path) -> None:
    bucket = Bucket()
    one, other = at(tmp_path), at(tmp_path / "other", bucket)
    one.done = {"a": Done(5), "b": Done(2, True)}
    other.done = {"a": Done(3), "b": Done(2), "c": Done(1)}
    one.save(0.0)
    other.save(0.0)
    found = at(tmp_path, bucket).read().done
    assert found == {"a": Done(5), "b": Done(2, True), "c": Done(1)}


def test_it_is_not_gone_by_for_something_else(tmp_path: Path) -> None:
    bucket = Bucket()
    first = at(tmp_path, bucket, of="table 1")
    first.done = {"a": Done(5)}
    first.save(0.0)
    assert at(tmp_path, bucket, of="table 2").read().done == {}
    # though the file had the same name
    at(tmp_path, of="table 2").path.write_bytes(first.path.read_bytes())
    assert at(tmp_path, of="table 2").read().done == {}


def test_a_table_made_again_is_another() -> None:
    first = {"TableArn": "arn:orders", "TableId": "1", "CreationDateTime": "2026-11-23"}
    found = [
        identity("s3://b/x", first, "all"),
        identity("s3://b/y", first, "all"),
        identity("s3://b/x", {**first, "TableId": "2"}, "all"),
        identity("s3://b/x", {**first, "CreationDateTime": "2026-11-24"}, "all"),
        identity("s3://b/x", first, "only-missing"),
        identity("s3://b/x", first, "all", "pk=1"),
    ]
    assert len({json.dumps(each) for each in found}) == len(found)
    assert found[0] == identity("s3://b/x", dict(first), "all")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b'{"version":1,"of":{"of":"x"},"fil',
        b"[]",
        b'{"version":2,"of":{"of":"x"},"files":{"a":[1,true]}}',
        b'{"version":1,"of":{"of":"x"},"files":{"a":[-1,true]}}',
        b'{"version":1,"of":{"of":"x"},"files":{"a":1}}',
        b'{"version":1,"of":{"of":"x"},"files":[]}',
        b"\xff",
    ],
)
def test_a_damaged_one_is_none(tmp_path: Path, content: bytes) -> None:
    journal = at(tmp_path)
    journal.path.write_bytes(content)
    assert journal.read().done == {}


@pytest.mark.parametrize("code", ["AccessDenied", "NoSuchBucket"])
def test_where_the_bucket_refuses_it_is_on_disk_alone(tmp_path: Path, code: str) -> None:
    journal = at(tmp_path, Bucket(code)).read()
    journal.done = {"a": Done(1)}
    journal.save(0.0)
    assert journal.not_beside
    assert code in journal.not_beside
    assert journal.not_read and code in journal.not_read
    assert at(tmp_path).read().done == {"a": Done(1)}


def test_removed_it_is_nowhere(tmp_path: Path) -> None:
    bucket = Bucket()
    journal = at(tmp_path, bucket)
    journal.done = {"a": Done(1)}
    journal.save(0.0)
    journal.remove()
    assert at(tmp_path, bucket).read().done == {}
    assert list(tmp_path.iterdir()) == []
    assert bucket.records == {}


def test_a_full_disk_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = at(tmp_path)
    journal.done = {"a": Done(1)}
    journal.save(0.0)

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(module, "os", SimpleNamespace(fsync=full, getpid=os.getpid))
    journal.done = {"a": Done(2)}
    with pytest.raises(JournalError, match=r"No space left on device.*Make room"):
        journal.save(10.0)
    # what was there is whole
    assert at(tmp_path).read().done == {"a": Done(1)}
    assert [path.suffix for path in tmp_path.iterdir()] == [".json"]
