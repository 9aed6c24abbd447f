"""What a map may say, and what is refused before anything is read or written."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from hippolyte.errors import ConfigurationError
from hippolyte_cli.masking.rules import SALT, Map, read_map

SECRET = "a secret of some length"
TABLE = {
    "KeySchema": [
        {"AttributeName": "sk", "KeyType": "RANGE"},
        {"AttributeName": "pk", "KeyType": "HASH"},
    ],
    "AttributeDefinitions": [
        {"AttributeName": "pk", "AttributeType": "S"},
        {"AttributeName": "sk", "AttributeType": "N"},
        {"AttributeName": "status", "AttributeType": "S"},
    ],
}


def rule(attribute: Any, do: Any = "drop", **more: Any) -> dict[str, Any]:
    return {"attribute": attribute, "do": do, **more}


def read(folder: Path, *rules: Any, **more: Any) -> Map:
    path = folder / "map.json"
    path.write_text(json.dumps({"rules": rules, **more}), "utf-8")
    return read_map(path, TABLE)


def refused(folder: Path, *rules: Any, **more: Any) -> str:
    with pytest.raises(ConfigurationError) as error:
        read(folder, *rules, **more)
    assert str(error.value).startswith(f"--map {folder / 'map.json'}")
    return str(error.value)


def test_paths_and_constants(tmp_path: Path) -> None:
    made = read(
        tmp_path,
        rule("a.b[*].c", "hash"),
        rule('"a.b".c[*][*]'),
        rule("p h", "replace", by="none"),
        rule("n", "replace", by=1.50),
        rule("b", "replace", by={"B": "AA=="}),
        rule("z", "replace", by=None),
        rule("t", "replace", by=True),
        rule("m", "replace", by={"M": {"x": {"NS": ["1", "2"]}}}),
        salt=SECRET,
    )
    assert [one.path for one in made.rules] == [
        ("a", "b", None, "c"),
        ("a.b", "c", None, None),
        *(("p h",), ("n",), ("b",), ("z",), ("t",), ("m",)),
    ]
    assert [one.by for one in made.rules[2:7]] == [
        {"S": "none"},
        {"N": "1.5"},
        {"B": "AA=="},
        {"NULL": True},
        {"BOOL": True},
    ]
    assert made.keys == ("pk", "sk")
    assert made.lines()[0] == "  hash a.b[*].c"
    assert made.lines()[2] == '  replace p h by {"S": "none"}'
    assert made.lines()[-1] == "  all other attributes are kept"
    assert (
        not made.hashes_the_key and read(tmp_path, rule("pk", "hash"), salt=SECRET).hashes_the_key
    )


def test_a_map_is_told_from_others_by_rules_and_salt(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = read(tmp_path, rule("a", "hash"), salt=SECRET)
    assert one.digest == read(tmp_path, rule("a", "hash"), salt=SECRET, others="keep").digest
    monkeypatch.setenv(SALT, SECRET)
    assert one.digest == read(tmp_path, rule("a", "hash")).digest
    others = [
        read(tmp_path, rule("a", "hash"), salt=SECRET + "!"),
        read(tmp_path, rule("a"), salt=SECRET),
        read(tmp_path, rule("b", "hash"), salt=SECRET),
        read(tmp_path, rule("a", "replace", by="x")),
        read(tmp_path, rule("a", "replace", by="y")),
        read(
            tmp_path,
            rule("a", "hash"),
            rule("pk", "keep"),
            rule("sk", "keep"),
            salt=SECRET,
            others="drop",
        ),
    ]
    assert len({one.digest, *(other.digest for other in others)}) == 7


@pytest.mark.parametrize(
    ("rules", "more", "said"),
    [
        ([rule("a", "encrypt")], {}, 'rule 1: "do" is one of drop, hash, keep, replace, not "enc'),
        ([rule("a", None)], {}, "not missing"),
        (
            [rule("a"), {"atribute": "b", "do": "drop"}],
            {},
            'rule 2: "atribute" is not known: there',
        ),
        ([rule("a")], {"salts": "x"}, '"salts" is not known: there are others, rules, salt'),
        (["a"], {}, 'rule 1: {"attribute": ..., "do": ...} is wanted'),
        ([], {}, "it has no rule and drops nothing"),
        ([rule("a")], {"others": "hash"}, '"others" is keep or drop, not "hash"'),
        ([rule("")], {}, 'rule 1: "attribute" is "": wanted are names with a dot'),
        ([rule(7)], {}, '"attribute" is 7'),
        ([rule(None)], {}, '"attribute" is missing'),
        ([rule("a..b")], {}, '"attribute" is "a..b"'),
        ([rule("a.")], {}, '"attribute" is "a."'),
        ([rule("a[0]")], {}, '"attribute" is "a[0]"'),
        ([rule("[*]")], {}, '"attribute" is "[*]"'),
        ([rule("a[*]b")], {}, '"attribute" is "a[*]b"'),
        ([rule('"a')], {}, '"attribute" is'),
        ([rule("a", "replace")], {}, 'rule 1: replace wants "by", the value'),
        ([rule("a", "drop", by="x")], {}, 'rule 1: drop has no "by"'),
        ([rule("a", "replace", by=["x"])], {}, '"by": ["x"] is no value'),
        ([rule("a", "replace", by={"S": 7})], {}, "is no value"),
        ([rule("a", "replace", by={"SS": []})], {}, "is no value"),
        ([rule("a", "replace", by={"SS": ["a", "a"]})], {}, "is no value"),
        ([rule("a", "replace", by={"B": "?"})], {}, "is no value"),
        ([rule("a", "replace", by={"N": "one"})], {}, "is no value"),
        ([rule("a", "replace", by={"N": "1E999"})], {}, "is no value"),
        ([rule("a", "replace", by={"S": "x", "N": "1"})], {}, "is no value"),
        ([rule("a", "replace", by={"M": {"x": 1}})], {}, "is no value"),
        ([rule("a", "replace", by=10**39 + 1)], {}, "is no value"),
        ([rule("a"), rule("a", "keep")], {}, "rule 2: a has rule 1 already"),
        ([rule("a", "replace", by=1), rule("a.b")], {}, "rule 2: rule 1 replaces a as a whole"),
        ([rule("a", "hash")], {}, 'a hash wants a secret "salt" of 16 characters or more'),
        ([rule("a", "hash")], {"salt": "short"}, "in the file or in HIPPOLYTE_MAP_SALT"),
        ([rule("pk")], {}, "rule 1: pk is of the table's key and an item must have it: hash or"),
        ([rule("sk", "replace", by=1)], {}, "two items' keys would be one: hash or keep sk"),
        ([rule("pk.x", "hash")], {"salt": SECRET}, "pk is of the table's key and it is no map"),
        ([rule("a", "keep"), rule("sk", "keep")], {"others": "drop"}, '"others" drops pk, of the'),
        ([rule("status", "replace", by=7)], {}, "status is of an index's key, of type S and never"),
        ([rule("status", "replace", by="")], {}, "status is of an index's key"),
    ],
)
def test_what_is_refused(tmp_path: Path, rules: list[Any], more: dict[str, Any], said: str) -> None:
    assert said in refused(tmp_path, *rules, **more)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"rule": []}', '{"rules": {}}', "[" * 100_000])
def test_what_is_no_map(tmp_path: Path, text: str) -> None:
    path = tmp_path / "map.json"
    path.write_text(text, "utf-8")
    with pytest.raises(ConfigurationError, match="--map "):
        read_map(path, TABLE)
    with pytest.raises(ConfigurationError, match="No such file"):
        read_map(tmp_path / "none", TABLE)


def test_a_map_of_many_rules_is_read_in_no_time(tmp_path: Path) -> None:
    began = time.process_time()
    made = read(tmp_path, *(rule(f"{'long' * 20}{n}.b.c") for n in range(40_000)))
    assert (tmp_path / "map.json").stat().st_size > 5_000_000 / 1.1 and len(made.rules) == 40_000
    assert time.process_time() - began < 10
