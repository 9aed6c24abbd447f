"""The Data Pipeline definition of a batch, in both forms and within the service's limits."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hippolyte.engines.datapipeline_definition import (
    OBJECTS_PER_PIPELINE,
    TABLES_PER_PIPELINE,
    api_objects,
    definition,
    step,
)
from hippolyte.engines.export_job import job_number
from local.datapipeline.task_runner import step_arguments
from local.datapipeline.validation import check_storable, find_errors, value
from tests.support.builders import launch, settings

NOW = datetime(2026, 11, 24, tzinfo=UTC)


def objects(*names: str, ratio: float = 0.5, **changes: Any) -> dict[str, dict[str, Any]]:
    made = definition(launch(*names, ratio=ratio), settings(**changes), NOW)
    return {thing["id"]: thing for thing in made["objects"]}


def test_a_full_batch_is_within_the_services_limit_and_one_more_is_not() -> None:
    assert TABLES_PER_PIPELINE == 32
    full = api_objects(definition(launch(*map(str, range(1000, 1032))), settings(), NOW))
    assert len(full) <= OBJECTS_PER_PIPELINE < len(full) + 3
    check_storable(full)
    assert find_errors(full) == {}


def test_the_longest_table_names_stay_within_the_limits() -> None:
    made = api_objects(
        definition(launch(*("x" * 252 + f"{n:03d}" for n in range(32))), settings(), NOW)
    )
    check_storable(made)
    assert find_errors(made) == {}
    assert max(len(thing["id"]) for thing in made) <= 10
    for thing in made:
        assert thing["id"] == thing["name"]


def test_the_api_form_has_no_id_or_name_among_its_fields_and_no_empty_values() -> None:
    for thing in api_objects(definition(launch("orders"), settings(), NOW)):
        assert set(thing) == {"id", "name", "fields"}
        for field in thing["fields"]:
            assert field["key"] not in ("id", "name")
            assert set(field) - {"key"} in ({"stringValue"}, {"refValue"})
            assert all(isinstance(v, str) and v for v in field.values())


def test_references_are_references() -> None:
    (activity,) = [
        o
        for o in api_objects(definition(launch("orders"), settings(), NOW))
        if o["id"] == "Export000"
    ]
    references = {f["key"]: f["refValue"] for f in activity["fields"] if "refValue" in f}
    assert references == {"runsOn": "Cluster", "input": "Table000", "output": "Output000"}


def test_a_list_is_a_repeated_key() -> None:
    document = {"objects": [{"id": "x", "name": "x", "step": ["a", "b"], "of": {"ref": "y"}}]}
    assert api_objects(document)[0]["fields"] == [
        {"key": "step", "stringValue": "a"},
        {"key": "step", "stringValue": "b"},
        {"key": "of", "refValue": "y"},
    ]


def test_what_the_design_asks_of_default_and_cluster() -> None:
    made = objects("orders")
    default, cluster = made["Default"], made["Cluster"]
    assert default["scheduleType"] == "ONDEMAND"
    assert default["failureAndRerunMode"] == "CASCADE"
    assert default["pipelineLogUri"] == "s3://backups/logs/123456789012/us-east-1/"
    assert cluster["terminateAfter"] == "8 hours"
    assert cluster["actionOnTaskFailure"] == "continue"
    assert cluster["region"] == "us-east-1"
    assert "subnetId" not in cluster
    assert objects("orders", cluster={"subnet_id": "subnet-1"})["Cluster"]["subnetId"] == "subnet-1"


def test_what_the_design_asks_of_an_export() -> None:
    made = objects("orders", ratio=0.680841)
    export = made["Export000"]
    assert str(export["maximumRetries"]) == "0"
    assert export["resizeClusterBeforeRunning"] == "false"
    jar, tool, *options, output, table, ratio = step_arguments(export["step"])
    assert jar.startswith("s3://dynamodb-dpl-us-east-1/")
    assert tool == "org.apache.hadoop.dynamodb.tools.DynamoDBExport"
    assert "-Dmapreduce.map.speculative=false" in options
    assert "-Ddynamodb.regionid=us-east-1" in options
    assert (table, ratio) == ("orders", "0.680841")
    assert output == made["Output000"]["directoryPath"]
    assert not output.endswith("/")
    assert made["Table000"]["tableName"] == "orders"
    assert "readThroughputPercent" not in made["Table000"]


@pytest.mark.parametrize("ratio", [1e-6, 0.1, 0.5, 0.999999, 1.0])
def test_the_ratio_is_a_plain_literal(ratio: float) -> None:
    text = step_arguments(objects("orders", ratio=ratio)["Export000"]["step"])[-1]
    assert re.fullmatch(r"[01]\.[0-9]{6}", text)
    assert float(text) == pytest.approx(ratio, abs=1e-9)


def test_no_parameters_and_no_expressions() -> None:
    made = definition(launch("orders"), settings(), NOW)
    assert set(made) == {"objects"}
    assert "#{" not in str(made)


@given(st.lists(st.text("ab, =/", min_size=1), min_size=1, max_size=5))
def test_arguments_survive_the_services_splitting(arguments: list[str]) -> None:
    """No table, bucket or region holds a backslash, whose own escape is not documented."""
    assert step_arguments(step(arguments)) == arguments


def test_job_numbers_of_component_ids() -> None:
    assert [job_number(i) for i in ("Export007", "Table031", "Output000")] == [7, 31, 0]
    assert [job_number(i) for i in ("Default", "Cluster", "Export", "Exportx", "")] == [None] * 5


def test_every_value_the_service_would_refuse_is_left_out() -> None:
    made = api_objects(definition(launch("orders"), settings(cluster={"key_pair": None}), NOW))
    assert value([f for o in made for f in o["fields"]], "keyPair") is None


@pytest.mark.parametrize(
    ("late", "hours"),
    [(0, 8), (1, 8), (3600, 7), (7 * 3600 - 1, 2), (7 * 3600, 1), (9 * 3600, 1)],
)
def test_the_cluster_ends_by_itself_an_hour_after_the_deadline(late: int, hours: int) -> None:
    """In whole hours, and never at once."""
    made = definition(launch("orders"), settings(), NOW + timedelta(seconds=late))
    cluster = next(o for o in made["objects"] if o["id"] == "Cluster")
    assert cluster["terminateAfter"] == f"{hours} hours"
