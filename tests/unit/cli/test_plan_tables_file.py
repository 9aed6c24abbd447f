"""Tables from a file: what DescribeTable answers is taken, anything else refused by its place."""

from __future__ import annotations

import io
import json
import tracemalloc
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from hippolyte.errors import RefusedError
from hippolyte_cli.planning import tables_file
from hippolyte_cli.planning.tables_file import read_tables

DATA = Path(__file__).parents[2] / "data" / "planning" / "tables.json"


def answer(name: str = "orders", **changes: Any) -> dict[str, Any]:
    return {
        "TableName": name,
        "TableId": f"id-{name}",
        "TableStatus": "ACTIVE",
        "TableSizeBytes": 1 << 30,
        "ItemCount": 1000,
        "ProvisionedThroughput": {"ReadCapacityUnits": 100, "WriteCapacityUnits": 5},
        **changes,
    }


def read(text: str) -> tuple[Any, ...]:
    return read_tables(io.StringIO(text), "tables.json")


def refused(text: str) -> str:
    with pytest.raises(RefusedError) as error:
        read(text)
    said = str(error.value)
    assert said.startswith("tables.json cannot be planned with: ")
    return said


def without(key: str) -> dict[str, Any]:
    return {k: v for k, v in answer().items() if k != key}


@pytest.mark.parametrize(
    "text",
    [
        json.dumps([answer("a-1"), {"Table": answer("b-1")}]),
        json.dumps([answer("a-1"), answer("b-1")], indent=4),
        json.dumps(answer("a-1")) + "\n" + json.dumps({"Table": answer("b-1")}, indent=2),
        json.dumps([answer("a-1")]) + json.dumps([]) + json.dumps([answer("b-1")]),
        "\n [ " + json.dumps(answer("a-1")) + "\t,\n" + json.dumps(answer("b-1")) + "\r\n]\n ",
    ],
)
def test_a_list_or_one_after_the_other(text: str) -> None:
    assert [table.name for table in read(text)] == ["a-1", "b-1"]


@pytest.mark.parametrize("chunk", [1, 2, 7, 64])
def test_where_a_read_ends_does_not_matter(chunk: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables_file, "_CHUNK", chunk)
    text = json.dumps([answer("a-1"), answer("b-1", TableId='quo"te\\ü]},{')], indent=1)
    assert [table.table_id for table in read(text)] == ["id-a-1", 'quo"te\\ü]},{']


def test_an_account_without_tables() -> None:
    assert read("[]") == ()


def test_what_a_description_says_is_the_tables() -> None:
    (table,) = read(
        json.dumps(
            answer(
                CreationDateTime="2025-03-01T09:30:00.5+01:00",
                WarmThroughput={"ReadUnitsPerSecond": 12_000},
                GlobalSecondaryIndexes=[{"ProvisionedThroughput": {"ReadCapacityUnits": 7}}],
                VectorIndexes=[{"IndexName": "near", "Dimensions": 4}],
                SomethingNew={"of": ["next", "year"]},
            )
        )
    )
    assert (table.size_bytes, table.read_capacity, table.warm_read) == (1 << 30, 100, 12_000)
    assert table.index_read_capacity == 7
    assert table.created_at == datetime(2025, 3, 1, 8, 30, 0, 500_000, UTC)
    (old,) = read(json.dumps(answer(CreationDateTime=1_740_000_000.25)))
    assert old.created_at == datetime.fromtimestamp(1_740_000_000.25, UTC)


def test_the_example_is_read() -> None:
    with DATA.open(encoding="utf-8") as stream:
        assert len(read_tables(stream, str(DATA))) == 12


def test_a_missing_size_is_one_that_is_not_counted_yet() -> None:
    (table,) = read(json.dumps(without("TableSizeBytes")))
    assert (table.size_bytes, table.empty) == (0, False)


def test_a_capacity_of_0_or_none_is_an_on_demand_tables() -> None:
    zero = answer(ProvisionedThroughput={"ReadCapacityUnits": 0, "WriteCapacityUnits": 0})
    for description in (zero, without("ProvisionedThroughput")):
        (table,) = read(json.dumps(description))
        assert (table.on_demand, table.read_capacity) == (True, 0)


