"""What must be true of a harness night whatever broke in it: while it lasts, and at its end."""

from __future__ import annotations

import re
from collections import Counter
from datetime import timedelta
from itertools import pairwise
from typing import Any

from local.programs.export import running_steps
from tests.support import events
from tests.support.faults.backups import no_backups
from tests.support.faults.fleet import (
    BEFORE,
    CATCH_UP,
    FLEETING,
    TARGETS,
    TRIED_TWICE,
    Schedule,
    fates,
)
from tests.support.faults.inside import Inside
from tests.support.faults.tap import Point, Tap
from tests.support.harness import RUN, START, NightDriver, verdicts

# the exporter reads floor(capacity x ratio); a literal ratio has six digits
_ROUNDING = 1.0
# its token bucket starts full, with so much of the rate (docs/planning.md)
_FULL_BUCKET_SECONDS = 5
_CHANGES = ("dynamodb:UpdateTable", "application-autoscaling:RegisterScalableTarget")


class Checks:
    """Collects what is wrong of a night; `outcome` adds what is wrong at its end.

    `exact`: each verdict is known beforehand. Otherwise time may have run out: then every verdict
    must be true, and a good table that is not backed up must have had no time left.
    """

    def __init__(self, night: NightDriver, schedule: Schedule, tap: Tap) -> None:
        self.night = night
        self.inside = Inside(night)
        self.schedule = schedule
        self.fates = self.expected()
        self.exact = True
        self.wrong: list[str] = []
        self.reports_written = 0
        # whether the table that is gone at the first look was in the list of tables: the last one
        # read, and the one of the plan that was written
        self.listed = self.planned_with_fleeting = False
        # the message is out and its report is not: a crash here repeats the message
        self.between_message_and_report = False
        self.cut_while_telling = 0
        tap.look = self._look
        schedule.after = self._after_invocation

    def expected(self) -> dict[str, str]:
        """Return the verdict of each table of the fleet."""
        return fates(self.night.engine)

    def attempts(self, table: str) -> int:
        """Return how many attempts a table takes where nothing else happens."""
        return 1 + (table in TRIED_TWICE)

    @property
    def _before(self) -> dict[str, int]:
        return {name: read for name, read in BEFORE.items() if name in self.fates}

    # while it lasts

    def _look(self, point: Point) -> None:
        if point.side == "before":
            if point.call == "dynamodb:ListTables":
                self.listed = self.inside.capacity(FLEETING) is not None
            return
        if point.call in _CHANGES:
            self._nothing_lowered_under_an_export(str(point))
        elif point.call == "sns:Publish" and point.status == 200:
            self.between_message_and_report = True
        elif point.call == "s3:PutObject" and point.path.endswith("/plan.json"):
            if point.status == 200:
                self.planned_with_fleeting = self.listed
        elif point.call == "s3:PutObject" and point.path.endswith("/report.json"):
            self.between_message_and_report = False
            self.reports_written += point.status == 200

    def _nothing_lowered_under_an_export(self, when: str) -> None:
        for step in running_steps(self.night.world):
            coming = self.inside.capacity(step.table)
            if step.read_capacity and coming and coming[0] < step.read_capacity:
                self.wrong.append(f"{step.table} is lowered under its export, {when}")

    def _after_invocation(self) -> None:
        """What is above its old capacity, or has its scale-in suspended, has an open lease."""
        leases = self.inside.leases()
        for name, before in self._before.items():
            changed = self.inside.capacity(name) not in (None, (before, 50))
            changed = changed or (name in TARGETS and bool(self.inside.target(name)[1]))
            if changed and leases.get(name, "released") == "released":
                self.wrong.append(f"{name} is changed and has no open lease")
        reading = Counter(step.table for step in running_steps(self.night.world))
        self.wrong += [f"{name} is read by {n} exports" for name, n in reading.items() if n > 1]

    # at its end

    def outcome(self) -> dict[str, Any]:
        """Return `problems` and the facts by which a night is counted."""
        night = self.night
        problems = [*self.wrong, *night.watch.violations, *self._left_behind(), *self._taken()]
        report = self.inside.record("report.json")
        if report:
            problems += [*self._verdicts(report), *self._backups(report), *self._told(report)]
            if night.bus:
                ledger = self.inside.record("ledger.json") or {}
                problems += events.problems(events.heard(night.world, night.bus), ledger, report)
        elif self.schedule.planned_at:
            problems.append(f"not closed: {self.inside.record('ledger.json')}")
        else:
            problems += self._no_night()
        return {
            "problems": problems,
            "verdicts": verdicts(report) if report else {},
            "messages": len(night.messages),
            "errors": self.schedule.errors,
            "killed": len(self.schedule.killed) + self.schedule.links_killed,
            "planned": self.schedule.planned_at is not None,
            "closed_at": report and report["closed_at"],
        }

    def _no_night(self) -> list[str]:
        """Both deliveries were killed before there was a plan: the alarm's metric tells of it."""
        night = self.night
        if night.messages or self.schedule.killed != [START, START + CATCH_UP]:
            return [f"no run, killed at {self.schedule.killed}, messages: {night.messages}"]
        night.world.clock.advance_to(START + timedelta(hours=29))
        night.monitor()
        points = night.world.client("cloudwatch").get_metric_statistics(
            Namespace="Hippolyte",
            MetricName="NightOverdue",
            Dimensions=[{"Name": "Deployment", "Value": "hippolyte"}],
            StartTime=START + timedelta(hours=28),
            EndTime=START + timedelta(hours=30),
            Period=60,
            Statistics=["Maximum"],
        )["Datapoints"]
        overdue = [point["Maximum"] for point in points]
        return [] if overdue == [1.0] else [f"no run, and NightOverdue is {overdue}"]

    def _left_behind(self) -> list[str]:
        night, wrong = self.night, []
        for name, before in self._before.items():
            found = self.inside.capacity(name)
            if found != (before, 50) and name != "deleted":
                wrong.append(f"{name} is left at {found}")
        for name, limits in TARGETS.items():
            if name in self.fates and (left := self.inside.target(name)) != (limits, []):
                wrong.append(f"{name}: its target is left as {left}")
        for name, state in self.inside.leases().items():
            if state != "released":
                wrong.append(f"the lease of {name} is {state}")
        wrong += [f"pipeline {name} is left" for name in night.pipelines()]
        wrong += [f"a cluster is left, {state}" for state in night.clusters()]
        wrong += [f"{step.table} is still read" for step in running_steps(night.world)]
        return wrong

    def _taken(self) -> list[str]:
        """No export took more than its share, but at its start; none was read by two at a time."""
        wrong, world = [], self.night.world
        share = self.night.settings["consumed_percentage"] / 100
        for taken in world.consumption:
            rate, whole = taken.read_units_per_second, taken.read_capacity
            # an on-demand table has no capacity to share: the wanted rate is a setting; what is
            # not in BEFORE is never raised
            before = BEFORE.get(taken.table, whole or 0)
            most = 1000.0 if whole is None else whole - (1 - share) * before
            if rate > most + _ROUNDING:
                wrong.append(f"{taken.table}: {rate} units/s taken of {whole}")
            if max(taken.bursts, default=0.0) > _FULL_BUCKET_SECONDS * (most + _ROUNDING):
                wrong.append(f"{taken.table}: {taken.bursts} units at once of {whole}")
        spans = sorted((c.table, c.start, c.end) for c in world.consumption)
        for one, other in pairwise(spans):
            if one[0] == other[0] and one[2] > other[1]:
                wrong.append(f"{one[0]} was read by two exports at {other[1]}")
        return wrong

    def _verdicts(self, report: dict[str, Any]) -> list[str]:
        found, wrong = verdicts(report), []
        due = set(self.fates) - (set() if self.planned_with_fleeting else {FLEETING})
        missing = due - set(found)
        wrong += [f"{name} is not in the report" for name in missing]
        wrong += [
            f"{name} is in the report, and was not there" for name in found.keys() - self.fates
        ]
        if sum(report["totals"].values()) != len(found) or report["discovered"] != len(found):
            wrong.append(f"the verdicts do not add up: {report['totals']}")
        for name, verdict in found.items():
            entry = report["tables"][name]
            excused = not self.exact and _had_no_time(entry, report)
            if verdict != self.fates.get(name) and not excused:
                wrong.append(f"{name} is {verdict}: {entry}")
            # none is read once more than it must be, and no attempt's error is lost
            failures = max(0, entry["attempt"] - (verdict == "backed_up"))
            if len(entry["errors"]) != failures:
                wrong.append(f"{name}: {failures} attempts failed, errors {entry['errors']}")
            if self.exact and entry["attempt"] > self.attempts(name):
                wrong.append(f"{name} took {entry['attempt']} attempts: {entry['errors']}")
        started = {b["batch_id"] for b in report["batches"] if b["started_at"]}
        batches = (self.schedule.inside.record("ledger.json") or {}).get("batches", {})
        # a table that is split has several
        clusters = sum(batches[name].get("workers", 1) for name in started)
        if self.night.all_clusters() != clusters:
            wrong.append(f"{self.night.all_clusters()} clusters for {clusters} batches started")
        # two crashes, each of whose intents is waited for, may outlast the report's patience: then
        # it is told, and given back after it, which is seen at the end
        told = any("LEFT RAISED" in message["message"] for message in self.night.messages)
        if report["left_raised"] and (self.exact or not told):
            wrong.append(f"left raised, says the report: {report['left_raised']}")
        return wrong

    def _backups(self, report: dict[str, Any]) -> list[str]:
        """What is called a backup is one: read by a reader of its own, and in the catalogue."""
        wrong = list(no_backups(self.night, self.inside, report))
        good = self.catalogued(report)
        catalogue = {key.split("/")[3] for key in self.inside.keys("catalog/")}
        if catalogue != good:
            wrong.append(f"the catalogue holds {catalogue}, backed up are {good}")
        return wrong

    def catalogued(self, report: dict[str, Any]) -> set[str]:
        """Return the tables of which there is a backup by a report."""
        return {n for n, v in verdicts(report).items() if v == "backed_up"}

    def _told(self, report: dict[str, Any]) -> list[str]:
        """One report; its message at least once, and again only if its recording was cut off."""
        wrong, messages = [], self.night.messages
        if self.reports_written != 1:
            wrong.append(f"{self.reports_written} reports were written")
        expected = 1 + self.cut_while_telling
        reports = [m for m in messages if f"Run {RUN}: " in m["message"]]
        if len(reports) != expected or len(messages) != expected:
            wrong.append(f"{expected} messages due, told: {[m['subject'] for m in messages]}")
        failed = {n for n, v in verdicts(report).items() if v in _TOLD}
        wrong += [f"{name} is not told" for name in failed if not names(_text(messages), name)]
        return wrong

    def about_to_be_cut(self) -> None:
        """Take note of where in the night the running invocation is killed."""
        self.cut_while_telling += self.between_message_and_report
        self.between_message_and_report = False


_TOLD = ("failed", "timed_out", "unsupported")


def names(text: str, table: str) -> bool:
    """Say whether a message tells of a table, by itself or among those of one reason."""
    return re.search(rf"\b{re.escape(table)}(: |, |\n)", text) is not None


def _text(messages: list[dict[str, Any]]) -> str:
    return messages[-1]["message"] if messages else ""


def _had_no_time(entry: dict[str, Any], report: dict[str, Any]) -> bool:
    if entry["verdict"] == "failed":
        return "no time is left for another attempt" in entry["reason"]
    return bool(entry["verdict"] == "timed_out" and report["closed_at"] >= report["deadline"])
