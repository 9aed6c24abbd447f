"""Days, minutes, prices and counts that the documents say are those of Terraform and the code."""

from __future__ import annotations

import re
from dataclasses import fields

import pytest

from hippolyte.records.runs import LOOK_BACK
from hippolyte.settings import Prices
from hippolyte.verdicts import Verdict
from tests.support.documents import TEXTS, said
from tools.tf import REPOSITORY

README = TEXTS[REPOSITORY / "README.md"]
RUNBOOK = TEXTS[REPOSITORY / "docs" / "operations.md"]
LIMITS = TEXTS[REPOSITORY / "docs" / "limits.md"]
COSTS = TEXTS[REPOSITORY / "docs" / "costs.md"]


def in_source(file: str, pattern: str) -> str:
    """Return what a pattern's group matches in a file; it is there once."""
    (found,) = re.findall(pattern, (REPOSITORY / file).read_text(encoding="utf-8"))
    return str(found)


def test_how_often_the_monitor_comes() -> None:
    found = said(r"minutes\b", before="every ")

    assert len(found) >= 6
    assert set(found.values()) == {int(in_source("schedules.tf", r'"rate\((\d+) minutes\)"'))}


def test_how_long_lost_events_are_kept() -> None:
    seconds = int(in_source("functions.tf", r"message_retention_seconds = (\d+)"))
    found = re.findall(r"(?:stay|goes on)\s+for (\d+) days", RUNBOOK)

    assert len(found) == 2
    assert {int(days) * 86_400 for days in found} == {seconds}


def test_how_long_what_was_deleted_can_be_had_back() -> None:
    own = in_source("storage.tf", r"noncurrent_days = (\d+)")

    assert re.findall(r"\| (\d+) days in the module's own bucket", RUNBOOK) == [own]
    assert re.findall(r"had back for (\d+) days", LIMITS) == [own]
    source = (REPOSITORY / "modules/backup-bucket/variables.tf").read_text("utf-8")
    block = source[source.index('variable "noncurrent_days"') :]
    (central,) = re.findall(r"default\s+= (\d+)", block[: block.index("nullable")])
    assert re.findall(r"`noncurrent_days` \(default (\d+)\)", RUNBOOK) == [central]


def test_how_long_records_and_logs_are_kept() -> None:
    least = in_source("storage.tf", r"max\(var\.retention_days, (\d+)\)")
    logs = in_source("storage.tf", r"logs = (\d+) }")

    for module in ("storage.tf", "modules/backup-bucket/main.tf"):
        text = (REPOSITORY / module).read_text("utf-8")
        assert f"max(var.retention_days, {least})" in text and f"logs = {logs} " in text
    assert re.findall(r"`retention_days`, (\d+) days at least; (\d+) days \|", RUNBOOK) == [
        (least, logs)
    ]


def test_when_the_topics_key_is_gone() -> None:
    days = in_source("notifications.tf", r"deletion_window_in_days = (\d+)")

    assert re.findall(r"topic's key, pending deletion for (\d+) days", RUNBOOK) == [days]


def test_for_how_long_runs_are_looked_back_for() -> None:
    """A late native export is taken as long."""
    found = said(r"days after\b", before="in the ")

    assert len(found) == 2
    assert set(found.values()) == {LOOK_BACK.days}


def test_how_many_roles_there_are() -> None:
    source = (REPOSITORY / "roles.tf").read_text("utf-8")
    block = source[
        source.index("every_trust = {") : source.index(
            "trust = {", source.index("every_trust = {") + 20
        )
    ]
    roles = set(re.findall(r"^    \(?([\w.]+)\)?\s+= ", block, re.MULTILINE))
    of_clusters = {"cluster", "guard", "local.engine_role"}

    assert of_clusters < roles
    assert roles - of_clusters == {"scheduler", "monitor", "exporter", "schedules", "machine"}
    assert "a role for each function, the schedules and the machine" in README
    assert "(with `emr` three more, with `datapipeline` two," in README, "guard is EMR's alone"


