"""The restore drill: imports a few of tonight's backups as tables, counts them, deletes them.

DynamoDB itself is the judge: ImportedItemCount must be what the backup's manifest says, ErrorCount
0. All that is under way is in one record, written before each call; nothing here waits. ImportTable
knows no tags, so the record is what tells our tables from others: by the import's token and the
table's id. Facts: Developer Guide, "DynamoDB data import from Amazon S3"; API ImportTable.
"""

from __future__ import annotations

import hashlib
import logging
from datetime import timedelta
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from hippolyte import clock
from hippolyte.errors import ConfigurationError, ConflictError, code_of, passes
from hippolyte.exports.native import DATA, root
from hippolyte.night.one_pass import Pass
from hippolyte.night.read_back import export_of
from hippolyte.planning.drill import Candidate, choose_drills, drill_name
from hippolyte.record_form import iso, when
from hippolyte.records.runs import Run
from hippolyte.report.notify import publish
from hippolyte.verdicts import Verdict

INTENDED, IMPORTING, DELETING, CLOSED = "intended", "importing", "deleting", "closed"

# the report waits no longer; what ends later has a message of its own
_MOST = timedelta(hours=1)
_LEAST = timedelta(minutes=10)
# a token is known for 8 hours (API ImportTable)
_TOKEN_LIFE = timedelta(hours=7)
_A_DAY = timedelta(hours=24)
_WRONG_FORM = "format dynamodbexport, which ImportTable cannot take: `hippolyte export` converts it"
_KEY = "a customer's key encrypts it, and the drill's table would not have it"

_log = logging.getLogger(__name__)


def is_drilling(run: Run) -> bool:
    """Say whether the report waits for drills."""
    return run.ledger.drilling_until is not None and not run.ledger.drilled


def drill(p: Pass, run: Run) -> None:
    """Order the night's drills once its backups are verified; then take what they came to."""
    ledger = run.ledger
    if p.settings.restore_drill is None or run.plan.part or ledger.cancelled or ledger.drilled:
        return
    if not (ledger.decided and ledger.read_back):
        return
    try:
        if ledger.drilling_until is None:
            _order(p, run)
        else:
            _take(p, run)
    except (ConfigurationError, ClientError, BotoCoreError) as error:
        # a trial must not keep a night from its end
        _log.exception("the restore drill is not seen to")
        p.failures.append(error)
        ledger.drills.append(f"the restore drill is not seen to: {error}")
        ledger.drilled = True


def advance(p: Pass) -> None:
    """Take each drill one step on, whatever has become of its run; the next pass goes on."""
    if p.settings.restore_drill is None:
        return
    try:
        _advance(p)
    except (ConfigurationError, ClientError, BotoCoreError) as error:
        _log.exception("the restore drills are not seen to")
        p.failures.append(error)


def _advance(p: Pass) -> None:
    record, etag = _read(p)
    for name in sorted(record["drills"]):
        if p.time_is_short:
            return
        entry = record["drills"][name]
        before, had = dict(entry), entry.get("ok")
        _step(p, name, entry)
        if entry["state"] == CLOSED and when(entry["until"]) <= clock.now():
            del record["drills"][name]
        elif entry == before:
            continue
        if had is None and entry.get("ok") is not None and when(entry["until"]) <= clock.now():
            # its night's report is out; told before it is recorded: rather twice than never
            what = "OK" if entry["ok"] else "ATTENTION"
            publish(p.clients, p.settings, f"{what} restore drill", _line(entry))
        try:
            etag = _write(p, record, etag)
        except ConflictError as error:
            _log.info("restore drill: %s", error)
            return


def _key(p: Pass) -> str:
    return p.settings.place("runs", "drill.json")


def _read(p: Pass) -> tuple[dict[str, Any], str | None]:
    found = p.store.read(_key(p))
    return found or ({"drills": {}, "last": {}}, None)


