"""What all verbs have: `--profile`, a line of what is waited for, a word for what goes wrong."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import wraps
from typing import Annotated, Any

import typer

from hippolyte_cli import console
from hippolyte_cli.deployment import asked_once
from hippolyte_cli.session import credentials_of
from hippolyte_cli.waiting import waits

_Profile = Annotated[
    str | None,
    typer.Option("--profile", help="With this profile's credentials. Default: as AWS's SDK does."),
]


def verb(function: Callable[..., None]) -> Callable[..., None]:
    """Return a verb that takes `--profile`, and tells what it does not tell itself."""
    own = inspect.signature(function, eval_str=True)

    @wraps(function)
    def done(*args: Any, profile: str | None = None, **options: Any) -> None:
        quiet = bool(options.get("as_json"))
        with waits(quiet), console.told(), credentials_of(profile), asked_once():
            function(*args, **options)

    added = inspect.Parameter(
        "profile", inspect.Parameter.KEYWORD_ONLY, default=None, annotation=_Profile
    )
    whole = own.replace(parameters=[*own.parameters.values(), added])
    # typer reads both
    done.__signature__ = whole  # type: ignore[attr-defined]
    done.__annotations__ = {name: each.annotation for name, each in whole.parameters.items()}
    return done
