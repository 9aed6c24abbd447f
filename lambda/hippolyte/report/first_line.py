"""The line that a phone shows: what, then which deployment, and of which night."""

from __future__ import annotations

from collections.abc import Sequence

FIRST_LINE = 60
"""Characters of a message's subject and first line at the most."""


def first_line(forms: Sequence[str], name: str, account: str, region: str, run_id: str = "") -> str:
    """Return the first of the `forms` that fits with its place, of at most 60 ASCII characters.

    Rather than words the date is left out, its year first; where even then the last form does not
    fit, the deployment's name is cut.
    """
    day, place = run_id[:10], f"{account} {region}"
    for words in forms:
        for date in (day, day[5:], ""):
            line = f"{words}: {name} {place} {date}".rstrip()
            if len(line) <= FIRST_LINE:
                return _ascii(line)
    room = FIRST_LINE - len(f"{forms[-1]}:  {place}")
    cut = f"{name[: room - 1]}~ " if room > 1 else ""
    return _ascii(f"{forms[-1]}: {cut}{place}"[:FIRST_LINE])


def _ascii(line: str) -> str:
    """Return a line as SNS takes it for a subject: no line feeds, nothing beyond ASCII."""
    plain = line.encode("ascii", "replace").decode()
    return "".join(letter if letter.isprintable() else "?" for letter in plain)
