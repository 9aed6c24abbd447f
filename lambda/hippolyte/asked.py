"""What the scheduler is asked for: a night by its schedule, or something by a person."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from typing import Any

from hippolyte.errors import ConfigurationError, RefusedError
from hippolyte.record_form import iso, when

_FORM = (
    'the scheduler takes {"run": "<the window\'s start, 2026-11-24T00:00:00Z>"'
    ', "delay_seconds": <by how much the delivery is late on purpose>}, '
    '{"run": "plan"} or {"run": "now"}, these two with "tables": ["<glob>", ...] for a part, '
    '"plan" with "what_if": [{"<setting>": ...}, ...] for other settings; or {"run": "check"}'
)
# keys of the schedules' own form, and of what AWS sends where no input is set
_OF_A_DELIVERY = ("delay_seconds", "detail-type", "source")
_PLACEHOLDERS = ("<aws.", "\\u003caws.")


@dataclass(frozen=True, slots=True)
class Asked:
    """What an event asks for.

    Attributes:
        start: of the window; of a whole night to the minute, of a part to the second.
        by_hand: it is for now, not for a time.
        plan_only: nothing is to be recorded or changed.
        tables: globs; none: the night.
        what_if: parts of the settings, each for another plan beside that by the settings.
    """

    start: datetime
    by_hand: bool = False
    plan_only: bool = False
    tables: tuple[str, ...] = ()
    what_if: tuple[dict[str, Any], ...] = ()


def is_delivery(event: object) -> bool:
    """Say whether an event is a schedule's, whose failure must ring an alarm.

    A schedule always says `delay_seconds`, which a person has no need of. What AWS sends where a
    schedule has no input, and a placeholder that was not filled in, are deliveries as well.
    """
    if not isinstance(event, dict):
        return False
    given = str(event.get("run", "")).startswith(_PLACEHOLDERS)
    return given or any(key in event for key in _OF_A_DELIVERY)


def read_event(event: object, now: datetime) -> Asked:
    """Return what an event asks for.

    Raises:
        RefusedError: it says no time and nothing else that is known; nothing is started by
            accident.
    """
    refused = f"refused the event {event!r}: "
    if not isinstance(event, dict):
        raise RefusedError(f"{refused}{_FORM}")
    run, tables, what_if = event.get("run"), event.get("tables"), event.get("what_if", [])
    known = {"run", "tables"} | ({"what_if"} if run == "plan" else set())
    if run in ("now", "plan") and set(event) <= known:
        if tables is not None and not _globs(tables):
            raise RefusedError(
                f'{refused}"tables" must be a list of globs over names, '
                'like ["orders", "users-*"]; leave it out for all'
            )
        if not isinstance(what_if, list) or not all(isinstance(one, dict) for one in what_if):
            raise RefusedError(
                f'{refused}"what_if" must be a list of parts of the settings, '
                'like [{"window_seconds": 18000}, {"planning": {"max_clusters": 20}}]'
            )
        part = tuple(tables or ())
        start = now.replace(microsecond=0) if part else now.replace(second=0, microsecond=0)
        return Asked(start, True, run == "plan", part, tuple(what_if))
    return Asked(_scheduled(event, refused, now))


def _scheduled(event: dict[str, Any], refused: str, now: datetime) -> datetime:
    """Return the start of the window that a delivery is about, to the minute."""
    run, delay = event.get("run"), event.get("delay_seconds", 0)
    unknown = set(event) - {"run", "delay_seconds"}
    if unknown or not isinstance(run, str) or isinstance(delay, bool) or not isinstance(delay, int):
        raise RefusedError(f"{refused}{_FORM}")
    if run == "now":
        return now.replace(second=0, microsecond=0)
    try:
        start = when(run) - timedelta(seconds=delay)
    except (ConfigurationError, OverflowError) as error:
        raise RefusedError(f"{refused}{_FORM}") from error
    if start > now + timedelta(minutes=5):
        raise RefusedError(f"{refused}{iso(start)} is to come")
    return start.replace(second=0, microsecond=0)


def refuse_unknown(globs: Iterable[str], names: Collection[str]) -> None:
    """Refuse globs that no table matches, with the names that come nearest.

    Raises:
        RefusedError: there is such a glob.
    """
    for glob in globs:
        if any(fnmatchcase(name, glob) for name in names):
            continue
        # seldom needed, and slow to load
        from difflib import get_close_matches

        near = get_close_matches(glob.strip("*?"), names, n=5, cutoff=0.6)
        meant = f"the nearest: {', '.join(near)}" if near else f"there are {len(names)} tables"
        raise RefusedError(
            f"no table matches {glob!r} ({meant}): names are matched whole and case-sensitively, "
            "* is any characters"
        )


def _globs(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(v, str) and v for v in value)
