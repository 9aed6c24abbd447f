"""`make demo`: a whole night on the local AWS, from `terraform apply` to `terraform destroy`.

Terraform applies examples/native unmodified (`--engine emr`: examples/emr, and so on), with
`force_destroy` as one would in a sandbox; the functions run as deployed (zip, environment and role
taken from what Terraform created), started by the schedules that Terraform created. A few tables
are exported by DynamoDB itself, and two backups imported as a trial. Then a table is damaged,
restored beside itself, and one item brought back, by the command line.
"""

from __future__ import annotations

import argparse
import gzip
import json
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from rich.console import Console, Group
from rich.live import Live
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from local.core.clock import Clock
from local.demo import native
from local.demo.checks import problems, snapshot
from local.demo.restored import bring_back
from local.fleet.fleet import create, delete_in_time, demo_fleet, previous_report
from local.fleet.table_spec import TableSpec
from local.world import World
from tools.tf import REPOSITORY, Terraform, environment

WINDOW_START = datetime(2026, 11, 24, tzinfo=UTC)
WINDOW = timedelta(hours=7)
RUN = "2026-11-24T00-00Z"
NIGHT_BEFORE = "2026-11-23T00-00Z"
EXAMPLES = {"lambda": "native", "emr": "emr", "datapipeline": "datapipeline"}
"""The example that is applied, by engine; the first one's night mixes engines, and drills."""
SANDBOX = {"force_destroy": True}
"""Without it, Terraform leaves a bucket that holds backups and its settings as they are."""
TOOLS = "demo-tools"
JAR = "emr-dynamodb-tools-5.6.0.jar"
# virtual time between two looks at the night
STEP_SECONDS = 150
GIVE_UP = WINDOW_START + timedelta(hours=12)


class DemoFailed(Exception):
    """When the night did not end as it must; the message is the closing line's."""


@dataclass
class Times:
    """Real seconds, Terraform's and ours apart."""

    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def measured(self, what: str) -> Iterator[None]:
        """Add the time of a block to `what`."""
        begin = time.monotonic()
        try:
            yield
        finally:
            self.seconds[what] = self.seconds.get(what, 0.0) + time.monotonic() - begin

    def total(self, prefix: str) -> float:
        """Return the seconds of everything whose name starts with `prefix`."""
        return sum(v for k, v in self.seconds.items() if k.startswith(prefix))


class View:
    """What is shown while the night runs: clock, tables by verdict, batches, capacity."""

    def __init__(self, world: World, bucket: str, specs: list[TableSpec], before: Any) -> None:
        self.world, self.bucket, self.before = world, bucket, before
        self.total = len(specs)
        self.record: dict[str, Any] = {}

    def read(self, name: str) -> dict[str, Any] | None:
        """Return one of the run's records."""
        key = f"runs/{self.world.account}/{self.world.region}/{RUN}/{name}"
        s3 = self.world.client("s3")
        try:
            body = s3.get_object(Bucket=self.bucket, Key=key)["Body"].read()
        except s3.exceptions.NoSuchKey:
            return None
        # long records are packed
        return dict(json.loads(gzip.decompress(body) if body[:2] == b"\x1f\x8b" else body))

    def render(self) -> Panel:
        """Return the present state as one panel."""
        now = self.world.clock.now()
        part = max(0.0, (now - WINDOW_START) / WINDOW)
        tables = self.record.get("tables", {})
        verdicts = Counter(t.get("verdict", "open") for t in tables.values())
        left = Table.grid(padding=(0, 2))
        left.add_row("virtual time", f"{now:%Y-%m-%d %H:%M} UTC")
        left.add_row("window", ProgressBar(100, min(100, part * 100), width=30))
        left.add_row("tables", "  ".join(f"{n} {v}" for v, n in sorted(verdicts.items())) or "-")
        left.add_row("batches", self._batches())
        left.add_row("raised", self._raised() or "nothing")
        left.add_row("invocations", str(len(self.world.lambda_logs)))
        return Panel(left, title=f"night {RUN}, {self.total} tables", width=110)

    def line(self) -> str:
        """Return the present state as one line, for output that is no terminal."""
        tables = self.record.get("tables", {})
        verdicts = Counter(t.get("verdict", "open") for t in tables.values())
        counts = ", ".join(f"{n} {v}" for v, n in sorted(verdicts.items()))
        return f"{self.world.clock.now():%H:%M}  {counts or '-'}; {self._batches()}"

    def _batches(self) -> str:
        batches = self.record.get("batches", {}).values()
        states = Counter(b.get("state", "planned") for b in batches)
        return ", ".join(f"{n} {s}" for s, n in sorted(states.items())) or "none"

    def _raised(self) -> str:
        rows = []
        for name, entry in self.record.get("tables", {}).items():
            if "raised_to" in entry and "given_back_at" not in entry:
                rows.append(f"{name} {entry['raised_from']} -> {entry['raised_to']}")
        return ", ".join(rows)


