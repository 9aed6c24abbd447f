"""The machines of an EMR cluster: groups or fleets, where EC2 has them, and what it refuses.

Source: Management Guide (instance fleets, error codes with ErrorDetail), as set out in the
project's notes. EC2 is short of what `world.faults` says; a quota counts the vCPUs of all clusters.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from local.core.faults import has, strikes

if TYPE_CHECKING:
    from moto.emr.models import ElasticMapReduceBackend

    from local.core import aws

ON_DEMAND, SPOT = "ON_DEMAND", "SPOT"
_DOCS = "https://docs.aws.amazon.com/emr/latest/ManagementGuide"
NO_CAPACITY = "INTERNAL_ERROR_EC2_INSUFFICIENT_CAPACITY_AZ"
"""ErrorDetails' code when EC2 lacks a type in the subnet's zone."""


@dataclass(frozen=True, slots=True)
class Unit:
    """A group or a fleet: what it asks for. A group is a fleet of one type, which waits for ever.

    `types` maps an instance type to its weight; capacities are in weights.
    """

    role: str
    types: Mapping[str, int]
    on_demand: int
    spot: int
    name: str = ""
    spot_wait_seconds: float | None = None
    spot_switches: bool = False


@dataclass(frozen=True, slots=True)
class Machines:
    """Machines of one type that a unit has been given."""

    unit: int
    role: str
    type: str
    market: str
    count: int


@dataclass(frozen=True, slots=True)
class Nodes:
    """What a cluster asks EC2 for: units, and the subnets they may lie in (empty: the default)."""

    units: tuple[Unit, ...]
    subnets: tuple[str, ...] = ()
    fleets: bool = False

    @property
    def spot(self) -> bool:
        """Whether any of it comes from spot."""
        return any(unit.spot for unit in self.units)


@dataclass(frozen=True, slots=True)
class Placement:
    """What EC2 gave: the subnet, and the machines after `wait_seconds` (None: for ever)."""

    subnet: str | None
    machines: tuple[Machines, ...]
    wait_seconds: float | None = 0.0


class Unprovided(Exception):
    """When EC2 does not give it: StateChangeReason's code, its message, and ErrorDetails."""

    def __init__(
        self, code: str, message: str, detail: dict[str, Any] | None = None, after: float = 0.0
    ) -> None:
        super().__init__(message)
        self.code = code
        self.details = [detail] if detail else []
        self.after_seconds = after
        self.struck: set[str] = set()  # the faults it comes from


def of_instances(instances: Mapping[str, Any]) -> Nodes:
    """Return what RunJobFlow's `Instances` asks for."""
    single = [instances["Ec2SubnetId"]] if instances.get("Ec2SubnetId") else []
    subnets = tuple(instances.get("Ec2SubnetIds") or single)
    fleets, groups = instances.get("InstanceFleets"), instances.get("InstanceGroups")
    if fleets:
        return Nodes(tuple(map(_fleet, fleets)), subnets, fleets=True)
    if groups:
        return Nodes(tuple(_group(group) for group in groups), subnets)
    return of_types(
        instances.get("MasterInstanceType"),
        instances.get("SlaveInstanceType"),
        int(instances.get("InstanceCount") or 0),
        subnets,
    )


def of_types(
    master: str | None, core: str | None, count: int, subnets: tuple[str, ...] = ()
) -> Nodes:
    """Return one node for `master` and the rest of `count` for `core`."""
    units = [Unit("MASTER", {master: 1}, 1, 0)] if master else []
    if count > 1 and (core or master):
        units.append(Unit("CORE", {core or master or "": 1}, count - 1, 0))
    return Nodes(tuple(units), subnets)


def _group(group: Mapping[str, Any]) -> Unit:
    count, spot = int(group["InstanceCount"]), group.get("Market") == SPOT
    return Unit(
        role=group["InstanceRole"],
        types={group["InstanceType"]: 1},
        on_demand=0 if spot else count,
        spot=count if spot else 0,
        name=group.get("Name") or "",
    )


def _fleet(fleet: Mapping[str, Any]) -> Unit:
    spot = (fleet.get("LaunchSpecifications") or {}).get("SpotSpecification") or {}
    minutes = spot.get("TimeoutDurationMinutes")
    return Unit(
        role=fleet["InstanceFleetType"],
        types={
            config["InstanceType"]: int(config.get("WeightedCapacity") or 1)
            for config in fleet["InstanceTypeConfigs"]
        },
        on_demand=int(fleet.get("TargetOnDemandCapacity") or 0),
        spot=int(fleet.get("TargetSpotCapacity") or 0),
        name=fleet.get("Name") or "",
        spot_wait_seconds=minutes * 60 if minutes else None,
        spot_switches=spot.get("TimeoutAction") == "SWITCH_TO_ON_DEMAND",
    )


