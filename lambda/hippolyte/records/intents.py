"""Intents: who means to make a call that only one may make, and for how long that holds."""

from __future__ import annotations

from datetime import datetime, timedelta

from hippolyte.record_form import when

# longer than the functions' own timeout (functions' `timeout` in Terraform; Lambda allows more): an
# older intent's writer is dead. test_an_intent_outlives_the_function_that_announced_it holds them
# together
INTENT_LIFE = timedelta(minutes=16)


def alive(intent_at: str | None, intent_by: str | None, me: str, now: datetime) -> bool:
    """Say whether an intent is another invocation's, which may still carry it out."""
    if intent_at is None or intent_by in (None, me):
        return False
    return now - when(intent_at) < INTENT_LIFE
