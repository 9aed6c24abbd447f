"""The line of what is waited for: on stderr of a terminal, after a moment, and never in the way."""

from __future__ import annotations

import io
import os
import re
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from hippolyte.errors import ConfigurationError
from hippolyte_cli import console, follow, waiting
from hippolyte_cli.verb import verb
from hippolyte_cli.waiting import away, waits, working

Seen = Callable[[], str]

# what wipes a line, and shows the cursor again
_WIPED, _CURSOR = "\x1b[2K", "\x1b[?25h"


@contextmanager
def terminal(monkeypatch: pytest.MonkeyPatch, delay: float = 0.05) -> Iterator[Seen]:
    """Have stdout and stderr be one terminal; what is yielded returns what came there since."""
    for name in ("NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr(waiting, "_DELAY", delay)
    monkeypatch.setattr(waiting, "_EACH_LOOK", 0.01)
    ours, theirs = os.openpty()
    os.set_blocking(ours, False)

    def seen() -> str:
        said = b""
        while True:
            try:
                more = os.read(ours, 1 << 16)
            except BlockingIOError:
                return said.decode()
            said += more

    with os.fdopen(theirs, "w", buffering=1) as stream, monkeypatch.context() as patched:
        patched.setattr(sys, "stdout", stream)
        patched.setattr(sys, "stderr", stream)
        yield seen
    os.close(ours)


def until(seen: Seen, word: str) -> str:
    """Return what came until a word did, or within some seconds."""
    said, end = "", time.monotonic() + 10
    while word not in said and time.monotonic() < end:
        time.sleep(0.01)
        said += seen()
    return said


def test_it_comes_after_a_moment_and_goes_without_a_trace(monkeypatch: pytest.MonkeyPatch) -> None:
    with terminal(monkeypatch) as seen:
        with waits(quiet=False), working("reading the catalogue"):
            assert "reading the catalogue" in until(seen, "catalogue")
        *_, last = seen().split("reading the catalogue")
        assert _WIPED in last
        assert _CURSOR in last


def test_what_is_over_at_once_shows_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    with terminal(monkeypatch, delay=10) as seen:
        with waits(quiet=False), working("reading"):
            pass
        assert seen() == ""


def test_the_innermost_step_is_said_and_then_the_one_around_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with terminal(monkeypatch) as seen, waits(quiet=False):
        waiting.calls("asking s3: ListObjectsV2 backups")
        assert "asking s3: ListObjectsV2 backups" in until(seen, "backups")
        with working("restoring") as step:
            step("7 items of 9 [x]", 7, 9)
            said = until(seen, "of 9 [x]")
            assert "restoring: 7 items of 9 [x]" in said
            assert "━" in said
            with working("waiting for the table"):
                assert "waiting for the table" in until(seen, "the table")
            assert "restoring: 7 items" in until(seen, "restoring")


def test_of_two_steps_with_the_same_words_the_inner_ends_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with terminal(monkeypatch), waits(quiet=False), working("reading") as outer:
        with working("reading"):
            outer("2 of 3")
            assert waiting.shown() == "reading"
        assert waiting.shown() == "reading: 2 of 3"


def test_a_stream_that_is_closed_meanwhile_hides_not_how_it_ended(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def stop(seen: Seen) -> None:
        with waits(quiet=False), working("reading"):
            until(seen, "reading")
            sys.stderr.close()
            sys.exit(3)

    with terminal(monkeypatch) as seen, pytest.raises(SystemExit) as ended:
        stop(seen)
    assert ended.value.code == 3


def test_a_step_that_tells_nothing_says_how_long_it_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "_LONG", 0.0)
    with terminal(monkeypatch) as seen, waits(quiet=False), working("reading"):
        assert re.search(r"reading \(\d+ s\)", until(seen, " s)"))


def test_it_is_wiped_before_a_word_is_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    with terminal(monkeypatch) as seen, waits(quiet=False), working("reading"):
        said = until(seen, "reading")
        console.console().print("a table")
        said += until(seen, "a table")
        before, _, after = said.partition("a table")
        assert _WIPED in before.rpartition("reading")[2]
        assert "reading" not in after.split("\n")[0]
        # and it comes again
        assert "reading" in until(seen, "reading")


def test_it_is_gone_before_an_error_is_told_and_does_not_come_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with terminal(monkeypatch) as seen:
        said = []

        def fail() -> None:
            """Fail."""
            with working("reading"):
                said.append(until(seen, "reading"))
                raise ConfigurationError("no such place")

        with pytest.raises(typer.Exit):
            verb(fail)()
        before, _, after = f"{said[0]}{seen()}".partition("no such place")
        assert _WIPED in before.rpartition("reading")[2]
        assert "reading" not in after


def test_it_stays_away_while_a_person_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    with terminal(monkeypatch) as seen, waits(quiet=False), working("reading"):
        until(seen, "reading")
        with away():
            seen()
            time.sleep(0.3)
            assert seen() == ""
            assert waiting.shown() == ""
        assert waiting.shown() == "reading"


def test_a_run_that_is_drawn_while_it_is_followed_comes_to_its_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What draws by a thread of its own waits for the line, and who has the line for what draws."""
    drawn = iter(("25 %", "75 %"))
    reports = iter((None, None, {"run_id": "a night"}))
    monkeypatch.setattr(follow, "progress", lambda *_: "a run")
    monkeypatch.setattr(follow, "panel", lambda *_: next(drawn))
    monkeypatch.setattr(follow, "_too_late", lambda _: False)
    monkeypatch.setattr(follow, "text", lambda *_: "all is backed up")
    # longer than a thread that draws each second waits
    monkeypatch.setattr(follow, "_PAUSE_SECONDS", 1.5)
    runs = SimpleNamespace(report=lambda _: next(reports), url=lambda *_: "s3://backups")
    p: Any = SimpleNamespace(runs=runs)

    def followed() -> None:
        with waits(quiet=False):
            follow.follow(p, "a night", console.console())

    with terminal(monkeypatch) as seen:
        thread = threading.Thread(target=followed, daemon=True)
        thread.start()
        said = until(seen, "all is backed up")
        thread.join(10)
        assert not thread.is_alive()
    before, _, after = said.partition("75 %")
    assert "25 %" in before
    assert "all is backed up" in after


@pytest.mark.parametrize("name", ["--json", "a pipe", "a dumb terminal"])
def test_nothing_is_shown(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    piped = io.StringIO()
    with terminal(monkeypatch) as seen, monkeypatch.context() as patched:
        patched.setenv("FORCE_COLOR", "1")
        if name == "a pipe":
            patched.setattr(sys, "stderr", piped)
        if name == "a dumb terminal":
            patched.setenv("TERM", "dumb")
        with waits(quiet=name == "--json"), working("reading"):
            time.sleep(0.3)
        assert seen() == piped.getvalue() == ""


def test_where_nothing_is_drawn_a_long_step_has_a_line_now_and_then(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with working("restoring", console.console(stderr=True)) as step:
        step("1 item of 9 [x]", 1, 9)
        assert capsys.readouterr().err == ""
        monkeypatch.setattr(waiting, "_EACH_LINE", 0.0)
        step("2 items of 9 [x]", 2, 9)
        assert capsys.readouterr() == ("", "restoring: 2 items of 9 [x]\n")


def test_what_is_written_meanwhile_goes_where_it_is_to_go(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    with terminal(monkeypatch) as seen, out.open("w") as file, monkeypatch.context() as patched:
        patched.setattr(sys, "stdout", file)
        with waits(quiet=False), working("reading"):
            until(seen, "reading")
            sys.stdout.write("a line\n")
    assert out.read_text() == "a line\n"


def test_verbs_have_it_but_for_those_that_print_json(monkeypatch: pytest.MonkeyPatch) -> None:
    seen, app = [], typer.Typer()

    def look(as_json: bool = False) -> None:
        """Look."""
        seen.append(waiting.shown())

    app.command("look")(verb(look))
    monkeypatch.setattr(waiting, "moves", lambda _: True)
    for arguments in ([], ["--as-json"]):
        assert CliRunner().invoke(app, arguments).exit_code == 0
    assert seen == ["working", ""]
