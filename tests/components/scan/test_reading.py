"""A page asked for through the SDK, from a server that answers whatever it is told to."""

from __future__ import annotations

import json
import socket
import threading
from base64 import b64encode
from binascii import crc32
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.credentials import RefreshableCredentials
from botocore.exceptions import CredentialRetrievalError

from hippolyte.scan import reading
from hippolyte.scan.cutting import Nonsense, ScanError
from hippolyte.scan.reading import Damaged, Gone, Page, Passing, Refused, Throttled
from hippolyte.scan.table import TableSource
from local.fleet import items
from local.fleet.items import Factory

BODY = (
    b'{"ConsumedCapacity":{"CapacityUnits":12.5,"TableName":"t"},"Count":2,"Items":['
    b'{"pk":{"B":"AP8="}},{"pk":{"B":"AQ=="},"n":{"N":"1"}}],'
    b'"LastEvaluatedKey":{"pk":{"B":"AQ=="}},"ScannedCount":2}'
)
END = b'{"Count":0,"Items":[],"ScannedCount":0,"ConsumedCapacity":{"CapacityUnits":0.5}}'


def http(body: bytes, status: str = "200 OK", crc: str | None = None, length: int = -1) -> bytes:
    """Spell an answer; `length` is claimed if it is given."""
    lines = [f"HTTP/1.1 {status}", "Content-Type: application/x-amz-json-1.0"]
    lines.append(f"Content-Length: {len(body) if length < 0 else length}")
    lines += [f"x-amz-crc32: {crc}"] if crc else []
    return "\r\n".join([*lines, "Connection: close", "", ""]).encode() + body


def error(code: str, status: int = 400, message: str = "words") -> bytes:
    kind = f"com.amazonaws.dynamodb.v20120810#{code}"
    return http(json.dumps({"__type": kind, "message": message}).encode(), f"{status} Bad")


class Server:
    """Gives one answer a connection, the last one for ever; keeps what it was asked."""

    def __init__(self) -> None:
        self.answers: list[bytes] = []
        self.asked: list[dict[str, Any]] = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self._serve, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.listener.getsockname()[1]}"

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            with connection, connection.makefile("rb") as lines:
                length = 0
                while line := lines.readline().strip().lower():
                    if line.startswith(b"content-length:"):
                        length = int(line.split(b":")[1])
                self.asked.append(json.loads(lines.read(length)))
                answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
                connection.sendall(answer)


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    yield made
    made.listener.close()


def client_of(url: str, attempts: int = 1, mode: str = "standard") -> Any:
    retries: Any = {"mode": mode, "total_max_attempts": attempts}
    made = boto3.client(
        "dynamodb",
        region_name="eu-west-1",
        endpoint_url=url,
        aws_access_key_id="x",
        aws_secret_access_key="x",
        config=Config(retries=retries, read_timeout=5),
    )
    return reading.scan_client(made)


def page(server: Server, *answers: bytes, **request: Any) -> Page:
    server.answers = list(answers)
    return reading.scan_page(client_of(server.url), {"TableName": "t", **request})


def test_a_page(server: Server) -> None:
    assert page(server, http(BODY, crc=str(crc32(BODY))), Limit=2) == Page(
        items=[b'{"pk":{"B":"AP8="}}', b'{"pk":{"B":"AQ=="},"n":{"N":"1"}}'],
        count=2,
        units=12.5,
        last_key={"pk": {"B": b"\x01"}},
    )
    assert server.asked == [{"TableName": "t", "Limit": 2, "ReturnConsumedCapacity": "TOTAL"}]


def test_the_last_key_is_what_the_sdk_takes_back(server: Server) -> None:
    first = page(server, http(BODY))
    last = page(server, http(END), ExclusiveStartKey=first.last_key)
    assert server.asked[1]["ExclusiveStartKey"] == {"pk": {"B": "AQ=="}}
    assert last == Page([], 0, 0.5, None)


def test_an_empty_page_may_go_on(server: Server) -> None:
    body = END[:-1] + b',"LastEvaluatedKey":{"pk":{"S":"x"}}}'
    assert page(server, http(body)) == Page([], 0, 0.5, {"pk": {"S": "x"}})


def test_json_found_the_items_and_it_is_told(server: Server) -> None:
    body = json.dumps(json.loads(BODY)).encode()
    found = page(server, http(body, crc=str(crc32(body))))
    assert found.parsed
    assert [json.loads(item) for item in found.items] == json.loads(BODY)["Items"]


ODD = (
    *(items.every_type, items.largest, items.nested, items.empties, items.quoting, items.emoji),
    *(items.lookalikes, items.control_characters, items.anything(200, "cut")),
)


