"""What the steps of clusters run: the user's own jar, and what each release leaves on S3."""

from __future__ import annotations

import gzip
import io
import zipfile
from collections.abc import Iterator
from typing import Any

import pytest

from local.programs.export import running_steps
from tests.support.emr_world import Emr, step
from tests.support.jobs_world import BUCKET, EXPORT_CLASS, body, keys, make_table, small_world

OWN = f"s3://{BUCKET}/jars/emr-dynamodb-tools.jar"
EMRFS = "com.amazon.ws.emr.hadoop.fs.EmrFileSystem"


@pytest.fixture
def world() -> Iterator[Any]:
    with small_world() as made:
        make_table(made, "orders")
        yield made


def put_jar(world: Any, content: bytes = b"PK") -> None:
    world.client("s3").put_object(Bucket=BUCKET, Key="jars/emr-dynamodb-tools.jar", Body=content)


def test_the_export_runs_in_the_users_own_jar(world: Any) -> None:
    put_jar(world)
    emr = Emr(world, step("orders", jar=OWN))
    emr.until("TERMINATED")
    assert emr.steps() == {"orders": "COMPLETED"}
    assert {"orders/manifest", "orders/_SUCCESS"} <= set(keys(world, "orders/"))


@pytest.mark.parametrize(
    ("content", "state"), [("org.example.Other", "FAILED"), (EXPORT_CLASS, "COMPLETED")]
)
def test_a_true_jar_must_have_the_tools_class(world: Any, content: str, state: str) -> None:
    jar = io.BytesIO()
    with zipfile.ZipFile(jar, "w") as archive:
        archive.writestr(content.replace(".", "/") + ".class", b"")
    put_jar(world, jar.getvalue())
    emr = Emr(world, step("orders", jar=OWN))
    emr.until("TERMINATED")
    assert emr.steps() == {"orders": state}
    if state == "FAILED":
        assert emr.failure("orders")["Reason"] == "Main Class not found."
        assert "ClassNotFoundException" in emr.failure("orders")["Message"]


def test_a_jar_that_is_not_there_fails_the_step(world: Any) -> None:
    emr = Emr(world, step("orders", jar=OWN))
    emr.until("TERMINATED")
    assert emr.steps() == {"orders": "FAILED"}
    failure = emr.failure("orders")
    assert failure["Reason"] == "Unknown Error."
    assert f"Error whilst fetching '{OWN}'" in failure["Message"]
    assert "NoSuchKey" in failure["Message"]
    log = body(world, failure["LogFile"].removeprefix(f"s3://{BUCKET}/"))
    assert b"Error fetching jar file" in gzip.decompress(log)


def test_a_jar_in_a_bucket_that_is_not_there(world: Any) -> None:
    emr = Emr(world, step("orders", jar="s3://nowhere/tools.jar"))
    emr.until("TERMINATED")
    assert "NoSuchBucket" in emr.failure("orders")["Message"]


def test_a_jar_the_nodes_may_not_read(world: Any) -> None:
    put_jar(world)
    world.deny("s3:GetObject", f"arn:aws:s3:::{BUCKET}/jars/*")
    emr = Emr(world, step("orders", jar=OWN))
    emr.until("TERMINATED")
    assert "s3:GetObject" in emr.failure("orders")["Message"]


def test_the_class_may_be_named_beside_the_arguments(world: Any) -> None:
    named = step("orders")
    named["HadoopJarStep"]["MainClass"] = named["HadoopJarStep"]["Args"].pop(0)
    emr = Emr(world, named)
    emr.until("TERMINATED")
    assert emr.steps() == {"orders": "COMPLETED"}
    (shown,) = emr.client.list_steps(ClusterId=emr.id)["Steps"]
    assert shown["Config"]["MainClass"] == EXPORT_CLASS


@pytest.mark.parametrize(
    ("release", "marker"),
    [
        ("emr-5.36.1", "orders_$folder$"),
        ("emr-6.15.0", "orders_$folder$"),
        ("emr-7.9.0", "orders_$folder$"),
        ("emr-7.10.0", "orders/"),
        ("emr-7.13.0", "orders/"),
    ],
)
def test_directory_markers_by_release(world: Any, release: str, marker: str) -> None:
    emr = Emr(world, step("orders"), ReleaseLabel=release)
    emr.until("RUNNING")
    world.clock.advance(30)
    assert sum("_temporary" in key for key in keys(world, "orders")) == 1
    emr.until("TERMINATED")
    found = [key for key in keys(world, "orders") if key.endswith(("/", "_$folder$"))]
    assert found == [marker]


def test_emrfs_can_be_kept_by_configuration(world: Any) -> None:
    kept = {"Classification": "core-site", "Properties": {"fs.s3.impl": EMRFS}}
    emr = Emr(world, step("orders"), ReleaseLabel="emr-7.13.0", Configurations=[kept])
    emr.until("TERMINATED")
    assert "orders_$folder$" in keys(world, "orders")


@pytest.mark.parametrize(
    ("release", "state"), [("emr-7.9.0", "FAILED"), ("emr-7.13.0", "COMPLETED")]
)
def test_s3a_does_not_know_emrfs_markers(world: Any, release: str, state: str) -> None:
    world.client("s3").put_object(Bucket=BUCKET, Key="orders_$folder$", Body=b"")
    emr = Emr(world, step("orders"), ReleaseLabel=release)
    emr.until("TERMINATED")
    assert emr.steps() == {"orders": state}


@pytest.mark.parametrize("release", ["emr-7.9.0", "emr-7.13.0"])
def test_a_second_export_to_a_directory_fails(world: Any, release: str) -> None:
    emr = Emr(world, step("orders"), {**step("orders"), "Name": "again"}, ReleaseLabel=release)
    emr.until("TERMINATED")
    assert emr.steps() == {"orders": "COMPLETED", "again": "FAILED"}
    assert "already exists" in emr.failure("again")["Message"]


@pytest.mark.parametrize(("own", "rate"), [(False, 50), (True, 100)])
def test_the_capacity_that_counts_is_that_of_the_jar_s_version(
    world: Any, own: bool, rate: int
) -> None:
    """4.11 takes the one at the submission, later versions that at each task's start."""
    put_jar(world)
    world.set_table("orders", size_bytes=100 * 8192 * 500, update_seconds=1)
    emr = Emr(world, step("orders", jar=OWN) if own else step("orders"))
    emr.until("RUNNING")
    world.advance_until(lambda: running_steps(world), step=1)
    world.client("dynamodb").update_table(
        TableName="orders",
        ProvisionedThroughput={"ReadCapacityUnits": 200, "WriteCapacityUnits": 5},
    )
    world.clock.advance(30)
    (reading,) = running_steps(world)
    assert reading.read_units_per_second == rate
