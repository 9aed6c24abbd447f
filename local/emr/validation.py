"""What EMR refuses of RunJobFlow and AddJobFlowSteps before it does anything.

Source: API model 2009-03-31 and the Management Guide's limits, as set out in the project's notes;
the wording of messages is ours where it is not known.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from moto.core.exceptions import JsonRESTError
from moto.emr.models import ElasticMapReduceBackend

from local.programs.release import version_of

Params = Mapping[str, Any]

STEPS_AT_ONCE = 256
STEPS_A_REQUEST = 100
"""As of emr-7.14.0; before it STEPS_AT_ONCE (Management Guide, "Submit work")."""
STEP_LETTERS = 10_240
BOOTSTRAP_ACTIONS = 16
TAGS = 50
IDLE_SECONDS = (60, 604_800)
ACTIONS = ("CONTINUE", "CANCEL_AND_WAIT", "TERMINATE_CLUSTER", "TERMINATE_JOB_FLOW")
FLEET_TYPES, FLEET_TYPES_BY_STRATEGY = 5, 30
"""Instance types a fleet, without and with an allocation strategy (Management Guide)."""
_NAME = re.compile(r"[^<>$|`\r\n\t]{1,256}")


def refused(message: str) -> JsonRESTError:
    """Return ValidationException."""
    return JsonRESTError("ValidationException", message)


def check_run(backend: ElasticMapReduceBackend, params: Params) -> None:
    """Refuse a RunJobFlow that EMR refuses."""
    if not _NAME.fullmatch(params.get("Name") or ""):
        raise refused("Name must have 1 to 256 characters, none of them < > $ | or a backtick.")
    _check_release(backend, params)
    for field, text in (("JobFlowRole", "InstanceProfile"), ("ServiceRole", "ServiceRole")):
        if not params.get(field):
            raise refused(f"{text} is required for creating cluster.")
    log_uri = params.get("LogUri")
    if log_uri and not re.match(r"s3[an]?://[^/]+", log_uri):
        raise refused(f"Invalid log uri: {log_uri}. It must be an S3 location.")
    _check_instances(backend, params)
    level = params.get("StepConcurrencyLevel") or 1
    if not 1 <= level <= STEPS_AT_ONCE:
        raise refused(f"StepConcurrencyLevel must be between 1 and {STEPS_AT_ONCE}.")
    check_steps(params.get("Steps") or [], level)
    if len(params.get("BootstrapActions") or []) > BOOTSTRAP_ACTIONS:
        raise refused(f"At most {BOOTSTRAP_ACTIONS} bootstrap actions are allowed.")
    _check_tags(params.get("Tags") or [])
    if params.get("AutoTerminationPolicy"):
        check_idle(params["AutoTerminationPolicy"], params.get("ReleaseLabel"))
    name = params.get("SecurityConfiguration")
    if name and name not in backend.security_configurations:
        raise refused(f"Security configuration with name '{name}' does not exist.")


def _check_release(backend: ElasticMapReduceBackend, params: Params) -> None:
    label = params.get("ReleaseLabel")
    if not label:
        raise refused("ReleaseLabel is required: AMIs of EMR 3.x and older cannot be started.")
    try:
        known = backend.list_release_labels()
    except FileNotFoundError:  # moto has no list for this region
        return
    if label not in known:
        raise refused(f"The supplied release label is invalid: {label}.")


def _check_instances(backend: ElasticMapReduceBackend, params: Params) -> None:
    instances = params["Instances"]
    groups, fleets = instances.get("InstanceGroups"), instances.get("InstanceFleets")
    if groups and fleets:
        raise refused("Instance fleets and instance groups are mutually exclusive.")
    if instances.get("Ec2SubnetIds") and instances.get("Ec2SubnetId"):
        raise refused("Only one of Ec2SubnetId and Ec2SubnetIds can be specified.")
    if len(instances.get("Ec2SubnetIds") or []) > 1 and not fleets:
        raise refused("Multiple subnets are only supported with instance fleets.")
    if groups:
        types = _check_groups(groups)
    elif fleets:
        types = _check_fleets(fleets)
    elif instances.get("MasterInstanceType") and instances.get("InstanceCount"):
        types = {instances["MasterInstanceType"], instances.get("SlaveInstanceType")}
    else:
        raise refused("Instances: a number of instances must be specified.")
    _check_types(backend, params["ReleaseLabel"], types - {None})


def _check_groups(groups: list[Params]) -> set[str]:
    roles = [group["InstanceRole"] for group in groups]
    _check_roles(roles)
    for group in groups:
        if group["InstanceCount"] < 1 and group["InstanceRole"] != "TASK":
            raise refused(f"The {group['InstanceRole']} group must have at least one instance.")
        if group.get("BidPrice") and group.get("Market") != "SPOT":
            raise refused("A bid price is only allowed with the market SPOT.")
    return {group["InstanceType"] for group in groups}


def _check_roles(roles: list[str]) -> None:
    if roles.count("MASTER") != 1:
        raise refused("Exactly one master instance group or fleet is required.")
    if roles.count("CORE") > 1:
        raise refused("At most one core instance group or fleet is allowed.")


def _check_fleets(fleets: list[Params]) -> set[str]:
    _check_roles([fleet["InstanceFleetType"] for fleet in fleets])
    types = set()
    for fleet in fleets:
        kind = fleet["InstanceFleetType"]
        configs = fleet.get("InstanceTypeConfigs") or []
        on_demand, spot = fleet.get("TargetOnDemandCapacity", 0), fleet.get("TargetSpotCapacity", 0)
        if on_demand + spot < 1:
            raise refused(f"The {kind} fleet needs a target capacity of at least 1.")
        if kind == "MASTER" and on_demand + spot != 1:
            raise refused("The MASTER fleet has a target capacity of exactly 1.")
        names = [config["InstanceType"] for config in configs]
        how = (fleet.get("LaunchSpecifications") or {}).values()
        strategic = any(each.get("AllocationStrategy") for each in how)
        most = FLEET_TYPES_BY_STRATEGY if strategic else FLEET_TYPES
        if not 1 <= len(names) <= most or len(set(names)) != len(names):
            raise refused(f"The {kind} fleet needs 1 to {most} different instance types.")
        types.update(names)
    return types


def _check_types(backend: ElasticMapReduceBackend, label: str, types: set[str]) -> None:
    try:
        known = backend._get_instance_type_names(label)
    except FileNotFoundError:  # moto has no list for this release
        return
    for name in sorted(types - set(known)):
        raise refused(f"Instance type '{name}' is not supported on EMR release '{label}'.")


def check_a_request(count: int, label: str | None) -> None:
    """Refuse more steps than one AddJobFlowSteps or CancelSteps may name."""
    most = STEPS_A_REQUEST if version_of(label) >= (7, 14) else STEPS_AT_ONCE
    if count > most:
        raise refused(f"At most {most} steps are allowed in a request, got {count}.")


def check_steps(steps: list[Params], level: int) -> None:
    """Refuse steps that EMR refuses at their submission."""
    if len(steps) > STEPS_AT_ONCE:
        raise refused(f"Maximum number of steps for job flow exceeded: {STEPS_AT_ONCE}")
    for step in steps:
        name, jar = step.get("Name") or "", step.get("HadoopJarStep") or {}
        if not 1 <= len(name) <= 256:
            raise refused("The name of a step must have 1 to 256 characters.")
        if not jar.get("Jar"):
            raise refused(f"Step '{name}': Jar is required.")
        texts = [jar["Jar"], jar.get("MainClass") or "", *(jar.get("Args") or [])]
        if sum(map(len, texts)) > STEP_LETTERS:
            raise refused(f"Step '{name}': its strings exceed {STEP_LETTERS} characters.")
        action = step.get("ActionOnFailure") or "TERMINATE_CLUSTER"
        if action not in ACTIONS:
            raise refused(f"Step '{name}': ActionOnFailure '{action}' is not valid.")
        if level > 1 and action != "CONTINUE":
            raise refused(f"Step '{name}': with step concurrency ActionOnFailure must be CONTINUE.")


def _check_tags(tags: list[Params]) -> None:
    keys = [tag.get("Key") or "" for tag in tags]
    if len(tags) > TAGS or len(set(keys)) != len(keys):
        raise refused(f"At most {TAGS} tags are allowed, with keys of their own.")
    for tag in tags:
        key, value = tag.get("Key") or "", tag.get("Value") or ""
        if not 1 <= len(key) <= 128 or len(value) > 256 or key.lower().startswith("aws:"):
            raise refused(f"Tag '{key}' is not valid.")


def check_idle(policy: Params, label: str | None) -> None:
    """Refuse an auto-termination policy out of its range, or of a release without it."""
    version = version_of(label)
    if version < (5, 30) or (6,) <= version < (6, 1):
        raise refused(f"Auto-termination is not supported for release {label}.")
    least, most = IDLE_SECONDS
    if not least <= (policy.get("IdleTimeout") or 0) <= most:
        raise refused(f"IdleTimeout must be between {least} and {most} seconds.")
