"""The AWS clients, built in this one place: retries, time-outs and the user agent are set here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config

from hippolyte import __version__

if TYPE_CHECKING:
    from mypy_boto3_application_autoscaling import ApplicationAutoScalingClient
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_datapipeline import DataPipelineClient
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_emr import EMRClient
    from mypy_boto3_resourcegroupstaggingapi import ResourceGroupsTaggingAPIClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sns import SNSClient

    from hippolyte.settings import Settings


@dataclass(frozen=True, slots=True)
class Clients:
    """One client a service, in its region: of the pipelines, the bucket, the topic; else the own.

    The clients called `_once` never try a call again: a start without an answer is looked
    for, not asked for twice, and a capacity decrease that the service refuses for hours
    (LimitExceededException, which botocore takes for throttling) is left to a later pass, as is
    the reading of settings for the catalogue. Discovery asks again itself (`tables.patience`).
    """

    dynamodb: DynamoDBClient
    dynamodb_once: DynamoDBClient
    scaling: ApplicationAutoScalingClient
    scaling_once: ApplicationAutoScalingClient
    datapipeline: DataPipelineClient
    datapipeline_once: DataPipelineClient
    emr: EMRClient
    emr_once: EMRClient
    s3: S3Client
    sns: SNSClient
    cloudwatch: CloudWatchClient
    # by service: what is looked at once has its client made then, in the own region; it gives up
    # soon, for a network may have no way to these services
    seldom: Callable[[str], Any]
    # of Step Functions, made when it is first needed, for one engine needs it: a night hangs on it,
    # and an execution that is asked for twice is started once
    states: Callable[[], Any]
    # of the own region, where `sns` is not: the topic of the alarms
    own_sns: SNSClient | None = None
    # None: no rule is over tags, and an invocation is spared the client
    tagging: ResourceGroupsTaggingAPIClient | None = None


def configuration(connections: int = 10, tries: int = 8, patience: int = 30) -> Config:
    """Return how every client of this product calls.

    Args:
        connections: kept open at once.
        tries: of a call; 1 where the caller itself asks again, as a scan's loop does.
        patience: seconds until an answer is given up.
    """
    return Config(
        # "standard" backs off with jitter on throttling and 5xx, and not on hopeless errors
        retries={"mode": "standard", "total_max_attempts": tries},
        connect_timeout=min(5, patience),
        read_timeout=patience,
        max_pool_connections=connections,
        user_agent_extra=f"hippolyte/{__version__}",
    )


def say_encryption(s3: S3Client, settings: Settings) -> None:
    """Let every PutObject say how it is encrypted, where a bucket's policy or an SCP demands it.

    The header `x-amz-server-side-encryption`, and the key if it is the customer's (S3 User Guide,
    "Enforcing server-side encryption").
    """
    said = {"ServerSideEncryption": settings.sse_header, "SSEKMSKeyId": settings.sse_key_arn}
    if settings.sse_header:
        s3.meta.events.register(
            "before-parameter-build.s3.PutObject",
            lambda params, **_: params.update({k: v for k, v in said.items() if v}),
        )


@lru_cache(maxsize=2)
def build(settings: Settings) -> Clients:
    """Build the clients of a deployment; a warm invocation finds them made.

    Two, as a deployment may have open runs in a place that it wrote to before.
    """
    config = configuration(max(10, settings.planning.discovery_concurrency))
    once = config.merge(Config(retries={"mode": "standard", "total_max_attempts": 1}))

    # kept: a client that is made later has the credentials of the others
    session = boto3.DEFAULT_SESSION or boto3.session.Session()

    def client(service: str, region: str, config: Config = config) -> Any:
        return session.client(service, region_name=region, config=config)  # type: ignore[call-overload]

    soon = configuration(tries=2, patience=10).merge(Config(connect_timeout=3))
    own, told = settings.region, settings.topic_arn.split(":")[3]
    s3 = client("s3", settings.bucket_region or own)
    say_encryption(s3, settings)
    return Clients(
        dynamodb=client("dynamodb", own),
        dynamodb_once=client("dynamodb", own, once),
        scaling=client("application-autoscaling", own),
        scaling_once=client("application-autoscaling", own, once),
        datapipeline=client("datapipeline", settings.pipeline_region),
        datapipeline_once=client("datapipeline", settings.pipeline_region, once),
        emr=client("emr", own),
        emr_once=client("emr", own, once),
        s3=s3,
        sns=client("sns", told),
        own_sns=None if told == own else client("sns", own),
        cloudwatch=client("cloudwatch", own),
        seldom=cache(lambda service: client(service, own, soon)),
        states=cache(lambda: client("stepfunctions", own)),
        tagging=client("resourcegroupstaggingapi", own) if settings.tables.by_tag else None,
    )


@dataclass(frozen=True, slots=True)
class ExporterClients:
    """Of an exporter function: the scan's loop asks again itself, what it is told by does not."""

    dynamodb: DynamoDBClient
    s3_once: S3Client
    s3: S3Client


@lru_cache(maxsize=2)
def for_exporter(settings: Settings, threads: int) -> ExporterClients:
    """Build the few clients that an exporter function has, for so many calls at once."""
    once, patient = configuration(threads, tries=1), configuration()
    region = settings.bucket_region or settings.region

    def s3(config: Config) -> S3Client:
        client = boto3.client("s3", region_name=region, config=config)
        say_encryption(client, settings)
        return client

    return ExporterClients(
        dynamodb=boto3.client("dynamodb", region_name=settings.region, config=once),
        s3_once=s3(once),
        s3=s3(patient),
    )


def parameters(region: str | None) -> Any:
    """Build the client that settings are read with, so before any of them is known."""
    return boto3.client(
        "ssm", region_name=region, config=configuration()
    )  # a name it has no type of