def run_night(world: World, view: View, console: Console) -> dict[str, Any]:
    """Let virtual time pass, with the schedules at work, until the run has its report."""
    world.schedules.start()
    shown = world.clock.now()
    with Live(view.render(), console=console, refresh_per_second=4, transient=True) as live:
        while world.clock.now() < GIVE_UP:
            world.clock.advance(STEP_SECONDS)
            view.record = view.read("ledger.json") or {}
            live.update(view.render())
            if not console.is_terminal and world.clock.now() >= shown + timedelta(hours=1):
                shown = world.clock.now()
                console.print(view.line())
            if report := view.read("report.json"):
                return report
    open_tables = [n for n, t in view.record.get("tables", {}).items() if not t.get("verdict")]
    errors = [i.error for i in world.lambda_logs if i.error][-1:]
    raise DemoFailed(
        f"the night did not end by {GIVE_UP:%H:%M}; open: {open_tables[:10]}; last error: {errors}"
    )


def put_jar(world: World) -> str:
    """Put an object where the export tool would be; return its address. Its content is not run."""
    s3 = world.client("s3")
    s3.create_bucket(Bucket=TOOLS)
    s3.put_object(Bucket=TOOLS, Key=JAR, Body=b"no jar: the local AWS exports by itself")
    return f"s3://{TOOLS}/{JAR}"


def demo(console: Console, times: Times, engine: str = "lambda") -> str:
    """Run the demo; return the closing line.

    Raises:
        DemoFailed: the night did not end as it must.
    """
    specs = demo_fleet()
    world = World(Clock(WINDOW_START - timedelta(minutes=20)))
    with tempfile.TemporaryDirectory() as work, world.served() as endpoint:
        console.print(f"local AWS at {endpoint}; account {world.account}, {world.region}")
        root = REPOSITORY / "examples" / EXAMPLES[engine]
        env = environment(endpoint)
        if engine == "emr":
            env["TF_VAR_jar"] = put_jar(world)
        terraform = Terraform(root, Path(work), env)
        outputs = _apply(terraform, world, specs, console, times)
        bucket = outputs["bucket_name"]
        _put_night_before(world, bucket, specs, console)
        before = snapshot(world, specs)
        delete_in_time(world, specs, WINDOW_START)
        view = View(world, bucket, specs, before)
        with times.measured("our night"):
            report = run_night(world, view, console)
        with times.measured("our check"):
            wrong = problems(world, specs, bucket, report, before)
            if engine == "lambda":
                wrong += native.native_problems(world, specs, report)
        _show(console, world, outputs, report)
        if not wrong:
            with times.measured("our restore"):
                wrong = bring_back(world, specs, console)
        page = _keep_page(console, world, bucket, engine)
        if wrong:
            raise DemoFailed("; ".join(wrong[:5]) + (f"; {len(wrong)} faults" if wrong[5:] else ""))
        with times.measured("terraform destroy"):
            terraform.destroy(SANDBOX)
        console.print("destroyed, with all backups")
    return closing_line(report, page)


