"""Tells people (SNS) and CloudWatch."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from hippolyte import clock

if TYPE_CHECKING:
    from hippolyte.clients import Clients
    from hippolyte.settings import Settings

NAMESPACE = "Hippolyte"

# SNS: a subject has at most 100 ASCII characters, a message 256 KiB
_SUBJECT_LENGTH = 100
_MESSAGE_BYTES = 200_000

_log = logging.getLogger(__name__)


def publish(clients: Clients, settings: Settings, subject: str, message: str) -> None:
    """Publish one message to the deployment's topic; errors are the caller's to handle."""
    line = f"[{settings.name} {settings.account} {settings.region}] {subject}"
    body = message.encode()[:_MESSAGE_BYTES].decode(errors="ignore")
    clients.sns.publish(
        TopicArn=settings.topic_arn,
        Subject=line.encode("ascii", "replace").decode()[:_SUBJECT_LENGTH],
        Message=body,
    )


def try_publish(clients: Clients, settings: Settings, subject: str, message: str) -> None:
    """Publish where the caller is about to fail anyway: its own error must not be hidden."""
    try:
        publish(clients, settings, subject, message)
    except (ClientError, BotoCoreError):
        _log.exception("the message %r was not published", subject)


def metrics(clients: Clients, settings: Settings, values: Mapping[str, float]) -> None:
    """Put counts to CloudWatch; a failure is logged, and the alarm on missing data tells it."""
    try:
        clients.cloudwatch.put_metric_data(
            Namespace=NAMESPACE,
            MetricData=[
                {
                    "MetricName": name,
                    "Dimensions": [{"Name": "Deployment", "Value": settings.name}],
                    "Timestamp": clock.now(),
                    "Value": value,
                    "Unit": "Count",
                }
                for name, value in values.items()
            ],
        )
    except (ClientError, BotoCoreError):
        _log.exception("metrics were not put")
