"""Instances and attempts of Data Pipeline, as DescribeObjects and QueryObjects show them.

Fields and ids: CLI fixtures and Developer Guide (dp-viewing-logs), see the project's notes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from local.datapipeline.validation import value, values

OVER = frozenset({"FINISHED", "FAILED", "CASCADE_FAILED", "CANCELED", "TIMEDOUT", "SKIPPED"})
WAITING = frozenset({"WAITING_ON_DEPENDENCIES", "WAITING_FOR_RUNNER", "PAUSED"})

Fields = list[dict[str, str]]


def stamp(when: datetime) -> str:
    """Return a time as Data Pipeline writes it: UTC, no zone."""
    return f"{when:%Y-%m-%dT%H:%M:%S}"


def string_fields(pairs: dict[str, object | None]) -> Fields:
    """Return fields of strings; what is None is left out."""
    return [
        {"key": key, "stringValue": str(text)}
        for key, text in pairs.items()
        if text not in {None, ""}
    ]


def ref_fields(pairs: dict[str, str | None]) -> Fields:
    """Return fields of references; what is None is left out."""
    return [{"key": key, "refValue": target} for key, target in pairs.items() if target]


@dataclass(slots=True)
class Attempt:
    """One try of an instance."""

    number: int
    status: str
    start: datetime | None = None
    end: datetime | None = None
    error_id: str | None = None
    error_message: str | None = None
    step_log: str | None = None


@dataclass(slots=True, eq=False)
class Instance:
    """One component in one run."""

    component: dict[str, Any]
    pipeline_id: str
    scheduled: datetime
    created: datetime
    status: str
    inherited: Fields = field(default_factory=list)
    tries: int = 1
    attempts: list[Attempt] = field(default_factory=list)
    start: datetime | None = None
    end: datetime | None = None
    waiting_on: list[str] = field(default_factory=list)
    cascade_failed_on: str | None = None
    cancellation_reason: str | None = None
    failure_reason: str | None = None
    resource_id: str | None = None
    resource_region: str | None = None
    resource_status: str | None = None
    before_pause: str = ""

    @property
    def name(self) -> str:
        """The component's id."""
        return str(self.component["id"])

    @property
    def id(self) -> str:
        """`@<component>_<scheduled start>`."""
        return f"@{self.name}_{stamp(self.scheduled)}"

    def attempt_id(self, attempt: Attempt) -> str:
        """`<instance>_Attempt=<n>`."""
        return f"{self.id}_Attempt={attempt.number}"

    @property
    def kind(self) -> str:
        """The component's type."""
        return self.get("type") or ""

    @property
    def over(self) -> bool:
        """Whether it has come to its end."""
        return self.status in OVER

    def get(self, key: str) -> str | None:
        """Return a field of the component, its own or inherited from Default."""
        return value(self.component["fields"], key) or value(self.inherited, key)

    def all(self, key: str) -> list[str]:
        """Return all values of a field of the component."""
        return values(self.component["fields"], key)

    def new_attempt(self) -> Attempt:
        """Begin another try."""
        self.attempts.append(Attempt(len(self.attempts) + 1, self.status))
        return self.attempts[-1]

    def move(self, status: str, now: datetime) -> None:
        """Change status, of the instance and of its latest attempt."""
        self.status = status
        if status == "RUNNING" and self.start is None:
            self.start = now
        if status in OVER:
            self.end = now
            self.waiting_on = []
        if self.attempts:
            head = self.attempts[-1]
            head.status = status
            head.start = head.start or (now if status == "RUNNING" else None)
            if status in OVER:
                head.end = now

    def to_api(self) -> dict[str, Any]:
        """Return the instance as DescribeObjects answers it."""
        head = self.attempts[-1] if self.attempts else None
        tries_left = self.tries - len(self.attempts)
        runtime = string_fields(
            {
                "@status": self.status,
                "@sphere": "INSTANCE",
                "@pipelineId": self.pipeline_id,
                "@creationTime": stamp(self.created),
                "@scheduledStartTime": stamp(self.scheduled),
                "@scheduledEndTime": stamp(self.scheduled),
                "@actualStartTime": stamp(self.start) if self.start else None,
                "@actualEndTime": stamp(self.end) if self.end and self.start else None,
                "@finishedTime": stamp(self.end) if self.end else None,
                "@attemptCount": len(self.attempts) or None,
                "@triesLeft": tries_left,
                "@waitingOn": ",".join(self.waiting_on) or None,
                "cancellationReason": self.cancellation_reason,
                "@failureReason": self.failure_reason,
                "@resourceId": self.resource_id,
                "@resourceRegion": self.resource_region if self.resource_id else None,
                "@resourceStatus": self.resource_status,
            }
        )
        refs = ref_fields(
            {
                "@componentParent": self.name,
                "parent": self.name,
                "@headAttempt": self.attempt_id(head) if head else None,
                "@cascadeFailedOn": self.cascade_failed_on,
            }
        )
        return {
            "id": self.id,
            "name": self.component["name"],
            "fields": self._own() + runtime + refs,
        }

    def _own(self) -> Fields:
        """Return the component's fields, references turned to this run's instances."""
        suffix = "_" + stamp(self.scheduled)
        return [
            {"key": each["key"], "refValue": f"@{each['refValue']}{suffix}"}
            if each["key"] in {"input", "output", "runsOn", "dependsOn"}
            else dict(each)
            for each in [*self.component["fields"], *self.inherited]
            if each["key"] != "parent"
        ]

    def attempt_to_api(self, attempt: Attempt) -> dict[str, Any]:
        """Return one of its attempts as DescribeObjects answers it."""
        trace = (
            f"amazonaws.datapipeline.taskrunner.TaskExecutionException: {attempt.error_message}"
            if attempt.error_message
            else None
        )
        fields = string_fields(
            {
                "type": self.kind,
                "@status": attempt.status,
                "attemptStatus": attempt.status,
                "@sphere": "ATTEMPT",
                "@pipelineId": self.pipeline_id,
                "@scheduledStartTime": stamp(self.scheduled),
                "@scheduledEndTime": stamp(self.scheduled),
                "@actualStartTime": stamp(attempt.start) if attempt.start else None,
                "@actualEndTime": stamp(attempt.end) if attempt.end and attempt.start else None,
                "errorId": attempt.error_id,
                "errorMessage": attempt.error_message,
                "errorStackTrace": trace[:1024] if trace else None,
                "emrStepLog": attempt.step_log,
            }
        )
        refs = ref_fields({"@componentParent": self.name, "@instanceParent": self.id})
        return {
            "id": self.attempt_id(attempt),
            "name": self.component["name"],
            "fields": fields + refs,
        }


def matches(thing: dict[str, Any], selector: dict[str, Any]) -> bool:
    """Return whether an object fits one selector of QueryObjects."""
    name = selector.get("fieldName", "")
    operator = selector.get("operator") or {}
    wanted = operator.get("values") or []
    found = [thing["name"]] if name == "name" else values(thing["fields"], name)
    match operator.get("type"):
        case "EQ" | "REF_EQ":
            return any(text in wanted for text in found)
        case "LE":
            return any(text <= wanted[0] for text in found)
        case "GE":
            return any(text >= wanted[0] for text in found)
        case "BETWEEN":
            return any(wanted[0] <= text <= wanted[1] for text in found)
    return False
