"""What is kept of a table's settings, over clients that are plain objects."""

from __future__ import annotations

import json
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from botocore import xform_name
from botocore.exceptions import ClientError, ReadTimeoutError

from hippolyte.tables.settings_of import OPERATIONS, TableSettings, settings_of

ARN = "arn:aws:dynamodb:us-east-1:123456789012:table/orders"
DEFINITION: dict[str, Any] = {"TableName": "orders", "TableId": "1"}
BODIES: dict[str, Any] = {
    "DescribeTable": {"Table": DEFINITION},
    "DescribeScalableTargets": {"ScalableTargets": [{"ResourceId": "table/orders"}]},
}

Answer = Callable[[dict[str, Any]], Any]


class Client:
    """Answers with bodies, or raises, by operation; what it has no answer for is `{}`."""

    def __init__(self, asked: list[str], answers: dict[str, Answer], unknown: str = "") -> None:
        self.asked, self.answers, self.unknown = asked, answers, unknown
        self.handlers: dict[str, Callable[..., None]] = {}
        events = SimpleNamespace(
            register=lambda _, handler, unique_id: self.handlers.setdefault(unique_id, handler)
        )
        self.meta = SimpleNamespace(events=events)

    def __getattr__(self, name: str) -> Any:
        (operation,) = [o for o in OPERATIONS if xform_name(o) == name]
        if operation == self.unknown:
            raise AttributeError(f"'DynamoDB' object has no attribute '{name}'")

        def call(**params: Any) -> dict[str, Any]:
            self.asked.append(operation)
            default = BODIES.get(operation, {})
            body = self.answers.get(operation, lambda _: default)(params)
            content = body if isinstance(body, bytes) else json.dumps(body).encode()
            parsed: dict[str, Any] = {"ResponseMetadata": {}}
            for handler in self.handlers.values():
                handler(http_response=SimpleNamespace(content=content), parsed=parsed)
            return parsed

        return call


def read(
    unknown: str = "", definition: dict[str, Any] = DEFINITION, **answers: Answer
) -> tuple[TableSettings, list[str]]:
    """Return what was found, and the operations asked."""
    asked: list[str] = []
    client = Client(asked, answers, unknown)
    clients: Any = SimpleNamespace(dynamodb_once=client, scaling_once=client)
    found = settings_of(clients, ARN, definition)
    assert len(client.handlers) <= 1, "the one that keeps bodies"
    return found, asked


def refusing(code: str, status: int = 400) -> Answer:
    """Refuse a call as the service does."""

    def refuse(_: dict[str, Any]) -> Any:
        error: Any = {"Error": {"Code": code, "Message": "no"}}
        raise ClientError(error | {"ResponseMetadata": {"HTTPStatusCode": status}}, "Some")

    return refuse


def timing_out(_: dict[str, Any]) -> Any:
    """Give no answer."""
    raise ReadTimeoutError(endpoint_url="https://dynamodb")


def test_each_operation_has_its_answers() -> None:
    found, asked = read()

    assert tuple(found.answers) == OPERATIONS
    assert found.answers["DescribeTable"] == [{"Table": DEFINITION}]
    assert asked == list(OPERATIONS)
    assert (found.calls, found.unread, found.again, found.busy) == (10, {}, False, False)


def test_a_body_is_kept_as_it_came() -> None:
    body = b'{"Table": {"TableId": "1", "Created": 1421866952.062, "Of": [1e3, "\\u00e9", null]}}'
    found, _ = read(DescribeTable=lambda _: body)

    assert found.answers["DescribeTable"] == [json.loads(body)]


def test_all_pages_are_kept_each_as_it_came() -> None:
    def page(params: dict[str, Any]) -> Any:
        return {"Tags": [2]} if params.get("NextToken") else {"Tags": [1], "NextToken": "x"}

    found, _ = read(ListTagsOfResource=page)

    assert found.answers["ListTagsOfResource"] == [{"Tags": [1], "NextToken": "x"}, {"Tags": [2]}]


def test_half_of_the_pages_is_not_taken_for_all() -> None:
    def page(params: dict[str, Any]) -> Any:
        if params.get("NextToken"):
            refusing("InternalServerError", 500)(params)
        return {"Tags": [1], "NextToken": "x"}

    found, _ = read(ListTagsOfResource=page)

    assert "ListTagsOfResource" not in found.answers
    assert "InternalServerError" in found.unread["ListTagsOfResource"]
    assert (found.again, found.busy) == (True, False)


