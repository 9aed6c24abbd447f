"""What every verb has: `--profile`, `--region`, `--json`, help at any width, completion."""

from __future__ import annotations

import re
from unittest.mock import patch

import pytest
from typer.testing import CliRunner

from hippolyte_cli.main import app, help_form

VERBS = sorted(str(each.name) for each in app.registered_commands)
OF_ALL = ("--profile", "--region", "--json")
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


def helped(verb: str, columns: int, **more: str) -> str:
    # typer keeps TERMINAL_WIDTH as it is when the first help is shown
    with (
        patch.dict("os.environ", {"COLUMNS": str(columns), **more}),
        patch("typer.rich_utils.MAX_WIDTH", None),
        patch.object(app, "rich_markup_mode", help_form()),
    ):
        result = CliRunner().invoke(app, [verb, "--help"])
    assert result.exit_code == 0
    return result.output


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_what_all_have(verb: str) -> None:
    text = helped(verb, 80)
    for option in OF_ALL:
        assert option in text
    assert "Exit code" in text
    assert "\N{HORIZONTAL ELLIPSIS}" not in text
    assert max(map(len, text.splitlines())) <= 80


@pytest.mark.parametrize("verb", VERBS)
def test_the_help_of_a_verb_is_whole_on_half_a_terminal(verb: str) -> None:
    names = set(re.findall(r"(?<![-\w])--[a-z][a-z-]+", helped(verb, 160)))
    narrow = helped(verb, 40)
    assert names <= set(re.findall(r"(?<![-\w])--[a-z][a-z-]+", narrow))


@pytest.mark.parametrize("verb", VERBS)
def test_colours_are_forced_and_forbidden(verb: str) -> None:
    more = {"TERM": "xterm-256color"}
    assert _COLOUR.search(helped(verb, 80, FORCE_COLOR="1", **more))
    assert "\x1b[3" not in helped(verb, 80, FORCE_COLOR="1", NO_COLOR="1", **more)
    assert not _COLOUR.search(helped(verb, 80, **more))


def completed(words: str) -> set[str]:
    """Return what bash is offered for the last word of a line."""
    asked = {"COMP_WORDS": words, "COMP_CWORD": str(words.count(" "))}
    env = {"_HIPPOLYTE_COMPLETE": "complete_bash", **asked}
    return {*CliRunner().invoke(app, [], prog_name="hippolyte", env=env).output.split()}


@pytest.mark.parametrize("verb", VERBS)
def test_a_shell_completes_verbs_and_options(verb: str) -> None:
    assert verb in completed(f"hippolyte {verb[:2]}")
    assert {*OF_ALL} <= completed(f"hippolyte {verb} --")


def test_completion_can_be_installed() -> None:
    result = CliRunner().invoke(app, ["--help"])
    assert "--install-completion" in result.output
