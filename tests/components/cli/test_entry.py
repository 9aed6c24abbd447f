"""The command as it is started: on consoles of other code pages, stopped, and with a fault."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
ODD = "\N{REPLACEMENT CHARACTER}\N{HEBREW LETTER ALEF}"

# a verb, in place of AWS; what it says is data
_SAYS = """
from hippolyte_cli import entry, listing
from hippolyte_cli.console import console, record
from hippolyte_cli.main import app

@app.command("say")
def say(text: str, as_json: bool = False) -> None:
    record({"text": text}) if as_json else console().print(text)

entry.main()
"""
_ASKS = """
from hippolyte_cli import console, entry, main

@main.app.command("ask")
def ask() -> None:
    console.agree("Sure?", "say --yes")

entry.main()
"""
_FAILS = """
from hippolyte_cli import entry, main

@main.app.command("say")
def say() -> None:
    secret = "AKIASECRET"
    raise RuntimeError("unforeseen")

entry.main()
"""
# as it comes while modules are imported
_STOPPED = """
import builtins, sys
from hippolyte_cli import entry
whole = builtins.__import__
def stopped(name, *more, **others):
    if name.startswith("botocore"):
        raise KeyboardInterrupt
    return whole(name, *more, **others)
builtins.__import__ = stopped
entry.main()
"""


def started(
    program: str, *arguments: str, encoding: str = "utf-8", closed: str = ""
) -> tuple[int, bytes, bytes]:
    """Run it; `closed`: as a shell closes one of its streams."""
    paths = os.pathsep.join([str(ROOT / "lambda"), str(ROOT / "cli")])
    environment = os.environ | {"PYTHONPATH": paths, "PYTHONIOENCODING": encoding}
    done = subprocess.run(
        ["sh", "-c", f'exec "$@" {closed}', "sh", sys.executable, "-c", program, *arguments],
        capture_output=True,
        check=False,
        env=environment,
    )
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "cp437"])
def test_what_a_console_cannot_show_is_replaced(encoding: str) -> None:
    code, said, trouble = started(_SAYS, "say", f"a{ODD}b", encoding=encoding)
    assert (code, said.split()) == (0, [b"a??b"]), trouble
    # for programs it stays what it is
    code, said, _ = started(_SAYS, "say", f"a{ODD}b", "--as-json", encoding=encoding)
    assert (code, json.loads(said)) == (0, {"text": f"a{ODD}b"})


@pytest.mark.parametrize(("closed", "told"), [(">&-", b""), ("2>&-", b"words"), (">&- 2>&-", b"")])
def test_a_stream_that_is_closed_is_told_nothing_and_ends_no_verb(closed: str, told: bytes) -> None:
    code, said, trouble = started(_SAYS, "say", "words", closed=closed)
    assert (code, said.strip(), trouble) == (0, told, b"")


@pytest.mark.parametrize("closed", ["<&-", "</dev/null", "<&- >&- 2>&-"])
def test_who_cannot_answer_a_question_has_not_said_yes(closed: str) -> None:
    code, _, trouble = started(_ASKS, "ask", closed=closed)
    assert code == 2
    assert b"say --yes" in trouble or "2>&-" in closed
    assert b"fault" not in trouble


@pytest.mark.parametrize(
    ("typed", "code"), [(b"y\n", 0), (b"n\n", 2), (b"\n", 2), (b"\x04", 2), (b"\x03", 130)]
)
def test_a_person_who_does_not_say_yes_has_one_exit_code(typed: bytes, code: int) -> None:
    """At a terminal: by a word, by nothing, by the end of input; ctrl-c has its own."""
    master, slave = pty.openpty()
    paths = os.pathsep.join([str(ROOT / "lambda"), str(ROOT / "cli")])
    # whoever runs these tests in the background has ctrl-c ignored, by all that they start
    around = ["env", "--default-signal=INT", "setsid", "--ctty"]
    with subprocess.Popen(
        [*around, sys.executable, "-c", _ASKS, "ask"],
        stdin=slave,
        stdout=subprocess.DEVNULL,
        stderr=slave,
        env=os.environ | {"PYTHONPATH": paths},
    ) as asked:
        os.close(slave)
        said = b""
        while b"Sure?" not in said:
            said += os.read(master, 1024)
        os.write(master, typed)
        try:
            assert asked.wait(60) == code
        finally:
            asked.kill()
    os.close(master)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="of Linux")
def test_what_has_no_room_for_its_words_is_told() -> None:
    code, _, trouble = started(_SAYS, "--help", closed=">/dev/full")
    assert code == 2
    assert trouble.strip() == b"Error: [Errno 28] No space left on device"
    assert started(_SAYS, "--help", closed=">/dev/full 2>/dev/full")[0] != 0


@pytest.mark.parametrize("none", ["0", "00", ""])
def test_a_terminal_of_no_width_is_one_of_a_width_that_nobody_knows(
    monkeypatch: pytest.MonkeyPatch, none: str
) -> None:
    """As in a container whose terminal was not measured."""
    monkeypatch.setenv("COLUMNS", none)
    monkeypatch.setenv("LINES", none)
    _, said, _ = started(_SAYS, "release", "--help")
    assert b"--dry-run" in said


def test_ctrl_c_while_it_starts_ends_it_quietly() -> None:
    assert started(_STOPPED, "list") == (130, b"", b"")


def test_a_fault_of_its_own_has_a_code_that_means_nothing_else() -> None:
    code, said, trouble = started(_FAILS, "say")
    assert (code, said) == (70, b"")
    assert b"RuntimeError: unforeseen" in trouble
    # variables may hold credentials
    assert b"AKIASECRET" not in trouble.replace(b'secret = "AKIASECRET"', b"")


def test_what_is_installed_begins_there() -> None:
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert 'hippolyte = "hippolyte_cli.entry:main"' in text
