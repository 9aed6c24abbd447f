"""What a report calls a backup is one: read back by several readers that know nothing of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import count
from typing import Any

from botocore.exceptions import ClientError
from moto.dynamodb.models import dynamodb_backends

from hippolyte.exports import native
from hippolyte.exports.native_verification import verify
from local.demo import second_reader
from local.dynamodb.imports import SECONDS
from local.dynamodb.items import table_items
from tests.support.faults.inside import Inside
from tests.support.harness import ACCOUNT, BUCKET, REGION, NightDriver, verdicts

_imports = count(1)


def no_backups(night: NightDriver, inside: Inside, report: dict[str, Any]) -> Iterator[str]:
    """Yield what is wrong of the tables that are backed up, by a report."""
    for name, verdict in verdicts(report).items():
        if verdict != "backed_up":
            continue
        entry = report["tables"][name]
        directory = entry["location"].removeprefix(f"s3://{BUCKET}/")
        items = sorted(map(str, table_items(ACCOUNT, REGION, name)))
        try:
            backup = second_reader.read_backup(inside, BUCKET, directory)
        except (ValueError, ClientError) as error:
            yield f"the backup of {name} cannot be read: {error!r}"
            continue
        if sorted(map(str, backup)) != items:
            yield f"the backup of {name} is not what the table holds"
        if night.engine == "lambda":
            yield from _no_export(inside, directory, entry["table_id"], len(items))
            if sorted(map(str, _imported(night, inside, directory, name))) != items:
                yield f"an import of {name} is not what the table holds"


def _no_export(inside: Inside, directory: str, table_id: str, items: int) -> Iterator[str]:
    """Yield what lies there that the manifest does not say, and the reverse."""
    root = _root(inside, directory)
    if others := [key for key in inside.keys(f"{directory}/") if not key.startswith(root)]:
        yield f"beside {root} lie {others}"

    def get(name: str) -> bytes:
        body: bytes = inside.get_object(BUCKET, root + name)["Body"].read()
        return body

    # DynamoDB's own says nothing there
    begun = get(native.STARTED)
    segments = int(json.loads(begun)["segments"]) if begun else None
    found = verify(root, inside.listed(root), get, table_id, segments, scanned=bool(begun))
    yield from found.problems
    if found.items != items:
        yield f"{root} says {found.items} items, there are {items}"


def _root(inside: Inside, directory: str) -> str:
    below = f"{directory}/AWSDynamoDB/"
    return f"{below}{inside.keys(below)[0].removeprefix(below).split('/')[0]}/"


def _imported(
    night: NightDriver, inside: Inside, directory: str, name: str
) -> list[dict[str, Any]]:
    """Return what ImportTable makes of a data folder: it reads each object there."""
    made = f"imported-{next(_imports)}"
    arn = night.dynamodb.import_table(
        S3BucketSource={"S3Bucket": BUCKET, "S3KeyPrefix": f"{_root(inside, directory)}data/"},
        InputFormat="DYNAMODB_JSON",
        InputCompressionType="GZIP",
        TableCreationParameters={
            "TableName": made,
            "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
            "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
            "BillingMode": "PAY_PER_REQUEST",
        },
    )["ImportTableDescription"]["ImportArn"]
    night.world.clock.advance(SECONDS)
    ended = night.dynamodb.describe_import(ImportArn=arn)["ImportTableDescription"]
    if ended["ImportStatus"] != "COMPLETED" or ended["ErrorCount"]:
        raise AssertionError(f"the import of {name}: {ended}")
    items = table_items(ACCOUNT, REGION, made)
    del dynamodb_backends[ACCOUNT][REGION].tables[made]
    return items
