"""Which tables are backed up: the order of rules over names and tags, and tags that are unknown."""

from __future__ import annotations

from itertools import product

import pytest

from hippolyte.planning.planner import make_plan
from hippolyte.planning.selection import Choice, choose
from hippolyte.settings import Selection
from hippolyte.tables.table import Inventory, Limits, Tags
from hippolyte.verdicts import Verdict
from tests.support.builders import night, settings, table

TAKEN = Choice(None)
BY_EVERY_RULE = Selection(
    always=("keep-*",),
    exclude=("*-tmp",),
    exclude_tags=(("backup", ("no", "never")),),
    include=("prod-*",),
    include_tags=(("team", ("data*",)), ("backup", ("yes",))),
)


@pytest.mark.parametrize(
    ("name", "tags", "expected"),
    [
        # each rule by itself
        ("keep-x", {}, TAKEN),
        ("prod-x", {}, TAKEN),
        ("x", {"team": "data-platform"}, TAKEN),
        ("x", {"backup": "yes"}, TAKEN),
        ("x", {}, Choice("not included")),
        # an earlier rule decides, whatever the later ones would say
        ("keep-tmp", {"backup": "no"}, TAKEN),
        ("prod-tmp", {"backup": "yes"}, Choice("excluded by '*-tmp'")),
        ("prod-x", {"backup": "never"}, Choice("excluded by tag backup=never")),
        ("x", {"backup": "no", "team": "data"}, Choice("excluded by tag backup=no")),
        # keys and values are whole, and case-sensitive
        ("x", {"Backup": "yes"}, Choice("not included")),
        ("x", {"backup": "Yes"}, Choice("not included")),
        ("x", {"backup": "yes, please"}, Choice("not included")),
        ("prod-x", {"backup": "not now"}, TAKEN),
    ],
)
def test_the_first_rule_that_matches_decides(
    name: str, tags: dict[str, str], expected: Choice
) -> None:
    assert choose(name, BY_EVERY_RULE, tags) == expected


def test_a_glob_matches_the_whole_name() -> None:
    # the original's regexes matched at the start only and left out more than was meant
    rules = Selection(exclude=("example-table-*", "exact"))
    assert choose("example-tables-prod", rules, {}) == TAKEN
    assert choose("example-tablespace", rules, {}) == TAKEN
    assert choose("exactly", rules, {}) == TAKEN
    assert choose("Exact", rules, {}) == TAKEN
    assert choose("exact", rules, {}) == Choice("excluded by 'exact'")


def test_any_value_includes_the_empty_one() -> None:
    rules = Selection(include=(), include_tags=(("backup", ("*",)),))
    assert choose("x", rules, {"backup": ""}) == TAKEN


def test_unknown_tags_never_leave_a_table_out() -> None:
    """Whatever a table's tags are: if it is backed up with them, it is without them."""
    for name, backup, team in product(
        ("keep-x", "prod-x", "prod-tmp", "x"), ("", "no", "yes"), ("", "data")
    ):
        known = choose(name, BY_EVERY_RULE, {"backup": backup, "team": team})
        unknown = choose(name, BY_EVERY_RULE, None)
        assert known.rule is not None or unknown.rule is None
        assert not known.blind


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("keep-x", TAKEN),
        ("prod-tmp", Choice("excluded by '*-tmp'")),
        ("prod-x", Choice(None, blind=True)),
        ("x", Choice(None, blind=True)),
    ],
)
def test_a_choice_says_whether_it_was_made_without_the_tags(name: str, expected: Choice) -> None:
    assert choose(name, BY_EVERY_RULE, None) == expected


def test_tags_do_not_matter_to_rules_over_names() -> None:
    assert choose("prod-x", Selection(include=("prod-*",)), None) == TAKEN
    assert choose("x", Selection(include=("prod-*",)), None) == Choice("not included")
    only_excluding = Selection(include=("prod-*",), exclude_tags=(("backup", ("no",)),))
    assert choose("x", only_excluding, None) == Choice("not included")


def test_a_table_the_service_does_not_name_has_no_tags_unless_reading_failed() -> None:
    known = {"a": {"k": "v"}}
    assert Tags(known).of("b") == {}
    assert Tags(known, "throttled").of("a") == {"k": "v"}
    assert Tags(known, "throttled").of("b") is None


RULES = {"exclude_tags": {"backup": ["no"]}}


def test_the_plan_skips_by_tag_and_says_so() -> None:
    found = Inventory(
        (table("orders"), table("scratch")),
        Limits(),
        {"denied": (Verdict.FAILED, "denied")},
        tags=Tags({"scratch": {"backup": "no"}, "denied": {"backup": "no"}}),
    )
    made = make_plan(found, settings(tables=RULES), night(), 32)
    assert [j.table for j in made.jobs] == ["orders"]
    skipped = (Verdict.SKIPPED, "excluded by tag backup=no")
    assert made.verdicts == {"scratch": skipped, "denied": skipped}
    assert made.alerts == ()


def test_tags_that_could_not_be_read_are_told_with_the_tables_concerned() -> None:
    tables = tuple(table(f"t{number:02}") for number in range(13))
    known = {"t00": {"backup": "no"}, "t01": {}}
    found = Inventory(tables, Limits(), tags=Tags(known, "GetResources: denied"))
    made = make_plan(found, settings(tables=RULES), night(), 32)
    assert made.verdicts == {"t00": (Verdict.SKIPPED, "excluded by tag backup=no")}
    assert len(made.jobs) == 12
    (alert,) = made.alerts
    assert alert.startswith("11 tables are backed up whatever tables.exclude_tags and include_tags")
    assert "GetResources: denied" in alert
    assert alert.endswith("t02, t03, t04, t05, t06, t07, t08, t09, t10, t11 and 1 more")
