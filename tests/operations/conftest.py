from __future__ import annotations

import os
from datetime import UTC, datetime

import pytest
from deployment import Planned

from local.clock import Clock
from local.world import World
from tools.tf import REPOSITORY, Terraform, environment


@pytest.fixture(scope="session")
def planned(tmp_path_factory: pytest.TempPathFactory) -> Planned:
    """Plan the module once: resources by address, as the provider renders them."""
    root = REPOSITORY / "tests" / "operations" / "root"
    before = dict(os.environ)
    world = World(Clock(datetime(2026, 11, 23, tzinfo=UTC)))
    with world.served() as endpoint_url:
        work = tmp_path_factory.mktemp("operations")
        terraform = Terraform(root, work, environment(endpoint_url))
        terraform.init()
        plan = terraform.plan_json()
    os.environ.clear()
    os.environ.update(before)
    (module,) = plan["planned_values"]["root_module"]["child_modules"]
    return {
        resource["address"].removeprefix(f"{module['address']}."): resource["values"]
        for resource in module["resources"]
    }
