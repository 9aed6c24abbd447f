"""What one invocation works with, and the moves that all its parts share."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from hippolyte.clients import Clients
from hippolyte.engines.engine import Engine, LimitError
from hippolyte.leases.book import Leases
from hippolyte.leases.lease import Held
from hippolyte.planning.host import Host, host_of
from hippolyte.records.ledger import BatchEntry
from hippolyte.records.places import Places
from hippolyte.records.runs import Run, Runs
from hippolyte.settings import Settings
from hippolyte.store import Store

# work is left to the next invocation when less than this is left of the present one
_SPARE_SECONDS = 60.0

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class Pass:
    """One invocation at work. `me` is its id, `remaining` tells the seconds it has left."""

    settings: Settings
    clients: Clients
    store: Store
    runs: Runs
    leases: Leases
    places: Places
    # of the run at hand, see `follow`; before there is one, of the settings
    engine: Engine
    engines: Mapping[str, Engine]
    me: str
    remaining: Callable[[], float]
    # open leases by table, as last read or written
    held: dict[str, Held] = field(default_factory=dict)
    # tables that an earlier, still open run has not done with: read by both, twice the share
    taken: set[str] = field(default_factory=set)
    # tables that an export of another place's run reads: not to be lowered under it
    read_elsewhere: set[str] = field(default_factory=set)
    # what is open in places that were written to before, and which of those cannot be read
    elsewhere: list[str] = field(default_factory=list)
    unseen: list[str] = field(default_factory=list)
    # runs that were closed with exports that go on
    late: set[str] = field(default_factory=set)
    # the previous run's report, read when first needed
    previous: dict[str, Any] | None = None
    _definitions: tuple[str, dict[str, Any]] = ("", {})
    # what failed and must not keep the rest from its end; raised when the pass is over
    failures: list[Exception] = field(default_factory=list)

    @contextmanager
    def apart(self, what: str) -> Iterator[None]:
        """Keep an AWS call's failure, or a met rate, from ending the pass for all else."""
        try:
            yield
        except (ClientError, BotoCoreError, LimitError) as error:
            _log.exception("%s", what)
            self.failures.append(error)

    def follow(self, run: Run) -> None:
        """Go on with the engine a run was planned for."""
        self.engine = self.engines[run.plan.engine]

    def engine_of(self, batch: BatchEntry) -> Engine:
        """Return by which engine a batch of the run at hand is exported."""
        return self.engines[batch.engine] if batch.engine else self.engine

    @property
    def host(self) -> Host:
        """What runs the engine's exports."""
        return host_of(self.settings, self.engine.name)

    @property
    def time_is_short(self) -> bool:
        """Whether what is left to do belongs to the next invocation."""
        return self.remaining() < _SPARE_SECONDS

    def definitions(self, run: Run) -> dict[str, Any]:
        """Return the definitions of a run's tables, as they were when first asked for."""
        if self._definitions[0] != run.plan.run_id:
            self._definitions = run.plan.run_id, self.runs.definitions(run.plan.run_id)
        return self._definitions[1]

    def previous_tables(self, run: Run) -> dict[str, Any]:
        """Return the tables of the report of the night before; empty if there is none."""
        if self.previous is None:
            before = run.plan.previous_run
            self.previous = self.runs.report_before(before) if before else {}
        return dict(self.previous.get("tables", {}))
