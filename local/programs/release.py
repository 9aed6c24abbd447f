"""EMR's release labels as numbers."""

from __future__ import annotations

import re


def version_of(label: str | None) -> tuple[int, ...]:
    """Return a release label's numbers; nothing for none, which is older than any."""
    return tuple(int(part) for part in re.findall(r"\d+", label or ""))
