"""A comparison finds exactly what was edited, whatever the formats, orders and spellings."""

from __future__ import annotations

import json
import random
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hippolyte_cli.compare import run, unit
from hippolyte_cli.compare.difference import Options
from tests.support.comparing import FORMATS, compared, named, respelt, side

TEXT = st.text(alphabet=list('ab"\\{}:,pkS é\n'), max_size=5)
NUMBER = st.integers(-(10**6), 10**6).map(str) | st.sampled_from(["0.5", "1E3", "-0.001", "10"])
BINARY = st.sampled_from(["", "AA==", "AQ==", "AAE="])
LEAF = st.one_of(
    st.builds(lambda v: {"S": v}, TEXT),
    st.builds(lambda v: {"N": v}, NUMBER),
    st.builds(lambda v: {"B": v}, BINARY),
    st.builds(lambda v: {"BOOL": v}, st.booleans()),
    st.just({"NULL": True}),
    st.builds(lambda v: {"SS": sorted(v)}, st.sets(TEXT, min_size=1, max_size=3)),
    st.builds(lambda v: {"NS": [str(n) for n in v]}, st.sets(st.integers(0, 99), min_size=1)),
    st.builds(lambda v: {"BS": sorted(v)}, st.sets(BINARY, min_size=1, max_size=3)),
)
VALUE = st.recursive(
    LEAF,
    lambda inner: st.one_of(
        st.builds(lambda v: {"L": v}, st.lists(inner, max_size=3)),
        st.builds(lambda v: {"M": v}, st.dictionaries(st.sampled_from(["pk", "x"]), inner)),
    ),
    max_leaves=4,
)
NAME = st.sampled_from(["a", "total", "m", "p k", "Ü"])
REST = st.dictionaries(NAME, VALUE, max_size=4)
KEY = {
    "S": TEXT.filter(bool).map(lambda v: {"S": v}),
    "N": NUMBER.map(lambda v: {"N": v}),
    "B": BINARY.filter(bool).map(lambda v: {"B": v}),
}


@st.composite
def tables(draw: Any) -> tuple[list[str], list[dict[str, Any]]]:
    """Give the names of a key, and items of different keys."""
    names = draw(st.sampled_from([["pk"], ["pk", "s k"]]))
    kinds = [draw(st.sampled_from("SNB")) for _ in names]

    def by_value(key: list[dict[str, str]]) -> list[str]:
        return [str(float(v["N"])) if "N" in v else json.dumps(v) for v in key]

    keys = draw(
        st.lists(
            st.tuples(*(KEY[kind] for kind in kinds)).map(list),
            unique_by=lambda key: tuple(by_value(key)),
            max_size=12,
        )
    )
    return names, [dict(zip(names, key, strict=True)) | draw(REST) for key in keys]


EDIT = st.sampled_from(["keep", "keep", "keep", "drop", "add", "change", "remove"])


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    tables(),
    st.lists(EDIT, min_size=12, max_size=12),
    st.sampled_from(FORMATS),
    st.sampled_from(FORMATS),
    st.randoms(use_true_random=False),
    st.booleans(),
)
def test_exactly_the_edits_are_found(
    table: tuple[list[str], list[dict[str, Any]]],
    edits: list[str],
    form: str,
    other_form: str,
    source: random.Random,
    is_respelt: bool,
) -> None:
    names, items = table
    wanted: dict[str, list[str]] = {"left": [], "right": [], "different": []}
    left, right = [], []
    for item, edit in zip(items, edits, strict=False):
        key = json.dumps({name: item[name] for name in names}, sort_keys=True)
        other = dict(item)
        if edit == "change" or (edit == "remove" and len(item) == len(names)):
            other["changed"] = {"S": "new"}
        elif edit == "remove":
            other.pop(next(name for name in item if name not in names))
        if edit != "add":
            left.append(item)
        if edit != "drop":
            # of what is only right the key is told as it is spelt there
            right.append(respelt(other, source) if is_respelt and edit != "add" else other)
        kind = {"drop": "left", "add": "right", "keep": ""}.get(edit, "different")
        if kind:
            wanted[kind].append(key)
    source.shuffle(right)
    with tempfile.TemporaryDirectory() as folder:
        one = side(Path(folder, "one"), left, form, names)
        two = side(Path(folder, "two"), right, other_form, names)
        found, totals = compared(one, two, Path(folder, "work"))
    assert named(found) == {kind: sorted(keys) for kind, keys in wanted.items()}
    assert totals.equal == edits[: len(items)].count("keep")
    assert (totals.left_items, totals.right_items) == (len(left), len(right))
    assert not totals.damaged


