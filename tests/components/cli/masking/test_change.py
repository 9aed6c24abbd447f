"""What a map makes of items of every type."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hippolyte.exports.lines import Item, dynamodb_json
from hippolyte_cli.masking.change import Change, NotMappedError
from hippolyte_cli.masking.rules import Map, Rule, read_map
from hippolyte_cli.restore.values import canonical, canonical_item
from local.fleet import items as odd

SALT = "a secret of some length"
TABLE = {
    "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
    "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
}


def change(folder: Path, *rules: tuple[str, ...], **more: Any) -> Change:
    path = folder / "map.json"
    listed = [dict(zip(("attribute", "do", "by"), rule, strict=False)) for rule in rules]
    path.write_text(json.dumps({"salt": SALT, "rules": listed, **more}), "utf-8")
    return Change(read_map(path, TABLE))


def hashing(*attributes: str) -> Change:
    rules = tuple(Rule(n, name, (name,), "hash") for n, name in enumerate(attributes, start=1))
    return Change(Map(rules, "keep", SALT.encode(), ("pk",)))


def test_each_rule_at_its_place(tmp_path: Path) -> None:
    made = change(
        tmp_path,
        ("email", "hash"),
        ("address.street", "drop"),
        ("lines[*].note", "replace", "none"),
        ("lines[*].card.number", "drop"),
        ("a.b", "drop"),
        ("gone", "drop"),
    )
    item: Item = {
        "pk": {"S": "1"},
        "email": {"S": "a@b"},
        "address": {"M": {"street": {"S": "x"}, "city": {"S": "y"}}},
        "lines": {"L": [{"M": {"note": {"S": "n"}, "n": {"N": "1"}}}, {"M": {}}]},
        "a": {"NULL": True},
    }
    changed = made(item)
    assert changed == {
        **item,
        "email": changed["email"],
        "address": {"M": {"city": {"S": "y"}}},
        "lines": {"L": [{"M": {"note": {"S": "none"}, "n": {"N": "1"}}}, {"M": {}}]},
    }
    assert len(changed["email"]["S"]) == 32 and changed["email"] != item["email"]
    assert made.told() == [
        "  hash email: 1 value",
        "  drop address.street: 1 value",
        '  replace lines[*].note by {"S": "none"}: 1 value',
        "  NEVER MATCHED: drop lines[*].card.number (rule 4): is lines[*].card.number spelt so?",
        "  NEVER MATCHED: drop a.b (rule 5): is a.b spelt so?",
        "  NEVER MATCHED: drop gone (rule 6): is gone spelt so?",
    ]


def test_what_has_no_rule_may_be_dropped(tmp_path: Path) -> None:
    made = change(
        tmp_path,
        ("pk", "keep"),
        ("address.city", "keep"),
        ("lines[*].n", "keep"),
        others="drop",
    )
    item: Item = {
        "pk": {"S": "1"},
        "email": {"S": "a@b"},
        "address": {"M": {"street": {"S": "x"}, "city": {"S": "y"}}},
        "lines": {"L": [{"M": {"note": {"S": "n"}}}, {"M": {"n": {"N": "2"}}}, {"S": "text"}]},
    }
    assert made(item) == {
        "pk": {"S": "1"},
        "address": {"M": {"city": {"S": "y"}}},
        "lines": {"L": [{"M": {"n": {"N": "2"}}}]},
    }
    # nothing of it is kept, so it is not either
    assert made(
        {"pk": {"S": "1"}, "address": {"M": {"street": {"S": "x"}}}, "lines": {"S": "x"}}
    ) == {"pk": {"S": "1"}}


def test_the_nearest_rule_counts(tmp_path: Path) -> None:
    made = change(tmp_path, ("m", "hash"), ("m.in", "keep"), ("m.flag", "drop"))
    item = {
        "m": {"M": {"in": {"S": "x"}, "flag": {"BOOL": True}, "out": {"L": [{"S": "x"}]}}},
        "free": {"S": "x"},
    }
    changed = made(item)
    assert changed["m"]["M"]["in"] == changed["free"] == {"S": "x"}
    assert "flag" not in changed["m"]["M"]
    assert changed["m"]["M"]["out"]["L"] == [hashing("a")({"a": {"S": "x"}})["a"]]
    # of another type than its rules lead into: the whole of it
    assert made({"m": {"S": "x"}})["m"] == hashing("a")({"a": {"S": "x"}})["a"]


@pytest.mark.parametrize("value", [{"S": "x"}, {"L": []}, {"SS": ["x"]}, {"BOOL": True}])
def test_a_rule_that_leads_nowhere_is_no_reason_to_let_it_pass(
    tmp_path: Path, value: dict[str, Any]
) -> None:
    made = change(tmp_path, ("address.street", "drop"))
    with pytest.raises(NotMappedError, match=r"address is of type \w+, and a rule leads into it"):
        made({"address": value})
    assert made({"address": {"NULL": True}}) == {"address": {"NULL": True}}
    # the remedy
    told = change(tmp_path, ("address.street", "drop"), ("address", "keep"))
    assert told({"address": value}) == {"address": value}
    elements = change(tmp_path, ("a[*].x", "drop"))
    with pytest.raises(NotMappedError, match="a is of type M"):
        elements({"a": {"M": {}}})


def test_true_and_false_are_not_hashed() -> None:
    with pytest.raises(NotMappedError, match=r"rule 1 hashes a, and a.b\[\*\] is true or false"):
        hashing("a")({"a": {"M": {"b": {"L": [{"BOOL": False}]}}}})
    assert hashing("a")({"a": {"NULL": True}}) == {"a": {"NULL": True}}


def shape(value: Any) -> Any:
    """Return a value without what a hash changes: its types, names and numbers of elements."""
    ((kind, content),) = value.items()
    if kind == "M":
        return kind, {name: shape(one) for name, one in content.items()}
    if kind == "L":
        return kind, [shape(one) for one in content]
    return kind, len(content) if kind in ("SS", "NS", "BS") else content if kind == "BOOL" else 0


def test_the_types_of_all_there_is_are_kept() -> None:
    count = 0
    for item in [*odd.every_type(), *odd.sets(), *odd.numbers(), *odd.binaries(), *odd.nested()]:
        for name, low_level in item.items():
            value = dynamodb_json(low_level)
            try:
                changed = hashing("a")({"a": value})["a"]
            except NotMappedError:
                assert "BOOL" in json.dumps(value)
                continue
            assert shape(changed) == shape(value), name
            assert canonical(changed) == canonical(hashing("a")({"a": value})["a"])
            count += 1
    assert count > 50


SCALARS = st.one_of(
    st.builds(lambda text: {"S": text}, st.text(max_size=4)),
    st.builds(
        lambda digits, power: {"N": f"{digits}E{power}"},
        st.integers(-200, 200),
        st.integers(-3, 3),
    ),
    st.builds(lambda at: {"B": ["AA==", "AQ==", "", "AAA="][at]}, st.integers(0, 3)),
)


@given(SCALARS, SCALARS)
def test_equal_values_stay_equal_and_others_stay_others(one: Item, other: Item) -> None:
    made = hashing("a", "b")
    changed = made({"a": one, "b": other})
    assert (canonical(one) == canonical(other)) == (
        canonical(changed["a"]) == canonical(changed["b"])
    )
    # of a set's element and a list's, too
    ((kind, content),) = one.items()
    inner = made({"a": {f"{kind}S": [content]}, "b": {"L": [one]}})
    assert inner["a"][f"{kind}S"] == [changed["a"][kind]] and inner["b"]["L"] == [changed["a"]]
    # not by another salt
    salted = Change(Map(made.of.rules, "keep", b"another secret, as long", ("pk",)))
    assert canonical_item(salted({"a": one})) != canonical_item(made({"a": one}))
