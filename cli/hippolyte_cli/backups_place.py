"""Where the backups are that a command is about, and the options that say so."""

from __future__ import annotations

from typing import Annotated

import boto3
import typer

from hippolyte.clients import configuration
from hippolyte.store import Store
from hippolyte_cli import deployment
from hippolyte_cli.backups import Backups

Function = Annotated[
    str, typer.Option(help="The deployed monitor: its settings say where the backups are.")
]
Bucket = Annotated[
    str | None,
    typer.Option(help="Without the function, or from another account: the bucket of the backups."),
]
Prefix = Annotated[str, typer.Option(help="The prefix in that bucket.")]
Region = Annotated[str | None, typer.Option(envvar="AWS_REGION", help="The deployment's region.")]
Account = Annotated[
    str | None, typer.Option(metavar="ACCOUNT", help="Of the tables, where the bucket has several.")
]
OfRegion = Annotated[
    str | None, typer.Option(metavar="REGION", help="Of the tables, where the bucket has several.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
MONITOR = "hippolyte-monitor"


def backups_in(
    function: str,
    bucket: str | None,
    prefix: str,
    region: str | None,
    account: str | None,
    of_region: str | None,
) -> Backups:
    """Return the backups of a deployment, or of a bucket that is named.

    Raises:
        ConfigurationError: there is no such function.
        ClientError, BotoCoreError: it cannot be asked.
    """
    bucket_region = region
    if bucket is None:
        settings = deployment.deployed(function, region)
        bucket, prefix = settings.bucket, settings.prefix
        bucket_region = settings.bucket_region or settings.region
    s3 = boto3.client("s3", region_name=bucket_region, config=configuration())
    return Backups(Store(s3, bucket), prefix.strip("/"), account, of_region)
