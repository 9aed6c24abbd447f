"""DynamoDBExport as a step: arguments, rate and time, output, logs, refusals."""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from hippolyte.exports.dynamodbexport import FormatError, parse_manifest, read_items
from local.dynamodb import metering
from local.dynamodb.application import Application
from local.iam import roles
from local.programs import start
from local.programs.export import LAUNCH_SECONDS, STARTUP_SECONDS, running_steps
from local.programs.export_arguments import ToolError, UsageError, parse
from local.programs.step_context import Outcome, StepContext
from tests.support.jobs_world import (
    BUCKET,
    EXPORT_CLASS,
    JAR,
    MIB,
    START,
    body,
    keys,
    make_table,
    small_world,
)

OUT = f"s3://{BUCKET}/out/orders"


@pytest.fixture
def world() -> Iterator[Any]:
    with small_world() as made:
        yield made


class Step:
    """A step on its own, without a cluster."""

    def __init__(
        self, world: Any, *args: str, log: bool = True, jar: str = JAR, slots: int = 20
    ) -> None:
        self.world = world
        self.outcome: Outcome | None = None
        self.ended: Any = None
        context = StepContext(
            world=world,
            account=world.account,
            partition="aws",
            region=world.region,
            cluster_id="j-1",
            step_id="s-1",
            role="cluster-role",
            log_uri=f"s3://{BUCKET}/logs/" if log else None,
            jar=jar,
            args=(EXPORT_CLASS, *args),
            slots=slots,
        )
        self.program = start.start(context, self._done)

    def _done(self, outcome: Outcome) -> None:
        self.outcome = outcome
        self.ended = self.world.clock.now()

    def run(self) -> Outcome:
        self.world.advance_until(lambda: self.outcome is not None)
        assert self.outcome is not None
        return self.outcome


def log(world: Any, name: str = "stderr") -> str:
    return gzip.decompress(body(world, f"logs/j-1/steps/s-1/{name}.gz")).decode()


# --- arguments


def test_arguments() -> None:
    found = parse(("-Da=b", "-D", "c=d", f"{OUT}/", "orders", "0.681", "7"))
    assert (found.options, found.output) == ({"a": "b", "c": "d"}, OUT)
    assert (found.table, found.ratio, found.segments) == ("orders", 0.681, 7)
    assert parse((OUT, "orders")).ratio == 0.5


@pytest.mark.parametrize("args", [(), (OUT,), (OUT, "t", "x"), (OUT, "t", "1", "y"), ("a",) * 5])
def test_bad_arguments_are_a_usage_error(args: tuple[str, ...]) -> None:
    with pytest.raises(UsageError):
        parse(args)


def test_a_ratio_must_be_above_0() -> None:
    with pytest.raises(ToolError, match="not above 0"):
        parse((OUT, "t", "0"))


def test_a_usage_error_exits_with_255(world: Any) -> None:
    outcome = Step(world, OUT).run()
    assert not outcome.succeeded
    assert "exit code 255" in log(world, "controller")


# --- rate and time


@pytest.mark.parametrize(
    ("read", "ratio", "rate"),
    [(100, "0.5", 50), (5, "0.5", 2), (1, "0.5", 1), (1569, "0.681", 1068), (None, "0.025", 1000)],
)
def test_rate_is_fixed_at_the_start(world: Any, read: int | None, ratio: str, rate: int) -> None:
    size = rate * 8192 * 600  # ten minutes of reading
    make_table(world, "orders", read=read, size=size)
    step = Step(world, OUT, "orders", ratio)
    world.clock.advance(60)
    (running,) = running_steps(world)
    assert (running.table, running.read_units_per_second) == ("orders", rate)
    assert running.read_capacity == read
    if read:
        world.client("dynamodb").update_table(
            TableName="orders",
            ProvisionedThroughput={"ReadCapacityUnits": 4000, "WriteCapacityUnits": 5},
        )
    assert step.run().succeeded
    (consumed,) = world.consumption
    assert (consumed.read_units_per_second, consumed.read_capacity) == (rate, read)
    assert consumed.start == START + timedelta(seconds=LAUNCH_SECONDS)
    seconds = 600 - sum(consumed.bursts) / rate
    took = timedelta(seconds=LAUNCH_SECONDS + STARTUP_SECONDS + seconds)
    assert step.ended == consumed.end == START + took
    assert running_steps(world) == []


