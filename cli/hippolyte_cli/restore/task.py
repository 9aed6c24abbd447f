"""A restore: what is offered, and then done."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import typer
from rich.console import Console
from rich.markup import escape

from hippolyte.exports.reader import Backup
from hippolyte.words import count_of
from hippolyte_cli import console
from hippolyte_cli.masking.change import Change
from hippolyte_cli.restore.chosen import Chosen
from hippolyte_cli.restore.definition import TablePlan
from hippolyte_cli.restore.finish import Finish
from hippolyte_cli.restore.import_source import Source, source_of
from hippolyte_cli.restore.importing import Imported, import_table
from hippolyte_cli.restore.journal import Journal
from hippolyte_cli.restore.make import make
from hippolyte_cli.restore.offer import Offer, compare_line, plan_lines
from hippolyte_cli.restore.sender import Mode
from hippolyte_cli.restore.steps import Step
from hippolyte_cli.restore.target import Asked, Target
from hippolyte_cli.restore.view import shown
from hippolyte_cli.restore.writer import CONFIG, Loaded, load
from hippolyte_cli.waiting import working

# of keys that a backup has not
_KEYS_SAID = 20
_AGAIN = "The same command goes on where it was."


@dataclass
class Task:
    """One restore.

    Attributes:
        target: what it is into.
        begun: something was made or written.
        source: what an import reads.
        loaded: how far the load is.
        chosen: the items that the load is of.
        would: what a comparison found, without a write.
        items: read by the load, or imported.
        whole: all is there; None: it has not ended.
        not_put_back: what of the table's settings is not, and why.
    """

    target: Target
    begun: bool = False
    source: Source | None = None
    loaded: Loaded = field(default_factory=Loaded)
    chosen: Chosen | None = None
    would: Loaded | None = None
    items: int = 0
    whole: bool | None = None
    not_put_back: list[str] = field(default_factory=list)

    @property
    def asked(self) -> Asked:
        """What the command line says."""
        return self.target.asked

    @property
    def plan(self) -> TablePlan | None:
        """Of a table that is to be made."""
        return self.target.plan

    @property
    def steps(self) -> Sequence[Step]:
        """What is to be done once the items are there."""
        if self.plan is None:
            return ()
        return self.plan.after_import if self.asked.via == "import" else self.plan.after

    @property
    def out(self) -> Console:
        """Where words for people go."""
        return console.console(stderr=self.asked.as_json)

    @property
    def past(self) -> int:
        """Chosen items so far that are past their time to live."""
        return self.chosen.past if self.chosen else 0

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
        if self.asked.via == "import" and self.plan:
            self.source = source_of(self.plan, self.backup, self.target.scratch())
        for line in self._lines():
            self._say(line)
        if self._previews:
            self._preview()
        elif self.target.map and self.asked.dry_run:
            self._look_through("all", "looking through")

    @property
    def _previews(self) -> bool:
        """Whether the items that are there are compared with, before it is asked."""
        return bool(self.asked.into and not (self.asked.yes and not self.asked.dry_run))

    def _lines(self) -> Iterator[str]:
        yield from Offer.of(self.target).lines()
        if self.target.map:
            yield f"By the map {self.asked.map}, of each item:"
            yield from self.target.map.lines()
        if self.plan:
            yield from plan_lines(self.plan, self.steps)
        else:
            yield f"Writes into the table {self.target.name}, which is there: {self._what()}."
            if times := self._previews + (self.asked.mode != "all" and not self.asked.dry_run):
                yield compare_line(Offer.of(self.target), times)

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
        self.would = told = self._look_through(mode, "comparing")
        changed = told.written - told.new
        parts = [f"{count_of(told.new, 'item')} would be new"]
        if self.asked.mode != "only-missing":
            parts += [f"{changed:,} would be changed", f"{told.same:,} are the same"]
        else:
            parts.append(f"{told.same:,} are there and stay as they are")
        self.out.print(f"  {', '.join(parts)}.")
        self._lacks_keys()

    def _lacks_keys(self) -> bool:
        """Say which of the keys that were asked for the backup has not."""
        unseen = self.target.chosen.unseen if self.target.chosen else []
        for line in unseen[:_KEYS_SAID]:
            self._say(f"  not in the backup: {line}")
        if len(unseen) > _KEYS_SAID:
            self._say(f"  and {len(unseen) - _KEYS_SAID:,} more keys")
        return bool(unseen)

    def _look_through(self, mode: Mode, doing: str) -> Loaded:
        """Read the backup as a load does that writes nothing."""
        with tempfile.TemporaryDirectory() as folder:
            return self._load(Journal(Path(folder), {}), mode, doing, dry=True)

    def agree(self) -> None:
        """Ask, where something that is there is written over."""
        if not self.asked.yes and self.asked.into:
            name = self.target.name
            unasked = f"{name} is there: say --yes to write into it, nobody can be asked."
            console.agree(f"Write into {name}?", unasked)

    # --- what is done

    def run(self) -> None:
        """Do it, and say how it ended; `whole` tells whether all is there.

        Raises:
            HippolyteError, ClientError, BotoCoreError: it could not be completed.
        """
        self.whole = False
        if self.plan and self.source:
            done = self._import(self.plan, self.source)
            self.items, again = done.items, done.again
        else:
            if self.plan:
                client, waits = self.target.client(), self.target.waits()
                self.target.there = make(client, self.plan, waits, self._began)
            journal = self.target.journal()
            try:
                self.loaded = self._load(journal, self.asked.mode, "restoring")
            finally:
                if why := journal.not_beside:
                    self._say(f"  how far it is is not kept beside the backup: {why}")
            self.items, again = self.loaded.before + self.loaded.read, bool(self.loaded.before)
        self.begun = True
        if not self.source and not self.loaded.complete:
            self.out.print(f"Stopped. {self.state()}")
            return
        if self.plan:
            finish = Finish(self.target, self.plan, self._may_expire, self._say)
            self.not_put_back = finish.run(self.steps, again=again)
        self.whole = not self.not_put_back
        if self.whole and not self.source:
            journal = self.target.journal()
            journal.remove()
            if journal.not_beside:
                self._say(f"  how far it was is left beside the backup: {journal.not_beside}")
        # what an earlier run read was not seen by this one
        if not again and self._lacks_keys():
            self.whole = False
        written = f", {self.loaded.written:,} written" if self.asked.mode != "all" else ""
        end = "Restored" if not self.not_put_back else "The items are restored, not all of the rest"
        items = count_of(self.items, "item")
        self.out.print(escape(f"{end}: {items}{written} in {self.target.name}."))

    def _import(self, plan: TablePlan, source: Source) -> Imported:
        client, waits, began = self.target.client(), self.target.waits(), self._began
        with shown(self.out, "importing") as show:
            return import_table(
                client, plan, self.backup, source, waits, progress=show, began=began
            )

    def _began(self) -> None:
        self.begun = True

    def _may_expire(self) -> bool:
        assert self.plan
        # an import reads by itself, and of what an earlier run wrote nothing was counted
        if self.source or self.loaded.before:
            self.chosen = self._chosen()
            with working("counting what is past its time to live"):
                self.chosen.count_past(self.backup)
        assert self.chosen
        if not self.past:
            return True
        past = count_of(self.past, "item")
        self.out.print(f"{past} past the time to live: gone soon after it is turned on.")
        if self.asked.yes:
            return True
        return sys.stdin.isatty() and console.confirm("Turn it on?")

    def state(self) -> str:
        """Return how far it came."""
        if self.asked.via == "import":
            return _AGAIN
        done = self.loaded.before + self.loaded.read
        return f"{count_of(done, 'item')} read and written so far. {_AGAIN}"

    def _say(self, said: str) -> None:
        self.out.print(escape(said), soft_wrap=True)

    # ---

    def _load(self, journal: Journal, mode: Mode, doing: str, dry: bool = False) -> Loaded:
        chosen = self._chosen(dry)
        if not dry:
            self.chosen = chosen
        if why := journal.read().not_read:
            self._say(f"  what another machine may have written of it is not known: {why}")
        with shown(self.out, doing) as show, console.stopped_by_ctrl_c() as stopped:

            def told(loaded: Loaded) -> None:
                if not dry:
                    self.loaded = loaded
                    self.begun = self.begun or bool(loaded.read) or loaded.wrote
                show(loaded)

            loaded = load(
                self.target.client(CONFIG),
                self.target.name,
                self.target.keys,
                self.backup,
                rate=self.target.rate(),
                journal=journal,
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
            for line in (f"What the map {would}{rest}:", *chosen.change.told()):
                self._say(line)
        return loaded

    def _chosen(self, dry: bool = False) -> Chosen:
        change = Change(self.target.map) if self.target.map else None
        ttl = self.plan.ttl if self.plan and not dry else None
        return Chosen(self.target.conditions, change, ttl)
