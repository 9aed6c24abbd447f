"""A scan by a map goes on where it was, also where the keys that lie there are hashes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from hippolyte.scan.cutting import ScanError
from hippolyte.scan.reading import Page
from hippolyte_cli.masking.change import Change
from hippolyte_cli.masking.rules import Map, Rule
from hippolyte_cli.masking.source import ChangingSource, engine_of

SALT = b"a secret of some length"


class Table:
    """Two items a page; it knows no key but its own."""

    def __init__(self, count: int, **more: Any) -> None:
        self.items = [{"pk": {"B": "AA=="}, "n": {"N": str(n)}, **more} for n in range(count)]
        self.asked: list[Any] = []

    def look(self) -> Any:
        return "look"

    def page(self, request: Mapping[str, Any]) -> Page:
        start = request.get("ExclusiveStartKey")
        self.asked.append(start)
        at = int(start["n"]["N"]) + 1 if start else 0
        found = self.items[at : at + 2]
        more = at + 2 < len(self.items)
        last = {"pk": {"B": b"\0"}, "n": found[-1]["n"]} if more else None
        return Page([json.dumps(item).encode() for item in found], len(found), 1.0, last)


def source(table: Any, *rules: Rule) -> ChangingSource:
    return ChangingSource(table, Change(Map(rules, "keep", SALT, ("pk", "n"))), ("pk", "n"))


def test_items_are_changed_and_the_rest_of_a_page_is_not() -> None:
    table = Table(3, x={"S": "secret"})
    made = source(table, Rule(1, "x", ("x",), "drop"))
    page = made.page({"Segment": 0})
    assert page.items == [
        b'{"pk":{"B":"AA=="},"n":{"N":"0"}}',
        b'{"pk":{"B":"AA=="},"n":{"N":"1"}}',
    ]
    assert (page.count, page.units) == (2, 1.0)
    assert page.last_key == {"pk": {"B": b"\0"}, "n": {"N": "1"}}
    assert made.page({"Segment": 0, "ExclusiveStartKey": page.last_key}).last_key is None
    # where the key is kept, another process may go on
    assert (
        source(table, Rule(1, "x", ("x",), "drop"))
        .page({"Segment": 0, "ExclusiveStartKey": page.last_key})
        .count
        == 1
    )
    assert made.look() == "look"


def test_it_goes_on_after_the_hashed_key_that_lies_in_its_last_file() -> None:
    table = Table(5)
    made = source(table, Rule(1, "n", ("n",), "hash"))
    first = made.page({"Segment": 0})
    written = json.loads(first.items[-1])["n"]
    assert written != {"N": "1"}
    found = made.page({"Segment": 0, "ExclusiveStartKey": {"pk": {"B": b"\0"}, "n": written}})
    assert table.asked == [None, first.last_key]
    last = {"pk": {"B": b"\0"}, "n": json.loads(found.items[-1])["n"]}
    assert made.page({"Segment": 0, "ExclusiveStartKey": found.last_key}).last_key is None
    # of another segment, an older page, or an earlier process nothing is known
    for fresh, request in (
        (made, {"Segment": 1, "ExclusiveStartKey": last}),
        (made, {"Segment": 0, "ExclusiveStartKey": first.last_key}),
        (source(table, Rule(1, "n", ("n",), "hash")), {"Segment": 0, "ExclusiveStartKey": last}),
    ):
        with pytest.raises(ScanError, match="begin again in an empty place"):
            fresh.page(request)
    assert len(table.asked) == 3


def test_what_cannot_be_changed_is_named() -> None:
    made = source(Table(1, x={"BOOL": True}), Rule(1, "x", ("x",), "hash"))
    with pytest.raises(ScanError, match=r'the item {"pk": {"B": "AA=="}, "n": {"N": "0"}}: rule 1'):
        made.page({"Segment": 0})
    many = {"L": [{"S": ""}] * 20_000}
    made = source(Table(1, x=many), Rule(1, "x", ("x",), "hash"))
    with pytest.raises(ScanError, match=r"has 660,0\d\d bytes after the map"):
        made.page({"Segment": 0})


def test_a_copy_is_told_from_a_backup() -> None:
    change = Change(Map((Rule(1, "x", ("x",), "drop"),), "keep", b"", ("pk",)))
    assert engine_of(None) == "command"
    assert engine_of(change) == f"command, by a map ({change.of.digest})"
