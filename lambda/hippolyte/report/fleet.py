"""The nights of many deployments, judged: by deployment and date, and how the last one ended."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum

from hippolyte.records.homes import Home, Kept, Night, Records
from hippolyte.records.report_head import Head
from hippolyte.records.runs import start_of
from hippolyte.report.fleet_tables import Age, Bare, failed, nowhere, oldest

_DAY = timedelta(days=1)
_A_DAY = 86_400
# a night is planned minutes after its window's start; the catch-up comes 65 minutes later, and
# clocks that go back make a night begin an hour later than the one before
_LATE = timedelta(hours=2)
# clocks differ by minutes; a night that is to begin later than that is none of ours to judge
_AHEAD = timedelta(hours=1)
# as `overdue` has it
_UNCLOSED = timedelta(hours=1)
_NAMED = 3


class State(StrEnum):
    """How a night of a deployment stands."""

    GOOD = "good"
    LOOK = "to look at"  # all tables are backed up; an alert, or capacity that was left raised
    FAILED = "failed"  # tables are not backed up
    UNREADABLE = "unreadable"
    RUNNING = "running"
    UNCLOSED = "not closed"  # begun, and without a report an hour after its window
    MISSING = "missing"
    NONE = "none"  # before the first one, or not due yet


WRONG = frozenset({State.FAILED, State.UNREADABLE, State.UNCLOSED, State.MISSING})
"""Nights after which tables may have no new backup; `LOOK` is beside these."""


@dataclass(frozen=True, slots=True)
class Cell:
    """A deployment's night of a date."""

    state: State
    night: Night | None = None

    @property
    def head(self) -> Head | None:
        """What it came to, if that can be read."""
        return self.night.head if self.night else None


@dataclass(frozen=True, slots=True)
class Deployment:
    """One deployment.

    Attributes:
        cells: by the fleet's dates.
        last: the newest night that was due, or is there; one that runs hides not the one before.
        expected: a missing night of it is told.
        failed: tables that the newest readable report says are not backed up.
        oldest: those whose newest good backup is oldest.
        ahead: the newest night on record that is of the future; empty: none is.
    """

    kept: Kept
    cells: tuple[Cell, ...]
    last: Cell
    expected: bool
    failed: tuple[Bare, ...]
    oldest: tuple[Age, ...]
    ahead: str = ""

    @property
    def home(self) -> Home:
        """Its account and region."""
        return self.kept.home

    @property
    def heads(self) -> list[Head]:
        """What its nights came to, newest first, as far as they can be read."""
        return [night.head for night in self.kept.nights if night.head]

    @property
    def name(self) -> str:
        """The module's name, as its newest report says it."""
        return next((head.deployment for head in self.heads), "")

    @property
    def running(self) -> Night | None:
        """The night under way, if there is one."""
        newest = next((cell for cell in reversed(self.cells) if cell.state is not State.NONE), None)
        return newest.night if newest and newest.state is State.RUNNING else None

    @property
    def unnamed(self) -> int:
        """How many tables the last night failed that no row of its report tells of."""
        head = self.last.head
        return max(0, head.not_backed_up - len(self.failed)) if head else 0

    @property
    def cost_usd(self) -> float:
        """What the nights shown are estimated to have cost."""
        return sum(cell.head.cost_usd for cell in self.cells if cell.head)

    @property
    def storage_usd(self) -> float | None:
        """What a month's storage is estimated at; None: not known."""
        return next((h.storage_usd for h in self.heads if h.storage_usd is not None), None)

    @property
    def needs_attention(self) -> bool:
        """Whether a person must look at it."""
        if not self.expected:
            return bool(self.kept.raised or self.ahead)
        if self.ahead:
            return True
        alerts = self.last.head.alerts if self.last.head else ()
        return bool(self.last.state in WRONG or alerts or self.kept.raised or self.kept.trouble)


@dataclass(frozen=True, slots=True)
class Fleet:
    """All deployments of a bucket; `nowhere`: tables of which there is no backup, or none new."""

    at: datetime
    records: Records
    dates: tuple[date, ...]
    deployments: tuple[Deployment, ...]
    nowhere: tuple[Bare, ...]

    @property
    def place(self) -> str:
        """Where it was read, as a person reads it."""
        return self.records.place

    def folder(self, home: Home) -> str:
        """Return the address of the folder of a deployment's runs."""
        return f"s3://{self.records.store.bucket}/{self.records.key('runs', home)}"

    @property
    def uncopied(self) -> list[Bare]:
        """Replicas that are left out, and of which no deployment backs up another."""
        return [bare for bare in self.nowhere if bare.replica is not None]

    @property
    def needs_attention(self) -> bool:
        """Whether a person must look at any of it."""
        wrong = any(deployment.needs_attention for deployment in self.deployments)
        return bool(wrong or self.uncopied or not self.expected)

    @property
    def good(self) -> int:
        """How many last nights backed all tables up."""
        return sum(one.last.state in (State.GOOD, State.LOOK) for one in self.expected)

    @property
    def expected(self) -> list[Deployment]:
        """The deployments of which a night is due each day."""
        return [deployment for deployment in self.deployments if deployment.expected]


