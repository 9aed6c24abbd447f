"""Loads into tables of the local AWS: killed, throttled, refused; the items are the backup's."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from hippolyte.errors import HippolyteError
from hippolyte.exports.lines import Item
from hippolyte.exports.reader import FormatError, Prefix, find
from hippolyte.scan.reading import Gone, Refused
from hippolyte.store import Store
from hippolyte_cli.restore.batches import ReadError
from hippolyte_cli.restore.journal import Journal
from hippolyte_cli.restore.pace import Rate
from hippolyte_cli.restore.patience import GivenUp
from hippolyte_cli.restore.values import canonical_item, item_bytes
from hippolyte_cli.restore.writer import Loaded
from local.dynamodb.metering import hash_place
from local.world import World
from tests.support.aws_world import in_process, make_table
from tests.support.exports import native_export
from tests.support.loads import Target, answer, backup_in, dealt, odd_items
from tests.support.scans import Killed


@pytest.fixture
def world() -> Iterator[World]:
    with in_process() as made:
        yield made


@pytest.fixture
def target(world: World, tmp_path: Path) -> Target:
    make_table(world, "orders", read=None)
    return Target(world, "orders", tmp_path)


def numbered(count: int, **more: Any) -> list[Item]:
    return [{"pk": {"S": f"{n:05d}"}, "n": {"N": str(n)}, **more} for n in range(count)]


def same(one: list[Item], other: list[Item]) -> bool:
    def by_key(items: list[Item]) -> dict[str, Any]:
        found = {item["pk"]["S"]: canonical_item(item) for item in items}
        assert len(found) == len(items)
        return found

    return by_key(one) == by_key(other)


def test_what_is_written_is_the_backup(target: Target, tmp_path: Path) -> None:
    items = odd_items()
    loaded = target.load(backup_in(tmp_path / "b", dealt(items, 5)))
    assert same(target.kept(), items)
    assert (loaded.read, loaded.written, loaded.complete) == (len(items), len(items), True)
    assert loaded.of == len(items)
    assert set(target.calls) == {"BatchWriteItem"}
    # 16 MB is what the service takes; nothing is escaped on the way
    assert max(map(len, target.bodies)) < 4 * 1024 * 1024


def test_many_threads_write_the_same(target: Target, tmp_path: Path) -> None:
    items = numbered(1000)
    told: list[Loaded] = []
    backup = backup_in(tmp_path / "b", dealt(items, 7))
    loaded = target.load(backup, threads=8, clockwork=None, progress=told.append)
    assert same(target.kept(), items)
    assert (loaded.written, loaded.units, loaded.complete) == (1000, 1000.0, True)
    assert told[-1] == loaded


@pytest.mark.parametrize("when", ["before", "after"])
def test_killed_at_each_request_it_goes_on(world: World, tmp_path: Path, when: str) -> None:
    items = odd_items()
    backup = backup_in(tmp_path / "b", dealt(items, 3))
    number, went_on = 0, 0
    while True:
        number += 1
        name = f"orders-{number}"
        make_table(world, name, read=None)
        target = Target(world, name, tmp_path / name, look_seconds=1.0)

        def kill(at: int, number: int = number) -> None:
            if at == number:
                raise Killed

        setattr(target, when, kill)
        try:
            target.load(backup, journal=Dying(target.folder / "journal", {"table": name}))
        except Killed:
            pass
        else:
            break
        setattr(target, when, lambda _: None)
        journal = target.journal()
        went_on += journal.lines
        before = len(target.calls)
        loaded = target.load(backup, journal=journal)
        assert loaded.before == loaded.of - loaded.read  # type: ignore[operator]
        assert same(target.kept(), items)
        # of what was certainly written, nothing is sent again
        assert len(target.calls) - before <= 1 + max(1, 40 - number)
    assert number > 10
    assert went_on > len(items)


class Dying(Journal):
    """A journal of a process that is killed: nothing is written at its end."""

    def save(self, now: float, *, last: bool = False) -> None:
        if not last:
            super().save(now)


def test_stopped_it_says_so_and_goes_on(target: Target, tmp_path: Path) -> None:
    items = numbered(500)
    backup = backup_in(tmp_path / "b", dealt(items, 4))
    target.look_seconds = 1.0
    loaded = target.load(backup, stopped=lambda: len(target.calls) >= 5)
    assert not loaded.complete
    assert 0 < loaded.written < 500
    again = target.load(backup)
    assert (again.before, again.written) == (loaded.written, 500 - loaded.written)
    assert same(target.kept(), items)


def test_another_machine_goes_on_by_what_is_beside_the_backup(
    target: Target, tmp_path: Path
) -> None:
    items = numbered(500)
    s3 = target.world.client("s3")
    s3.create_bucket(Bucket="backups")
    for name, content in native_export(dealt(items, 4)).items():
        s3.put_object(Bucket="backups", Key=f"orders/{name}", Body=content)
    store = Store(s3, "backups")
    backup = find(Prefix(store, "orders/"))

    def journal(machine: str) -> Journal:
        beside = (store, "restores/orders.json")
        return Journal(tmp_path / machine, {"table": "orders"}, beside).read()

    target.look_seconds = 1.0
    loaded = target.load(
        backup, journal=journal("one"), stopped=lambda: len(target.calls) >= 9, at_once=2
    )
    assert 0 < loaded.written < 500
    again = journal("other")
    rest = target.load(backup, journal=again, at_once=2)
    assert (rest.before, rest.written) == (loaded.written, 500 - loaded.written)
    assert same(target.kept(), items)
    assert journal("third").lines == 500
    again.remove()
    assert journal("fourth").lines == 0


def test_mixed_files_are_written_faster_than_in_order(world: World, tmp_path: Path) -> None:
    items = numbered(1600, text={"S": "x" * 4500})
    world.live_capacity = True
    items.sort(key=lambda item: hash_place(item["pk"]["S"]))
    backup = backup_in(tmp_path / "b", [items[at : at + 200] for at in range(0, 1600, 200)])
    took, written = {}, {}
    for at_once in (1, 8):
        name = f"orders-{at_once}"
        make_table(world, name, read=5)
        world.client("dynamodb").update_table(
            TableName=name,
            ProvisionedThroughput={"ReadCapacityUnits": 5, "WriteCapacityUnits": 4000},
        )
        world.clock.advance(600)
        world.set_table(name, partitions=4, burst_seconds=1)
        target = Target(world, name, tmp_path / name, look_seconds=0.001)
        loaded = target.load(backup, rate=Rate(4000), at_once=at_once)
        took[at_once], written[at_once] = loaded.seconds, loaded.written
    assert written == {1: 1600, 8: 1600}
    # 8,000 units: a partition takes 1,000 a second, the table 4,000
    assert took[1] > 4
    assert took[8] < took[1] / 2


def test_it_writes_at_the_rate_and_not_above(target: Target, tmp_path: Path) -> None:
    backup = backup_in(tmp_path / "b", dealt(numbered(300, text={"S": "x" * 2000}), 3))
    loaded = target.load(backup, rate=Rate(60))
    assert loaded.units == 600
    # a second's worth may be saved
    assert 8.5 < loaded.seconds < 11


@pytest.mark.parametrize(
    "refusal",
    [
        answer(400, "ProvisionedThroughputExceededException"),
        answer(400, "RequestLimitExceeded"),
        answer(400, "ThrottlingException"),
        answer(
            400,
            "ThrottlingException",
            throttlingReasons=[{"reason": "TableWriteKeyRangeThroughputExceeded"}],
        ),
    ],
    ids=["provisioned", "account", "throttling", "reason"],
)
def test_throttled_it_sends_again(target: Target, tmp_path: Path, refusal: Any) -> None:
    items = numbered(100)
    target.before = lambda number: refusal if number % 3 else None
    loaded = target.load(backup_in(tmp_path / "b", dealt(items, 2)))
    assert same(target.kept(), items)
    assert loaded.throttled > 0


def test_a_partition_that_is_throttled_slows_its_batch_alone(world: World, tmp_path: Path) -> None:
    took = {}
    for reason in ("TableWriteKeyRange", "TableWriteProvisioned"):
        name = f"orders-{reason}"
        make_table(world, name, read=None)
        target = Target(world, name, tmp_path / name)
        why = [{"reason": f"{reason}ThroughputExceeded"}]
        refusal = answer(400, "ThrottlingException", throttlingReasons=why)
        target.before = lambda n, refusal=refusal: refusal if n < 60 and n % 2 else None
        items = numbered(2000)
        loaded = target.load(backup_in(target.folder / "b", dealt(items, 2)), rate=Rate(100))
        assert (loaded.written, loaded.throttled) == (2000, 30)
        took[reason] = loaded.seconds
    assert took["TableWriteKeyRange"] < 25
    assert took["TableWriteProvisioned"] > took["TableWriteKeyRange"] * 1.5


@pytest.mark.parametrize(
    "fault",
    [
        answer(500, "InternalServerError"),
        answer(503),
        answer(400, "ReplicatedWriteConflictException"),
        EndpointConnectionError(endpoint_url="http://there"),
    ],
    ids=["500", "503", "conflict", "connection"],
)
def test_what_passes_is_sent_again(target: Target, tmp_path: Path, fault: Any) -> None:
    def fails(number: int) -> Any:
        if number % 2 == 0:
            return None
        if isinstance(fault, Exception):
            raise fault
        return fault

    items = numbered(100)
    target.before = fails
    loaded = target.load(backup_in(tmp_path / "b", dealt(items, 2)))
    assert same(target.kept(), items)
    assert loaded.throttled == 0


def test_a_batch_that_is_always_refused_goes_in_halves(target: Target, tmp_path: Path) -> None:
    items = numbered(25)

    def too_many(_: int) -> Any:
        many = target.bodies[-1].count(b"PutRequest") > 3
        return answer(400, "ThrottlingException") if many else None

    target.before = too_many
    target.load(backup_in(tmp_path / "b", dealt(items, 1)))
    assert same(target.kept(), items)


def test_refused_for_long_it_gives_up_and_keeps_what_is_written(
    target: Target, tmp_path: Path
) -> None:
    backup = backup_in(tmp_path / "b", dealt(numbered(100), 2))
    target.before = lambda number: answer(500, "InternalServerError") if number > 2 else None
    told: list[Loaded] = []
    with pytest.raises(GivenUp, match="nothing for 10 minutes"):
        target.load(backup, progress=told.append)
    assert (told[-1].written, told[-1].complete) == (50, False)
    target.before = lambda _: None
    again = target.load(backup)
    assert (again.before, again.written) == (50, 50)


@pytest.mark.parametrize("code", ["AccessDeniedException", "UnrecognizedClientException"])
def test_a_refusal_that_stays_ends_it(target: Target, tmp_path: Path, code: str) -> None:
    target.before = lambda _: answer(400, code, message="not you")
    with pytest.raises(Refused, match="not you"):
        target.load(backup_in(tmp_path / "b", dealt(numbered(100), 2)))
    assert len(target.calls) == 1


def test_no_such_table(target: Target, tmp_path: Path) -> None:
    target.table = "nowhere"
    with pytest.raises(Gone):
        target.load(backup_in(tmp_path / "b", dealt(numbered(3), 1)))


def test_an_item_that_the_table_does_not_take_is_named(target: Target, tmp_path: Path) -> None:
    items = numbered(40)
    items[17]["pk"] = {"N": "17"}
    with pytest.raises(FormatError, match=r"data/0\.json\.gz, line 18: orders does not take"):
        target.load(backup_in(tmp_path / "b", [items]))


def test_an_item_of_more_than_400_kb_is_named(target: Target, tmp_path: Path) -> None:
    items = [*numbered(30), {"pk": {"S": "large"}, "text": {"S": "x" * 409_600}}]
    with pytest.raises(FormatError, match=r"data/0\.json\.gz, line 31: an item of 409,611 bytes"):
        target.load(backup_in(tmp_path / "b", [items]))
    # nothing of its batch
    assert len(target.kept()) == 25


def test_an_item_without_the_key_is_named(target: Target, tmp_path: Path) -> None:
    backup = backup_in(tmp_path / "b", [[*numbered(3), {"other": {"S": "x"}}]])
    with pytest.raises(FormatError, match=r"data/0\.json\.gz, line 4: .* no attribute pk"):
        target.load(backup)
    assert target.kept() == []


def test_a_key_that_comes_twice_is_not_refused(target: Target, tmp_path: Path) -> None:
    items = numbered(60)
    loaded = target.load(backup_in(tmp_path / "b", [items, items]))
    assert loaded.written == 120
    assert same(target.kept(), items)


def test_only_what_is_missing(target: Target, tmp_path: Path) -> None:
    items = odd_items()
    there = [{"pk": item["pk"], "mine": {"S": "x"}} for item in items[::3]]
    target.world.put_items("orders", there)
    loaded = target.load(backup_in(tmp_path / "b", dealt(items, 4)), mode="only-missing")
    wanted = [there[n // 3] if n % 3 == 0 else item for n, item in enumerate(items)]
    assert same(target.kept(), wanted)
    assert (loaded.same, loaded.written) == (len(there), len(items) - len(there))


def test_only_what_is_changed(target: Target, tmp_path: Path) -> None:
    # those that have room for more
    items = [item for item in odd_items() if item_bytes(item) < 400_000]
    target.load(backup_in(tmp_path / "a", dealt(items, 4)), journal=target.journal("first"))
    differs = {n: {**items[n], "more": {"S": "x"}} for n in range(0, len(items), 7)}
    changed = [
        {**differs.get(n, item), "n": {"N": "1.50"}, "set": {"NS": ["1", "2.0"]}}
        for n, item in enumerate(items)
    ]
    first = target.load(
        backup_in(tmp_path / "b", dealt(changed, 4)),
        mode="only-changed",
        journal=target.journal("second"),
    )
    assert first.written == len(items)
    respelt = [{**item, "n": {"N": "15E-1"}, "set": {"NS": ["2", "1"]}} for item in changed]
    for n in range(0, len(items), 10):
        respelt[n]["more"] = {"S": "y"}
    loaded = target.load(
        backup_in(tmp_path / "c", dealt(respelt, 4)),
        mode="only-changed",
        journal=target.journal("third"),
    )
    assert loaded.written == len(range(0, len(items), 10))
    assert same(target.kept(), respelt)


def test_only_what_is_asked_for(target: Target, tmp_path: Path) -> None:
    items = numbered(90)
    backup = backup_in(tmp_path / "b", dealt(items, 3))
    loaded = target.load(backup, where=lambda item: int(item["n"]["N"]) >= 80)
    assert same(target.kept(), items[80:])
    assert (loaded.read, loaded.written, loaded.skipped) == (90, 10, 80)
    # to the last line, though nothing of it is written
    assert target.journal().lines == 90


def test_reads_that_are_throttled_are_made_again(target: Target, tmp_path: Path) -> None:
    items = numbered(300)
    backup = backup_in(tmp_path / "b", dealt(items, 3))
    target.before = lambda number: answer(400, "ThrottlingException") if number % 2 else None
    target.load(backup, mode="only-missing")
    assert same(target.kept(), items)


def test_a_damaged_file_ends_it_with_file_and_line(target: Target, tmp_path: Path) -> None:
    backup = backup_in(tmp_path / "b", dealt(numbered(100), 4))
    path = next((tmp_path / "b").rglob("2.json.gz"))
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(FormatError, match=r"2\.json\.gz"):
        target.load(backup)


def test_a_file_that_may_not_be_read_is_named(target: Target, tmp_path: Path) -> None:
    items = numbered(100)
    whole = backup_in(tmp_path / "b", dealt(items, 4))

    class Closed:
        denied = True

        def names(self) -> Any:
            return whole.place.names()

        def open(self, name: str) -> Any:
            if self.denied and name.endswith("/2.json.gz"):
                raise ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "GetObject")
            return whole.place.open(name)

    place = Closed()
    backup = replace(whole, place=place)
    with pytest.raises(ReadError, match=r"data/2\.json\.gz cannot be read: .*AccessDenied"):
        target.load(backup, at_once=1)
    place.denied = False
    loaded = target.load(backup, at_once=1)
    assert 0 < loaded.before <= 50
    assert same(target.kept(), items)


def test_no_room_for_the_journal(target: Target, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    journal = Journal(tmp_path / "file" / "below", {})
    with pytest.raises(HippolyteError, match="Make room there or name another"):
        target.load(backup_in(tmp_path / "b", dealt(numbered(100), 4)), journal=journal)


def test_threads_end_with_the_load(target: Target, tmp_path: Path) -> None:
    before = threading.active_count()
    target.before = lambda number: answer(400, "AccessDeniedException") if number > 3 else None
    backup = backup_in(tmp_path / "b", dealt(numbered(2000), 4))
    with pytest.raises(Refused):
        target.load(backup, threads=4, clockwork=None)
    assert threading.active_count() == before
