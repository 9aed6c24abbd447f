"""Call rates of an account, as token buckets in virtual time."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime


@dataclass(slots=True)
class Bucket:
    """A token bucket: `burst` calls at once, `per_second` in the long run."""

    per_second: float
    burst: int
    tokens: float = field(init=False)
    seen: datetime | None = None

    def __post_init__(self) -> None:
        self.tokens = float(self.burst)

    def take(self, now: datetime) -> bool:
        """Take a token; return False if there is none."""
        if self.seen is not None:
            passed = max(0.0, (now - self.seen).total_seconds())
            self.tokens = min(float(self.burst), self.tokens + passed * self.per_second)
        self.seen = now
        if self.tokens < 1:
            return False
        self.tokens -= 1
        return True
