"""The table that a restore makes: what is asked of CreateTable, what comes after, what differs.

Pure: from what the catalogue keeps of a night. A member that is not known here is named as a
difference, never dropped without a word.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hippolyte.errors import ConfigurationError
from hippolyte.night.keep_settings import FORM
from hippolyte_cli.restore.answers import tags_of, ttl_attribute
from hippolyte_cli.restore.differences import PROVISIONED, differences, is_going, not_put_back
from hippolyte_cli.restore.keys import key_names
from hippolyte_cli.restore.steps import DYNAMODB, Step, Wanted, first_tags, steps_of

ON_DEMAND = "PAY_PER_REQUEST"
AWS_OWNED = "aws-owned"
"""As a key: the one that encrypts every table which is told of none."""
AWS_MANAGED = "aws-managed"
"""As a key: the account's `alias/aws/dynamodb`, which must not be named (API SSESpecification)."""
_STANDARD = "STANDARD"
_UNITS = ("ReadCapacityUnits", "WriteCapacityUnits")
# TableCreationParameters (API ImportTable)
_IMPORTED = (
    "TableName",
    "AttributeDefinitions",
    "KeySchema",
    "BillingMode",
    "ProvisionedThroughput",
    "OnDemandThroughput",
    "SSESpecification",
    "GlobalSecondaryIndexes",
)


@dataclass(frozen=True, slots=True)
class TablePlan:
    """A table to be made.

    Attributes:
        name: of the new table.
        arn: that it has if it is made where the old one was.
        request: of CreateTable.
        after: what is done once its items are there, in order.
        differs: sentences: what will not be as it was, and why.
        ttl: the attribute by which items expire once `after` is done; None: they do not.
        marker: says in a tag which restore made it; empty: none does.
    """

    name: str
    arn: str
    request: Mapping[str, Any]
    after: tuple[Step, ...]
    differs: tuple[str, ...]
    ttl: str | None = None
    marker: str = ""

    @property
    def key_schema(self) -> tuple[str, ...]:
        """The names of the key's attributes, the partition key first."""
        return key_names(self.request["KeySchema"])

    def for_import(self) -> dict[str, Any]:
        """Return what ImportTable is told of the table; the rest is among `after_import`."""
        return {name: self.request[name] for name in _IMPORTED if name in self.request}

    @property
    def after_import(self) -> tuple[Step, ...]:
        """What is done once an import has made the table: what it cannot be told, and `after`."""
        table_class = self.request.get("TableClass", _STANDARD)
        if table_class == _STANDARD:
            return self.after
        asked = {"TableName": self.name, "TableClass": table_class}
        return (Step(f"the class {table_class}", DYNAMODB, "UpdateTable", asked), *self.after)

    def not_imported(self) -> list[str]:
        """Return what the table has and ImportTable cannot make."""
        indexes = self.request.get("LocalSecondaryIndexes", [])
        return [f"the local secondary index {index['IndexName']}" for index in indexes]


def plan_of(
    definition: Mapping[str, Any] | None,
    settings: Mapping[str, Any] | None,
    name: str,
    *,
    billing: str | None = None,
    streams: bool = False,
    kinesis: bool = False,
    key: str | None = None,
    marker: str = "",
) -> TablePlan:
    """Plan a table as it was, under another name.

    Args:
        definition: DescribeTable's `Table`, as the catalogue has it.
        settings: what the catalogue keeps of its settings; None: an older night's has none.
        name: of the new table.
        billing: PAY_PER_REQUEST makes it on-demand whatever it was.
        streams: also turn its stream on, if it had one.
        kinesis: also send its changes to the Kinesis streams it sent them to.
        key: ARN of another KMS key than it had, `aws-managed` or `aws-owned`.
        marker: of this restore, for a tag; what `make` knows its own table by.

    Raises:
        ConfigurationError: no definition is kept, a newer version kept the settings, or the table
            cannot be made as asked.
    """
    if (settings or {}).get("form", FORM) > FORM:
        raise ConfigurationError(
            "a newer version of this product kept that night's settings: use that one"
        )
    table = as_described(definition, settings)
    if not table.get("KeySchema"):
        raise ConfigurationError(
            "that night's entry has no definition of the table (it was lost): take another "
            "night's with --settings-from"
        )
    was = (table.get("BillingModeSummary") or {}).get("BillingMode") or PROVISIONED
    now = billing or was
    if now != was and now != ON_DEMAND:
        raise ConfigurationError(
            f"the table was {was}: it has no provisioned capacity to be made with; make it as it "
            "was and switch it afterwards"
        )
    raised = (settings or {}).get("raised") or {}
    indexes = [index for index in _members(table, "GlobalSecondaryIndexes") if not is_going(index)]
    old = table.get("TableArn") or f"arn:aws:dynamodb:::table/{table.get('TableName', name)}"
    stream = table.get("StreamSpecification") or {}
    wanted = Wanted(
        old=old,
        new=f"{old.partition(':table/')[0]}:table/{name}",
        indexes=frozenset(index["IndexName"] for index in indexes),
        on_demand_now=now != was,
        raised=bool(raised),
        stream=stream if streams and stream.get("StreamEnabled") else None,
        kinesis=kinesis,
        protected=bool(table.get("DeletionProtectionEnabled")),
        marker=marker,
    )
    request: dict[str, Any] = {
        "TableName": name,
        "KeySchema": table["KeySchema"],
        "BillingMode": now,
        **_capacity(table, now, raised),
        **_indexes("LocalSecondaryIndexes", _members(table, "LocalSecondaryIndexes"), None),
        **_indexes("GlobalSecondaryIndexes", indexes, now),
        **_encryption(table, key),
    }
    request["AttributeDefinitions"] = _attributes(table, request)
    if table_class := (table.get("TableClassSummary") or {}).get("TableClass"):
        request["TableClass"] = table_class
    if tags := first_tags(tags_of(settings), marker):
        request["Tags"] = tags
    return TablePlan(
        name=name,
        arn=wanted.new,
        request=request,
        after=steps_of(settings, wanted),
        differs=(
            *differences(table, now, was, raised, wanted, key),
            *not_put_back(settings, wanted),
        ),
        ttl=ttl_attribute(settings),
        marker=marker,
    )