def look(
    records: Records,
    now: datetime,
    nights: int,
    seen_days: int,
    expected: Sequence[str] = (),
) -> Fleet:
    """Read and judge a bucket's deployments over so many nights.

    `expected`: accounts, or `<account>/<region>`, of which a night is due whatever is on record,
    below any of the prefixes; of others as long as they began one in the last `seen_days`.

    Raises:
        ClientError, BotoCoreError: the bucket cannot be listed.
    """
    dates = tuple(now.date() - _DAY * back for back in range(nights - 1, -1, -1))
    homes = records.homes()
    homes = sorted({*homes, *_unseen(expected, homes)})
    begin = datetime.combine(dates[0] - _DAY, time(), UTC)
    kept = records.read(homes, min(begin, now - _DAY * seen_days))
    deployments = tuple(_deployment(one, dates, now, seen_days, expected) for one in kept)
    heard = [one.kept for one in deployments if one.expected]
    return Fleet(now, records, dates, deployments, tuple(nowhere(heard)))


def _unseen(expected: Iterable[str], homes: Sequence[Home]) -> list[Home]:
    """Return the deployments that are expected and have nothing in the bucket."""
    accounts = {home.account for home in homes}
    seen = {f"{home.account} {home.region}" for home in homes}
    wanted = [Home(account, region) for account, _, region in (e.partition("/") for e in expected)]
    return [
        home
        for home in wanted
        if (str(home) not in seen if home.region else home.account not in accounts)
    ]


def _deployment(
    kept: Kept, dates: Sequence[date], now: datetime, seen_days: int, expected: Sequence[str]
) -> Deployment:
    kept, ahead = _past(kept, now)
    cells = _cells(kept, dates, now)
    due = [cell for cell in cells if cell.state is not State.NONE]
    over = [cell for cell in due if cell.state is not State.RUNNING]
    last = next(reversed(over or due), None)
    if last is None:
        # nothing is on record of it, or nothing but that it was deployed; or it cannot be listed
        new = kept.since is not None and now < kept.since + _DAY + _LATE
        last = Cell(State.NONE if new else State.MISSING)
    newest = start_of(kept.nights[0].run_id) if kept.nights else kept.since
    named = {kept.home.account, f"{kept.home.account}/{kept.home.region}"}
    silent = newest is not None and newest < now - _DAY * seen_days
    return Deployment(
        kept,
        tuple(cells),
        last,
        bool(named & set(expected)) or not (silent or _is_long_gone(kept)),
        tuple(failed(kept)),
        tuple(oldest(kept, now, _NAMED)),
        ahead,
    )


def _past(kept: Kept, now: datetime) -> tuple[Kept, str]:
    """Return a deployment without its nights of the future, and the newest of these."""
    begun = tuple(n for n in kept.nights if start_of(n.run_id) <= now + _AHEAD)
    if len(begun) == len(kept.nights):
        return kept, ""
    first = kept.first_run if start_of(kept.first_run) <= now + _AHEAD else ""
    return replace(kept, nights=begun, first_run=first), kept.nights[0].run_id


def _is_long_gone(kept: Kept) -> bool:
    return bool(kept.first_run and not kept.nights)


def _cells(kept: Kept, dates: Sequence[date], now: datetime) -> list[Cell]:
    if not kept.nights:
        return [Cell(State.NONE) for _ in dates]
    at = _time_of_day(start_of(kept.nights[0].run_id))
    # of two on a date the later one counts: it may have mended the first
    by_date = {_date(start_of(n.run_id), at): n for n in reversed(kept.nights)}
    first = _date(start_of(kept.first_run), at)
    window = next((n.head.window_seconds for n in kept.nights if n.head), 0)
    after = timedelta(seconds=min(window or _A_DAY, _A_DAY)) + _UNCLOSED
    cells = []
    for day in dates:
        due = datetime.combine(day, time(), UTC) + at + _LATE
        if night := by_date.get(day):
            cells.append(Cell(_state(night, now, after), night))
        else:
            is_missing = day >= first and due <= now
            cells.append(Cell(State.MISSING if is_missing else State.NONE))
    return cells


def _time_of_day(start: datetime) -> timedelta:
    return timedelta(hours=start.hour, minutes=start.minute)


def _date(start: datetime, at: timedelta) -> date:
    """Return the date of a night; one that clocks moved over midnight stays on its own."""
    try:
        return (start - at + _DAY / 2).date()
    except OverflowError:
        # what is called like a night of the year 1, or 9999
        return start.date()


def _state(night: Night, now: datetime, after: timedelta) -> State:
    if night.trouble:
        return State.UNREADABLE
    if night.head is None:
        return State.RUNNING if now < start_of(night.run_id) + after else State.UNCLOSED
    if night.head.not_backed_up:
        return State.FAILED
    return State.LOOK if night.head.needs_attention else State.GOOD
