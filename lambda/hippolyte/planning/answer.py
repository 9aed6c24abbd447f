"""Plans as a function answers with them, and as who asked reads them; Lambda bounds an answer."""

from __future__ import annotations

import base64
import gzip
import json
import zlib
from collections.abc import Mapping, Sequence
from typing import Any

from hippolyte.errors import ConfigurationError, RefusedError
from hippolyte.planning.plan import Plan

# bytes; Lambda's quota is 6 MB (Lambda guide, "Lambda quotas", synchronous invocation payload)
_PACKED_FROM = 4_000_000
_MOST = 5_900_000
_NO_ANSWERS = (
    *(ConfigurationError, AttributeError, KeyError, TypeError),
    *(ValueError, EOFError, OSError, zlib.error),
)


def answer(plan: Plan, what_if: Sequence[Plan] = (), most: int = _MOST) -> dict[str, Any]:
    """Return a plan, and what it would be with other settings; packed if it is long.

    Raises:
        RefusedError: packed it is longer than a function may answer.
    """
    plans = {"plan": plan.to_record(), "what_if": [each.to_record() for each in what_if]}
    text = json.dumps(plans, separators=(",", ":"))
    if len(text) < min(most, _PACKED_FROM):
        # as it is read from S3: without tuples and enumerations
        return dict(json.loads(text))
    packed = base64.b64encode(gzip.compress(text.encode(), 6)).decode()
    if len(packed) > most:
        raise RefusedError(
            f"the plan of {plan.discovered} tables is too long for a function's answer "
            f"({len(packed):,} bytes packed, {most:,} at the most): ask for a part of the tables, "
            "or for fewer other settings; or plan from descriptions, `hippolyte plan --tables FILE`"
        )
    return {"packed": packed}


def read_answer(answered: Mapping[str, Any]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return the records of a plan, and of those with other settings, from a function's answer.

    Raises:
        ConfigurationError: the function is of another version, and answers in another form.
    """
    try:
        if packed := answered.get("packed"):
            answered = json.loads(gzip.decompress(base64.b64decode(packed)))
        plan, what_if = answered["plan"], answered["what_if"]
        Plan.from_record(plan)
        return dict(plan), [dict(each) for each in what_if]
    except _NO_ANSWERS as error:
        raise ConfigurationError(
            f"the scheduler answers with a plan of another form ({error}): function and command "
            "must be of one version; apply the module, or install the command again"
        ) from error
