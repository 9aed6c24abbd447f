"""The faults of the services: how each is made, and what may come of it."""

from __future__ import annotations

import json
import random
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, cast

from moto.dynamodb.models import dynamodb_backends

from local.core.call import Call, refusal
from local.core.faults import ALWAYS
from local.dynamodb.capacity import state_of
from local.dynamodb.table_settings import TableSettings
from tests.support.harness import BUCKET, MACHINE, REGION, START, NightDriver
from tests.support.watch import PRODUCT_KEY

SMALL = ("carts", "events", "items", "sessions", "users")

Happens = Callable[[NightDriver], object]


@dataclass(frozen=True)
class Fault:
    """A fault, when it strikes, and what comes of it.

    `before` happens before the night begins, `meanwhile` when the first export reads, `afterwards`
    when all is over; after each the same must hold. `costs` are the verdicts other than backed_up,
    `told` is in the messages ("": the night is reported as OK). `error` is in what the invocations
    raise, which Lambda's error metric tells ("": they do not).
    """

    name: str
    before: Happens = lambda _: None
    meanwhile: Happens | None = None
    afterwards: Happens | None = None
    costs: dict[str, str] = field(default_factory=dict)
    told: str = ""
    # where links of the exporter tell it in other words
    told_by_links: str = ""
    error: str = ""
    window_seconds: int = 7200
    # None: of both
    engine: str | None = None
    of_clusters: bool = False


def _faults(**values: Any) -> Happens:
    """Set faults of the job services by name."""

    def happens(night: NightDriver) -> None:
        for name, value in values.items():
            setattr(night.world.faults, name, value)

    return happens


def error_of(call: Call, status: int, code: str, message: str) -> Exception:
    refused: Any = refusal(call, code, message)
    refused.http_status = status
    return cast(Exception, refused)


def away(pattern: str, minutes: float) -> Happens:
    """Let a service answer 503 to the product for some minutes."""

    def happens(night: NightDriver) -> None:
        clock = night.world.clock
        end = clock.now() + timedelta(minutes=minutes)

        def answer(call: Call) -> None:
            if call.access_key == PRODUCT_KEY and clock.now() < end:
                raise error_of(call, 503, "ServiceUnavailable", "Reduce your request rate.")

        night.world.before(pattern, answer)

    return happens


def _decreases_refused(night: NightDriver) -> None:
    """Refuse every decrease until three hours after the window's begin."""
    allowed = START + timedelta(hours=3)

    def answer(call: Call) -> None:
        read = call.params["ProvisionedThroughput"]["ReadCapacityUnits"]
        if read < night.raised and night.world.clock.now() < allowed:
            raise refusal(
                call,
                "LimitExceededException",
                "Subscriber limit exceeded: Provisioned throughput decreases are limited within a "
                f"given UTC day. Next decrease can be made at {allowed:%A, %B %d, %Y at %I %p}",
            )

    night.world.before("dynamodb:UpdateTable", answer)


def _free_decreases_used_up(night: NightDriver) -> None:
    """Four decreases today: the next one is allowed an hour after the last, by the service."""
    # which is some time after the export's end
    last = 50 if night.engine == "datapipeline" else 10
    state = state_of(dynamodb_backends[night.account][REGION].tables["orders"])
    state.decreases += [night.world.clock.now() + timedelta(minutes=last)] * 4


def _changed_for_30_minutes(night: NightDriver) -> None:
    """Somebody's change of the write capacity keeps the table UPDATING as the night begins."""
    night.world.set_table("orders", update_seconds=1800)
    night.set_by_hand("orders", 1000, 80)
    night.set_by_hand("users", 100, 80)
    night.world.set_table("orders", update_seconds=TableSettings.update_seconds)


def _quota_reached(night: NightDriver) -> None:
    night.world.before(
        "dynamodb:UpdateTable", lambda _: setattr(night.world.limits, "account_read", 1500), 1
    )


