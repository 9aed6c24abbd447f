"""BatchWriteItem and BatchGetItem by the SDK, with bodies and answers that it neither makes nor
parses: it signs, finds the endpoint and the credentials, speaks through proxies.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from hippolyte.errors import code_of
from hippolyte.scan.cutting import Nonsense, ScanError
from hippolyte.scan.reading import Damaged, Passing, Throttled, answered, told

_OPERATIONS = ("BatchWriteItem", "BatchGetItem")
# of the moment, of writes alone (API Reference, BatchWriteItem, "Errors")
_PASSING = ("ReplicatedWriteConflictException",)
# throttling that is only of some keys (developer guide, "Throttling exceptions"): the rest of the
# table takes as much as before
_OF_SOME_KEYS = "KeyRangeThroughputExceeded"
_AROUND = len(b'{"PutRequest":{"Item":}},')


class _Body(dict[str, Any]):
    """What stands for the parameters until the request is made: the SDK looks at the table."""

    text: bytes


@dataclass(frozen=True, slots=True)
class Written:
    """An answer to a write.

    Attributes:
        units: write capacity units of the table itself, without its indexes'; None: not told.
        refused: the items that were not written, in DynamoDB JSON as the service sent them back.
    """

    units: float | None
    refused: Sequence[Mapping[str, Any]] = ()


@dataclass(frozen=True, slots=True)
class Read:
    """An answer to a read; see `Written`."""

    units: float | None
    items: Sequence[Mapping[str, Any]]
    refused: Sequence[Mapping[str, Any]] = field(default=())


def raw_client(client: Any) -> Any:
    """Let a DynamoDB client's batches be sent and answered as text; return the client.

    Its other calls are what they were. Doing it twice is doing it once.
    """
    events = client.meta.events
    for operation in _OPERATIONS:
        for event, handler in (
            ("before-parameter-build", _set_aside),
            ("before-call", _put_in),
            ("before-parse", _take_out),
        ):
            name = f"{event}.dynamodb.{operation}"
            events.register(name, handler, unique_id=f"hippolyte-{event}-{operation}")
    return client


def _set_aside(params: dict[str, Any], context: dict[str, Any], **_: Any) -> None:
    asked = params.get("RequestItems")
    if isinstance(asked, _Body):
        context["hippolyte_body"] = asked.text
        # the endpoint's rules look at the table, and take no dict but the builtin
        params["RequestItems"] = dict(asked)


def _put_in(params: dict[str, Any], context: dict[str, Any], **_: Any) -> None:
    body = context.get("hippolyte_body")
    if body is not None:
        params["body"] = body


def _take_out(
    response_dict: dict[str, Any], customized_response_dict: dict[str, Any], **_: Any
) -> None:
    if response_dict["status_code"] >= 300:
        return
    # the SDK adds what is here to the answer it parsed (botocore.endpoint)
    customized_response_dict["Text"] = response_dict["body"]


def body_bytes(spans: Iterable[bytes]) -> int:
    """Return how long a request of these items is, but for its ends."""
    return sum(len(span) + _AROUND for span in spans)


def write(client: Any, table: str, spans: Sequence[bytes]) -> Written:
    """Put items, given as their compact text; at most 25, no key twice.

    Raises:
        Throttled, Passing: send them again, later.
        Gone, Refused, Nonsense: as in `hippolyte.scan.reading`.
    """
    body = _Body({table: [{}]})
    body.text = b"".join(
        (
            b'{"RequestItems":{%b:[{"PutRequest":{"Item":' % json.dumps(table).encode(),
            b'}},{"PutRequest":{"Item":'.join(spans),
            b'}}]},"ReturnConsumedCapacity":"INDEXES"}',
        )
    )
    answer = _asked(client.batch_write_item, "BatchWriteItem", body)
    with answered("BatchWriteItem"):
        rest = answer.get("UnprocessedItems") or {}
        refused = [each["PutRequest"]["Item"] for part in rest.values() for each in part]
        return Written(_units(answer), refused)


def read(client: Any, table: str, keys: Sequence[Mapping[str, Any]], only: Sequence[str]) -> Read:
    """Read items by their keys, at most 100, none twice; `only` these attributes, or all."""
    wanted: dict[str, Any] = {"Keys": keys, "ConsistentRead": True}
    if only:
        names = {f"#k{n}": name for n, name in enumerate(only)}
        wanted |= {"ProjectionExpression": ",".join(names), "ExpressionAttributeNames": names}
    body = _Body({table: {"Keys": [{}]}})
    body.text = json.dumps(
        {"RequestItems": {table: wanted}, "ReturnConsumedCapacity": "INDEXES"},
        ensure_ascii=False,
        separators=(",", ":"),
    ).encode()
    answer = _asked(client.batch_get_item, "BatchGetItem", body)
    with answered("BatchGetItem"):
        rest = answer.get("UnprocessedKeys") or {}
        refused = [key for part in rest.values() for key in part["Keys"]]
        items = [item for part in answer["Responses"].values() for item in part]
        return Read(_units(answer), items, refused)


def _asked(call: Any, operation: str, body: _Body) -> dict[str, Any]:
    try:
        with answered(operation):
            text: bytes = call(RequestItems=body)["Text"]
    except (ClientError, BotoCoreError) as error:
        raise meant(error) from error
    try:
        answer = json.loads(text)
    except ValueError as error:
        raise Damaged(f"an answer of {len(text)} bytes is not whole: {error}") from error
    if not isinstance(answer, dict):
        raise Nonsense(f"not {operation}'s answer: {text[:60]!r}")
    return answer


def _units(answer: dict[str, Any]) -> float | None:
    """Return what was consumed of the table, without its indexes, which have their own."""
    consumed = answer.get("ConsumedCapacity") or []
    found = [each.get("Table", each).get("CapacityUnits") for each in consumed]
    return sum(found) if found and all(isinstance(one, int | float) for one in found) else None


class OfSomeKeys(Throttled):
    """When one partition has no capacity now."""


def meant(error: ClientError | BotoCoreError) -> ScanError:
    """Return what a failed write or read means."""
    if isinstance(error, ClientError):
        if code_of(error) in _PASSING:
            return Passing(str(error))
        told_in: Any = error.response
        # ThrottlingException alone begins it with a small letter (botocore's model)
        said = told_in.get("ThrottlingReasons") or told_in.get("throttlingReasons") or []
        reasons = [str(each.get("reason")) for each in said if isinstance(each, dict)]
        if reasons:
            text = f"{error} ({', '.join(reasons)})"
            only = all(reason.endswith(_OF_SOME_KEYS) for reason in reasons)
            return (OfSomeKeys if only else Throttled)(text)
    return told(error)