@pytest.mark.parametrize("ascii_only", [True, False])
@pytest.mark.parametrize("separators", [(",", ":"), (", ", ": ")])
@pytest.mark.parametrize("make", ODD)
def test_the_fleets_odd_items(
    server: Server, make: Factory, separators: tuple[str, str], ascii_only: bool
) -> None:
    wanted = [
        json.loads(json.dumps(item, default=lambda b: b64encode(b).decode())) for item in make()
    ]
    answer = {"Items": wanted, "Count": len(wanted)}
    body = json.dumps(answer, separators=separators, ensure_ascii=ascii_only).encode()
    found = page(server, http(body, crc=str(crc32(body))))
    assert [json.loads(item) for item in found.items] == wanted
    assert found.parsed or separators == (",", ":")


def test_capacity_that_is_not_told_is_taken_from_the_text(server: Server) -> None:
    item = {"pk": {"S": "x" * 5000}}
    body = json.dumps({"Count": 1, "Items": [item]}, separators=(",", ":")).encode()
    assert page(server, http(body)).units == 2


def test_a_client_is_prepared_once(server: Server) -> None:
    client = reading.scan_client(client_of(server.url))
    server.answers = [http(BODY)]
    assert reading.scan_page(client, {"TableName": "t"}).count == 2
    assert reading.scan_page(client, {"TableName": "t"}).count == 2


def test_other_operations_are_parsed_as_ever(server: Server) -> None:
    server.answers = [http(b'{"TableNames":["t"]}')]
    assert client_of(server.url).list_tables()["TableNames"] == ["t"]


@pytest.mark.parametrize("mode", ["standard", "legacy", "adaptive"])
def test_what_the_sdk_tries_again_is_tried_again(server: Server, mode: str) -> None:
    server.answers = [error("InternalServerError", 500), http(BODY, crc=str(crc32(BODY)))]
    found = reading.scan_page(client_of(server.url, 2, mode), {"TableName": "t"})
    assert (found.count, len(server.asked)) == (2, 2)


THROTTLES = (
    "ProvisionedThroughputExceededException",
    "ThrottlingException",
    "Throttling",
    "ThrottledException",
    "RequestThrottled",
    "RequestThrottledException",
    "RequestLimitExceeded",
    "LimitExceededException",
    "TooManyRequestsException",
    "BandwidthLimitExceeded",
    "SlowDown",
)


@pytest.mark.parametrize("code", THROTTLES)
def test_throttling_under_each_of_its_names(server: Server, code: str) -> None:
    with pytest.raises(Throttled, match=code):
        page(server, error(code))


def test_too_many_requests_without_a_name(server: Server) -> None:
    with pytest.raises(Throttled):
        page(server, http(b"slowly", "429 Too Many Requests"))


@pytest.mark.parametrize(
    "answer",
    [
        error("InternalServerError", 500),
        error("ServiceUnavailable", 503),
        http(b"<html>Bad gateway</html>", "502 Bad Gateway"),
        error("ExpiredTokenException", message="The security token has expired"),
        error("ExpiredToken"),
        error("RequestExpired"),
        error("InvalidSignatureException", message="Signature expired: 1 is now earlier than 2"),
        # broken off: before the answer, in its head, in its body
        b"",
        b"HTTP/1.1 200 OK\r\nContent-Le",
        http(BODY[:40], length=len(BODY)),
        http(BODY, crc="1"),
        http(BODY[:-1] + b" ", crc=str(crc32(BODY))),
    ],
)
def test_what_passes(server: Server, answer: bytes) -> None:
    with pytest.raises(Passing) as raised:
        page(server, answer)
    assert not isinstance(raised.value, Throttled)
    assert str(raised.value)


def test_a_wrong_checksum_says_so(server: Server) -> None:
    with pytest.raises(Damaged, match=f"{len(BODY)} bytes has another CRC-32"):
        page(server, http(BODY, crc="4711"))


def test_nobody_answers() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        url = f"http://127.0.0.1:{closed.getsockname()[1]}"
    with pytest.raises(Passing, match="127"):
        reading.scan_page(client_of(url), {"TableName": "t"})