def _answers_lost(night: NightDriver) -> None:
    """S3 takes a third of the records and answers 500: the retry meets its own write, 412."""
    source = random.Random(1)

    def answer(call: Call) -> None:
        conditions = {
            name: value
            for name, header in (("IfMatch", "If-Match"), ("IfNoneMatch", "If-None-Match"))
            if (value := call.handler.headers.get(header))
        }
        if call.access_key != PRODUCT_KEY or not conditions or source.random() > 1 / 3:
            return
        said = {
            name[len("x-amz-meta-") :]: value
            for name, value in call.handler.headers.items()
            if name.lower().startswith("x-amz-meta-")
        }
        night.s3.put_object(
            Bucket=call.bucket,
            Key=call.key,
            Body=call.handler.body,
            Metadata=said,
            **conditions,
        )
        raise error_of(call, 500, "InternalError", "We encountered an internal error.")

    night.world.before("s3:PutObject", answer)


def _conflicts(night: NightDriver) -> None:
    source = random.Random(1)

    def answer(call: Call) -> None:
        conditional = call.handler.headers.get("If-Match") or call.handler.headers.get(
            "If-None-Match"
        )
        if call.access_key == PRODUCT_KEY and conditional and source.random() < 1 / 3:
            raise error_of(call, 409, "ConditionalRequestConflict", "A conflicting operation")

    night.world.before("s3:PutObject", answer)


def _nobody_comes(night: NightDriver) -> None:
    """Neither function runs for five hours: what was started ends by itself (terminateAfter)."""
    night.world.clock.advance(5 * 3600)
    assert night.clusters() == []


def throttled(pattern: str, minutes: float) -> Happens:
    """Throttle a call for some minutes."""

    def happens(night: NightDriver) -> None:
        clock = night.world.clock
        end = clock.now() + timedelta(minutes=minutes)

        def answer(call: Call) -> None:
            if clock.now() < end:
                raise refusal(call, "ThrottlingException", "Rate exceeded")

        night.world.before(pattern, answer)

    return happens


def _spot_lost(night: NightDriver) -> None:
    night.configure(emr={**night.settings["emr"], "spot": True})
    night.world.faults.spot_lost_at_step = 2


def _subnet_short(night: NightDriver) -> None:
    subnets = ["subnet-a", "subnet-b"]
    night.configure(emr={**night.settings["emr"], "subnet_ids": subnets})
    night.world.faults.short_of_capacity = {"subnet-a": ALWAYS}


def _of_links(pattern: str, happens: Callable[[NightDriver, Call], object]) -> Happens:
    """Let something happen before calls of links of the exporter."""

    def before(night: NightDriver) -> None:
        def meet(call: Call) -> None:
            if night.world.functions.current():
                happens(night, call)

        night.world.before(pattern, meet)

    return before


def _slow(seconds: float) -> Callable[[NightDriver, Call], object]:
    return lambda night, _: night.world.sleeper.sleep(seconds)


def _refused(minutes: float) -> Callable[[NightDriver, Call], object]:
    """Refuse the files of exports until some minutes after the window's begin."""

    def happens(night: NightDriver, call: Call) -> None:
        over = START + timedelta(minutes=minutes)
        if "/AWSDynamoDB/" in str(call.key) and night.world.clock.now() < over:
            raise error_of(call, 403, "AccessDenied", "Access Denied by a new bucket policy")

    return happens


def _room_after(minutes: float) -> Happens:
    """Let the account's other functions take all of its concurrency until then."""

    def happens(night: NightDriver) -> None:
        limits, usual = night.world.limits, night.world.limits.concurrent_executions
        limits.concurrent_executions = 0
        night.world.clock.call_at(
            START + timedelta(minutes=minutes),
            lambda: setattr(limits, "concurrent_executions", usual),
        )

    return happens


def _frozen(hours: float) -> Happens:
    """Let the links that run do nothing for so long: their successors begin, or all is over."""

    def happens(night: NightDriver) -> None:
        running = night.world.functions.running()
        assert running
        for link in running:
            night.world.functions.freeze(link, hours * 3600)

    return happens


def _late(hours: float) -> Happens:
    return lambda night: night.world.clock.advance(hours * 3600)