@pytest.mark.parametrize(
    ("read", "slots", "rate"),
    # a mapper a 100 units/s, as many as there is room for, 128 units/s each
    [(380, 20, 128), (400, 20, 200), (15_812, 3, 384), (15_812, 100, 7906), (15_812, 1, 128)],
)
def test_mappers_bind_what_is_read(world: Any, read: int, slots: int, rate: int) -> None:
    make_table(world, "orders", read=read, size=rate * 8192 * 600)
    step = Step(world, OUT, "orders", "0.5", slots=slots)
    assert step.run().succeeded
    (consumed,) = world.consumption
    assert consumed.read_units_per_second == rate
    seconds = 600 - sum(consumed.bursts) / rate
    assert step.ended == START + timedelta(seconds=LAUNCH_SECONDS + STARTUP_SECONDS + seconds)


def read_at(world: Any, after: float) -> float:
    """Return the units read of `orders` in a second of the world."""
    ledger = metering.ledger(world, world.account, world.region, "orders")
    return ledger.units.get(int(START.timestamp() + after), 0.0)


@pytest.mark.parametrize(
    ("read", "left", "size", "burst"),
    [
        (100, 300, 50 * 8192 * 600, 250),  # five seconds of half the capacity
        (1, 300, 8192 * 600, 5),  # one unit/s, whatever the share
        (100, 2, 50 * 8192 * 600, 200),  # the table has saved less
        (100, 300, 8192 * 30, 30),  # the table holds less
        (None, 300, 20_000 * 8192 * 600, 30_000),  # no more than ten partitions give at once
    ],
)
@pytest.mark.parametrize("jar", [JAR, f"s3://{BUCKET}/tool.jar"], ids=["hosted", "own"])
def test_five_seconds_worth_is_read_at_once(
    world: Any, read: int | None, left: int, size: int, burst: int, jar: str
) -> None:
    """The tool's token bucket starts full; seen: connector 6.1.0-SNAPSHOT and 4.11."""
    make_table(world, "orders", read=read, size=size)
    world.client("s3").put_object(Bucket=BUCKET, Key="tool.jar", Body=b"jar")
    world.set_table("orders", burst_seconds=left)
    step = Step(world, OUT, "orders", "0.5", jar=jar, slots=1000)
    world.clock.advance(LAUNCH_SECONDS + STARTUP_SECONDS - 1)
    reads_begin = LAUNCH_SECONDS + STARTUP_SECONDS
    assert read_at(world, reads_begin) == 0
    world.clock.advance(1)
    assert read_at(world, reads_begin) == burst
    assert step.run().succeeded
    (consumed,) = world.consumption
    assert consumed.bursts == (burst,)
    rate = consumed.read_units_per_second
    took = timedelta(seconds=reads_begin + (size / 8192 - burst) / rate)
    assert step.ended - START == took


def test_tasks_that_are_tried_again_begin_with_full_buckets(world: Any) -> None:
    make_table(world, "orders", read=100, size=50 * 8192 * 600)
    step = Step(world, OUT, "orders", "0.5")
    world.clock.advance(300)
    step.program.lose_nodes(every=False)
    assert step.run().succeeded
    (consumed,) = world.consumption
    assert consumed.bursts == (250, 250)


