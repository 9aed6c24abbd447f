"""What moto does anew for each request, or each world, though it comes out the same: done once.

Measured on a night of three tables, that was two thirds of a request: the module of S3's URLs is
loaded again, 300 patterns are tried for the host, a service's URLs are written and compiled, and an
id of 52 characters is drawn one by one. A KMS key draws an RSA key (40 ms) that nothing here uses,
an EC2 region 1,300 machine images. For each member of each answer the names it might have in moto's
objects are made up again. And botocore signs what nobody verifies, names itself to nobody, and asks
the rules of endpoints for each key of a bucket. Whether a host names a bucket, how an action is
spelt as a method, and a request's own root are worked out again as well.
"""

from __future__ import annotations

import io
import os
import re
import sys
import threading
from collections.abc import Callable, Iterator
from functools import cache, lru_cache
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_to_bytes, urlsplit

import botocore.utils as sdk_utils
import moto.kms.models as kms_models
from botocore.auth import SigV4Auth
from botocore.httpchecksum import AwsChunkedWrapper
from botocore.regions import EndpointRulesetResolver
from botocore.useragent import UserAgentString
from moto import backend_index, backends
from moto.core import DEFAULT_ACCOUNT_ID
from moto.core import responses as core_responses
from moto.core.base_backend import BackendDict
from moto.core.botocore_stubber import BotocoreStubber
from moto.core.exceptions import HTTPException
from moto.core.request import Request
from moto.core.serialize import (
    AttributePickerContext,
    ResponseSerializer,
    XFormedAttributePicker,
)
from moto.core.utils import MISSING, get_equivalent_url_in_aws_domain, get_value
from moto.moto_api._internal import mock_random
from moto.s3.models import S3Backend
from moto.s3.responses import S3Response
from moto.s3.utils import _VersionedKeyStore

from local.core.patching import Patches

if TYPE_CHECKING:
    from local.core.aws import Aws

# a setting of moto's, as its worlds are also set up and cleared outside of ours
os.environ.setdefault("MOTO_EC2_LOAD_DEFAULT_AMIS", "false")
_patches = Patches()
_sdk_bucket_region = sdk_utils.S3RegionRedirectorv2.get_bucket_region
_sdk_endpoint = EndpointRulesetResolver.construct_endpoint
_sdk_user_agent = UserAgentString.to_string
_moto_lists = S3Backend.list_objects
_moto_request = Request.from_primitives
_moto_value = ResponseSerializer.get_value
# a request's thread lists by one prefix at a time
_listed = threading.local()
_Routes = tuple[tuple[re.Pattern[str], Callable[..., Any]], ...]
_ID_CHARACTERS = 52
_spelt = cache(core_responses.camelcase_to_underscores)
_moto_subdomain = S3Response.subdomain_based_buckets
_private_key = cache(kms_models.generate_private_key)
_timestamp = lru_cache(maxsize=4096)(vars(sdk_utils)["_parse_timestamp_with_tzinfo"])


@lru_cache(maxsize=256)
def _routes(scheme: str, host: str) -> _Routes:
    """Return the URL patterns and handlers of the services a host may be, in moto's order."""
    return tuple(
        (re.compile(url), handler)
        for service, pattern in backend_index.backend_url_patterns
        if pattern.match(f"{scheme}://{host}/")
        for url, handler in _backend(service).urls.items()
    )


def _backend(service: str) -> Any:
    found: Any = backends.get_backend(service)
    if not isinstance(found, BackendDict):
        return found["global"]
    regions = found[DEFAULT_ACCOUNT_ID]
    return regions["us-east-1" if "us-east-1" in regions else "aws"]


def _process_request(_: BotocoreStubber, request: Any) -> Any:
    """Answer a request as moto does, with the routes of its host known."""
    url, _replaced = get_equivalent_url_in_aws_domain(request.url)
    clean = f"{url.scheme}://{url.netloc}{url.path}"
    for pattern, handler in _routes(url.scheme, url.netloc):
        if pattern.match(clean):
            normal = _normal(request.method, request.url, request.headers, request.body)
            try:
                return handler(normal, normal.raw_url, normal.headers)
            except HTTPException as error:
                return error.code, error.get_headers(), error.get_body()
    return 404, {}, "Not yet implemented"


