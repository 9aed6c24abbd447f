"""The settings: what Terraform writes is read, anything else is refused with its name."""

from __future__ import annotations

import hashlib
import json

import pytest

from hippolyte.errors import ConfigurationError
from hippolyte.parameters import joined
from hippolyte.settings import VARIABLE, Exporter, load, parse, raw
from tests.support.builders import raw_settings, settings
from tests.support.kept import parts

EXPORTER = {
    "machine_arn": "arn:aws:states:us-east-1:123456789012:stateMachine:hippolyte-exporter",
    "timeout_seconds": 900,
    "memory_size": 1769,
    "max_workers": 10,
}


def test_the_exporter_is_read_with_every_engine() -> None:
    for engine in ("lambda", "datapipeline"):
        assert settings(engine=engine, exporter=EXPORTER).exporter == Exporter(**EXPORTER)
    assert settings().exporter is None, "a module that had none yet"


def test_defaults_are_the_designs() -> None:
    found = settings()
    assert found.window_seconds == 25_200
    assert found.consumed_fraction == 0.5
    assert found.planning.bytes_per_read_unit is None
    assert found.planning.cluster_bootstrap_seconds == 600
    assert found.cluster.release_label == "emr-5.27.1"
    assert found.tables.include == ("*",)


def test_the_json_form_is_read_as_the_same_settings() -> None:
    tags = {"include": [], "include_tags": {"backup": ["yes", "n*"]}}
    for found in (settings(), settings(tables=tags, tags={"team": "x"}, raise_capacity="plan")):
        assert parse(json.dumps(raw(found))) == found


def test_keys_carry_the_prefix() -> None:
    assert settings().place("runs", "r", "plan.json") == "runs/123456789012/us-east-1/r/plan.json"
    assert settings(prefix="a/b").place("runs", "") == "a/b/runs/123456789012/us-east-1/"


def test_all_faults_are_named_at_once() -> None:
    raw = raw_settings(surplus=1, consumed_percentage=101, tables={"include": "orders"})
    del raw["bucket"]
    with pytest.raises(ConfigurationError) as refused:
        parse(json.dumps(raw))
    text = str(refused.value)
    assert "unknown key surplus" in text
    assert "missing key bucket" in text
    assert "consumed_percentage must be at most 100, got 101" in text
    assert "tables.include must be a list of strings, got 'orders'" in text
    assert "apply the module again" in text


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"consumed_percentage": 0}, "consumed_percentage must be at least 1, got 0"),
        ({"window_seconds": "7h"}, "window_seconds must be a whole number, got '7h'"),
        ({"raise_capacity": 1}, 'raise_capacity must be true or false, or "plan", got 1'),
        ({"raise_capacity": "no"}, "raise_capacity must be true or false"),
        ({"raise_above_warm_throughput": "plan"}, "must be true or false, got 'plan'"),
        ({"planning": {"estimates": "guess"}}, "estimates must be one of measured, formula"),
        ({"prices": {"node_hour": 0}}, "prices.node_hour must be a number above 0, got 0"),
        ({"bucket": None}, "bucket must not be null, got None"),
        ({"planning": {"attempts": 0}}, "planning.attempts must be at least 1, got 0"),
        ({"planning": []}, "planning must be an object, got []"),
        (
            {"tables": {"exclude_tags": {"backup": "no"}}},
            "tables.exclude_tags must be an object of lists of strings, got {'backup': 'no'}",
        ),
        ({"tables": {"include_tags": ["backup"]}}, "must be an object of lists of strings"),
        ({"max_night_usd": 0}, "max_night_usd must be a number above 0, got 0"),
        ({"max_night_usd": "5"}, "max_night_usd must be a number above 0, got '5'"),
        ({"max_night_usd": True}, "max_night_usd must be a number above 0, got True"),
        ({"retention_days": 0}, "retention_days must be at least 1, got 0"),
        ({"name": 7}, "name must be a string, got 7"),
        ({"engine": "glue"}, "engine must be one of lambda, datapipeline, emr, got 'glue'"),
        ({"engine": "emr"}, 'missing key emr, which engine "emr" needs'),
        ({"engine": "lambda"}, 'missing key exporter, which engine "lambda" needs'),
        ({"exporter": {}}, "missing key exporter.machine_arn"),
        ({"exporter": EXPORTER | {"timeout_seconds": 0}}, "timeout_seconds must be at least 1"),
        (
            {"exporter": EXPORTER | {"memory_size": 127}},
            "memory_size must be at least 128, got 127",
        ),
        ({"exporter": EXPORTER | {"max_workers": 0}}, "max_workers must be at least 1, got 0"),
        ({"exporter": EXPORTER | {"workers": 1}}, "unknown key exporter.workers"),
    ],
)
def test_a_wrong_value_is_refused_with_its_place(changes: dict[str, object], words: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        settings(**changes)
    assert words in str(refused.value)


def test_a_missing_variable_is_named() -> None:
    with pytest.raises(ConfigurationError, match=VARIABLE):
        load({})


def test_text_that_is_no_json_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="is not JSON"):
        load({VARIABLE: "{"})


def test_rules_over_tags_are_read_and_settings_stay_hashable() -> None:
    found = settings(tables={"include_tags": {"backup": ["yes", "nightly"], "team": ["*"]}})
    assert found.tables.include_tags == (("backup", ("yes", "nightly")), ("team", ("*",)))
    assert found.tables.by_tag
    assert not settings().tables.by_tag
    assert hash(found) == hash(found)


def hashes(number: int) -> list[str]:
    """Names that take as much room packed as any."""
    return [hashlib.sha256(str(n).encode()).hexdigest() for n in range(number)]


def test_settings_in_parameters_are_put_together_by_number() -> None:
    raw = raw_settings(tables={"exclude": hashes(1000)})
    path, values = parts(raw)
    found = {name.rpartition("/")[2]: value for name, value in values.items()}
    assert len(found) > 11, "10 comes after 9"
    assert parse(joined(path, dict(sorted(found.items())))) == parse(json.dumps(raw))


@pytest.mark.parametrize(
    ("lost", "words"),
    [(["1"], r"not complete, or were changed \(2 found\)"), (None, "are missing")],
)
def test_a_set_that_is_not_whole_is_refused_with_the_remedy(
    lost: list[str] | None, words: str
) -> None:
    path, values = parts(raw_settings(tables={"exclude": hashes(120)}))
    found = {name.rpartition("/")[2]: value for name, value in values.items()}
    for number in lost or list(found):
        del found[number]
    with pytest.raises(ConfigurationError, match=words) as refused:
        joined(path, found)
    assert f"{path}/0" in str(refused.value)
    assert "apply the module again" in str(refused.value)


def test_tags_are_read() -> None:
    assert settings(tags={"team": "data"}).tags == (("team", "data"),)
    assert settings().tags == ()
    with pytest.raises(ConfigurationError, match="tags must be an object of strings"):
        settings(tags={"team": ["data"]})