def as_described(
    definition: Mapping[str, Any] | None, settings: Mapping[str, Any] | None
) -> Mapping[str, Any]:
    """Return the table as the settings' raw answer has it, with what no SDK knew then, if it is."""
    answers = ((settings or {}).get("answers") or {}).get("DescribeTable") or []
    raw: Mapping[str, Any] = answers[0].get("Table", {}) if answers else {}
    return raw or definition or {}


def _members(table: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    return list(table.get(name) or [])


def _units(throughput: Mapping[str, Any]) -> dict[str, int]:
    return {unit: int(throughput[unit]) for unit in _UNITS}


def _capacity(table: Mapping[str, Any], now: str, raised: Mapping[str, Any]) -> dict[str, Any]:
    if now == ON_DEMAND:
        return _ceilings(table)
    units = _units(table["ProvisionedThroughput"])
    if raised:
        units["ReadCapacityUnits"] = raised["from"]
    return {"ProvisionedThroughput": units}


def _ceilings(holder: Mapping[str, Any]) -> dict[str, Any]:
    """Return an on-demand table's or index's limits; -1 says that there is none."""
    limits = holder.get("OnDemandThroughput") or {}
    kept = {name: units for name, units in limits.items() if units is not None and units != -1}
    return {"OnDemandThroughput": kept} if kept else {}


def _indexes(kind: str, found: list[Mapping[str, Any]], now: str | None) -> dict[str, Any]:
    """Return a request's member; `now` is the billing mode of global indexes.

    An on-demand table's index is described with a throughput of 0, which CreateTable refuses.
    """
    made = []
    for index in found:
        one = {name: index[name] for name in ("IndexName", "KeySchema", "Projection")}
        if now == PROVISIONED:
            one["ProvisionedThroughput"] = _units(index["ProvisionedThroughput"])
        elif now == ON_DEMAND:
            one |= _ceilings(index)
        made.append(one)
    return {kind: made} if made else {}


def _encryption(table: Mapping[str, Any], key: str | None) -> dict[str, Any]:
    found = table.get("SSEDescription") or {}
    if key == AWS_OWNED or (key is None and found.get("Status") in (None, "DISABLED", "DISABLING")):
        return {}
    spec: dict[str, Any] = {"Enabled": True, "SSEType": "KMS"}
    arn = key or found.get("KMSMasterKeyArn")
    if arn and arn != AWS_MANAGED:
        spec["KMSMasterKeyId"] = arn
    return {"SSESpecification": spec}


def _attributes(table: Mapping[str, Any], request: Mapping[str, Any]) -> list[Any]:
    """Return the definitions that keys use: CreateTable refuses any other."""
    holders = [request, *_members(request, "LocalSecondaryIndexes")]
    holders += _members(request, "GlobalSecondaryIndexes")
    used = {key["AttributeName"] for holder in holders for key in holder["KeySchema"]}
    return [each for each in table["AttributeDefinitions"] if each["AttributeName"] in used]
