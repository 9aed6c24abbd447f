"""Options and variables without a value, or in another form: refused in words, or taken as meant.

Never a traceback, never an exit code that means something else.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, get_args
from unittest.mock import Mock

import pytest
from botocore.exceptions import ClientError
from typer.models import OptionInfo

from hippolyte.errors import ConfigurationError
from hippolyte_cli import deployment
from hippolyte_cli.main import app
from hippolyte_cli.session import CALL
from tests.support.commands import command

# what each verb must be given
NEEDED = {
    "cancel": ["2026-11-24T00-00Z"],
    "compare": ["orders@latest", "orders"],
    "export": ["orders", "copy"],
    "get": ["orders", "c-17"],
    "restore": ["orders", "--to", "again"],
    "undo": ["orders", "--at", "latest"],
    "verify": ["orders"],
}
VERBS = {str(each.name): each.callback for each in app.registered_commands}


def texts(verb: Any) -> Iterator[str]:
    """Yield the options of a verb whose value is a text of any form."""
    for name, each in inspect.signature(verb).parameters.items():
        form, *about = get_args(each.annotation) or (None,)
        if form in (str, str | None, list[str] | None) and isinstance(about[0], OptionInfo):
            # typer takes the first of the names apart later
            words = (about[0].default, *(about[0].param_decls or ()))
            named = [word for word in words if isinstance(word, str) and word.startswith("--")]
            # empty is what these are without a value; a prefix may be
            if each.default != "" and name != "prefix":
                yield (named or [f"--{name.replace('_', '-')}"])[0]


BLANK = [(name, option) for name, verb in sorted(VERBS.items()) for option in texts(verb)]


def test_the_options_are_found() -> None:
    assert {verb for verb, _ in BLANK} == {*VERBS}
    assert {option for verb, option in BLANK if verb == "list"} == {
        "--account",
        "--of-region",
        "--function",
        "--bucket",
        "--region",
        "--profile",
    }


def refused(*arguments: str) -> str:
    result = command(*arguments)
    assert (result.exit_code, result.stdout) == (2, ""), result.output
    return result.stderr


@pytest.mark.parametrize("value", ["", "  "])
@pytest.mark.parametrize(("verb", "option"), BLANK)
def test_an_option_without_a_value_is_refused(verb: str, option: str, value: str) -> None:
    assert f"{option} is empty" in refused(verb, *NEEDED.get(verb, []), option, value)


def test_an_argument_without_a_value_is_refused() -> None:
    for arguments in (("list", ""), ("verify", " "), ("run", "orders", "")):
        assert " is empty: give it a value" in refused(*arguments)


def test_a_bucket_may_be_named_as_it_is_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str | None] = []

    def store_of(function: str, bucket: str | None, *_: Any) -> Any:
        seen.append(bucket)
        raise ConfigurationError("enough")

    monkeypatch.setattr("hippolyte_cli.backups_place.store_of", store_of)
    forms = ("kept", "s3://kept", "s3://kept/", "kept/", "arn:aws:s3:::kept", " kept ")
    for form in forms:
        assert refused("list", "--bucket", form) == "Error: enough\n"
    assert seen == ["kept"] * len(forms)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--bucket", "s3://kept/dynamodb/"), "--bucket kept --prefix dynamodb"),
        (("--bucket", "s3://"), "--bucket is a bucket's name, not 's3://'"),
        (("--bucket", "a/b"), "--bucket is a bucket's name, not 'a/b'"),
        (("--prefix", "s3://kept/dynamodb"), "--prefix is what comes after the bucket"),
        (("--account", "prod"), "--account is an account's id of 12 digits, not 'prod'"),
        (("--html", "none/page.html"), "--html none/page.html cannot be written: there is no"),
        (("--html", ""), "--html . is a folder: name a file in it"),
        (("--of-region", "s3://x"), "--of-region is a region's name"),
    ],
)
def test_what_cannot_be_meant_is_refused(options: tuple[str, ...], said: str) -> None:
    assert said in refused("report", *options)


@pytest.mark.parametrize("verb", sorted(VERBS))
def test_no_verb_advises_an_option_that_it_lacks(
    verb: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where there is no such deployment, bucket, or backup."""
    about = {"service": "s3", "operation": "ListObjectsV2", "params": {"Bucket": "b"}}
    has = command(verb, "--help").output
    for code in ("ResourceNotFoundException", "NoSuchBucket", "InvalidBucketName"):
        answer: Any = {"Error": {"Code": code, "Message": "m"}, CALL: about}
        error = ClientError(answer, "ListObjectsV2")

        def fail(*_: Any, error: Exception = error, **__: Any) -> Any:
            raise error

        client = SimpleNamespace(get_function_configuration=fail, meta=Mock(region_name="r"))
        monkeypatch.setattr(deployment, "_client", lambda *_, client=client: client)
        monkeypatch.setattr("hippolyte_cli.export.prepared", fail)
        said = refused(verb, *NEEDED.get(verb, []), "--region", "eu-west-1")
        assert code in said or "There is no " in said, said
        assert {word for word in re.findall(r"--[a-z-]+", said) if word not in has} == set(), said
