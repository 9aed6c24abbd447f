"""`hippolyte plan --tables`: without an account, and whatever it is given."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from hippolyte.errors import ConfigurationError, RefusedError
from hippolyte.planning.answer import answer, read_answer
from hippolyte_cli.main import app
from hippolyte_cli.planning.settings_given import settings_of, what_if
from tests.support.builders import plan, renamed, table
from tests.support.report_schema import PLAN, faults

DATA = Path(__file__).parents[2] / "data" / "planning" / "tables.json"
ENVIRONMENT = {"COLUMNS": "400", "AWS_REGION": "us-east-1"}


def run(*arguments: Any, given: str | None = None) -> Result:
    result = CliRunner().invoke(app, ["plan", *map(str, arguments)], input=given, env=ENVIRONMENT)
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def planned(*arguments: Any, **more: Any) -> dict[str, Any]:
    result = run("--json", *arguments, **more)
    assert result.exit_code == 0, result.output
    made: dict[str, Any] = json.loads(result.stdout)
    return made


def refused(*arguments: Any, **more: Any) -> str:
    result = run(*arguments, **more)
    assert result.exit_code == 2, result.output
    assert "Traceback" not in result.output
    return result.output


def written(place: Path, name: str, content: object) -> Path:
    path = place / name
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return path


def answer_of(name: str) -> dict[str, Any]:
    return {
        "TableName": name,
        "TableId": f"id-{name}",
        "TableStatus": "ACTIVE",
        "TableSizeBytes": 1 << 30,
        "ItemCount": 1000,
        "ProvisionedThroughput": {"ReadCapacityUnits": 100, "WriteCapacityUnits": 5},
    }


def jobs(made: dict[str, Any]) -> dict[str, Any]:
    return {job["table"]: job for batch in made["batches"] for job in batch["jobs"]}


def test_the_json_is_the_record_of_the_schema() -> None:
    made = planned("--tables", DATA)
    assert list(faults(made, PLAN, "plan")) == []
    assert len(jobs(made)) == 12
    assert made["engine"] == "lambda"
    assert any("quotas are AWS's defaults" in warning for warning in made["warnings"])
    assert any("tags are unknown, and there is no history" in w for w in made["warnings"])


def test_tables_come_from_standard_input_too_and_in_any_order() -> None:
    rows = json.loads(DATA.read_text(encoding="utf-8"))
    made = [planned("--tables", "-", given=json.dumps(r)) for r in (rows, rows[::-1])]
    assert made[0]["batches"] == made[1]["batches"]


def test_any_part_of_the_settings_is_taken(tmp_path: Path) -> None:
    planning = {"max_clusters": 100_000, "cluster_bytes_per_second": 20_000_000}
    given: dict[str, Any] = {"engine": "datapipeline", "planning": planning}
    made = planned("--tables", DATA, "--settings", written(tmp_path, "s.json", given))
    assert made["engine"] == "datapipeline"
    assert jobs(made)["orders"]["raise_to"] == 1569
    for engine in ("emr", "lambda"):
        given = {"engine": engine, "tables": {"exclude": ["audit-*"]}}
        made = planned("--tables", DATA, "--settings", written(tmp_path, "s.json", given))
        assert made["engine"] == engine
        assert set(made["verdicts"]) == {"audit-log"}


def test_that_descriptions_do_not_tell_of_recovery_is_said(tmp_path: Path) -> None:
    """Such a table may be exported natively: the plan shows it read, at another cost."""
    given = written(tmp_path, "s.json", {"native_export": {"tables": ["orders"]}})
    tables = written(tmp_path, "t.json", [answer_of("orders"), answer_of("users")])
    made = planned("--tables", tables, "--settings", given)
    (warning,) = [each for each in made["warnings"] if "native_export" in each]
    assert warning.startswith("native_export names orders, and whether point-in-time recovery")
    assert "a table's description does not say it" in warning
    assert "recovery is not known" in jobs(made)["orders"]["basis"]


def test_a_part_of_the_tables_is_planned() -> None:
    made = planned("or*", "--tables", DATA)
    assert set(jobs(made)) == {"orders", "order-events"}
    assert made["part"] == ["or*"]
    assert "no table matches 'oders' (the nearest: orders" in refused("oders", "--tables", DATA)


def test_other_settings_are_shown_side_by_side() -> None:
    result = run("--tables", DATA, "--what-if", "window=22:00-03:00,percentage=30")
    assert result.exit_code == 0, result.output
    assert "window=22:00-03:00,percentage=30" in result.output
    (row,) = [line for line in result.output.splitlines() if "│ window " in line]
    assert "7 h 00" in row
    assert "5 h 00" in row


def test_what_changed_is_told_and_the_page_written(tmp_path: Path) -> None:
    old = written(tmp_path, "old.json", planned("or*", "--tables", DATA))
    page = tmp_path / "plan.html"
    result = run("--tables", DATA, "--compare", old, "--html", page)
    assert result.exit_code == 0, result.output
    assert "New, 10:" in result.output
    assert "Since " in result.output
    text = page.read_text(encoding="utf-8")
    assert "<h2>What changed</h2>" in text
    assert "audit-log" in text
    assert "Nothing changed since" in run("or*", "--tables", DATA, "--compare", old).output


@pytest.mark.parametrize(
    ("text", "changes"),
    [
        ("window=00:00-05:00,percentage=30", {"window_seconds": 18000, "consumed_percentage": 30}),
        ("window=23:30-00:15", {"window_seconds": 2700}),
        (" max_clusters = 20 ", {"planning": {"max_clusters": 20}}),
        (
            "exporter.max_workers=3,memory_size=512",
            {"exporter": {"max_workers": 3, "memory_size": 512}},
        ),
        ("raise_capacity=false,engine=emr", {"raise_capacity": False, "engine": "emr"}),
        ("prices.read_unit_hour=0.00015", {"prices": {"read_unit_hour": 0.00015}}),
    ],
)
def test_short_forms_name_settings(text: str, changes: dict[str, Any]) -> None:
    assert what_if(text) == changes


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "--what-if is empty"),
        ("window", "takes pairs like"),
        ("=3", "takes pairs like"),
        ("percentage=", "takes pairs like"),
        ("percentage=30,", "takes pairs like"),
        ("percentage=30,percentage=40", "says percentage twice"),
        ("planning=3,planning.max_clusters=4", "says planning.max_clusters twice"),
        ("weather=fair", "there is no setting 'weather'"),
        ("window=00:00", "a window is like 00:00-05:00"),
        ("window=24:00-05:00", "a window is like 00:00-05:00"),
        ("window=0:00-5:00", "a window is like 00:00-05:00"),
        ("window=05:00-05:00", "begins and ends at the same time"),
        ("window=aa:bb-cc:dd", "a window is like"),
        ("percentage=0", "consumed_percentage must be at least 1, got 0"),
        ("percentage=much", "consumed_percentage must be a whole number, got 'much'"),
        ("window=00:00-00:05", "window_seconds must be at least 900, got 300"),
        ("planning.max_clusters.x=1", "planning.max_clusters must be a whole number"),
        ("planning.no=1", "unknown key planning.no"),
        ("planning=1", "planning must be an object, got 1"),
        ("engine=glue", "engine must be one of lambda"),
    ],
)
def test_other_settings_that_are_none_are_refused(text: str, words: str) -> None:
    assert words in refused("--tables", DATA, "--what-if", text)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("{", "s.json is not JSON"),
        ("[]", "must hold an object of settings, got []"),
        ("[" * 100_000, "s.json is not JSON"),
        ({"weather": 1}, "s.json cannot be planned with: unknown key weather"),
        ({"planning": []}, "planning must be an object, got []"),
        ({"planning": None}, "planning must be an object, got None"),
        ({"window_seconds": 60}, "window_seconds must be at least 900, got 60"),
        ({"consumed_percentage": -3}, "consumed_percentage must be at least 1, got -3"),
        ({"prices": {"node_hour": 0}}, "prices.node_hour must be a number above 0, got 0"),
        ({"prices": {"node_hour": -1}}, "prices.node_hour must be a number above 0, got -1"),
        ({"prices": {"node_hour": None}}, "prices.node_hour must not be null"),
        ('{"prices": {"node_hour": Infinity}}', "must be a number above 0"),
        ({"prices": {"gold": 1}}, "unknown key prices.gold"),
        ({"engine": "emr", "emr": None}, "missing key emr"),
        ("x" * (2 << 20), "holds no settings: it has more than 1 MB"),
    ],
)
def test_settings_that_cannot_be_used_are_refused(
    tmp_path: Path, content: object, words: str
) -> None:
    path = written(tmp_path, "s.json", content)
    assert words in refused("--tables", DATA, "--settings", path)


def test_missing_prices_are_the_documented_ones(tmp_path: Path) -> None:
    own = written(
        tmp_path, "s.json", {"prices": {"region": "eu-west-1", "on_demand_million": 0.25}}
    )
    plain, dear = planned("--tables", DATA), planned("--tables", DATA, "--settings", own)
    assert dear["cost"]["reads"] == pytest.approx(2 * plain["cost"]["reads"], rel=1e-3)
    assert dear["cost"]["hosts"] == plain["cost"]["hosts"]
    assert (plain["prices"], dear["prices"]) == ("us-east-1, 2026-11", "eu-west-1, 2026-11")


def test_a_window_shorter_than_a_bootstrap_leaves_all_tables_out_and_says_so(
    tmp_path: Path,
) -> None:
    for bootstrap in (900, 7200):
        given = {
            "engine": "datapipeline",
            "window_seconds": 900,
            "planning": {"cluster_bootstrap_seconds": bootstrap},
        }
        path = written(tmp_path, "s.json", given)
        made = planned("--tables", DATA, "--settings", path)
        assert all(job["raise_to"] is None for job in jobs(made).values())
        output = run("--tables", DATA, "--settings", path).output
        assert "Does not fit the window: 12 of 12 tables" in output


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "is no plan: it is not JSON"),
        ("{", "is no plan: it is not JSON"),
        ("[1]", "is no plan, as `hippolyte plan --json` prints it"),
        ({"totals": {}}, "is no plan, as"),
        ({"version": 2, "batches": []}, "is a plan of version 2, and this command knows 1"),
        ({"batches": []}, "is a plan of version None"),
        ({"version": 1, "batches": []}, "has a form that this version does not know"),
        ({"version": 1, "batches": 7}, "form that this version does not know"),
    ],
)
def test_a_plan_file_that_is_none_or_of_another_version_is_refused(
    tmp_path: Path, content: object, words: str
) -> None:
    path = written(tmp_path, "old.json", content)
    assert words in refused("--tables", DATA, "--compare", path)


@pytest.mark.parametrize(
    ("at", "value"),
    [
        (("batches", 0, "jobs", 0, "estimate_seconds"), "long"),
        (("batches", 0, "jobs", 0, "raise_to"), [1]),
        (("batches", 0, "jobs", 0, "weather"), 1),
        (("batches", 0, "jobs"), None),
        (("batches", 0, "begins"), "soon"),
        (("cost", "hosts"), "much"),
        (("cost_usd",), None),
        (("storage_usd",), "x"),
        (("start",), "now"),
        (("start",), 5),
        (("verdicts",), {"a": "b"}),
        (("verdicts",), [1]),
        (("verdicts",), {"a": ["skipped", 3]}),
        (("engine",), "glue"),
        (("empty",), 3),
        (("empty",), [3]),
        (("undescribed",), 3),
        (("cost",), 3),
        (("deadline",), "0001-01-01T00:00:00Z"),
    ],
)
def test_a_plan_with_nonsense_in_it_is_no_traceback(
    tmp_path: Path, at: tuple[Any, ...], value: object
) -> None:
    made = planned("--tables", DATA)
    place: Any = made
    for step in at[:-1]:
        place = place[step]
    place[at[-1]] = value
    result = run("--tables", DATA, "--compare", written(tmp_path, "old.json", made))
    assert result.exit_code in (0, 2), result.output
    if result.exit_code == 2:
        assert "old.json" in result.output


def test_an_older_plan_lacks_what_was_added_since(tmp_path: Path) -> None:
    made = planned("--tables", DATA)
    for added in ("cost", "prices", "part", "at_once", "storage_usd"):
        del made[added]
    for batch in made["batches"]:
        del batch["begins"], batch["ends"]
        for job in batch["jobs"]:
            del job["parts"]
    result = run("--tables", DATA, "--compare", written(tmp_path, "old.json", made))
    assert result.exit_code == 0, result.output


def test_what_does_not_go_together_is_refused(tmp_path: Path) -> None:
    settings = written(tmp_path, "s.json", {})
    assert "--settings goes with --tables" in refused("--settings", settings)
    assert "--json prints one plan" in refused(
        "--json", "--tables", DATA, "--what-if", "percentage=3"
    )


def test_files_that_cannot_be_opened_are_named(tmp_path: Path) -> None:
    none = tmp_path / "none.json"
    for arguments in (
        ("--tables", none),
        ("--tables", tmp_path),
        ("--tables", DATA, "--settings", none),
        ("--tables", DATA, "--compare", none),
        ("--tables", DATA, "--html", tmp_path / "none" / "plan.html"),
    ):
        assert str(arguments[-1]) in refused(*arguments)
    binary = tmp_path / "binary"
    binary.write_bytes(b"\xff\xfe[\x00]\x00")
    for option in ("--tables", "--settings", "--compare"):
        more = () if option == "--tables" else ("--tables", DATA)
        assert str(binary) in refused(option, binary, *more)
    packed = tmp_path / "packed"
    packed.write_bytes(b"\x1f\x8b\x08" + os.urandom(40))
    assert "is no plan" in refused("--tables", DATA, "--compare", packed)


def test_a_settings_region_decides_not_the_environments() -> None:
    assert settings_of({}, "eu-west-1", "s").region == "eu-west-1"
    assert settings_of({"region": "sa-east-1"}, "eu-west-1", "s").region == "sa-east-1"
    with pytest.raises(RefusedError, match="s cannot be planned with: region must be a string"):
        settings_of({"region": 3}, "eu-west-1", "s")


def test_a_long_answer_is_packed_and_too_long_a_one_refused() -> None:
    made = plan(*renamed([table("x" * 200)] * 10_000))
    packed = answer(made, [made])
    assert set(packed) == {"packed"}
    assert len(packed["packed"]) < 4_000_000
    first, (second,) = read_answer(packed)
    assert first == second == json.loads(json.dumps(made.to_record()))
    with pytest.raises(RefusedError, match=r"plan of 10000 tables is too long .* --tables FILE"):
        answer(made, most=10_000)


@pytest.mark.parametrize(
    "answered",
    [
        {"plan": {"tables": {}, "run_id": "r"}},
        {"plan": {}, "what_if": []},
        {"packed": "no"},
        {"packed": "H4sIAAAA"},
        {"plan": 3, "what_if": 4},
        {},
    ],
)
def test_an_answer_of_another_version_is_said(answered: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match="function and command must be of one version"):
        read_answer(answered)
