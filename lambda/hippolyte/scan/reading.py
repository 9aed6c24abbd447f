"""One page of a Scan: asked for by the SDK, read without its parser.

The SDK signs, finds the endpoint and the credentials, speaks through proxies; only its parser, 15
times the rest, is passed by: a handler cuts the items out of the answer before it is parsed.
"""

from __future__ import annotations

from binascii import crc32
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from math import ceil
from typing import Any

from botocore import exceptions
from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from hippolyte.errors import HippolyteError, code_of, read_passes
from hippolyte.scan.cutting import Nonsense, ScanError, cut

_EVENT, _HANDLER = "before-parse.dynamodb.Scan", "hippolyte-cut"
# the SDK's own names for it (botocore.retries.standard), and DynamoDB's
_THROTTLED = (
    "BandwidthLimitExceeded",
    "LimitExceededException",
    "PriorRequestNotComplete",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "SlowDown",
    "TooManyRequestsException",
)
# of credentials that are renewed, or of a clock that is set
_EXPIRED = ("ExpiredToken", "ExpiredTokenException", "RequestExpired", "RequestTimeTooSkewed")
# beside what passes of any read
_PASSING = (
    exceptions.ChecksumError,
    exceptions.CredentialRetrievalError,
    exceptions.MetadataRetrievalError,
    # of `aws login`, which older SDKs do not know
    getattr(exceptions, "LoginError", exceptions.SSOError),
    exceptions.SSOError,
    exceptions.TokenRetrievalError,
)
# what the SDK, or who looks into its answer, makes of one that is of no AWS service
NO_ANSWER = (ResponseParserError, AttributeError, KeyError, TypeError, ValueError, RecursionError)
_UNIT_BYTES = 4096
# no page of the service's consumes so many (1 MB, strongly consistent, is 256); those of a double
# whose items stand for larger ones may consume far more than that, and are to be paid for
_MOST_UNITS = 1e6


class Passing(ScanError):
    """When the same page may be had later: 5xx, a broken connection, expired credentials."""


class Throttled(Passing):
    """When the table, the partition or the account has no capacity for the page now."""


class Damaged(Passing):
    """When an answer is not what the service sent: broken off, or of another CRC-32."""


class Gone(ScanError):
    """When there is no such table (any more)."""


class Refused(ScanError):
    """When the service, or the SDK, will not have the request, now or later."""


@dataclass(frozen=True, slots=True)
class Page:
    """A page of a Scan.

    Attributes:
        items: each item's JSON text as the service spells it, without line breaks.
        count: how many.
        units: read capacity units it consumed, `ConsumedCapacity.CapacityUnits`.
        last_key: where the next page goes on, as the SDK takes it; None: the segment's end.
        parsed: the items were found by json's scanner, for the text rule did not apply.
    """

    items: list[bytes]
    count: int
    units: float
    last_key: dict[str, Any] | None
    parsed: bool = False


def scan_client(client: Any) -> Any:
    """Let a DynamoDB client's `scan` leave its items unparsed; return the client.

    It is for `scan_page` alone from then on: `Items` of its answers is a `Cut`. Doing it twice is
    doing it once.
    """
    client.meta.events.register(_EVENT, _pass_parser_by, unique_id=_HANDLER)
    return client


def _pass_parser_by(
    response_dict: dict[str, Any], customized_response_dict: dict[str, Any], **_: Any
) -> None:
    if response_dict["status_code"] >= 300:
        return
    body, headers = response_dict["body"], response_dict["headers"]
    # neither is sent by every server; the SDK looks at neither
    if headers.get("content-length", str(len(body))) != str(len(body)) or not body:
        raise Damaged(f"an answer broke off after {len(body)} bytes")
    if headers.get("x-amz-crc32", str(crc32(body))) != str(crc32(body)):
        raise Damaged(f"an answer of {len(body)} bytes has another CRC-32 than was sent")
    found = cut(body)
    response_dict["body"] = found.rest
    # the SDK adds what is here to the answer it parsed (botocore.endpoint)
    customized_response_dict["Items"] = found


@contextmanager
def answered(operation: str) -> Iterator[None]:
    """Tell an answer that is none, or has another shape, from what may be wrong with a call.

    Raises:
        Nonsense: it is none.
    """
    try:
        yield
    except (HippolyteError, ClientError, BotoCoreError):
        raise
    except NO_ANSWER as error:
        raise Nonsense(
            f"not {operation}'s answer: {error!r:.200}. Check what answers there: the endpoint "
            "(AWS_ENDPOINT_URL), the proxy"
        ) from error


def scan_page(client: Any, request: Mapping[str, Any]) -> Page:
    """Ask for one page; `client` is of `scan_client`, `request` as its `scan` takes it.

    Raises:
        Throttled: ask again, more slowly.
        Passing: ask again after a while, with jitter.
        Gone: the table is not there.
        Nonsense: no answer of DynamoDB's, or one after which the scan would not get on.
        Refused: anything else, which stays.
    """
    try:
        with answered("Scan"):
            answer = client.scan(**{**request, "ReturnConsumedCapacity": "TOTAL"})
    except (ClientError, BotoCoreError) as error:
        raise told(error) from error
    found, last_key = answer["Items"], answer.get("LastEvaluatedKey") or None
    if last_key and last_key == request.get("ExclusiveStartKey"):
        raise Nonsense(f"the page after {last_key} ends with {last_key} again")
    units = answer.get("ConsumedCapacity", {}).get("CapacityUnits")
    if not (isinstance(units, int | float) and 0 <= units <= _MOST_UNITS):
        # a server that does not tell: an item's text is longer than what is counted of it
        units = float(ceil(sum(map(len, found.items)) / _UNIT_BYTES))
    return Page(found.items, len(found.items), units, last_key, found.parsed)


def told(error: ClientError | BotoCoreError) -> ScanError:
    """Return what a failed call means for the scan."""
    if not isinstance(error, ClientError):
        again = read_passes(error) or isinstance(error, _PASSING)
        return (Passing if again else Refused)(str(error))
    code, words = code_of(error), error.response.get("Error", {}).get("Message", "")
    if "Throttl" in code or code in _THROTTLED or _status(error) == 429:
        return Throttled(str(error))
    # a signature is made anew for each request
    expired = code in _EXPIRED or (code == "InvalidSignatureException" and "expired" in words)
    if expired or read_passes(error):
        return Passing(str(error))
    return (Gone if code == "ResourceNotFoundException" else Refused)(str(error))


def _status(error: ClientError) -> int:
    return error.response["ResponseMetadata"]["HTTPStatusCode"]
