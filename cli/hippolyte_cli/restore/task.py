"""A restore: what is offered, and then done."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import boto3
import typer
from rich.markup import escape

from hippolyte.clients import configuration
from hippolyte.exports.reader import Backup
from hippolyte_cli import console
from hippolyte_cli.export_offer import plural
from hippolyte_cli.masking.change import Change
from hippolyte_cli.restore.chosen import Chosen
from hippolyte_cli.restore.definition import TablePlan
from hippolyte_cli.restore.import_source import Source, source_of
from hippolyte_cli.restore.importing import import_table
from hippolyte_cli.restore.journal import Journal
from hippolyte_cli.restore.make import make
from hippolyte_cli.restore.offer import Offer, plan_lines
from hippolyte_cli.restore.sender import Mode
from hippolyte_cli.restore.settings import put_back
from hippolyte_cli.restore.steps import Step
from hippolyte_cli.restore.target import Asked, Target
from hippolyte_cli.restore.view import shown
from hippolyte_cli.restore.writer import CONFIG, Loaded, load

_AGAIN = "The same command goes on where it was."
_TTL, _UNMARK = "UpdateTimeToLive", "UntagResource"


@dataclass
class Task:
    """One restore."""

    target: Target
    begun: bool = False
    source: Source | None = None
    loaded: Loaded = field(default_factory=Loaded)
    chosen: Chosen | None = None

    @property
    def asked(self) -> Asked:
        """What the command line says."""
        return self.target.asked

    @property
    def plan(self) -> TablePlan | None:
        """Of a table that is to be made."""
        return self.target.plan

    @property
    def backup(self) -> Backup:
        """What is restored."""
        return self.target.found.backup

    # --- what is offered

    def offer(self) -> None:
        """Say what would be done, what it costs and how long it takes.

        Raises:
            HippolyteError: it cannot be done.
        """
        self.target.choose()
        out = console.console()
        if self.asked.via == "import" and self.plan:
            self.source = source_of(self.plan, self.backup, self.target.scratch())
        for line in self._lines():
            out.print(escape(line), soft_wrap=True)
        if self.asked.into and not (self.asked.yes and not self.asked.dry_run):
            self._preview()
        elif self.target.map and self.asked.dry_run:
            self._look_through("all", "looking through")

    def _lines(self) -> Iterator[str]:
        kept = self.target.found.kept
        counts = [file.items for file in self.backup.files]
        items = None if None in counts else sum(n or 0 for n in counts)
        offer = Offer(
            found=self.target.found,
            items=kept.items if items is None and kept else items,
            bytes=int((self.target.found.definition or {}).get("TableSizeBytes", 0)),
            rate=self.target.rate(),
            on_demand=self.target.on_demand,
            indexes=self.target.index_count,
        )
        yield from offer.lines(self.asked.via)
        if self.target.map:
            yield f"By the map {self.asked.map}, of each item:"
            yield from self.target.map.lines()
        if self.plan:
            yield from plan_lines(self.plan, self.asked.via == "import")
        else:
            yield f"Writes into the table {self.target.name}, which is there: {self._what()}."

    def _what(self) -> str:
        some = "the chosen items" if self.asked.where or self.asked.keys else "all items"
        return {
            "all": f"{some}, over what has their keys; other items stay",
            "only-missing": f"of {some}, those whose key it has not",
            "only-changed": f"of {some}, those that it has not or has otherwise",
        }[self.asked.mode]

    def _preview(self) -> None:
        """Compare, and say what would be changed; nothing is written."""
        mode: Mode = "only-missing" if self.asked.mode == "only-missing" else "only-changed"
        told = self._look_through(mode, "comparing")
        changed = told.written - told.new
        parts = [f"{plural(told.new, 'item')} would be new"]
        if self.asked.mode != "only-missing":
            parts += [f"{changed:,} would be changed", f"{told.same:,} are the same"]
        else:
            parts.append(f"{told.same:,} are there and stay as they are")
        console.console().print(f"  {', '.join(parts)}.")

    def _look_through(self, mode: Mode, doing: str) -> Loaded:
        """Read the backup as a load does that writes nothing."""
        with tempfile.TemporaryDirectory() as folder:
            return self._load(Journal(Path(folder), {}), mode, doing, dry=True)

    def agreed(self) -> bool:
        """Ask, where something that is there is written over."""
        if self.asked.yes or not self.asked.into:
            return True
        if not sys.stdin.isatty():
            console.refuse(
                f"{self.target.name} is there: say --yes to write into it, nobody can be asked."
            )
        return typer.confirm(f"Write into {self.target.name}?")

    # --- what is done

    def run(self) -> bool:
        """Do it; say how it ended, and return whether all is there.

        Raises:
            HippolyteError, ClientError, BotoCoreError: it could not be completed.
        """
        if self.plan and self.source:
            return self._import(self.plan, self.source)
        if self.plan:
            self.target.there = make(self.target.client(), self.plan, self.target.waits())
            self.begun = True
        self.loaded = self._load(self.target.journal(), self.asked.mode, "restoring")
        self.begun = True
        if not self.loaded.complete:
            console.console().print(f"Stopped. {self.state()}")
            return False
        whole = self._settle(self.plan.after) if self.plan else True
        if whole:
            self.target.journal().remove()
        self._say_end(self.loaded.before + self.loaded.read, whole)
        return whole

    def _import(self, plan: TablePlan, source: Source) -> bool:
        self.begun = True
        out = console.console()
        with shown(out, "importing") as show:
            done = import_table(
                self.target.client(),
                plan,
                self.backup,
                source,
                self.target.waits(),
                progress=show,
            )
        whole = self._settle(plan.after_import)
        self._say_end(done.items, whole)
        return whole

    def _say_end(self, items: int, whole: bool) -> None:
        out = console.console()
        written = f", {self.loaded.written:,} written" if self.asked.mode != "all" else ""
        end = "Restored" if whole else "The items are restored, not all of the rest"
        out.print(escape(f"{end}: {plural(items, 'item')}{written} in {self.target.name}."))

    def _settle(self, steps: Sequence[Step]) -> bool:
        """Put back what a table was set to; time to live only if nothing goes by it unasked.

        While anything is left the table keeps its mark, so that the same command may go on.
        """
        assert self.plan
        out = console.console()
        marked = next((n for n, step in enumerate(steps) if step.operation == _UNMARK), len(steps))
        stays_off = self.plan.ttl and not self._may_expire()
        held = [step for step in steps if stays_off and step.operation == _TTL]
        left = self._put_back([step for step in steps[:marked] if step not in held])
        for step in held:
            said = f"NOT PUT BACK: {step.name}: --yes turns it on all the same"
            out.print(escape(said), soft_wrap=True)
        left = left or bool(held) or self._put_back(steps[marked:])
        if left:
            out.print("The same command puts back what is left.")
        return not left

    def _put_back(self, steps: Sequence[Step]) -> bool:
        """Do steps; say which were refused, and return whether any was."""
        assert self.plan
        out = console.console()
        scaling = boto3.client(
            "application-autoscaling", region_name=self.asked.region, config=configuration()
        )
        refused = put_back(
            self.target.client(),
            scaling,
            self.plan.name,
            steps,
            self.target.waits(),
            expected=self.plan.arn,
            began=lambda step: out.print(escape(f"  {step.name}"), soft_wrap=True),
        )
        for one in refused:
            said = f"NOT PUT BACK: {one.step.name} ({one.step.operation}): {one.why}"
            out.print(escape(said), soft_wrap=True)
        return bool(refused)

    def _may_expire(self) -> bool:
        assert self.plan
        # an import reads by itself, and of what an earlier run wrote nothing was counted
        if self.source or self.loaded.before:
            self.chosen = self._chosen()
            self.chosen.count_past(self.backup)
        assert self.chosen
        if not self.chosen.past:
            return True
        past = plural(self.chosen.past, "item")
        console.console().print(f"{past} past the time to live: gone soon after it is turned on.")
        if self.asked.yes:
            return True
        return sys.stdin.isatty() and typer.confirm("Turn it on?")

    def state(self) -> str:
        """Return how far it came."""
        if self.asked.via == "import":
            return _AGAIN
        done = self.loaded.before + self.loaded.read
        return f"{plural(done, 'item')} read and written so far. {_AGAIN}"

    # ---

    def _load(self, journal: Journal, mode: Mode, doing: str, dry: bool = False) -> Loaded:
        out, chosen = console.console(), self._chosen(dry)
        if not dry:
            self.chosen = chosen
        with shown(out, doing) as show, console.stopped_by_ctrl_c() as stopped:

            def told(loaded: Loaded) -> None:
                if not dry:
                    self.loaded = loaded
                    self.begun = self.begun or bool(loaded.read)
                show(loaded)

            loaded = load(
                self.target.client(CONFIG),
                self.target.name,
                self.target.keys,
                self.backup,
                rate=self.target.rate(),
                journal=journal.read(),
                mode=mode,
                where=chosen.where,
                change=chosen.made,
                progress=told,
                stopped=stopped,
                dry=dry,
            )
        if dry and not loaded.complete:
            raise typer.Exit(1)
        if chosen.change and loaded.complete:
            rest = " of what was read now" if loaded.before else ""
            would = "would do" if dry else "did"
            out.print(escape(f"What the map {would}{rest}:"), soft_wrap=True)
            for line in chosen.change.told():
                out.print(escape(line), soft_wrap=True)
        return loaded

    def _chosen(self, dry: bool = False) -> Chosen:
        change = Change(self.target.map) if self.target.map else None
        ttl = self.plan.ttl if self.plan and not dry else None
        return Chosen(self.target.conditions, change, ttl)
