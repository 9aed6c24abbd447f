"""Schedule expressions of EventBridge Scheduler: cron(), rate(), at(), in a time zone.

EventBridge Scheduler user guide, schedule types: six cron fields; a local time that does not
exist on the day the clocks go forward is skipped, one that comes twice fires once.
"""

from __future__ import annotations

import calendar
import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_MONTHS = {name.upper(): n for n, name in enumerate(calendar.month_abbr) if n}
_DAYS = {"SUN": 1, "MON": 2, "TUE": 3, "WED": 4, "THU": 5, "FRI": 6, "SAT": 7}
_UNITS = {"minute": 60, "hour": 3600, "day": 86_400}
_YEARS = (1970, 2199)


class BadExpression(ValueError):
    """When an expression or a time zone is not one."""


@dataclass(frozen=True)
class Cron:
    """A cron expression: allowed values, and the day fields as written where they are special."""

    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    day_of_month: str
    months: frozenset[int]
    day_of_week: str
    years: frozenset[int]

    def is_day(self, day: date) -> bool:
        """Return whether the expression has times on `day`."""
        if day.year not in self.years or day.month not in self.months:
            return False
        if self.day_of_month != "?":
            return _is_day_of_month(self.day_of_month, day)
        return _is_day_of_week(self.day_of_week, day)


@dataclass(frozen=True)
class Rate:
    """Every so many seconds from the schedule's start."""

    seconds: int


@dataclass(frozen=True)
class Once:
    """One local time."""

    when: datetime


Expression = Cron | Rate | Once


def zone(name: str) -> ZoneInfo:
    """Return a time zone by its name."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise BadExpression(f"unknown time zone {name!r}") from error


@lru_cache(maxsize=256)
def parse(text: str) -> Expression:
    """Return what an expression means; raise BadExpression if it is none."""
    match = re.fullmatch(r"(cron|rate|at)\((.*)\)", text.strip())
    if match is None:
        raise BadExpression(f"Invalid Schedule Expression {text}.")
    kind, inner = match.groups()
    try:
        if kind == "rate":
            return _rate(inner)
        if kind == "at":
            return Once(datetime.strptime(inner, "%Y-%m-%dT%H:%M:%S"))  # noqa: DTZ007 - local
        return _cron(inner)
    except (ValueError, KeyError, IndexError) as error:
        raise BadExpression(f"Invalid Schedule Expression {text}.") from error


def _rate(inner: str) -> Rate:
    value, unit = inner.split()
    number = int(value)
    if number < 1 or unit.removesuffix("s") not in _UNITS:
        raise ValueError(inner)
    return Rate(number * _UNITS[unit.removesuffix("s")])


def _cron(inner: str) -> Cron:
    minutes, hours, day_of_month, months, day_of_week, years = inner.split()
    if (day_of_month == "?") == (day_of_week == "?"):
        raise ValueError("exactly one of day-of-month and day-of-week is ?")
    cron = Cron(
        tuple(sorted(_values(minutes, 0, 59))),
        tuple(sorted(_values(hours, 0, 23))),
        day_of_month.upper(),
        frozenset(_values(months, 1, 12, _MONTHS)),
        day_of_week.upper(),
        frozenset(_values(years, *_YEARS)),
    )
    # the day fields are read when used: read them once now
    _is_day_of_month(cron.day_of_month if cron.day_of_month != "?" else "1", date(2024, 1, 1))
    _is_day_of_week(cron.day_of_week if cron.day_of_week != "?" else "1", date(2024, 1, 1))
    return cron


def _values(text: str, low: int, high: int, names: dict[str, int] | None = None) -> set[int]:
    out: set[int] = set()
    for part in text.upper().split(","):
        base, _, step_text = part.partition("/")
        step = int(step_text) if step_text else 1
        if base == "*":
            first, last = low, high
        elif "-" in base:
            first, last = (_number(one, names) for one in base.split("-"))
        else:
            first = _number(base, names)
            last = high if step_text else first
        if not low <= first <= last <= high or step < 1:
            raise ValueError(part)
        out.update(range(first, last + 1, step))
    return out


def _number(text: str, names: dict[str, int] | None) -> int:
    return names[text] if names and text in names else int(text)


def _is_day_of_month(field: str, day: date) -> bool:
    last = calendar.monthrange(day.year, day.month)[1]
    if field == "L":
        return day.day == last
    if field.endswith("W"):
        return day.day == _nearest_weekday(day.year, day.month, int(field[:-1]), last)
    return day.day in _values(field, 1, 31)


def _nearest_weekday(year: int, month: int, wanted: int, last: int) -> int:
    if not 1 <= wanted <= 31:
        raise ValueError(wanted)
    wanted = min(wanted, last)
    weekday = date(year, month, wanted).weekday()
    if weekday == 5:
        return wanted - 1 if wanted > 1 else wanted + 2
    if weekday == 6:
        return wanted + 1 if wanted < last else wanted - 2
    return wanted


def _is_day_of_week(field: str, day: date) -> bool:
    today = day.isoweekday() % 7 + 1  # SUN is 1
    if field == "L":
        return today == 7
    if field.endswith("L"):
        last = calendar.monthrange(day.year, day.month)[1]
        return today == _number(field[:-1], _DAYS) and day.day > last - 7
    if "#" in field:
        name, number = field.split("#")
        return today == _number(name, _DAYS) and (day.day - 1) // 7 + 1 == int(number)
    return today in _values(field, 1, 7, _DAYS)


def next_time(
    expression: Expression, tz: ZoneInfo, after: datetime, start: datetime
) -> datetime | None:
    """Return the first time (UTC) later than `after`; a rate counts from `start`."""
    match expression:
        case Rate(seconds):
            passed = int((after - start).total_seconds() // seconds) + 1
            return start + timedelta(seconds=seconds * max(passed, 1))
        case Once(when):
            at = _utc(when, tz)
            return at if at is not None and at > after else None
        case Cron():
            return _next_cron(expression, tz, after)


def _next_cron(cron: Cron, tz: ZoneInfo, after: datetime) -> datetime | None:
    # from a day earlier: where clocks go back the local date may be one behind
    day = after.astimezone(tz).date() - timedelta(days=1)
    last_year = max(cron.years)
    while day.year <= last_year and day.year < after.year + 9:
        if cron.is_day(day):
            for hour in cron.hours:
                for minute in cron.minutes:
                    at = _utc(datetime(day.year, day.month, day.day, hour, minute), tz)  # noqa: DTZ001
                    if at is not None and at > after:
                        return at
        day += timedelta(days=1)
    return None


def _utc(local: datetime, tz: ZoneInfo) -> datetime | None:
    """Return a local time in UTC, None if clocks skip it; of two, the first."""
    at = local.replace(tzinfo=tz).astimezone(UTC)
    return at if at.astimezone(tz).replace(tzinfo=None) == local else None
