"""`hippolyte doctor`: a look at a deployment, or one small table tried on one cluster."""

from __future__ import annotations

import time
from dataclasses import asdict
from datetime import timedelta
from enum import StrEnum
from typing import Annotated, Any

import typer
from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console
from rich.markup import escape

from hippolyte import clock
from hippolyte.assembly import assemble
from hippolyte.errors import HippolyteError, code_of
from hippolyte.exports import reader
from hippolyte.exports.place import Prefix
from hippolyte.night.cancelled import ask
from hippolyte.night.one_pass import Pass
from hippolyte.planning.answer import read_answer
from hippolyte.planning.plan import Plan
from hippolyte.records.ledger import BatchEntry, Ledger
from hippolyte_cli import by_hand, checkup, console, deployment, functions
from hippolyte_cli.backups_place import AsJson, Region
from hippolyte_cli.doctor_points import COLOURS, ENDED, HELD, Seen, points, rate_line, rate_of
from hippolyte_cli.follow import follow
from hippolyte_cli.troubles import remedied
from hippolyte_cli.waiting import working

# more is no small table: it is read twice, and read back
_MOST_BYTES = 100 * 1024 * 1024
# a cluster takes some minutes to end
_END_PATIENCE, _PAUSE_SECONDS = timedelta(minutes=15), 15


class OnCluster(StrEnum):
    """An engine that reads with clusters."""

    EMR = "emr"
    DATAPIPELINE = "datapipeline"


