"""The Data Pipeline engine: a pipeline a batch, ONDEMAND, followed by its instances.

States and fields: AWS Data Pipeline Developer Guide, "Pipeline status codes". The pipeline's own
state is not trusted; unknown instance states count as not terminal, bounded by the deadline.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from hippolyte import clock
from hippolyte.engines.cluster import ClusterView, step_time
from hippolyte.engines.datapipeline_definition import (
    TABLES_PER_PIPELINE,
    api_objects,
    definition,
    definition_error,
)
from hippolyte.engines.emr_calls import EmrCalls
from hippolyte.engines.engine import (
    BatchStatus,
    Handle,
    JobState,
    JobStatus,
    Launch,
    LimitError,
    may_be_taken,
    refusal,
)
from hippolyte.engines.export_job import batch_name, batch_tags, export_id
from hippolyte.errors import EngineError

if TYPE_CHECKING:
    from hippolyte.clients import Clients
    from hippolyte.settings import Settings

# DescribeObjects takes 25 ids by its documentation
_DESCRIBE_AT_ONCE = 25

_STATES = {
    "FINISHED": JobState.SUCCEEDED,
    "MARK_FINISHED": JobState.SUCCEEDED,
    "FAILED": JobState.FAILED,
    "CASCADE_FAILED": JobState.CANCELLED,
    "CANCELED": JobState.CANCELLED,
    "CANCELLED": JobState.CANCELLED,
    "TIMEDOUT": JobState.CANCELLED,
    "TIMEOUT": JobState.CANCELLED,
    "SKIPPED": JobState.CANCELLED,
    "RUNNING": JobState.RUNNING,
}
_OVER = frozenset({JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED})
_GONE = ("PipelineNotFoundException", "PipelineDeletedException")

Fields = dict[str, str]


@dataclass(frozen=True, slots=True)
class DataPipelineEngine:
    """Runs batches on Data Pipeline."""

    clients: Clients
    settings: Settings
    name: str = "datapipeline"
    tables_per_batch: int = TABLES_PER_PIPELINE
    ordered: bool = False
    raises_per_job: bool = False
    calls: EmrCalls = field(default_factory=EmrCalls)

    def prepare(self, launch: Launch) -> Handle:
        """Create the pipeline (same name and unique id: the same one) and put its definition.

        Raises:
            LimitError: a quota or the call rate is met.
            DefinitionError: the service found faults; the pipeline is deleted again.
            EngineError: the service refuses for any other reason.
        """
        pipeline = self._create(launch)
        try:
            answer = self.clients.datapipeline.put_pipeline_definition(
                pipelineId=pipeline,
                pipelineObjects=api_objects(definition(launch, self.settings, clock.now())),  # type: ignore[arg-type]
            )
        except ClientError as error:
            raise refusal("PutPipelineDefinition", error, {"pipeline": pipeline}) from error
        # faults come with HTTP 200
        if answer["errored"]:
            self.clean_up({"pipeline": pipeline})
            raise definition_error(answer.get("validationErrors", []))
        return {"pipeline": pipeline}

    def start(self, handle: Handle, launch: Launch) -> None:
        """Activate the pipeline; each activation of an ONDEMAND pipeline is one more run."""
        try:
            self.clients.datapipeline_once.activate_pipeline(pipelineId=handle["pipeline"])
        except ClientError as error:
            if may_be_taken(error):
                raise
            raise refusal("ActivatePipeline", error) from error

    def add(self, handle: Handle, launch: Launch, numbers: Sequence[int]) -> None:
        """Refuse: a running pipeline takes no further activity."""
        raise EngineError("Data Pipeline adds nothing to a running pipeline")

    def finish(self, handle: Handle) -> None:
        """Do nothing: a pipeline ends its cluster after its last activity."""

    def started(self, handle: Handle) -> bool:
        """Look whether the pipeline was ever activated."""
        try:
            answer = self.clients.datapipeline.describe_pipelines(pipelineIds=[handle["pipeline"]])
        except ClientError as error:
            if error.response["Error"]["Code"] in _GONE:
                return False
            raise
        fields = answer["pipelineDescriptionList"][0]["fields"]
        return any(f["key"] in ("@firstActivationTime", "@lastActivationTime") for f in fields)

    def poll(self, handle: Handle, jobs: int, doubt: Collection[int] = ()) -> BatchStatus:
        """Read the instances, and what EMR says of the cluster and its steps."""
        with suppress(LimitError):
            try:
                return self._look(handle, jobs)
            except ClientError as error:
                # at whichever call: another pass may delete it between two of them
                if error.response["Error"]["Code"] not in _GONE:
                    raise
                return self._without_pipeline(handle, jobs)
        return BatchStatus(host_id=handle.get("cluster"), asked=False)

    def _look(self, handle: Handle, jobs: int) -> BatchStatus:
        instances = self._instances(handle["pipeline"])
        if not instances and self._inactive(handle["pipeline"]):
            # ended before it had begun: no cluster will come
            return BatchStatus(gone=True, failure="deactivated before its cluster came")
        cluster = instances.get("Cluster", {})
        if cluster_id := cluster.get("@resourceId"):
            # kept in the ledger: the pipeline may be deleted by somebody
            handle["cluster"] = cluster_id
        view = self._view(handle.get("cluster"), cluster)
        if view.gone and any(
            _STATES.get(i.get("@status", "")) not in _OVER for i in instances.values()
        ):
            # what ended between the two looks ended well, or says why not
            instances = self._instances(handle["pipeline"])
            view.failure = _cluster_failure(instances.get("Cluster", {}), view)
        failed = [
            i["@headAttempt"]
            for i in instances.values()
            if _STATES.get(i.get("@status", "")) is JobState.FAILED and "@headAttempt" in i
        ]
        attempts = self._describe(handle["pipeline"], failed) if failed else {}
        statuses = {
            number: self._job(number, instances[export_id(number)], attempts, view)
            for number in range(jobs)
            if export_id(number) in instances
        }
        return BatchStatus(
            jobs=statuses,
            host_id=handle.get("cluster"),
            gone=view.gone,
            failure=view.failure,
            paused=any(i.get("@status") == "PAUSED" for i in instances.values()),
        )

    def cancel(self, handle: Handle) -> None:
        """Deactivate the pipeline, so that it starts nothing more, and terminate the cluster."""
        try:
            self.clients.datapipeline.deactivate_pipeline(
                pipelineId=handle["pipeline"], cancelActive=True
            )
        except ClientError as error:
            # gone, or in a state that cannot be deactivated: the cluster is what counts
            if error.response["Error"]["Code"] not in (*_GONE, "InvalidRequestException"):
                raise
        if cluster := handle.get("cluster"):
            self.clients.emr.terminate_job_flows(JobFlowIds=[cluster])

    def clean_up(self, handle: Handle) -> None:
        """Delete the pipeline: inactive ones are charged and count towards the quota."""
        try:
            self.clients.datapipeline.delete_pipeline(pipelineId=handle["pipeline"])
        except ClientError as error:
            if error.response["Error"]["Code"] not in _GONE:
                raise

    def _inactive(self, pipeline: str) -> bool:
        answer = self.clients.datapipeline.describe_pipelines(pipelineIds=[pipeline])
        fields = answer["pipelineDescriptionList"][0]["fields"]
        states = [f.get("stringValue") for f in fields if f["key"] == "@pipelineState"]
        return states == ["INACTIVE"]

    def _create(self, launch: Launch) -> str:
        tags = batch_tags(launch, self.settings, "datapipeline")
        name = batch_name(launch, self.settings)
        try:
            return self.clients.datapipeline.create_pipeline(
                name=name,
                uniqueId=name,
                description=f"{len(launch.jobs)} tables of {self.settings.account}",
                tags=[{"key": k, "value": v} for k, v in tags.items()],
            )["pipelineId"]
        except ClientError as error:
            raise refusal("CreatePipeline", error) from error

    def _instances(self, pipeline: str) -> dict[str, Fields]:
        """Return the fields of the newest instance of the cluster and of each activity."""
        pages = self.clients.datapipeline.get_paginator("query_objects").paginate(
            pipelineId=pipeline, sphere="INSTANCE"
        )
        wanted: dict[str, str] = {}
        for identifier in sorted(i for page in pages for i in page["ids"]):
            component = identifier.removeprefix("@").rsplit("_", 1)[0]
            if component == "Cluster" or component.startswith("Export"):
                wanted[component] = identifier
        found = self._describe(pipeline, wanted.values())
        return {c: found[i] for c, i in wanted.items() if i in found}

    def _describe(self, pipeline: str, identifiers: Iterable[str]) -> dict[str, Fields]:
        found: dict[str, Fields] = {}
        ids = list(identifiers)
        paginator = self.clients.datapipeline.get_paginator("describe_objects")
        for first in range(0, len(ids), _DESCRIBE_AT_ONCE):
            chunk = ids[first : first + _DESCRIBE_AT_ONCE]
            for page in paginator.paginate(pipelineId=pipeline, objectIds=chunk):
                for entry in page["pipelineObjects"]:
                    found[entry["id"]] = {
                        f["key"]: f.get("stringValue", f.get("refValue", ""))
                        for f in entry["fields"]
                    }
        return found

    def _job(
        self, number: int, fields: Fields, attempts: Mapping[str, Fields], view: ClusterView
    ) -> JobStatus:
        state = _STATES.get(fields.get("@status", ""), JobState.WAITING)
        step = view.step(number)
        if state is JobState.RUNNING and step and step["Status"]["State"] == "PENDING":
            # picked up by the runner, not yet run by EMR
            state = JobState.WAITING
        attempt = attempts.get(fields.get("@headAttempt", ""), {})
        return JobStatus(
            state=state,
            # an activity that failed or was cancelled says nothing of its MapReduce job
            dead=state is JobState.SUCCEEDED or view.gone,
            error=_error(state, fields, attempt, view.failure),
            log=view.log(self.settings, step),
            started_at=step_time(step, "StartDateTime") or fields.get("@actualStartTime"),
            finished_at=fields.get("@actualEndTime") or fields.get("@finishedTime"),
        )

    def _without_pipeline(self, handle: Handle, jobs: int) -> BatchStatus:
        """Somebody deleted the pipeline: what is left of it is the cluster."""
        cluster = handle.get("cluster")
        view = self._view(cluster, {"@status": "CANCELED"})
        lost = JobStatus(JobState.CANCELLED, dead=view.gone, error="the pipeline was deleted")
        return BatchStatus(
            jobs=dict.fromkeys(range(jobs), lost),
            host_id=cluster,
            gone=view.gone,
            failure="the pipeline was deleted by somebody",
        )

    def _view(self, cluster_id: str | None, instance: Fields) -> ClusterView:
        over = _STATES.get(instance.get("@status", "")) in _OVER
        view = ClusterView(self.calls, self.clients.emr, cluster_id, gone_if_unknown=over)
        view.failure = _cluster_failure(instance, view)
        return view


def _error(state: JobState, fields: Fields, attempt: Fields, cluster_failure: str) -> str:
    if state not in (JobState.FAILED, JobState.CANCELLED):
        return ""
    parts = [
        cluster_failure if state is JobState.CANCELLED else "",
        attempt.get("errorId", ""),
        attempt.get("errorMessage") or fields.get("errorMessage", ""),
        fields.get("@failureReason", ""),
        fields.get("cancellationReason", ""),
        fields.get("@cascadeFailedOn", ""),
    ]
    return ": ".join(p for p in parts if p)[:1000] or f"the activity is {fields.get('@status')}"


def _cluster_failure(cluster: Fields, view: ClusterView) -> str:
    """Return why the cluster failed: the service's words, and EMR's, which they need not repeat."""
    status = cluster.get("@status", "")
    if _STATES.get(status) not in (JobState.FAILED, JobState.CANCELLED):
        return ""
    own = cluster.get("@failureReason", "" if view.reason else "no reason given")
    # EMR's code and message are last, and short
    texts = (f"cluster {status}", own[:600], view.reason and f"EMR: {view.reason}")
    return ": ".join(text for text in texts if text)[:1000]
