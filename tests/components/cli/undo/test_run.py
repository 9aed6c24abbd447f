"""Undos of random damage in tables of the local AWS: killed, throttled, changed meanwhile."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hippolyte.errors import HippolyteError
from hippolyte.exports.lines import Item
from hippolyte.exports.reader import Folder, find
from hippolyte.scan.reading import Gone
from hippolyte_cli.folder import FolderSink
from hippolyte_cli.restore.journal import Journal
from hippolyte_cli.restore.pace import Rate
from hippolyte_cli.restore.values import canonical_item
from hippolyte_cli.undo.change import Change, change_of
from hippolyte_cli.undo.keep import NotKeptError, keep
from hippolyte_cli.undo.plan import Plan
from hippolyte_cli.undo.requests import sdk_item
from hippolyte_cli.undo.run import Left, Made, run
from local.world import World
from tests.support.aws_world import START, describe, in_process, make_table
from tests.support.comparing import compared, respelt, side
from tests.support.loads import Target, answer, odd_items
from tests.support.scans import Killed


@pytest.fixture
def world() -> Iterator[World]:
    with in_process() as made:
        yield made


@pytest.fixture
def target(world: World, tmp_path: Path) -> Target:
    make_table(world, "orders", read=None)
    return Target(world, "orders", tmp_path)


def by_key(items: Sequence[Item]) -> dict[str, Any]:
    found = {json.dumps(item["pk"]): canonical_item(item) for item in items}
    assert len(found) == len(items)
    return found


def fill(target: Target, items: Sequence[Item]) -> None:
    client = target.world.client("dynamodb")
    for item in target.kept():
        client.delete_item(TableName=target.table, Key=sdk_item({"pk": item["pk"]}))
    for item in items:
        client.put_item(TableName=target.table, Item=sdk_item(item))


def planned(
    target: Target, night: Sequence[Item], *, only: Sequence[str] = (), delete_added: bool = False
) -> tuple[Plan, int]:
    """Return the plan to make a table what it was in a night, and how many changes it has."""
    folder = target.folder / f"undo-{len(list(target.folder.iterdir()))}"
    left = side(folder / "left", night)
    right = side(folder / "right", target.kept())
    found, _ = compared(left, right, folder / "work")
    plan = Plan(folder)
    changes = (change_of(one, only, delete_added) for one in found)
    return plan, plan.write(one for one in changes if one).changes.total()


def undone(target: Target, plan: Plan, count: int, **how: Any) -> Made:
    """Make the changes in this thread, in the world's time."""
    given = {"rate": Rate(1e6), "threads": 0, "clockwork": target.clockwork(), **how}
    given.setdefault("journal", Journal(plan.folder, {"table": target.table}).read())
    return run(target.client(), target.table, ["pk"], plan, count, **given)


def damaged(items: Sequence[Item], seed: int) -> list[Item]:
    """Return what a table has become: items gone, changed, added, spelt otherwise."""
    source = random.Random(seed)
    left = []
    for item in items:
        others = [name for name in item if name != "pk"]
        match source.randrange(6):
            case 0:
                continue
            case 1 if others:
                name = source.choice(others)
                left.append({**item, name: source.choice(items)["pk"], "new": {"N": "1"}})
            case 2 if others:
                gone = source.choice(others)
                left.append({name: value for name, value in item.items() if name != gone})
            case 3:
                left.append(respelt(item, source))
            case _:
                left.append(item)
    return left + [{"pk": {"S": f"added {n}"}} for n in range(source.randrange(4))]


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**32), st.booleans())
def test_after_it_the_two_are_equal(seed: int, delete_added: bool) -> None:
    with in_process() as world, TemporaryDirectory() as folder:
        make_table(world, "orders", read=None)
        _undo_damage(Target(world, "orders", Path(folder)), seed, delete_added)


def _undo_damage(target: Target, seed: int, delete_added: bool) -> None:
    source = random.Random(seed)
    night = source.sample(odd_items(), 25)
    now = damaged(night, seed)
    fill(target, now)
    plan, count = planned(target, night, delete_added=delete_added)
    made = undone(target, plan, count)
    assert (made.complete, made.left, sum(made.done.values())) == (True, 0, count)
    added = [] if delete_added else [item for item in now if "added" in item["pk"]["S"]]
    assert by_key(target.kept()) == by_key([*night, *added])
    assert planned(target, night, delete_added=delete_added)[1] == 0


def test_only_some_attributes(target: Target) -> None:
    night = [{"pk": {"S": str(n)}, "a": {"N": "1"}, "b": {"N": "1"}} for n in range(5)]
    now: list[Item] = [
        {**item, "a": {"N": "2"}, "b": {"N": "2"}, "c": {"N": "2"}} for item in night
    ]
    fill(target, now[1:])
    plan, count = planned(target, night, only=["a", "c"])
    assert undone(target, plan, count).done == {"change": 4}
    assert by_key(target.kept()) == by_key([{**item, "b": {"N": "2"}} for item in night[1:]])


