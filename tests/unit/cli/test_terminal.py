"""What is put on a terminal: broken between words, nothing cut; colours where they are wanted."""

from __future__ import annotations

import pytest
from rich.markup import escape
from rich.text import Text

from hippolyte_cli.terminal import broken, console, show_rows

PLACE = "s3://backups/backups/123456789012/us-east-1/orders/2026-11-24T00-00Z-1"
COLUMNS = ("table", "items", "why")
ROWS = [
    ("o" * 70, "7", "[red]read[/red] at its share of 1,000 units it does not fit the window"),
    ("users", "1,234,567", "it does"),
]


@pytest.fixture(autouse=True)
def _no_surroundings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE", "COLORTERM"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"FORCE_COLOR": "1", "TERM": "xterm-256color", "COLUMNS": "80"}.items():
        monkeypatch.setenv(name, value)


def test_a_long_word_stays_whole_on_a_line_of_its_own(
    terminal: None, capsys: pytest.CaptureFixture[str]
) -> None:
    console().print(f"The table is compared with what lies at {PLACE}, and that is all there is")
    assert capsys.readouterr().out.splitlines() == [
        "The table is compared with what lies at",
        f"{PLACE}, and that",
        "is all there is",
    ]


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("", [""]),
        ("a\n\nb", ["a", "", "b"]),
        ("  blanks   stay", ["  blanks   stay"]),
        ("x" * 30, ["x" * 30]),
        ("  " + "x" * 30, ["  " + "x" * 30]),
        ("one two three four five six", ["one two three four", "five six"]),
        # two columns each
        ("日本語 日本語 日本語 日本語", ["日本語 日本語", "日本語 日本語"]),
    ],
)
def test_lines_are_broken_between_words(text: str, lines: list[str]) -> None:
    assert [line.plain for line in broken(Text(text), 19)] == lines


def test_on_a_pipe_a_line_is_a_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    console().print(f"[red]Error:[/red] {'word ' * 100}{PLACE}")
    (line,) = capsys.readouterr().out.splitlines()
    assert "\x1b" not in line
    assert line.endswith(f"word {PLACE}")


def test_on_a_pipe_of_a_given_width_a_place_is_whole(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    console().print(f"{'word ' * 10}{PLACE}")
    lines = capsys.readouterr().out.splitlines()
    assert lines[-1] == PLACE
    assert max(map(len, lines[:-1])) <= 40


@pytest.mark.parametrize(("named", "coloured"), [({}, True), ({"NO_COLOR": "1"}, False)])
def test_no_color_takes_the_colours_away(
    named: dict[str, str],
    coloured: bool,
    terminal: None,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in named.items():
        monkeypatch.setenv(name, value)
    console().print("[red]DAMAGED[/red]")
    assert ("\x1b[31m" in capsys.readouterr().out) == coloured


def test_rows_that_fit_are_a_table(terminal: None, capsys: pytest.CaptureFixture[str]) -> None:
    show_rows(console(), COLUMNS, ROWS[1:], "Tables", ("items",), ("why",))
    out = capsys.readouterr().out
    assert "┃" in out
    assert all(cell in out for cell in ROWS[1])


def test_rows_that_do_not_are_paragraphs(
    terminal: None, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    show_rows(console(), COLUMNS, ROWS, "Tables", ("items",), ("why",))
    assert capsys.readouterr().out.splitlines() == [
        "Tables",
        "o" * 70,
        "  items 7",
        "  read at its share of 1,000 units it does not fit the window",
        "users",
        "  items 1,234,567",
        "  it does",
    ]


def test_rows_on_a_narrow_pipe_are_lines(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    show_rows(console(), COLUMNS, ROWS, numbers=("items",), prose=("why",))
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("o" * 70 + ": items 7, why read at its share")
    assert lines[1] == "users: items 1,234,567, why it does"


def test_colons_are_no_pictures(capsys: pytest.CaptureFixture[str]) -> None:
    console().print("pk=:smile:")
    assert capsys.readouterr().out == "pk=:smile:\n"


def test_what_a_terminal_would_obey_is_not_sent(
    terminal: None, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    evil = "a\x1b[2Jb\u202ec"
    console().print(Text(f"by {evil}"))
    show_rows(console(), COLUMNS, [("o" * 70, "7", escape(evil))], prose=("why",))
    show_rows(console(), COLUMNS, [("o", "7", escape(evil))], prose=("why",))
    out = capsys.readouterr().out
    assert out.count("a\N{REPLACEMENT CHARACTER}[2Jb\N{REPLACEMENT CHARACTER}c") == 3
    assert "\x1b[2J" not in out
    assert "\u202e" not in out
