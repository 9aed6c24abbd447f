"""Who makes a call."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Principal:
    """A session of a role."""

    account: str
    role: str
    session: str
    partition: str = "aws"

    @property
    def role_arn(self) -> str:
        """The role's ARN without its path."""
        return f"arn:{self.partition}:iam::{self.account}:role/{self.role}"

    @property
    def arn(self) -> str:
        """The session's ARN, as refusals name it."""
        kind = f"assumed-role/{self.role}/{self.session}"
        return f"arn:{self.partition}:sts::{self.account}:{kind}"
