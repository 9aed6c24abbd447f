from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from io import BytesIO
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hippolyte.exports.lines import Form, Item
from hippolyte.exports.reader import Backup, DataFile, FormatError
from hippolyte_cli.restore.batches import Batch, Cutting, batches, spread
from hippolyte_cli.restore.journal import Done
from hippolyte_cli.restore.values import item_bytes
from tests.support.exports import native_lines


@dataclass
class Memory:
    """A place of files in memory."""

    files: dict[str, bytes]
    opened: list[str] = field(default_factory=list)

    def names(self) -> Iterator[str]:
        yield from self.files

    def open(self, name: str) -> BytesIO:
        self.opened.append(name)
        return BytesIO(self.files[name])


def backup_of(parts: list[list[Item]]) -> Backup:
    place = Memory({f"{n}.json": native_lines(part) for n, part in enumerate(parts)})
    files = [DataFile(f"{n}.json", len(part)) for n, part in enumerate(parts)]
    return Backup(place, Form.NATIVE, files)


def items_of(found: list[Batch]) -> list[Item]:
    return [json.loads(span) for batch in found for span in batch.spans]


ITEMS = st.builds(
    lambda key, length: {"pk": {"S": str(key)}, "text": {"S": "x" * length}},
    st.integers(0, 60),
    st.sampled_from([0, 1, 100, 2000] * 3 + [300_000]),
)
PARTS = st.lists(st.lists(ITEMS, max_size=20), min_size=1, max_size=5)


@settings(deadline=None, max_examples=40)
@given(PARTS, st.integers(1, 9), st.sampled_from([3.0, 40.0, float("inf")]))
def test_every_item_comes_once_within_the_bounds(
    parts: list[list[Item]], at_once: int, units: float
) -> None:
    found = list(batches(backup_of(parts), {}, Cutting(["pk"], units=units, at_once=at_once)))
    wanted = sorted(json.dumps(item) for part in parts for item in part)
    assert sorted(json.dumps(item) for item in items_of(found)) == wanted
    for batch in found:
        assert len(batch.spans) == len(batch.keys) == len(batch.places) <= 25
        assert batch.bytes <= 1024 * 1024
        assert batch.units <= units or len(batch.spans) == 1
        for span, (number, line) in zip(batch.spans, batch.places, strict=True):
            assert parts[number][line - 1] == json.loads(span)
    ends = [number for batch in found for number in batch.ended]
    assert sorted(ends) == list(range(len(parts)))


@settings(deadline=None, max_examples=40)
@given(PARTS, st.integers(1, 9), st.data())
def test_it_goes_on_where_it_was(
    parts: list[list[Item]], at_once: int, data: st.DataObject
) -> None:
    backup, cutting = backup_of(parts), Cutting(["pk"], at_once=at_once)
    found = list(batches(backup, {}, cutting))
    written = data.draw(st.integers(0, len(found)))
    done = {
        backup.files[number].name: Done(line, number in batch.ended)
        for batch in found[:written]
        for number, line in batch.reached.items()
    }
    rest = items_of(list(batches(backup, done, cutting)))
    wanted = items_of(found[written:])
    assert sorted(map(json.dumps, rest)) == sorted(map(json.dumps, wanted))


def test_what_is_whole_is_not_opened_again() -> None:
    backup = backup_of([[{"pk": {"S": "a"}}], [{"pk": {"S": "b"}}]])
    found = items_of(list(batches(backup, {"0.json": Done(1, True)}, Cutting(["pk"]))))
    assert found == [{"pk": {"S": "b"}}]
    assert isinstance(backup.place, Memory)
    assert backup.place.opened == ["1.json"]


@given(st.integers(0, 200), st.integers(1, 70))
def test_neighbours_are_not_read_side_by_side(files: int, at_once: int) -> None:
    order = spread([DataFile(str(n)) for n in range(files)], at_once)
    assert sorted(order) == list(range(files))
    first = sorted(order[:at_once])
    assert all(after - before >= files // at_once for before, after in pairwise(first))


def test_a_batch_is_of_many_files() -> None:
    parts = [[{"pk": {"S": f"{part}-{n}"}} for n in range(100)] for part in range(10)]
    first = next(batches(backup_of(parts), {}, Cutting(["pk"], at_once=5)))
    assert {number for number, _ in first.places} == {0, 2, 4, 6, 8}


@pytest.mark.parametrize(("more", "fits"), [(0, True), (1, False)])
def test_an_item_of_400_kb_and_one_that_is_larger(more: int, fits: bool) -> None:
    item: Item = {"pk": {"S": "a"}, "text": {"S": "\n" * (409_600 - 7 + more)}}
    assert item_bytes(item) == 409_600 + more
    found = batches(backup_of([[{"pk": {"S": "b"}}, item]]), {}, Cutting(["pk"]))
    if fits:
        assert sum(len(batch.spans) for batch in found) == 2
    else:
        with pytest.raises(FormatError, match=r"0\.json, line 2: an item of 409,601 bytes"):
            list(found)


def test_how_far_it_is_is_told_though_nothing_is_to_be_written() -> None:
    items: list[Item] = [{"pk": {"S": str(n)}} for n in range(9000)]
    cutting = Cutting(["pk"], where=lambda item: item["pk"]["S"] == "8999")
    found = list(batches(backup_of([items]), {}, cutting))
    assert len(found) == 5
    assert items_of(found) == [{"pk": {"S": "8999"}}]
    assert sum(batch.skipped for batch in found) == 8999
    assert found[-1].ended == [0]