def provide(world: aws.Aws, backend: ElasticMapReduceBackend, nodes: Nodes) -> Placement:
    """Return the machines EC2 gives, or raise Unprovided.

    Of several subnets (fleets only) the first that has a type for every unit is taken; AWS takes
    the one it likes best.
    """
    wait = _wait_for_spot(world, nodes)
    missing: Unprovided | None = None
    for subnet in nodes.subnets or (None,):
        try:
            machines = tuple(_placed(world, backend, nodes, subnet, on_demand=bool(wait)))
        except Unprovided as lacking:
            missing = missing or lacking
            continue
        _check_quota(world, backend, machines)
        return Placement(subnet, machines, wait)
    assert missing is not None
    for key in missing.struck:
        strikes(world.faults.short_of_capacity, key)
    raise missing


def _placed(
    world: aws.Aws,
    backend: ElasticMapReduceBackend,
    nodes: Nodes,
    subnet: str | None,
    *,
    on_demand: bool,
) -> Iterator[Machines]:
    for number, unit in enumerate(nodes.units):
        chosen: str | None = None
        struck: set[str] = set()
        for name in unit.types:
            keys = {key for key in (subnet, name, f"{subnet}/{name}") if key}
            short = {key for key in keys if has(world.faults.short_of_capacity, key)}
            struck |= short
            if not short:
                chosen = name
                break
        if chosen is None:
            lacking = _no_capacity(backend, subnet, next(iter(unit.types)))
            lacking.struck = struck
            raise lacking
        spot = 0 if on_demand else unit.spot
        wanted = ((ON_DEMAND, unit.on_demand + unit.spot - spot), (SPOT, spot))
        for market, capacity in wanted:
            if capacity:
                count = math.ceil(capacity / unit.types[chosen])
                yield Machines(number, unit.role, chosen, market, count)


def zone_of(backend: ElasticMapReduceBackend, subnet: str | None) -> str:
    """Return the availability zone of a subnet (the region's first if EC2 does not know it)."""
    for zones in backend.ec2_backend.subnets.values():
        for zone, found in zones.items():
            if subnet in (found.id, None):
                return str(getattr(found, "availability_zone", zone))
    return f"{backend.region_name}a"


def _no_capacity(backend: ElasticMapReduceBackend, subnet: str | None, kind: str) -> Unprovided:
    zone = zone_of(backend, subnet)
    message = (
        f"EC2 is out of capacity for {kind} in availability zone {zone}. Learn more at "
        "https://docs.aws.amazon.com/console/elasticmapreduce/ERROR_noinstancecapacity"
    )
    data = {
        "instance-type": kind,
        "availability-zone": zone,
        "public-doc": f"{_DOCS}/{NO_CAPACITY}.html",
    }
    detail = {
        "ErrorCode": NO_CAPACITY,
        "ErrorData": [{name: text} for name, text in data.items()],
        "ErrorMessage": f"EC2 has insufficient capacity for {kind} in {zone}.",
    }
    return Unprovided("INTERNAL_ERROR", message, detail)


def _wait_for_spot(world: aws.Aws, nodes: Nodes) -> float | None:
    """Return how long the cluster waits for spot that does not come, None for ever."""
    units = [unit for unit in nodes.units if unit.spot]
    if not units or not world.faults.no_spot:
        return 0.0
    world.faults.no_spot -= 1 if world.faults.no_spot > 0 else 0
    waits = [unit.spot_wait_seconds for unit in units]
    if any(wait is None for wait in waits):
        return None  # a group's request stays open
    longest = max(wait for wait in waits if wait is not None)
    if all(unit.spot_switches for unit in units):
        return longest
    raise Unprovided(
        "INSTANCE_FLEET_TIMEOUT",
        "The cluster terminated because the spot capacity of its fleets was not provided in time.",
        after=longest,
    )


def vcpus(backend: ElasticMapReduceBackend, machines: tuple[Machines, ...], market: str) -> int:
    """Return the vCPUs of the machines of one market."""
    kinds = backend._instance_types
    return sum(
        int(kinds.get(one.type, {}).get("VCPU", 1)) * one.count
        for one in machines
        if one.market == market
    )


def _check_quota(
    world: aws.Aws, backend: ElasticMapReduceBackend, machines: tuple[Machines, ...]
) -> None:
    faults = world.faults
    for market, quota in ((ON_DEMAND, faults.vcpu_quota), (SPOT, faults.spot_vcpu_quota)):
        new = vcpus(backend, machines, market) if quota is not None else 0
        if quota is None or not new:
            continue
        others = (getattr(other, "machines", ()) for other in backend.clusters.values())
        used = sum(vcpus(backend, held, market) for held in others)
        if used + new > quota:
            raise Unprovided(
                "VALIDATION_ERROR",
                f"Request exceeds the EC2 service quota for that type: {used + new} vCPUs "
                f"({market}), and the quota is {quota}.",
            )
