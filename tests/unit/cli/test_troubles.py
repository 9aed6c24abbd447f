"""What an error means: a table of what AWS, its SDK and this machine say, and what is told."""

from __future__ import annotations

import errno
from typing import Any

import pytest
from botocore import exceptions as sdk
from botocore.exceptions import ClientError
from botocore.parsers import ResponseParserError

from hippolyte.errors import ConfigurationError
from hippolyte_cli.session import CALL
from hippolyte_cli.troubles import in_words, of_file, plain, remedied

PAGE = (
    "<!DOCTYPE html><html><head><title>ERROR: The request could not be satisfied</title>"
    "<style>h1 {color: red}</style></head><body><h1>403</h1>Request blocked.</body></html>"
)
DENIED = (
    "User: arn:aws:iam::123456789012:user/eve is not authorized to perform: dynamodb:Scan on "
    "resource: arn:aws:dynamodb:us-east-1:123456789012:table/orders because no identity-based "
    "policy allows the dynamodb:Scan action"
)


def refusal(
    code: str,
    message: str = "",
    operation: str = "ListObjectsV2",
    status: int = 400,
    headers: dict[str, str] | None = None,
    call: dict[str, Any] | None = None,
    **more: str,
) -> ClientError:
    response: dict[str, Any] = {
        "Error": {"Code": code, "Message": message, **more},
        "ResponseMetadata": {"HTTPStatusCode": status, "HTTPHeaders": headers or {}},
    }
    if call:
        response[CALL] = call
    return ClientError(response, operation)  # type: ignore[arg-type]


def of(service: str, operation: str, **params: str) -> dict[str, Any]:
    return {"service": service, "operation": operation, "params": params}


TABLE: dict[str, tuple[Exception, tuple[str, ...], tuple[str, ...]]] = {
    "no such bucket": (
        refusal("NoSuchBucket", "The specified bucket does not exist", BucketName="gone"),
        ("does not exist", "on gone", "Look at the bucket's name"),
        ("credentials", "network"),
    ),
    "no such bucket, known what was called": (
        refusal("NoSuchBucket", "Gone", call=of("s3", "ListObjectsV2", Bucket="gone", Prefix="a/")),
        ("Gone (NoSuchBucket, s3:ListBucket on s3://gone/a).", "Look at the bucket's name"),
        ("credentials", "network"),
    ),
    "denied by IAM": (
        refusal("AccessDeniedException", DENIED, "Scan", 400),
        ("dynamodb:Scan on resource: arn:aws:dynamodb", "table/orders", "Use credentials"),
        ("network",),
    ),
    "denied by S3, that does not say what": (
        refusal("AccessDenied", "Access Denied", call=of("s3", "HeadObject", Bucket="b", Key="k")),
        ("Access Denied (AccessDenied, s3:GetObject on s3://b/k)", "--profile"),
        ("network",),
    ),
    "denied without a code": (
        refusal("403", "Forbidden", "HeadBucket", 403, call=of("s3", "HeadBucket", Bucket="b")),
        ("s3:ListBucket on s3://b", "Use credentials"),
        (),
    ),
    "denied by Lambda": (
        refusal("AccessDeniedException", "no", call=of("lambda", "Invoke", FunctionName="f")),
        ("lambda:InvokeFunction on f",),
        (),
    ),
    "denied by EC2": (refusal("UnauthorizedOperation", "no"), ("Use credentials",), ("network",)),
    "expired": (
        refusal("ExpiredToken", "The provided token has expired."),
        ("have expired", "aws sso login"),
        ("--region", "network"),
    ),
    "expired, JSON": (refusal("ExpiredTokenException", "x"), ("have expired",), ("--region",)),
    "unknown key": (
        refusal("InvalidClientTokenId", "The security token included in the request is invalid."),
        ("does not know these credentials", "aws sts get-caller-identity"),
        (),
    ),
    "wrong secret": (refusal("SignatureDoesNotMatch", "x"), ("secret key",), ("--bucket",)),
    "clock": (
        refusal("InvalidSignatureException", "Signature expired: 2026 is now earlier than 2027"),
        ("clock is wrong",),
        ("secret key",),
    ),
    "clock, S3": (refusal("RequestTimeTooSkewed", "x"), ("clock",), ("credentials",)),
    "wrong region, told": (
        refusal("PermanentRedirect", "Use this endpoint", Region="eu-west-1"),
        ("another region: give --region eu-west-1.",),
        ("credentials", "network"),
    ),
    "wrong region, by a header": (
        refusal("301", "Moved", "HeadBucket", 301, {"x-amz-bucket-region": "eu-north-1"}),
        ("--region eu-north-1.",),
        ("credentials",),
    ),
    "wrong region, not told": (
        refusal("AuthorizationHeaderMalformed", "the region 'a' is wrong; expecting 'b'"),
        ("another region: give --region.",),
        (),
    ),
    "no such thing": (
        refusal("ResourceNotFoundException", "Requested resource not found", "DescribeTable"),
        ("not found (ResourceNotFoundException", "--region"),
        ("credentials",),
    ),
    "not there, without a body": (refusal("404", "Not Found"), ("not there",), ("credentials",)),
    "busy": (refusal("SlowDown", "Reduce", status=503), ("again in some minutes",), ("--region",)),
    "broken": (refusal("InternalError", "x", status=500), ("some minutes",), ("credentials",)),
    "archived": (refusal("InvalidObjectState", "x"), ("restore it in S3",), ("credentials",)),
    "its key is disabled": (
        refusal("KMS.DisabledException", "key is disabled"),
        ("enable the key",),
        ("credentials",),
    ),
    "a quota": (refusal("LimitExceededException", "too many"), ("quota",), ("credentials",)),
    "not known here": (
        refusal("ValidationException", "One or more parameter values were invalid", "PutItem"),
        ("were invalid (ValidationException, PutItem).",),
        ("credentials", "network"),
    ),
    "a page in place of JSON": (
        refusal("403", PAGE, "ListTables", 403, {"content-type": "text/html; charset=utf-8"}),
        ("A page answered ListTables", "could not be satisfied", "AWS_ENDPOINT_URL"),
        ("<", "color", "credentials"),
    ),
    "a page in place of XML": (
        refusal("", "", "ListObjectsV2", 403, {"content-type": "text/html"}),
        ("A page answered ListObjectsV2, not AWS", "proxy"),
        ("credentials", "()"),
    ),
    "a page that cannot be parsed": (
        ResponseParserError(f"Unable to parse response, invalid XML received: {PAGE}"),
        ("no AWS service", "could not be satisfied", "proxy"),
        ("<", "credentials"),
    ),
    "no credentials": (sdk.NoCredentialsError(), ("Unable to locate", "--profile"), ("network",)),
    "session is over": (
        sdk.UnauthorizedSSOTokenError(),
        ("aws sso login",),
        ("network", "--region"),
    ),
    "no profile": (sdk.ProfileNotFound(profile="x"), ("list-profiles",), ("network",)),
    "no region": (sdk.NoRegionError(), ("--region",), ("credentials", "network")),
    "no region of that form": (
        sdk.InvalidRegionError(region_name="us east"),
        ("us east", "--region"),
        ("credentials",),
    ),
    "unreachable": (
        sdk.EndpointConnectionError(endpoint_url="https://s3.us-est-1.amazonaws.com/"),
        ("s3.us-est-1.amazonaws.com", "--region", "network", "AWS_ENDPOINT_URL"),
        ("credentials",),
    ),
    "no answer": (
        sdk.ReadTimeoutError(endpoint_url="https://x/"),
        ("network",),
        ("credentials",),
    ),
    "no connection": (
        sdk.ConnectTimeoutError(endpoint_url="https://x/"),
        ("network",),
        ("credentials",),
    ),
    "a proxy's certificate": (
        sdk.SSLError(endpoint_url="https://x/", error="self-signed"),
        ("AWS_CA_BUNDLE",),
        ("credentials",),
    ),
    "a proxy that is not there": (
        sdk.ProxyConnectionError(proxy_url="http://p"),
        ("HTTPS_PROXY",),
        ("credentials",),
    ),
    "the disk is full": (OSError(errno.ENOSPC, "No space left"), ("TMPDIR",), ("credentials",)),
    "a file that may not be read": (
        PermissionError(errno.EACCES, "Permission denied", "/x"),
        ("Mend that",),
        ("credentials",),
    ),
    "ours": (ConfigurationError("give the bucket"), ("give the bucket",), ("credentials", "..")),
}


