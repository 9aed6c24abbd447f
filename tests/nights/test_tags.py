"""Nights that select by tag: what is left out, and what happens when tags cannot be read."""

from __future__ import annotations

from tests.support.harness import NightDriver, verdicts

GET_RESOURCES = "resourcegroupstaggingapi:GetResources"


def fleet(night: NightDriver) -> None:
    for name in ("orders", "scratch", "untagged", "empty-scratch"):
        night.table(name, items=0 if name.startswith("empty") else 3)
    night.tag("orders", backup="nightly", team="shop")
    night.tag("scratch", backup="no")
    night.tag("empty-scratch", backup="no")


def test_tables_are_excluded_by_tag(night: NightDriver) -> None:
    fleet(night)
    night.configure(tables={"exclude_tags": {"backup": ["no"]}})
    scanned: set[str] = set()
    night.world.before("dynamodb:Scan", lambda call: scanned.add(call.params["TableName"]))
    report = night.night()
    assert verdicts(report) == {
        "orders": "backed_up",
        "untagged": "backed_up",
        "scratch": "skipped",
        "empty-scratch": "skipped",
    }
    assert report["tables"]["scratch"]["reason"] == "excluded by tag backup=no"
    read = {"orders", "untagged"} if night.engine == "lambda" else set()
    assert scanned == read, "left out, and not looked into"
    night.assert_clean()


def test_only_tagged_tables_are_included(night: NightDriver) -> None:
    fleet(night)
    night.configure(tables={"include": [], "include_tags": {"backup": ["night*"]}})
    report = night.night()
    taken = [name for name, verdict in verdicts(report).items() if verdict == "backed_up"]
    assert taken == ["orders"]
    assert report["tables"]["untagged"]["reason"] == "not included"
    night.assert_clean()


def test_tags_that_cannot_be_read_leave_nothing_out_and_are_told(night: NightDriver) -> None:
    fleet(night)
    rules = {"include": [], "include_tags": {"team": ["shop"]}, "exclude_tags": {"backup": ["no"]}}
    night.configure(tables={**rules, "exclude": ["untagged"]})
    night.world.deny("tag:GetResources")
    report = night.night()
    assert verdicts(report) == {
        "orders": "backed_up",
        "scratch": "backed_up",
        "empty-scratch": "backed_up",
        "untagged": "skipped",
    }
    (alert,) = report["alerts"]
    assert alert.startswith("3 tables are backed up whatever")
    assert "not authorized to perform: tag:GetResources" in alert
    assert len(night.attention) == 1
    assert alert in night.attention[0]["message"]
    night.assert_clean()


def test_a_throttled_reading_is_tried_again(night: NightDriver) -> None:
    fleet(night)
    night.configure(tables={"exclude_tags": {"backup": ["no"]}})
    night.world.throttle(GET_RESOURCES, calls=3)
    report = night.night()
    assert verdicts(report)["scratch"] == "skipped"
    assert report["alerts"] == []


def test_without_rules_over_tags_they_are_not_read(night: NightDriver) -> None:
    night.table("orders")
    night.night()
    assert night.world.gate.calls[GET_RESOURCES] == 0
