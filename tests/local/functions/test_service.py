from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from datetime import timedelta

import pytest
from botocore.exceptions import ClientError

from local.core.clock import Clock
from local.functions.in_process import Sleeper
from local.functions.virtual_time import (
    NoProductClock,
    TimedOut,
    VirtualTime,
    product_clock,
)
from local.world import World
from tests.support.aws_world import ACCOUNT, START, allow, make_function, make_role, refused

CODE = """
import logging, os, threading, time
import boto3

log = logging.getLogger("product")
count = 0

def handler(event, context):
    global count
    count += 1
    what = event.get("do")
    if what == "fail":
        print("about to fail")
        raise ValueError("no such luck")
    if what == "sleep":
        time.sleep(event["seconds"])
    if what == "die":
        os._exit(3)
    if what == "clusters":
        client = boto3.client("emr")
        for asked in range(event["most"]):
            try:
                client.list_clusters()
            except client.exceptions.ClientError as error:
                return asked, error.response["Error"]["Code"]
            time.sleep(event["each"])
        return event["most"], ""
    if what == "list":
        return boto3.client("dynamodb").list_tables()["TableNames"]
    if what == "environment":
        return dict(os.environ)
    log.info("seen", extra={"table": "orders"})
    return {
        "count": count,
        "left": context.get_remaining_time_in_millis(),
        "request": context.aws_request_id,
        "arn": context.invoked_function_arn,
    }
"""


@pytest.fixture(scope="module")
def served() -> Iterator[World]:
    world = World(Clock(START))
    with world.served():
        make_role(world, "role", allow("sqs:SendMessage"), allow("logs:*"))
        role = f"arn:aws:iam::{ACCOUNT}:role/role"
        world.client("logs").create_log_group(logGroupName="/hippolyte/f")
        make_function(
            world,
            CODE,
            role,
            Environment={"Variables": {"SETTING": "1"}},
            LoggingConfig={"LogFormat": "JSON", "LogGroup": "/hippolyte/f"},
        )
        world.functions.warm()
        yield world


def test_deployed_code_runs_as_boto3_sees_it(served: World) -> None:
    client = served.client("lambda")
    answer = client.invoke(FunctionName="f", Payload=b"{}", LogType="Tail")
    payload = json.load(answer["Payload"])
    assert answer["StatusCode"] == 200
    assert "FunctionError" not in answer
    assert payload["left"] == 60_000
    assert payload["arn"] == f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:f"
    again = served.invoke("f", {})
    assert again.payload["count"] == payload["count"] + 1  # the same warm process


def test_environment_is_the_functions_own(served: World) -> None:
    environment = served.invoke("f", {"do": "environment"}).payload
    assert environment["SETTING"] == "1"
    assert environment["AWS_ENDPOINT_URL"] == served.endpoint_url
    assert environment["AWS_LAMBDA_FUNCTION_NAME"] == "f"
    assert not {"HOME", "PYTHONPATH", "VIRTUAL_ENV"} & set(environment)


def test_role_is_the_functions_own(served: World) -> None:
    invocation = served.invoke("f", {"do": "list"})
    assert invocation.error is not None
    assert invocation.error["errorType"] == "ClientError"
    assert (
        "assumed-role/role/f is not authorized to perform: dynamodb:ListTables"
        in (invocation.error["errorMessage"])
    )


def test_error_has_lambdas_form(served: World) -> None:
    answer = served.client("lambda").invoke(FunctionName="f", Payload=b'{"do": "fail"}')
    error = json.load(answer["Payload"])
    assert answer["FunctionError"] == "Unhandled"
    assert error["errorMessage"] == "no such luck"
    assert error["errorType"] == "ValueError"
    assert 'raise ValueError("no such luck")' in error["stackTrace"][-1]
    assert "about to fail" in served.lambda_logs[-1].log


def test_call_rates_refill_while_a_function_sleeps(served: World) -> None:
    """In a process of its own, whose time the world knows by its calls alone."""
    role = make_role(served, "asks-emr", allow("elasticmapreduce:ListClusters"))
    once = {"Variables": {"AWS_MAX_ATTEMPTS": "1"}}
    make_function(served, CODE, role, name="emr", timeout=120, Environment=once)
    ask = {"do": "clusters", "most": 30}
    assert served.invoke("emr", {**ask, "each": 2}).payload == [30, ""]
    # begun in the same moment: of the other's calls it sees the first
    assert served.invoke("emr", {**ask, "each": 0}).payload == [19, "ThrottlingException"]


