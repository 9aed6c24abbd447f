"""Parsed HCL, kept below `build/` by its content: python-hcl2 takes seconds for the module."""

from __future__ import annotations

import hashlib
import json
import os
from functools import cache
from importlib.metadata import version
from typing import Any

from tools.tf import REPOSITORY

_KEPT = REPOSITORY / "build" / "hcl"


@cache
def parsed(text: str) -> dict[str, Any]:
    """Return a file's blocks as python-hcl2 gives them."""
    name = hashlib.sha256(f"{version('python-hcl2')}\n{text}".encode()).hexdigest()
    kept = _KEPT / f"{name}.json"
    try:
        found: dict[str, Any] = json.loads(kept.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        import hcl2  # slow to import as well

        found = hcl2.loads(text)
        _KEPT.mkdir(parents=True, exist_ok=True)
        # several workers may do so at once
        new = kept.with_suffix(f".{os.getpid()}")
        new.write_text(json.dumps(found), encoding="utf-8")
        new.replace(kept)
    return found
