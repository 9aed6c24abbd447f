"""Where the backups are that a command is about, and the options that say so."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import boto3
import typer
from botocore.exceptions import BotoCoreError, ClientError
from rich.markup import escape

from hippolyte.clients import configuration
from hippolyte.errors import ConfigurationError
from hippolyte.exports import place
from hippolyte.settings import Settings
from hippolyte.store import Store
from hippolyte_cli import deployment
from hippolyte_cli.backups import Backups
from hippolyte_cli.terminal import console
from hippolyte_cli.troubles import remedied

# percent of a table's capacity, where nothing says how much is to be taken
SHARE = 50

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
Conditions = Annotated[
    list[str] | None,
    typer.Option(
        metavar="CONDITION", help="""Only some items: 'status = "open"'; several: all hold."""
    ),
]
KeysFile = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Only these keys: JSON, one a line.")
]
Rate = Annotated[
    float | None,
    typer.Option(min=0.1, max=1e6, metavar="UNITS", help="Units a second, instead of a share."),
]

Share = Annotated[
    int | None,
    typer.Option(
        min=1,
        max=100,
        metavar="PERCENT",
        help="Of a live table's capacity. Default: what the deployment's backups may consume, "
        f"else {SHARE}.",
    ),
]


def share_of_backups(function: str, bucket: str | None, region: str | None) -> int:
    """Return the percentage of capacity that a deployment's backups may consume; else 50.

    That the deployment cannot be asked, or there is none, is said on stderr.
    """
    if bucket is not None:
        return SHARE
    try:
        return deployment.deployed(function, region).consumed_percentage
    except (ConfigurationError, ClientError, BotoCoreError) as error:
        # there need be none, nor the right or a way to look at it
        console(stderr=True).print(
            escape(
                f"A live table is read at {SHARE} % of its capacity, or at --share: what backups "
                f"may consume is not known. {remedied(error)}"
            ),
            soft_wrap=True,
        )
        return SHARE


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
    store, below, _ = store_of(function, bucket, prefix, region)
    return Backups(store, below, account, of_region)


def store_of(
    function: str, bucket: str | None, prefix: str, region: str | None, connections: int = 10
) -> tuple[Store, str, Settings | None]:
    """Return the bucket of a deployment, or one that is named, its prefix, and the deployment.

    Raises:
        ConfigurationError: there is no such function.
        ClientError, BotoCoreError: it cannot be asked.
    """
    settings = None
    if bucket is None:
        settings = deployment.deployed(function, region, or_bucket=True)
        bucket, prefix = settings.bucket, settings.prefix
        region = settings.bucket_region or settings.region
    s3 = boto3.client("s3", region_name=region, config=configuration(connections))
    return Store(s3, bucket), prefix.strip("/"), settings


def is_place(source: str) -> bool:
    """Say whether a source is no table's name but a place: s3://..., or with a slash or dot."""
    return source.startswith("s3://") or "/" in source or source.startswith(".")


def place_of(source: str, region: str | None) -> place.Folder | place.Prefix:
    """Return the place that a source names, a folder or below a prefix: what lies there is unseen.

    Raises:
        ConfigurationError: it is none.
    """
    if not source.startswith("s3://"):
        folder = Path(source).expanduser()
        if not folder.is_dir():
            raise ConfigurationError(
                f"there is no folder {folder}: {source} is no folder, and no table's name, which "
                "has no slash"
            )
        return place.Folder(folder)
    bucket, _, key = source.removeprefix("s3://").partition("/")
    if not bucket:
        raise ConfigurationError(f"{source} names no bucket: s3://bucket/prefix")
    s3 = boto3.client("s3", region_name=region, config=configuration())
    below = key.rstrip("/")
    return place.Prefix(Store(s3, bucket), f"{below}/" if below else "")