def many(count: int, source: random.Random) -> list[dict[str, Any]]:
    return [
        {
            "pk": {"S": f"customer#{n}"},
            "n": {"N": str(source.randrange(10**9))},
            "t": {"S": "x" * 50},
        }
        for n in range(count)
    ]


@pytest.mark.parametrize("processes", [1, 2])
@pytest.mark.parametrize("window", [100, 1 << 20])
def test_many_items_in_many_units_and_partitions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, processes: int, window: int
) -> None:
    """With so little memory that nearly all goes to disk, and with enough."""
    monkeypatch.setattr("hippolyte_cli.compare.plan._UNIT_BYTES", 100_000)
    monkeypatch.setattr("hippolyte_cli.compare.plan._PART_BYTES", 20_000)
    monkeypatch.setattr(unit, "_WINDOW_BYTES", window)
    monkeypatch.setattr(unit, "_BUFFER_BYTES", 1000)
    monkeypatch.setattr(unit, "_BUFFER_KEYS", 10)
    monkeypatch.setattr(run, "_SMALL_BYTES", 0 if processes > 1 else 1 << 30)
    source = random.Random(7)
    left = many(3000, source)
    right = [dict(item) for item in left if item["pk"]["S"] != "customer#17"]
    right[100] = {**right[100], "n": {"N": "-1"}}
    right.append({"pk": {"S": "new"}})
    source.shuffle(right)
    found, totals = compared(
        side(tmp_path / "a", left), side(tmp_path / "b", right), tmp_path / "work"
    )
    changed = '{"pk": {"S": "customer#101"}}'
    assert named(found) == {
        "left": ['{"pk": {"S": "customer#17"}}'],
        "right": ['{"pk": {"S": "new"}}'],
        "different": [changed],
    }
    assert (totals.equal, totals.left_items, totals.right_items) == (2998, 3000, 3000)
    assert len(list((tmp_path / "work").glob("unit-*"))) > 1


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize(("kind", "other"), [("S", "N"), ("N", "S"), ("S", "B"), ("B", "N")])
def test_keys_of_another_type_are_other_keys(
    tmp_path: Path, form: str, kind: str, other: str
) -> None:
    """Also where their text is the same, and only keys are compared."""
    texts = [str(number) for number in range(1111, 1116)]
    one = side(tmp_path / "one", [{"pk": {kind: text}} for text in texts], form, ["pk"])
    two = side(tmp_path / "two", [{"pk": {other: text}} for text in texts], form, ["pk"])
    for keys_only in (True, False):
        work = tmp_path / f"work-{keys_only}"
        _, totals = compared(one, two, work, Options(keys_only=keys_only))
        assert (totals.left_only, totals.right_only, totals.equal) == (5, 5, 0)


def test_options_choose_what_is_compared(tmp_path: Path) -> None:
    left = [
        {"pk": {"S": "a"}, "n": {"N": "1"}, "seen": {"S": "x"}},
        {"pk": {"S": "b"}, "n": {"N": "1"}},
        {"pk": {"S": "c"}, "n": {"N": "5"}},
    ]
    right = [
        {"pk": {"S": "a"}, "n": {"N": "1.0"}, "seen": {"S": "y"}},
        {"pk": {"S": "b"}, "n": {"N": "2"}},
    ]
    one, two = side(tmp_path / "a", left), side(tmp_path / "b", right)
    for number, (options, wanted, equal, left_out) in enumerate(
        [
            (Options(), "different a, different b, left c", 0, 0),
            (Options(ignore=frozenset({"seen"})), "different b, left c", 1, 0),
            (Options(keys_only=True), "left c", 2, 0),
            (Options(where=("n >= 2",)), "different b, left c", 0, 1),
            (Options(where=('pk = "a"',), ignore=frozenset({"seen"})), "", 1, 2),
        ]
    ):
        found, totals = compared(one, two, tmp_path / f"work{number}", options)
        assert ", ".join(f"{d.kind} {d.key['pk']['S']}" for d in found) == wanted
        assert (totals.equal, totals.left_out) == (equal, left_out)
