"""What a bucket has on record of many deployments: reports and leases, read without changing any.

A deployment is an account and region below the bucket's prefix. What is asked of S3 grows with the
nights that are shown, not with tables: one listing a deployment, one read a night. What cannot be
read of one, or is none of ours, is said and hides nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from hippolyte.errors import ConfigurationError, HippolyteError, code_of
from hippolyte.record_form import when
from hippolyte.records.report_head import Head, head_of, members
from hippolyte.records.runs import is_night, start_of
from hippolyte.store import Store, is_packed

CALLS_AT_ONCE = 16
"""Connections that a client for this needs."""

# of a report of 900 tables the members before its rows are some 40 KB, most of it names of batches
_HEAD_BYTES = 65_536
_ACCOUNT = re.compile(r"[0-9]{12}")
_REGION = re.compile(r"[a-z]{2,}(-[a-z]+)+-[0-9]+")
# of a newest report that cannot be read the one before is read, and so on
_TRIED = 3
_OF_REPORTS = frozenset({"run_id", "partition", "bucket_region"})
_OF_ROWS = frozenset({"verdict", "reason", "last_good", "wanted_since", "finished_at", "replica"})
_JSON = ".json"
# of a lease (`leases.lease.LeaseState`, of a room above this one)
_STATES = ("intended", "raised", "lowering", "released")

_T = TypeVar("_T")
_R = TypeVar("_R")
_UNREADABLE = (
    *(HippolyteError, ClientError, BotoCoreError),
    # of what is JSON and no report of ours
    *(ValueError, TypeError, AttributeError, OverflowError, RecursionError),
)


@dataclass(frozen=True, slots=True, order=True)
class Home:
    """An account and region whose tables are kept.

    `prefix`: of the bucket's, if it is not the records' first: tells two of one account apart.
    """

    account: str
    region: str
    prefix: str = ""

    def __str__(self) -> str:
        """Return it as a person reads it."""
        return f"{self.account} {self.region}" + (f" {self.prefix}/" if self.prefix else "")


@dataclass(frozen=True, slots=True)
class Night:
    """A run on record: its report's head, or why there is none to be read; neither: no report."""

    run_id: str
    head: Head | None = None
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class Kept:
    """What is on record of a deployment.

    Attributes:
        nights: newest first, as many as were asked for.
        first_run: the oldest night that is on record, of all; empty: there is none.
        since: when the oldest of its other records was written; None: there is none.
        report: of the newest report that can be read, what is told of its tables; empty: none can.
        raised: tables whose lease is open, or cannot be read.
        unreadable: those of the latter.
        trouble: why not all is known.
    """

    home: Home
    nights: tuple[Night, ...] = ()
    first_run: str = ""
    since: datetime | None = None
    report: Mapping[str, Any] = field(default_factory=dict)
    raised: tuple[str, ...] = ()
    unreadable: frozenset[str] = frozenset()
    trouble: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Records:
    """The records of a bucket, below a prefix or several.

    `store`'s client has `CALLS_AT_ONCE` connections.
    """

    store: Store
    prefix: str = ""
    more: tuple[str, ...] = ()

    @classmethod
    def below(cls, store: Store, prefixes: Iterable[str]) -> Records:
        """Return those below each of some prefixes; without any, of the bucket as it is."""
        # a bucket's own, if it is among them, has no name to tell it by
        first, *more = sorted({*prefixes}) or [""]
        return cls(store, first, tuple(more))

    @property
    def place(self) -> str:
        """Where they are, as a person reads it."""
        below = [self.prefix, *(f"{prefix}/" for prefix in self.more)]
        return f"s3://{self.store.bucket}/{' and '.join(below)}"

    def homes(self) -> list[Home]:
        """Return the accounts and regions that have runs; what else is called so is left aside.

        An account whose regions cannot be listed is there without one: `read` says why.
        """
        accounts = [
            Home(name, "", prefix)
            for prefix in ("", *self.more)
            for name in self._below(prefix, "runs")
            if _ACCOUNT.fullmatch(name)
        ]
        return sorted(home for found in self._each(self._regions, accounts) for home in found)

    def _regions(self, account: Home) -> list[Home]:
        try:
            below = self._below(account.prefix, "runs", account.account)
        except ClientError:
            return [account]
        return [replace(account, region=name) for name in below if _REGION.fullmatch(name)]

    def read(self, homes: Iterable[Home], oldest: datetime) -> list[Kept]:
        """Return what is on record of deployments, with the nights that began since `oldest`."""
        kept = self._each(lambda home: self._newest(home, oldest), homes)
        wanted = [(one.home, night) for one in kept for night in one.nights]
        heads = iter(self._each(lambda pair: self._night(*pair), wanted))
        kept = [replace(one, nights=tuple(next(heads) for _ in one.nights)) for one in kept]
        return self._with_leases(kept)

    def _newest(self, home: Home, oldest: datetime) -> Kept:
        """Return a deployment's nights, not read yet but for those up to the newest report."""
        try:
            level = self.store.level(self.key("runs", home, ""))
        except (ClientError, BotoCoreError) as error:
            return Kept(home, trouble=(f"its runs cannot be listed: {error}",))
        runs = sorted(filter(is_night, level.below), key=start_of, reverse=True)
        kept = Kept(
            home,
            tuple(Night(run) for run in runs if start_of(run) >= oldest),
            runs[-1] if runs else "",
            min(level.written.values(), default=None),
        )
        nights = list(kept.nights)
        for number, night in enumerate(nights[:_TRIED]):
            report, nights[number] = self.whole(home, night.run_id)
            if report:
                return replace(kept, nights=tuple(nights), report=_slim(report))
        return replace(kept, nights=tuple(nights))

    def whole(self, home: Home, run: str) -> tuple[Mapping[str, Any], Night]:
        """Return a night's report, empty if it has none that can be read, and the night."""
        try:
            found = self.store.read(self.key("runs", home, run, "report.json"))
            if found is None:
                return {}, Night(run)
            return found[0], Night(run, head_of(run, found[0]))
        except _UNREADABLE as error:
            return {}, Night(run, trouble=str(error))

    def _night(self, home: Home, night: Night) -> Night:
        if night.head or night.trouble:
            return night
        key = self.key("runs", home, night.run_id, "report.json")
        try:
            found = self._beginning(key)
            if found is None:
                return night
            record, whole = found
            if not whole and "left_raised" not in record:
                return self.whole(home, night.run_id)[1]
            return replace(night, head=head_of(night.run_id, record))
        except _UNREADABLE as error:
            return replace(night, trouble=str(error))

    def _beginning(self, key: str) -> tuple[dict[str, Any], bool] | None:
        """Return the first members of a record, and whether they are all; None if it is not there.

        Raises:
            ConfigurationError: all of it was read, and it is not whole.
        """
        try:
            answer = self.store.s3.get_object(
                Bucket=self.store.bucket, Key=key, Range=f"bytes=0-{_HEAD_BYTES - 1}"
            )
        except ClientError as error:
            if code_of(error) in ("NoSuchKey", "404"):
                return None
            if code_of(error) == "InvalidRange":
                raise ConfigurationError(f"{key} is empty") from error
            raise
        size = int(answer.get("ContentRange", "").rpartition("/")[2] or answer["ContentLength"])
        body = answer["Body"].read()
        if is_packed(body):
            return {}, False
        record, whole = members(body.decode(errors="replace"))
        if size <= len(body) and not whole:
            raise ConfigurationError(f"{key} is cut short, after {size:,} bytes")
        return record, whole

    def _with_leases(self, kept: list[Kept]) -> list[Kept]:
        """Look which leases are open, among those written since the last report or left in one."""
        found = self._each(self._suspects, kept)
        pairs = [
            (one.home, name)
            for one, names in zip(kept, found, strict=True)
            if not isinstance(names, str)
            for name in names
        ]
        states = dict(zip(pairs, self._each(lambda pair: self._is_open(*pair), pairs), strict=True))
        return [
            replace(one, trouble=(*one.trouble, names))
            if isinstance(names, str)
            else replace(
                one,
                raised=tuple(n for n in names if states[one.home, n] is not False),
                unreadable=frozenset(n for n in names if states[one.home, n] is None),
            )
            for one, names in zip(kept, found, strict=True)
        ]

    def _suspects(self, kept: Kept) -> list[str] | str:
        """Return the tables whose lease may be open, or why that is not known."""
        try:
            written = self.store.level(self.key("leases", kept.home, "")).written
        except (ClientError, BotoCoreError) as error:
            return f"its leases cannot be listed: {error}"
        heads = [night.head for night in kept.nights if night.head]
        closed = max((head.closed_at for head in heads), default="")
        left = {table for head in heads for table in head.left_raised}
        tables = {n.removesuffix(_JSON): at for n, at in written.items() if n.endswith(_JSON)}
        return sorted(
            table
            for table, at in tables.items()
            if table in left or not closed or at > when(closed)
        )

    def _is_open(self, home: Home, table: str) -> bool | None:
        """Say whether a lease is open; None: it cannot be read, and counts as open."""
        try:
            found = self.store.read(self.key("leases", home, table + _JSON))
        except _UNREADABLE:
            return None
        state = found[0].get("state") if found else "released"
        return state != "released" if state in _STATES else None

    def key(self, kind: str, home: Home, *parts: str) -> str:
        """Return a key of a deployment's records."""
        return self._key(home.prefix, kind, home.account, home.region, *parts)

    def _key(self, prefix: str, *parts: str) -> str:
        below = prefix or self.prefix
        return "/".join([*([below] if below else []), *parts])

    def _below(self, prefix: str, *parts: str) -> list[str]:
        return self.store.level(self._key(prefix, *parts, "")).below

    def _each(self, work: Callable[[_T], _R], things: Iterable[_T]) -> list[_R]:
        with ThreadPoolExecutor(CALLS_AT_ONCE) as threads:
            return list(threads.map(work, things))


def _slim(report: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is told of many deployments' tables: the whole of sixty reports is a gigabyte."""
    tables = report.get("tables")
    rows = {
        name: {key: row[key] for key in _OF_ROWS & row.keys()}
        for name, row in (tables.items() if isinstance(tables, dict) else ())
        if isinstance(row, dict) and isinstance(row.get("verdict"), str)
    }
    return {**{key: report[key] for key in _OF_REPORTS & report.keys()}, "tables": rows}
