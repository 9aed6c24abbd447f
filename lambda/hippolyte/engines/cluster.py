"""What EMR says of a batch's cluster and its steps, asked once a poll; both engines look at it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from hippolyte.engines.export_job import export_id, log_uri

if TYPE_CHECKING:
    from hippolyte.clients import Clients
    from hippolyte.settings import Settings

Step = dict[str, Any]

_ENDED = ("TERMINATED", "TERMINATED_WITH_ERRORS")


class ClusterView:
    """A cluster and its steps, the newest first.

    A job's step has the job's id and then `mark` in its name. `gone_if_unknown`: a cluster that
    EMR does not know, or that has no id yet, will not come any more.
    """

    def __init__(
        self, clients: Clients, cluster_id: str | None, mark: str, *, gone_if_unknown: bool
    ) -> None:
        self.cluster_id = cluster_id
        self.mark = mark
        self.failure = ""
        self.status: Mapping[str, Any] = {}
        self.steps: list[Step] = []
        self.gone = gone_if_unknown
        if cluster_id is None:
            return
        try:
            cluster = clients.emr.describe_cluster(ClusterId=cluster_id)["Cluster"]
            pages = clients.emr.get_paginator("list_steps").paginate(ClusterId=cluster_id)
            self.steps = [dict(s) for page in pages for s in page["Steps"]]
        except ClientError as error:
            # clusters are forgotten after two months
            if error.response["Error"]["Code"] != "InvalidRequestException":
                raise
            return
        self.status = cluster["Status"]
        self.gone = self.status["State"] in _ENDED

    @property
    def reason(self) -> str:
        """Why it ends or has ended, in EMR's words: code, message, and codes and texts of details.

        API, ClusterStateChangeReason and ErrorDetail; empty while it lives.
        """
        change = self.status.get("StateChangeReason", {})
        if not self.status.get("State", "").startswith("TERMINAT"):
            return ""
        said = [change.get("Code", ""), change.get("Message", "no reason given")]
        for detail in self.status.get("ErrorDetails", []):
            texts = (detail.get("ErrorCode", ""), detail.get("ErrorMessage", ""))
            said += [text for text in texts if text not in said]
        return ": ".join(text for text in said if text)

    def named(self, number: int) -> list[Step]:
        """Return a job's steps, the newest first."""
        name = f"{export_id(number)}{self.mark}"
        return [s for s in self.steps if name in s["Name"]]

    def step(self, number: int) -> Step | None:
        """Return a job's newest step."""
        return next(iter(self.named(number)), None)

    def dead(self, named: Sequence[Step]) -> bool:
        """Say whether a job with these steps is certainly not reading any more.

        COMPLETED is an end: all Hadoop jobs of the step have succeeded (API, AddJobFlowSteps).
        CANCELLED, INTERRUPTED and FAILED end the step's client alone: the MapReduce job that it
        watched lives on under YARN until its cluster is gone.
        """
        return self.gone or all(s["Status"]["State"] == "COMPLETED" for s in named)

    def log(self, settings: Settings, step: Step | None) -> str:
        """Return where a step's logs are; empty without a step."""
        return f"{log_uri(settings)}{self.cluster_id}/steps/{step['Id']}/" if step else ""


def step_time(step: Step | None, name: str) -> str | None:
    """Return one of a step's times, StartDateTime or EndDateTime, if it has come to it."""
    moment = step["Status"].get("Timeline", {}).get(name) if step else None
    return moment.isoformat() if moment else None
