"""The harness night of DynamoDB's own exports: a table of every fate, and what must be true."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import Any

from hippolyte.planning.plan import NATIVE
from local.core.call import Call
from local.core.faults import ALWAYS
from tests.support.faults.checks import Checks
from tests.support.faults.fleet import PASS, Schedule, night_before
from tests.support.harness import ACCOUNT, REGION, RUN, START, NightDriver, verdicts
from tests.support.native import native, recover

_WINDOW = 7200
FATES = {
    "whole": "backed_up",
    "flaky": "backed_up",
    "moved": "backed_up",
    "broken": "failed",
    "off": "failed",
    "deleted": "vanished",
    "late": "timed_out",
    "empty": "backed_up",
    "archived": "unsupported",
}
# how many exports each table takes; one that fails is not tried where no time is left
EXPORTS = {"whole": 1, "flaky": 2, "moved": 1, "broken": 2, "late": 1}

ATTEMPTS = {"flaky": 2, "broken": 2, "off": 2}


def furnish(night: NightDriver) -> None:
    """Make the fleet: all tables have their recovery on as the night is planned."""
    night.configure(window_seconds=_WINDOW, native_export={"tables": ["*"]})
    night_before(night, FATES)
    for name in FATES.keys() - {"empty", "archived"}:
        native(night, name)
    night.table("empty", items=0)
    night.table("archived", status="ARCHIVED")
    faults = night.world.faults
    faults.export_fails.update({"flaky": 1, "broken": ALWAYS})
    # longer than its night
    faults.export_seconds["late"] = _WINDOW + 600.0
    world = night.world
    world.before("s3:PutObject", lambda call: _planned(night, call))
    world.before("dynamodb:ExportTableToPointInTime", lambda call: _exported(night, call))


def _planned(night: NightDriver, call: Call) -> None:
    """As the plan is written, people do what no plan knows of."""
    there = night.dynamodb.list_tables()["TableNames"]
    if str(call.key).endswith("/plan.json") and "deleted" in there:
        recover(night, "off", False)
        night.dynamodb.delete_table(TableName="deleted")


def _exported(night: NightDriver, call: Call) -> None:
    """Under an export, which is of before: nobody reads its table any more."""
    if call.params["TableArn"].endswith("/moved"):
        night.world.clock.call_in(60, lambda: recover(night, "moved", False))


class NativeSchedule(Schedule):
    """Its invocations, until what DynamoDB went on with is in the catalogue too."""

    def __init__(self, night: NightDriver) -> None:
        super().__init__(night, PASS)

    @property
    def over(self) -> bool:
        """Whether the run is closed, and no export is waited for."""
        late = self.inside.record("late-exports.json")
        return super().over and not (late and late["tables"])


class NativeChecks(Checks):
    """What must be true of it; `exact` as of any night."""

    def expected(self) -> dict[str, str]:
        """Return the verdict of each table of the fleet."""
        return FATES

    def attempts(self, table: str) -> int:
        """Return how many attempts a table takes where nothing else happens."""
        return ATTEMPTS.get(table, 1)

    def _verdicts(self, report: dict[str, Any]) -> list[str]:
        """A table whose recovery could not be asked for in time is read, and has no such fate."""
        read = self._read() & {*EXPORTS, "off"}
        self.fates = FATES | dict.fromkeys(read, "backed_up")
        return super()._verdicts(report)

    def _read(self) -> set[str]:
        """Return the tables that the deployment's engine reads."""
        batches = (self.inside.record("ledger.json") or {}).get("batches", {})
        jobs = [job for batch in batches.values() for job in batch["jobs"]]
        return {job["table"] for job in jobs if job.get("own_engine") != NATIVE}

    def _backups(self, report: dict[str, Any]) -> list[str]:
        """What is called a backup is one, and the late one is in the catalogue beside them."""
        wrong = super()._backups(report)
        made = Counter(one.arn.split("/")[1] for one in self._exports())
        # none begins twice what was begun; where time ran out there may be less
        wrong += [f"{n} exports of {t}" for t, n in made.items() if n > EXPORTS.get(t, 0)]
        if self.exact and made != {
            n: times for n, times in EXPORTS.items() if n not in self._read()
        }:
            wrong.append(f"exports: {made}")
        places = Counter(one.asked["S3Prefix"] for one in self._exports())
        wrong += [f"{n} exports in {place}" for place, n in places.items() if n > 1]
        wrong += [f"{one.arn} is of {one.moment}" for one in self._exports() if _is_other(one)]
        if self.night.world.gate.calls["dynamodb:ListExports"]:
            wrong.append("exports were listed")
        return wrong

    def catalogued(self, report: dict[str, Any]) -> set[str]:
        """Return the tables of which there is a backup: those that ended late, too."""
        late = {n for n, v in verdicts(report).items() if v == "timed_out"} & self._begun()
        return super().catalogued(report) | late

    def _begun(self) -> set[str]:
        return {one.arn.split("/")[1] for one in self._exports()}

    def _exports(self) -> list[Any]:
        from moto.dynamodb.models import dynamodb_backends  # moto is slow to import

        return list(getattr(dynamodb_backends[ACCOUNT][REGION], "native_exports", {}).values())


def _is_other(one: Any) -> bool:
    moment: datetime = one.moment
    return moment != START or f"/{RUN}-" not in one.asked["S3Prefix"]