def test_credentials_that_cannot_be_renewed_now(server: Server) -> None:
    def renew() -> dict[str, str]:
        raise CredentialRetrievalError(provider="process", error_msg="session expired")

    session = boto3.session.Session(region_name="eu-west-1")
    session._session._credentials = RefreshableCredentials.create_from_metadata(  # type: ignore[attr-defined]
        {
            "access_key": "x",
            "secret_key": "x",
            "token": "x",
            "expiry_time": "2020-01-01T00:00:00Z",
        },
        refresh_using=renew,
        method="process",
    )
    client = reading.scan_client(session.client("dynamodb", endpoint_url=server.url))
    with pytest.raises(Passing, match="session expired"):
        reading.scan_page(client, {"TableName": "t"})


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (error("ResourceNotFoundException"), Gone),
        (error("AccessDeniedException"), Refused),
        (error("ValidationException"), Refused),
        (error("UnrecognizedClientException"), Refused),
        (error("InvalidSignatureException", message="does not match"), Refused),
        (http(b"", "301 Moved"), Refused),
        (http(b"", "300 Multiple Choices"), Refused),
    ],
)
def test_what_stays(server: Server, answer: bytes, kind: type[ScanError]) -> None:
    with pytest.raises(kind) as raised:
        page(server, answer)
    assert not isinstance(raised.value, Passing)


def test_a_request_that_the_sdk_refuses(server: Server) -> None:
    with pytest.raises(Refused, match="Segmentt"):
        page(server, http(BODY), Segmentt=1)


@pytest.mark.parametrize(
    ("part", "instead"),
    [
        (BODY, b"<html>welcome</html>"),
        (b'"Count":2', b'"Count":3'),
        (b'{"pk":{"B":"AQ=="}},"Sc', b'[1],"Sc'),
        (b'{"pk":{"B":"AQ=="}},"Sc', b'"x","Sc'),
        (b'{"pk":{"B":"AQ=="}},"Sc', b'{"pk":1},"Sc'),
        (b'{"pk":{"B":"AQ=="}},"Sc', b'{"pk":{"B":"Q"}},"Sc'),
        (b'{"pk":{"B":"AQ=="}},"Sc', b'{"pk":{"B":1}},"Sc'),
        (b'{"CapacityUnits":12.5,"TableName":"t"}', b"7"),
        (b'{"CapacityUnits":12.5,"TableName":"t"}', b"[" * 100_000 + b"]" * 100_000),
    ],
)
def test_nonsense_is_told_and_final(server: Server, part: bytes, instead: bytes) -> None:
    assert part in BODY
    with pytest.raises(Nonsense):
        page(server, http(BODY.replace(part, instead)))


@pytest.mark.parametrize("units", [b'"many"', b"NaN", b"Infinity", b"-1", b"1e300"])
def test_capacity_that_cannot_be(server: Server, units: bytes) -> None:
    assert page(server, http(BODY.replace(b"12.5", units))).units == 1


TABLE: dict[str, Any] = {
    "TableName": "t",
    "TableArn": "arn:aws:dynamodb:eu-west-1:123456789012:table/t",
    "TableId": "id",
    "TableStatus": "ACTIVE",
    "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
    "ProvisionedThroughput": {"ReadCapacityUnits": 5},
}


@pytest.mark.parametrize(
    "body",
    [
        b"<html>welcome</html>",
        b"",
        b"null",
        b"[]",
        b"{}",
        b'{"Table":[]}',
        b'{"Table":"\xff"}',
        b'{"Table":' + b"[" * 100_000,
        *(
            json.dumps({"Table": TABLE | odd}).encode()
            for odd in (
                {"TableName": 5},
                {"TableStatus": None},
                {"TableArn": ["x"]},
                {"KeySchema": [1]},
                {"KeySchema": [{}]},
                {"KeySchema": []},
                {"TableSizeBytes": "many"},
                {"TableSizeBytes": -1},
                {"ItemCount": []},
                {"BillingModeSummary": "x"},
                {"ProvisionedThroughput": []},
                {"ProvisionedThroughput": {"ReadCapacityUnits": "x"}},
                {"ProvisionedThroughput": {"ReadCapacityUnits": 0}},
                {"CreationDateTime": "yesterday, no: when?"},
            )
        ),
    ],
)
def test_a_look_at_a_table_that_is_no_answer(server: Server, body: bytes) -> None:
    server.answers = [http(json.dumps({"Table": TABLE}).encode()), http(body)]
    source = TableSource(client_of(server.url), "t")
    assert source.look().read_capacity == 5
    with pytest.raises(Nonsense, match=r"not DescribeTable's answer: .*AWS_ENDPOINT_URL"):
        source.look()


def test_a_look_that_is_answered_by_a_choice_of_others(server: Server) -> None:
    server.answers = [http(b"", "300 Multiple Choices")]
    with pytest.raises(Refused, match="DescribeTable"):
        TableSource(client_of(server.url), "t").look()


def test_a_scan_that_does_not_get_on(server: Server) -> None:
    with pytest.raises(Nonsense, match="again"):
        page(server, http(BODY), ExclusiveStartKey={"pk": {"B": b"\x01"}})
