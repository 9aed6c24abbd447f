"""The end of a restore into a new table: what the table was set to, time to live last."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import boto3

from hippolyte.clients import configuration
from hippolyte_cli.restore.definition import TablePlan
from hippolyte_cli.restore.settings import put_back
from hippolyte_cli.restore.steps import Step
from hippolyte_cli.restore.target import Target
from hippolyte_cli.restore.undone import undone

_TTL, _UNMARK = "UpdateTimeToLive", "UntagResource"


@dataclass(frozen=True, slots=True)
class Finish:
    """Puts back what a table was set to.

    Attributes:
        may_expire: asks whether time to live may be turned on.
        say: where it is told.
    """

    target: Target
    plan: TablePlan
    may_expire: Callable[[], bool]
    say: Callable[[str], None]

    def run(self, steps: Sequence[Step], *, again: bool) -> list[str]:
        """Do steps; return what was not put back, and why.

        While anything is left the table keeps its mark, so that the same command may go on.

        Args:
            steps: of the plan, in order.
            again: the table was restored before: only what it does not show is done.
        """
        if again:
            steps = undone(
                self.target.client(),
                self._scaling(),
                self.plan.name,
                steps,
                expected=self.plan.arn,
                told=lambda said: self.say(f"  not to be seen: {said}"),
            )
            if not steps:
                self.say("All of it was done before: nothing is left to do.")
        marked = next((n for n, step in enumerate(steps) if step.operation == _UNMARK), len(steps))
        expires = [step for step in steps if step.operation == _TTL]
        held = expires if expires and not self.may_expire() else []
        left = self._put_back([step for step in steps[:marked] if step not in held])
        left += [f"{step.name}: --yes turns it on all the same" for step in held]
        left = left or self._put_back(steps[marked:])
        for said in left:
            self.say(f"NOT PUT BACK: {said}")
        if left:
            self.say("The same command puts back what is left.")
        return left

    def _put_back(self, steps: Sequence[Step]) -> list[str]:
        refused = put_back(
            self.target.client(),
            self._scaling(),
            self.plan.name,
            steps,
            self.target.waits(),
            expected=self.plan.arn,
            began=lambda step: self.say(f"  now {step.name}"),
        )
        return [f"{one.step.name} ({one.step.operation}): {one.why}" for one in refused]

    def _scaling(self) -> Any:
        region = self.target.asked.region
        return boto3.client("application-autoscaling", region_name=region, config=configuration())
