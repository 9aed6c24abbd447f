"""What all verbs have: `--profile`, and a word for what goes wrong where they have none."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import wraps
from typing import Annotated, Any

import typer

from hippolyte_cli import console
from hippolyte_cli.session import credentials_of

_Profile = Annotated[
    str | None,
    typer.Option("--profile", help="With this profile's credentials. Default: as AWS's SDK does."),
]


def verb(function: Callable[..., None]) -> Callable[..., None]:
    """Return a verb that takes `--profile`, and tells what it does not tell itself."""
    own = inspect.signature(function, eval_str=True)

    @wraps(function)
    def done(*args: Any, profile: str | None = None, **options: Any) -> None:
        with console.told(), credentials_of(profile):
            function(*args, **options)

    added = inspect.Parameter(
        "profile", inspect.Parameter.KEYWORD_ONLY, default=None, annotation=_Profile
    )
    whole = own.replace(parameters=[*own.parameters.values(), added])
    # typer reads both
    done.__signature__ = whole  # type: ignore[attr-defined]
    done.__annotations__ = {name: each.annotation for name, each in whole.parameters.items()}
    return done
