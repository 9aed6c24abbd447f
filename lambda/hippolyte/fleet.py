"""The fleet report's handler: once a morning, one page and one message of all deployments.

It has a role and settings of its own (modules/fleet-report), reads what others wrote, and writes
the page alone.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from hippolyte import clock
from hippolyte.clients import configuration
from hippolyte.errors import ConfigurationError
from hippolyte.records.homes import CALLS_AT_ONCE, Records
from hippolyte.report.fleet import Fleet, State, look
from hippolyte.report.fleet_message import of_fleet, of_unreadable
from hippolyte.report.fleet_page import render
from hippolyte.report.kinds import Message
from hippolyte.report.notify import NAMESPACE, send
from hippolyte.store import Store

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

    from hippolyte.assembly import Context

VARIABLE = "HIPPOLYTE_FLEET"
PAGE = "fleet/report.html"
METRIC = "NightsMissing"

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Settings:
    """What Terraform tells the function, as JSON in its environment.

    `expected` and `seen_days` are those of `report.fleet.look`.
    """

    name: str
    bucket: str
    bucket_region: str
    topic_arn: str
    prefix: str = ""
    more_prefixes: tuple[str, ...] = ()
    nights: int = 30
    seen_days: int = 14
    expected: tuple[str, ...] = ()
    runbook_url: str | None = None


def load(environment: Mapping[str, str] = os.environ) -> Settings:
    """Read the settings.

    Raises:
        ConfigurationError: they are missing, or of another version of the module.
    """
    try:
        data = json.loads(environment[VARIABLE])
        unknown = data.keys() - {field.name for field in fields(Settings)}
        if unknown:
            raise ValueError(f"unknown keys {', '.join(sorted(unknown))}")
        lists = {key: tuple(data.get(key, ())) for key in ("expected", "more_prefixes")}
        return Settings(**{**data, **lists})
    except (KeyError, ValueError, TypeError, AttributeError) as error:
        raise ConfigurationError(
            f"the environment variable {VARIABLE} cannot be used ({error}): Terraform writes it, "
            "and the module and the package must be of one version: apply it again"
        ) from error


def handler(event: Mapping[str, Any], context: Context) -> dict[str, Any]:
    """Tell of the last night of all deployments; what went wrong on the way is raised at the end.

    Raises:
        ConfigurationError: the settings cannot be used.
        ClientError, BotoCoreError: the bucket cannot be read, or something cannot be told.
    """
    logging.getLogger("hippolyte").setLevel(logging.INFO)
    settings = load()
    s3: S3Client = boto3.client(
        "s3", region_name=settings.bucket_region, config=configuration(CALLS_AT_ONCE)
    )
    prefixes = [settings.prefix, *settings.more_prefixes]
    records = Records.below(Store(s3, settings.bucket), prefixes)
    failures: list[Exception] = []
    try:
        fleet = look(records, clock.now(), settings.nights, settings.seen_days, settings.expected)
    except (ClientError, BotoCoreError) as error:
        # worse than any night: nobody knows of any
        _tell(settings, of_unreadable(error, settings.runbook_url))
        raise
    page = ""
    try:
        page = _write(s3, settings, fleet)
    except Exception as error:  # noqa: BLE001 (whatever it is: the message is told, then it)
        _log.exception("the page is not written")
        failures.append(error)
    where = page or f"not written: {failures[0]}"
    line = _tell(settings, of_fleet(fleet, where, settings.runbook_url))
    missing = _missing(fleet)
    _measure(settings, missing, failures)
    if failures:
        raise failures[0]
    _log.info("%s", line)
    return {"said": line, "missing": missing, "page": page}


def _missing(fleet: Fleet) -> int:
    """Return of how many deployments there is no last night to be read; an empty fleet is one."""
    away = (State.MISSING, State.UNCLOSED, State.UNREADABLE)
    return sum(one.last.state in away for one in fleet.expected) or int(not fleet.expected)


def _write(s3: S3Client, settings: Settings, fleet: Fleet) -> str:
    key = f"{settings.prefix}/{PAGE}" if settings.prefix else PAGE
    s3.put_object(
        Bucket=settings.bucket,
        Key=key,
        Body=render(fleet, settings.runbook_url).encode(),
        ContentType="text/html; charset=utf-8",
    )
    return f"s3://{settings.bucket}/{key}"


def _tell(settings: Settings, message: Message) -> str:
    """Publish a message; return its first line."""
    region, line = settings.topic_arn.split(":")[3], message.forms[0]
    sns = boto3.client("sns", region_name=region, config=configuration())
    send(sns, settings.topic_arn, line, message)
    return line


def _measure(settings: Settings, missing: int, failures: list[Exception]) -> None:
    """Put the one figure that the alarm goes by: its silence is told as well."""
    try:
        boto3.client("cloudwatch", config=configuration()).put_metric_data(
            Namespace=NAMESPACE,
            MetricData=[
                {
                    "MetricName": METRIC,
                    "Dimensions": [{"Name": "Fleet", "Value": settings.name}],
                    "Timestamp": clock.now(),
                    "Value": float(missing),
                    "Unit": "Count",
                }
            ],
        )
    except (ClientError, BotoCoreError) as error:
        _log.exception("the metric is not put")
        failures.append(error)
