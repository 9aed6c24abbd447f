"""IAM of the local AWS."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from local.gate import Call
    from local.world import World


def authorize(world: World, call: Call) -> None:
    """Raise the service's AccessDenied unless the caller may make this call."""


def allowed(
    world: World,
    account: str,
    role_name: str,
    action: str,
    resource_arn: str,
    context: Mapping[str, str] | None = None,
) -> bool:
    """Return whether a role may do `action` on `resource_arn`."""
    return True


def install(world: World) -> None:
    """Nothing yet."""


def uninstall() -> None:
    """Nothing yet."""
