"""Intents: who means to make a call that only one may make, and for how long that holds."""

from __future__ import annotations

from datetime import datetime, timedelta

from hippolyte.record_form import when

# a Lambda lives 15 minutes at most: an older intent's writer is dead
INTENT_LIFE = timedelta(minutes=16)


def alive(intent_at: str | None, intent_by: str | None, me: str, now: datetime) -> bool:
    """Say whether an intent is another invocation's, which may still carry it out."""
    if intent_at is None or intent_by in (None, me):
        return False
    return now - when(intent_at) < INTENT_LIFE
