"""One idempotent step of a run towards its end: look, compare, do the difference, record, return.

Both Lambdas call it; it may stop anywhere, and the next invocation goes on.
"""

from __future__ import annotations

from hippolyte.night.close import close, is_closing, publish_alerts
from hippolyte.night.describe_late import describe_late
from hippolyte.night.drill import drill
from hippolyte.night.follow import follow
from hippolyte.night.judge import judge
from hippolyte.night.keep_settings import keep_settings
from hippolyte.night.launch import launch
from hippolyte.night.one_pass import Pass
from hippolyte.night.read_back import read_back
from hippolyte.night.sweep import sweep
from hippolyte.night.tell_programs import tell_programs
from hippolyte.records.runs import Run


def reconcile(p: Pass, run: Run) -> bool:
    """Take a run one step on; True when it is closed.

    Raises:
        ConflictError: another invocation is at work on the run; nothing is lost.
    """
    p.follow(run)
    follow(p, run)
    judge(p, run)
    publish_alerts(p, run)
    p.runs.save(run)
    sweep(p, run)
    launch(p, run)
    describe_late(p, run)
    keep_settings(p, run)
    read_back(p, run)
    drill(p, run)
    closed = close(p, run)
    if not closed:
        # who is about to close it tells all
        if not is_closing(p, run):
            tell_programs(p, run)
        p.runs.save(run)
        p.runs.leave(run)
    return closed
