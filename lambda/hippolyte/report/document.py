"""The parts that pages are put together from: the document, tables, folds, figures as tiles."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape, unescape

from hippolyte.report.remedies import at
from hippolyte.report.script import SCRIPT
from hippolyte.report.style import STYLE
from hippolyte.report.texts import count_of, shown

_DIGEST = base64.b64encode(hashlib.sha256(SCRIPT.encode()).digest()).decode()
_POLICY = f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{_DIGEST}'"


@dataclass(frozen=True, slots=True)
class Column:
    """A table's column. `kind`: n, a figure; why, words; the first column names the row."""

    title: str
    kind: str = ""


def document(title: str, body: str, foot: str) -> str:
    """Return a page: one file that fetches nothing and runs nothing but its own script.

    The foot is what tells a whole page from one that was cut off.
    """
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f'<meta name="referrer" content="no-referrer">'
        f"<title>{shown(title)}</title><style>{STYLE}</style></head><body><main>{body}</main>"
        f'<footer id="end"><p class="muted">{escape(foot)}</p></footer>'
        f"<script>{SCRIPT}</script></body></html>\n"
    )


def link(address: str, words: str) -> str:
    """Return a link on words that are HTML already; the words alone if there is no address."""
    if not address:
        return words
    return f'<a href="{escape(address)}">{words}</a>'


def what_to_do(anchor: str, runbook: str | None) -> str:
    """Return where the runbook says what to do: a link, if it has an address."""
    entry = at(runbook, anchor)
    where = link(entry, f"the runbook, {anchor}") if runbook else f"<code>{escape(entry)}</code>"
    return f'<div class="do">What to do: {where}</div>'


def first_of(items: Sequence[str], most: int, noun: str) -> list[str]:
    """Return the first of a list's items, and the others behind a click."""
    more = len(items) - most
    if more <= 1:
        return list(items)
    summary = f"<summary>and {count_of(more, f'more {noun}')}</summary>"
    rest = "".join(items[most:])
    return [*items[:most], f"<li><details>{summary}<ul>{rest}</ul></details></li>"]


def table_of_rows(
    title: str, columns: Sequence[Column], rows: Iterable[Sequence[str]], key: str = "t"
) -> str:
    """Return a table under its title; each row has a cell of HTML for each column."""
    return f"<h2>{title}</h2>{table(columns, rows, key, title)}"


def fold(title: str, count: int, inside: str) -> str:
    """Return what is shown when a person opens it, under a title with a count."""
    return (
        f'<details class="fold"><summary><h2>{title} <span class="muted">{count:,}</span></h2>'
        f"</summary>{inside}</details>"
    )


def table(
    columns: Sequence[Column],
    rows: Iterable[Sequence[str]],
    key: str,
    label: str,
    places: str = "",
) -> str:
    """Return a table whose rows are cards on a phone; `key` tells it from others of the page.

    A column that says nothing of any row is left out. `places` is the address of what a row is
    named after, with a star for the name: the page's script gives it to names that are an `<a>`
    without one.
    """
    columns, rows = _saying(columns, list(rows))
    head = "".join(
        f'<th scope="col" class="{column.kind}">{column.title}</th>' for column in columns
    )
    # a header in a column of headers alone is its row's (HTML, "forming relationships")
    body = "".join(
        f"<tr><th>{first}</th>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>"
        for first, *cells in rows
    )
    data = f' data-places="{escape(places)}"' if places else ""
    return (
        f'{_style(columns, key)}<table class="rows {key}" aria-label="{label}"{data}>'
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    )


def _saying(
    columns: Sequence[Column], rows: Sequence[Sequence[str]]
) -> tuple[Sequence[Column], Sequence[Sequence[str]]]:
    kept = [n for n in range(len(columns)) if n == 0 or any(row[n] for row in rows)]
    return [columns[n] for n in kept], [[row[n] for n in kept] for row in rows]


def _style(columns: Sequence[Column], key: str) -> str:
    """Return how a table's columns look, and what a card says before each figure.

    Said once for a column, it is not said in every one of thousands of rows.
    """
    wide, cards = "", ""
    for number, column in enumerate(columns[1:], 1):
        cell = f".{key} td:nth-of-type({number})"
        if column.kind in ("n", "word"):
            # neither is cut, however long a table's name is
            wide += f"{cell}{{text-align:{'right' if column.kind == 'n' else 'left'};"
            wide += "white-space:nowrap}"
        if column.kind == "why":
            cards += f"{cell}{{display:block}}"
        elif column.title:
            cards += f'{cell}::before{{content:"{_quoted(column.title)} "}}'
    return f"<style>{wide}@media(max-width:700px){{{cards}}}</style>"


def _quoted(title: str) -> str:
    """Return a title for a style sheet: whatever it is, it ends neither string nor sheet."""
    return "".join(c if c.isascii() and c.isalnum() else f"\\{ord(c):x} " for c in unescape(title))
