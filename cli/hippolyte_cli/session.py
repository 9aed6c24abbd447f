"""With whose credentials a command calls AWS, and what a call that failed was about."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import boto3
from botocore.exceptions import ProfileNotFound

from hippolyte.errors import ConfigurationError
from hippolyte_cli.waiting import calls

CALL = "hippolyte_call"
"""Key in the response of a `ClientError`: which `service`, `operation` and `params` it was."""

_ABOUT = ("Bucket", "Key", "Prefix", "TableName", "FunctionName", "Name", "Path", "TopicArn")
_chosen: ContextVar[str | None] = ContextVar("profile", default=None)


def profile() -> str | None:
    """Return the profile that `--profile` names, for processes that are started; None: none."""
    return _chosen.get()


@contextmanager
def credentials_of(name: str | None) -> Iterator[None]:
    """Have clients that are made meanwhile use a profile's credentials; None: those as before.

    Raises:
        ConfigurationError: there is no such profile.
    """
    if boto3.DEFAULT_SESSION is None:
        boto3.setup_default_session()
    before, chosen = boto3.DEFAULT_SESSION, _chosen.get()
    try:
        if name is not None:
            boto3.setup_default_session(profile_name=name)
            _chosen.set(name)
        _listen(boto3.DEFAULT_SESSION)
        yield
    except ProfileNotFound as error:
        raise ConfigurationError(f"{error}: see `aws configure list-profiles`") from error
    finally:
        boto3.DEFAULT_SESSION = before
        _chosen.set(chosen)


def _listen(session: Any) -> None:
    """Have errors say what was called: the SDK's own say an operation, without service and names.

    Events: botocore's client.py, `_make_api_call`.
    """
    session.events.register("before-parameter-build", _remember, unique_id="hippolyte-remember")
    session.events.register("after-call", _say, unique_id="hippolyte-say")


def _remember(params: Any, model: Any, context: dict[str, Any], **_: Any) -> None:
    context[CALL] = about = {name: params[name] for name in _ABOUT if name in params}
    which = "/".join(map(str, about.values()))
    calls(f"asking {model.service_model.service_name}: {model.name} {which}".rstrip())


def _say(http_response: Any, parsed: Any, model: Any, context: dict[str, Any], **_: Any) -> None:
    if http_response.status_code < 300:
        return
    service = model.service_model.signing_name
    said = {"service": service, "operation": model.name, "params": context.get(CALL, {})}
    parsed[CALL] = said
