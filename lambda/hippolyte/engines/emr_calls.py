"""What is asked of EMR, as seldom as its call rates want it, by one pass for all its batches.

Rates of an account (Service Quotas, EMR's defaults): ListSteps, RunJobFlow, AddJobFlowSteps and
TerminateJobFlows 10 at once and 0.5 a second each, DescribeCluster 10 and 1, ListClusters 20 and
0.5.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from hippolyte import clock
from hippolyte.engines.engine import LimitError
from hippolyte.errors import code_of, passes

if TYPE_CHECKING:
    from mypy_boto3_emr import EMRClient

Step = dict[str, Any]
Status = Mapping[str, Any]

IDS_AT_ONCE = 10
"""That ListSteps takes."""
STEPS_A_PAGE = 50
ENDED = ("TERMINATED", "TERMINATED_WITH_ERRORS")
_ALIVE = ["STARTING", "BOOTSTRAPPING", "RUNNING", "WAITING", "TERMINATING"]

# of a call with 10 and 0.5: half of what EMR lets through at once, then 0.4 a second, while a pass
# waits for so long
_AT_ONCE, _SECONDS_EACH, _MOST_WAIT = 5, 2.5, 60.0
# what was listed serves so long; far shorter than an intent's life less the time to carry it out
_FRESH = timedelta(seconds=60)
# after a refusal of its rate, or a fault of EMR's, a call is not made for so long: a pass's rest
_REST = timedelta(seconds=120)


@dataclass(slots=True)
class _Turns:
    """The turns of one call: some at once, then one after the other."""

    left: float = _AT_ONCE
    at: datetime | None = None
    waited: float = 0.0

    def refuse_beyond(self, calls: int) -> None:
        """Refuse what would take longer than a pass may wait."""
        self._refill()
        if self.waited + (calls - self.left) * _SECONDS_EACH > _MOST_WAIT:
            raise LimitError("this pass has asked it of EMR often enough")

    def wait(self) -> None:
        """Wait for a turn, and take it."""
        self.refuse_beyond(1)
        if (pause := (1 - self.left) * _SECONDS_EACH) > 0:
            time.sleep(pause)
            self.waited += pause
            self._refill()
        self.left -= 1

    def _refill(self) -> None:
        now = clock.now()
        passed = (now - self.at).total_seconds() if self.at else 0.0
        self.left = min(float(_AT_ONCE), self.left + max(0.0, passed) / _SECONDS_EACH)
        self.at = now


@dataclass(slots=True)
class EmrCalls:
    """The looks of one pass: what was listed, how many calls may still be made.

    All raise LimitError where the call rate is met, or what a pass may ask is used up, so that the
    rest is for the next pass.
    """

    _alive: dict[str, Status] = field(default_factory=dict)
    _alive_at: datetime | None = None
    # by name, of those created after `_named_from`
    _named: dict[str, str] = field(default_factory=dict)
    _named_at: datetime | None = None
    _named_from: datetime | None = None
    _turns: dict[str, _Turns] = field(default_factory=lambda: defaultdict(_Turns))
    # by call
    _busy_until: dict[str, datetime] = field(default_factory=dict)

    def status(self, emr: EMRClient, cluster_id: str) -> Status | None:
        """Return a cluster's status, of a minute ago at the most; None: EMR does not know it."""
        now = clock.now()
        if self._alive_at is None or now - self._alive_at > _FRESH:
            with self._unless_busy("ListClusters"):
                pages = emr.get_paginator("list_clusters").paginate(ClusterStates=_ALIVE)  # type: ignore[arg-type]
                self._alive = {c["Id"]: c["Status"] for page in pages for c in page["Clusters"]}
                self._alive_at = now
        # one that has ended, or is listed late
        return self._alive.get(cluster_id) or self.described(emr, cluster_id)

    def described(self, emr: EMRClient, cluster_id: str) -> Status | None:
        """Return a cluster's status as it is now."""
        try:
            with self._unless_busy("DescribeCluster"):
                self.wait_for_turn("DescribeCluster")
                return emr.describe_cluster(ClusterId=cluster_id)["Cluster"]["Status"]
        except ClientError as error:
            # clusters are forgotten after two months
            if code_of(error) != "InvalidRequestException":
                raise
            return None

    def named(self, emr: EMRClient, name: str, since: datetime) -> str | None:
        """Return the id of a cluster that was created after `since`, ended or not."""
        now = clock.now()
        old = self._named_at is None or now - self._named_at > _FRESH
        if old or self._named_from is None or since < self._named_from:
            with self._unless_busy("ListClusters"):
                pages = emr.get_paginator("list_clusters").paginate(CreatedAfter=since)
                found = [(c.get("Name", ""), c["Id"]) for p in pages for c in p["Clusters"]]
                # of two of one name the newest, which is listed first
                self._named = dict(reversed(found))
                self._named_at, self._named_from = now, since
        return self._named.get(name)

    def started(self, name: str, cluster_id: str | None) -> None:
        """Take note of a cluster that was started; without its id: that it may have been."""
        if cluster_id:
            self._named[name] = cluster_id
        else:
            self._named_at = None

    def all_steps(self, emr: EMRClient, cluster_id: str, expected: int = 1) -> list[Step]:
        """Return a cluster's steps, the newest first; not begun if too few calls are left."""
        self._turns["ListSteps"].refuse_beyond(-(-expected // STEPS_A_PAGE))
        found: dict[str, Step] = {}
        marker: dict[str, Any] = {}
        while True:
            page = self._list_steps(emr, ClusterId=cluster_id, **marker)
            # steps that come meanwhile shift the pages
            found.update({step["Id"]: step for step in page["Steps"]})
            if not page.get("Marker"):
                return list(found.values())
            marker = {"Marker": page["Marker"]}

    def steps(self, emr: EMRClient, cluster_id: str, ids: Sequence[str]) -> list[Step]:
        """Return steps by their ids, at most IDS_AT_ONCE."""
        return list(self._list_steps(emr, ClusterId=cluster_id, StepIds=list(ids))["Steps"])

    def wait_for_turn(self, call: str) -> None:
        """Wait until a call may be made."""
        self._turns[call].wait()

    def _list_steps(self, emr: EMRClient, **asked: Any) -> Any:
        with self._unless_busy("ListSteps"):
            self.wait_for_turn("ListSteps")
            return emr.list_steps(**asked)

    @contextmanager
    def _unless_busy(self, call: str) -> Iterator[None]:
        if clock.now() < self._busy_until.get(call, clock.now()):
            raise LimitError(f"{call} is not made again so soon after it failed")
        try:
            yield
        except ClientError as error:
            if passes(error):
                self._busy_until[call] = clock.now() + _REST
            if code_of(error).startswith("Throttl"):
                raise LimitError(f"{call}: {error}") from error
            raise
