"""The record of the drills under way, and by what a drill's import is known as this deployment's.

ImportTable knows no tags, and a table's name says nothing of who made it. The import's token does:
it begins with the deployment's mark, and DescribeImport tells it for 90 days (API ListImports).
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

from hippolyte.errors import ConfigurationError, ConflictError
from hippolyte.night.one_pass import Pass
from hippolyte.settings import Settings

INTENDED, IMPORTING, DELETING, CLOSED = "intended", "importing", "deleting", "closed"
# a table of a drill's name that the record does not have: whose it is must be found out
FOUND = "found"

# of every entry
_TEXTS = ("name", "table", "run_id", "at", "until", "state")

# as long as a UUID, which is what the service's examples have; its own bound is not documented
_MARK, _REST = 12, 23


def key(p: Pass) -> str:
    """Return where the record lies."""
    return p.settings.place("runs", "drill.json")


def read(p: Pass) -> tuple[dict[str, Any], str | None]:
    """Return the record and its ETag; an empty one and None if there is none.

    Raises:
        ConfigurationError: it cannot be read, or is of another form.
    """
    found = p.store.read(key(p))
    if found is None:
        return {"drills": {}, "last": {}}, None
    drills, last = (found[0].get(part) for part in ("drills", "last"))
    if not (
        isinstance(drills, dict) and isinstance(last, dict) and all(map(_is_entry, drills.values()))
    ):
        raise ConfigurationError(f"{key(p)} has another form than this version writes")
    return found


def _is_entry(entry: object) -> bool:
    return isinstance(entry, dict) and all(isinstance(entry.get(text), str) for text in _TEXTS)


def write(p: Pass, record: dict[str, Any], etag: str | None) -> str:
    """Write the record over the one that was read; return its ETag.

    Raises:
        ConflictError: another invocation was faster.
    """
    if etag is not None:
        return p.store.replace(key(p), record, etag)
    if made := p.store.create(key(p), record):
        return made
    raise ConflictError(f"{key(p)} was written by another invocation")


def token(settings: Settings, run_id: str, table: str, attempt: int) -> str:
    """Return the token of an import, which no other deployment's import has.

    The service answers a token with its import, whatever else is asked: two deployments whose
    nights begin at one moment must not have one in common.
    """
    what = [settings.bucket, settings.prefix, run_id, table, attempt]
    rest = hashlib.sha256(json.dumps(what).encode()).hexdigest()[:_REST]
    return f"{_mark(settings)}-{rest}"


def is_ours(settings: Settings, token: str) -> bool:
    """Say whether an import's token is of a drill of this deployment, whatever its bucket was."""
    return token.startswith(f"{_mark(settings)}-")


def _mark(settings: Settings) -> str:
    """Return what two deployments of one account and region do not share: by name, as roles."""
    whose = ["restore drill", settings.account, settings.region, settings.name]
    return hashlib.sha256(json.dumps(whose).encode()).hexdigest()[:_MARK]


def line(entry: dict[str, Any]) -> str:
    """Return what a drill came to, for people."""
    if not (said := entry.get("said")):
        waits = f" ({entry['refused']})" if entry.get("refused") else ""
        return (
            f"{entry['table']}: its import has not ended yet; a message will say what it came "
            f"to{waits}"
        )
    if entry["state"] == CLOSED:
        return f"{entry['table']}: {said}"
    why = f" ({entry['refused']})" if entry.get("refused") else ""
    return f"{entry['table']}: {said}; {entry['name']} is not deleted yet{why}"