@pytest.mark.parametrize("name", TABLE)
def test_an_error_is_told_by_what_it_means(name: str) -> None:
    error, said, unsaid = TABLE[name]
    text = remedied(error)
    for words in said:
        assert words in text, text
    for words in unsaid:
        assert words not in text, text
    # no remains of templates
    assert "  " not in text
    assert " ." not in text


def test_where_it_was_comes_with_it() -> None:
    error = refusal("NoSuchKey", "gone")
    error.add_note("at 0001.json.gz")
    assert remedied(error).endswith("(at 0001.json.gz)")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a < b and c > d", "a < b and c > d"),
        ("<html><body>Request  blocked</body></html>", "Request blocked"),
        ("503: <HTML><TITLE>Down\n now</TITLE></HTML>", "503: Down now"),
        ("<html></html>", "a page without a word"),
    ],
)
def test_of_a_page_its_title_or_its_words_are_told(text: str, said: str) -> None:
    assert plain(text) == said


def test_the_sdk_s_sentence_in_our_own_words_is_told_as_if_it_came_by_itself() -> None:
    call = of("s3", "PutObject", Bucket="b", Key="k")
    cause = refusal("AccessDenied", "Access Denied", "PutObject", call=call)
    for error in (
        ConfigurationError(f"s3://b/k: {cause}"),
        ConfigurationError(f"it cannot be kept: {cause}. Name another place by --keep"),
    ):
        error.__cause__ = cause
        said = remedied(error)
        assert "An error occurred" not in said
        assert "Access Denied (AccessDenied, s3:PutObject on s3://b/k). Use credentials" in said
        assert ".." not in said
    assert "for people. Name another place by --keep" in said
    # by way of another of ours
    outer = ConfigurationError(f"not kept: {error}")
    outer.__cause__ = error
    assert "An error occurred" not in remedied(outer)
    assert "s3:PutObject on s3://b/k" in remedied(outer)


def test_a_text_that_another_process_told_is_put_in_words_too() -> None:
    text = f"unit 3: {refusal('ExpiredToken', 'The token has expired', 'GetObject')}"
    said = in_words(text)
    assert said.startswith("unit 3: GetObject was refused (ExpiredToken): The token has expired. ")
    assert "Log in again" in said
    again = "(reached max retries: 4): "
    text = f"An error occurred (SlowDown) when calling the PutObject operation {again}Reduce"
    assert in_words(text).startswith(
        "PutObject was refused (SlowDown): Reduce. The service is busy"
    )
    assert in_words("no sentence of the SDK's") == "no sentence of the SDK's"
    assert in_words(said) == said


def test_of_a_file_it_is_said_which_and_what_without_a_number() -> None:
    assert of_file(OSError(errno.EACCES, "Permission denied", "x")) == "x: Permission denied"
    assert "Errno" not in remedied(IsADirectoryError(errno.EISDIR, "Is a directory", "page.html"))
