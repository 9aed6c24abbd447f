"""What a night tells beside its verdicts: how old backups have become, and who will not hear."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from hippolyte.clients import Clients
from hippolyte.model import TOLD, Verdict, iso
from hippolyte.night import Pass
from hippolyte.runs import Run, start_of
from hippolyte.settings import Settings

# the catalogue is asked a table at a time; more than these without a backup are told anyway
_LOOKED_UP = 200
_PENDING = "PendingConfirmation"

_log = logging.getLogger(__name__)


def catalogued(p: Pass, run: Run) -> dict[str, str]:
    """Return when the newest good backup was made, for tables of which the last report is silent.

    Asked only for those without a backup tonight: after a pause of more than three days, or on
    the first night.
    """
    before = p.previous_tables(run)
    found: dict[str, str] = {}
    wanted = [
        name
        for name, entry in run.ledger.tables.items()
        if entry.verdict in TOLD and not before.get(name, {}).get("last_good")
    ]
    for name in wanted[:_LOOKED_UP]:
        if p.time_is_short:
            break
        try:
            records = list(p.store.names(p.settings.place("catalog", name, "")))
        except (ClientError, BotoCoreError) as error:
            _log.warning("the catalogue of %s cannot be listed: %s", name, error)
            continue
        if records:
            found[name] = iso(start_of(max(records).removesuffix(".json")))
    return found


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


def measures(report: Mapping[str, Any]) -> dict[str, float]:
    """Return the night's figures as CloudWatch is told them."""
    oldest = report["oldest_good"]
    return {
        "TablesFailed": sum(report["totals"][verdict.value] for verdict in TOLD),
        "OldestBackupAgeDays": oldest["age_days"] if oldest else 0.0,
        "BackupBytes": report["bytes"],
        "NightSeconds": report["duration_seconds"],
        "WindowSeconds": report["window_seconds"],
        "EstimatedCostUsd": report["cost_usd"],
    }


def by_verdict(report: Mapping[str, Any]) -> dict[str, float]:
    """Return the number of tables of each verdict."""
    return {verdict.value: report["totals"][verdict.value] for verdict in Verdict}
