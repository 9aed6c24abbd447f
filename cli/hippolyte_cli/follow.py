"""Follows a run till its report, and says what came of it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import ExitStack
from datetime import timedelta
from typing import Any

import typer
from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console
from rich.live import Live
from rich.markup import escape

from hippolyte import clock
from hippolyte.errors import HippolyteError
from hippolyte.night.one_pass import Pass
from hippolyte.report.message import text
from hippolyte_cli.progress import RunProgress, progress
from hippolyte_cli.status_view import headline, panel
from hippolyte_cli.troubles import remedied
from hippolyte_cli.waiting import away, moves, working

_PAUSE_SECONDS = 15
# a report comes 45 minutes after the last verdict at the latest, and exports may die slowly
_PATIENCE = timedelta(hours=3)
# records that cannot be read for so long are not only unseen for a moment
_UNSEEN = timedelta(minutes=30)


def follow(p: Pass, run_id: str, out: Console) -> Mapping[str, Any] | None:
    """Show how a run goes until it is closed; return its report, None if it has none in time."""
    report = _until_closed(p, run_id, out)
    if report is None:
        out.print(
            f"Run {run_id} has no report {_PATIENCE} after its window. Is the monitor alive? "
            '"Is it alive" in docs/operations.md'
        )
    else:
        out.print(escape(text(report, p.runs.url(run_id, "report.json"))))
    return report


def _until_closed(p: Pass, run_id: str, out: Console) -> Mapping[str, Any] | None:
    said = ""
    seen, trouble = clock.now(), "it has no plan any more"
    # a thread of its own would draw while the line's lock is held here, and wait for it for ever
    live = Live(console=out, auto_refresh=False, transient=True) if moves(out) else None
    with ExitStack() as around:
        if live:
            around.enter_context(away())
            around.enter_context(live)
        else:
            around.enter_context(working(f"following run {run_id}"))
        while True:
            try:
                if report := p.runs.report(run_id):
                    return report
                run = progress(p, run_id)
            except (HippolyteError, ClientError, BotoCoreError) as error:
                # the run goes on without being looked at
                told = remedied(error)
                if told != trouble:
                    out.print(f"{clock.now():%H:%M:%S} {escape(told)}")
                run, trouble = None, told
            if run:
                seen = clock.now()
            elif clock.now() - seen >= _UNSEEN:
                out.print(
                    f"Run {run_id} could not be seen for {_UNSEEN}, last: {escape(trouble)}. It "
                    "goes on without being looked at: `hippolyte status`, or the report's message"
                )
                raise typer.Exit(1)
            if run and live:
                live.update(panel(run, clock.now(), out.width), refresh=True)
            elif run and (line := headline(run)) != said:
                out.print(f"{clock.now():%H:%M:%S} {escape(line)}")
                said = line
            if run and _too_late(run):
                return None
            time.sleep(_PAUSE_SECONDS)


def _too_late(run: RunProgress) -> bool:
    return clock.now() > run.plan.deadline + _PATIENCE
