"""Small nights that together make every call the roles are for; the marks a denied one leaves."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

from local.core.call import Call, refusal
from local.core.faults import ALWAYS
from local.programs.export import running_steps
from tests.support.deployment import (
    FUNCTIONS,
    GIB,
    RUN,
    TOPIC,
    WINDOW_START,
    Deployment,
    Planned,
    deployed,
)

# where EMR does not name the action: a caller without it, nodes that cannot fetch their script
EMR_SAYS = {
    "iam:CreateServiceLinkedRole": ("'AWSServiceRoleForEMRCleanup' for EMR is required",),
    "kms:Decrypt": ("failed attempting to download bootstrap action",),
    "s3:GetObject": ("failed attempting to download bootstrap action",),
}
EVENT = {"run": f"{WINDOW_START:%Y-%m-%dT%H:%M:%SZ}", "delay_seconds": 0}


def furnish(d: Deployment) -> None:
    """Tables: raised and autoscaled, plain, empty, emptied; exported by DynamoDB itself."""
    # a scan pays for a page before the next, so that of one item it ends at once
    d.table("large", 1 if d.engine == "lambda" else 3, 1000, size_bytes=20 * GIB, item_count=3)
    d.autoscaled("large", 500, 5000)
    # may be an old global table's replica, as far as its description tells
    d.streamed("large")
    # more than the export takes: what scaling would keep is asked for
    d.reads("large", 900, hours=4)
    d.table("small")
    d.table("empty", items=0)
    # looked into when nothing was read of it
    d.table("queue", items=0, size_bytes=4_000_000, item_count=5000)
    if d.settings["native_export"]["tables"]:
        # exported by DynamoDB itself
        d.table("native")
        d.recoverable("native")


def drill(d: Deployment) -> None:
    """A table whose backup may be imported, and one of a drill's name that another made."""
    furnish(d)
    d.table("plain", keyed=False)
    d.table("hippolyte-drill-others", keyed=False)


def hang(d: Deployment) -> None:
    """An export that does not end."""
    furnish(d)
    d.world.faults.step_hangs["large"] = ALWAYS


def hold_on(d: Deployment) -> None:
    """The same, in a pipeline that does not let itself be deactivated."""
    hang(d)
    d.refuse("datapipeline:DeactivatePipeline", "InvalidRequestException", "it is not the time")


def lose_an_activation(d: Deployment) -> None:
    """The first activation comes back without an answer."""
    furnish(d)
    d.refuse("datapipeline:ActivatePipeline", "InternalServiceError", "lost", times=1, status=500)


def throttle(d: Deployment) -> None:
    """A scan that does not come to its first page."""
    furnish(d)

    def answer(call: Call) -> None:
        if call.params.get("TableName") == "large" and d.world.functions.current():
            raise refusal(call, "ThrottlingException", "Rate exceeded")

    d.world.before("dynamodb:DescribeTable", answer)


def lose_a_worker(d: Deployment) -> None:
    """The first StartExecution comes back without an answer."""
    furnish(d)
    d.refuse("stepfunctions:StartExecution", "InternalServerException", "lost", times=1, status=500)


def lose_a_cluster(d: Deployment) -> None:
    """The first RunJobFlow comes back without an answer."""
    furnish(d)
    d.refuse("emr:RunJobFlow", "InternalServerException", "lost", times=1, status=500)


def age(d: Deployment) -> None:
    """The deployer has chosen a release that writes to S3 with EMRFS."""
    d.change("cluster", release_label="emr-7.5.0")
    furnish(d)


def nights(d: Deployment) -> Iterator[None]:
    """The schedules do what they are for."""
    d.known()
    while True:
        d.world.clock.advance(150)
        yield


def scheduler_alone(d: Deployment) -> Iterator[None]:
    """The monitor is down, and the scheduler is delivered its event again and again."""
    d.known()
    d.world.functions.down.add("hippolyte-monitor")
    d.world.clock.advance_to(WINDOW_START)
    while True:
        d.world.clock.advance(300)
        d.world.invoke("hippolyte-scheduler", EVENT)
        yield


def functions_down(d: Deployment) -> Iterator[None]:
    """Both functions die at every invocation: Lambda keeps the events."""
    d.world.functions.down.update(f"hippolyte-{name}" for name in FUNCTIONS)
    d.world.clock.advance_to(WINDOW_START - timedelta(minutes=1))
    while True:
        d.world.clock.advance(150)
        yield


