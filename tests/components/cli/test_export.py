"""`hippolyte export` against a served local AWS, in real time."""

from __future__ import annotations

import errno
import itertools
import json
import os
import shutil
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from botocore.client import BaseClient

from hippolyte.exports import reader
from hippolyte.exports.native import FILES, STARTED, SUMMARY
from hippolyte.store import Store
from local.core.clock import Clock
from local.world import World
from tests.support.aws_world import ACCOUNT, REGION, START, make_table
from tests.support.commands import command

ITEMS = [
    {"pk": {"S": f"item {n}"}, "text": {"S": "x" * 2000}, "n": {"N": str(n)}} for n in range(80)
]
FAR = "eu-west-1"


@pytest.fixture(scope="module")
def served() -> Iterator[World]:
    world = World(Clock(START), ACCOUNT, REGION)
    with world.served():
        for name, read in (("orders", 4000), ("slow", 10), ("on-demand", None), ("none", 5)):
            make_table(world, name, read)
        world.clock.advance(600)
        for name in ("orders", "slow", "on-demand"):
            fill(world, name)
        s3 = world.client("s3")
        s3.create_bucket(Bucket="backups")
        world.client("s3", FAR).create_bucket(
            Bucket="far-backups", CreateBucketConfiguration={"LocationConstraint": FAR}
        )
        yield world


@pytest.fixture
def world(served: World, monkeypatch: pytest.MonkeyPatch) -> World:
    for name, value in served.environment().items():
        monkeypatch.setenv(name, value)
    return served


def fill(world: World, name: str, items: list[dict[str, Any]] = ITEMS) -> None:
    for start in range(0, len(items), 20):
        puts = [{"PutRequest": {"Item": item}} for item in items[start : start + 20]]
        world.client("dynamodb").batch_write_item(RequestItems={name: puts})


def items_at(place: reader.Place) -> list[Any]:
    found = list(reader.find(place).items())
    return sorted(found, key=lambda item: int(item["n"]["N"]))


def prefix(world: World, bucket: str, below: str, region: str = REGION) -> reader.Prefix:
    return reader.Prefix(Store(world.client("s3", region), bucket), below)


def scan_in(folder: Path) -> Path:
    """Return the one export in a folder."""
    (found,) = (folder / "AWSDynamoDB").iterdir()
    return found


def exported(*arguments: Any, code: int = 0) -> str:
    result = command("export", *arguments)
    assert result.exit_code == code, result.output
    return result.stdout


def refused(*arguments: Any) -> str:
    """Run an export that cannot begin; return what it says."""
    result = command("export", *arguments)
    assert result.exit_code == 2, result.output
    assert result.stdout == ""
    return result.stderr


def is_not_whole(folder: Path) -> bool:
    return (scan_in(folder) / STARTED).exists() and not (scan_in(folder) / SUMMARY).exists()


@contextmanager
def meanwhile(act: Callable[[], Any], answers: int = 1) -> Iterator[None]:
    """Do something while a scan runs: when so many of its calls are answered."""
    call, count = BaseClient._make_api_call, itertools.count(1)

    def tapped(self: BaseClient, operation: str, arguments: dict[str, Any]) -> Any:
        answer = call(self, operation, arguments)
        if operation == "Scan" and next(count) == answers:
            act()
        return answer

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(BaseClient, "_make_api_call", tapped)
        yield


def test_a_table_to_a_folder(world: World, tmp_path: Path) -> None:
    text = exported("orders", tmp_path / "new" / "folder")
    assert items_at(reader.Folder(scan_in(tmp_path / "new" / "folder"))) == ITEMS
    lines = text.splitlines()
    assert lines[0].startswith("orders: about 80 items, 0.2 MiB, 4,000 read capacity units.")
    assert lines[1].startswith("Reads 2,000 units/s (50 % of its capacity), 4 segments, eventually")
    assert "about 1 second" in lines[1]
    assert lines[2].startswith("Cost: none beyond")
    assert f"To {scan_in(tmp_path / 'new' / 'folder')}/. Ctrl-C ends it." in lines[3]
    assert lines[-1].startswith("Whole: 80 items of orders, 0.2 MiB of text read in 4 files for ")
    assert lines[-1].endswith(f"{scan_in(tmp_path / 'new' / 'folder')}/{SUMMARY}")


