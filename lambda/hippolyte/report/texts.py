"""Figures and texts as people read them, and as HTML takes them: all that is data is escaped."""

from __future__ import annotations

import re
from collections.abc import Iterable
from html import escape

from hippolyte.words import count_of as count_of

# neither XML nor UTF-8 takes them, or nobody sees them: what turns the order of letters around
# would make a name look like another one (Unicode, UAX #9: the explicit formatting characters),
# and so would what is not drawn (DerivedCoreProperties, Default_Ignorable_Code_Point, but for the
# selectors of an emoji's form)
_UNPRINTABLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f"
    "\u200b-\u200f\u2028-\u202e\u2060-\u206f\u2800\u3164\ud800-\udfff\ufeff\uffa0\ufff0-\uffff"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
# a text of a service may be long; report.json has all of it
LONG = 600


def plain(text: str, length: int = LONG) -> str:
    """Return a text that is data for a mail or a terminal; cut it if it is too long."""
    cut = text if len(text) <= length else text[: length - 1] + "…"
    return _UNPRINTABLE.sub("\N{REPLACEMENT CHARACTER}", cut)


def a_line(text: str, length: int = 300) -> str:
    """Return a text that is data as a part of one line."""
    return plain(" ".join(text.split()), length)


def shown(text: str, length: int = LONG) -> str:
    """Escape a text that is data; cut it if it is too long for its place, or would burst a page."""
    return escape(plain(text, length))


def named(name: str, length: int = LONG) -> str:
    """Return a name for HTML: letters of right-to-left scripts in it move nothing beside it."""
    return shown(name, length) if name.isascii() else f"<bdi>{shown(name, length)}</bdi>"


def duration(seconds: float | None) -> str:
    """Return a duration as people say it: `45 s`, `12 min`, `2 h 05`."""
    if seconds is None:
        return "-"
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d}"


def size(count: float) -> str:
    """Return a number of bytes as people say it: `512 B`, `1.5 GiB`."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if count < 1024:
            return f"{count:.0f} B" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1024
    return f"{count:.1f} TiB"


def ago(days: float) -> str:
    """Return an age as people say it: `5 hours ago`, `1 day ago`, `12 days ago`."""
    if days < 1 / 24:
        return "less than an hour ago"
    if days < 1:
        return f"{count_of(round(days * 24), 'hour')} ago"
    return f"{count_of(round(days), 'day')} ago"


def change(before: float | None, now: float | None) -> str:
    """Return how a figure changed: `+8 %`, `-50 %`, `0 %`; empty if that cannot be said."""
    if not before or now is None:
        return ""
    percent = round((now - before) * 100 / before)
    return f"{percent:+,} %" if percent else "0 %"


def section(title: str, rows: Iterable[str], most: int) -> list[str]:
    """Return the lines of a message's section, at most so many rows of it; none without rows."""
    rows = list(rows)
    if not rows:
        return []
    more = len(rows) - most
    named = [f"  - {row}" for row in rows[:most]]
    return [f"{title}:", *named, *([f"  and {more:,} more"] if more > 0 else []), ""]