@pytest.mark.parametrize(("saved", "throttled"), [(1, True), (300, False)])
def test_what_is_read_at_once_is_taken_from_the_application(
    world: Any, saved: int, throttled: bool
) -> None:
    make_table(world, "orders", read=100, size=50 * 8192 * 600)
    world.set_table("orders", burst_seconds=saved)
    world.live_capacity = True
    application = Application(world, "orders", lambda _: 90)
    Step(world, OUT, "orders", "0.5")
    world.clock.advance(LAUNCH_SECONDS + STARTUP_SECONDS - 1)
    assert application.throttled == []
    world.clock.advance(10)
    assert bool(application.throttled) == throttled


def test_nothing_is_there_before_the_end(world: Any) -> None:
    make_table(world, "orders", size=100 * MIB)
    step = Step(world, OUT, "orders")
    world.clock.advance(100)
    assert keys(world) == ["out/orders/_temporary_$folder$", "out/orders_$folder$"]
    step.run()
    found = keys(world, "out/")
    assert found[-1] == "out/orders_$folder$"
    assert "out/orders/_temporary_$folder$" not in found


# --- output


def test_output_and_log(world: Any) -> None:
    make_table(world, "orders", items=7)
    assert Step(world, "-Dmapreduce.map.speculative=false", OUT, "orders", "0.5").run().succeeded
    (url,) = parse_manifest(body(world, "out/orders/manifest"))
    name = url.removeprefix(f"s3://{BUCKET}/")
    assert len(list(read_items(io.BytesIO(body(world, name)), name))) == 7
    assert body(world, "out/orders/_SUCCESS") == b""
    text = log(world)
    assert "\t\tDYNAMODB_ITEMS_READ=7\n" in text
    assert "\t\tOUTPUT_FILES=1\n" in text
    assert "exit code 0" in log(world, "controller")
    assert "Output path: " in log(world, "stdout")


CODEC = "-Dmapreduce.output.fileoutputformat.compress.codec=org.apache.hadoop.io.compress.GzipCodec"


@pytest.mark.parametrize(("codec", "suffix"), [([], ".deflate"), ([CODEC], ".gz")])
def test_compressed_output(world: Any, codec: list[str], suffix: str) -> None:
    make_table(world, "orders")
    packed = "-Dmapreduce.output.fileoutputformat.compress=true"
    Step(world, packed, *codec, OUT, "orders").run()
    (url,) = parse_manifest(body(world, "out/orders/manifest"))
    name = url.removeprefix(f"s3://{BUCKET}/")
    assert name.endswith(suffix)
    unpacked = {".gz": gzip.decompress, ".deflate": zlib.decompress}[suffix](body(world, name))
    assert len(list(read_items(io.BytesIO(unpacked), "file"))) == 5


@pytest.mark.parametrize(
    ("jar", "null"),
    [(f"s3://{BUCKET}/tool.jar", b'{"nULL":true}'), (JAR, b'{"nULLValue":true}')],
    ids=["5.x and later", "hosted, 4.11"],
)
def test_null_is_spelt_as_the_version_does(world: Any, jar: str, null: bytes) -> None:
    make_table(world, "orders", items=0)
    world.client("s3").put_object(Bucket=BUCKET, Key="tool.jar", Body=b"jar")
    item = {"pk": {"S": '{"nULL":true}'}, "nULL": {"NULL": True}}
    world.client("dynamodb").put_item(TableName="orders", Item=item)

    Step(world, OUT, "orders", jar=jar).run()

    (url,) = parse_manifest(body(world, "out/orders/manifest"))
    content = body(world, url.removeprefix(f"s3://{BUCKET}/"))
    assert b'"nULL":' + null in content
    assert list(read_items(io.BytesIO(content), "file")) == [item]


def test_an_empty_table(world: Any) -> None:
    make_table(world, "orders", items=0, size=0)
    assert Step(world, OUT, "orders").run().succeeded
    assert parse_manifest(body(world, "out/orders/manifest")) == []
    assert "ExportMapper" not in log(world), "a counter that was never raised is not printed"
    assert "Map input records=0\n" in log(world)


