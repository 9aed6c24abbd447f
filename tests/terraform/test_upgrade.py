"""Who has the module as it was before its files and engines moved loses nothing by the new one.

`before.tar.gz` is that module with its examples, as recorded by git:

    git archive --format=tar.gz -o tests/terraform/before.tar.gz aa41bf0 -- \
        ':(glob)*.tf' zones.txt modules ':(glob)examples/*/*.tf'

It is in the repository so that a clone without history runs these tests too. An example of each
engine is applied from it; over the state that is left today's module is planned, and applied.
The provider looks for 25 seconds whether a queue and its policy have come, and for 55 whether the
bucket's rules stay: these are there before, and the apply takes them into the state. The examples
`complete` and `multi-account` make the same resources of the same module, and some of submodules
whose files have not moved: they are not applied again.
"""

from __future__ import annotations

import base64
import hashlib
import json
import shutil
import subprocess
import tarfile
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from local.world import World
from tools.tf import REPOSITORY, Terraform, environment

pytestmark = pytest.mark.terraform

COMMIT = "aa41bf0"
ARCHIVE = Path(__file__).with_name("before.tar.gz")
ACCOUNT = "123456789012"
RULES = [
    *(
        {
            "ID": f"expire-{part}",
            "Status": "Enabled",
            "Filter": {"Prefix": f"{part}/"},
            "Expiration": {"Days": 30 if part == "logs" else 35},
        }
        for part in ("backups", "catalog", "logs", "runs", "undone")
    ),
    {
        "ID": "tidy-up",
        "Status": "Enabled",
        "Filter": {"Prefix": ""},
        "NoncurrentVersionExpiration": {"NoncurrentDays": 7},
        "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 2},
        "Expiration": {"ExpiredObjectDeleteMarker": True},
    },
]
# side by side in one account, hence in two regions
# who had an engine says so from now on: what the others take is another default
TODAY = {"minimal": "datapipeline", "emr": "emr"}
EXAMPLES: dict[str, dict[str, Any]] = {
    "minimal": {"region": "us-east-1", "alert_emails": ["oncall@example.com"]},
    "emr": {
        "region": "eu-west-1",
        "alert_emails": ["oncall@example.com"],
        "jar": "s3://tools/emr-dynamodb-tools-6.0.0-jar-with-dependencies.jar",
        "subnet_ids": ["subnet-0123456789abcdef0"],
    },
}


def unpack(folder: Path) -> Path:
    """Return a folder with the module as it was; its package is another than today's."""
    with tarfile.open(ARCHIVE) as archive:
        archive.extractall(folder, filter="data")
    (folder / "lambda").mkdir()
    with zipfile.ZipFile(folder / "lambda" / "hippolyte.zip", "w") as package:
        package.writestr("hippolyte/before.py", "")
    return folder


