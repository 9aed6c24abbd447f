from __future__ import annotations

import json
from typing import Any

import boto3
import pytest

from hippolyte.scan.cutting import Nonsense
from hippolyte.scan.reading import Damaged, Gone, Passing, Refused, Throttled
from hippolyte_cli.restore.sending import OfSomeKeys, raw_client, read, write
from hippolyte_cli.restore.writer import CONFIG
from tests.support.loads import answer


class Server:
    """A client that gets answers without a network, and what it sent."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.sent: list[Any] = []
        self.client = raw_client(
            boto3.client(
                "dynamodb",
                region_name="eu-west-1",
                config=CONFIG,
                aws_access_key_id="x",
                aws_secret_access_key="x",
            )
        )
        self.client.meta.events.register("before-send.dynamodb", self._answer)

    def _answer(self, request: Any, **_: Any) -> Any:
        self.sent.append(request)
        return self.answers.pop(0)


def test_the_body_is_the_text_of_the_items() -> None:
    span = '{"pk":{"S":"a\\u0000"},"é":{"B":"AAE="}}'.encode()
    server = Server(answer(200, UnprocessedItems={}))
    write(server.client, 'or"ders', [span, b'{"pk":{"S":"b"}}'])
    (request,) = server.sent
    assert span in request.body
    assert json.loads(request.body) == {
        "RequestItems": {
            'or"ders': [
                {"PutRequest": {"Item": {"pk": {"S": "a\0"}, "é": {"B": "AAE="}}}},
                {"PutRequest": {"Item": {"pk": {"S": "b"}}}},
            ]
        },
        "ReturnConsumedCapacity": "INDEXES",
    }
    headers = {name.lower(): value for name, value in request.headers.items()}
    assert int(headers["content-length"]) == len(request.body)
    assert b"AWS4-HMAC-SHA256" in _bytes(headers["authorization"])


def _bytes(value: Any) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode()


@pytest.mark.parametrize(
    ("consumed", "units"),
    [
        ([{"CapacityUnits": 9.0, "Table": {"CapacityUnits": 3.0}}], 3.0),
        ([{"CapacityUnits": 9.0}], 9.0),
        ([], None),
        (None, None),
        ([{"TableName": "orders"}], None),
    ],
)
def test_units_are_the_tables_without_its_indexes(consumed: Any, units: float | None) -> None:
    given = {} if consumed is None else {"ConsumedCapacity": consumed}
    server = Server(answer(200, UnprocessedItems={}, **given))
    assert write(server.client, "orders", [b"{}"]).units == units


def test_what_is_sent_back_is_as_it_was_sent_back() -> None:
    item = {"pk": {"B": "AAE="}}
    rest = {"orders": [{"PutRequest": {"Item": item}}]}
    server = Server(answer(200, UnprocessedItems=rest))
    assert write(server.client, "orders", [b"{}"]).refused == [item]


def test_a_read_is_of_keys_and_consistent() -> None:
    item = {"pk": {"B": "AAE="}}
    server = Server(
        answer(
            200,
            Responses={"orders": [item]},
            UnprocessedKeys={"orders": {"Keys": [{"pk": {"B": "AQ=="}}]}},
        )
    )
    found = read(server.client, "orders", [item, {"pk": {"B": "AQ=="}}], ["pk"])
    assert (found.items, found.refused) == ([item], [{"pk": {"B": "AQ=="}}])
    asked = json.loads(server.sent[0].body)["RequestItems"]["orders"]
    assert asked == {
        "Keys": [item, {"pk": {"B": "AQ=="}}],
        "ConsistentRead": True,
        "ProjectionExpression": "#k0",
        "ExpressionAttributeNames": {"#k0": "pk"},
    }


KEY_RANGE = [{"reason": "TableWriteKeyRangeThroughputExceeded", "resource": "arn"}]
TABLE = [{"reason": "TableWriteProvisionedThroughputExceeded", "resource": "arn"}]


@pytest.mark.parametrize(
    ("code", "member", "reasons", "kind"),
    [
        ("ThrottlingException", "throttlingReasons", KEY_RANGE, OfSomeKeys),
        ("ThrottlingException", "throttlingReasons", TABLE, Throttled),
        ("ThrottlingException", "throttlingReasons", [*KEY_RANGE, *TABLE], Throttled),
        ("ProvisionedThroughputExceededException", "ThrottlingReasons", KEY_RANGE, OfSomeKeys),
        ("ProvisionedThroughputExceededException", "ThrottlingReasons", TABLE, Throttled),
        ("RequestLimitExceeded", "ThrottlingReasons", TABLE, Throttled),
        ("ThrottlingException", "throttlingReasons", [], Throttled),
    ],
)
def test_why_it_is_throttled_is_told(
    code: str, member: str, reasons: list[Any], kind: type[Exception]
) -> None:
    server = Server(answer(400, code, **{member: reasons}))
    with pytest.raises(Throttled) as error:
        write(server.client, "orders", [b"{}"])
    assert type(error.value) is kind
    assert all(reason["reason"] in str(error.value) for reason in reasons)


@pytest.mark.parametrize(
    ("given", "kind"),
    [
        (answer(500, "InternalServerError"), Passing),
        (answer(400, "ReplicatedWriteConflictException"), Passing),
        (answer(400, "ExpiredTokenException"), Passing),
        (answer(400, "ResourceNotFoundException"), Gone),
        (answer(400, "AccessDeniedException"), Refused),
        (answer(400, "ValidationException"), Refused),
    ],
)
def test_what_a_refusal_means(given: Any, kind: type[Exception]) -> None:
    with pytest.raises(kind) as error:
        write(Server(given).client, "orders", [b"{}"])
    assert type(error.value) is kind


def test_the_clients_other_calls_are_what_they_were() -> None:
    rest = {"orders": [{"PutRequest": {"Item": {"pk": {"B": "AAE="}}}}]}
    server = Server(answer(200, UnprocessedItems=rest), answer(200, TableNames=["orders"]))
    item = {"pk": {"B": b"\x00\x01"}}
    raw_client(server.client)
    found = server.client.batch_write_item(
        RequestItems={"orders": [{"PutRequest": {"Item": item}}]}
    )
    assert found["UnprocessedItems"]["orders"][0]["PutRequest"]["Item"] == item
    assert b'"AAE="' in server.sent[0].body
    assert server.client.list_tables()["TableNames"] == ["orders"]


class Half:
    """An answer's content that is not whole, or is none."""

    def __init__(self, content: bytes) -> None:
        self.content = content

    def stream(self, **_: Any) -> Any:
        yield self.content


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b'{"UnprocessedItems":{},"Consu', Damaged),
        (b"", Damaged),
        (b"<html>", Damaged),
        (b"[]", Nonsense),
        (b'{"UnprocessedItems":[1]}', Nonsense),
    ],
)
def test_an_answer_that_is_none(content: bytes, kind: type[Exception]) -> None:
    given = answer(200)
    given.raw = Half(content)
    with pytest.raises(kind):
        write(Server(given).client, "orders", [b"{}"])
