"""What EMR says of a pipeline's cluster and its steps, asked once a poll; how a step is read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hippolyte.engines.emr_calls import ENDED, EmrCalls, Status, Step
from hippolyte.engines.export_job import export_id, log_uri

if TYPE_CHECKING:
    from mypy_boto3_emr import EMRClient

    from hippolyte.settings import Settings


class ClusterView:
    """A pipeline's cluster and its steps, the newest first.

    A job's step has the job's id and then `_` in its name. `gone_if_unknown`: a cluster that
    EMR does not know, or that has no id yet, will not come any more.
    """

    def __init__(
        self, calls: EmrCalls, emr: EMRClient, cluster_id: str | None, *, gone_if_unknown: bool
    ) -> None:
        self.cluster_id = cluster_id
        self.failure = ""
        self.status: Status = {}
        self.steps: list[Step] = []
        self.gone = gone_if_unknown
        status = calls.described(emr, cluster_id) if cluster_id else None
        if status is None or cluster_id is None:
            return
        self.status = status
        self.steps = calls.all_steps(emr, cluster_id)
        self.gone = status["State"] in ENDED

    @property
    def reason(self) -> str:
        """Why it ends or has ended, in EMR's words."""
        return end_reason(self.status)

    def step(self, number: int) -> Step | None:
        """Return a job's newest step."""
        name = f"{export_id(number)}_"
        return next((s for s in self.steps if name in s["Name"]), None)

    def log(self, settings: Settings, step: Step | None) -> str:
        """Return where a step's logs are; empty without a step."""
        return step_log(settings, self.cluster_id, step) if step else ""


def end_reason(status: Status) -> str:
    """Return why a cluster ends or has ended: code, message, and codes and texts of details.

    API, ClusterStateChangeReason and ErrorDetail; empty while it lives.
    """
    change = status.get("StateChangeReason", {})
    if not status.get("State", "").startswith("TERMINAT"):
        return ""
    said = [change.get("Code", ""), change.get("Message", "no reason given")]
    for detail in status.get("ErrorDetails", []):
        texts = (detail.get("ErrorCode", ""), detail.get("ErrorMessage", ""))
        said += [text for text in texts if text not in said]
    return ": ".join(text for text in said if text)


def step_log(settings: Settings, cluster_id: str | None, step: Step) -> str:
    """Return where a step's logs are."""
    return f"{log_uri(settings)}{cluster_id}/steps/{step['Id']}/"


def step_time(step: Step | None, name: str) -> str | None:
    """Return one of a step's times, StartDateTime or EndDateTime, if it has come to it."""
    moment = step["Status"].get("Timeline", {}).get(name) if step else None
    return moment.isoformat() if moment else None
