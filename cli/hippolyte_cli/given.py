"""What a command is given: values without a word, buckets in other forms, what the SDK dislikes."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import typer

from hippolyte.errors import ConfigurationError

# as the product itself prints a bucket, and as IAM and Terraform name one
_BUCKET = re.compile(r"(?:s3://|arn:[a-z-]+:s3:::)?([^/:]*)/*")
_REGION = re.compile(r"[a-z]{2,}(-[a-z]+)+-[0-9]+")
_ACCOUNT = re.compile(r"[0-9]{12}")
# a key may be blank, a prefix may be nothing, and a destination's own words say more
_MAY_BE_BLANK = {"--prefix", "KEY", "DEST"}
_SDK = ("boto3", "botocore", "s3transfer", "urllib3")


@contextmanager
def no_blanks() -> Iterator[None]:
    """Have AWS's variables that are set to nothing be as if they were not set, for a while.

    The SDK takes some of them at their word: a region or profile without a name.
    """
    blank = {n: v for n, v in os.environ.items() if n.startswith("AWS_") and not v.strip()}
    for name in blank:
        del os.environ[name]
    try:
        yield
    finally:
        os.environ.update(blank)


def cleaned(options: Mapping[str, Any], context: typer.Context | None) -> dict[str, Any]:
    """Return a verb's options, the bucket by its name alone; `context`: typer's, if it called it.

    Raises:
        ConfigurationError: one is blank that may not be, or cannot be what it is for.
    """
    made = dict(options)
    for param in context.command.params if context else ():
        name = str(param.name)
        value = options.get(name)
        values = value if isinstance(value, list | tuple) else [value]
        said = max(param.opts, key=len)
        said = said if said.startswith("-") else said.upper()
        if any(isinstance(each, str) and not each.strip() for each in values):
            source = context and context.get_parameter_source(name)
            if source and source.name == "ENVIRONMENT":
                made[name] = None
            elif said not in _MAY_BE_BLANK and value != param.default:
                raise ConfigurationError(f"{said} is empty: give it a value, or leave it out.")
        for each in filter(None, values):
            _look(name, said, each)
        if name == "bucket" and value:
            made[name] = _bucket(value)
    return made


def _look(name: str, said: str, value: Any) -> None:
    """Refuse what can be no prefix, account, region or file, before anything is done."""
    if name == "html" and not value.parent.is_dir():
        raise ConfigurationError(f"{said} {value} cannot be written: there is no folder of it.")
    if name == "html" and value.is_dir():
        raise ConfigurationError(f"{said} {value} is a folder: name a file in it.")
    if name == "prefix" and (value.startswith("arn:") or "://" in value):
        raise ConfigurationError(
            f"{said} is what comes after the bucket in an address, without s3:// and the bucket, "
            f"not {value!r}."
        )
    if name == "of_region" and not _REGION.fullmatch(value):
        raise ConfigurationError(f"{said} is a region's name, as eu-west-1, not {value!r}.")
    if name == "account" and not _ACCOUNT.fullmatch(value):
        raise ConfigurationError(f"{said} is an account's id of 12 digits, not {value!r}.")


def _bucket(value: str) -> str:
    found = _BUCKET.fullmatch(value.strip())
    if found and found[1]:
        return found[1]
    _, _, place = value.partition("://")
    bucket, _, prefix = place.strip("/").partition("/")
    if bucket and prefix:
        raise ConfigurationError(
            f"--bucket is a bucket's name, not {value!r}: --bucket {bucket} --prefix {prefix}"
        )
    raise ConfigurationError(f"--bucket is a bucket's name, not {value!r}.")


def is_of_sdk(error: BaseException) -> bool:
    """Say whether the SDK itself stumbled: over a variable's value, or one in a file of AWS's."""
    at = error.__traceback__
    name = ""
    while at:
        name = str(at.tb_frame.f_globals.get("__name__", ""))
        at = at.tb_next
    return name.startswith(_SDK)
