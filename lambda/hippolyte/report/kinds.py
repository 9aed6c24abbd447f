"""Every kind of message there is, and what a message is made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What a message is about; SNS is told it as the attribute `kind`, for filters.

    `hippolyte test-alert` sends one of each: see `trial_messages`.
    """

    NIGHT_GOOD = "night-good"
    NIGHT_ATTENTION = "night-attention"
    LEFT_RAISED = "left-raised"
    PART_GOOD = "part-good"
    PART_ATTENTION = "part-attention"
    MID_NIGHT = "mid-night"
    NOT_RECORDED = "no-backup-not-recorded"
    LATE = "no-backup-late"
    PRICE = "preflight-price"
    DENIED = "preflight-denied"
    UNFIT = "preflight-unfit"
    MENDED = "preflight-mended"
    DRILL_GOOD = "drill-good"
    DRILL_ATTENTION = "drill-attention"
    FLEET_GOOD = "fleet-good"
    FLEET_ATTENTION = "fleet-attention"
    FLEET_UNREADABLE = "fleet-unreadable"


@dataclass(frozen=True, slots=True)
class Message:
    """One message.

    Attributes:
        kind: what it is about.
        forms: the words of its first line, the longest form first.
        text: what is below.
        run_id: of the run it is of, whose date the first line says; empty: of none.
        placed: the first line says of which deployment it is; False: the words do.
    """

    kind: Kind
    forms: Sequence[str]
    text: str
    run_id: str = ""
    placed: bool = True
