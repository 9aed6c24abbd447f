"""What will not be as it was, in sentences: no member of a definition is dropped without a word."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from hippolyte_cli.restore.answers import (
    answers,
    destinations,
    is_reserved,
    policies,
    renamed,
    targets,
)
from hippolyte_cli.restore.steps import Wanted, is_suspended_by_us

PROVISIONED = "PROVISIONED"
# what a new on-demand table can do at once (Developer Guide, "On-demand capacity mode")
_WARM = {"ReadUnitsPerSecond": 12_000, "WriteUnitsPerSecond": 4_000}
_UNITS = ("ReadCapacityUnits", "WriteCapacityUnits")
# of the table's or an index's past and present, not of what it is
_PASSING = (
    "TableName TableStatus CreationDateTime TableSizeBytes ItemCount TableArn TableId "
    "LatestStreamLabel LatestStreamArn RestoreSummary ArchivalSummary "
    "IndexName IndexStatus Backfilling IndexSizeBytes IndexArn"
)
# what is made again, or named as not made
_READ = (
    "AttributeDefinitions KeySchema ProvisionedThroughput BillingModeSummary OnDemandThroughput "
    "LocalSecondaryIndexes GlobalSecondaryIndexes SSEDescription TableClassSummary "
    "DeletionProtectionEnabled StreamSpecification WarmThroughput Projection "
    "Replicas GlobalTableVersion GlobalTableWitnesses GlobalTableSettingsReplicationMode "
    "MultiRegionConsistency DisassociationProtectionEnabled VectorIndexes"
)
_KNOWN = frozenset(f"{_PASSING} {_READ}".split())
_ADDED_LATER = (
    "add it once the items are there (`aws dynamodb update-table --vector-index-updates`)"
)
_LOST = {
    "DescribeTimeToLive": "time to live",
    "DescribeContinuousBackups": "point-in-time recovery",
    "GetResourcePolicy": "the resource policy",
    "ListTagsOfResource": "tags",
    "DescribeKinesisStreamingDestination": "Kinesis streams",
    "DescribeContributorInsights": "Contributor Insights",
    "DescribeScalableTargets": "auto scaling",
    "DescribeScalingPolicies": "auto scaling's policies",
    "DescribeScheduledActions": "auto scaling's scheduled actions",
}


def differences(
    table: Mapping[str, Any],
    now: str,
    was: str,
    raised: Mapping[str, Any],
    wanted: Wanted,
    key: str | None,
) -> Iterator[str]:
    if now != was:
        yield "it is made on-demand, as asked: it was provisioned"
    if raised and now == PROVISIONED:
        yield (
            f"its read capacity is made {raised['from']}: the {raised['to']} of that night were "
            "the backup's"
        )
    if key is not None:
        had = (table.get("SSEDescription") or {}).get("KMSMasterKeyArn") or "AWS's own"
        yield f"it is encrypted with {key}, as asked: its key was {had}"
    if replicas := [replica["RegionName"] for replica in _members(table, "Replicas")]:
        yield (
            f"its replicas in {', '.join(sorted(replicas))} are not made: it is no global table; "
            "add them once it is whole"
        )
    elif witness := _members(table, "GlobalTableWitnesses"):
        yield f"its witness in {witness[0].get('RegionName')} is not made: it is no global table"
    if table.get("MultiRegionConsistency") == "STRONG":
        yield "it is not strongly consistent over Regions, as it was"
    if table.get("DisassociationProtectionEnabled"):
        yield "it is not protected from being taken out of a global table, as it was"
    yield from _of_streams(table, wanted)
    yield from _of_indexes(table, now, was)
    if warm := _warmer(table, now, _WARM):
        yield f"it is not warmed up beforehand: {warm}"
    yield from _unknown(table, "")
    for index in (
        *_members(table, "GlobalSecondaryIndexes"),
        *_members(table, "LocalSecondaryIndexes"),
    ):
        yield from _unknown(index, f" of the index {index['IndexName']}")


def _members(table: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    return list(table.get(name) or [])


def is_going(index: Mapping[str, Any]) -> bool:
    """Say whether an index was being deleted."""
    return index.get("IndexStatus") == "DELETING"


def _of_streams(table: Mapping[str, Any], wanted: Wanted) -> Iterator[str]:
    if not (table.get("StreamSpecification") or {}).get("StreamEnabled"):
        return
    if wanted.stream is None:
        yield "its stream of changes is not turned on (--streams does that)"
    else:
        yield "its stream has another ARN: what read the old one has to be pointed to it"


def _of_indexes(table: Mapping[str, Any], now: str, was: str) -> Iterator[str]:
    for index in _members(table, "GlobalSecondaryIndexes"):
        name = index["IndexName"]
        if is_going(index):
            yield f"the index {name} is not made: it was being deleted"
        elif warm := _warmer(index, now, _WARM):
            yield f"the index {name} is not warmed up beforehand: {warm}"
    for index in _members(table, "VectorIndexes"):
        why = "it was being deleted" if is_going(index) else _ADDED_LATER
        yield f"the vector index {index.get('IndexName')} is not made: {why}"


def _warmer(holder: Mapping[str, Any], now: str, least: Mapping[str, int]) -> str:
    """Return in words how much more a table or index could do at once than a new one can."""
    warm = holder.get("WarmThroughput") or {}
    if now == PROVISIONED:
        throughput = holder.get("ProvisionedThroughput") or {}
        pairs = zip(_WARM, _UNITS, strict=True)
        least = {w: max(least[w], int(throughput.get(unit) or 0)) for w, unit in pairs}
    if not any(int(warm.get(unit) or 0) > units for unit, units in least.items()):
        return ""
    could = (f"{int(warm.get(unit) or 0):,}" for unit in _WARM)
    return f"it could do {' reads and '.join(could)} writes a second at once"


def _unknown(holder: Mapping[str, Any], of: str) -> Iterator[str]:
    for name in sorted(set(holder) - _KNOWN):
        yield f"{name}{of} is not put back: this version does not know it"


def not_put_back(settings: Mapping[str, Any] | None, wanted: Wanted) -> Iterator[str]:
    """Yield what was set and no step sets again, and why; what a step sets otherwise as well."""
    if settings is None:
        yield (
            "that night kept no settings (an older version made it): tags, auto scaling, "
            "point-in-time recovery, time to live, Contributor Insights, Kinesis streams and the "
            "resource policy are not put back; take them of another night with --settings-from"
        )
        return
    for operation, why in (settings.get("unread") or {}).items():
        if operation in _LOST:
            yield f"{_LOST[operation]} could not be read that night ({why}): not put back"
    for page in answers(settings, "ListTagsOfResource"):
        if reserved := [tag["Key"] for tag in page.get("Tags", []) if is_reserved(tag)]:
            yield f"the tags {', '.join(reserved)} are AWS's own: nobody else may set them"
    if wanted.on_demand_now and targets(settings):
        yield "auto scaling is not put back: the table is made on-demand"
    if wanted.raised and any(is_suspended_by_us(target, wanted) for target in targets(settings)):
        yield (
            "while the settings were read the backup held the read capacity up and scale-in "
            "suspended: scale-in is put back as not suspended"
        )
    if not wanted.kinesis:
        for stream in destinations(settings):
            yield f"changes are not sent to {stream['StreamArn']} (--kinesis puts it back)"
    for text in policies(settings):
        if renamed(text, wanted.old, wanted.new) != text:
            yield "the resource policy names the new table where it named the old one"
