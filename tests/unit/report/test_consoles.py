"""Addresses in AWS's consoles: of each partition and region, whatever the names are."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hippolyte.report.consoles import Consoles
from tests.support.night_reports import at

PARTITIONS = [
    ("aws", "eu-central-1", "https://eu-central-1.console.aws.amazon.com"),
    ("aws-cn", "cn-north-1", "https://cn-north-1.console.amazonaws.cn"),
    ("aws-us-gov", "us-gov-west-1", "https://us-gov-west-1.console.amazonaws-us-gov.com"),
]


def consoles(partition: str = "aws", region: str = "eu-central-1", **more: Any) -> Consoles:
    report = {"region": region, "account": "123456789012", "deployment": "hippolyte", **more}
    return Consoles.of({**report, "partition": partition})


@pytest.mark.parametrize(("partition", "region", "host"), PARTITIONS)
def test_each_partition_has_its_host(partition: str, region: str, host: str) -> None:
    made = consoles(partition, region)
    home = f"home?region={region}"
    group = "$252Faws$252Flambda$252Fhippolyte-exporter"
    assert [
        made.folder("s3://backups/nightly/orders/run-1"),
        made.function("monitor"),
        made.log("exporter", at(0), at(1)),
        made.table("orders"),
        made.host({"cluster": "j-1", "pipeline": "df-1"}),
        made.host({"worker": "b001", "run": "2026-11-24T00-00Z", "deadline": at(9)}),
    ] == [
        f"{host}/s3/buckets/backups?region={region}&prefix=nightly/orders/run-1/",
        f"{host}/lambda/{home}#/functions/hippolyte-monitor?tab=monitoring",
        f"{host}/cloudwatch/{home}#logsV2:log-groups/log-group/{group}/log-events"
        "$3Fstart$3D1795478400000$26end$3D1795478460000",
        f"{host}/dynamodbv2/{home}#table?name=orders",
        f"{host}/emr/{home}#/clusterDetails/j-1",
        f"{host}/states/{home}#/v2/executions/details/arn:{partition}:states:{region}:"
        "123456789012:execution:hippolyte-exporter:2026-11-24T00-00Z-b001",
    ]


def test_a_bucket_elsewhere_is_seen_in_its_own_region() -> None:
    made = consoles(bucket_region="eu-west-1")
    expected = "https://eu-west-1.console.aws.amazon.com/s3/buckets/central?region=eu-west-1"
    assert made.folder("s3://central/a") == f"{expected}&prefix=a/"
    assert made.table("orders").startswith("https://eu-central-1.")


@pytest.mark.parametrize("partition", ["aws-iso", "aws-iso-b", "", None])
def test_where_no_console_is_known_there_is_no_link(partition: Any) -> None:
    made = consoles(partition)
    assert not any(
        [
            made.folder("s3://backups/a"),
            made.bucket("backups"),
            made.function("monitor"),
            made.log("monitor", at(0), at(1)),
            made.table("orders"),
            made.host({"cluster": "j-1"}),
            made.host({"worker": "b001", "run": "r"}),
        ]
    )


@pytest.mark.parametrize("handle", [{}, {"pipeline": "df-1"}, {"exports": [{}], "begun": at(1)}])
def test_what_has_no_page_of_its_own_has_no_link(handle: dict[str, Any]) -> None:
    assert consoles().host(handle) == ""
    assert consoles().folder("arn:aws:dynamodb:eu-central-1:123456789012:table/t/export/1") == ""


@settings(deadline=None)
@given(st.text(st.characters(codec="utf-8"), min_size=1, max_size=255))
def test_a_name_stays_one_name(name: str) -> None:
    made = consoles()
    assert unquote(urlsplit(made.table(name)).fragment.removeprefix("table?name=")) == name
    key = f"x/{name}/y"
    found = parse_qs(urlsplit(made.folder(f"s3://backups/{key}")).query, keep_blank_values=True)
    assert found == {"region": ["eu-central-1"], "prefix": [f"{key}/"]}
    for address in (made.table(name), made.folder(f"s3://{name}/{name}")):
        assert not set("\"<>' \n") & set(address)
