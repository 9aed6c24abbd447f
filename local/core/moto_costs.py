"""What moto does anew for each request, or each world, though it comes out the same: done once.

Measured on a night of three tables, that was two thirds of a request: the module of S3's URLs is
loaded again, 300 patterns are tried for the host, a service's URLs are written and compiled, and an
id of 52 characters is drawn one by one. A KMS key draws an RSA key (40 ms) that nothing here uses.
And botocore signs what nobody verifies.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any

import botocore.utils as sdk_utils
import moto.kms.models as kms_models
from botocore.auth import SigV4Auth
from moto import backend_index, backends
from moto.core import DEFAULT_ACCOUNT_ID
from moto.core import responses as core_responses
from moto.core.base_backend import BackendDict
from moto.core.botocore_stubber import BotocoreStubber
from moto.core.exceptions import HTTPException
from moto.core.request import normalize_request
from moto.core.utils import get_equivalent_url_in_aws_domain
from moto.moto_api._internal import mock_random
from moto.s3.models import S3Backend
from moto.s3.utils import _VersionedKeyStore

from local.core.patching import Patches

if TYPE_CHECKING:
    from local.core.aws import Aws

_patches = Patches()
_moto_lists = S3Backend.list_objects
# a request's thread lists by one prefix at a time
_listed = threading.local()
_Routes = tuple[tuple[re.Pattern[str], Callable[..., Any]], ...]
_ID_CHARACTERS = 52
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
            normal = normalize_request(request)
            try:
                return handler(normal, normal.raw_url, normal.headers)
            except HTTPException as error:
                return error.code, error.get_headers(), error.get_body()
    return 404, {}, "Not yet implemented"


def _request_id(headers: dict[str, Any] | None = None) -> str:
    found = f"{mock_random.getrandbits(4 * _ID_CHARACTERS):0{_ID_CHARACTERS}X}"
    if isinstance(headers, dict):
        headers["x-amzn-requestid"] = found
    return found


def _latest(keys: _VersionedKeyStore) -> Iterator[tuple[str, Any]]:
    listed = getattr(_listed, "prefix", "")
    found = [(key, versions) for key, versions in dict.items(keys) if key.startswith(listed)]
    return iter([(key, versions[-1]) for key, versions in found])


def _list_objects(
    backend: S3Backend, bucket: Any, prefix: str | None, *more: Any, **named: Any
) -> Any:
    """List by a prefix without looking at the versions of every other key."""
    _listed.prefix = prefix or ""
    try:
        return _moto_lists(backend, bucket, prefix, *more, **named)
    finally:
        _listed.prefix = ""


def install(_: Aws) -> None:
    """Save moto the work."""
    _routes.cache_clear()
    _patches.set(BotocoreStubber, "process_request", _process_request)
    _patches.set(core_responses, "gen_amzn_requestid_long", _request_id)
    _patches.set(kms_models, "generate_private_key", _private_key)
    _patches.set(_VersionedKeyStore, "items", _latest)
    _patches.set(S3Backend, "list_objects", _list_objects)
    _patches.set(sdk_utils, "_parse_timestamp_with_tzinfo", _timestamp)
    # nobody verifies a signature here; who calls is in the header beside it
    _patches.set(SigV4Auth, "canonical_request", lambda *_: "")
    _patches.set(SigV4Auth, "string_to_sign", lambda *_: "")
    _patches.set(SigV4Auth, "signature", lambda *_: "0" * 64)


def uninstall() -> None:
    """Let moto do it again."""
    _patches.undo()
    _routes.cache_clear()
