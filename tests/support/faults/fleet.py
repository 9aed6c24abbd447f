"""The harness night: a table of every fate, a window of two hours, few passes, few calls."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError

from hippolyte.errors import HippolyteError
from hippolyte.planning.window import run_id
from hippolyte.record_form import iso
from local.functions.virtual_time import TimedOut
from tests.support.faults.inside import Inside
from tests.support.harness import BUCKET, GIB, START, Killed, NightDriver

PASS = timedelta(minutes=15)
# what waits for a pass costs a link looks: at the monitor's own interval it waits the least
PASS_BESIDE_LINKS = timedelta(minutes=5)
CATCH_UP = timedelta(minutes=65)
DAY = timedelta(days=1)
# the schedule goes on for this long at the most; the slowest crash ends well before
PATIENCE = timedelta(hours=8)

# planned at a fiftieth of the rate that the exporter reaches: raised tables take two minutes
TOO_LARGE = {"size_bytes": GIB * 3 // 4, "item_count": 3}
# read for a minute or two, so that it can be deleted meanwhile
SLOW = {"size_bytes": 50_000_000, "item_count": 3}
BEFORE = {
    name: 1000 if name in ("raised", "autoscaled", "scheduled") else 100
    for name in ("raised", "autoscaled", "scheduled", "flaky", "broken", "deleted")
}
TARGETS = {"autoscaled": (100, 8000), "scheduled": (100, 8000)}

# gone at the first look: a night that begins late does not hear of it
FLEETING = "gone"
VERDICTS = {
    **dict.fromkeys(
        ("raised", "autoscaled", "scheduled", "flaky", "on-demand", "empty"), "backed_up"
    ),
    "broken": "failed",
    "deleted": "vanished",
    "gone": "vanished",
    "scratch": "skipped",
    "archived": "unsupported",
}

# links make two calls where a cluster makes one: a night of theirs does without what others share
# each part of their fate with
LEFT_OUT = {"lambda": ("autoscaled", "on-demand")}

TRIED_TWICE = ("flaky", "broken")


def fates(engine: str) -> dict[str, str]:
    """Return the verdict of each table of an engine's night."""
    return {n: v for n, v in VERDICTS.items() if n not in LEFT_OUT.get(engine, ())}


def furnish(night: NightDriver, *, first_night: bool) -> None:
    """Make the fleet."""
    night.configure(
        # a cluster that waits for further steps is seen to have ended a pass after it is ended
        window_seconds=7200 if night.engine == "datapipeline" else 9000,
        tables={"exclude": ["scratch"], "include": ["*"]},
        planning={"bytes_per_read_unit": 150, "max_clusters": 2},
    )
    if not first_night:
        night_before(night, fates(night.engine))
    there = fates(night.engine)
    for name, read in BEFORE.items():
        if name not in there:
            continue
        slow = SLOW if night.engine == "lambda" and name == "deleted" else {}
        size = TOO_LARGE if read == 1000 else slow
        night.table(name, read=read, **size)
    if "on-demand" in there:
        night.table("on-demand", read=None)
    night.table("empty", items=0)
    night.table("scratch")
    night.table("gone", vanish_at_describe=True)
    night.table("archived", status="ARCHIVED")
    for name, (low, high) in TARGETS.items():
        if name in there:
            night.target(name, low, high)
    night.world.client("application-autoscaling").put_scheduled_action(
        ServiceNamespace="dynamodb",
        ScheduledActionName="morning",
        ResourceId="table/scheduled",
        ScalableDimension="dynamodb:table:ReadCapacityUnits",
        Schedule="cron(0 6 * * ? *)",
        ScalableTargetAction={"MinCapacity": 500},
    )
    night.world.faults.step_fails.update({"flaky": 1, "broken": -1})
    _delete_when_read(night)


def night_before(night: NightDriver, tables: Iterable[str]) -> None:
    """Put the records of a night that went well: this one is not the deployment's first."""
    good = {"verdict": "backed_up", "items": 3, "last_items": 3, "last_good": iso(START - DAY)}
    report = {"run_id": run_id(START - DAY), "tables": dict.fromkeys(tables, good)}
    for name, record in (("plan", {}), ("report", report)):
        night.s3.put_object(
            Bucket=BUCKET,
            Key=f"runs/{night.account}/{night.region}/{run_id(START - DAY)}/{name}.json",
            Body=json.dumps({"version": 1, **record}).encode(),
        )


def _delete_when_read(night: NightDriver) -> None:
    """Delete a table in the middle of its export, whenever that is."""
    if night.exporting("deleted"):
        night.dynamodb.delete_table(TableName="deleted")
    else:
        night.world.clock.call_in(10, lambda: _delete_when_read(night))


class Schedule:
    """The invocations of a night, as EventBridge Scheduler makes them; a crash ends only its own.

    `after` is called after each invocation.
    """

    def __init__(self, night: NightDriver, interval: timedelta | None = None) -> None:
        self.night = night
        self.inside = Inside(night)
        self.interval = interval or (PASS_BESIDE_LINKS if night.engine == "lambda" else PASS)
        self.after: Callable[[], None] = lambda: None
        self.errors: list[str] = []
        # when each invocation that was killed, or met its time limit, had begun
        self.killed: list[datetime] = []
        # links of the exporter that were
        self.links_killed = 0
        self.planned_at: datetime | None = None

    def run(self) -> None:
        """Run until the run is closed and everything is given back, or patience is at its end."""
        clock = self.night.world.clock
        clock.call_at(START + CATCH_UP, self._catch_up)
        self.invoke(self.scheduler)
        due = START
        while due < START + PATIENCE:
            due += PASS if self.over else self.interval
            clock.advance_to(due)
            self.invoke(self.night.monitor)
            if due + PASS > START + CATCH_UP and self.over:
                break
        clock.advance_to(START + CATCH_UP)

    def scheduler(self) -> None:
        """The delivery at the window's start."""
        self.night.scheduler({"run": iso(START), "delay_seconds": 0}, request_id="delivery")

    def _catch_up(self) -> None:
        event = {"run": iso(START + CATCH_UP), "delay_seconds": int(CATCH_UP.total_seconds())}
        self.invoke(lambda: self.night.scheduler(event, request_id="catch-up"))

    @property
    def over(self) -> bool:
        """Whether the run is closed and no lease is open."""
        given_up = self.planned_at is None and self.night.world.clock.now() > START + CATCH_UP
        closed = given_up or self.inside.record("report.json") is not None
        return closed and set(self.inside.leases().values()) <= {"released"}

    def invoke(self, invocation: Callable[[], Any]) -> None:
        """Make one invocation; what it raises is kept, as the schedule goes on all the same."""
        begun = self.night.world.clock.now()
        try:
            invocation()
        except (Killed, TimedOut):
            self.killed.append(begun)
        except (HippolyteError, ClientError) as error:
            self.errors.append(f"{type(error).__name__}: {error}")
        if self.planned_at is None and self.inside.record("plan.json"):
            self.planned_at = begun
        self.after()
