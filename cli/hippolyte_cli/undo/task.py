"""An undo: what changed since a night is found and shown, kept, and then put back."""

from __future__ import annotations

import hashlib
import json
import shlex
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import typer
from rich.console import Console
from rich.markup import escape

from hippolyte import clock
from hippolyte.errors import ConfigurationError
from hippolyte.words import count_of
from hippolyte_cli import console
from hippolyte_cli.compare import live
from hippolyte_cli.compare.reading import CompareError
from hippolyte_cli.compare.run import Totals
from hippolyte_cli.restore.journal import Done, Journal, identity
from hippolyte_cli.restore.offer import level_text
from hippolyte_cli.restore.target import Target
from hippolyte_cli.restore.writer import CONFIG
from hippolyte_cli.undo import view
from hippolyte_cli.undo.change import Change
from hippolyte_cli.undo.finding import Finding
from hippolyte_cli.undo.keeping import Keeping, kept_in
from hippolyte_cli.undo.plan import EXAMPLES, Agreed, Counts, Plan
from hippolyte_cli.undo.run import PLAN, Left, Made, run
from hippolyte_cli.waiting import working


@dataclass(frozen=True, slots=True)
class Asked:
    """What the command line says beside what a restore is asked; see `command.undo`."""

    only: tuple[str, ...]
    delete_added: bool
    keep: str | None
    percent: int
    read_rate: float | None
    work: Path | None


