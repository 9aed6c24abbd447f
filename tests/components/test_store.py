"""Records on S3: written once, or by compare-and-swap; a lost answer is not a lost race."""

from __future__ import annotations

import gzip
import io
import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from hippolyte.errors import ConfigurationError, ConflictError
from hippolyte.store import Store, text

BUCKET = "backups"


class FlakyS3:
    """An S3 that answers writes with errors, after they took effect or before."""

    def __init__(self, s3: Any) -> None:
        self.s3 = s3
        # (error code, whether the write takes effect first)
        self.answers: list[tuple[str, bool]] = []
        self.puts = 0

    def put_object(self, **request: Any) -> Any:
        self.puts += 1
        if not self.answers:
            return self.s3.put_object(**request)
        code, written = self.answers.pop(0)
        if written:
            self.s3.put_object(**request)
        raise ClientError({"Error": {"Code": code, "Message": code}}, "PutObject")

    def __getattr__(self, name: str) -> Any:
        return getattr(self.s3, name)


@pytest.fixture
def s3() -> Iterator[FlakyS3]:
    with mock_aws():
        client = boto3.client("s3", region_name="us-east-1")
        client.create_bucket(Bucket=BUCKET)
        yield FlakyS3(client)


def store(s3: Any) -> Store:
    return Store(s3, BUCKET)


def test_half_a_letter_is_written_as_it_was_read(s3: FlakyS3) -> None:
    s3.s3.put_object(Bucket=BUCKET, Key="others", Body=b'{"version":1,"a":"\\ud800 \\\\"}')
    found = store(s3).read("others")
    assert found is not None
    assert found[0]["a"] == "\ud800 \\"
    store(s3).create("ours", found[0])
    again = store(s3).read("ours")
    assert again is not None
    assert again[0]["a"] == found[0]["a"]


def test_what_is_created_is_read_back_with_its_etag(s3: FlakyS3) -> None:
    etag = store(s3).create("runs/plan.json", {"a": 1})
    found = store(s3).read("runs/plan.json")
    assert found is not None
    record, read_etag = found
    assert record["a"] == 1
    assert read_etag == etag


LONG = {"tables": {f"table-{n}": {"verdict": "backed_up"} for n in range(10_000)}}


def test_a_long_text_is_packed_and_reads_as_any_other(s3: FlakyS3) -> None:
    etag = store(s3).create("runs/ledger.json", text(LONG)) or ""
    stored = s3.get_object(Bucket=BUCKET, Key="runs/ledger.json")
    body = stored["Body"].read()
    assert len(body) < len(text(LONG)) / 10
    assert stored["ContentEncoding"] == "gzip"
    assert json.loads(gzip.decompress(body))["tables"] == LONG["tables"]
    found = store(s3).read("runs/ledger.json")
    assert found and found[0]["tables"] == LONG["tables"] and found[1] == etag
    changed = {"tables": {**LONG["tables"], "another": {}}}
    s3.answers = [("PreconditionFailed", True)]
    etag = store(s3).replace("runs/ledger.json", text(changed), etag)
    assert (store(s3).read("runs/ledger.json") or ({}, ""))[1] == etag


def test_a_long_text_that_an_older_version_wrote_is_read_and_replaced(s3: FlakyS3) -> None:
    s3.put_object(Bucket=BUCKET, Key="k", Body=text(LONG).encode())
    found = store(s3).read("k")
    assert found and found[0]["tables"] == LONG["tables"]
    assert store(s3).replace("k", text(LONG), found[1]) != found[1]


def test_what_is_short_or_no_text_is_not_packed(s3: FlakyS3) -> None:
    store(s3).create("short", text({"a": 1}))
    store(s3).create("plan", LONG)
    for key in ("short", "plan"):
        stored = s3.get_object(Bucket=BUCKET, Key=key)
        assert "ContentEncoding" not in stored
        assert json.loads(stored["Body"].read())["version"] == 1


def test_what_is_packed_and_broken_is_told_as_no_record(s3: FlakyS3) -> None:
    for body in (gzip.compress(b"{}")[:-9], b"\x1f\x8bnothing", gzip.compress(b"[]")):
        s3.put_object(Bucket=BUCKET, Key="k", Body=body)
        with pytest.raises(ConfigurationError, match="is not a record of this product"):
            store(s3).read("k")


def test_a_record_that_is_not_there_reads_as_none(s3: FlakyS3) -> None:
    assert store(s3).read("runs/plan.json") is None


def test_the_first_creation_wins(s3: FlakyS3) -> None:
    assert store(s3).create("k", {"by": "first"})
    assert store(s3).create("k", {"by": "second"}) is None
    assert (store(s3).read("k") or ({}, ""))[0]["by"] == "first"


