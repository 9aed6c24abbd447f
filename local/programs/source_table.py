"""The table an export reads, as its nodes' role may see it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from local.dynamodb import metering
from local.dynamodb import service as dynamodb
from local.iam import roles
from local.programs.export_arguments import ToolError
from local.programs.step_context import StepContext


@dataclass(frozen=True, slots=True)
class Source:
    """One table, in the region the tool was told."""

    context: StepContext
    region: str
    name: str

    def describe(self) -> dict[str, Any]:
        """Return DescribeTable's Table; raise what the tool ends with if it cannot be read."""
        self._may("dynamodb:DescribeTable")
        context = self.context
        table = dynamodb.describe(context.world, context.account, self.region, self.name)
        if table is None:
            raise ToolError(
                "com.amazonaws.services.dynamodbv2.model.ResourceNotFoundException",
                f"Requested resource not found: Table: {self.name} not found (Service: "
                f"AmazonDynamoDBv2; Status Code: 400; Error Code: ResourceNotFoundException)",
            )
        status = table.get("TableStatus", "ACTIVE")
        if status not in {"ACTIVE", "UPDATING"}:
            raise ToolError(
                "com.amazonaws.services.dynamodbv2.model.ResourceNotFoundException",
                f"Cannot do operations on a non-existent table: {self.name} is {status}",
            )
        return table

    def bytes_to_read(self, described: dict[str, Any]) -> float:
        """Return what a scan reads, whatever DescribeTable says of it so far."""
        read = dynamodb.settings_of(self.context.account, self.region, self.name).read_bytes
        return float(described.get("TableSizeBytes", 0) if read is None else read)

    def take(self, units: float) -> float:
        """Read so much at once, as far as it is there; return the units read."""
        context = self.context
        return metering.at_once(context.world, context.account, self.region, self.name, units)

    def may_scan(self) -> None:
        """Raise what the tool ends with if it may not scan."""
        self._may("dynamodb:Scan")

    def _may(self, action: str) -> None:
        context = self.context
        arn = f"arn:{context.partition}:dynamodb:{self.region}:{context.account}:table/{self.name}"
        if not roles.may(context.world, context.account, context.role, action, arn):
            raise ToolError(
                "com.amazonaws.services.dynamodbv2.model.AmazonDynamoDBException",
                f"User: arn:{context.partition}:sts::{context.account}:assumed-role/{context.role}"
                f" is not authorized to perform: {action} on resource: {arn} (Service: "
                f"AmazonDynamoDBv2; Status Code: 400; Error Code: AccessDeniedException)",
            )