def test_no_policy_is_an_answer() -> None:
    found, _ = read(GetResourcePolicy=refusing("PolicyNotFoundException"))

    assert found.answers["GetResourcePolicy"] == []
    assert (found.unread, found.again) == ({}, False)


@pytest.mark.parametrize(
    "code", ["AccessDeniedException", "ResourceNotFoundException", "ValidationException"]
)
def test_a_refusal_that_stays_is_named_and_not_asked_again(code: str) -> None:
    found, asked = read(DescribeTimeToLive=refusing(code))

    assert list(found.unread) == ["DescribeTimeToLive"]
    assert code in found.unread["DescribeTimeToLive"]
    assert set(found.answers) == set(OPERATIONS) - {"DescribeTimeToLive"}
    assert asked == list(OPERATIONS)
    assert (found.again, found.busy) == (False, False)


@pytest.mark.parametrize("answer", [refusing("ThrottlingException"), timing_out])
def test_after_a_throttle_or_a_time_out_nothing_more_is_asked(answer: Answer) -> None:
    found, asked = read(GetResourcePolicy=answer)

    assert asked == list(OPERATIONS[:4])
    assert set(found.answers) == set(OPERATIONS[:3])
    assert set(found.unread) == set(OPERATIONS[3:])
    assert (found.again, found.busy) == (True, True)


def test_an_operation_that_an_older_sdk_lacks_is_named() -> None:
    found, _ = read(unknown="GetResourcePolicy")

    assert list(found.unread) == ["GetResourcePolicy"]
    assert "get_resource_policy" in found.unread["GetResourcePolicy"]
    assert found.again is False


def test_a_body_that_is_no_json_is_named() -> None:
    found, _ = read(DescribeTimeToLive=lambda _: b"<html>")

    assert list(found.unread) == ["DescribeTimeToLive"]


def test_another_table_of_the_name_is_not_asked_about() -> None:
    found, asked = read(DescribeTable=lambda _: {"Table": DEFINITION | {"TableId": "2"}})

    assert asked == ["DescribeTable"]
    assert found.answers == {}
    assert found.unread == dict.fromkeys(OPERATIONS, "another table has the name now")
    assert found.again is False


def test_policies_are_asked_of_what_has_a_target() -> None:
    indexes = [{"IndexName": f"by-{number}"} for number in range(60)]
    resources: list[list[str]] = []

    def targets(params: dict[str, Any]) -> Any:
        resources.append(params["ResourceIds"])
        have = {"table/orders", "table/orders/index/by-59"}
        found = [r for r in params["ResourceIds"] if r in have]
        # reads and writes are a target each
        return {"ScalableTargets": [{"ResourceId": r} for r in found for _ in range(2)]}

    table = DEFINITION | {"GlobalSecondaryIndexes": indexes}
    found, asked = read(DescribeTable=lambda _: {"Table": table}, DescribeScalableTargets=targets)

    assert [len(some) for some in resources] == [50, 11]
    assert asked.count("DescribeScalingPolicies") == 2
    assert asked.count("DescribeScheduledActions") == 2
    assert asked.count("DescribeContributorInsights") == 61
    assert found.calls == len(asked)


def test_vector_indexes_are_kept_and_nothing_more_is_asked_of_them() -> None:
    """They scale with nothing, and are on-demand."""
    table = DEFINITION | {"VectorIndexes": [{"IndexName": "near", "Dimensions": 4}]}
    found, asked = read(DescribeTable=lambda _: {"Table": table})
    assert found.answers["DescribeTable"] == [{"Table": table}]
    assert asked.count("DescribeContributorInsights") == 1
    assert not found.unread


def test_without_targets_nobody_is_asked_for_policies() -> None:
    found, asked = read(DescribeScalableTargets=lambda _: {"ScalableTargets": []})

    assert "DescribeScalingPolicies" not in asked
    assert found.answers["DescribeScalingPolicies"] == []
    assert found.answers["DescribeScheduledActions"] == []


def test_policies_are_asked_for_where_the_targets_may_not_be_seen() -> None:
    found, asked = read(DescribeScalableTargets=refusing("AccessDeniedException"))

    assert list(found.unread) == ["DescribeScalableTargets"]
    assert asked.count("DescribeScalingPolicies") == 1
