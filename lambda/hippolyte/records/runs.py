"""A run's records on S3: the plan (written once), the ledger (compare-and-swap), the report."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import islice
from typing import Any, TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from hippolyte.errors import ConfigurationError, passes
from hippolyte.planning.plan import Identity, Plan
from hippolyte.record_form import known_form, when
from hippolyte.records.ledger import Ledger
from hippolyte.records.ledger_text import LedgerText
from hippolyte.settings import Settings
from hippolyte.store import Kept, Store, keep

# the monitor looks back this far for runs without a report
LOOK_BACK = timedelta(days=3)

# that are looked at for the last one with a report
_MOST_NIGHTS = 100

# of two runs: a night, and the one before or a part beside it
_MOST_KEPT = 4

_T = TypeVar("_T")

_log = logging.getLogger(__name__)

_RUN_ID = "%Y-%m-%dT%H-%MZ"
_PART_ID = "%Y-%m-%dT%H-%M-%SZ"


def start_of(run_id: str) -> datetime:
    """Return when the window of a run began.

    Raises:
        ConfigurationError: it is no run id.
    """
    try:
        form = _PART_ID if is_part(run_id) else _RUN_ID
        return datetime.strptime(run_id, form).replace(tzinfo=UTC)
    except ValueError as error:
        raise ConfigurationError(f"{run_id!r} is not a run id like 2026-11-24T00-00Z") from error


def is_part(run_id: str) -> bool:
    """Say whether a run is of some tables only: its id has seconds, see `window.part_id`."""
    return len(run_id) == len("2026-11-24T00-00-00Z")


def is_run(name: str) -> bool:
    """Say whether a name is a run's id."""
    try:
        start_of(name)
    except ConfigurationError:
        return False
    return True


def is_night(name: str) -> bool:
    """Say whether a name is the id of a night's run."""
    return is_run(name) and not is_part(name)


def is_open(names: set[str]) -> bool:
    """Say whether a run with these records has begun and is not closed."""
    return "plan.json" in names and "report.json" not in names


@dataclass(slots=True)
class Run:
    """One run: its plan, and its ledger with the etag it was read or written with."""

    plan: Plan
    ledger: Ledger
    etag: str
    # the ledger as it was last read or written
    saved: str
    text: LedgerText


def _as_read(plan: Plan, ledger: Ledger, etag: str) -> Run:
    text = LedgerText()
    return Run(plan, ledger, etag, text.of(ledger), text)


def _tables(record: Mapping[str, Any]) -> dict[str, Any]:
    return dict(record["tables"])


def _report(run_id: str, record: dict[str, Any]) -> dict[str, Any]:
    """Return a report whose rows the next night can be compared with."""
    with known_form("the report"):
        if record["run_id"] != run_id:
            raise ValueError(f"run_id is {record['run_id']!r}")
        for name, row in record["tables"].items():
            if not isinstance(row["last_items"], int | None):
                raise TypeError(f"last_items of {name} is {row['last_items']!r}")
            if not isinstance(row["verdict"], str | None):
                raise TypeError(f"verdict of {name} is {row['verdict']!r}")
            for time in filter(None, (row.get("last_good"), row.get("wanted_since"))):
                when(time)
    return record


# (bucket, key) -> what this process read, with its etag: nobody may change it
_read: Kept = {}
# and runs that its last invocation left as they are on record
_left: dict[tuple[str, str], Run] = {}