def test_a_table_by_its_arn_to_a_bucket(world: World) -> None:
    arn = world.client("dynamodb").describe_table(TableName="orders")["Table"]["TableArn"]
    text = exported(arn, "s3://backups/by/hand/", "--consistent", "--segments", 2)
    assert "2 segments, strongly consistent" in text
    assert "s3://backups/by/hand/AWSDynamoDB/" in text
    keys = world.client("s3").list_objects_v2(Bucket="backups", Prefix="by/hand/")["Contents"]
    assert all(one["Key"].startswith("by/hand/AWSDynamoDB/") for one in keys)
    assert items_at(prefix(world, "backups", "by/hand/")) == ITEMS
    assert "is not empty" in refused("orders", "s3://backups/by/hand")
    # a neighbour whose name begins so is none of this place
    assert "Whole: 80 items" in exported("orders", "s3://backups/by/han")


def test_a_bucket_of_another_region_is_found_and_told(world: World) -> None:
    text = exported("orders", "s3://far-backups")
    assert f"in {FAR}: moving data to another region is billed" in text
    assert items_at(prefix(world, "far-backups", "", FAR)) == ITEMS


def test_a_table_on_demand_says_its_cost(world: World, tmp_path: Path) -> None:
    text = exported("on-demand", tmp_path)
    assert "on-demand: about 80 items, 0.2 MiB, on demand." in text
    assert "Reads 1,000 units/s (the default for tables on demand)" in text
    assert "Cost: about 20 units on demand, less than 0.01 USD (us-east-1)." in text
    assert items_at(reader.Folder(scan_in(tmp_path))) == ITEMS


def test_a_rate_of_ones_own(world: World, tmp_path: Path) -> None:
    assert "Reads 500 units/s (as asked for by --rate)" in exported(
        "orders", tmp_path / "a", "--rate", 500
    )
    assert "Reads 10 units/s (ALL of its capacity)" in exported(
        "slow", tmp_path / "b", "--rate", 500
    )


def test_an_empty_table_is_whole(world: World, tmp_path: Path) -> None:
    text = exported("none", tmp_path / "a")
    assert "empty when it was last counted" in text
    assert "how long is not known" in text
    assert "Whole: 0 items of none" in text
    world.set_table("none", size_bytes=5_000_000, item_count=300)
    try:
        text = exported("none", tmp_path / "b")
    finally:
        world.set_table("none", size_bytes=None, item_count=None)
    assert "none: about 300 items, 4.8 MiB" in text
    assert "it is empty, for it was counted up to six hours ago" in text


def test_ctrl_c_says_how_to_go_on_and_nothing_is_read_twice(world: World, tmp_path: Path) -> None:
    with meanwhile(lambda: os.kill(os.getpid(), signal.SIGINT), answers=4):
        text = exported("slow", tmp_path, code=1)
    again = f"hippolyte export slow {tmp_path} --resume"
    assert "NOT WHOLE: stopped after " in text
    assert text.rstrip().endswith(f"is not read again. Go on: {again}")
    assert is_not_whole(tmp_path)
    before = {path: path.read_bytes() for path in scan_in(tmp_path).glob("data/*")}
    assert before
    assert "is not empty" in refused("slow", tmp_path)
    # with segments of its own
    text = exported("slow", tmp_path, "--resume", "--rate", 400, "--segments", 1)
    assert "(goes on with the scan of " in text
    assert "4 segments" in text
    assert "Whole: 80 items of slow" in text
    assert items_at(reader.Folder(scan_in(tmp_path))) == ITEMS
    assert before.items() <= {p: p.read_bytes() for p in scan_in(tmp_path).glob("data/*")}.items()
    # a whole one is whole
    assert "Whole: 80 items of slow." in exported("slow", tmp_path, "--resume")


@pytest.mark.parametrize("harm", ["data/0001-000000.json.gz", "data", FILES])
def test_one_that_was_whole_and_lost_files_is_not_called_so(
    world: World, tmp_path: Path, harm: str
) -> None:
    exported("orders", tmp_path)
    lost = scan_in(tmp_path) / harm
    shutil.rmtree(lost) if lost.is_dir() else lost.unlink()
    text = exported("orders", tmp_path, "--resume", code=1)
    what = "its manifest is gone" if harm == FILES else "of its files are gone, as data/000"
    assert f"NOT WHOLE: {scan_in(tmp_path)}/ has a summary, but " in text
    assert what in text
    assert text.rstrip().endswith("or remove it, and begin again in an empty place.")


