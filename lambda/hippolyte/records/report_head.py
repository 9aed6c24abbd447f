"""The beginning of a report: what a night came to, without the rows of its tables.

A report's rows are its last member and nearly all of it, a megabyte with 900 tables. Whoever wants
thirty nights of several accounts reads their beginnings (GetObject with `Range`).
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hippolyte.record_form import VERSION, known_form, when
from hippolyte.verdicts import ALERTING_VERDICTS, Verdict

_BLANK = re.compile(r"[ \t\r\n]*")
_decode = json.JSONDecoder().raw_decode


@dataclass(frozen=True, slots=True)
class Head:
    """What a night came to, of a report's beginning.

    Attributes:
        run_id: the night's, as its place has it.
        deployment: the module's name; empty: the report does not say.
        discovered: how many tables it answers for.
        backed_up, not_backed_up: how many of them are, and how many are not though they should.
        alerts: what else a person must look at.
        left_raised: tables whose capacity was not given back when it was made.
        closed_at: ISO text; empty: the report does not say.
        bytes, items: of all backups together.
        cost_usd, storage_usd: estimates of the night, and of a month's storage (None: not known).
        window_seconds: 0: the report does not say.
    """

    run_id: str
    deployment: str
    discovered: int
    backed_up: int
    not_backed_up: int
    alerts: tuple[str, ...]
    left_raised: tuple[str, ...]
    closed_at: str
    bytes: int
    items: int
    cost_usd: float
    storage_usd: float | None
    window_seconds: int

    @property
    def needs_attention(self) -> bool:
        """Whether a person must act on it."""
        return bool(self.not_backed_up or self.alerts or self.left_raised)


def members(text: str) -> tuple[dict[str, Any], bool]:
    """Return the members of a JSON object as far as they are whole, and whether the object is.

    Raises:
        ValueError: the text begins no JSON object.
    """
    found: dict[str, Any] = {}
    at = _past(text, 0, "{")
    while True:
        try:
            name, at = _decode(text, _blank(text, at))
            value, at = _decode(text, _blank(text, _past(text, at, ":")))
            # a number may go on where the text ends: it is whole when something follows
            closing = text[_blank(text, at)]
        except (ValueError, IndexError):
            # also of an object without members, which is no report
            return found, False
        if not isinstance(name, str):
            raise ValueError(f"{name!r} is no member's name")
        found[name] = value
        if closing != ",":
            return found, closing == "}"
        at = _blank(text, at) + 1


def _blank(text: str, at: int) -> int:
    match = _BLANK.match(text, at)
    return match.end() if match else at


def _past(text: str, at: int, sign: str) -> int:
    at = _blank(text, at)
    if text[at : at + 1] != sign:
        raise ValueError(f"no {sign} at character {at}")
    return at + 1


def head_of(run_id: str, record: Mapping[str, Any]) -> Head:
    """Return a report's head; of older versions, which lack members, as far as they say it.

    Raises:
        ConfigurationError: a newer version wrote it, it is no report, or another night's.
    """
    with known_form("the report"):
        if int(record["version"]) > VERSION:
            raise ValueError(f"version {record['version']}, this one knows {VERSION}")
        if record.get("run_id", run_id) != run_id:
            raise ValueError(f"it is of run {record['run_id']!r}")
        if closed := record.get("closed_at") or "":
            when(closed)
        totals = {str(name): int(count) for name, count in dict(record["totals"]).items()}
        return Head(
            run_id=run_id,
            deployment=str(record.get("deployment", "")),
            discovered=int(record.get("discovered", sum(totals.values()))),
            backed_up=totals.get(Verdict.BACKED_UP.value, 0),
            not_backed_up=sum(totals.get(v.value, 0) for v in ALERTING_VERDICTS),
            alerts=_texts(record.get("alerts", ())),
            left_raised=_texts(record.get("left_raised", ())),
            closed_at=closed,
            bytes=int(record.get("bytes", 0)),
            items=int(record.get("items", 0)),
            cost_usd=_number(record.get("cost_usd")) or 0.0,
            storage_usd=_number(record.get("storage_usd")),
            window_seconds=int(record.get("window_seconds", 0)),
        )


def _texts(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list | tuple):
        raise TypeError(f"{value!r:.50} is no list")
    return tuple(map(str, value))


def _number(value: Any) -> float | None:
    if value is not None and not math.isfinite(value):
        # Python's JSON has NaN and Infinity, nobody else's
        raise ValueError(f"{value} is no amount")
    return None if value is None else float(value)
