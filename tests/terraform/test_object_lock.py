"""A bucket under Object Lock is destroyed: its settings stay; then what a lock lets be deleted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from local.world import World
from tools.tf import REPOSITORY, Terraform, TerraformError, environment

pytestmark = pytest.mark.terraform

ACCOUNT, REGION = "123456789012", "us-east-1"
OWN, CENTRAL = f"hippolyte-backups-{ACCOUNT}-{REGION}", "example-central-backups"
ROOT = """
variable "force_destroy" {{
  type    = bool
  default = false
}}

module "hippolyte" {{
  source        = "{module}"
  object_lock   = {{ mode = "GOVERNANCE", days = 14 }}
  force_destroy = var.force_destroy
}}

module "central" {{
  source        = "{module}/modules/backup-bucket"
  bucket        = "{central}"
  account_ids   = ["{account}"]
  object_lock   = {{ mode = "GOVERNANCE", days = 14 }}
  force_destroy = var.force_destroy
}}
"""


def refusal(terraform: Terraform) -> str:
    with pytest.raises(TerraformError) as refused:
        terraform.destroy()
    return " ".join(str(refused.value).replace("│", " ").split())


def lock(s3: Any, bucket: str) -> Any:
    found = s3.get_object_lock_configuration(Bucket=bucket)["ObjectLockConfiguration"]
    return found["Rule"]["DefaultRetention"]


def test_a_lock_is_kept_until_force_destroy_and_may_then_be_broken(
    world: World, tmp_path: Path
) -> None:
    text = ROOT.format(module=REPOSITORY, central=CENTRAL, account=ACCOUNT)
    (tmp_path / "main.tf").write_text(text, "utf-8")
    terraform = Terraform(tmp_path, tmp_path / "work", environment(world.endpoint_url))
    terraform.init()
    terraform.apply()
    assert not terraform.plan_detailed()
    s3 = world.client("s3")
    for bucket in (OWN, CENTRAL):
        for _ in range(2):
            s3.put_object(Bucket=bucket, Key=f"backups/{ACCOUNT}/orders/1", Body=b"{}")
        for version in s3.list_object_versions(Bucket=bucket)["Versions"]:
            asked = {"Bucket": bucket, "Key": version["Key"], "VersionId": version["VersionId"]}
            with pytest.raises(s3.exceptions.ClientError, match="AccessDenied"):
                s3.delete_object(**asked)

    assert refusal(terraform).count("s3:DeleteBucketPolicy") == 2
    for bucket in (OWN, CENTRAL):
        assert (lock(s3, bucket)["Mode"], lock(s3, bucket)["Days"]) == ("GOVERNANCE", 14), "kept"
        assert len(s3.list_object_versions(Bucket=bucket)["Versions"]) == 2

    may = {"force_destroy": True}
    terraform.apply(may)
    terraform.destroy(may)

    assert [one["Name"] for one in s3.list_buckets()["Buckets"]] == []