def _executions(night: NightDriver, status: str = "RUNNING") -> list[str]:
    machine = night.world.client("stepfunctions")
    found = machine.list_executions(stateMachineArn=MACHINE, statusFilter=status)["executions"]
    assert found
    return [execution["executionArn"] for execution in found]


def _stopped(night: NightDriver) -> None:
    for arn in _executions(night):
        night.world.client("stepfunctions").stop_execution(executionArn=arn)


def _redriven(night: NightDriver) -> None:
    """A week after, somebody lets executions go on that had been stopped."""
    night.world.clock.advance(7 * 24 * 3600)
    scans = night.world.gate.calls["dynamodb:Scan"]
    for arn in _executions(night, "ABORTED"):
        night.world.client("stepfunctions").redrive_execution(executionArn=arn)
    night.world.clock.advance(3600)
    assert night.world.gate.calls["dynamodb:Scan"] == scans


def _doubled(night: NightDriver) -> None:
    """Somebody starts each execution once more, under another name."""
    machine = night.world.client("stepfunctions")
    for arn in _executions(night):
        given = machine.describe_execution(executionArn=arn)["input"]
        machine.start_execution(stateMachineArn=MACHINE, name=uuid.uuid4().hex, input=given)


def _limited(seconds: int) -> Happens:
    """Give the machine a time limit; executions that run keep that which they began with."""

    def happens(night: NightDriver) -> None:
        machine = night.world.client("stepfunctions")
        text = machine.describe_state_machine(stateMachineArn=MACHINE)["definition"]
        limited = {**json.loads(text), "TimeoutSeconds": seconds}
        machine.update_state_machine(stateMachineArn=MACHINE, definition=json.dumps(limited))

    return happens


def _records(change: Callable[[NightDriver, str], object]) -> Happens:
    """Do something to the records of the night's workers."""

    def happens(night: NightDriver) -> None:
        found = [key for key in night.keys("runs/") if key.endswith("/record.json")]
        assert found
        for key in found:
            change(night, key)

    return happens


def _lost(night: NightDriver, key: str) -> None:
    night.s3.delete_object(Bucket=BUCKET, Key=key)


def _newer(night: NightDriver, key: str) -> None:
    record = night.json(key) or {}
    newer = json.dumps({**record, "version": record["version"] + 1})
    night.s3.put_object(Bucket=BUCKET, Key=key, Body=newer.encode())


def _users(fault: str, times: int) -> Happens:
    return _faults(**{fault: {"users": times}})


