"""Tells people (SNS) and CloudWatch."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from hippolyte import clock
from hippolyte.clients import Clients
from hippolyte.report.first_line import first_line
from hippolyte.report.kinds import Message
from hippolyte.settings import Settings

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch.literals import StandardUnitType
    from mypy_boto3_cloudwatch.type_defs import DimensionTypeDef
    from mypy_boto3_sns import SNSClient

NAMESPACE = "Hippolyte"

# SNS: a message has at most 256 KiB
MESSAGE_BYTES = 200_000
"""Of a message at the most."""

_UNITS: dict[str, StandardUnitType] = {
    "BackupBytes": "Bytes",
    "NightSeconds": "Seconds",
    "WindowSeconds": "Seconds",
    "EstimatedCostUsd": "None",
    "OldestBackupAgeDays": "None",
    "RaisedReadCapacity": "Count/Second",
}

_log = logging.getLogger(__name__)


def publish(clients: Clients, settings: Settings, message: Message) -> str:
    """Publish one message to the deployment's topic, and return its first line.

    Errors are the caller's to handle.

    Subject and first line are alike: the first of the forms that fits, see `first_line`.
    """
    s = settings
    place = (s.name, s.account, s.region, message.run_id)
    line = first_line(message.forms, *place) if message.placed else message.forms[0]
    send(clients.sns, s.topic_arn, line, message)
    return line


def send(sns: SNSClient, topic_arn: str, line: str, message: Message) -> None:
    """Publish a message under its first line, cut to what SNS has room for. Errors as above."""
    text = f"{line}\n\n{message.text}"
    sns.publish(
        TopicArn=topic_arn,
        Subject=line,
        Message=text.encode()[:MESSAGE_BYTES].decode(errors="ignore"),
        MessageAttributes={"kind": {"DataType": "String", "StringValue": message.kind.value}},
    )


def try_publish(clients: Clients, settings: Settings, message: Message) -> None:
    """Publish where the caller is about to fail anyway: its own error must not be hidden."""
    try:
        publish(clients, settings, message)
    except (ClientError, BotoCoreError):
        _log.exception("the message %r was not published", message.forms[0])


def metrics(
    clients: Clients,
    settings: Settings,
    values: Mapping[str, float],
    tables: Mapping[str, float] | None = None,
    *,
    quietly: bool = True,
) -> None:
    """Put figures to CloudWatch, `tables` by verdict.

    A failure is only logged (the alarm on missing data tells it), unless not `quietly`.
    """
    deployment: DimensionTypeDef = {"Name": "Deployment", "Value": settings.name}
    found = [(name, value, [deployment]) for name, value in values.items()]
    for verdict, count in (tables or {}).items():
        found.append(("Tables", count, [deployment, {"Name": "Verdict", "Value": verdict}]))
    try:
        clients.cloudwatch.put_metric_data(
            Namespace=NAMESPACE,
            MetricData=[
                {
                    "MetricName": name,
                    "Dimensions": dimensions,
                    "Timestamp": clock.now(),
                    "Value": value,
                    "Unit": _UNITS.get(name, "Count"),
                }
                for name, value, dimensions in found
            ],
        )
    except (ClientError, BotoCoreError):
        if not quietly:
            raise
        _log.exception("metrics were not put")


_PENDING = "PendingConfirmation"


def own_topic(settings: Settings) -> str:
    """Return the topic of the deployment's own region, that of the alarms."""
    return f"arn:{settings.partition}:sns:{settings.region}:{settings.account}:{settings.name}"


def unconfirmed(clients: Clients, settings: Settings) -> list[str]:
    """Return a line for each subscriber of the deployment's own topic that has not confirmed."""
    own = own_topic(settings)
    try:
        pages = (
            (clients.own_sns or clients.sns)
            .get_paginator("list_subscriptions_by_topic")
            .paginate(TopicArn=own)
        )
        waiting = [
            entry["Endpoint"]
            for page in pages
            for entry in page["Subscriptions"]
            if entry["SubscriptionArn"] == _PENDING
        ]
    except (ClientError, BotoCoreError) as error:
        return [f"the subscriptions of {own} cannot be listed: {error}"]
    return [
        f"{who} has not confirmed the subscription: no message arrives there" for who in waiting
    ]