def test_sleep_is_virtual_and_limited(served: World) -> None:
    slept = served.invoke("f", {"do": "sleep", "seconds": 50})
    assert slept.slept_seconds == 50
    assert slept.payload["left"] == 10_000
    late = served.invoke("f", {"do": "sleep", "seconds": 61})
    assert late.error is not None
    assert late.error["errorMessage"].endswith("Task timed out after 60.00 seconds")
    fresh = served.invoke("f", {})
    assert fresh.payload["count"] == 1  # a new process


TELLS_TIME = """
from datetime import UTC, datetime

def now():
    return datetime.now(UTC)
"""
PRODUCT = """
from hippolyte import {module}

def handler(event, context):
    return {module}.now().isoformat()
"""


def deploy_product(world: World, module: str, text: str, name: str) -> None:
    files = {"hippolyte/__init__.py": "", f"hippolyte/{module}.py": text}
    role = f"arn:aws:iam::{ACCOUNT}:role/role"
    make_function(world, PRODUCT.format(module=module), role, name=name, files=files)


def test_the_products_clock_is_virtual(served: World) -> None:
    deploy_product(served, "clock", TELLS_TIME, "product")
    assert served.invoke("product", {}).payload == served.now().isoformat()


@pytest.mark.parametrize(
    ("module", "text"),
    [("times", TELLS_TIME), ("clock", TELLS_TIME.replace("now():", "utc_now():"))],
    ids=["moved", "renamed"],
)
def test_a_product_without_its_clock_is_an_error(served: World, module: str, text: str) -> None:
    name = f"without-{module}"
    deploy_product(served, module, text, name)
    invocation = served.invoke(name, {})
    assert invocation.payload is None
    assert invocation.error is not None
    assert invocation.error["errorType"] == "NoProductClock"
    assert "has no hippolyte.clock.now" in invocation.error["errorMessage"]


def test_a_product_without_its_clock_is_an_error_in_process(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    real_sleep = time.sleep
    monkeypatch.delattr("hippolyte.clock.now")
    with pytest.raises(NoProductClock, match=r"has no hippolyte\.clock\.now"):
        Sleeper(Clock(START)).install()
    monkeypatch.setitem(sys.modules, "hippolyte.clock", None)
    with pytest.raises(NoProductClock, match=r"has no hippolyte\.clock\.now"):
        Sleeper(Clock(START)).install()
    assert time.sleep is real_sleep


def test_without_a_product_there_is_no_clock_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "hippolyte", None)
    assert product_clock() is None


def test_dead_process_is_an_error(served: World) -> None:
    dead = served.invoke("f", {"do": "die"})
    assert dead.error is not None
    assert dead.error["errorType"] == "Runtime.ExitError"
    assert served.invoke("f", {}).error is None


def test_log_is_json_and_in_its_group(served: World) -> None:
    invocation = served.invoke("f", {})
    line = next(json.loads(s) for s in invocation.log.splitlines() if '"seen"' in s)
    assert line["level"] == "INFO"
    assert line["table"] == "orders"
    assert line["requestId"] == invocation.request_id
    assert line["timestamp"] == f"{served.clock.now():%Y-%m-%dT%H:%M:%SZ}"
    events = served.client("logs").filter_log_events(logGroupName="/hippolyte/f")["events"]
    assert any('"seen"' in event["message"] for event in events)


def test_configuration_is_kept(served: World) -> None:
    client = served.client("lambda")
    config = client.get_function_configuration(FunctionName="f")
    assert config["LoggingConfig"] == {"LogFormat": "JSON", "LogGroup": "/hippolyte/f"}
    for attempts in (1, 0):
        client.put_function_event_invoke_config(FunctionName="f", MaximumRetryAttempts=attempts)
    found = client.get_function_event_invoke_config(FunctionName="f")
    assert found["MaximumRetryAttempts"] == 0


