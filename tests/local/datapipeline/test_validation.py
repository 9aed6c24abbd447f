"""What Data Pipeline refuses to store, and what it finds wrong in a definition."""

from __future__ import annotations

from typing import Any

import pytest

from local.datapipeline.validation import NotStored, check_storable, find_errors, seconds_of_period
from tests.support.jobs_world import definition, filled, thing


def change(objects: list[Any], name: str, key: str, new: str | None, ref: bool = False) -> None:
    target = next(one for one in objects if one["id"] == name)
    target["fields"] = [f for f in target["fields"] if f["key"] != key]
    if new is not None:
        target["fields"].append({"key": key, "refValue" if ref else "stringValue": new})


@pytest.mark.parametrize(
    ("name", "key", "new", "ref", "message"),
    [
        ("Export000", "type", None, False, "Missing required field 'type'"),
        ("Export000", "type", "EmrJob", False, "Unknown type 'EmrJob'"),
        ("Export000", "runsOn", "Nowhere", True, "Unresolved reference"),
        ("Export000", "runsOn", None, True, "'runsOn or workerGroup'"),
        ("Export000", "runsOn", "Table000", True, "must be an EmrCluster"),
        ("Export000", "maximumRetries", "6", False, "at most 5"),
        ("Export000", "maximumRetries", "many", False, "integer"),
        ("Export000", "retryDelay", "1 minute", False, "at least 2 minutes"),
        ("Table000", "tableName", None, False, "'tableName'"),
        ("Table000", "readThroughputPercent", "1.5", False, "0.1 to 1.0"),
        ("Table000", "readThroughputPercent", "0.05", False, "0.1 to 1.0"),
        ("Output000", "directoryPath", None, False, "'directoryPath or filePath'"),
        ("Cluster", "amiVersion", "3.11.0", False, "Only one of"),
        ("Cluster", "runsOn", "Table000", True, "not allowed on EmrCluster"),
        ("Cluster", "terminateAfter", "soon", False, "Malformed period"),
        ("Cluster", "scheduleType", "cron", False, "only scheduleType"),
        ("Default", "role", None, False, "'role'"),
        ("Default", "failureAndRerunMode", "SOMETIMES", False, "one of"),
    ],
)
def test_semantic_faults(name: str, key: str, new: Any, ref: bool, message: str) -> None:
    objects = definition(["orders"])
    change(objects, name, key, new, ref)
    found = find_errors(objects)
    errors = [error for texts in found.values() for error in texts]
    assert any(message in error for error in errors), errors


def test_ondemand_has_no_schedule() -> None:
    schedule = thing("Daily", {"type": "Schedule", "period": "1 day", "startAt": "x"})
    assert set(find_errors([*definition(["orders"]), schedule])) == {"Daily"}


def test_a_definition_of_the_engine_is_fine() -> None:
    assert find_errors(definition(["orders", "users"])) == {}
    check_storable(filled(definition(["orders"]), 100))


@pytest.mark.parametrize(
    ("objects", "message"),
    [
        (filled([], 101), "100 objects"),
        ([{"id": "A", "name": "", "fields": []}], "needs an name"),
        ([{"id": "", "name": "A", "fields": []}], "needs an id"),
        ([thing("A", {"type": ""})], "empty"),
        ([thing("A", {}, {"runsOn": ""})], "empty"),
        ([thing("A" * 257, {"type": "S3DataNode"})], "256 bytes"),
        ([thing("A", {f"my{n}": "x" for n in range(51)})], "the limit is 50"),
        ([thing("A", {"step": "x" * 10_241})], "10240"),
        ([thing("A", {"step": "x" * 10_000, "myB": "x" * 5_400})], "15360"),
        ([thing("A", {"type": "S3DataNode"})] * 2, "twice"),
    ],
)
def test_what_is_not_stored_at_all(objects: list[Any], message: str) -> None:
    with pytest.raises(NotStored, match=message):
        check_storable(objects)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("12 hours", 43_200), ("2 Hours", 7200), ("20 Minutes", 1200), ("1 day", 86_400), ("1", None)],
)
def test_periods(text: str, seconds: int | None) -> None:
    assert seconds_of_period(text) == seconds
