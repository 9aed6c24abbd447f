"""`hippolyte verify --level 4`: a backup restored into a scratch table, and compared with it."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console
from rich.markup import escape

from hippolyte import clock
from hippolyte.clients import configuration
from hippolyte.errors import HippolyteError
from hippolyte.exports.findings import LISTED, READ, RESTORED, Checked, Finding, Findings
from hippolyte.exports.place import Folder
from hippolyte.exports.reader import FormatError, find
from hippolyte.planning.cost import ON_DEMAND_UNIT_USD
from hippolyte.scan.pace import CONSISTENT
from hippolyte.scan.state import State
from hippolyte.words import count_of
from hippolyte_cli import console, scratch_table
from hippolyte_cli.compare.difference import Difference, Options
from hippolyte_cli.compare.reading import CompareError
from hippolyte_cli.compare.run import Comparison, compare
from hippolyte_cli.compare.sides import Side
from hippolyte_cli.compare.unit import StoppedError
from hippolyte_cli.export import scanned
from hippolyte_cli.export_offer import duration, scan_units, size
from hippolyte_cli.export_prepare import Asked as Export
from hippolyte_cli.export_prepare import prepared
from hippolyte_cli.restore.definition import TablePlan
from hippolyte_cli.restore.journal import Journal
from hippolyte_cli.restore.make import Waits, make
from hippolyte_cli.restore.offer import Offer, item_count
from hippolyte_cli.restore.pace import Rate
from hippolyte_cli.restore.source import Found
from hippolyte_cli.restore.view import shown
from hippolyte_cli.restore.writer import CONFIG, load
from hippolyte_cli.scratch_table import Left
from hippolyte_cli.troubles import remedied
from hippolyte_cli.waiting import working

# read units a second of the scratch table, which is new and on demand, and its segments
_READS, _SEGMENTS = 4000.0, 16
_PATIENCE_SECONDS, _DELETE_SECONDS = 3600.0, 600.0
# between two looks whether a person wants it to end
_LOOK_SECONDS = 0.5
_SHOWN_KEY = 200


class TrialStoppedError(HippolyteError):
    """When a person ended it."""


@dataclass
class Trial:
    """One backup that is to be restored for once.

    Attributes:
        found: the backup, of a table in the catalogue.
        table: its name.
        region: where the scratch table is made; None: the environment's.
        out: where it is said what is done.
        kept_back: why a scratch table is left; empty: none is.
    """

    found: Found
    table: str
    region: str | None
    out: Console
    key: str | None = None
    kept_back: str = ""
    plan: TablePlan = field(init=False)
    left: list[Left] = field(init=False)

    def __post_init__(self) -> None:
        found = self.found
        self.plan = scratch_table.planned(
            found.definition, found.settings, self.table, clock.now(), self.key
        )
        self.left = scratch_table.left_of(self._client(), self.table)

    # --- what is offered

    def offer(self) -> None:
        """Say what would be done, what it costs and how long it takes."""
        for line in self._lines():
            self.out.print(escape(line), soft_wrap=True)

    def _lines(self) -> Iterator[str]:
        found = self.found
        held = self._bytes
        offer = Offer(
            found=found,
            items=item_count(found),
            bytes=held,
            rate=Rate.of(self.plan.request),
            on_demand=True,
            indexes="",
        )
        yield from offer.lines()
        where = self._client().meta.region_name
        yield (
            f"It is restored into the table {self.plan.name} ({where}; on demand, no indexes, no "
            "streams), read again, compared item by item, and the table is deleted."
        )
        if units := scan_units(held, CONSISTENT):
            told = f"about {count_of(units, 'read unit')}, {units * ON_DEMAND_UNIT_USD:,.2f} USD"
            room = f"up to {size(2 * held)} in {tempfile.gettempdir()} meanwhile"
            yield f"Reading it again: {told} and {duration(units / _READS)}; {room}."
        else:
            price = f"{ON_DEMAND_UNIT_USD * 1e6:.3f} USD for a million read units"
            yield f"Reading it again: {price}; how many is not known."
        for one in self.left:
            yield (
                f"The table {one.name} is of a verification that was begun at {one.begun} and was "
                "killed, if it does not still run: it is deleted first."
            )

    @property
    def _bytes(self) -> int:
        """Of the table when it was described that night; 0: it was not counted by then."""
        return int((self.found.definition or {}).get("TableSizeBytes", 0))

    def agree(self, yes: bool) -> None:
        """Ask."""
        if not yes:
            unasked = "--level 4 makes a table and costs money: say --yes to do it."
            console.agree("Do it?", unasked)

    # --- what is done

    def run(self, checked: Checked) -> Checked:
        """Restore, read again, compare; return what was checked before with what this came to.

        Raises:
            HippolyteError, OSError, ClientError, BotoCoreError: it could not be done.
            TrialStoppedError: a person ended it.
        """
        client = self._client()
        with console.stopped_by_ctrl_c() as stopped:
            waits = self._waits(stopped)
            for one in self.left:
                with working(f"deleting the table {one.name}"):
                    scratch_table.delete(client, one, waits)
                self.out.print(f"{one.name} is deleted.", soft_wrap=True)
            scratch_table.may_be_deleted(client, self.plan.name)
            try:
                with self._deleted(client), tempfile.TemporaryDirectory() as folder:
                    return self._compared(client, Path(folder), checked, waits, stopped)
            except StoppedError as error:
                raise TrialStoppedError("it was stopped; nothing is noted") from error

    @contextmanager
    def _deleted(self, client: Any) -> Iterator[None]:
        """Delete the scratch table whatever happens; what keeps it back is said, and kept."""
        try:
            yield
        finally:
            one = Left(self.plan.name, self.plan.marker)
            try:
                # not to be stopped but by force
                with working(f"deleting the table {one.name}"):
                    waits = replace(self._waits(), seconds=_DELETE_SECONDS)
                    scratch_table.delete(client, one, waits)
            except (HippolyteError, ClientError, BotoCoreError) as error:
                self.kept_back = remedied(error)
                self.out.print(f"[red]{escape(self.kept_back)}[/red]", soft_wrap=True)

    def _compared(
        self,
        client: Any,
        folder: Path,
        checked: Checked,
        waits: Waits,
        stopped: Callable[[], bool],
    ) -> Checked:
        table = make(client, self.plan, waits)
        try:
            self._load(table, folder, stopped)
        except FormatError as error:
            # every line was an item: the table refuses this one
            finding = Finding(error.name or "", error.line, error.problem)
            return replace(checked, findings=(finding,))
        right = self._read(table, folder / "read", stopped)
        found = self.found
        left = Side(found.name, found.location, found.backup, self.plan.key_schema)
        with shown(self.out, "comparing"):
            comparison = compare(left, right, Options(), folder / "compared", stopped=stopped)
            return _judged(checked, comparison)

    def _load(self, table: Any, folder: Path, stopped: Callable[[], bool]) -> None:
        with shown(self.out, "restoring") as show:
            loaded = load(
                self._client(CONFIG),
                self.plan.name,
                self.plan.key_schema,
                self.found.backup,
                rate=Rate.of(table),
                journal=Journal(folder / "journal", {}),
                progress=show,
                stopped=stopped,
            )
        if not loaded.complete:
            raise StoppedError

    def _read(self, table: Any, folder: Path, stopped: Callable[[], bool]) -> Side:
        """Return what is in the table now, every write of just before among it."""
        scan = prepared(
            Export(
                table=table["TableArn"],
                dest=str(folder),
                percent=100,
                rate=_READS,
                segments=_SEGMENTS,
                consistent=True,
                resume=False,
                region=self.region,
            )
        )
        if self._bytes:
            # AWS counts a new table hours later: it has what was offered
            items = item_count(self.found) or 0
            sized = replace(scan.offer.table, size_bytes=self._bytes, item_count=items)
            scan = replace(scan, offer=replace(scan.offer, table=sized))
        end = scanned(scan, self.out, stopped, "Reading it again.")
        if end.state is State.MORE:
            raise StoppedError
        if end.state is not State.DONE:
            raise CompareError(f"{self.plan.name} could not be read again: {end.reason}")
        backup = find(Folder(folder))
        return Side(self.plan.name, table["TableArn"], backup, self.plan.key_schema)

    def _client(self, config: Any = None) -> Any:
        return boto3.client("dynamodb", region_name=self.region, config=config or configuration())

    def _waits(self, stopped: Callable[[], bool] = lambda: False) -> Waits:
        def sleep(seconds: float) -> None:
            end = clock.now().timestamp() + seconds
            while (left := end - clock.now().timestamp()) > 0:
                if stopped():
                    raise StoppedError
                time.sleep(min(left, _LOOK_SECONDS))

        return Waits(seconds=_PATIENCE_SECONDS, sleep=sleep, now=lambda: clock.now().timestamp())


def _judged(checked: Checked, comparison: Comparison) -> Checked:
    """Return what a comparison with the table says of the backup."""
    found = Findings()
    for difference in comparison:
        found.add(Finding("", None, _said(difference)))
    totals = comparison.totals
    for example in totals.examples:
        found.add(Finding("", None, f"a key stands twice, which none does in a table: {example}"))
    if found.count:
        return replace(checked, findings=tuple(found.first), more=found.more)
    return replace(checked, levels=tuple(sorted({*checked.levels, LISTED, READ, RESTORED})))


def _said(difference: Difference) -> str:
    key = ", ".join(
        f"{name} = {next(iter(value.values()), value)}" for name, value in difference.key.items()
    )
    key = key if len(key) <= _SHOWN_KEY else f"{key[:_SHOWN_KEY]}..."
    if difference.kind == "left":
        return f"the item {key} is not in the table that was restored"
    if difference.kind == "right":
        return f"the table that was restored has an item {key}, the backup has not"
    return f"the item {key} is another one in the table: {', '.join(difference.attributes())}"