@dataclass
class Task:
    """One undo.

    Attributes:
        asked: on the command line.
        target: the table, and the night.
        counts: what is to be done, once it is found.
        totals: of the comparison.
        agreed: to what was shown, now or at an earlier start.
        goes_on: it was at an earlier start.
        made: what has been done.
        whole: all was put back; None: nothing was begun.
        ended: nothing is left to be done: what lies on disk can be forgotten.
    """

    asked: Asked
    target: Target
    counts: Counts = field(default_factory=Counts)
    totals: Totals = field(default_factory=Totals)
    agreed: Agreed | None = None
    goes_on: bool = False
    made: Made | None = None
    whole: bool | None = None
    ended: bool = False

    @property
    def out(self) -> Console:
        """Where words for people go."""
        return console.console(stderr=self.target.asked.as_json)

    @property
    def folder(self) -> Path:
        """Where this undo keeps its work; the same for the same command."""
        keys = self.target.asked.keys
        record = [
            self._of(),
            sorted(self.asked.only),
            self.asked.delete_added,
            hashlib.sha256(keys.read_bytes()).hexdigest() if keys else "",
        ]
        digest = hashlib.sha256(json.dumps(record).encode()).hexdigest()[:16]
        base = self.asked.work or Path(typer.get_app_dir("hippolyte")) / "undo"
        return base / f"{self.target.name}-{digest}"

    @property
    def plan(self) -> Plan:
        """What is to be done."""
        return Plan(self.folder)

    @property
    def begun(self) -> bool:
        """Whether anything was done in the table, perhaps by an earlier start."""
        return self.goes_on or bool(self.made and self.made.wrote)

    @property
    def would(self) -> Mapping[str, int]:
        """How many changes there are to be made, or were when they were agreed to."""
        return self.agreed.changes if self.agreed else self.counts.changes

    @property
    def units(self) -> int:
        """Write capacity units of all of them, without indexes'."""
        return self.agreed.units if self.agreed else self.counts.units

    @property
    def read_units(self) -> int:
        """Read capacity units of the looks just before, as far as they are known."""
        return self.counts.read_units or sum(self.would.values())

    def changes(self) -> Iterator[Change]:
        """Yield what is to be done, or what it was."""
        return self.plan.changes() if self.plan.path.exists() else iter(())

    @property
    def _keeping(self) -> Keeping:
        return Keeping(self.target, self.asked.keep)

    def _of(self) -> dict[str, str]:
        target = self.target
        where = " and ".join(target.asked.where)
        return identity(target.found.location, target.there, "undo", where)

    # --- what is shown

    def look(self, stopped: Callable[[], bool]) -> bool:
        """Find and show what changed since; return whether there is anything to be done.

        An undo that was agreed to before is gone on with.

        Raises:
            HippolyteError, ClientError, BotoCoreError, OSError, ValueError: it cannot be done.
            StoppedError: it was stopped.
        """
        target, asked = self.target, self.asked
        target.choose()
        for name in asked.only:
            if name in target.keys:
                raise ConfigurationError(
                    f"--only {name}: it is of the table's key, which is the same on both sides"
                )
        self.agreed = self.plan.agreed()
        if self.agreed:
            self.goes_on = True
            self._say(
                f"Goes on with the undo that was agreed to at {self.agreed.made:%Y-%m-%d %H:%M}: "
                f"{count_of(self.agreed.count, 'item')}. To forget it instead, remove {self.folder}"
            )
            self._say_cost()
            return True
        self._keeping.see()
        rate = target.rate()
        self._say(
            f"{target.name} now is compared with {target.found.name}, from "
            f"{target.found.location}{level_text(target.found)}. Nothing is written before you "
            f"agree; then at most {rate.writes:,.0f} write units a second."
        )
        was = (target.found.definition or {}).get("TableId")
        if was and was != target.there.get("TableId"):
            self._say(f"{target.name} was deleted since that night and made anew.")
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        reading = live.Reading(asked.percent, asked.read_rate)
        finding = Finding(target, self.folder, reading, asked.only, asked.delete_added)
        with working("comparing", self.out) as show:
            self.counts = self.plan.write(finding.changes(show, stopped))
        self.totals = finding.totals
        if self.totals.damaged:
            raise CompareError(
                f"a key stands there more than once, so it is no whole backup of a table: "
                f"{'; '.join(self.totals.examples)}. `hippolyte verify` it, or take another night"
            )
        self._show()
        return bool(self.counts.changes)

    def _show(self) -> None:
        counts = self.counts
        for line in view.found_lines(self.totals, self.asked.only, self.asked.delete_added):
            self._say(line)
        if not counts.changes:
            self._say("There is nothing to put back.")
            return
        for line in view.change_lines(counts, str(self.plan.path)):
            self._say(line)
        self._say_cost()
        if counts.kept:
            now = count_of(counts.kept, "item")
            self._say(
                f"Before it, what is replaced or deleted ({now}) is kept as it is now, below "
                f"{self._keeping.base()}"
            )

    def _say_cost(self) -> None:
        target, taken = self.target, (self.units, self.read_units)
        self._say(view.cost_line(*taken, target.rate(), target.on_demand, target.indexes_cost))

    def _say(self, said: str) -> None:
        self.out.print(escape(said), soft_wrap=True)

    def agree(self) -> None:
        """Ask, and note that it is agreed to."""
        if self.agreed:
            return
        if not self.target.asked.yes:
            unasked = "Say --yes to write into the table: nobody can be asked."
            try:
                console.agree(f"Write into {self.target.name}?", unasked)
            except (typer.Exit, KeyboardInterrupt):
                self.forget()
                raise
        counts, made = self.counts, clock.now()
        self.agreed = Agreed(
            made=made,
            kept_in=kept_in(self._keeping.base(), made),
            kept=counts.kept,
            changes=dict(counts.changes),
            units=counts.units,
        )
        self.plan.agree(self.agreed)

    def forget(self) -> None:
        """Remove what lies on the disk."""
        shutil.rmtree(self.folder, ignore_errors=True)

    # --- what is done

    def run(self, stopped: Callable[[], bool]) -> None:
        """Do it, and say how it ended; `whole` tells whether all was put back.

        Raises:
            HippolyteError, ClientError, BotoCoreError, OSError: it could not be completed.
        """
        agreed, out, target = self.agreed, self.out, self.target
        assert agreed
        self.whole = False
        journal = Journal(self.folder, self._of()).read()
        self.made = Made(of=agreed.count, before=journal.done.get(PLAN, Done()).lines)
        if agreed.kept:
            with working("keeping what is replaced", out) as show:
                seed, told_of = self.folder.name, lambda count: show(count_of(count, "item"))
                self._keeping.write(agreed, self.plan, seed, told_of)
            self._say(f"Kept: {count_of(agreed.kept, 'item')} in {agreed.kept_in}")

        def told(made: Made) -> None:
            self.made = made
            show(view.made_line(made))

        with working("putting back", out) as show:
            made = run(
                target.client(CONFIG),
                target.name,
                target.keys,
                self.plan,
                agreed.count,
                rate=target.rate(),
                journal=journal,
                progress=told,
                stopped=stopped,
            )
        if not made.complete:
            self._say(f"Stopped. {self.state()}")
            return
        self.ended, self.whole = True, not made.left
        self._say_end(agreed, made)

    def _say_end(self, agreed: Agreed, made: Made) -> None:
        left = Left(self.folder)
        for line in view.left_lines(left.read(), EXAMPLES):
            self._say(line)
        done = count_of(agreed.count - made.left, "item")
        said = f"Undone: {done} of {agreed.count:,} in {self.target.name}."
        said += f" {made.left:,} left alone; the same command looks anew." if made.left else ""
        if made.left > EXAMPLES:
            aside = self.folder.with_name(f"{self.folder.name}.left-alone")
            shutil.copy(left.path, aside)
            said += f" All of them are in {aside}."
        self._say(said)
        if agreed.kept:
            again = f"hippolyte restore {shlex.quote(agreed.kept_in)} --into {self.target.name}"
            self._say(f"What it replaced comes back by: {again}")
        for place in self._keeping.earlier(agreed.kept_in):
            self._say(f"What an earlier undo of this night replaced lies in {place}")

    def state(self) -> str:
        """Return how far it came."""
        done = self.made.before + self.made.seen if self.made else 0
        of = f" of {self.agreed.count:,}" if self.agreed else ""
        return (
            f"{count_of(done, 'item')}{of} seen to. The same command goes on where it was; on "
            "another machine it compares anew, and does what is left."
        )
