"""SSM refuses what is too large for a parameter's tier; moto keeps anything."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from moto.ssm.exceptions import ValidationException
from moto.ssm.models import SimpleSystemManagerBackend

from local.core.patching import Patches

if TYPE_CHECKING:
    from local.core.aws import Aws

_patches = Patches()
# the most a value may hold (Systems Manager User Guide, managing parameter tiers)
_STANDARD, _ADVANCED = 4096, 8192


def _check(value: str, tier: str | None) -> None:
    size = len(value.encode())
    if size > _ADVANCED:
        raise ValidationException(
            f"Advanced tier parameters support a maximum parameter value of {_ADVANCED} characters."
        )
    if size > _STANDARD and tier in (None, "Standard"):
        raise ValidationException(
            f"Standard tier parameters support a maximum parameter value of {_STANDARD} characters."
            " To create a larger parameter value, upgrade the parameter to use the"
            " advanced-parameter tier."
        )


def install(world: Aws) -> None:
    """Look at the size of what is put."""

    def put(backend: Any, name: str, description: str, value: str, *rest: Any, **more: Any) -> Any:
        _check(value, more.get("tier"))
        return original(backend, name, description, value, *rest, **more)

    original = _patches.set(SimpleSystemManagerBackend, "put_parameter", put)


def uninstall() -> None:
    """Put moto's own back."""
    _patches.undo()