def test_a_412_for_ones_own_write_is_a_success(s3: FlakyS3) -> None:
    """A retried PUT meets what its first try wrote."""
    s3.answers = [("PreconditionFailed", True)]
    etag = store(s3).create("k", {"by": "me"})
    assert etag == (store(s3).read("k") or ({}, ""))[1]


def test_a_412_for_ones_own_replacement_is_a_success(s3: FlakyS3) -> None:
    etag = store(s3).create("k", {"n": 1}) or ""
    s3.answers = [("PreconditionFailed", True)]
    new = store(s3).replace("k", {"n": 2}, etag)
    assert (store(s3).read("k") or ({}, ""))[1] == new


def test_a_409_is_tried_again(s3: FlakyS3) -> None:
    s3.answers = [("ConditionalRequestConflict", False)] * 2
    assert store(s3).create("k", {"n": 1})
    assert s3.puts == 3


def test_a_409_that_wrote_all_the_same_is_a_success(s3: FlakyS3) -> None:
    s3.answers = [("ConditionalRequestConflict", True)]
    assert store(s3).create("k", {"n": 1})


def test_409s_are_not_tried_for_ever(s3: FlakyS3) -> None:
    s3.answers = [("ConditionalRequestConflict", False)] * 9
    with pytest.raises(ClientError, match="ConditionalRequestConflict"):
        store(s3).create("k", {"n": 1})
    assert s3.puts == 4


def test_a_replacement_of_what_changed_is_a_conflict(s3: FlakyS3) -> None:
    one = store(s3)
    etag = one.create("k", {"n": 1}) or ""
    one.replace("k", {"n": 2}, etag)
    with pytest.raises(ConflictError, match="k was written by another invocation"):
        one.replace("k", {"n": 3}, etag)
    assert (one.read("k") or ({}, ""))[0]["n"] == 2


def test_a_replacement_of_what_is_gone_is_a_conflict(s3: FlakyS3) -> None:
    etag = store(s3).create("k", {"n": 1}) or ""
    s3.delete_object(Bucket=BUCKET, Key="k")
    with pytest.raises(ConflictError):
        store(s3).replace("k", {"n": 2}, etag)


def test_the_same_content_twice_has_two_etags(s3: FlakyS3) -> None:
    """Else a writer could not tell its own write from another's of the same content."""
    one = store(s3)
    first = one.create("k", {"n": 1}) or ""
    second = one.replace("k", {"n": 1}, first)
    assert first != second


def test_other_refusals_are_raised(s3: FlakyS3) -> None:
    s3.answers = [("AccessDenied", False)]
    with pytest.raises(ClientError, match="AccessDenied"):
        store(s3).create("k", {})


def test_a_newer_versions_record_is_refused(s3: FlakyS3) -> None:
    body = json.dumps({"version": 2, "nonce": "x"}).encode()
    s3.put_object(Bucket=BUCKET, Key="k", Body=body)
    with pytest.raises(ConfigurationError, match="newer version"):
        store(s3).read("k")


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"{}", b'{"version": "one"}', b"null"])
def test_what_is_no_record_is_refused_by_name(s3: FlakyS3, body: bytes) -> None:
    s3.put_object(Bucket=BUCKET, Key="runs/k.json", Body=io.BytesIO(body))
    with pytest.raises(ConfigurationError, match=r"s3://backups/runs/k\.json is not a record"):
        store(s3).read("runs/k.json")


def test_names_go_over_pages_and_keep_to_their_prefix(s3: FlakyS3) -> None:
    for number in range(1005):
        s3.s3.put_object(Bucket=BUCKET, Key=f"leases/{number:04d}.json", Body=b"")
    s3.s3.put_object(Bucket=BUCKET, Key="leases-old/x.json", Body=b"")
    names = list(store(s3).names("leases/"))
    assert len(names) == 1005
    assert names[0] == "0000.json"
    assert list(store(s3).names("leases/", "1003")) == ["1003.json", "1004.json"]


def test_a_record_that_nobody_wrote_since_is_not_read_again(s3: FlakyS3) -> None:
    store(s3).create("runs/plan.json", {"a": 1})
    made: list[dict[str, Any]] = []

    def form(record: dict[str, Any]) -> list[Any]:
        made.append(record)
        return [record["a"]]

    first = store(s3).read_as("runs/plan.json", form, None)
    assert first is not None and first[0] == [1]
    again = store(s3).read_as("runs/plan.json", form, first)
    assert again is first
    assert len(made) == 1
    etag = store(s3).replace("runs/plan.json", {"a": 2}, first[1])
    assert store(s3).read_as("runs/plan.json", form, first) == ([2], etag)
    s3.delete_object(Bucket=BUCKET, Key="runs/plan.json")
    assert store(s3).read_as("runs/plan.json", form, first) is None
