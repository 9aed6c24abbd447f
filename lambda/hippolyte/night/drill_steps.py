"""Takes each restore drill a step on: asks for its import, judges it, deletes its table.

A table is deleted if its id is the one that the import told whose token is ours, and never
otherwise. What is not over after a day is told.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from hippolyte import clock
from hippolyte.errors import ConfigurationError, ConflictError, code_of, passes
from hippolyte.night.drill_record import (
    CLOSED,
    DELETING,
    FOUND,
    IMPORTING,
    INTENDED,
    is_ours,
    line,
    read,
    write,
)
from hippolyte.night.one_pass import Pass
from hippolyte.planning.drill import price
from hippolyte.record_form import iso, known_form, when
from hippolyte.report import messages
from hippolyte.report.events import drilled, put
from hippolyte.report.notify import metrics, publish
from hippolyte.tables.names import table_arn
from hippolyte.words import count_of

# a token is known for 8 hours (API ImportTable)
_TOKEN_LIFE = timedelta(hours=7)
_A_DAY = timedelta(hours=24)
# of every account (Developer Guide, "Import format quotas and validation")
_LOG_GROUP = "/aws-dynamodb/imports"

_log = logging.getLogger(__name__)


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
    record, etag = read(p)
    for name in sorted(record["drills"]):
        if p.time_is_short:
            return
        entry = record["drills"][name]
        before = dict(entry)
        if entry["state"] == CLOSED and clock.now() - when(entry["until"]) > _A_DAY:
            # the report has had its time to take it
            del record["drills"][name]
        else:
            # one that cannot go on keeps no other from its end
            with p.apart(f"the restore drill {name} does not go on"), known_form(f"drill {name}"):
                _step(p, name, entry)
            told = False
            with p.apart(f"nobody is told of the restore drill {name}"):
                _tell(p, name, entry, before)
                told = True
            if not told:
                record["drills"][name] = before
                continue
        if record["drills"].get(name) == before:
            continue
        try:
            etag = write(p, record, etag)
        except ConflictError as error:
            _log.info("restore drill: %s", error)
            return


def _tell(p: Pass, name: str, entry: dict[str, Any], before: dict[str, Any]) -> None:
    """Tell what the report cannot; before it is recorded: rather twice than never."""
    now = clock.now()
    ended = before.get("ok") is None and entry.get("ok") is not None
    if ended or before.get("unput"):
        at = before.get("unput") or iso(now)
        _, trouble = put(p.clients, p.settings, [drilled(p.settings, entry, at)])
        # a later pass tries again
        entry["unput"] = at if trouble else ""
    if ended and when(entry["until"]) <= now:
        message = messages.drilled(p.settings, entry["run_id"], line(entry), ok=entry["ok"])
        publish(p.clients, p.settings, message)
        metrics(p.clients, p.settings, {"DrillsFailed": float(not entry["ok"])})
    if entry["state"] != CLOSED and now - when(entry["at"]) > _A_DAY and not entry.get("told"):
        entry["told"] = True
        why = f"it cannot be deleted: {entry['refused']}" if entry.get("refused") else line(entry)
        what = f"{name} is there since {entry['at']}, as a restore drill is not over: {why}"
        publish(
            p.clients, p.settings, messages.drilled(p.settings, entry["run_id"], what, ok=False)
        )


def _over(entry: dict[str, Any], ok: bool, said: str, state: str = DELETING) -> None:
    entry.update(ok=ok, said=said, state=state)


def _step(p: Pass, name: str, entry: dict[str, Any]) -> None:
    if entry["state"] == FOUND:
        _find(p, name, entry)
    elif entry["state"] == INTENDED:
        _import(p, name, entry)
    elif entry["state"] == IMPORTING:
        _judge(p, entry)
    # a table that is gone at once closes its drill in the same pass
    if entry["state"] == DELETING:
        _delete(p, name, entry)


def _import(p: Pass, name: str, entry: dict[str, Any]) -> None:
    if clock.now() - when(entry["at"]) > _TOKEN_LIFE:
        # it would begin another import; the first one's answer may have been lost
        if not _adopt(p, name, entry):
            _over(entry, False, f"not begun: {entry.get('refused', 'no pass came')}", CLOSED)
        return
    try:
        answer = p.clients.dynamodb_once.import_table(
            ClientToken=entry["token"],
            S3BucketSource=entry["source"],
            InputFormat="DYNAMODB_JSON",
            InputCompressionType="GZIP",
            TableCreationParameters={
                "TableName": name,
                "AttributeDefinitions": entry["attributes"],
                "KeySchema": entry["keys"],
                "BillingMode": "PAY_PER_REQUEST",
            },
        )
        _begun(entry, answer["ImportTableDescription"])
    except ClientError as error:
        there = code_of(error) == "ResourceInUseException"
        # fifty imports are taken at once
        if not there and (passes(error) or code_of(error) == "LimitExceededException"):
            entry["refused"] = str(error)
        # an import whose answer was lost, and which has ended since
        elif not (there and _adopt(p, name, entry)):
            _refuse(p, name, entry, error, there)


def _refuse(p: Pass, name: str, entry: dict[str, Any], error: ClientError, there: bool) -> None:
    """End a drill that did not begin; an earlier one's table that was in its way is deleted."""
    if there and (table_id := _left_of_ours(p, name)):
        entry["table_id"] = table_id
        _over(entry, False, f"not drilled: {name}, which an earlier drill left, was in its way")
    else:
        _over(entry, False, f"ImportTable was refused: {error}", CLOSED)