def test_every_type_of_attribute_arrives_as_it_was(world: Any) -> None:
    make_table(world, "orders", items=0)
    item = {
        "pk": {"S": "x"},
        "n": {"N": "-0.000123"},
        "b": {"B": b"\x00\x01"},
        "flag": {"BOOL": False},
        "nothing": {"NULL": True},
        "ss": {"SS": ["a", "b"]},
        "ns": {"NS": ["1", "2.5"]},
        "bs": {"BS": [b"a", b"\xff"]},
        "l": {"L": [{"B": b"z"}, {"L": []}]},
        "m": {"M": {"in": {"M": {}}, "b": {"B": b"q"}}},
    }
    world.client("dynamodb").put_item(TableName="orders", Item=item)
    Step(world, OUT, "orders").run()
    (url,) = parse_manifest(body(world, "out/orders/manifest"))
    name = url.removeprefix(f"s3://{BUCKET}/")
    (found,) = read_items(io.BytesIO(body(world, name)), name)
    assert found == item


def test_a_table_with_a_range_key(world: Any) -> None:
    dynamodb = world.client("dynamodb")
    dynamodb.create_table(
        TableName="orders",
        AttributeDefinitions=[
            {"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")
        ],
        KeySchema=[
            {"AttributeName": "pk", "KeyType": "HASH"},
            {"AttributeName": "sk", "KeyType": "RANGE"},
        ],
        BillingMode="PAY_PER_REQUEST",
    )
    for number in range(4):
        dynamodb.put_item(
            TableName="orders", Item={"pk": {"S": str(number % 2)}, "sk": {"S": str(number)}}
        )
    Step(world, OUT, "orders").run()
    assert "DYNAMODB_ITEMS_READ=4\n" in log(world)


# --- refusals


def test_an_output_that_exists(world: Any) -> None:
    make_table(world, "orders")
    world.client("s3").put_object(Bucket=BUCKET, Key="out/orders/old", Body=b"")
    outcome = Step(world, OUT, "orders").run()
    assert outcome.reason == "Output directory already exists."
    assert f"Output directory {OUT} already exists" in outcome.message
    assert outcome.log_file == f"s3://{BUCKET}/logs/j-1/steps/s-1/stderr.gz"
    assert f"Output directory {OUT} already exists" in log(world)


def test_a_neighbours_output_is_none_of_ours(world: Any) -> None:
    make_table(world, "orders")
    world.client("s3").put_object(Bucket=BUCKET, Key="out/orders-2/old", Body=b"")
    assert Step(world, OUT, "orders").run().succeeded


def test_a_table_that_is_not_there(world: Any) -> None:
    outcome = Step(world, OUT, "orders").run()
    assert "ResourceNotFoundException" in outcome.message
    assert keys(world, "out/") == []


def test_a_table_that_goes_away(world: Any) -> None:
    make_table(world, "orders", size=100 * MIB)
    step = Step(world, OUT, "orders")
    world.clock.advance(120)
    world.client("dynamodb").delete_table(TableName="orders")
    assert "ResourceNotFoundException" in step.run().message
    assert len(world.consumption) == 1
    assert running_steps(world) == []


@pytest.mark.parametrize(
    "action",
    [
        "dynamodb:DescribeTable",
        "dynamodb:Scan",
        "s3:PutObject",
        "s3:ListBucket",
        "s3:DeleteObject",
        "s3:GetObject",
    ],
)
def test_what_the_role_may_not_do(world: Any, monkeypatch: pytest.MonkeyPatch, action: str) -> None:
    make_table(world, "orders")
    monkeypatch.setattr(roles, "may", lambda w, account, role, asked, *rest: asked != action)
    outcome = Step(world, OUT, "orders").run()
    assert not outcome.succeeded
    assert "AccessDenied" in outcome.message
    assert action in outcome.message


