"""Links, times, changes and cost: on the page of each engine, in each partition, of odd names."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hippolyte.record_form import when
from hippolyte.report.page import render
from hippolyte.verdicts import Verdict
from tests.support.night_reports import at, night_report
from tests.support.pages import Page

PARTITIONS = {
    "aws": ("eu-central-1", "https://eu-central-1.console.aws.amazon.com"),
    "aws-cn": ("cn-north-1", "https://cn-north-1.console.amazonaws.cn"),
    "aws-us-gov": ("us-gov-west-1", "https://us-gov-west-1.console.amazonaws-us-gov.com"),
}
ENGINES = ("lambda", "emr", "datapipeline", "native")
LOG = "s3://backups/logs/orders 1+2/"


def a_night(engine: str, partition: str = "aws", **more: Any) -> dict[str, Any]:
    """One table backed up, one failed; with DynamoDB's own exports for the engine `native`."""
    failed = {"verdict": Verdict.FAILED, "reason": "no luck", "log": LOG}
    raised = {"raised_from": 10, "raised_to": 20, "raised_at": at(2), "given_back_at": at(9)}
    report = night_report(
        ["orders", "users"], engine.replace("native", "lambda"), orders=failed, users=raised
    )
    for batch in report["batches"]:
        if engine == "native":
            batch |= {"workers": 0, "handle": {"moment": report["start"]}}
        elif engine == "lambda":
            batch["handle"]["run"] = report["run_id"]
    for row in report["tables"].values():
        row["engine"] = engine
    good = report["tables"]["users"]
    good |= {"bytes": 3 << 20, "duration_seconds": 120}
    good["before"] = {"items": 100, "bytes": 2 << 20, "duration_seconds": 240}
    report |= {"timezone": "Europe/Berlin", "previous_run": "2026-11-23T00-00Z"}
    report |= {"partition": partition, "region": PARTITIONS[partition][0], "bytes": 3 << 20}
    report |= {"bucket_region": report["region"], "cost_usd": 1.5, "storage_usd": 20.0}
    report["before"] = {
        **{"items": 50, "bytes": 2 << 20, "duration_seconds": report["duration_seconds"] * 2},
        **{"cost_usd": 1.0, "storage_usd": 20.0},
    }
    return report | more


@pytest.mark.parametrize("partition", PARTITIONS)
@pytest.mark.parametrize("engine", ENGINES)
def test_all_that_a_night_left_is_a_link(engine: str, partition: str) -> None:
    report = a_night(engine, partition)
    links = Page(render(report)).links
    region, host = PARTITIONS[partition]
    home = f"home?region={region}"
    s3 = f"{host}/s3/buckets/backups?region={region}&prefix="
    place = "backups/123456789012/us-east-1"
    batch = report["batches"][0]
    begin, end = (int(when(batch[key]).timestamp()) * 1000 for key in ("started_at", "ended_at"))
    opened, closed = (int(when(report[key]).timestamp()) * 1000 for key in ("start", "closed_at"))
    group = f"{host}/cloudwatch/{home}#logsV2:log-groups/log-group/$252Faws$252Flambda$252F"
    execution = f"arn:{partition}:states:{region}:123456789012:execution:hippolyte-exporter:"
    worker = f"{host}/states/{home}#/v2/executions/details/{execution}{report['run_id']}-b001"
    log = f"{group}hippolyte-exporter/log-events$3Fstart$3D{begin}$26end$3D{end}"
    clusters = [f"{host}/emr/{home}#/clusterDetails/j-0"]
    of_engine = {"lambda": [worker, log], "native": []}.get(engine, clusters)
    expected = [
        *[f"{host}/lambda/{home}#/functions/hippolyte-monitor?tab=monitoring"],
        *[f"{group}hippolyte-monitor/log-events$3Fstart$3D{opened}$26end$3D{closed}"],
        # of the one that is not backed up: the table, what was written, the log
        *[f"{host}/dynamodbv2/{home}#table?name=orders", f"{s3}{place}/orders/run-1/"],
        *[f"{s3}logs/orders%201%2B2/", *of_engine],
        # and the other's backup
        *[f"{s3}{place}/users/run-1/", f"{s3}{place}/"],
    ]
    assert [each for each in expected if each not in links] == []
    assert {urlsplit(each).netloc for each in links} == {urlsplit(host).netloc}
    # once in the failure's row, once in the list of workers, once in the chart
    assert all(links.count(each) >= 2 for each in of_engine)


@pytest.mark.parametrize("engine", ENGINES)
def test_times_changes_and_cost_are_on_each_engine_s_page(engine: str) -> None:
    text = Page(render(a_night(engine))).text
    for part in (
        "window 24 Nov 2026, 01:00 to 08:00 Europe/Berlin (00:00 to 07:00 UTC)",
        "closed 04:00 (03:00 UTC)",
        "backups +50 %",
        "took -50 %",
        "cost, USD +50 %",
        "size of the backups: 2.0 MiB → 3.0 MiB (+50 %)",
        "estimated cost of the night: 1.00 USD → 1.50 USD (+50 %)",
        "about 1.50 USD, and about 20.00 USD a month for what is kept",
        # the table's own: items, size, change, time, change
        "users1003.0 MiB+50 %2 min-50 %",
        "users102001:02 (00:02)01:09 (00:09)7 min",
        "All times are in Europe/Berlin, UTC beside.",
    ):
        assert part in text, part


def links_of(report: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Each link's path, and what comes after its region."""
    for each in Page(render(report)).links:
        parts = urlsplit(each)
        yield parts.path, parts.fragment or parts.query


@settings(max_examples=40, deadline=None)
@given(st.text(st.characters(codec="utf-8"), min_size=1, max_size=60))
def test_names_come_out_of_the_links_as_they_were(name: str) -> None:
    report = a_night("lambda", deployment=name)
    report["tables"]["orders"]["log"] = f"s3://backups/logs/{name}/x"
    report["tables"][f"t/{name}"] = report["tables"].pop("orders")
    found = list(links_of(report))
    tables = [unquote(what).removeprefix("table?name=") for path, what in found if "dynamo" in path]
    assert tables == [f"t/{name}"]
    logs = [parse_qs(what)["prefix"][0] for path, what in found if "prefix=logs" in what]
    assert logs == [f"logs/{name}/x/"]
    groups = {
        # CloudWatch's console: quoted twice, with a dollar for the outer percent sign
        unquote(unquote(what.split("/")[2].replace("$", "%")))
        for path, what in found
        if path.startswith("/cloudwatch")
    }
    functions = ("scheduler", "monitor", "exporter")
    assert groups == {f"/aws/lambda/{name}-{function}" for function in functions}
    assert {
        unquote(what.split("/")[2].partition("?")[0]) for path, what in found if "/lambda/" in path
    } == {f"{name}-{function}" for function in functions}
