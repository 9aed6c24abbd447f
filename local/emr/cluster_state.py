"""The plain state of an EMR cluster: what it holds, and how the API shows it.

What makes it live is `cluster.LiveCluster`; its start, bootstrap actions, instances and losses know
this alone.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from moto.emr import models
from moto.utilities.utils import get_partition

from local.core import aws
from local.emr import machines
from local.emr.step import LiveStep
from local.iam import roles
from local.programs.step_context import Program
from local.s3.as_role import RoleS3

CLUSTER_OVER = frozenset({"TERMINATED", "TERMINATED_WITH_ERRORS"})


class ClusterState(models.Cluster):
    """A cluster's machines, steps, state and reason; `LiveCluster` lets them change with time."""

    world: aws.Aws
    steps: list[LiveStep]
    cluster_arn = models.Cluster.arn  # by the API's name

    def __init__(self, emr_backend: Any, *, instance_attrs: dict[str, Any], **kwargs: Any) -> None:
        of_types = machines.of_types(
            instance_attrs.get("master_instance_type"),
            instance_attrs.get("slave_instance_type"),
            int(instance_attrs.get("instance_count") or 0),
            tuple(filter(None, [instance_attrs.get("ec2_subnet_id")])),
        )
        self.nodes: machines.Nodes = instance_attrs.get("nodes") or of_types
        self.machines: tuple[machines.Machines, ...] = ()
        self.idle_seconds: float | None = None
        self.error_details: list[dict[str, Any]] = []
        # what the service role is held to when the machines are asked for; Data Pipeline's own
        # launch has seen to it before
        self.unauthorized: Callable[[ClusterState], str | None] | None = None
        self.nodes_back = 0.0  # when the nodes it has lost are replaced, seconds since 1970
        self._waits = 0  # how often it began to wait
        self.watchers: list[Callable[[ClusterState], None]] = []
        self.reason: dict[str, str] = {}
        self.begun_steps = 0
        # jobs whose step is over, and that YARN goes on with
        self.left_running: list[Program] = []
        super().__init__(emr_backend, instance_attrs=instance_attrs, **kwargs)

    @property
    def kerberos_attributes(self) -> dict[str, Any] | None:
        """None without Kerberos: moto would answer an empty structure, which the model forbids."""
        return self._kerberos or None

    @kerberos_attributes.setter
    def kerberos_attributes(self, attributes: dict[str, Any] | None) -> None:
        self._kerberos = attributes

    @property
    def partition(self) -> str:
        """The partition it lies in (moto's backend of a region says `global` of some)."""
        return get_partition(self.emr_backend.region_name)

    @property
    def nodes_role(self) -> str:
        """The role in the instance profile."""
        role = roles.profile_role(self.emr_backend.account_id, self.partition, self.role)
        return role or self.role.rpartition("/")[2]

    @property
    def s3(self) -> RoleS3:
        """S3 as the nodes may use it."""
        return RoleS3(self.world, self.emr_backend.account_id, self.partition, self.nodes_role)

    @property
    def primary_id(self) -> str:
        """The EC2 id of the primary node."""
        return "i-0" + self.id.removeprefix("j-").lower()

    @property
    def status(self) -> dict[str, Any]:
        """ClusterStatus."""
        timeline: dict[str, datetime | None] = {
            "CreationDateTime": self.creation_datetime,
            "ReadyDateTime": self.ready_datetime,
            "EndDateTime": self.end_datetime,
        }
        status = {"State": self.state, "StateChangeReason": self.reason, "Timeline": timeline}
        return status | ({"ErrorDetails": self.error_details} if self.error_details else {})

    @property
    def instance_collection_type(self) -> str:
        """How the machines were asked for."""
        return "INSTANCE_FLEET" if self.nodes.fleets else "INSTANCE_GROUP"

    @property
    def over(self) -> bool:
        """Whether the cluster has come to its end."""
        return self.state in CLUSTER_OVER

    # --- what LiveCluster does with it

    def next(self) -> None:
        """Begin what may begin; with nothing left, wait or end."""
        raise NotImplementedError

    def change(self, state: str, message: str = "", code: str = "") -> None:
        """Go to a state, and tell who watches."""
        raise NotImplementedError

    def shut_down(self, code: str, message: str, *, with_errors: bool = False) -> None:
        """Go to TERMINATING, and in a while to the end."""
        raise NotImplementedError

    def die(self, code: str, message: str) -> None:
        """Lose the machines now; EMR tells it in its own time."""
        raise NotImplementedError