def _write(p: Pass, record: dict[str, Any], etag: str | None) -> str:
    if etag is not None:
        return p.store.replace(_key(p), record, etag)
    if made := p.store.create(_key(p), record):
        return made
    raise ConflictError(f"{_key(p)} was written by another invocation")


def _order(p: Pass, run: Run) -> None:
    ledger, now = run.ledger, clock.now()
    until = min(run.plan.deadline, now + _MOST)
    if until - now < _LEAST:
        ledger.drills, ledger.drilled = ["no drill: there was no time left"], True
        return
    record, etag = _read(p)
    if not any(entry["run_id"] == run.plan.run_id for entry in record["drills"].values()):
        chosen, said = choose_drills(_candidates(p, run), record["last"], p.settings, now)
        ledger.drills = said
        for each in chosen:
            name = drill_name(each.table)
            if name in record["drills"]:
                ledger.drills.append(f"{each.table}: not drilled: its last drill is not over")
                continue
            record["drills"][name] = _entry(p, run, each, iso(until))
            record["last"][each.table] = iso(now)
        _write(p, record, etag)
    ledger.drilling_until = iso(until)


def _candidates(p: Pass, run: Run) -> list[Candidate]:
    definitions = p.definitions(run)
    found = []
    for name, entry in run.ledger.tables.items():
        if entry.verdict is not Verdict.BACKED_UP or entry.damage:
            continue
        table = definitions.get(name) or {}
        unfit = "" if entry.batch_id and export_of(run, name, entry) else _WRONG_FORM
        if (table.get("SSEDescription") or {}).get("SSEType") == "KMS":
            unfit = unfit or _KEY
        if not table.get("KeySchema"):
            unfit = unfit or "its definition is not known"
        size = max(table.get("TableSizeBytes") or 0, entry.bytes)
        found.append(Candidate(name, size, unfit))
    return found


def _entry(p: Pass, run: Run, each: Candidate, until: str) -> dict[str, Any]:
    table, entry = p.definitions(run)[each.table], run.ledger.tables[each.table]
    directory = entry.location.removeprefix(f"s3://{p.settings.bucket}/")
    keys = {key["AttributeName"] for key in table["KeySchema"]}
    attributes = table["AttributeDefinitions"]
    token = hashlib.sha256(f"{run.plan.run_id} {each.table} {entry.attempt}".encode())
    return {
        "table": each.table,
        "run_id": run.plan.run_id,
        "at": iso(clock.now()),
        "until": until,
        "state": INTENDED,
        "token": token.hexdigest()[:32],
        "items": entry.items,
        "prefix": root(directory, export_of(run, each.table, entry)) + DATA,
        "keys": table["KeySchema"],
        # an import refuses those of no key
        "attributes": [one for one in attributes if one["AttributeName"] in keys],
    }


def _take(p: Pass, run: Run) -> None:
    ledger = run.ledger
    record, _ = _read(p)
    own = [each for each in record["drills"].values() if each["run_id"] == run.plan.run_id]
    late = clock.now() >= when(ledger.drilling_until or "")
    if any(each["state"] != CLOSED for each in own) and not late:
        return
    for each in own:
        ledger.drills.append(_line(each))
        if each.get("ok") is False:
            ledger.alerts.append(f"restore drill: {_line(each)}")
            # with the report, not at once
            ledger.told.append(ledger.alerts[-1])
    ledger.drilled = True


def _line(entry: dict[str, Any]) -> str:
    said = entry.get("said") or "its import has not ended yet; a message will say what it came to"
    left = "" if entry["state"] == CLOSED else f"; {drill_name(entry['table'])} is not deleted yet"
    why = f" ({entry['refused']})" if left and entry.get("refused") else ""
    return f"{entry['table']}: {said}{left if entry.get('said') else ''}{why}"


def _over(entry: dict[str, Any], ok: bool, said: str, state: str = DELETING) -> None:
    entry.update(ok=ok, said=said, state=state)


def _step(p: Pass, name: str, entry: dict[str, Any]) -> None:
    if entry["state"] == INTENDED:
        _import(p, name, entry)
    elif entry["state"] == IMPORTING:
        _judge(p, entry)
    # a table that is gone at once closes its drill in the same pass
    if entry["state"] == DELETING:
        _delete(p, name, entry)


