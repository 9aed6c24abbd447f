"""Which permissions an operation of DynamoDB needs, of its imports too."""

from __future__ import annotations

from typing import TYPE_CHECKING

from moto.dynamodb.models import dynamodb_backends

from local.iam.permission import Permission, aliases, arn_of, key_arn, via
from local.iam.permissions_s3 import bucket_key, find_bucket

if TYPE_CHECKING:
    from local.core.call import Call

_TABLE = [
    "DescribeTable",
    "UpdateTable",
    "Scan",
    "Query",
    "GetItem",
    "PutItem",
    "DeleteItem",
    "UpdateItem",
    "DescribeTimeToLive",
    "DescribeContinuousBackups",
    "CreateTable",
    "DeleteTable",
    "UpdateTimeToLive",
    "GetResourcePolicy",
    "DescribeKinesisStreamingDestination",
    "DescribeContributorInsights",
    "ListTagsOfResource",
    "TagResource",
    "UntagResource",
    "UpdateContinuousBackups",
    "UpdateContributorInsights",
    "EnableKinesisStreamingDestination",
    "PutResourcePolicy",
]
_EXPORTS = ("ExportTableToPointInTime", "DescribeExport", "ListExports")
# of who exports, on the bucket's objects (Developer Guide, "Requesting a table export")
_EXPORT_PUTS = ("AbortMultipartUpload", "PutObject", "PutObjectAcl")
_IMPORTS = ("ImportTable", "DescribeImport", "ListImports")
_IMPORT_LOGS = (
    "CreateLogGroup",
    "CreateLogStream",
    "DescribeLogStreams",
    "PutLogEvents",
    "PutRetentionPolicy",
)
# of who makes a table with a customer's key (Developer Guide, "Encryption at rest: usage notes")
_TABLE_KEY = (
    "CreateGrant",
    "Decrypt",
    "DescribeKey",
    "Encrypt",
    "GenerateDataKey",
    "ReEncryptFrom",
    "ReEncryptTo",
)
_DATA = {"Scan", "Query", "GetItem", "PutItem", "DeleteItem", "UpdateItem"}


def dynamodb(call: Call) -> list[Permission]:
    action = f"dynamodb:{call.operation}"
    if call.operation in ("ListTables", "ListGlobalTables", "DescribeLimits"):
        return [Permission(action, "*")]
    if call.operation in ("BatchWriteItem", "BatchGetItem"):
        tables = call.params.get("RequestItems", {})
        keys = [key for table in tables for key in _table_key(call, table)]
        return [*(Permission(action, _table_arn(call, table)) for table in tables), *keys]
    params = call.params
    if call.operation in _IMPORTS:
        return _import(call, action)
    if call.operation in _EXPORTS:
        return _export(call, action)
    if call.operation not in _TABLE:
        return [Permission(action, None)]
    name = params.get("TableName") or params.get("TableArn") or params.get("ResourceArn") or ""
    out = [Permission(action, _table_arn(call, name))]
    if index := params.get("IndexName") if "Insights" in call.operation else None:
        out.append(Permission(action, f"{_table_arn(call, name)}/index/{index}"))
    # tags given at creation are a right of their own (API CreateTable, "Tags")
    if call.operation == "CreateTable" and params.get("Tags"):
        out.append(Permission("dynamodb:TagResource", _table_arn(call, name)))
    key = (params.get("SSESpecification") or {}).get("KMSMasterKeyId")
    if call.operation == "CreateTable" and key and (arn := key_arn(call, key)):
        out += [Permission(f"kms:{name}", arn, via(call, "dynamodb")) for name in _TABLE_KEY]
    if call.operation in _DATA:
        out += _table_key(call, name)
    return out


def _export(call: Call, action: str) -> list[Permission]:
    """What the caller may not write, the export cannot; here the call itself is refused."""
    params = call.params
    arn = params.get("ExportArn") or params.get("TableArn")
    out = [Permission(action, arn or "*")]
    if bucket := params.get("S3Bucket"):
        above = f"{params['S3Prefix'].rstrip('/')}/" if params.get("S3Prefix") else ""
        where = f"arn:{call.partition}:s3:::{bucket}/{above}AWSDynamoDB/x"
        out += [Permission(f"s3:{name}", where) for name in _EXPORT_PUTS]
        if (key := params.get("S3SseKmsKeyId")) and (found := key_arn(call, key)):
            granted = ("Decrypt", "GenerateDataKey")
            out += [Permission(f"kms:{name}", found, via(call, "s3")) for name in granted]
        out += _table_key(call, params["TableArn"])
    return out


def _import(call: Call, action: str) -> list[Permission]:
    """What the caller of ImportTable may not read, the import cannot (S3DataImport.Requesting).

    Here the call itself is refused; when the service looks is not known.
    """
    params = call.params
    if call.operation == "ListImports":
        # whatever table is asked for, as with the groups of logs (S3DataImport.Requesting)
        return [Permission(action, "*")]
    named = params.get("TableCreationParameters", {}).get("TableName")
    out = [Permission(action, params.get("ImportArn") or _table_arn(call, named or "*"))]
    if source := params.get("S3BucketSource"):
        bucket, prefix = f"arn:{call.partition}:s3:::{source['S3Bucket']}", source["S3KeyPrefix"]
        out += [
            Permission("s3:ListBucket", bucket, {"s3:prefix": prefix}),
            Permission("s3:GetObject", f"{bucket}/{prefix}x"),
        ]
        group = arn_of(call, "logs", "log-group:/aws-dynamodb/imports")
        out += [Permission(f"logs:{name}", group) for name in _IMPORT_LOGS]
        out.append(Permission("logs:DescribeLogGroups", "*"))
        found = find_bucket(source["S3Bucket"])
        key_id = bucket_key(found) if found else None
        if found and key_id and (key := key_arn(call, key_id)):
            out.append(Permission("kms:Decrypt", key, via(call, "s3", found.region_name)))
    return out


def _table_arn(call: Call, name: str) -> str:
    return name if name.startswith("arn:") else arn_of(call, "dynamodb", f"table/{name}")


def _table_key(call: Call, name: str) -> list[Permission]:
    """A table under a customer's key is read with that key, through DynamoDB."""
    table = dynamodb_backends[call.account][call.region].tables.get(name.rsplit("/", 1)[-1])
    specification = (table.sse_specification if table else None) or {}
    if not specification.get("Enabled"):
        return []
    arn = key_arn(call, specification.get("KMSMasterKeyId") or "")
    if arn is None or "alias/aws/dynamodb" in aliases(arn):
        return []
    return [Permission("kms:Decrypt", arn, via(call, "dynamodb"))]
