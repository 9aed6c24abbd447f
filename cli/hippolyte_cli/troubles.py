"""What an error of AWS, its SDK or this machine means, and what to do about it."""

from __future__ import annotations

import errno
import re
from typing import Any

from botocore import exceptions as sdk
from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from hippolyte.errors import HippolyteError, code_of
from hippolyte_cli.session import CALL

TROUBLES = (HippolyteError, ClientError, BotoCoreError, OSError, ResponseParserError)
"""What a command tells in a sentence. All else is a fault of its own, with a traceback."""

_LOG_IN = "Log in again (`aws sso login`, `aws login`), or get new ones, and run it again."
_CREDENTIALS = "Look whose they are with `aws sts get-caller-identity`; take others by --profile."
_NETWORK = "Look at --region, at the network (proxy, VPN, VPC endpoints) and at AWS_ENDPOINT_URL."
_CLOCK = "This machine's clock is wrong, or the call was under way too long: set the clock."
_BUSY = "The service is busy: run it again in some minutes."
_RIGHTS = (
    "Use credentials that may do that (--profile); `modules/operator-role` makes roles for people."
)

# the SDK's and the services' codes; the services' "Common Errors", S3's "Error Responses"
_REMEDIES = {
    ("NoSuchBucket",): "Look at the bucket's name, and whether it was deleted.",
    ("InvalidBucketName",): "That is no bucket's name.",
    ("NoSuchKey", "NoSuchVersion"): "It is not there (any more): an expiry or somebody deleted it.",
    (
        "ExpiredToken",
        "ExpiredTokenException",
        "TokenRefreshRequired",
        "RequestExpired",
    ): f"The credentials have expired. {_LOG_IN}",
    (
        "InvalidClientTokenId",
        "InvalidAccessKeyId",
        "UnrecognizedClientException",
        "InvalidToken",
        "AuthFailure",
        "MissingAuthenticationToken",
        "MissingAuthenticationTokenException",
    ): f"AWS does not know these credentials, or not in this region. {_CREDENTIALS}",
    (
        "SignatureDoesNotMatch",
        "InvalidSignatureException",
        "IncompleteSignature",
    ): f"The secret key does not belong to the access key, or the clock is wrong. {_CREDENTIALS}",
    ("RequestTimeTooSkewed",): _CLOCK,
    (
        "OptInRequired",
        "SubscriptionRequiredException",
    ): "The account does not have this service or region: look at --region, and enable it.",
    ("InvalidObjectState",): "The object is archived: restore it in S3 first.",
    (
        "KMS.DisabledException",
        "KMS.NotFoundException",
        "KMSInvalidStateException",
        "KMSDisabledException",
    ): "Without its key nothing can be read: enable the key, or cancel its deletion, in KMS.",
    ("LimitExceededException", "ServiceQuotaExceededException"): (
        "A quota of the account is used up: wait until what uses it is over, or have it raised."
    ),
}
_BY_CODE = {code: remedy for codes, remedy in _REMEDIES.items() for code in codes}
_ELSEWHERE = (
    "PermanentRedirect",
    "TemporaryRedirect",
    "AuthorizationHeaderMalformed",
    "IllegalLocationConstraintException",
    "BucketRegionError",
    "301",
    "307",
)
_DENIED = ("Denied", "Unauthorized", "AuthorizationError", "NotAuthorized", "Forbidden", "403")
_BUSY_WORDS = ("Throttl", "SlowDown", "TooManyRequests", "RequestLimitExceeded", "Throughput")

# where an action has another name than the call (Service Authorization Reference)
_ACTIONS = {
    "s3:ListObjectsV2": "s3:ListBucket",
    "s3:HeadBucket": "s3:ListBucket",
    "s3:ListBuckets": "s3:ListAllMyBuckets",
    "s3:HeadObject": "s3:GetObject",
    "s3:CreateMultipartUpload": "s3:PutObject",
    "s3:UploadPart": "s3:PutObject",
    "s3:CompleteMultipartUpload": "s3:PutObject",
    "s3:ListParts": "s3:ListMultipartUploadParts",
    "s3:DeleteObjects": "s3:DeleteObject",
    "lambda:Invoke": "lambda:InvokeFunction",
}
_SERVICES = {"monitoring": "cloudwatch", "tagging": "tag"}
_TITLE = re.compile(r"<title>(.*?)</title>", re.IGNORECASE | re.DOTALL)
_TAGS = re.compile(r"<(style|script)\b.*?</\1>|<[^>]*>", re.IGNORECASE | re.DOTALL)
_MOST = 600
# botocore.exceptions.ClientError, MSG_TEMPLATE
_SENTENCE = re.compile(
    r"An error occurred \((?P<code>[^)]*)\) when calling the (?P<operation>\w+) operation"
    r"(?: \(reached max retries: \d+\))?: "
)

_SDK: tuple[tuple[tuple[type[Exception], ...], str], ...] = (
    (
        (sdk.NoCredentialsError, sdk.PartialCredentialsError),
        "Give --profile, or set AWS_PROFILE; `aws sts get-caller-identity` shows what is found.",
    ),
    (
        (sdk.SSOError, sdk.TokenRetrievalError, sdk.NoAuthTokenError, sdk.LoginError),
        f"The session is over, or was never begun. {_LOG_IN}",
    ),
    (
        (sdk.CredentialRetrievalError, sdk.MetadataRetrievalError),
        f"The credentials could not be had. {_CREDENTIALS}",
    ),
    ((sdk.ProfileNotFound,), "See `aws configure list-profiles`."),
    ((sdk.NoRegionError, sdk.InvalidRegionError), "Give --region, or set AWS_REGION."),
    ((sdk.SSLError,), "A proxy that opens TLS needs its certificate in AWS_CA_BUNDLE."),
    ((sdk.ProxyConnectionError,), "Look at HTTPS_PROXY and NO_PROXY."),
    ((sdk.HTTPClientError, sdk.ConnectionError), _NETWORK),
)


