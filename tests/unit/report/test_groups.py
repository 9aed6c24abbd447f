"""Tables grouped by what is said of them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from hippolyte.report.groups import by_reason, pattern, usual


def test_reasons_that_differ_by_name_number_and_id_are_one() -> None:
    groups = by_reason(
        {
            "orders": "no table orders after 3 tries",
            "users": "no table users after 12.5 tries",
            "carts": "step s-1 of j-2AXXXXXXGAPLF failed",
            "logs": "step s-1 of j-3BYYYYYYGAPLF failed",
            "other": "no luck",
        }
    )
    assert [(len(g.reasons), g.reason, g.alike) for g in groups] == [
        (2, "no table orders after 3 tries", False),
        (2, "step s-1 of j-2AXXXXXXGAPLF failed", False),
        (1, "no luck", True),
    ]


@given(st.dictionaries(st.text(max_size=20), st.text(max_size=60), max_size=30))
def test_every_table_is_in_one_group(reasons: dict[str, str]) -> None:
    groups = by_reason(reasons)
    assert sum(len(group.reasons) for group in groups) == len(reasons)
    assert {n: r for group in groups for n, r in group.reasons.items()} == reasons
    sizes = [len(group.reasons) for group in groups]
    assert sizes == sorted(sizes, reverse=True)
    assert all(group.reason in group.reasons.values() for group in groups)


def test_what_is_noted_of_most_is_said_once() -> None:
    notes = {f"t{n}": [f"{n} items read", "1 file"] for n in range(10)}
    notes["t3"] = ["3 items read", "not raised: refused"]
    common = usual(notes)
    assert common == {"# items read": "0 items read", "# file": "1 file"}
    assert pattern("not raised: refused", "t3") not in common
    assert usual({"a": ["alone"]}) == {}
