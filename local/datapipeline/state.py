"""The plain state of a pipeline and of a run: what Data Pipeline's other parts look at."""

from __future__ import annotations

from abc import ABC, abstractmethod
from datetime import datetime
from typing import TYPE_CHECKING, Any

from moto.datapipeline.utils import get_random_pipeline_id

from local.core import aws

if TYPE_CHECKING:
    from local.datapipeline.objects import Instance
    from local.emr.cluster import LiveCluster


class PipelineState:
    """What is kept of a pipeline beside its runs."""

    def __init__(
        self,
        world: aws.Aws,
        place: tuple[str, str, str],
        name: str,
        unique_id: str,
        description: str | None,
        tags: list[dict[str, str]],
    ) -> None:
        self.world = world
        self.account, self.region, self.partition = place
        self.name = name
        self.unique_id = unique_id
        self.description = description
        self.tags = tags
        self.pipeline_id: str = get_random_pipeline_id().upper().replace("DF-", "df-")
        self.created = world.clock.now()
        self.state = "PENDING"
        self.objects: list[dict[str, Any]] = []
        self.parameter_objects: list[dict[str, Any]] = []
        self.parameter_values: list[dict[str, Any]] = []
        self.errors: dict[str, list[str]] = {}
        self.first_activation: datetime | None = None
        self.last_activation: datetime | None = None
        self.finished: datetime | None = None
        self.paused: set[str] = set()


class RunState(ABC):
    """A run's instances, its cluster and how far it is; `run.Run` lets it go on."""

    def __init__(self, pipeline: PipelineState, scheduled: datetime) -> None:
        self.pipeline = pipeline
        self.world = pipeline.world
        self.scheduled = scheduled
        self.instances: list[Instance] = []
        self.cluster: LiveCluster | None = None
        self.over = False
        self.holding = False  # nothing new begins
        self.cancelled = False

    @property
    def cluster_id(self) -> str:
        """The EMR cluster's id, empty if there is none."""
        return str(self.cluster.id) if self.cluster else ""

    @property
    def resource(self) -> Instance | None:
        """The cluster's instance."""
        return next((one for one in self.instances if one.kind == "EmrCluster"), None)

    def named(self, name: str) -> Instance | None:
        """Return the instance of a component."""
        return next((one for one in self.instances if one.name == name), None)

    @abstractmethod
    def shut_down(self, status: str) -> None:
        """End the cluster; its instance gets `status` when it is gone."""

    @abstractmethod
    def end_if_over(self) -> None:
        """Take note when the last instance is over."""