def _normal(method: str, url: str, headers: Any, body: Any) -> Request:
    """Return the request as moto wants it, without werkzeug's builder for tests."""
    if isinstance(body, AwsChunkedWrapper):
        body = body.read()
    named = [
        (key, v.decode() if isinstance(v, bytes) else v)
        for key, v in headers.items()
        if key.lower() != "transfer-encoding"  # moto has the body whole
    ]
    if any("_" in key for key, _ in named) or not isinstance(body, str | bytes | None):
        return _moto_request(method, url, headers, body)
    parts = urlsplit(url)
    content = body.encode() if isinstance(body, str) else body or b""
    uri = parts.path + (f"?{parts.query}" if parts.query else "")
    environ: dict[str, Any] = {
        "REQUEST_METHOD": method,
        "SCRIPT_NAME": "",
        # WSGI's texts are bytes told as Latin-1 (PEP 3333)
        "PATH_INFO": unquote_to_bytes(parts.path).decode("latin-1"),
        "QUERY_STRING": parts.query,
        "REQUEST_URI": uri,
        "RAW_URI": uri,
        "SERVER_NAME": parts.hostname or "",
        "SERVER_PORT": str(parts.port or (443 if parts.scheme == "https" else 80)),
        "SERVER_PROTOCOL": "HTTP/1.1",
        "HTTP_HOST": parts.netloc,
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": parts.scheme,
        "wsgi.input": io.BytesIO(content),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": False,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    for key, value in named:
        name = key.upper().replace("-", "_")
        name = name if name == "CONTENT_TYPE" else f"HTTP_{name}"
        environ[name] = f"{environ[name]}, {value}" if name in environ else value
    environ["HTTP_HOST"] = parts.netloc
    environ.pop("HTTP_CONTENT_LENGTH", None)
    environ["CONTENT_LENGTH"] = str(len(content))
    made = Request(environ)
    if parts.port is None:
        # a property that is worked out once; each look at `raw_url` wants it
        vars(made)["url_root"] = f"{parts.scheme}://{parts.netloc}/"
    return made


@lru_cache(maxsize=256)
def _bucket_in(host: str) -> bool:
    return bool(_moto_subdomain(SimpleNamespace(headers={"host": host})))


def _subdomain_based_buckets(request: Any) -> bool:
    """Say whether the host names the bucket, known by host: moto tries seven patterns."""
    host = request.headers.get("host")
    return _bucket_in(host) if host else bool(_moto_subdomain(request))


# (member, its shape, the object's class) -> the names it may have; shapes live as long as moto
_names: dict[tuple[str, Any, type], tuple[str, ...]] = {}


def _member(serializer: ResponseSerializer, value: Any, key: str, shape: Any) -> Any:
    """Find a member of an answer as moto does, its possible names known."""
    picker = vars(serializer)["_value_picker"]
    if type(picker) is not XFormedAttributePicker:
        return _moto_value(serializer, value, key, shape)
    names = _names.get((key, shape, type(value)))
    if names is None:
        context = AttributePickerContext(obj=value, key=key, shape=shape)
        names = tuple(dict.fromkeys(picker.get_possible_keys(context)))
        _names[(key, shape, type(value))] = names
    found = None
    for name in names:
        if (own := get_value(value, name, MISSING)) is not MISSING:
            found = own
            break
    for path, transform in picker.response_transformers.items():
        place = ".".join((*serializer.path, key)) if "." in path else key
        if place.endswith(path):
            return transform(found)
    return found


def _request_id(headers: dict[str, Any] | None = None) -> str:
    found = f"{mock_random.getrandbits(4 * _ID_CHARACTERS):0{_ID_CHARACTERS}X}"
    if isinstance(headers, dict):
        headers["x-amzn-requestid"] = found
    return found


def _latest(keys: _VersionedKeyStore) -> Iterator[tuple[str, Any]]:
    listed = getattr(_listed, "prefix", "")
    found = [key for key in dict.keys(keys) if key.startswith(listed)]
    return iter([(key, dict.__getitem__(keys, key)[-1]) for key in found])


def _list_objects(
    backend: S3Backend, bucket: Any, prefix: str | None, *more: Any, **named: Any
) -> Any:
    """List by a prefix without looking at the versions of every other key."""
    _listed.prefix = prefix or ""
    try:
        return _moto_lists(backend, bucket, prefix, *more, **named)
    finally:
        _listed.prefix = ""


def _endpoint(resolver: Any, operation_model: Any, call_args: Any, request_context: Any) -> Any:
    """Return where a request goes, known by what decides it: only buckets and ARNs do."""
    arguments, context = call_args or {}, request_context or {}
    known = vars(resolver).setdefault("_known", {})
    if known is None or context.get("is_presign_request"):
        return _sdk_endpoint(resolver, operation_model, arguments, context)
    arns = (v for v in arguments.values() if isinstance(v, str) and v.startswith("arn:"))
    key = (operation_model.name, arguments.get("Bucket"), *arns)
    if key not in known:
        known[key] = _sdk_endpoint(resolver, operation_model, arguments, context)
    return known[key]


def _bucket_region(redirector: Any, bucket: str, response: Any) -> Any:
    """Find the region of a bucket that is elsewhere: from then on its client asks the rules."""
    vars(vars(redirector)["_client"]._ruleset_resolver)["_known"] = None
    return _sdk_bucket_region(redirector, bucket, response)


def _user_agent(agent: Any) -> str:
    """Return the SDK's name as it was at first: what it does for one call is not in it."""
    own = vars(agent)
    if own.get("_known") is None:
        own["_known"] = _sdk_user_agent(agent)
    return str(own["_known"])


def install(_: Aws) -> None:
    """Save moto the work."""
    _routes.cache_clear()
    _patches.set(BotocoreStubber, "process_request", _process_request)
    _patches.set(core_responses, "gen_amzn_requestid_long", _request_id)
    _patches.set(kms_models, "generate_private_key", _private_key)
    _patches.set(_VersionedKeyStore, "items", _latest)
    _patches.set(S3Backend, "list_objects", _list_objects)
    _patches.set(S3Response, "subdomain_based_buckets", staticmethod(_subdomain_based_buckets))
    _patches.set(core_responses, "camelcase_to_underscores", _spelt)
    _patches.set(sdk_utils, "_parse_timestamp_with_tzinfo", _timestamp)
    _patches.set(ResponseSerializer, "get_value", _member)
    _patches.set(EndpointRulesetResolver, "construct_endpoint", _endpoint)
    _patches.set(sdk_utils.S3RegionRedirectorv2, "get_bucket_region", _bucket_region)
    _patches.set(UserAgentString, "to_string", _user_agent)
    # nobody verifies a signature here; who calls is in the header beside it
    _patches.set(SigV4Auth, "headers_to_sign", lambda *_: {})
    _patches.set(SigV4Auth, "signed_headers", lambda *_: "host")
    _patches.set(SigV4Auth, "canonical_request", lambda *_: "")
    _patches.set(SigV4Auth, "string_to_sign", lambda *_: "")
    _patches.set(SigV4Auth, "signature", lambda *_: "0" * 64)


def uninstall() -> None:
    """Let moto do it again."""
    _patches.undo()
    _names.clear()
    _routes.cache_clear()