def _import(p: Pass, name: str, entry: dict[str, Any]) -> None:
    if clock.now() - when(entry["at"]) > _TOKEN_LIFE:
        return _over(entry, False, f"not begun: {entry.get('refused', 'no pass came')}", CLOSED)
    try:
        answer = p.clients.dynamodb_once.import_table(
            ClientToken=entry["token"],
            S3BucketSource={"S3Bucket": p.settings.bucket, "S3KeyPrefix": entry["prefix"]},
            InputFormat="DYNAMODB_JSON",
            InputCompressionType="GZIP",
            TableCreationParameters={
                "TableName": name,
                "AttributeDefinitions": entry["attributes"],
                "KeySchema": entry["keys"],
                "BillingMode": "PAY_PER_REQUEST",
            },
        )
        arn = answer["ImportTableDescription"]["ImportArn"]
    except ClientError as error:
        there = code_of(error) == "ResourceInUseException"
        # fifty imports are taken at once
        if not there and (passes(error) or code_of(error) == "LimitExceededException"):
            entry["refused"] = str(error)
            return None
        # an import whose answer was lost, and which has ended since
        found = _ours(p, name, entry) if there else None
        if found is None:
            return _over(entry, False, f"ImportTable was refused: {error}", CLOSED)
        arn = found
    entry.update(arn=arn, state=IMPORTING)
    entry.pop("refused", None)
    return None


def _ours(p: Pass, name: str, entry: dict[str, Any]) -> str | None:
    """Return the import that has the drill's token; None: another made the table."""
    s = p.settings
    table = f"arn:{s.partition}:dynamodb:{s.region}:{s.account}:table/{name}"
    for each in p.clients.dynamodb.list_imports(TableArn=table)["ImportSummaryList"]:
        found = p.clients.dynamodb.describe_import(ImportArn=each["ImportArn"])
        if found["ImportTableDescription"].get("ClientToken") == entry["token"]:
            return each["ImportArn"]
    return None


def _judge(p: Pass, entry: dict[str, Any]) -> None:
    answer = p.clients.dynamodb.describe_import(ImportArn=entry["arn"])
    found = answer["ImportTableDescription"]
    if found["ImportStatus"] in ("IN_PROGRESS", "CANCELLING"):
        return
    entry["table_id"] = found.get("TableId")
    items, errors = found.get("ImportedItemCount", 0), found.get("ErrorCount", 0)
    if found["ImportStatus"] == "COMPLETED" and items == entry["items"] and not errors:
        _over(entry, True, f"restored by ImportTable, {items} items")
        return
    why = " ".join(filter(None, (found.get("FailureCode"), found.get("FailureMessage"))))
    _over(
        entry,
        False,
        f"the import of its backup {found['ImportStatus']}: {items} of {entry['items']} items, "
        f"{errors} errors{f' ({why})' if why else ''}",
    )


def _delete(p: Pass, name: str, entry: dict[str, Any]) -> None:
    try:
        table = p.clients.dynamodb.describe_table(TableName=name)["Table"]
        if table.get("TableId") != entry.get("table_id"):
            entry.update(state=CLOSED, said=f"{entry['said']}; {name} is another's, and is left")
        elif table["TableStatus"] != "DELETING":
            p.clients.dynamodb_once.delete_table(TableName=name)
            entry["refused"] = ""
    except (ClientError, BotoCoreError) as error:
        if isinstance(error, ClientError) and code_of(error) == "ResourceNotFoundException":
            entry["state"] = CLOSED
            return
        _log.warning("%s is not deleted: %s", name, error)
        entry["refused"] = str(error)
        if clock.now() - when(entry["at"]) > _A_DAY and not entry.get("told"):
            entry["told"] = True
            what = f"{name}, a restore drill's table, cannot be deleted: {error}"
            publish(p.clients, p.settings, "ATTENTION restore drill", what)
