"""One step of a live EMR cluster: its states, and what DescribeStep tells of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from moto.emr import models

from local.programs.step_context import Program

STEP_OVER = frozenset({"COMPLETED", "FAILED", "CANCELLED", "INTERRUPTED"})


class LiveStep(models.Step):
    """A step with EMR's own states."""

    def __init__(self, state: str, **kwargs: Any) -> None:
        super().__init__(state=state, **kwargs)
        self.main_class: str | None = self.hadoop_jar_step.get("MainClass")
        self.program: Program | None = None
        self.failure: dict[str, str] | None = None
        self.on_end: Callable[[LiveStep], None] | None = None

    @property
    def config(self) -> dict[str, Any]:
        """HadoopStepConfig, the main class included, which moto drops."""
        config = {"Jar": self.jar, "Args": self.args, "Properties": {}}
        config["Properties"] = {p["Key"]: p["Value"] for p in self.properties}
        return config | ({"MainClass": self.main_class} if self.main_class else {})

    @property
    def arguments(self) -> tuple[str, ...]:
        """The program's class, which may be named beside the arguments, and its arguments."""
        return (*([self.main_class] if self.main_class else []), *(self.args or ()))

    @property
    def status(self) -> dict[str, Any]:
        """StepStatus. StateChangeReason's code is never anything but empty."""
        status = {
            "State": self.state,
            "StateChangeReason": {},
            "Timeline": {
                "CreationDateTime": self.creation_date_time,
                "StartDateTime": self.start_date_time,
                "EndDateTime": self.end_date_time,
            },
        }
        return status | ({"FailureDetails": self.failure} if self.failure else {})

    def start(self) -> None:
        """Do nothing: moto calls this for the first step at the cluster's creation."""

    @property
    def over(self) -> bool:
        """Whether the step has come to its end."""
        return self.state in STEP_OVER