def test_asynchronous_invocation_is_retried_and_then_recorded(served: World) -> None:
    sqs = served.client("sqs")
    sqs.create_queue(QueueName="failures")
    queue = f"arn:aws:sqs:us-east-1:{ACCOUNT}:failures"
    served.client("lambda").put_function_event_invoke_config(
        FunctionName="f",
        MaximumRetryAttempts=2,
        MaximumEventAgeInSeconds=3600,
        DestinationConfig={"OnFailure": {"Destination": queue}},
    )
    before = len(served.lambda_logs)
    answer = served.client("lambda").invoke(
        FunctionName="f", Payload=b'{"do": "fail"}', InvocationType="Event"
    )
    assert answer["StatusCode"] == 202
    begun = served.clock.now()
    served.clock.advance(600)
    attempts = served.lambda_logs[before:]
    assert [(a.at - begun).total_seconds() for a in attempts] == [0, 60, 180]
    assert len({a.request_id for a in attempts}) == 1
    [record] = served.queue(queue)
    assert record["requestContext"]["condition"] == "RetriesExhausted"
    assert record["requestContext"]["approximateInvokeCount"] == 3
    assert record["requestPayload"] == {"do": "fail"}
    assert record["responsePayload"]["errorType"] == "ValueError"
    sqs.purge_queue(QueueUrl=sqs.get_queue_url(QueueName="failures")["QueueUrl"])


def test_event_too_old_is_not_retried(served: World) -> None:
    queue = f"arn:aws:sqs:us-east-1:{ACCOUNT}:old"
    served.client("sqs").create_queue(QueueName="old")
    served.client("lambda").put_function_event_invoke_config(
        FunctionName="f",
        MaximumEventAgeInSeconds=60,
        DestinationConfig={"OnFailure": {"Destination": queue}},
    )
    served.invoke("f", {"do": "fail"}, asynchronous=True)
    served.clock.advance(600)
    [record] = served.queue(queue)
    assert record["requestContext"]["condition"] == "EventAgeExceeded"
    assert record["requestContext"]["approximateInvokeCount"] == 2


def test_destination_needs_the_functions_permission(served: World) -> None:
    role = make_role(served, "powerless")
    queue = f"arn:aws:sqs:us-east-1:{ACCOUNT}:never"
    served.client("sqs").create_queue(QueueName="never")
    make_function(served, CODE, role, name="g")
    served.client("lambda").put_function_event_invoke_config(
        FunctionName="g",
        MaximumRetryAttempts=0,
        DestinationConfig={"OnFailure": {"Destination": queue}},
    )
    served.invoke("g", {"do": "fail"}, asynchronous=True)
    assert served.queue(queue) == []
    assert "powerless may not sqs:SendMessage" in served.problems.pop()


def test_down_function_dies_at_every_invocation(served: World) -> None:
    served.functions.down.add("f")
    try:
        assert served.invoke("f", {}).error is not None
    finally:
        served.functions.down.clear()


def test_role_that_lambda_may_not_take_is_refused(served: World) -> None:
    role = make_role(served, "for-ec2", service="ec2")
    with refused("InvalidParameterValueException", "cannot be assumed by Lambda"):
        make_function(served, CODE, role, name="h")


def test_sleep_outside_an_invocation_advances_the_world() -> None:
    clock = Clock(START)
    sleeper = Sleeper(clock)
    sleeper.sleep(30)
    assert clock.now() == START + timedelta(seconds=30)
    with sleeper.invocation(timeout_seconds=10) as running:
        sleeper.sleep(4)
        assert sleeper.now() == START + timedelta(seconds=34)
        assert clock.now() == START + timedelta(seconds=30)
        with pytest.raises(TimedOut):
            sleeper.sleep(7)
    assert running.elapsed() == 11


def test_threads_sleep_beside_each_other() -> None:
    from concurrent.futures import ThreadPoolExecutor
    from threading import Barrier

    time = VirtualTime()
    time.begin(START, 900)
    time.sleep(1)
    together = Barrier(4)

    def sleep(_: int) -> None:
        together.wait()
        time.sleep(10)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(sleep, range(4)))
    assert time.elapsed() == 11


def test_an_environment_over_4_kb_is_refused_as_it_is_measured(served: World) -> None:
    """As JSON, so a quote takes two; in bytes, so a Japanese character takes three."""
    functions = served.client("lambda")
    before = functions.get_function_configuration(FunctionName="f")["Environment"]

    def update(value: str) -> None:
        functions.update_function_configuration(
            FunctionName="f", Environment={"Variables": {"S": value}}
        )

    # {"S":""} is 8 bytes
    for value in ("x" * 4088, '"' * 2044, "値" * 1362):
        update(value)
        with pytest.raises(ClientError, match=r"exceeded the 4KB limit\. String measured") as error:
            update(value + value[-1] + value[-1] + value[-1])
        assert error.value.response["Error"]["Code"] == "InvalidParameterValueException"
    functions.update_function_configuration(FunctionName="f", Environment=before)
