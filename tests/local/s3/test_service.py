from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local.core.clock import Clock
from local.world import World
from tests.support.aws_world import START, in_process, policy, refused

TLS_ONLY = policy(
    {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": ["arn:aws:s3:::bucket", "arn:aws:s3:::bucket/*"],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
)


@pytest.fixture
def s3() -> Iterator[Any]:
    with in_process() as world:
        client = world.client("s3")
        client.create_bucket(Bucket="bucket")
        yield client


def test_if_none_match_and_if_match(s3: Any) -> None:
    first = s3.put_object(Bucket="bucket", Key="k", Body=b"1", IfNoneMatch="*")["ETag"]
    with refused("PreconditionFailed"):
        s3.put_object(Bucket="bucket", Key="k", Body=b"2", IfNoneMatch="*")
    second = s3.put_object(Bucket="bucket", Key="k", Body=b"2", IfMatch=first)["ETag"]
    with refused("PreconditionFailed"):
        s3.put_object(Bucket="bucket", Key="k", Body=b"3", IfMatch=first)
    with refused("NoSuchKey"):
        s3.put_object(Bucket="bucket", Key="other", Body=b"3", IfMatch=second)
    assert s3.get_object(Bucket="bucket", Key="k")["Body"].read() == b"2"


def test_objects_carry_the_virtual_time(s3: Any) -> None:
    s3.put_object(Bucket="bucket", Key="k", Body=b"1")
    assert s3.head_object(Bucket="bucket", Key="k")["LastModified"] == START


def test_tls_only_policy_lets_everything_through(s3: Any) -> None:
    s3.put_bucket_policy(Bucket="bucket", Policy=TLS_ONLY)
    s3.put_object(Bucket="bucket", Key="k", Body=b"1")
    assert s3.get_object(Bucket="bucket", Key="k")["Body"].read() == b"1"
    s3.delete_objects(Bucket="bucket", Delete={"Objects": [{"Key": "k"}]})
    assert "Contents" not in s3.list_objects_v2(Bucket="bucket")


def test_events_for_eventbridge_are_shown_once_switched_on(s3: Any) -> None:
    for wanted in ({}, {"EventBridgeConfiguration": {}}, {}):
        s3.put_bucket_notification_configuration(Bucket="bucket", NotificationConfiguration=wanted)
        answer = s3.get_bucket_notification_configuration(Bucket="bucket")
        assert ("EventBridgeConfiguration" in answer) == bool(wanted)


def test_conditional_put_has_one_winner_in_the_server() -> None:
    world = World(Clock(START))
    with world.served():
        client = world.client("s3")
        client.create_bucket(Bucket="bucket")
        together = Barrier(4)

        def put(key: str, writer: int) -> int:
            together.wait()
            try:
                client.put_object(Bucket="bucket", Key=key, Body=b"%d" % writer, IfNoneMatch="*")
            except ClientError as error:
                assert error.response["Error"]["Code"] == "PreconditionFailed"
                return 0
            return 1

        with ThreadPoolExecutor(4) as pool:
            for number in range(40):
                key = f"k{number}"
                winners = sum(pool.map(lambda writer, key=key: put(key, writer), range(4)))
                assert winners == 1, key


def test_a_lock_comes_to_a_bucket_that_is_in_use_and_ends_for_what_is_new(s3: Any) -> None:
    """Object Lock may be switched on for buckets with objects since November 2023."""
    s3.put_bucket_versioning(Bucket="bucket", VersioningConfiguration={"Status": "Enabled"})
    s3.put_object(Bucket="bucket", Key="before", Body=b"1")
    locked = {"DefaultRetention": {"Mode": "COMPLIANCE", "Days": 3}}
    s3.put_object_lock_configuration(
        Bucket="bucket",
        ObjectLockConfiguration={"ObjectLockEnabled": "Enabled", "Rule": locked},
    )
    version = s3.put_object(Bucket="bucket", Key="k", Body=b"1")["VersionId"]

    with refused("AccessDenied"):
        s3.delete_object(Bucket="bucket", Key="k", VersionId=version)
    s3.put_object_lock_configuration(
        Bucket="bucket", ObjectLockConfiguration={"ObjectLockEnabled": "Enabled"}
    )
    free = s3.put_object(Bucket="bucket", Key="k", Body=b"2")["VersionId"]
    s3.delete_object(Bucket="bucket", Key="k", VersionId=free)