def test_what_cannot_begin_is_refused_and_nothing_is_written(world: World, tmp_path: Path) -> None:
    a_file = tmp_path / "file"
    a_file.write_text("x")
    for words, table, dest, *more in (
        ("There is no table nothere: check the name, --region", "nothere", tmp_path / "a"),
        ("is a file: give a folder, or s3://bucket/prefix", "orders", a_file),
        ("gs://b/x is no place to write to", "orders", "gs://b/x"),
        ("s3:// is no place to write to", "orders", "s3://"),
        ("s3:/backups/x is no place to write to", "orders", "s3:/backups/x"),
        ("An empty DEST is no place to write to", "orders", ""),
        ("Invalid bucket name", "orders", "s3://b?x/y"),
        ("There is no bucket nobucket: make it first", "orders", "s3://nobucket/x"),
        (f"{tmp_path} is not empty: name an empty place", "orders", tmp_path),
        ("holds no scan of orders to go on with", "orders", tmp_path / "a", "--resume"),
    ):
        assert words in refused(table, dest, *more)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
    assert not Path("s3:").exists()
    assert "the network" not in refused("orders", "s3://b?x/y")


def test_another_table_s_scan_is_not_gone_on_with(world: World, tmp_path: Path) -> None:
    exported("orders", tmp_path)
    text = refused("slow", tmp_path, "--resume")
    assert "holds no scan of slow to go on with (but 1 other export" in text


def test_a_table_whose_key_is_gone_is_refused(world: World, tmp_path: Path) -> None:
    world.set_table("orders", status="INACCESSIBLE_ENCRYPTION_CREDENTIALS")
    try:
        text = refused("orders", tmp_path)
    finally:
        world.set_table("orders", status=None)
    assert "orders is INACCESSIBLE_ENCRYPTION_CREDENTIALS" in text
    assert "give access to its KMS key back" in text


def test_a_table_whose_key_goes_in_mid_scan(world: World, tmp_path: Path) -> None:
    with meanwhile(lambda: world.set_table("slow", status="INACCESSIBLE_ENCRYPTION_CREDENTIALS")):
        text = exported("slow", tmp_path, code=1)
    world.set_table("slow", status=None)
    assert "INACCESSIBLE_ENCRYPTION_CREDENTIALS" in text or "KMS" in text
    assert f"When that is mended, go on: hippolyte export slow {tmp_path} --resume" in text
    assert is_not_whole(tmp_path)
    exported("slow", tmp_path, "--resume", "--rate", 400)
    assert items_at(reader.Folder(scan_in(tmp_path))) == ITEMS


def test_a_table_that_is_deleted_in_mid_scan(world: World, tmp_path: Path) -> None:
    make_table(world, "short", 10)
    world.clock.advance(600)
    fill(world, "short")
    with meanwhile(lambda: world.client("dynamodb").delete_table(TableName="short")):
        text = exported("short", tmp_path, code=1)
    assert "NOT WHOLE: " in text
    assert "can never be whole: remove it, and begin again in an empty place" in text
    assert is_not_whole(tmp_path)


def test_a_table_that_is_made_anew_in_mid_scan(world: World, tmp_path: Path) -> None:
    def anew() -> None:
        world.client("dynamodb").delete_table(TableName="anew")
        world.clock.advance(600)
        make_table(world, "anew", 10)
        world.clock.advance(600)

    make_table(world, "anew", 10)
    world.clock.advance(600)
    fill(world, "anew")
    with meanwhile(anew):
        text = exported("anew", tmp_path, code=1)
    assert "can never be whole: remove it, and begin again in an empty place" in text
    assert is_not_whole(tmp_path)
    assert "holds a scan of a table anew that was deleted since" in refused(
        "anew", tmp_path, "--resume"
    )


def test_a_table_that_is_switched_to_on_demand_in_mid_scan(world: World, tmp_path: Path) -> None:
    def switch() -> None:
        world.client("dynamodb").update_table(TableName="switched", BillingMode="PAY_PER_REQUEST")
        world.clock.advance(600)

    make_table(world, "switched", 10)
    world.clock.advance(600)
    fill(world, "switched")
    with meanwhile(switch):
        text = exported("switched", tmp_path, code=1)
    assert "switched was switched to on-demand capacity while it was read" in text
    assert is_not_whole(tmp_path)
    world.clock.advance(600)
    text = exported("switched", tmp_path, "--resume")
    assert "on demand" in text
    assert items_at(reader.Folder(scan_in(tmp_path))) == ITEMS