def make_what_is_slow(world: World, region: str) -> dict[str, str]:
    """Make what the provider would wait for, as the module does; return ids by address."""
    bucket = f"hippolyte-backups-{ACCOUNT}-{region}"
    s3 = world.client("s3", region)
    where = {} if region == "us-east-1" else {"LocationConstraint": region}
    s3.create_bucket(Bucket=bucket, **({"CreateBucketConfiguration": where} if where else {}))
    s3.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration={"Rules": RULES})
    deny = {
        "Sid": "DenyWithoutTls",
        "Effect": "Deny",
        "Principal": "*",
        "Action": "sqs:*",
        "Resource": f"arn:aws:sqs:{region}:{ACCOUNT}:hippolyte-lost",
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    url = world.client("sqs", region).create_queue(
        QueueName="hippolyte-lost",
        Attributes={
            "MaximumMessageSize": "262144",  # what the provider would set
            "MessageRetentionPeriod": "1209600",
            "SqsManagedSseEnabled": "true",
            "Policy": json.dumps({"Version": "2012-10-17", "Statement": [deny]}),
        },
        tags={"hippolyte:deployment": "hippolyte"},
    )["QueueUrl"]
    return {
        "aws_s3_bucket.this[0]": bucket,
        "aws_s3_bucket_lifecycle_configuration.this[0]": bucket,
        "aws_sqs_queue.lost": url,
        "aws_sqs_queue_policy.lost": url,
    }


def apply_old_then_new(world: World, example: str, folder: Path) -> dict[str, Any]:
    """Apply an example of the module as it was, then today's; return today's plan and its end."""
    inputs = EXAMPLES[example]
    env = environment(world.endpoint_url, inputs["region"])
    root = unpack(folder / "old") / "examples" / example
    slow = make_what_is_slow(world, inputs["region"])
    blocks = [
        f'import {{\n  to = module.hippolyte.{a}\n  id = "{i}"\n}}\n' for a, i in slow.items()
    ]
    (root / "imports.tf").write_text("".join(blocks), encoding="utf-8")
    old = Terraform(root, folder / "old-work", env)
    old.init()
    old.apply(inputs)

    new = Terraform(REPOSITORY / "examples" / TODAY[example], folder / "new-work", env)
    shutil.copy(old.state, new.state)
    new.init()
    found = {"state": json.loads(new.state.read_text("utf-8")), **new.plan_json(inputs)}
    backup = {"Bucket": slow["aws_s3_bucket.this[0]"], "Key": f"backups/{ACCOUNT}/a/1/manifest"}
    s3 = world.client("s3", inputs["region"])
    s3.put_object(**backup, Body=b"kept")
    new.apply(inputs)
    return {
        **found,
        "drifts": new.plan_detailed(inputs),
        "outputs": new.output(),
        "backup": s3.get_object(**backup)["Body"].read(),
    }


@pytest.fixture(scope="module")
def plans(world: World, tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """Return the plan of each example."""
    folders = {example: tmp_path_factory.mktemp(example) for example in EXAMPLES}
    with ThreadPoolExecutor() as pool:
        started = {
            example: pool.submit(apply_old_then_new, world, example, folder)
            for example, folder in folders.items()
        }
        return {example: future.result() for example, future in started.items()}


def in_state(plan: dict[str, Any]) -> Iterator[str]:
    for resource in plan["state"]["resources"]:
        if resource["mode"] == "managed":
            for instance in resource["instances"]:
                key = instance.get("index_key")
                index = "" if key is None else f"[{json.dumps(key)}]"
                yield f"{resource['module']}.{resource['type']}.{resource['name']}{index}"


@pytest.mark.parametrize("example", EXAMPLES)
def test_no_resource_is_replaced_or_destroyed(plans: dict[str, Any], example: str) -> None:
    # by the address it has in the state: a `moved` block only gives it another name
    changes = {
        c.get("previous_address", c["address"]): c["change"]["actions"]
        for c in plans[example]["resource_changes"]
    }
    changed = {address: actions for address, actions in changes.items() if actions != ["no-op"]}
    print(f"{example}: {len(changes)} resources", *changed.items(), sep="\n")

    had = set(in_state(plans[example]))
    assert len(had) > 40
    assert had <= set(changes)
    assert {tuple(changes[address]) for address in had} <= {("no-op",), ("update",)}
    assert not any("delete" in actions for actions in changes.values())


@pytest.mark.parametrize("example", EXAMPLES)
def test_one_apply_is_the_whole_upgrade_and_keeps_the_backups(
    plans: dict[str, Any], world: World, example: str
) -> None:
    upgraded = plans[example]
    client = world.client("lambda", EXAMPLES[example]["region"])

    assert upgraded["drifts"] is False
    assert upgraded["backup"] == b"kept"
    today = (REPOSITORY / "lambda" / "hippolyte.zip").read_bytes()
    wanted = base64.b64encode(hashlib.sha256(today).digest()).decode()
    for name in ("scheduler", "monitor"):
        function = upgraded["outputs"][name]["function_name"]
        assert client.get_function(FunctionName=function)["Configuration"]["CodeSha256"] == wanted


def test_the_recorded_module_is_that_of_the_commit(tmp_path: Path) -> None:
    def git(*arguments: str) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(["git", *arguments], cwd=REPOSITORY, capture_output=True, check=False)

    if git("cat-file", "-e", f"{COMMIT}^{{commit}}").returncode:
        pytest.skip(f"this clone has no history: commit {COMMIT} is not in it")
    with tarfile.open(ARCHIVE) as archive:
        archive.extractall(tmp_path, filter="data")
    names = [p.relative_to(tmp_path).as_posix() for p in tmp_path.rglob("*") if p.is_file()]

    assert len(names) > 40
    for name in names:
        recorded = (tmp_path / name).read_bytes()
        assert git("show", f"{COMMIT}:{name}").stdout == recorded, name
