"""`--via import`: a new table by ImportTable, without write capacity, indexes built by the service.

DynamoDB's own exports and ours are read where they lie; others are converted first.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from hippolyte.errors import HippolyteError, code_of, passes, read_passes
from hippolyte.exports.reader import Backup
from hippolyte_cli.restore import import_source
from hippolyte_cli.restore.definition import TablePlan
from hippolyte_cli.restore.import_source import PUT, NotImportedError, Source
from hippolyte_cli.restore.make import NotMadeError, Waits, wait_active
from hippolyte_cli.troubles import remedied

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_GOES_ON = ("IN_PROGRESS", "CANCELLING")
_RIGHTS = (
    "an import is made with your own rights: dynamodb:ImportTable, DescribeImport and ListImports "
    "on the new table, s3:ListBucket and s3:GetObject on what it reads (kms:Decrypt on its "
    "key), and to create and write the log group /aws-dynamodb/imports"
)


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an import is; `of` is None where the number of all items is not known."""

    doing: str  # converting, importing
    items: int
    of: int | None


@dataclass(frozen=True, slots=True)
class Imported:
    """An import that is done."""

    arn: str
    table: Mapping[str, Any]  # as DescribeTable has it
    items: int
    bytes: int  # as they were uncompressed, which is what is paid for
    again: bool = False  # an earlier run had it done


def import_table(
    client: DynamoDBClient,
    plan: TablePlan,
    backup: Backup,
    source: Source,
    waits: Waits,
    *,
    owner: str | None = None,
    progress: Callable[[Progress], object] = lambda _: None,
    began: Callable[[], object] = lambda: None,
) -> Imported:
    """Make a plan's table of a backup by ImportTable; return it once it can be used.

    Done again, it goes on with the import that it began before. What was converted is removed at
    the end, unless the import still reads it.

    Args:
        client: of the account and Region where the table is to be.
        plan: of the table.
        backup: what is restored.
        source: of it, see `source_of`.
        waits: how long to wait for the import.
        owner: account of the source's bucket, if it is another's.
        progress: is told of it.
        began: is called once there is an import, or may be one.

    Raises:
        NotImportedError: it is refused, or failed; a single item that is missing is a failure.
        NotMadeError: another table has the name, or it takes too long.
        FormatError: the backup is not whole; with file and line.
    """
    request = _request(plan, source, owner)
    with _Scratch(source, waits) as scratch:
        found, token = _earlier(client, plan, request, scratch)
        items, again = source.items, found is not None
        if found is None:
            if items is None:
                items = import_source.convert(
                    backup, source.place, told=lambda n: progress(Progress("converting", n, None))
                )
            found = _begin(client, {**request, "ClientToken": token}, waits, scratch, began)
        began()
        ended = _follow(client, found["ImportArn"], items, waits, progress)
        scratch.is_read = False
        _judge(plan, ended, items)
    table = wait_active(client, plan.name, waits)
    return Imported(
        arn=ended["ImportArn"],
        table=table,
        items=ended["ImportedItemCount"],
        bytes=ended.get("ProcessedSizeBytes", 0),
        again=again,
    )


@dataclass(slots=True)
class _Scratch:
    """Removes what was converted in the end, unless an import may still read it."""

    source: Source
    waits: Waits
    is_read: bool = True

    def __enter__(self) -> _Scratch:
        return self

    def __exit__(self, *_: object) -> None:
        if self.source.items is not None:
            return
        place = import_source.address(self.source.place)
        try:
            if not self.is_read:
                import_source.remove(self.source.place)
            elif next(iter(self.source.place.names()), None):
                self.waits.told(
                    f"an import may still read {place}: run the same command again, which "
                    "removes it once the import has ended"
                )
        except (HippolyteError, ClientError, BotoCoreError) as error:
            self.waits.told(f"{place} is left, remove it: {remedied(error)}")


def _request(plan: TablePlan, source: Source, owner: str | None) -> dict[str, Any]:
    where = {"S3Bucket": source.place.store.bucket, "S3KeyPrefix": source.place.prefix}
    if owner:
        where["S3BucketOwner"] = owner
    return {
        "S3BucketSource": where,
        "InputFormat": "DYNAMODB_JSON",
        "InputCompressionType": source.compression,
        "TableCreationParameters": plan.for_import(),
    }