def test_a_folder_that_is_full(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = os.fsync

    def full(number: int) -> None:
        if os.fstat(number).st_size > 500:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        made(number)

    with monkeypatch.context() as patched:
        patched.setattr("hippolyte_cli.folder.os.fsync", full)
        text = exported("orders", tmp_path, code=1)
    assert "No space left on device" in text
    assert f"When that is mended, go on: hippolyte export orders {tmp_path} --resume" in text
    assert is_not_whole(tmp_path)
    # for smaller files there was room; nothing of a larger one is left, here or aside
    left = [path.stat().st_size for path in scan_in(tmp_path).rglob("*") if path.is_file()]
    assert max(left) <= 500
    assert "Whole: 80 items" in exported("orders", tmp_path, "--resume")
    assert items_at(reader.Folder(scan_in(tmp_path))) == ITEMS


def test_a_bucket_that_refuses(world: World) -> None:
    denied = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:PutObject",
        "Resource": "arn:aws:s3:::backups/refused/*",
    }
    s3 = world.client("s3")
    policy = {"Version": "2012-10-17", "Statement": [denied]}
    s3.put_bucket_policy(Bucket="backups", Policy=json.dumps(policy))
    try:
        text = exported("orders", "s3://backups/refused", code=1)
    finally:
        s3.delete_bucket_policy(Bucket="backups")
    assert "AccessDenied" in text
    assert "s3://backups/refused/AWSDynamoDB/" in text
    # nothing is there that could be gone on with
    again = "begin again: hippolyte export orders s3://backups/refused"
    assert text.rstrip().endswith(f"Nothing was written. When that is mended, {again}")
    assert "Contents" not in s3.list_objects_v2(Bucket="backups", Prefix="refused/")


def test_how_to_go_on_is_as_it_was_asked_for(world: World, tmp_path: Path) -> None:
    folder = tmp_path / "my backups"
    asked = ("--rate", 5, "--segments", 2, "--consistent", "--region", REGION)
    with meanwhile(lambda: os.kill(os.getpid(), signal.SIGTERM), answers=4):
        text = exported("slow", folder, *asked, code=1)
    again = f"hippolyte export slow '{folder}' --rate 5 --region {REGION} --resume"
    assert text.rstrip().endswith(f"Go on: {again}")
    with meanwhile(lambda: os.kill(os.getpid(), signal.SIGTERM), answers=1):
        text = exported("slow", folder, "--share", 20, "--resume", code=1)
    assert text.rstrip().endswith(f"hippolyte export slow '{folder}' --share 20 --resume")


@pytest.mark.parametrize("harm", [b"", b"nonsense", b"[]", b"\xff", b'{"items": []}'])
def test_metadata_that_are_none_are_told_with_their_place(
    world: World, tmp_path: Path, harm: bytes
) -> None:
    exported("orders", tmp_path)
    scan = scan_in(tmp_path)
    (scan / SUMMARY).unlink()
    (metadata,) = (scan / ".scan" / "data" / "0001-000000.json.gz").iterdir()
    metadata.write_bytes(harm)
    text = exported("orders", tmp_path, "--resume", code=1)
    assert f"{scan}/data/0001-000000.json.gz" in text
    assert is_not_whole(tmp_path)


def test_the_help_says_what_the_exit_codes_mean() -> None:
    text = " ".join(command("export", "--help").output.split())
    for word in ("--share", "--rate", "--segments", "--consistent", "--resume", "--region"):
        assert word in text
    assert "Exit code 0: the export is whole" in text


def test_as_json(world: World, tmp_path: Path) -> None:
    told = json.loads(exported("orders", tmp_path, "--json"))
    assert (told["table"], told["whole"], told["items"]) == ("orders", True, len(ITEMS))
    assert told["files"] >= 1 and told["expected_usd"] == 0
    assert told["said"].startswith("Whole: 80 items of orders")
    assert Path(told["to"]).resolve() == scan_in(tmp_path).resolve()
    (next((scan_in(tmp_path) / "data").iterdir())).unlink()
    told = json.loads(exported("orders", tmp_path, "--resume", "--json", code=1))
    assert told["whole"] is False and "NOT WHOLE: " in told["said"]