def doctor(
    engine: Annotated[
        OnCluster | None,
        typer.Option(help="Try a cluster: the engine that the deployment has. It costs money."),
    ] = None,
    table: Annotated[
        str | None, typer.Option(metavar="NAME", help="To try: a small table, below 100 MiB.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    function: by_hand.Function = deployment.MONITOR,
    region: Region = None,
    as_json: AsJson = False,
) -> None:
    """Look at rights, quotas, endpoints and versions; with --engine try one cluster as well.

    Without --engine nothing is changed: the functions are asked what they are denied and what is
    missing, and what this machine reaches is seen. Exit code 0: all is well; 1: something is not,
    or was not seen; 2: there is no such deployment, or it cannot be asked.

    With --engine one small table is read by one cluster, and the points that held are said. The
    scheduler begins a run of that table alone, so that the deployment's own roles, settings and
    jar are tried; the points are those of docs/emr.md. Its cluster is ended, also by ctrl-c. The
    table's backup is an ordinary one, and is kept as long as the others.

    Exit code 0 then: all points held; 1: one did not, or was not seen, or it was stopped; 2:
    refused, or nobody said yes, and nothing was started.
    """
    out = console.console(stderr=as_json)
    if (engine is None) != (table is None):
        console.refuse("--engine and --table go together: a trial is of one table.")
    with console.told():
        settings = deployment.deployed(function, region)
        if engine is None or table is None:
            found = checkup.checked(settings)
            checkup.show(out, settings, found, as_json)
            raise typer.Exit(0 if all(point.held == HELD for point in found) else 1)
        if settings.engine != engine:
            console.refuse(
                f"{settings.name} has the engine {settings.engine}: the trial is of the deployed "
                f'roles and settings. Set engine = "{engine}", apply, and run it again.'
            )
        p = assemble(settings, "hippolyte doctor", lambda: float("inf"))
        _small(p, table)
        plan = Plan.from_record(read_answer(by_hand.asked(settings, "plan", [table]))[0])
        _on_a_cluster(plan, table)
    out.print(
        f"One {engine} cluster of {settings.name} in account {settings.account}, "
        f"{settings.region}, backs up {escape(table)}; about "
        f"{plan.cost_usd:.2f} USD by the plan. It takes about "
        "20 minutes, and the cluster is ended. What fails is tried again on another cluster, as in "
        "a night, and costs as much again.",
        soft_wrap=True,
    )
    if not yes:
        console.agree("Do it?", "It starts a cluster and costs money: say --yes to do it.")
    with console.told():
        answer = by_hand.asked(settings, "now", [table])
    if "run_id" not in answer:
        console.refuse(str(answer))
    seen, stopped = _tried(p, str(answer["run_id"]), table, function, out)
    found = points(seen)
    for point in found:
        colour = COLOURS[point.held]
        said = escape(f"{point.id}: {point.said}")
        out.print(f"[{colour}]{point.held}[/{colour}]  {said}", soft_wrap=True)
    if line := rate_line(seen):
        out.print(line, soft_wrap=True)
    if as_json:
        told = [asdict(point) for point in found]
        about = {"engine": str(engine), "table": table, "run": answer["run_id"]}
        rate = {"target": seen.target, "seen": seen.rate}
        about |= {"stopped": stopped, "points": told, "rate": rate, "cost_usd": seen.cost_usd}
        console.record(about)
    if stopped or any(point.held != HELD for point in found):
        raise typer.Exit(1)


def _on_a_cluster(plan: Plan, table: str) -> None:
    """Refuse a table for which no cluster would be made."""
    job = next((job for job in plan.jobs if job.table == table), None)
    if job is None:
        _, why = plan.verdicts.get(table, ("", "it is in no batch of the plan"))
        console.refuse(f"{table} would not be read: {why}.")
    if job.own_engine:
        console.refuse(
            f"{table} is exported by DynamoDB itself (native_export), without a cluster: name "
            "another small table."
        )


def _small(p: Pass, table: str) -> None:
    """Refuse a table that is not there, or is none to try with."""
    try:
        found = p.clients.dynamodb.describe_table(TableName=table)["Table"]
    except ClientError as error:
        if code_of(error) != "ResourceNotFoundException":
            raise
        console.refuse(f"There is no table {table} in {p.settings.region}.")
    if found.get("TableSizeBytes", 0) > _MOST_BYTES:
        console.refuse(f"{table} has {found['TableSizeBytes']:,} bytes: name one below 100 MiB.")
    if not p.clients.dynamodb.scan(TableName=table, Limit=1)["Count"]:
        console.refuse(f"{table} is empty: no cluster is made for it. Name one with items.")


def _tried(p: Pass, run: str, table: str, function: str, out: Console) -> tuple[Seen, bool]:
    """Follow the run to its report, and see that its clusters have ended; whether it was stopped.

    A first ctrl-c stops the run; a second one, while its end is waited for, this command alone.
    """
    report, stopped = None, True
    try:
        report = follow(p, run, out)
        stopped = False
    except KeyboardInterrupt:
        out.print(f"Stopped: run {run} and its cluster are ended.")
    finally:
        if report is None:
            _end_run(p, run, function, out)
        forced = _clusters_ended(p, run, out)
    with console.told(), working("reading back what it backed up"):
        return _seen(p, run, table, report or {}, left_alone=not forced and not stopped), stopped


def _end_run(p: Pass, run: str, function: str, out: Console) -> None:
    try:
        ask(p.runs, run, "hippolyte doctor", "the trial was stopped")
        functions.invoke(function, p.settings.region, {})
    except (HippolyteError, ClientError, BotoCoreError) as error:
        out.print(f"[red]The monitor did not end it:[/red] {escape(remedied(error))}")


def _clusters_ended(p: Pass, run: str, out: Console) -> bool:
    """Wait until no cluster of the run is left, and end what is; say whether one had to be."""
    forced, end = False, clock.now() + _END_PATIENCE
    while True:
        try:
            left = [b for b in _batches(p, run) if not _gone(p, b)]
            if not left:
                return forced
            # a cluster that is ending is given its minutes
            alive = [b for b in left if _state(_cluster(p, b)) != "TERMINATING"]
            for batch in alive:
                p.engine.cancel(batch.handle)
                forced = True
            trouble = f"clusters of {', '.join(b.batch_id for b in left)} are not gone"
        except (HippolyteError, ClientError, BotoCoreError) as error:
            trouble = remedied(error)
        if clock.now() >= end:
            out.print(
                f"[red]LEFT RUNNING?[/red] {escape(trouble)}: run {run}. `hippolyte cancel {run}`, "
                "or terminate it in EMR's console."
            )
            return True
        with working("waiting until its clusters are gone"):
            time.sleep(_PAUSE_SECONDS)


def _ledger(p: Pass, run: str) -> Ledger | None:
    found = p.store.read(p.runs.key(run, "ledger.json"))
    return Ledger.from_record(found[0]) if found else None


def _batches(p: Pass, run: str) -> list[BatchEntry]:
    ledger = _ledger(p, run)
    return [b for b in ledger.batches.values() if b.handle] if ledger else []


def _gone(p: Pass, batch: BatchEntry) -> bool:
    if not p.engine.started(batch.handle):
        return True
    cluster = _cluster(p, batch)
    if cluster:
        return _state(cluster) in ENDED
    return p.engine.poll(batch.handle, len(batch.jobs)).gone


def _cluster(p: Pass, batch: BatchEntry) -> Any:
    host = batch.handle.get("cluster")
    if not host and p.engine.started(batch.handle):
        host = p.engine.poll(batch.handle, len(batch.jobs)).host_id
    if not host or not str(host).startswith("j-"):
        return {}
    return p.clients.emr.describe_cluster(ClusterId=host)["Cluster"]


def _state(cluster: Any) -> str:
    return str(cluster.get("Status", {}).get("State", ""))


def _seen(p: Pass, run: str, table: str, report: Any, *, left_alone: bool) -> Seen:
    """Look at all that the run left."""
    ledger = _ledger(p, run)
    entry = ledger.tables.get(table) if ledger else None
    row = report.get("tables", {}).get(table, {})
    batches = _batches(p, run)
    cluster = _cluster(p, batches[-1]) if batches else {}
    times = cluster.get("Status", {}).get("Timeline", {})
    ready = times.get("ReadyDateTime")
    texts = [row.get("reason", ""), *(b.error for b in batches)]
    texts += entry.errors if entry else []
    job = next((j for b in batches[-1:] for j in b.jobs if j.table == table), None)
    unreadable, read, live, rate = "", None, None, None
    if row.get("verdict") == "backed_up" and row.get("location"):
        reading = (row.get("duration_seconds") or 0) - p.host.job_bootstrap
        rate = rate_of(job.size_bytes, reading) if job else None
        unreadable, read = _read(p, row["location"])
        live = _live(p, table)
    return Seen(
        verdict=row.get("verdict", ""),
        trouble=": ".join(dict.fromkeys(text for text in texts if text))[:1000],
        created=times.get("CreationDateTime"),
        ready=ready,
        ended=times.get("EndDateTime"),
        state=_state(cluster),
        left_alone=left_alone,
        # of a cluster that never was ready no step has run
        succeeded=entry.outcome == "succeeded" if ready and entry and entry.outcome else None,
        logs=_objects(p, entry.log) if entry and entry.log else None,
        counted=row.get("items"),
        unreadable=unreadable,
        read=read,
        live=live,
        cost_usd=report.get("cost_usd"),
        target=job.rate if job else None,
        rate=rate,
    )


def _read(p: Pass, location: str) -> tuple[str, int | None]:
    try:
        key = location.removeprefix(f"s3://{p.settings.bucket}/").rstrip("/") + "/"
        found = reader.find(Prefix(p.store, key))
        return "", sum(1 for _ in found.items())
    except reader.FormatError as error:
        return str(error), None


def _live(p: Pass, table: str) -> int:
    pages = p.clients.dynamodb.get_paginator("scan").paginate(
        TableName=table, Select="COUNT", ConsistentRead=True
    )
    return sum(page["Count"] for page in pages)


def _objects(p: Pass, log: str) -> int:
    bucket, _, prefix = log.removeprefix("s3://").partition("/")
    return int(p.clients.s3.list_objects_v2(Bucket=bucket, Prefix=prefix)["KeyCount"])