def test_a_bucket_that_is_not_there(world: Any) -> None:
    make_table(world, "orders")
    assert "NoSuchBucket" in Step(world, "s3://nowhere/x", "orders").run().message


def test_logs_need_a_place_and_the_right_to_write(
    world: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_table(world, "orders")
    assert Step(world, OUT, "orders", log=False).run().succeeded
    assert keys(world, "logs/") == []
    monkeypatch.setattr(
        roles, "may", lambda w, account, role, asked, arn, *rest: "/logs/" not in arn
    )
    assert Step(world, OUT + "2", "orders").run().succeeded
    assert keys(world, "logs/") == []


def test_a_stopped_step_says_nothing_and_reads_no_more(world: Any) -> None:
    make_table(world, "orders", size=100 * MIB)
    step = Step(world, OUT, "orders")
    world.clock.advance(100)
    step.program.stop()
    world.clock.advance(3600)
    assert step.outcome is None
    assert "out/orders/manifest" not in keys(world)
    assert world.consumption[0].end == START + timedelta(seconds=100)


# --- faults


def test_a_hung_step_reads_for_ever(world: Any) -> None:
    make_table(world, "orders")
    world.faults.step_hangs["orders"] = 1
    step = Step(world, OUT, "orders")
    world.clock.advance(86_400)
    assert step.outcome is None
    assert len(running_steps(world)) == 1


def test_success_without_output(world: Any) -> None:
    make_table(world, "orders")
    world.faults.claims_success_without_output["orders"] = 1
    assert Step(world, OUT, "orders").run().succeeded
    assert "out/orders/manifest" not in keys(world)


def test_a_truncated_file(world: Any) -> None:
    make_table(world, "orders")
    world.faults.truncated_file["orders"] = 1
    assert Step(world, OUT, "orders").run().succeeded
    (url,) = parse_manifest(body(world, "out/orders/manifest"))
    name = url.removeprefix(f"s3://{BUCKET}/")
    with pytest.raises(FormatError):
        list(read_items(io.BytesIO(body(world, name)), name))


def test_a_listed_file_that_is_missing(world: Any) -> None:
    make_table(world, "orders")
    world.faults.missing_listed_file["orders"] = 1
    assert Step(world, OUT, "orders").run().succeeded
    (url,) = parse_manifest(body(world, "out/orders/manifest"))
    assert url.removeprefix(f"s3://{BUCKET}/") not in keys(world)


def test_fewer_items(world: Any) -> None:
    make_table(world, "orders", items=9)
    world.faults.fewer_items["orders"] = 1
    Step(world, OUT, "orders").run()
    assert "DYNAMODB_ITEMS_READ=6\n" in log(world)


def test_no_two_losses_are_alike(world: Any) -> None:
    make_table(world, "orders", items=9)
    world.faults.fewer_items["orders"] = 3
    for number, left in enumerate((6, 3, 6, 9)):
        Step(world, f"{OUT}{number}", "orders").run()
        assert f"DYNAMODB_ITEMS_READ={left}\n" in log(world)


def test_a_table_that_is_not_counted_yet_takes_its_time_all_the_same(world: Any) -> None:
    make_table(world, "orders", read=100, size=0)
    world.set_table("orders", read_bytes=50 * 8192 * 600)
    Step(world, OUT, "orders").run()
    (consumed,) = world.consumption
    took = timedelta(seconds=LAUNCH_SECONDS + STARTUP_SECONDS + 595)
    assert consumed.end == START + took


def test_a_log_that_never_arrives(world: Any) -> None:
    make_table(world, "orders")
    world.faults.no_log["orders"] = 1
    assert Step(world, OUT, "orders").run().succeeded
    assert keys(world, "logs/") == []


def test_a_fault_is_used_up(world: Any) -> None:
    make_table(world, "orders")
    world.faults.step_fails["orders"] = 1
    assert not Step(world, OUT, "orders").run().succeeded
    assert Step(world, OUT + "2", "orders").run().succeeded