def test_how_long_a_link_lives() -> None:
    timeout = int(in_source("functions.tf", r"timeout\s+= (\d+)"))
    found = said(r"minutes at most\)") | said(r"minutes at most\. A worker")

    assert len(found) == 2
    assert {minutes * 60 for minutes in found.values()} == {timeout}


def test_how_many_figures_a_night_leaves() -> None:
    """As `report.content.measures` has them, but for that of drills, and a count by verdict."""
    source = (REPOSITORY / "lambda/hippolyte/report/content.py").read_text("utf-8")
    body = source[source.index("def measures(") : source.index("def by_verdict(")]
    figures = len(re.findall(r'^        "(\w+)":', body, re.MULTILINE))
    (told,) = re.findall(
        r"twelve of each night \((\w+) figures, and the tables by verdict\)", COSTS
    )

    assert (told, figures) == ("six", 6)
    assert figures + len(Verdict) == 12


# of the page's table -> what is in the settings
PRICED = {
    "read capacity unit, standard": "read_unit_hour",
    "on-demand read request unit": "on_demand_million",
    "Data Pipeline activity": "activity_month",
    "S3 standard storage": "storage_gb_month",
    "Lambda, arm64": "function_gb_second",
    "Step Functions, Standard": "transition_thousand",
    "S3 writes and listings; reads": "put_thousand",
    "ImportTable": "import_gb",
    "native export to S3": "export_gb",
}


@pytest.mark.parametrize(("item", "name"), PRICED.items())
def test_a_price_is_the_same_on_the_page_in_terraform_and_in_the_code(item: str, name: str) -> None:
    (row,) = [line for line in COSTS.splitlines() if line.startswith((f"| {item}", f"| [{item}"))]
    page = float(re.findall(r"\d+\.\d+", row.split("|")[2])[0])
    inputs = "modules/inputs/variables.tables.tf"

    assert page == getattr(Prices(), name)
    assert page == float(in_source(inputs, rf"{name}\s+= optional\(number, ([\d.]+)\)"))


def test_a_nodes_price_is_its_machines_and_the_surcharge() -> None:
    surcharge, machine = (
        float(re.findall(r"\d+\.\d+", line.split("|")[2])[0])
        for start in ("| EMR surcharge", "| EC2 m5.xlarge")
        for line in COSTS.splitlines()
        if line.startswith(start)
    )

    assert surcharge + machine == pytest.approx(Prices().node_hour)
    assert f"a node at {machine} x 1/3 + {surcharge} is {machine / 3 + surcharge:.3f}" in COSTS


def test_every_price_of_terraform_is_one_of_the_code() -> None:
    text = (REPOSITORY / "modules/inputs/variables.tables.tf").read_text("utf-8")
    block = text[text.index('variable "prices"') :]
    given = dict(re.findall(r"(\w+)\s+= optional\(number, ([\d.]+)\)", block[: block.index("})")]))

    known = {f.name: getattr(Prices(), f.name) for f in fields(Prices)}
    assert {name: float(value) for name, value in given.items()} == {
        name: value for name, value in known.items() if isinstance(value, float)
    }


def test_what_a_storage_class_bills_at_least() -> None:
    """The page, and the two variables that have it, say the same."""
    pattern = (
        r"`STANDARD_IA`(?:,| and) `ONEZONE_IA`(?: bill for)? (\d+) days(?: at least)?, "
        r"`GLACIER_IR`(?: for)? (\d+)"
    )
    texts = [
        COSTS,
        *(
            (REPOSITORY / p).read_text("utf-8")
            for p in ("variables.destinations.tf", "modules/backup-bucket/variables.tf")
        ),
    ]

    assert [re.findall(pattern, text) for text in texts] == [[("30", "90")]] * 3