def test_more_attributes_than_an_expression_holds(target: Target) -> None:
    night: Item = {"pk": {"S": "wide"}, **{f"a{n:03}": {"N": str(n)} for n in range(700)}}
    now = {**{name: value for name, value in night.items() if name < "a650" or name == "pk"}}
    now |= {f"a{n:03}": {"S": "x"} for n in range(300)} | {f"z{n}": {"N": "1"} for n in range(200)}
    fill(target, [now])
    plan, count = planned(target, [night])
    assert undone(target, plan, count).done == {"change": 1}
    assert by_key(target.kept()) == by_key([night])
    assert target.calls.count("UpdateItem") == 5
    fill(target, [now])
    plan, count = planned(target, [], delete_added=True)
    assert undone(target, plan, count).done == {"delete": 1}
    assert target.kept() == []


@pytest.mark.parametrize("when", ["before", "after"])
def test_killed_at_each_request_it_goes_on(world: World, tmp_path: Path, when: str) -> None:
    night: list[Item] = [{"pk": {"S": f"{n:02}"}, "a": {"N": "1"}} for n in range(60)]
    now = [{**item, "a": {"N": "2"}} for item in night[:20]] + night[40:]
    now += [{"pk": {"S": f"added {n}"}} for n in range(20)]
    number, went_through = 1, False
    while not went_through:
        make_table(world, f"orders-{number}", read=None)
        folder = tmp_path / str(number)
        folder.mkdir()
        target = Target(world, f"orders-{number}", folder)
        fill(target, now)
        plan, count = planned(target, night, delete_added=True)
        assert count == 60

        def kill(call: int, at: int = number) -> None:
            if call == at:
                raise Killed

        setattr(target, when, kill)
        try:
            undone(target, plan, count)
            went_through = True
        except Killed:
            target.before = target.after = lambda call: None
            made = undone(target, plan, count)
            assert (made.complete, made.left) == (True, 0)
        assert by_key(target.kept()) == by_key(night)
        number += 9
    assert number > 50


def meanwhile(target: Target, operation: str, act: Callable[[], Any]) -> None:
    """Have something done just before the first request of an operation."""
    done = False

    def before(_: int) -> None:
        nonlocal done
        if target.calls[-1] == operation and not done:
            done = True
            act()

    target.before = before


@pytest.mark.parametrize("operation", ["BatchGetItem", "UpdateItem"])
def test_an_item_that_changes_meanwhile_is_left_alone(target: Target, operation: str) -> None:
    client = target.world.client("dynamodb")
    night: list[Item] = [{"pk": {"S": "1"}, "a": {"N": "1"}, "b": {"N": "1"}}]
    now = {**night[0], "a": {"N": "2"}}
    for other in ({**now, "a": {"N": "3"}}, {**now, "b": {"N": "3"}}, None):
        fill(target, [now])
        plan, count = planned(target, night)

        def change(other: Item | None = other) -> None:
            if other:
                client.put_item(TableName="orders", Item=other)
            else:
                client.delete_item(TableName="orders", Key={"pk": {"S": "1"}})

        meanwhile(target, operation, change)
        made = undone(target, plan, count)
        assert (made.complete, made.left, dict(made.done)) == (True, 1, {})
        assert target.kept() == ([other] if other else [])
        (left,) = Left(plan.folder).read()
        assert left["key"] == {"pk": {"S": "1"}} and "changed since" in left["why"]
        # what is left alone is noted once, however often it is gone over
        assert undone(target, plan, count).left == 1
        assert len(list(Left(plan.folder).read())) == 1


def test_what_is_added_to_while_it_is_deleted_is_written_again(target: Target) -> None:
    client = target.world.client("dynamodb")
    fill(target, [{"pk": {"S": "1"}, "a": {"N": "1"}}])
    plan, count = planned(target, [], delete_added=True)
    other = {"pk": {"S": "1"}, "a": {"N": "1"}, "unheard of": {"B": b"\0"}}
    meanwhile(target, "DeleteItem", lambda: client.put_item(TableName="orders", Item=other))
    made = undone(target, plan, count)
    assert (made.left, dict(made.done)) == (1, {})
    assert target.kept() == [{**other, "unheard of": {"B": "AA=="}}]


def test_a_vanished_item_that_is_there_again_is_left_alone(target: Target) -> None:
    client = target.world.client("dynamodb")
    plan, count = planned(target, [{"pk": {"S": "1"}, "a": {"N": "1"}}])
    other = {"pk": {"S": "1"}, "a": {"N": "7"}}
    meanwhile(target, "PutItem", lambda: client.put_item(TableName="orders", Item=other))
    assert undone(target, plan, count).left == 1
    assert target.kept() == [other]


