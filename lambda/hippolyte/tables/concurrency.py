"""How many invocations at once the account has, and how many of them are the backup's."""

from __future__ import annotations

import logging
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

_log = logging.getLogger(__name__)


def room_for_workers(unreserved: int) -> int:
    """Return how many workers may run at once, by the invocations that no function reserves."""
    return max(1, unreserved // 10)


def unreserved_concurrency(functions: Any) -> int | None:
    """Return what Lambda says of the account in its region, None if it does not say.

    Args:
        functions: the client of Lambda.
    """
    try:
        limit = functions.get_account_settings()["AccountLimit"]
        return int(limit["UnreservedConcurrentExecutions"])
    except (ClientError, BotoCoreError, KeyError) as error:
        _log.warning("the account's concurrency is not known: %s", error)
        return None
