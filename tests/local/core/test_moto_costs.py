"""What moto is saved: the answers are as before, and moto is itself again when a world is left."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import moto.kms.models as kms_models
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.exceptions import ClientError
from moto.core.botocore_stubber import BotocoreStubber

from tests.support.aws_world import in_process


def test_services_are_found_by_their_hosts() -> None:
    with in_process() as world:
        s3, dynamodb = world.client("s3"), world.client("dynamodb", "eu-west-1")
        s3.create_bucket(Bucket="one.dotted")  # in the path, as its host would have no certificate
        s3.create_bucket(Bucket="plain")
        s3.put_object(Bucket="plain", Key="a/b c.amazonaws.com/d", Body=b"x")

        assert dynamodb.list_tables()["TableNames"] == []
        assert s3.list_objects_v2(Bucket="one.dotted")["KeyCount"] == 0
        (found,) = s3.list_objects_v2(Bucket="plain")["Contents"]
        assert found["Key"] == "a/b c.amazonaws.com/d"
        with pytest.raises(ClientError, match="404"):
            world.client("braket").search_devices(filters=[])


def test_each_answer_has_an_id_of_its_own() -> None:
    with in_process() as world:
        answers = [world.client("dynamodb").list_tables() for _ in range(2)]
    ids = [answer["ResponseMetadata"]["RequestId"] for answer in answers]

    assert len(set(ids)) == 2
    assert all(len(each) == 52 for each in ids)


def test_a_listing_shows_the_latest_version() -> None:
    with in_process() as world:
        s3 = world.client("s3")
        s3.create_bucket(Bucket="versions")
        s3.put_bucket_versioning(Bucket="versions", VersioningConfiguration={"Status": "Enabled"})
        for key, body in (("kept", b"1"), ("kept", b"22"), ("gone", b"1")):
            s3.put_object(Bucket="versions", Key=key, Body=body)
        s3.delete_object(Bucket="versions", Key="gone")

        (found,) = s3.list_objects_v2(Bucket="versions")["Contents"]
        assert (found["Key"], found["Size"]) == ("kept", 2)


def test_keys_differ_and_cost_no_time() -> None:
    with in_process() as world:
        kms = world.client("kms")
        kms.create_key()
        before = time.process_time()
        ids = {kms.create_key()["KeyMetadata"]["KeyId"] for _ in range(20)}

    assert len(ids) == 20
    assert time.process_time() - before < 20 * 0.02, "an RSA key takes 0.04 s"


def test_the_caller_is_known_and_times_are_read() -> None:
    with in_process() as world:
        sts = world.client("sts")
        world.client("s3").create_bucket(Bucket="times")
        world.client("s3").put_object(Bucket="times", Key="k")
        head = world.client("s3").head_object(Bucket="times", Key="k")

        assert sts.get_caller_identity()["Account"] == world.account
        assert head["LastModified"] == datetime(2026, 11, 24, tzinfo=UTC)


def test_moto_is_itself_again() -> None:
    parts = [
        (BotocoreStubber, "process_request"),
        (SigV4Auth, "signature"),
        (kms_models, "generate_private_key"),
    ]
    before = [getattr(owner, name) for owner, name in parts]
    with in_process():
        assert all(
            getattr(owner, name) is not was
            for (owner, name), was in zip(parts, before, strict=True)
        )
    assert [getattr(owner, name) for owner, name in parts] == before


def test_a_bucket_in_another_region_is_found_and_then_known() -> None:
    """As S3 tells the SDK: 301 and the bucket's region; each of its next requests goes there."""
    hosts: list[str] = []

    def send(request: AWSPreparedRequest, **_: Any) -> AWSResponse:
        hosts.append(urlsplit(request.url).netloc)
        status = 200 if "eu-west-1" in hosts[-1] else 301
        headers = {"x-amz-bucket-region": "eu-west-1"}
        return AWSResponse(request.url, status, headers, SimpleNamespace(stream=lambda: [b""]))

    with in_process() as world:
        s3 = world.client("s3")
        s3.create_bucket(Bucket="there")
        s3.list_objects_v2(Bucket="there")
        s3.meta.events.register_first("before-send.s3", send)
        for _ in range(2):
            s3.list_objects_v2(Bucket="there")
            s3.head_object(Bucket="there", Key="k")

    theirs = "there.s3.eu-west-1.amazonaws.com"
    assert hosts == ["there.s3.amazonaws.com", *[theirs] * 4]


def test_endpoints_are_those_of_the_rules() -> None:
    """Asked twice, of one operation with other arguments in between."""
    arn = "arn:aws:s3:eu-west-1:123456789012:accesspoint/door"
    urls: list[str] = []

    def send(request: AWSPreparedRequest, **_: Any) -> AWSResponse:
        urls.append(request.url.partition("?")[0])
        return AWSResponse(request.url, 200, {}, SimpleNamespace(stream=lambda: [b""]))

    with in_process() as world:
        s3 = world.client("s3", "eu-west-1")
        control = world.client("s3control", "eu-west-1")
        control.create_access_point(AccountId=world.account, Name="door", Bucket="one")
        s3.meta.events.register_first("before-send.s3", send)
        for bucket in ("one", "two.dotted", arn) * 2:
            s3.head_object(Bucket=bucket, Key=f"k{len(urls)}")

    found = [url.rpartition("/k") for url in urls]
    places = [
        "https://one.s3.eu-west-1.amazonaws.com",
        "https://s3.eu-west-1.amazonaws.com/two.dotted",
        "https://door-123456789012.s3-accesspoint.eu-west-1.amazonaws.com",
    ]
    assert found == [(place, "/k", str(n)) for n, place in enumerate(places * 2)]


def test_a_body_in_chunks_is_kept_whole() -> None:
    with in_process() as world:
        s3 = world.client("s3")
        s3.create_bucket(Bucket="chunks")
        s3.put_object(Bucket="chunks", Key="k", Body=b"0123456789" * 20_000, ContentType="text/x")

        found = s3.get_object(Bucket="chunks", Key="k")
        assert found["Body"].read() == b"0123456789" * 20_000
        assert (found["ContentType"], found["ContentLength"]) == ("text/x", 200_000)
