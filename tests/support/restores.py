"""What a restore needs of a world: how it waits there, a table's settings as a night keeps them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hippolyte.tables.settings_of import settings_of
from hippolyte_cli.restore.make import Waits
from local.world import World
from tests.support.aws_world import ACCOUNT, REGION


def waits(
    world: World,
    seconds: float = 3600,
    told: Callable[[str], object] = lambda _: None,
    pause: float = 20,
) -> Waits:
    """Return a patience whose pauses are virtual time."""
    return Waits(
        seconds=seconds,
        pause=pause,
        told=told,
        sleep=world.clock.advance,
        now=lambda: world.clock.now().timestamp(),
    )


def kept_settings(world: World, table: str = "orders") -> dict[str, Any]:
    """Return a table's settings as the catalogue has them."""

    class Once:
        dynamodb_once = world.client("dynamodb")
        scaling_once = world.client("application-autoscaling")

    clients: Any = Once()
    found = settings_of(clients, f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{table}", {})
    assert found.unread == {}
    return {"form": 1, "raised": None, "answers": found.answers, "unread": found.unread}