USERS_FAIL = {"users": "failed"}
FAULTS = [
    Fault("30 % of all calls throttled", lambda n: n.throttle(0.3), of_clusters=True),
    Fault(
        "30 % of all calls throttled, of Scans none",
        lambda n: n.throttle(0.3, spare="dynamodb:Scan"),
        engine="lambda",
    ),
    Fault(
        # a Scan that is throttled is an application that is: the pace gives way, and stays low
        "half of all Scans throttled",
        lambda n: n.world.throttle("dynamodb:Scan", probability=0.5),
        costs={"orders": "timed_out"},
        told="orders: still running at the deadline",
        engine="lambda",
    ),
    Fault("decreases refused for 3 hours", _decreases_refused, told="LEFT RAISED"),
    Fault("the day's free decreases used up", _free_decreases_used_up),
    Fault("raise takes 30 minutes", lambda n: n.world.set_table("orders", update_seconds=1800)),
    Fault("tables UPDATING for 30 minutes", _changed_for_30_minutes),
    Fault("account quota reached by somebody", _quota_reached),
    Fault(
        "DescribeTable stale by 90 s",
        lambda n: n.world.set_table("orders", stale_describe_seconds=90),
    ),
    Fault(
        "cluster never starts",
        _faults(cluster_never_starts=1),
        window_seconds=4 * 3600,
        of_clusters=True,
    ),
    Fault("cluster is refused", _faults(cluster_start_fails=["no capacity"]), of_clusters=True),
    Fault(
        "executions are always refused",
        lambda n: n.refuse("stepfunctions:StartExecution", "InvalidArn", "no such machine"),
        costs=dict.fromkeys(("orders", "empty", *SMALL), "failed"),
        told="no such machine",
        engine="lambda",
    ),
    Fault(
        "StartExecution throttled for 30 minutes",
        throttled("stepfunctions:StartExecution", 30),
        engine="lambda",
        window_seconds=4 * 3600,
    ),
    Fault(
        "the first three answers of StartExecution lost",
        lambda n: n.world.lose_answer("stepfunctions:StartExecution", 3),
        engine="lambda",
    ),
    Fault(
        "the first ten answers of Scan lost",
        lambda n: n.world.lose_answer("dynamodb:Scan", 10),
        engine="lambda",
    ),
    Fault(
        "Step Functions away for 30 minutes",
        meanwhile=away("stepfunctions:*", 30),
        error="ServiceUnavailable",
        engine="lambda",
    ),
    Fault("invokes throttled for 30 minutes", _room_after(30), engine="lambda"),
    Fault("links run twice", lambda n: setattr(n.world.functions, "twice", 5), engine="lambda"),
    Fault(
        "a link sleeps for half an hour, its successor reads",
        meanwhile=_frozen(0.5),
        engine="lambda",
        window_seconds=4 * 3600,
    ),
    Fault(
        "a link sleeps until its successor is done",
        meanwhile=_frozen(9),
        afterwards=_late(10),
        engine="lambda",
        window_seconds=4 * 3600,
    ),
    Fault("executions stopped by hand", meanwhile=_stopped, engine="lambda"),
    Fault(
        "executions stopped by hand, redriven a week later",
        meanwhile=_stopped,
        afterwards=_redriven,
        engine="lambda",
    ),
    Fault(
        "executions time out",
        _limited(1200),
        meanwhile=_limited(99_999_999),
        engine="lambda",
        window_seconds=4 * 3600,
    ),
    Fault("executions doubled by hand", meanwhile=_doubled, engine="lambda"),
    Fault("workers' records lost", meanwhile=_records(_lost), engine="lambda"),
    Fault("workers' records newer than known", meanwhile=_records(_newer), engine="lambda"),
    Fault(
        "a table over which links die",
        _users("client_dies", ALWAYS),
        told="read this table alone",
        costs=dict.fromkeys(("users",), "failed"),
        engine="lambda",
    ),
    Fault("a link dies once over a table", _users("client_dies", 1), engine="lambda"),
    Fault("S3 takes 3 s for links", _of_links("s3:*", _slow(3)), engine="lambda"),
    Fault(
        # here a link makes its calls one after the other
        "S3 takes 8 s for links, a look 16 s",
        _of_links("s3:*", _slow(8)),
        costs={"orders": "timed_out"},
        told="orders: still running at the deadline",
        engine="lambda",
    ),
    Fault(
        "S3 refuses exports' files once", _of_links("s3:PutObject", _refused(3)), engine="lambda"
    ),
    Fault(
        "S3 refuses exports' files always",
        _of_links("s3:PutObject", _refused(9999)),
        costs=dict.fromkeys(("orders", "empty", *SMALL), "failed"),
        told="Access Denied by a new bucket policy",
        engine="lambda",
    ),
    Fault(
        "clusters are always refused",
        lambda n: n.world.faults.cluster_start_fails.extend(["no capacity"] * 50),
        costs=dict.fromkeys(("orders", *SMALL), "failed"),
        told="no capacity",
        of_clusters=True,
    ),
    Fault("cluster dies at step 5", _faults(cluster_dies_at_step=5), of_clusters=True),
    Fault(
        "cluster hangs, nobody comes (terminateAfter)",
        lambda n: n.world.faults.step_hangs.update(orders=ALWAYS),
        meanwhile=_nobody_comes,
        costs={"orders": "timed_out"},
        told="orders: still running at the deadline",
    ),
    Fault("export hangs once", _users("step_hangs", 1)),
    Fault("export hangs always", _users("step_hangs", ALWAYS), told="is overdue", costs=USERS_FAIL),
    Fault("export fails once", _users("step_fails", 1)),
    Fault("export fails always", _users("step_fails", ALWAYS), told="injected", costs=USERS_FAIL),
    Fault(
        "success without output",
        _users("claims_success_without_output", ALWAYS),
        told="_SUCCESS is missing",
        told_by_links="manifest-summary.json is missing",
        costs=USERS_FAIL,
    ),
    Fault("truncated file once", _users("truncated_file", 1)),
    Fault(
        "truncated file",
        _users("truncated_file", ALWAYS),
        told="cut off",
        told_by_links="is not what was written",
        costs=USERS_FAIL,
    ),
    Fault(
        "missing listed file",
        _users("missing_listed_file", ALWAYS),
        told="of the manifest missing",
        told_by_links="of the manifest is missing",
        costs=USERS_FAIL,
    ),
    Fault(
        "fewer items",
        _users("fewer_items", ALWAYS),
        told="items read",
        told_by_links="is not what was written",
        costs=USERS_FAIL,
    ),
    Fault("no log of the export", _users("no_log", ALWAYS)),
    Fault(
        "definition errored once",
        _faults(definition_errored=1),
        costs={"orders": "failed"},
        told="the definition was refused",
        engine="datapipeline",
    ),
    Fault(
        "definitions errored always",
        _faults(definition_errored=ALWAYS),
        costs=dict.fromkeys(("orders", *SMALL), "failed"),
        told="the definition was refused",
        engine="datapipeline",
    ),
    Fault(
        "CreatePipeline refused always",
        _faults(create_pipeline_refused="closed to new customers"),
        costs=dict.fromkeys(("orders", *SMALL), "failed"),
        told="closed to new customers",
        engine="datapipeline",
    ),
    Fault("spot nodes lost", _spot_lost, engine="emr"),
    Fault("bootstrap fails once", _faults(bootstrap_fails=1), engine="emr"),
    Fault(
        "bootstrap fails always",
        _faults(bootstrap_fails=ALWAYS),
        costs=dict.fromkeys(("orders", *SMALL), "failed"),
        told="BOOTSTRAP_FAILURE",
        engine="emr",
    ),
    Fault("a subnet is short of capacity", _subnet_short, engine="emr"),
    Fault(
        "RunJobFlow throttled for 30 minutes",
        throttled("emr:RunJobFlow", 30),
        engine="emr",
        window_seconds=4 * 3600,
    ),
    Fault(
        "AddJobFlowSteps throttled for 30 minutes",
        throttled("emr:AddJobFlowSteps", 30),
        engine="emr",
    ),
    Fault(
        "RunJobFlow refused always",
        lambda n: n.refuse("emr:RunJobFlow", "ValidationException", "Invalid InstanceProfile"),
        costs=dict.fromkeys(("orders", *SMALL), "failed"),
        told="Invalid InstanceProfile",
        engine="emr",
    ),
    Fault("no schedule can be made for 3 hours", away("scheduler:*", 180), engine="emr"),
    Fault("S3 away for 10 minutes", meanwhile=away("s3:*", 10), error="ServiceUnavailable"),
    Fault(
        "S3 away as the night begins",
        away("s3:*", 10),
        told="cannot be recorded",
        error="ServiceUnavailable",
    ),
    Fault("S3: a third of the answers lost", _answers_lost),
    Fault("S3: a third of the writes answer 409", _conflicts, error="any"),
    Fault(
        "Data Pipeline away for 30 minutes",
        meanwhile=away("datapipeline:*", 30),
        error="ServiceUnavailable",
        engine="datapipeline",
    ),
    Fault(
        "EMR away for 30 minutes",
        meanwhile=away("emr:*", 30),
        error="ServiceUnavailable",
        of_clusters=True,
    ),
    Fault("DynamoDB away for 30 minutes", meanwhile=away("dynamodb:*", 30), error="any"),
    Fault("SNS away for 3 hours", away("sns:*", 180), error="ServiceUnavailable"),
    Fault(
        # what the application needs cannot be seen: its capacity waits, and that is told
        "CloudWatch away for 3 hours",
        away("cloudwatch:*", 180),
        told="LEFT RAISED",
        error="any",
    ),
]
