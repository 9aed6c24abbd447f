"""How the product calls AWS: one place says it, hopeless errors are not retried, what waits."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

import hippolyte
import hippolyte_cli
from hippolyte import clients, settings
from local.core.call import Call, refusal
from tests.support.harness import NightDriver, driver

PACKAGES = [Path(str(module.__file__)).parent for module in (hippolyte, hippolyte_cli)]


@pytest.fixture
def night(monkeypatch: pytest.MonkeyPatch) -> Iterator[NightDriver]:
    with driver(monkeypatch) as made:
        yield made


def calls(package: Path) -> Iterator[tuple[str, str]]:
    """Yield (module, name) of every call in a package's source; a method's name alone."""
    for path in sorted(package.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call):
                name = getattr(node.func, "attr", None) or getattr(node.func, "id", "")
                yield path.name, name


def test_how_often_is_tried_again_is_said_in_one_place() -> None:
    places = {m for package in PACKAGES for m, name in calls(package) if name == "Config"}
    assert places == {"clients.py"}


def test_nothing_of_the_functions_waits() -> None:
    """But discovery: what it does not see is in no plan, so that nothing later looks again.

    And a scan, which is no step of a night: its runner waits, and a link for its predecessor, or
    for further orders. And DynamoDB's own exports: no call rates of theirs are stated, so no more
    than 8 a second are made, and of the tables' recovery no more are asked. And EMR, which takes
    two calls of a kind in five seconds: a minute of a pass at most.
    """
    waits = {"sleep", "get_waiter", "wait", "Timer", "Event", "join_thread", "select"}
    assert [call for call in calls(PACKAGES[0]) if call[1] in waits] == [
        ("emr_calls.py", "wait"),
        ("emr_calls.py", "sleep"),
        ("native.py", "sleep"),
        ("native.py", "sleep"),
        ("link.py", "sleep"),
        ("link.py", "sleep"),
        ("loop.py", "wait"),
        ("runner.py", "sleep"),
        ("patience.py", "sleep"),
        ("recovery.py", "sleep"),
    ]


@pytest.mark.parametrize(
    ("code", "status", "times"),
    [
        ("ThrottlingException", 400, 8),
        ("ProvisionedThroughputExceededException", 400, 8),
        ("InternalServerError", 500, 8),
        ("AccessDeniedException", 400, 1),
        ("ValidationException", 400, 1),
        ("ResourceInUseException", 400, 1),
    ],
)
def test_what_may_pass_is_tried_again_and_what_is_hopeless_is_not(
    night: NightDriver, code: str, status: int, times: int
) -> None:
    refuse(night, code, status)
    built = clients.build(settings.load())
    with pytest.raises(ClientError, match=code):
        built.dynamodb.describe_table(TableName="orders")
    assert night.world.gate.calls["dynamodb:DescribeTable"] == times


@pytest.mark.parametrize("code", ["LimitExceededException", "ThrottlingException"])
def test_a_change_of_capacity_is_never_tried_again_by_itself(night: NightDriver, code: str) -> None:
    """botocore takes the refusal of a decrease, which stands for hours, for throttling."""
    refuse(night, code, 400)
    built = clients.build(settings.load())
    for client, times in ((built.dynamodb_once, 1), (built.dynamodb, 8)):
        before = night.world.gate.calls["dynamodb:UpdateTable"]
        with pytest.raises(ClientError, match=code):
            client.update_table(
                TableName="orders",
                ProvisionedThroughput={"ReadCapacityUnits": 9, "WriteCapacityUnits": 9},
            )
        assert night.world.gate.calls["dynamodb:UpdateTable"] - before == times


def refuse(night: NightDriver, code: str, status: int) -> None:
    def answer(call: Call) -> None:
        error = refusal(call, code, "injected")
        error.http_status = status  # type: ignore[attr-defined]
        raise error

    night.world.before("dynamodb:*", answer)
