"""The map that the documentation shows."""

from __future__ import annotations

from hippolyte_cli.masking.change import Change
from hippolyte_cli.masking.rules import read_map
from tools.tf import REPOSITORY

TABLE = {
    "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
    "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
}


def test_the_example_is_a_map_and_each_of_its_rules_is_met() -> None:
    change = Change(read_map(REPOSITORY / "docs" / "map.example.json", TABLE))
    changed = change(
        {
            "pk": {"S": "c-17"},
            "customer": {"M": {"email": {"S": "a@b"}, "date.of.birth": {"S": "2000-01-01"}}},
            "phone": {"S": "1"},
            "photo": {"B": "AAAA"},
            "lines": {"L": [{"M": {"note": {"S": "x"}, "n": {"N": "1"}}}]},
            "consents": {"M": {"given": {"BOOL": True}, "by": {"S": "y"}}},
        }
    )
    assert not [line for line in change.told() if "NEVER" in line]
    assert set(changed["customer"]["M"]) == {"email"}
    assert changed["lines"] == {"L": [{"M": {"n": {"N": "1"}}}]}
    assert changed["consents"]["M"]["given"] == {"BOOL": True}
    assert changed["consents"]["M"]["by"] != {"S": "y"}
