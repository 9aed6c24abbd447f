"""What the product must never do, looked at before each of its calls in every test."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from moto.datapipeline.models import datapipeline_backends

from local.core.call import Call
from local.datapipeline.task_runner import step_arguments
from local.datapipeline.validation import value
from local.dynamodb import service as dynamodb
from local.programs.export import running_steps

if TYPE_CHECKING:
    from tests.support.harness import NightDriver

# the product's calls are signed with this key, those of the test's own hands are not
PRODUCT_KEY = "AKIAHIPPOLYTEPRODUCT"
# the exporter takes floor(capacity x ratio); a literal ratio has six digits
_ROUNDING = 1.0


class Watch:
    """Collects what a deployment did against its promises; `violations` must stay empty."""

    def __init__(self, night: NightDriver) -> None:
        self.night = night
        self.world = night.world
        self.violations: list[str] = []
        self.updates: list[tuple[str, int, int]] = []
        self.registrations: list[dict[str, Any]] = []
        self._scanned: dict[str, str] = {}
        self.world.before("dynamodb:Scan", self._scan)
        self.world.before("s3:PutObject", self._put)
        self.world.before("dynamodb:UpdateTable", self._update)
        self.world.before("application-autoscaling:RegisterScalableTarget", self._register)
        self.world.before("datapipeline:ActivatePipeline", self._activate)
        self.world.before("emr:RunJobFlow", self._steps)
        self.world.before("emr:AddJobFlowSteps", self._steps)

    def _wrong(self, text: str) -> None:
        self.violations.append(f"{self.world.clock.now():%d %H:%M:%S} {text}")

    def _table(self, name: str) -> dict[str, Any]:
        return dynamodb.describe(self.world, self.night.account, self.night.region, name) or {}

    def _reading(self, name: str) -> bool:
        if self.scans(name):
            return True
        return any(step.table == name for step in running_steps(self.world))

    def scans(self, name: str) -> bool:
        """Say whether a link that runs has begun to read a table, and not written its summary."""
        return self._scanned.get(name) in {i.request_id for i in self.world.functions.running()}

    def _scan(self, call: Call) -> None:
        if link := self.world.functions.current():
            self._scanned[call.params["TableName"]] = link.request_id

    def _put(self, call: Call) -> None:
        if call.key and call.key.endswith("/manifest-summary.json"):
            self._scanned.pop(call.key.split("/")[-5], None)

    def _update(self, call: Call) -> None:
        if call.access_key != PRODUCT_KEY:
            return
        name, wanted = call.params["TableName"], call.params["ProvisionedThroughput"]
        read, write = wanted["ReadCapacityUnits"], wanted["WriteCapacityUnits"]
        self.updates.append((name, read, write))
        table, lease = self._table(name), self.night.lease(name) or {}
        present = table.get("ProvisionedThroughput", {})
        if set(call.params) != {"TableName", "ProvisionedThroughput"}:
            self._wrong(f"UpdateTable of {name} changes more: {sorted(call.params)}")
        if write != present.get("WriteCapacityUnits"):
            self._wrong(f"{name}: write capacity {write} sent, {present} there")
        if lease.get("state") not in ("intended", "lowering"):
            self._wrong(f"{name}: changed without a recorded intent: {lease.get('state')}")
        elif read < lease["before"]:
            self._wrong(f"{name}: set to {read}, below {lease['before']}, what it had before")
        elif read not in (lease["target"], lease["lower_to"]):
            self._wrong(f"{name}: set to {read}, the lease says neither raise nor goal")
        if read < present.get("ReadCapacityUnits", 0) and self._reading(name):
            self._wrong(f"{name}: lowered while its export reads")
        if lease.get("table_id") != table.get("TableId"):
            self._wrong(f"{name}: another table of the same name was changed")

    def _register(self, call: Call) -> None:
        if call.access_key != PRODUCT_KEY:
            return
        self.registrations.append(call.params)
        name = call.params["ResourceId"].removeprefix("table/")
        if "MinCapacity" in call.params or "MaxCapacity" in call.params:
            self._wrong(f"{name}: its target's limits were sent")
        if call.params["ScalableDimension"] != "dynamodb:table:ReadCapacityUnits":
            self._wrong(f"{name}: {call.params['ScalableDimension']} was touched")
        before = self.night.suspended(name)
        after = call.params["SuspendedState"]
        if {k for k in before if before[k] != after[k]} - {"DynamicScalingInSuspended"}:
            self._wrong(f"{name}: flags {before} set to {after}")
        if (self.night.lease(name) or {}).get("state") in (None, "released"):
            self._wrong(f"{name}: its target was touched without a lease")

    def _activate(self, call: Call) -> None:
        if call.access_key != PRODUCT_KEY:
            return
        backend = datapipeline_backends[self.night.account][self.night.region]
        pipeline = backend.pipelines.get(call.params["pipelineId"])
        for thing in pipeline.objects if pipeline else []:
            if value(thing["fields"], "type") == "EmrActivity":
                arguments = step_arguments(value(thing["fields"], "step") or "")
                self._share(arguments[-2], float(arguments[-1]))

    def _steps(self, call: Call) -> None:
        if call.access_key != PRODUCT_KEY:
            return
        for step in call.params.get("Steps", []):
            arguments = step["HadoopJarStep"]["Args"]
            self._share(arguments[-2], float(arguments[-1]))

    def _share(self, name: str, ratio: float) -> None:
        """The application keeps, beside the export, what it had beside one before."""
        table = self._table(name)
        if not table or self.night.settings["consumed_percentage"] / 100 >= ratio:
            return
        capacity = table["ProvisionedThroughput"]["ReadCapacityUnits"]
        before = (self.night.lease(name) or {}).get("before", capacity)
        part = (1 - self.night.settings["consumed_percentage"] / 100) * before
        if capacity * ratio > capacity - part + _ROUNDING or table["TableStatus"] != "ACTIVE":
            self._wrong(f"{name}: ratio {ratio} meets {capacity} units, {before} before")
