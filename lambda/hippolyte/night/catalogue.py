"""The catalogue: what a night adds to it, and when a table's newest good backup was made."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from hippolyte import clock
from hippolyte.errors import ConfigurationError, ConflictError
from hippolyte.exports.findings import LISTED
from hippolyte.exports.verified import verified
from hippolyte.night.one_pass import Pass
from hippolyte.planning.keeping import KEPT, part, place
from hippolyte.planning.plan import NATIVE
from hippolyte.record_form import iso
from hippolyte.records.ledger import TableEntry
from hippolyte.records.runs import Run, start_of
from hippolyte.verdicts import ALERTING_VERDICTS, OVER_BUDGET

# the catalogue is asked a table at a time; more than these without a backup are told anyway
_LOOKED_UP = 200

_log = logging.getLogger(__name__)


def add_to_catalogue(
    p: Pass,
    run: Run,
    name: str,
    entry: TableEntry,
    definition: object,
    settings: Mapping[str, Any] | None = None,
) -> None:
    """Write what a restore needs beside the data: the table's definition, counts, and where.

    `settings` come later than the verdict; another invocation that still writes the entry without
    them does not take them away.

    Raises:
        ConflictError: another invocation wrote the entry at the same time.
    """
    record: dict[str, Any] = {
        "table": name,
        "run_id": run.plan.run_id,
        "location": entry.location,
        "items": entry.items,
        "bytes": entry.bytes,
        "files": entry.files,
        "began_at": entry.started_at,
        "finished_at": entry.finished_at,
        "engine": run.ledger.engine_of(name) or run.plan.engine,
        "format": _format(run, name, entry),
        "manifest_md5": entry.manifest_md5,
        "files_md5": entry.files_md5,
        # none: an older package gave the verdict
        "verified": verified(tuple(entry.levels) or (LISTED,), iso(clock.now()), "night"),
        "notes": entry.notes,
        "definition": definition,
        "settings": settings,
    }
    key = place(p.settings, run.plan, "catalog", name, f"{run.plan.run_id}.json")
    if settings is None and p.store.create(key, record):
        return
    if found := p.store.read(key):
        # whoever read the backup since knows more of it
        kept = {"verified": found[0].get("verified") or record["verified"]}
        kept["settings"] = settings or found[0].get("settings")
        p.store.replace(key, record | kept, found[1])
    elif not p.store.create(key, record):
        raise ConflictError(f"{key} was written by another invocation")


def _format(run: Run, name: str, entry: TableEntry) -> str:
    """Return how the items lie there; what is written without a worker is of the tool's form."""
    engine = run.ledger.engine_of(name) or run.plan.engine
    return "native" if engine in ("lambda", NATIVE) and entry.batch_id else "dynamodbexport"


def catalogued(p: Pass, run: Run) -> dict[str, str]:
    """Return when the newest good backup was made, as the catalogue has it, for tables without one.

    The last report does not know all: a part may have made one since, or a native export may have
    been completed; and it may be gone. Those longest without one come first. A table that is backed
    up now is not asked for.
    """
    before = p.previous_tables(run)
    found: dict[str, str] = {}
    wanted = [
        name
        for name, entry in run.ledger.tables.items()
        if entry.verdict in ALERTING_VERDICTS or entry.reason.startswith(OVER_BUDGET)
    ]
    wanted.sort(key=lambda name: before.get(name, {}).get("last_good") or "")
    for name in wanted[:_LOOKED_UP]:
        if p.time_is_short:
            break
        try:
            made = _newest(p, run, name)
        except (ClientError, BotoCoreError) as error:
            _log.warning("the catalogue of %s cannot be listed: %s", name, error)
            continue
        if made:
            found[name] = made
    return found


def _newest(p: Pass, run: Run, name: str) -> str | None:
    """Return the start of the night of a table's newest backup, if it was of this very table."""
    records = {
        record: key
        for kept in (None, *KEPT)
        for key in [p.settings.place(part("catalog", kept), name, "")]
        for record in p.store.names(key)
    }
    if not records:
        return None
    try:
        found = p.store.read(records[max(records)] + max(records))
    except ConfigurationError as error:
        # its name tells when it was made, and that must not keep the night from its end
        _log.warning("%s", error)
        found = None
    definition = (found[0].get("definition") if found else None) or {}
    begun = start_of(max(records).removesuffix(".json"))
    is_same = run.plan.identity(name).is_of({"table_id": definition.get("TableId")}, begun)
    return iso(begun) if is_same else None
