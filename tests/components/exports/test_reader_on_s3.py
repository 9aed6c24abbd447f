"""A backup that is read from S3: below any prefix, over connections that break off."""

from __future__ import annotations

from typing import Any, cast

import boto3
import pytest
from botocore.exceptions import ResponseStreamingError
from moto import mock_aws

from hippolyte.exports.reader import FormatError, Prefix, find
from hippolyte.store import Store
from tests.support.exports import ITEMS, native_export, tool_export

BACKUPS = {
    "native": native_export([ITEMS[:4], [], ITEMS[4:]]),
    "tool, gzip": tool_export(ITEMS, compress=True),
}


@pytest.mark.parametrize("prefix", ["", "copies/orders/"])
@pytest.mark.parametrize("name", ["native", "tool, gzip"])
def test_a_prefix_on_s3_is_a_place(prefix: str, name: str) -> None:
    with mock_aws():
        s3 = boto3.client("s3", region_name="us-east-1")
        s3.create_bucket(Bucket="backups")
        for key, content in BACKUPS[name].items():
            s3.put_object(Bucket="backups", Key=prefix + key, Body=content)
        backup = find(Prefix(Store(s3, "backups"), prefix))
        assert sorted(backup.items(), key=repr) == sorted(ITEMS, key=repr)
        s3.delete_object(Bucket="backups", Key=prefix + backup.files[0].name)
        with pytest.raises(FormatError, match=rf"^{backup.files[0].name}: is missing"):
            list(backup.spans())


class Breaking:
    """An S3 whose answers break off after some bytes, as many times as it is told."""

    def __init__(self, s3: Any, after: int, times: int) -> None:
        self.s3, self.after, self.times = s3, after, times
        self.asked: list[str] = []

    def get_object(self, **request: Any) -> Any:
        answer = self.s3.get_object(**request)
        self.asked.append(request.get("Range", "all"))
        if "/data/" not in request["Key"] or not self.times:
            return answer
        self.times -= 1
        left = self.after

        class Body:
            def read(self, size: int) -> bytes:
                nonlocal left
                if not left:
                    raise ResponseStreamingError(error="connection broken")
                part = answer["Body"].read(min(size, left))
                left -= len(part)
                return bytes(part)

            def close(self) -> None:
                answer["Body"].close()

        return answer | {"Body": Body()}

    def __getattr__(self, name: str) -> Any:
        return getattr(self.s3, name)


@pytest.mark.parametrize(
    ("after", "times", "read"), [(9, 3, True), (0, 4, True), (0, 5, False), (9, 8, True)]
)
def test_a_connection_that_breaks_off_is_made_again(after: int, times: int, read: bool) -> None:
    with mock_aws():
        s3 = boto3.client("s3", region_name="us-east-1")
        s3.create_bucket(Bucket="backups")
        for key, content in native_export([ITEMS]).items():
            s3.put_object(Bucket="backups", Key=key, Body=content)
        breaking = Breaking(s3, after, times)
        items = find(Prefix(Store(cast(Any, breaking), "backups"), "")).items()
        if read:
            assert list(items) == ITEMS
            assert breaking.asked[-1] == f"bytes={after * times}-"
        else:
            with pytest.raises(ResponseStreamingError):
                list(items)


def test_an_object_written_over_meanwhile_is_not_read_on() -> None:
    with mock_aws():
        s3 = boto3.client("s3", region_name="us-east-1")
        s3.create_bucket(Bucket="backups")
        for key, content in native_export([ITEMS]).items():
            s3.put_object(Bucket="backups", Key=key, Body=content)
        place = Prefix(Store(cast(Any, Breaking(s3, 9, 1)), "backups"), "")
        name = find(place).files[0].name
        stream = place.open(name)
        stream.read(9)
        s3.put_object(Bucket="backups", Key=name, Body=b"other")
        with pytest.raises(FormatError, match="was written over while it was read"):
            stream.read(9)
