"""examples/second-region on the local AWS: what is copied, by whom, and that it is kept apart.

The local AWS keeps a replication and copies nothing: that S3 copies is S3's affair.
"""

from __future__ import annotations

from collections.abc import Iterator
from subprocess import CalledProcessError
from typing import Any

import pytest
from pytest_terraform import terraform

from local.iam.authorize import allowed
from local.world import World
from tests.support.places import Place, warnings

pytestmark = pytest.mark.terraform

ACCOUNT, HOME, OTHER = "123456789012", "us-east-1", "eu-west-1"
SOURCE, COPY = f"example-dynamodb-backups-{HOME}", f"example-dynamodb-backups-{OTHER}"
ROLE = f"hippolyte-{HOME}-replication"


@pytest.fixture(scope="module", autouse=True)
def served(world: World) -> Iterator[World]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TF_VAR_force_destroy", "true")
        yield world


@terraform("second-region", scope="module", replay=False, name="second_region")
def test_what_is_copied(second_region: Any, world: World) -> None:
    s3 = Place(world, ACCOUNT, HOME).client("s3")
    told = s3.get_bucket_replication(Bucket=SOURCE)["ReplicationConfiguration"]

    assert [rule["Filter"]["Prefix"] for rule in told["Rules"]] == [
        "backups",
        "catalog",
        "runs",
    ], "and what is kept longer: backups-weekly/ ..."
    assert {rule["Destination"]["Bucket"] for rule in told["Rules"]} == {f"arn:aws:s3:::{COPY}"}
    assert {rule["DeleteMarkerReplication"]["Status"] for rule in told["Rules"]} == {"Disabled"}
    assert told["Role"].endswith(f"role/{ROLE}")
    encrypted = [rule["Destination"]["EncryptionConfiguration"] for rule in told["Rules"]]
    assert {key["ReplicaKmsKeyID"].split(":")[3] for key in encrypted} == {OTHER}
    assert warnings(second_region.terraform) == []


def test_the_copy_is_kept_by_its_own_rules_and_key(second_region: Any, world: World) -> None:
    s3 = Place(world, ACCOUNT, OTHER).client("s3")
    rules = s3.get_bucket_lifecycle_configuration(Bucket=COPY)["Rules"]
    days = {rule["ID"]: rule["Expiration"].get("Days") for rule in rules if "Expiration" in rule}
    lock = s3.get_object_lock_configuration(Bucket=COPY)["ObjectLockConfiguration"]["Rule"]

    assert days["expire-backups"] == 90
    assert lock["DefaultRetention"]["Days"] == 35
    keys = {
        bucket: s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"][
            "Rules"
        ][0]["ApplyServerSideEncryptionByDefault"]["KMSMasterKeyID"]
        for bucket in (SOURCE, COPY)
    }
    assert [key.split(":")[3] for key in keys.values()] == [HOME, OTHER]


@pytest.mark.parametrize(
    ("action", "bucket", "may"),
    [
        ("s3:GetObjectVersionForReplication", SOURCE, True),
        ("s3:ReplicateObject", COPY, True),
        ("s3:GetObjectVersionForReplication", COPY, False),
        ("s3:ReplicateObject", SOURCE, False),
        ("s3:ReplicateDelete", COPY, False),
        ("s3:DeleteObjectVersion", COPY, False),
    ],
)
def test_the_copying_role_reads_the_one_and_writes_the_other(
    second_region: Any, world: World, action: str, bucket: str, may: bool
) -> None:
    arn = f"arn:aws:s3:::{bucket}/backups/{ACCOUNT}/{HOME}/orders/1"

    assert allowed(world, ACCOUNT, ROLE, action, arn) is may


def test_nothing_drifts(second_region: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TF_CLI_ARGS_plan", "-detailed-exitcode")
    try:
        second_region.terraform.plan()
    except CalledProcessError as error:
        pytest.fail(f"a second plan would change something (exit {error.returncode})")