def _apply(
    terraform: Terraform, world: World, specs: list[TableSpec], console: Console, times: Times
) -> dict[str, Any]:
    """Apply the example, and make the fleet meanwhile."""
    failure: list[BaseException] = []

    def fleet() -> None:
        try:
            with times.measured("our fleet"):
                create(world, specs)
        except BaseException as error:  # noqa: BLE001 - raised again in the main thread
            failure.append(error)

    thread = threading.Thread(target=fleet)
    thread.start()
    example = f"examples/{terraform.root.name}"
    with console.status(f"terraform apply {example}, and a fleet of tables"):
        with times.measured("terraform init"):
            terraform.init()
        with times.measured("terraform apply"):
            terraform.apply(SANDBOX)
        thread.join()
    if failure:
        raise DemoFailed(f"the fleet could not be made: {failure[0]}") from failure[0]
    console.print(f"applied {example}; made {len(specs)} tables")
    return terraform.output()


def _put_night_before(world: World, bucket: str, specs: list[TableSpec], console: Console) -> None:
    """Put what a night before would have left to compare with: there was none."""
    key = f"runs/{world.account}/{world.region}/{NIGHT_BEFORE}/report.json"
    body = json.dumps(previous_report(specs, NIGHT_BEFORE))
    world.client("s3").put_object(Bucket=bucket, Key=key, Body=body)
    console.print(f"made up the report of the night before, {NIGHT_BEFORE}: no such night was run")


def _keep_page(console: Console, world: World, bucket: str, engine: str) -> str:
    """Keep the night's page in this repository, to be looked at after the bucket is gone."""
    key = f"runs/{world.account}/{world.region}/{RUN}/report.html"
    page = "build/report.html" if engine == "lambda" else f"build/report-{engine}.html"
    world.client("s3").download_file(bucket, key, str(REPOSITORY / page))
    console.print(f"kept {page}", soft_wrap=True)
    return page


def _show(console: Console, world: World, outputs: dict[str, Any], report: dict[str, Any]) -> None:
    for line in native.told(world, report):
        console.print(line, markup=False, soft_wrap=True)
    messages = world.messages(outputs["topic_arn"])
    body = messages[-1]["message"] if messages else "no message was published"
    subject = messages[-1]["subject"] if messages else "-"
    console.print(
        Panel(Group(Text(subject, style="bold"), Text(body)), title="the night's message")
    )
    console.print(f"files: {outputs['backups_url']}<table>/{RUN}-<attempt>/", soft_wrap=True)
    example = next(t for t in report["tables"].values() if t["verdict"] == "backed_up")
    console.print(f"such as {example['location']}/", soft_wrap=True)


def closing_line(report: dict[str, Any], page: str) -> str:
    """Return the demo's last line; the counts must add up."""
    totals = report["totals"]
    if sum(totals.values()) != report["discovered"]:
        raise DemoFailed(f"{totals} do not add up to {report['discovered']} tables discovered")
    return (
        f"DEMO OK: {report['discovered']} tables discovered = {totals['backed_up']} backed up + "
        f"{totals['skipped']} skipped + {totals['failed']} failed + "
        f"{totals['timed_out']} timed out + {totals['vanished']} vanished + "
        f"{totals['unsupported']} unsupported; {len(report['left_raised'])} left raised; restored "
        f"and compared equal; the night as a page: {page}"
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the demo and print its closing line."""
    parser = argparse.ArgumentParser(prog="python -m local.demo", description=__doc__)
    parser.add_argument("--engine", choices=EXAMPLES, default="lambda")
    engine = parser.parse_args(arguments).engine
    console, times = Console(), Times()
    try:
        line = demo(console, times, engine)
        failed = False
    except Exception as error:  # noqa: BLE001 - the closing line says what went wrong
        if not isinstance(error, DemoFailed):
            console.print_exception()
        line, failed = "DEMO FAILED: " + " ".join(str(error).split())[:600], True
    parts = ", ".join(f"{k} {v:.1f} s" for k, v in times.seconds.items())
    console.print(
        f"Terraform {times.total('terraform'):.0f} s, ours {times.total('our'):.0f} s ({parts})"
    )
    print(line)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
