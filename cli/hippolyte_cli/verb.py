"""What all verbs have: `--profile`, a line of what is waited for, a word for what goes wrong."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import wraps
from typing import Annotated, Any

import typer

from hippolyte_cli import console
from hippolyte_cli.deployment import asked_once
from hippolyte_cli.given import cleaned, no_blanks
from hippolyte_cli.session import credentials_of
from hippolyte_cli.waiting import waits

_Profile = Annotated[
    str | None,
    typer.Option("--profile", help="With this profile's credentials. Default: as AWS's SDK does."),
]


def verb(function: Callable[..., None]) -> Callable[..., None]:
    """Return a verb that takes `--profile`, and tells what it does not tell itself."""
    own = inspect.signature(function, eval_str=True)
    asks = "context" in own.parameters

    @wraps(function)
    def done(
        context: typer.Context | None = None, profile: str | None = None, **options: Any
    ) -> None:
        quiet = bool(options.get("as_json"))
        with waits(quiet), console.told(), no_blanks():
            given = cleaned({**options, "profile": profile}, context)
            with credentials_of(given.pop("profile")), asked_once():
                function(**({"context": context} if asks else {}), **given)

    keyword = inspect.Parameter.KEYWORD_ONLY
    first = inspect.Parameter("context", keyword, annotation=typer.Context)
    added = inspect.Parameter("profile", keyword, default=None, annotation=_Profile)
    others = (each for each in own.parameters.values() if each.name != "context")
    named = [each.replace(kind=keyword) for each in others]
    whole = own.replace(parameters=[first, *named, added])
    # typer reads both
    done.__signature__ = whole  # type: ignore[attr-defined]
    done.__annotations__ = {name: each.annotation for name, each in whole.parameters.items()}
    return done
