"""One request to the local AWS, and how it is refused."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, cast
from urllib.parse import unquote

from moto.core.exceptions import ServiceException
from moto.s3.exceptions import S3ClientError
from moto.utilities.utils import get_partition


@dataclass
class Call:
    """One request: which operation of which service, by whom, with what parameters."""

    service: str
    operation: str
    handler: Any = field(repr=False)
    bucket: str | None = None
    key: str | None = None

    @property
    def name(self) -> str:
        """The operation as tests and hooks name it, `dynamodb:DescribeTable`."""
        return f"{self.service}:{self.operation}"

    @property
    def account(self) -> str:
        """The account of the caller."""
        return cast(str, self.handler.current_account)

    @property
    def region(self) -> str:
        """The region the request was sent to."""
        return cast(str, self.handler.region)

    @property
    def partition(self) -> str:
        """The partition of the region, `aws`."""
        return cast(str, get_partition(self.region))

    @property
    def access_key(self) -> str:
        """The access key id the request was signed with."""
        return cast(str, self.handler.get_access_key())

    @cached_property
    def path(self) -> str:
        """The decoded path of the URL (REST services)."""
        return unquote(self.handler.path)

    @cached_property
    def params(self) -> dict[str, Any]:
        """The request's parameters: JSON body, or form and query fields."""
        parsed = getattr(self.handler, "params", None)
        if parsed:
            # some services parse to a dictionary of other spellings of the names
            original = getattr(parsed, "original_dict", None)
            return dict(original() if original else parsed)
        body = self.handler.body
        if body and self.service != "s3":
            try:
                loaded = json.loads(body)
            except ValueError:
                loaded = None
            if isinstance(loaded, dict):
                return loaded
        return {
            k: v[0] if isinstance(v, list) and v else v for k, v in self.handler.querystring.items()
        }


class Refusal(ServiceException):
    """When the gate answers in moto's place; a class of ours, as moto looks up models by module."""

    http_status: int | None = None


class S3Refusal(S3ClientError):
    """The same for S3."""

    http_status: int | None = None


def refusal(call: Call, code: str, message: str) -> ServiceException:
    """Return an exception that the service's own protocol can carry."""
    return S3Refusal(code, message) if call.service == "s3" else Refusal(code, message)