def remedied(error: Exception) -> str:
    """Return an error's text, without markup of a page, with what to do about it."""
    where = "".join(f" ({note})" for note in getattr(error, "__notes__", ()))
    return f"{_remedied(error)}{where}"


def _remedied(error: Exception) -> str:
    if isinstance(error, HippolyteError):
        return _of_ours(error)
    if isinstance(error, ClientError):
        return _refused(error)
    if isinstance(error, ResponseParserError):
        return f"What answered is no AWS service: {plain(str(error))}. {_NETWORK}"
    for kinds, remedy in _SDK:
        if isinstance(error, kinds):
            return f"{_ended(plain(str(error)))} {remedy}"
    if isinstance(error, OSError):
        full = error.errno == errno.ENOSPC
        room = "Make room, or point TMPDIR elsewhere" if full else "Mend that"
        return f"{of_file(error)}. {room}, and run it again."
    return plain(str(error))


def of_file(error: OSError) -> str:
    """Return what is wrong with which file, as the system says it, without its number."""
    said = error.strerror or str(error) or type(error).__name__
    return f"{error.filename}: {said}" if error.filename else said


def in_words(text: str) -> str:
    """Return a text without the SDK's sentence around what a service said, with what to do.

    For what is a text already: told by another process, or kept with what it is about.
    """
    found = _SENTENCE.search(text)
    if not found:
        return text
    rest = _SENTENCE.sub(r"\g<operation> was refused (\g<code>): ", text)
    remedy = _remedy(found["code"], text, {})
    return f"{_ended(rest)} {remedy}" if remedy and remedy not in rest else rest


def _of_ours(error: HippolyteError) -> str:
    """Return our own words; the SDK's among them are told as if they came by themselves."""
    text, cause = str(error), error.__cause__
    while cause is not None:
        if isinstance(cause, ClientError | BotoCoreError) and str(cause) in text:
            before, _, after = text.partition(str(cause))
            said = _remedied(cause)
            # what follows goes on with the sentence
            return before + (said if not after else _ended(said, "") + after)
        cause = cause.__cause__
    return in_words(text)


def plain(text: str) -> str:
    """Return a text without what only a browser reads; of a page its title."""
    if "<" not in text or not re.search(r"<(!doctype|html|head|body|h1|\?xml)\b", text, re.I):
        return text
    before = text[: text.index("<")]
    title = _TITLE.search(text)
    said = title[1] if title else _TAGS.sub(" ", text[len(before) :])
    return (before + " ".join(said.split()))[:_MOST].strip() or "a page without a word"


def _refused(error: ClientError) -> str:
    """Return what a service's refusal means."""
    code = code_of(error)
    answer: dict[str, Any] = {**error.response}
    words = _ended(plain(str(answer.get("Error", {}).get("Message", "") or code)))
    headers = answer.get("ResponseMetadata", {}).get("HTTPHeaders", {})
    called = _called(answer, error.operation_name)
    if headers.get("content-type", "").startswith("text/html"):
        text = words if words != "." else "no more is said."
        return f"A page answered {called[0]}, not AWS: {text} {_NETWORK}"
    said = f"{_ended(words, '')} ({code or 'no code'}, {' on '.join(filter(None, called))})."
    if code in _ELSEWHERE or "expecting" in words:
        region = answer.get("Error", {}).get("Region") or headers.get("x-amz-bucket-region", "")
        return f"{said} The bucket is in another region: give --region{region and f' {region}'}."
    return f"{said} {_remedy(code, words, answer)}".strip()


def _remedy(code: str, words: str, answer: dict[str, Any]) -> str:
    status = answer.get("ResponseMetadata", {}).get("HTTPStatusCode") or 0
    if "Signature" in code and ("expired" in words or "not yet current" in words):
        return _CLOCK
    if code in _BY_CODE:
        return _BY_CODE[code]
    if any(word in code for word in _DENIED):
        return _RIGHTS
    if any(word in code for word in _BUSY_WORDS) or status >= 500:
        return _BUSY
    if code in ("404", "NotFound"):
        return "It is not there (any more): look at names and --region."
    if code == "ResourceNotFoundException":
        return "Look at the name, and at --region."
    # the service's own words are all that is known
    return ""


def _called(answer: dict[str, Any], operation: str) -> tuple[str, str]:
    """Return the action that a call needs, and of what; the SDK's error says the call alone."""
    call = answer.get(CALL)
    if call is None:
        return operation, answer.get("Error", {}).get("BucketName", "")
    action = f"{_SERVICES.get(call['service'], call['service'])}:{call['operation']}"
    params: dict[str, Any] = call["params"]
    if "Bucket" in params:
        rest = params.get("Key") or params.get("Prefix") or ""
        about = f"s3://{params['Bucket']}/{rest}".rstrip("/")
    else:
        about = next((str(value) for value in params.values()), "")
    return _ACTIONS.get(action, action), about


def _ended(text: str, end: str = ".") -> str:
    return text.rstrip(". \n") + end