def _begun(entry: dict[str, Any], found: Any) -> None:
    entry.update(arn=found["ImportArn"], table_id=found.get("TableId"), state=IMPORTING)
    entry.pop("refused", None)


def _adopt(p: Pass, name: str, entry: dict[str, Any]) -> bool:
    """Go on with the import that has the drill's token; False: there is none."""
    for found in _imports_of(p, name):
        if found.get("ClientToken") == entry["token"]:
            _begun(entry, found)
            return True
    return False


def _imports_of(p: Pass, name: str) -> Iterator[Any]:
    """Yield the imports that made tables of a name, or are to make one."""
    more = dict[str, Any]()
    while True:
        answer = p.clients.dynamodb.list_imports(TableArn=table_arn(p.settings, name), **more)
        for each in answer["ImportSummaryList"]:
            found = p.clients.dynamodb.describe_import(ImportArn=each["ImportArn"])
            yield found["ImportTableDescription"]
        if not answer.get("NextToken"):
            return
        more = {"NextToken": answer["NextToken"]}


def _find(p: Pass, name: str, entry: dict[str, Any]) -> None:
    table_id = _left_of_ours(p, name)
    if not table_id:
        left = "no drill of this deployment made it, and it is left"
        return _over(entry, True, left if table_id is None else "it is gone by now", CLOSED)
    entry["table_id"] = table_id
    return _over(entry, True, "left by a drill whose record was lost")


def _left_of_ours(p: Pass, name: str) -> str | None:
    """Return the id of a table that an import of ours made, empty if it is gone; None: not ours."""
    try:
        table = p.clients.dynamodb.describe_table(TableName=name)["Table"]
    except ClientError as error:
        if code_of(error) != "ResourceNotFoundException":
            raise
        return ""
    for found in _imports_of(p, name):
        ours = is_ours(p.settings, found.get("ClientToken") or "")
        # one that failed for a table of its name has made none
        ours = ours and found.get("FailureCode") != "TableAlreadyExists"
        if ours and found.get("TableId") == table.get("TableId"):
            return str(found["TableId"])
    return None


def _judge(p: Pass, entry: dict[str, Any]) -> None:
    try:
        answer = p.clients.dynamodb.describe_import(ImportArn=entry["arn"])
    except ClientError as error:
        if code_of(error) != "ImportNotFoundException":
            raise
        return _over(entry, False, f"its import is not known any more: {error}")
    found = answer["ImportTableDescription"]
    if found["ImportStatus"] in ("IN_PROGRESS", "CANCELLING"):
        return None
    # what was told at the import's begin holds: by its end the name may be somebody else's
    entry["table_id"] = entry.get("table_id") or found.get("TableId")
    return _over(entry, *_verdict(p, entry, found))


def _verdict(p: Pass, entry: dict[str, Any], found: Any) -> tuple[bool, str]:
    items, errors = found.get("ImportedItemCount", 0), found.get("ErrorCount", 0)
    if found["ImportStatus"] == "COMPLETED" and items == entry["items"] and not errors:
        usd = price(found.get("ProcessedSizeBytes", 0), p.settings)
        cost = f", for about {usd:.2f} USD" if usd >= 0.005 else ""
        return True, f"restored by ImportTable, {count_of(items, 'item')}{cost}"
    why = " ".join(filter(None, (found.get("FailureCode"), found.get("FailureMessage"))))
    group = str(found.get("CloudWatchLogGroupArn") or "").partition(":log-group:")[2]
    number = entry["arn"].rpartition("/")[2]
    said = (
        f"the import of its backup {found['ImportStatus']}: {items} of {entry['items']} items, "
        f"{errors} errors{f' ({why})' if why else ''}; its log is the stream {number}/error of "
        f"{group.removesuffix(':*') or _LOG_GROUP}"
    )
    return False, said


def _delete(p: Pass, name: str, entry: dict[str, Any]) -> None:
    try:
        table = p.clients.dynamodb.describe_table(TableName=name)["Table"]
        if not entry.get("table_id") or table.get("TableId") != entry["table_id"]:
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