class Runs:
    """The runs of a deployment."""

    def __init__(self, store: Store, settings: Settings) -> None:
        self.store = store
        self.settings = settings
        # what is told of reports that were passed over
        self.unread: list[str] = []

    def key(self, run_id: str, name: str) -> str:
        """Return the key of one of a run's records."""
        return self.settings.place("runs", run_id, name)

    def url(self, run_id: str, name: str) -> str:
        """Return the address of one of a run's records."""
        return f"s3://{self.settings.bucket}/{self.key(run_id, name)}"

    def create(self, plan: Plan, definitions: Mapping[str, Any]) -> bool:
        """Record a plan, and first the tables' definitions; False if the run has a plan already."""
        self.store.put(self.key(plan.run_id, "tables.json"), {"tables": definitions})
        return self.store.create(self.key(plan.run_id, "plan.json"), plan.to_record()) is not None

    def open(self, run_id: str) -> Run | None:
        """Read a run, beginning its ledger if it has none; None if it has no plan.

        What this process has read or left, and nobody wrote since, is not read again.
        """
        plan = self._read(run_id, "plan.json", Plan.from_record)
        if plan is None:
            return None
        key = self.key(run_id, "ledger.json")
        left = _left.pop((self.store.bucket, key), None)
        before = (left.ledger, left.etag) if left else None
        read = self.store.read_as(key, Ledger.from_record, before)
        if read is None:
            run = _as_read(plan, Ledger.of_plan(plan), "")
            if etag := self.store.create(key, run.saved):
                run.etag = etag
                return run
            read = self.store.read_as(key, Ledger.from_record, None)
            if read is None:
                raise ConfigurationError(f"{self.url(run_id, 'ledger.json')} came and went")
        ledger, etag = read
        since = {name: Identity(**known) for name, known in ledger.identities.items()}
        plan = replace(plan, identities={**plan.identities, **since})
        if left and left.ledger is ledger:
            return replace(left, plan=plan)
        return _as_read(plan, ledger, etag)

    def save(self, run: Run) -> None:
        """Write the ledger if it changed; ConflictError if another invocation wrote it first."""
        now = run.text.of(run.ledger)
        if now != run.saved:
            key = self.key(run.plan.run_id, "ledger.json")
            run.etag = self.store.replace(key, now, run.etag)
            run.saved = now

    def leave(self, run: Run) -> None:
        """Keep a run for this process's next invocation, just saved: nobody else has it in hand."""
        place = self.store.bucket, self.key(run.plan.run_id, "ledger.json")
        keep(_left, place, run, _MOST_KEPT)

    def _read(self, run_id: str, name: str, form: Callable[[dict[str, Any]], _T]) -> _T | None:
        """Return a record that is hardly ever written again, as `form` makes it."""
        found = self.store.read_kept(self.key(run_id, name), form, _read, _MOST_KEPT)
        return found[0] if found else None

    def definitions(self, run_id: str) -> dict[str, Any]:
        """Return the tables' definitions (DescribeTable) as they were when the run began."""
        return self._read(run_id, "tables.json", _tables) or {}

    def add_definitions(self, run_id: str, definitions: Mapping[str, Any]) -> None:
        """Add definitions of tables described since; ConflictError if another adds some."""
        key = self.key(run_id, "tables.json")
        if found := self.store.read(key):
            tables = {**found[0]["tables"], **definitions}
            self.store.replace(key, {"tables": tables}, found[1])
        else:
            self.store.put(key, {"tables": dict(definitions)})

    def report(self, run_id: str) -> dict[str, Any] | None:
        """Return a run's report, None if it has none."""
        found = self.store.read(self.key(run_id, "report.json"))
        return found[0] if found else None

    def is_closed(self, run_id: str) -> bool:
        """Say whether a run has a report, be it one that cannot be read."""
        name = f"{run_id}/report.json"
        # all that comes after its name less a letter
        return next(self.store.names(self.settings.place("runs", ""), name[:-1]), "") == name

    def report_before(self, run_id: str) -> dict[str, Any]:
        """Return the report of a night before, `{}` if there is none that can be read.

        A night ends without it as well: then it is `unread`.
        """
        key = self.key(run_id, "report.json")
        try:
            found = self.store.read_as(key, partial(_report, run_id), None)
        except (ConfigurationError, ClientError) as error:
            if isinstance(error, ClientError) and passes(error):
                raise
            told = f"the report of {run_id} cannot be read, so nothing is compared with it: {error}"
            _log.warning("%s", told)
            self.unread.append(told)
            return {}
        return found[0] if found else {}

    def last_night(self, recent: Mapping[str, set[str]]) -> tuple[str | None, dict[str, Any]]:
        """Return the last night that was closed, and its report; (None, `{}`): there is none.

        After a pause it is none of the `recent` runs: then the names of all are listed, once, and
        the newest looked at. A report that cannot be read is passed over; of one that cannot be at
        this moment the night is returned alone.
        """
        for run in islice(self._nights(recent), _MOST_NIGHTS):
            try:
                if found := self.report_before(run):
                    return run, found
            except (ClientError, BotoCoreError) as error:
                _log.warning("the report of %s cannot be read now: %s", run, error)
                return run, {}
        return None, {}

    def _nights(self, recent: Mapping[str, set[str]]) -> Iterator[str]:
        """Yield nights that may have a report, the newest first."""
        closed = (run for run, names in recent.items() if "report.json" in names)
        yield from sorted(filter(is_night, closed), reverse=True)
        older = {*self.store.level(self.settings.place("runs", "")).below} - recent.keys()
        yield from sorted(filter(is_night, older), reverse=True)

    def close(self, run_id: str, report: Mapping[str, Any]) -> bool:
        """Write the report; False if there is one already. A run with a report is closed."""
        return self.store.create(self.key(run_id, "report.json"), report) is not None

    def write_page(self, run_id: str, page: str) -> None:
        """Write the report as a page for people; what it is made from stays the same."""
        self.store.s3.put_object(
            Bucket=self.settings.bucket,
            Key=self.key(run_id, "report.html"),
            Body=page.encode(),
            ContentType="text/html; charset=utf-8",
        )

    def recent(self, now: datetime) -> dict[str, set[str]]:
        """Return the runs of the last days: run id -> names of its records."""
        oldest = (now - LOOK_BACK).astimezone(UTC).strftime(_RUN_ID)
        found: dict[str, set[str]] = {}
        for name in self.store.names(self.settings.place("runs", ""), oldest):
            run_id, _, record = name.partition("/")
            if record:
                found.setdefault(run_id, set()).add(record)
        return found