def test_throttled_it_waits_and_goes_on(target: Target) -> None:
    night: list[Item] = [{"pk": {"S": str(n)}, "a": {"N": "1"}} for n in range(30)]
    plan, count = planned(target, night)
    code = "ProvisionedThroughputExceededException"

    def throttled(number: int) -> Any:
        return answer(400, code, message="slow down") if number % 3 == 0 else None

    target.before = throttled
    began = target.world.clock.now()
    made = undone(target, plan, count, rate=Rate(10.0))
    assert (made.done, made.left) == ({"put": 30}, 0) and made.throttled > 10
    assert (target.world.clock.now() - began).total_seconds() > 3
    assert by_key(target.kept()) == by_key(night)


def test_what_is_refused_ends_it_and_the_same_goes_on(target: Target) -> None:
    night: list[Item] = [{"pk": {"S": str(n)}, "a": {"N": "1"}} for n in range(60)]
    plan, count = planned(target, night)

    def denied(number: int) -> Any:
        return answer(400, "AccessDeniedException", message="no") if number > 40 else None

    target.before = denied
    with pytest.raises(HippolyteError, match="AccessDeniedException"):
        undone(target, plan, count)
    target.before = lambda _: answer(400, "ResourceNotFoundException", message="gone")
    with pytest.raises(Gone):
        undone(target, plan, count)
    target.before = lambda _: None
    made = undone(target, plan, count)
    assert made.before == 25 and made.already > 0
    assert by_key(target.kept()) == by_key(night)


def test_what_the_table_does_not_take_is_told_and_the_rest_goes_on(target: Target) -> None:
    night: list[Item] = [{"pk": {"S": str(n)}, "a": {"N": "1"}} for n in range(3)]
    plan, count = planned(target, night)
    unfit = answer(400, "ValidationException", message="Type mismatch for Index Key")
    target.before = lambda number: unfit if number == 2 else None
    made = undone(target, plan, count)
    assert (made.left, made.done) == (1, {"put": 2})
    (left,) = Left(plan.folder).read()
    assert "does not take it" in left["why"] and "Type mismatch" in left["why"]


def test_by_many_threads(target: Target) -> None:
    night: list[Item] = [{"pk": {"S": str(n)}, "a": {"N": "1"}} for n in range(400)]
    plan, count = planned(target, night)
    told: list[int] = []
    made = undone(
        target, plan, count, threads=8, clockwork=None, progress=lambda one: told.append(one.seen)
    )
    assert made.done == {"put": 400} and told[-1] == 400
    assert by_key(target.kept()) == by_key(night)


# --- kept before


def kept(target: Target, folder: Path, items: Sequence[Item]) -> None:
    sink = FolderSink(folder, "AWSDynamoDB/01-ab/")
    keep(sink, describe(target.world, "orders"), iter(items), START)


def test_what_is_kept_is_a_backup(
    target: Target, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hippolyte_cli.undo.keep._FILE_BYTES", 5_000)
    monkeypatch.setattr("hippolyte_cli.undo.keep._ITEMS_AT_ONCE", 7)
    items = odd_items()
    kept(target, tmp_path / "kept", items)
    found = find(Folder(tmp_path / "kept"))
    assert by_key(list(found.items())) == by_key(items) and len(found.files) > 3
    assert found.summary and found.summary.items == len(items)
    assert found.summary.scanned and found.summary.scanned.engine == "undo"
    before = {path: path.read_bytes() for path in (tmp_path / "kept").rglob("*") if path.is_file()}
    # again, after it was ended in the midst of it
    for path in [*(tmp_path / "kept").rglob("manifest*"), *(tmp_path / "kept").rglob("*2.json.gz")]:
        if path.is_file():
            path.unlink()
    kept(target, tmp_path / "kept", items)
    after = {path: path.read_bytes() for path in (tmp_path / "kept").rglob("*") if path.is_file()}
    assert after == before
    with pytest.raises(NotKeptError, match="lies there with other content"):
        kept(target, tmp_path / "kept", items[1:])


def test_a_plan_is_for_nobody_elses_eyes(tmp_path: Path) -> None:
    plan = Plan(tmp_path / "undo")
    change = Change("put", {"pk": {"S": "1"}}, None, {"pk": {"S": "1"}, "x": {"S": "\ud800é"}})
    counts = plan.write([change])
    assert plan.path.stat().st_mode & 0o77 == 0
    assert list(plan.changes()) == [change] and counts.changes == {"put": 1}
    assert plan.agreed() is None