def _earlier(
    client: DynamoDBClient, plan: TablePlan, request: Mapping[str, Any], scratch: _Scratch
) -> tuple[Mapping[str, Any] | None, str]:
    """Return the import from the same source that goes on, or made the table; the next's token.

    An import's table is not there for its first half minute, and only the list of imports tells of
    it (seen in October 2026). A token is answered with its import even when that import's table is
    deleted: each import has another one, and a call whose answer is lost the same.

    Raises:
        NotMadeError: another table has the name.
    """
    known = [
        each
        for each in _listed(client)
        if each["TableArn"].endswith(f":table/{plan.name}")
        and _place_of(each["S3BucketSource"]) == _place_of(request["S3BucketSource"])
    ]
    if begun := next((each for each in known if each["ImportStatus"] in _GOES_ON), None):
        return begun, ""
    scratch.is_read = False
    seed = json.dumps([plan.marker, request, len(known)], sort_keys=True)
    token = sha256(seed.encode()).hexdigest()[:36]
    try:
        table = client.describe_table(TableName=plan.name)["Table"]
    except ClientError as error:
        if code_of(error) != "ResourceNotFoundException":
            raise NotImportedError(f"{remedied(error)} For {_RIGHTS}") from error
        return None, token
    for each in known:
        found = client.describe_import(ImportArn=each["ImportArn"])["ImportTableDescription"]
        if found["TableId"] == table["TableId"]:
            return found, token
    raise NotMadeError(
        f"a table {plan.name} exists, and no import from "
        f"{'/'.join(_place_of(request['S3BucketSource']))} made it: give another name with --to, "
        "or load into it with --into"
    )


def _place_of(source: Mapping[str, Any]) -> tuple[str, str]:
    return source["S3Bucket"], source.get("S3KeyPrefix", "")


def _listed(client: DynamoDBClient) -> Iterator[Mapping[str, Any]]:
    more: dict[str, Any] = {}
    while True:
        try:
            answer = client.list_imports(**more)
        except ClientError as error:
            raise NotImportedError(f"{remedied(error)} For {_RIGHTS}") from error
        yield from answer["ImportSummaryList"]
        if not answer.get("NextToken"):
            return
        more = {"NextToken": answer["NextToken"]}


def _begin(
    client: DynamoDBClient,
    request: Mapping[str, Any],
    waits: Waits,
    scratch: _Scratch,
    began: Callable[[], object],
) -> Mapping[str, Any]:
    said = ""
    # the answer may be lost
    scratch.is_read = True
    for _ in waits.tries():
        try:
            return client.import_table(**request)["ImportTableDescription"]
        except ClientError as error:
            said = remedied(error)
            if not passes(error) and not _is_busy(error):
                scratch.is_read = False
                why = f"For {_RIGHTS}" if "Denied" in code_of(error) else f"Or {PUT}"
                raise NotImportedError(f"the import is refused: {said} {why}") from error
        except BotoCoreError:
            began()
            raise
        waits.told(f"the import cannot begin yet: {said}")
    raise NotMadeError(f"no import could begin in {waits.seconds:.0f} s: {said}")


def _is_busy(error: ClientError) -> bool:
    """Say whether it is the number of imports at once (50), not a quota of tables."""
    message = error.response.get("Error", {}).get("Message", "")
    return code_of(error) == "LimitExceededException" and "import" in message.lower()


def _follow(
    client: DynamoDBClient,
    arn: str,
    items: int | None,
    waits: Waits,
    progress: Callable[[Progress], object],
) -> Mapping[str, Any]:
    """Return an import's description once it has ended."""
    for _ in waits.tries():
        try:
            now = client.describe_import(ImportArn=arn)["ImportTableDescription"]
        except (ClientError, BotoCoreError) as error:
            if not read_passes(error):
                raise
            waits.told(f"the import is not told of: {remedied(error)}")
            continue
        if now["ImportStatus"] not in _GOES_ON:
            return now
        progress(Progress("importing", now.get("ImportedItemCount", 0), items))
    raise NotMadeError(
        f"the import {arn} has not ended after {waits.seconds:.0f} s: run the same command again, "
        "which goes on with it"
    )


def _judge(plan: TablePlan, ended: Mapping[str, Any], items: int | None) -> None:
    """Take an import for good only if every item is in the table.

    Raises:
        NotImportedError: one is not.
    """
    processed, imported = ended.get("ProcessedItemCount", 0), ended.get("ImportedItemCount", 0)
    if ended.get("FailureCode") == "TableAlreadyExists":
        raise NotMadeError(
            f"another import or table took the name {plan.name} meanwhile; give another name "
            "with --to"
        )
    errors, expected = ended.get("ErrorCount", 0), processed if items is None else items
    if ended["ImportStatus"] == "COMPLETED" and not errors and imported == expected:
        return
    why = ended.get("FailureMessage") or "no reason is given"
    group = ended.get("CloudWatchLogGroupArn", "no log group")
    raise NotImportedError(
        f"the import {ended['ImportArn']} is {ended['ImportStatus']} with {errors} errors: "
        f"{imported:,} of {expected:,} items are in {plan.name}; "
        f"{ended.get('FailureCode', 'no failure code')}: {why}; what is wrong with each is in "
        f"{group}. Load what is missing with --into {plan.name} --only-missing, or delete the "
        "table and run this again"
    )