def test_a_missing_status_is_active() -> None:
    assert read(json.dumps(without("TableStatus")))[0].exportable


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"TableSizeBytes": -1}, "orders: TableSizeBytes must be a whole number from 0, got -1"),
        ({"TableSizeBytes": "9"}, 'TableSizeBytes must be a whole number from 0, got "9"'),
        ({"TableSizeBytes": 1.5}, "TableSizeBytes must be a whole number from 0, got 1.5"),
        ({"TableSizeBytes": True}, "TableSizeBytes must be a whole number from 0, got true"),
        ({"TableSizeBytes": None}, "TableSizeBytes must be a whole number from 0, got null"),
        ({"TableSizeBytes": 10**30}, "TableSizeBytes must be a whole number from 0, got 1000"),
        ({"TableSizeBytes": float("nan")}, "TableSizeBytes must be a whole number from 0, got NaN"),
        ({"ItemCount": -2}, "ItemCount must be a whole number from 0, got -2"),
        (
            {"ProvisionedThroughput": {"ReadCapacityUnits": -5}},
            "ProvisionedThroughput.ReadCapacityUnits must be a whole number from 0, got -5",
        ),
        ({"ProvisionedThroughput": 5}, "ProvisionedThroughput must be an object, got 5"),
        ({"BillingModeSummary": "x"}, 'BillingModeSummary must be an object, got "x"'),
        ({"GlobalSecondaryIndexes": {}}, "GlobalSecondaryIndexes must be a list, got {}"),
        ({"GlobalSecondaryIndexes": [3]}, "GlobalSecondaryIndexes[0] must be an object, got 3"),
        (
            {"WarmThroughput": {"ReadUnitsPerSecond": 0}},
            "WarmThroughput.ReadUnitsPerSecond must be a whole number from 1, got 0",
        ),
        ({"Replicas": 1}, "Replicas must be a list, got 1"),
        ({"TableStatus": 7}, "TableStatus must be a string, got 7"),
        ({"CreationDateTime": "soon"}, 'orders: CreationDateTime must be a time, got "soon"'),
        ({"CreationDateTime": 1e300}, "CreationDateTime must be a time, got 1e+300"),
        ({"CreationDateTime": [1]}, "CreationDateTime must be a time, got [1]"),
        ({"TableName": "../x"}, 'TableName is no table\'s name, got "../x"'),
        ({"TableName": "\x1b[2J"}, "TableName is no table's name"),
        ({"TableName": 3}, "TableName is no table's name, got 3"),
        ({"TableName": "x" * 256}, "TableName is no table's name"),
    ],
)
def test_a_fault_of_a_description_is_named(changes: dict[str, Any], words: str) -> None:
    said = refused(json.dumps([answer("first"), answer(**changes)]))
    assert words in said
    assert "number 2: " in said


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "it is empty; an account without tables is []"),
        (" \n ", "it is empty"),
        ("nonsense", "after 0 tables: at character 0: this is not JSON"),
        ('{"TableName": "orders"', "after 0 tables: at character 0: this is not JSON"),
        (json.dumps([answer()])[:-1], "after 1 tables: at character 200: a list goes on"),
        (json.dumps([answer()])[:-9], "after 0 tables: at character 1: this is not JSON"),
        (json.dumps([answer()])[:-1] + ",]", "after 1 tables: at character 201: this is not JSON"),
        (json.dumps([answer()]) + "}", "after 1 tables: at character 201: this is not JSON"),
        ("[" * 100_000, "this is not JSON (too deep)"),
        ("[1" + "0" * 5000 + "]", "this is not JSON"),
        ('["orders"]', 'number 1: an object like {"Table": ...} is wanted, got "orders"'),
        ("5", "an object like"),
        ('{"TableNames": ["orders"]}', "no TableName: ask `aws dynamodb describe-table` of each"),
        ('{"Table": null}', "it has no TableName, got"),
    ],
)
def test_what_holds_no_descriptions_is_refused(text: str, words: str) -> None:
    assert words in refused(text)


def test_tables_that_are_there_twice_are_named_with_both_places() -> None:
    said = refused(json.dumps([answer("a-1"), answer("b-1"), answer("a-1")]))
    assert "number 3: a-1 is there already, as number 1" in said


def test_no_more_than_ten_faults_are_named() -> None:
    said = refused(json.dumps([answer(TableSizeBytes=-1)] * 40))
    assert said.count("TableSizeBytes must") == 10
    assert "; and 30 more. " in said


def test_more_tables_than_an_account_has_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables_file, "MOST_TABLES", 3)
    assert len(read(json.dumps([answer(f"t-{n}") for n in range(3)]))) == 3
    assert "more than 3 tables" in refused(json.dumps([answer(f"t-{n}") for n in range(4)]))


class Endless(io.TextIOBase):
    """A text that begins, and goes on with the same for so many characters."""

    def __init__(self, begin: str, on: str, length: int) -> None:
        self.begin, self.on, self.left, self.asked = begin, on, length, 0

    def read(self, size: int | None = -1, /) -> str:
        assert size is not None and size > 0, "never all at once"
        taken = min(size, self.left)
        self.left -= taken
        self.asked += taken
        begin, self.begin = self.begin[:taken], self.begin[taken:]
        return begin + (self.on * (taken // len(self.on) + 1))[: taken - len(begin)]


def test_a_value_without_an_end_is_not_read_to_the_end() -> None:
    stream = Endless('[{"TableName": "', "x", 400 << 20)
    with pytest.raises(RefusedError, match="no value ends within 4,194,304 characters"):
        read_tables(stream, "huge")
    assert stream.asked < 16 << 20


@pytest.mark.slow
def test_400_mb_are_read_in_little_memory() -> None:
    """Its descriptions are long: each is of 4 KB, most of it of no use here."""
    count = 100_000
    pad = "x" * 4000

    class Many(io.TextIOBase):
        number = 0

        def read(self, size: int | None = -1, /) -> str:
            if self.number == count:
                return ""
            self.number += 1
            row = answer(f"table-{self.number}", Policy=pad)
            ends = "]" if self.number == count else ","
            return ("[" if self.number == 1 else "") + json.dumps(row) + ends

    tracemalloc.start()
    tables = read_tables(Many(), "huge")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(tables) == count
    # half a KB a table, and some chunks of text
    assert peak < 64 << 20