def functions_die(d: Deployment) -> Iterator[None]:
    """Both functions die while an export reads: what ends its cluster is the schedule."""
    d.known()
    while True:
        d.world.clock.advance(150)
        if running_steps(d.world):
            d.world.functions.down.update(f"hippolyte-{name}" for name in FUNCTIONS)
        yield


def schedule_refused(d: Deployment) -> Iterator[None]:
    """The same, and the schedule may not end the cluster either: its call is kept."""
    d.take_away("guard", "elasticmapreduce:TerminateJobFlows")
    yield from functions_die(d)


def functions_gone(d: Deployment) -> Iterator[None]:
    """Somebody deleted the functions: Scheduler keeps the events."""
    for name in FUNCTIONS:
        d.world.client("lambda").delete_function(FunctionName=f"hippolyte-{name}")
    while True:
        d.world.clock.advance(150)
        yield


@dataclass(frozen=True)
class Scenario:
    """What is there, who works, and by when it is over (hours after the window's start)."""

    name: str
    furnish: Callable[[Deployment], None]
    run: Callable[[Deployment], Iterator[None]]
    hours: float
    says: str


def _scenarios(engine: str) -> Iterator[Scenario]:
    stuck, start, clung, lost = {
        "datapipeline": (
            " in a pipeline that cannot be deactivated",
            "an activation",
            hold_on,
            lose_an_activation,
        ),
        "emr": ("", "a start of a cluster", hang, lose_a_cluster),
        "lambda": ("", "a start of a worker", throttle, lose_a_worker),
    }[engine]
    alone = "the same, the monitor being down"
    down, gone = "functions that die when invoked", "functions that somebody deleted"
    yield Scenario("night", furnish, nights, 4, "a night in which all tables are backed up")
    yield Scenario(
        "scheduler alone", furnish, scheduler_alone, 4, "the same night, the monitor being down"
    )
    yield Scenario(
        "stuck night", clung, nights, 4, f"an export that hangs past the deadline{stuck}"
    )
    yield Scenario("stuck, scheduler alone", clung, scheduler_alone, 4, alone)
    yield Scenario("lost answer", lost, nights, 2, f"{start} whose answer is lost")
    yield Scenario("lost answer, scheduler alone", lost, scheduler_alone, 2, alone)
    if engine == "lambda":
        yield Scenario("drill", drill, nights, 4, "a night whose backup of a table is imported")
    if engine == "emr":
        yield Scenario("older release", age, nights, 4, "a night on emr-7.5.0, which has EMRFS")
        left = "an export that hangs while both functions are dead"
        yield Scenario("functions die", hang, functions_die, 3, left)
        refused = f"{left}, and its schedule may not end its cluster"
        yield Scenario("schedule refused", hang, schedule_refused, 3, refused)
    yield Scenario("functions down", lambda _: None, functions_down, 0.5, down)
    yield Scenario("functions gone", lambda _: None, functions_gone, 0.5, gone)


SCENARIOS = {name: tuple(_scenarios(name)) for name in ("datapipeline", "emr", "lambda")}


@contextmanager
def playing(scenario: Scenario, planned: Planned) -> Iterator[tuple[Deployment, Iterator[None]]]:
    """A scenario at its start, and its steps up to its end."""
    with deployed(planned) as d:
        scenario.furnish(d)
        end = WINDOW_START + timedelta(hours=scenario.hours)

        def steps() -> Iterator[None]:
            for _ in scenario.run(d):
                yield
                # with a monitor, until the place is off the record
                alone = "hippolyte-monitor" in d.world.functions.down
                if d.record("report.json") and (alone or not d.open_places()):
                    return
                if d.world.clock.now() >= end:
                    return

        yield d, steps()


def mark(d: Deployment, action: str) -> str:
    """Return what shows that `action` was denied, the most visible first; empty if nothing does."""

    def tells(value: object) -> bool:
        text = value if isinstance(value, str) else json.dumps(value)
        # the services' words, and those of the file system of a cluster
        words = (f"not authorized to perform: {action} ", f"may not {action} ")
        return any(word in text for word in (*words, *EMR_SAYS.get(action, ())))

    if any(tells(message["message"]) for message in d.world.messages(TOPIC)):
        return "message to people"
    for name, what in (("report.json", "report"), ("ledger.json", "reason in the ledger")):
        if tells(d.record(name, RUN)):
            return what
    for invocation in d.world.lambda_logs:
        if tells(invocation.error):
            return f"{invocation.function.removeprefix('hippolyte-')} fails"
    if any(tells(invocation.log) for invocation in d.world.lambda_logs):
        return "function's log"
    if any(tells(problem) for problem in d.world.problems):
        return "event is lost"
    return ""
