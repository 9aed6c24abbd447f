"""The command `test-alert`: do the messages arrive?"""

from __future__ import annotations

from typing import Any

import typer
from rich.console import Console
from rich.markup import escape

from hippolyte.errors import ConfigurationError
from hippolyte.trial_messages import ASKED
from hippolyte.words import count_of
from hippolyte_cli import console, deployment, functions
from hippolyte_cli.backups_place import AsJson, Region
from hippolyte_cli.by_hand import Function
from hippolyte_cli.deployment import MONITOR
from hippolyte_cli.waiting import working


def test_alert(
    function: Function = MONITOR, region: Region = None, as_json: AsJson = False
) -> None:
    """Have the monitor send one message of each kind, marked TEST, and events if they are enabled.

    Says which topics there are, and how many subscriptions of each are confirmed. Alarms are
    CloudWatch's, and are not tried.

    Exit code 0: all is sent, and somebody is subscribed to each topic; 1: something was not sent,
    or nobody would hear of it; 2: the monitor cannot be asked, and what to do is said.
    """
    with console.told():
        settings = deployment.deployed(function, region)
        with working(f"{function} sends one message of each kind"):
            answer = functions.invoke(function, settings.region, {"run": ASKED})
        if answer.get("result") != ASKED:
            raise ConfigurationError(
                f"{function} is of a version that knows no test of messages, and took a pass "
                "instead: apply the module again."
            )
    out = console.console(stderr=as_json)
    whole = [_topic(row, out) for row in answer["topics"]]
    whole += [_message(row, out) for row in answer["messages"]]
    whole.append(_events(answer["events"], out))
    if as_json:
        console.record({key: answer[key] for key in ("topics", "messages", "events")})
    if not all(whole):
        raise typer.Exit(1)


# it is no test of this repository, whoever imports it
test_alert.__test__ = False  # type: ignore[attr-defined]


def _topic(row: dict[str, Any], out: Console) -> bool:
    """Print who is subscribed to a topic; say whether anybody is."""
    what = " and ".join(row["for"])
    if row["error"]:
        out.print(f"{row['topic']} ({what}): [red]not seen:[/red] {escape(row['error'])}")
        return False
    said = count_of(row["confirmed"], "confirmed subscription")
    if row["pending"]:
        said += f", {row['pending']} not confirmed: no message arrives there"
    if not row["confirmed"]:
        said = f"[red]{said}[/red]: nobody is told"
    out.print(f"{row['topic']} ({what}): {said}.")
    return bool(row["confirmed"])


def _message(row: dict[str, Any], out: Console) -> bool:
    if row["error"]:
        out.print(f"  [red]NOT SENT[/red] {escape(row['message'])}: {escape(row['error'])}")
        return False
    out.print(f"  sent {escape(row['message'])}")
    return True


def _events(row: dict[str, Any], out: Console) -> bool:
    if row["error"]:
        out.print(f"[red]Events:[/red] {escape(row['error'])}.")
        return False
    out.print(f"{row['asked']} events put." if row["asked"] else "Events are not enabled.")
    return True
