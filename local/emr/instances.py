"""The instances of an EMR cluster as the API lists them, one by one and by fleet."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from moto.emr import models

from local.emr.machines import ON_DEMAND, SPOT

if TYPE_CHECKING:
    from local.emr.cluster_state import ClusterState


class Place(models.Ec2InstanceAttributes):
    """Ec2InstanceAttributes with the subnets that were asked for, which moto lacks."""

    def __init__(self, cluster: ClusterState) -> None:
        super().__init__(cluster)
        self.requested_ec2_subnet_ids = list(cluster.nodes.subnets)


def instances(cluster: ClusterState) -> list[dict[str, Any]]:
    """Return ListInstances' entries: none before EC2 has given them, none after the end."""
    found: list[dict[str, Any]] = []
    state = "RUNNING" if cluster.ready_datetime else "BOOTSTRAPPING"
    for machines in cluster.machines:
        for _ in range(machines.count):
            number = len(found)
            ec2_id = cluster.primary_id if machines.role == "MASTER" else _id(cluster, number)
            place = "InstanceFleetId" if cluster.nodes.fleets else "InstanceGroupId"
            found.append(
                {
                    "Id": f"ci-{ec2_id[2:]}",
                    "Ec2InstanceId": ec2_id,
                    "InstanceType": machines.type,
                    "Market": machines.market,
                    "Status": {"State": state, "StateChangeReason": {}, "Timeline": {}},
                    place: unit_id(cluster, machines.unit),
                }
            )
    return found


def _id(cluster: ClusterState, number: int) -> str:
    return f"{cluster.primary_id}{number:02x}"


def unit_id(cluster: ClusterState, number: int) -> str:
    """Return the id of a fleet or group."""
    return f"{'if' if cluster.nodes.fleets else 'ig'}-{cluster.id[2:]}{number}"


def groups(cluster: ClusterState) -> list[dict[str, Any]]:
    """Return ListInstanceGroups' entries."""
    return [
        {
            "Id": unit_id(cluster, number),
            "Name": unit.name,
            "InstanceGroupType": unit.role,
            "InstanceType": next(iter(unit.types)),
            "Market": SPOT if unit.spot else ON_DEMAND,
            "RequestedInstanceCount": unit.on_demand + unit.spot,
            "RunningInstanceCount": _given(cluster, number, SPOT if unit.spot else ON_DEMAND),
            "Status": {"State": "RUNNING" if cluster.machines else "PROVISIONING"},
        }
        for number, unit in enumerate(cluster.nodes.units)
    ]


def fleets(cluster: ClusterState) -> list[dict[str, Any]]:
    """Return ListInstanceFleets' entries."""
    return [
        {
            "Id": unit_id(cluster, number),
            "Name": unit.name,
            "Status": {"State": "RUNNING" if cluster.machines else "PROVISIONING"},
            "InstanceFleetType": unit.role,
            "TargetOnDemandCapacity": unit.on_demand,
            "TargetSpotCapacity": unit.spot,
            "ProvisionedOnDemandCapacity": _given(cluster, number, ON_DEMAND),
            "ProvisionedSpotCapacity": _given(cluster, number, SPOT),
            "InstanceTypeSpecifications": [
                {"InstanceType": name, "WeightedCapacity": weight}
                for name, weight in unit.types.items()
            ],
        }
        for number, unit in enumerate(cluster.nodes.units)
    ]


def _given(cluster: ClusterState, number: int, market: str) -> int:
    unit = cluster.nodes.units[number]
    return sum(
        one.count * unit.types[one.type]
        for one in cluster.machines
        if one.unit == number and one.market == market
    )
