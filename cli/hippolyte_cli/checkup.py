"""`hippolyte doctor` without a trial: what functions and this machine may, and what is missing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict
from typing import Any

import boto3
from botocore.exceptions import ClientError
from rich.console import Console
from rich.markup import escape

from hippolyte import __version__
from hippolyte.check import CHECK
from hippolyte.clients import configuration
from hippolyte.settings import Settings
from hippolyte_cli import console, functions, surroundings
from hippolyte_cli.doctor_points import BROKEN, COLOURS, HELD, UNSEEN, Point
from hippolyte_cli.terminal import show_rows
from hippolyte_cli.troubles import TROUBLES, in_words, remedied
from hippolyte_cli.waiting import working

# of what the monitor looks at, what is bounded by the account
_QUOTAS = ("planning.max_clusters", "exporter.max_workers")


def checked(settings: Settings) -> list[Point]:
    """Return what is seen of a deployment; nothing is changed."""
    with working("looking at what is reached from here"):
        points = list(_here(settings))
    for function in ("scheduler", "monitor"):
        with working(f"asking the {function}"):
            points += _of_function(settings, function)
    return points


def show(out: Console, settings: Settings, points: list[Point], as_json: bool) -> None:
    """Print what is seen."""
    rows = (
        (point.id, f"[{COLOURS[point.held]}]{point.held}[/]", escape(point.said))
        for point in points
    )
    where = f"{settings.name} in account {settings.account}, {settings.region}"
    show_rows(out, ("what", "", "seen"), rows, title=where, prose=("seen",))
    bad = sum(point.held != HELD for point in points)
    out.print(f"{bad} of {len(points)} need a person." if bad else "All is well.")
    if as_json:
        about = {"name": settings.name, "account": settings.account, "region": settings.region}
        told = [asdict(point) for point in points]
        console.record({**about, "version": __version__, "points": told})


def _here(settings: Settings) -> Iterator[Point]:
    """Yield what this machine reaches, with the credentials that it has."""

    def client(service: str, region: str = settings.region) -> Any:
        config = configuration(tries=2, patience=10)
        return boto3.client(service, region_name=region, config=config)  # type: ignore[call-overload]

    def identity() -> tuple[bool, str]:
        found = client("sts").get_caller_identity()
        other = found["Account"] != settings.account
        of = f", the deployment is of {settings.account}" if other else ""
        return not other, f"{found['Arn']}{of}"

    def bucket() -> tuple[bool, str]:
        s3 = client("s3", settings.bucket_region or settings.region)
        place = settings.place("runs", "")
        s3.list_objects_v2(Bucket=settings.bucket, Prefix=place, MaxKeys=1)
        return True, f"s3://{settings.bucket}/{place} is read"

    def tables() -> tuple[bool, str]:
        # a refusal comes from where it is asked for
        with suppress(ClientError):
            client("dynamodb").list_tables(Limit=1)
        return True, f"DynamoDB answers in {settings.region}"

    def quotas() -> tuple[bool, str]:
        found = client("dynamodb").describe_limits()
        each, whole = found["TableMaxReadCapacityUnits"], found["AccountMaxReadCapacityUnits"]
        raises = "" if settings.raise_capacity is True else "; this deployment raises none"
        return True, (
            f"a table may have {each:,} read units, all provisioned ones of the region together "
            f"{whole:,}: no table is raised beyond either{raises}"
        )

    def same_code() -> tuple[bool, str]:
        names = [f"{settings.name}-{function}" for function in ("scheduler", "monitor")]
        if settings.engine == "lambda":
            names.append(f"{settings.name}-exporter")
        found = [client("lambda").get_function_configuration(FunctionName=n) for n in names]
        idle = [f["FunctionName"] for f in found if f.get("State", "Active") != "Active"]
        if idle:
            return False, f"{', '.join(idle)}: not active; apply the module again"
        if len({f["CodeSha256"] for f in found}) > 1:
            return False, f"{', '.join(names)} have different code: apply the module again"
        return True, f"{', '.join(names)}: active, of one package"

    for name, look in (
        ("credentials here", identity),
        ("bucket from here", bucket),
        ("endpoint from here", tables),
        ("DynamoDB's quotas", quotas),
        ("functions", same_code),
        *surroundings.looks(settings, client),
    ):
        yield _point(name, look)


def _point(name: str, look: Callable[[], tuple[bool, str]]) -> Point:
    try:
        held, said = look()
    except TROUBLES as error:
        return Point(name, UNSEEN, remedied(error))
    return Point(name, HELD if held else BROKEN, said)


def _of_function(settings: Settings, function: str) -> Iterator[Point]:
    """Yield what a function says of itself."""
    name = f"{settings.name}-{function}"
    try:
        answer = functions.invoke(name, settings.region, CHECK)
    except TROUBLES as error:
        yield Point(function, UNSEEN, remedied(error))
        return
    if "version" not in answer:
        older = f"is older than this command ({__version__}): apply the module of its version"
        yield Point(f"{function}: version", BROKEN, f"{name} {older}")
        return
    same = answer["version"] == __version__
    said = f"{name} is {answer['version']}, this command {__version__}"
    remedy = "" if same else ": install the command of the deployed version, or apply this one"
    yield Point(f"{function}: version", HELD if same else BROKEN, said + remedy)
    denied = "; ".join(answer["denied"])
    yield Point(f"{function}: rights", BROKEN if denied else HELD, denied or "nothing is denied")
    if function != "monitor":
        return
    yield _subscribers(f"{function}: subscribers", answer.get("topics", ()))
    for what, is_quota, well in (
        ("settings", False, "all that the settings name is there"),
        ("quotas", True, "the account has room for what the settings ask"),
    ):
        found = [
            f"{each['what']}. {each['remedy']}"
            for each in answer["found"]
            if each["what"].startswith(_QUOTAS) == is_quota
        ]
        unseen = [each for each in answer["not_answered"] if each.startswith(_QUOTAS) == is_quota]
        yield _of_settings(f"{function}: {what}", found, unseen, well)


def _subscribers(name: str, topics: Sequence[dict[str, Any]]) -> Point:
    """Return whether somebody hears of what goes wrong, by each topic's confirmed subscriptions."""
    if unseen := [f"{each['topic']}: {each['error']}" for each in topics if each["error"]]:
        return Point(name, UNSEEN, in_words("; ".join(unseen)))
    nobody = [each for each in topics if not each["confirmed"]]
    if nobody or not topics:
        said = "; ".join(
            f"{each['topic']} ({' and '.join(each['for'])}) has no confirmed subscription, "
            f"{each['pending']} wait for one: nobody is told. See alert_emails, and its mail"
            for each in nobody
        )
        return Point(name, BROKEN, said or "not told: apply the module again")
    counts = (f"{each['topic']}: {each['confirmed']} confirmed" for each in topics)
    return Point(name, HELD, "; ".join(counts))


def _of_settings(name: str, found: list[str], unseen: list[str], well: str) -> Point:
    if found:
        return Point(name, BROKEN, "; ".join(found))
    if unseen:
        return Point(name, UNSEEN, f"not answered: {', '.join(unseen)}; ask again")
    return Point(name, HELD, well)
