"""What a function may and finds now, answered to a person who asks; nothing is recorded or told."""

from __future__ import annotations

from typing import Any

from hippolyte import __version__, clock, existence, preflight
from hippolyte.night.one_pass import Pass
from hippolyte.record_form import iso
from hippolyte.trial_messages import topics

CHECK = {"run": "check"}
"""The event that asks for it."""


def check(p: Pass, function: str) -> dict[str, Any]:
    """Return the package's version, which calls of `function` are denied, what is missing.

    What is missing, and who is subscribed, is looked at by the monitor alone: its role has the
    rights.
    """
    found, unanswered = existence.look_now(p) if function == "monitor" else ([], [])
    return {
        "version": __version__,
        "at": iso(clock.now()),
        "denied": preflight.denied(p, function, f"check-{clock.now():%Y-%m-%dT%H-%M-%SZ}"),
        "found": [{"what": each.key, "remedy": each.remedy} for each in found],
        "not_answered": unanswered,
        "topics": topics(p) if function == "monitor" else [],
    }
