"""A pipeline: its definition, its runs, its state."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from typing import Any

from local.core import aws
from local.datapipeline.objects import Instance, stamp, string_fields
from local.datapipeline.run import CANCEL_SECONDS, Run
from local.datapipeline.state import PipelineState
from local.datapipeline.validation import value

HEALTH_ERRORS = frozenset({"FAILED", "TIMEDOUT", "CANCELED", "CASCADE_FAILED"})


class Pipeline(PipelineState):
    """A pipeline of an account in a region."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.runs: list[Run] = []

    # --- life

    def activate(self) -> None:
        """Begin a run. Activating an on-demand pipeline again begins another."""
        now = self.world.clock.now().replace(microsecond=0)
        taken = {run.scheduled for run in self.runs}
        while now in taken:  # ids hold seconds: two runs of one second need two of them
            now += timedelta(seconds=1)
        self.last_activation = now
        self.first_activation = self.first_activation or now
        self.finished = None
        self.state = "ACTIVATING"
        self.runs.append(Run(self, now, self.run_over))

    @property
    def active(self) -> bool:
        """Whether a run goes on."""
        return any(not run.over for run in self.runs)

    def deactivate(self, *, cancel_active: bool) -> None:
        """Stop: DEACTIVATING at once, INACTIVE when all is still."""
        if self.state in {"INACTIVE", "FINISHED", "PENDING"}:
            return
        self.state = "DEACTIVATING"
        if not self.active:
            self.run_over()
        for run in self.runs:
            if not run.over and cancel_active:
                self._cancel_soon(run, "Cancelled by deactivation")
            elif not run.over:
                run.hold()

    def cancel(self) -> None:
        """Try to cancel what runs, as a deletion does."""
        for run in self.runs:
            if not run.over:
                self._cancel_soon(run, "Cancelled by deletion")

    def _cancel_soon(self, run: Run, reason: str) -> None:
        run.holding = True
        aws.later(self.world, CANCEL_SECONDS, lambda: run.cancel(reason))

    def run_over(self) -> None:
        """Take note that a run is over."""
        if self.active:
            return
        self.state = "INACTIVE" if self.state == "DEACTIVATING" else "FINISHED"
        if self.state == "FINISHED":
            self.finished = self.world.clock.now()

    # --- what it holds

    def instances(self) -> Iterator[Instance]:
        """Return the instances of all runs."""
        return (instance for run in self.runs for instance in run.instances)

    def find(self, instance_id: str) -> tuple[Run, Instance] | None:
        """Return the instance with this id, and its run."""
        for run in self.runs:
            for instance in run.instances:
                if instance.id == instance_id:
                    return run, instance
        return None

    def objects_of(self, sphere: str) -> Iterator[tuple[str, Callable[[], dict[str, Any]]]]:
        """Return the ids of a sphere's objects, each with what makes it as the API shows it."""
        match sphere.upper():
            case "COMPONENT":
                for thing in self.objects:
                    yield thing["id"], partial(self._component, thing)
            case "INSTANCE":
                for instance in self.instances():
                    yield instance.id, instance.to_api
            case "ATTEMPT":
                for instance in self.instances():
                    for attempt in instance.attempts:
                        yield (
                            instance.attempt_id(attempt),
                            partial(instance.attempt_to_api, attempt),
                        )

    def _component(self, thing: dict[str, Any]) -> dict[str, Any]:
        runtime = string_fields(
            {
                "@sphere": "COMPONENT",
                "@pipelineId": self.pipeline_id,
                "@status": "PAUSED" if thing["id"] in self.paused else None,
                "@healthStatus": self._component_health(thing["id"]),
            }
        )
        return {
            "id": thing["id"],
            "name": thing["name"],
            "fields": [dict(field) for field in thing["fields"]] + runtime,
        }

    def _component_health(self, name: str) -> str | None:
        ended = [one for one in self.instances() if one.name == name and one.over]
        if not ended:
            return None
        return "ERROR" if ended[-1].status in HEALTH_ERRORS else "HEALTHY"

    def health(self) -> str | None:
        """Return @healthStatus: ERROR if any component is, absent before a first completion."""
        healths = {self._component_health(thing["id"]) for thing in self.objects} - {None}
        if not healths:
            return None
        return "ERROR" if "ERROR" in healths else "HEALTHY"

    def describe(self) -> dict[str, Any]:
        """Return the pipeline as DescribePipelines answers it."""
        default = next((thing for thing in self.objects if thing["id"] == "Default"), None)
        schedule = value(default["fields"], "scheduleType") if default else None
        latest = self.runs[-1] if self.runs else None
        times = {
            "@creationTime": self.created,
            "@firstActivationTime": self.first_activation,
            "@lastActivationTime": self.last_activation,
            "@latestRunTime": latest.scheduled if latest else None,
            "@finishedTime": self.finished,
        }
        texts: dict[str, object | None] = {
            "@id": self.pipeline_id,
            "@pipelineState": self.state,
            "@sphere": "PIPELINE",
            "@version": "1",
            "@accountId": self.account,
            "@userId": self.account,
            "@healthStatus": self.health(),
            "name": self.name,
            "uniqueId": self.unique_id,
            "description": self.description,
            "pipelineCreator": self.account,
            "@scheduledPeriod": "ONDEMAND" if (schedule or "").upper() == "ONDEMAND" else None,
        }
        fields = string_fields(
            texts | {key: stamp(when) if when else None for key, when in times.items()}
        )
        answer: dict[str, Any] = {
            "pipelineId": self.pipeline_id,
            "name": self.name,
            "fields": fields,
            "tags": self.tags,
        }
        return answer | ({"description": self.description} if self.description else {})
