"""What a restore is into: the table, and what is needed to reach it."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import typer
from botocore.config import Config
from botocore.exceptions import ClientError
from rich.markup import escape

from hippolyte import clock
from hippolyte.clients import configuration
from hippolyte.errors import ConfigurationError, code_of
from hippolyte.exports.place import Prefix
from hippolyte.words import count_of
from hippolyte_cli import console
from hippolyte_cli.masking.rules import Map, read_map
from hippolyte_cli.restore import part
from hippolyte_cli.restore.definition import ON_DEMAND, TablePlan, plan_of
from hippolyte_cli.restore.journal import Journal, identity
from hippolyte_cli.restore.keys import key_names
from hippolyte_cli.restore.make import Waits
from hippolyte_cli.restore.pace import Rate
from hippolyte_cli.restore.sender import Mode
from hippolyte_cli.restore.source import Found

# an import of some TB takes hours
_PATIENCE_SECONDS = 86400.0
# of the write capacity of a table that is there
_SHARE = 0.5


@dataclass(frozen=True, slots=True)
class Asked:
    """What the command line says; see `command.restore`."""

    to: str | None
    into: str | None
    mode: Mode
    where: tuple[str, ...]
    keys: Path | None
    map: Path | None
    via: str
    on_demand: bool
    streams: bool
    key: str | None
    share: float | None
    rate: float | None
    dry_run: bool
    yes: bool
    region: str | None
    as_json: bool = False


@dataclass
class Target:
    """The table that is restored into.

    Attributes:
        asked: on the command line.
        found: what is restored.
        plan: of a table that is to be made; None: it is there.
        there: DescribeTable's `Table`, once it is.
        conditions: all must hold of an item.
        chosen: that of them which is of keys.
        map: what is made of the items; None: they are written as they are.
    """

    asked: Asked
    found: Found
    plan: TablePlan | None = None
    there: Mapping[str, Any] = field(default_factory=dict)
    conditions: list[part.Condition] = field(default_factory=list)
    chosen: part.Keys | None = None
    map: Map | None = None

    @property
    def name(self) -> str:
        """The table's name."""
        return self.asked.to or self.asked.into or ""

    @property
    def table(self) -> Mapping[str, Any]:
        """What is known of it: as it is, or as it will be asked for."""
        return self.there or (self.plan.request if self.plan else {})

    @property
    def keys(self) -> tuple[str, ...]:
        """The names of its key's attributes, the partition key first."""
        return key_names(self.table["KeySchema"])

    @property
    def on_demand(self) -> bool:
        """Whether it has no capacity of its own."""
        described = (self.table.get("BillingModeSummary") or {}).get("BillingMode")
        return ON_DEMAND in (self.table.get("BillingMode"), described)

    @property
    def indexes_cost(self) -> str:
        """What its indexes cost beside it, to be said after what it costs itself."""
        return cost_of_indexes(self.table)

    def choose(self) -> None:
        """Plan the table that is to be made, or look at the one that is there.

        Raises:
            ConfigurationError: it cannot be made, is not there, or has another key; or what is
                chosen of the items cannot be understood.
        """
        if self.asked.to:
            self.plan = plan_of(
                self.found.definition,
                self.found.settings,
                self.asked.to,
                billing=ON_DEMAND if self.asked.on_demand else None,
                streams=self.asked.streams,
                key=self.asked.key,
                # one backup into one name
                marker=_digest(f"{self.found.location}|{self.asked.to}", 24),
            )
        else:
            self.there = self._described(self.name)
            self._compare_keys()
        self.conditions = [part.where(text) for text in self.asked.where]
        if self.asked.keys:
            # before the others, so that it sees every item
            self.chosen = part.keys(self.asked.keys, self.keys)
            self.conditions.insert(0, self.chosen)
        if self.asked.map:
            self.map = read_map(self.asked.map, self.table)

    def journal(self) -> Journal:
        """Return where this restore keeps how far it is."""
        chosen = [*self.asked.where]
        if self.asked.keys:
            chosen.append(hashlib.sha256(self.asked.keys.read_bytes()).hexdigest())
        if self.map:
            chosen.append(f"by a map ({self.map.digest})")
        of = identity(self.found.location, self.there, self.asked.mode, " and ".join(chosen))
        beside = None
        if self.found.beside:
            store, below = self.found.beside
            name = _digest("|".join(of.values()), 16)
            beside = (store, f"{below}/{self.name}-{name}.json")
        return Journal(Path(typer.get_app_dir("hippolyte")) / "restores", of, beside)

    def scratch(self) -> Prefix:
        """Return where a backup is converted to for an import."""
        if self.found.beside:
            store, below = self.found.beside
        elif isinstance(place := self.found.backup.place, Prefix):
            store, below = place.store, f"{place.prefix.rstrip('/')}-import".lstrip("/")
        else:
            raise ConfigurationError(
                "--via import reads from S3: copy the folder to a bucket and name that, or use "
                "--via put"
            )
        return Prefix(store, f"{below}/{self.name}/import/")

    def rate(self) -> Rate:
        """Return what may be taken of the table."""
        # a table that is there has an application beside
        share = self.asked.share or (1.0 if self.asked.to else _SHARE)
        return Rate.of(self.table, share=share, writes=self.asked.rate)

    def client(self, config: Config | None = None) -> Any:
        """Return a client of its region."""
        config = config or configuration()
        return boto3.client("dynamodb", region_name=self.asked.region, config=config)

    def waits(self) -> Waits:
        """Return how the service is waited for: long enough for an import of a large table."""
        told: set[str] = set()

        def tell(said: str) -> None:
            if said not in told:
                told.add(said)
                out = console.console(stderr=self.asked.as_json)
                out.print(escape(f"  {said}"), soft_wrap=True)

        return Waits(
            seconds=_PATIENCE_SECONDS,
            told=tell,
            sleep=lambda seconds: time.sleep(seconds),
            now=lambda: clock.now().timestamp(),
        )

    def _described(self, name: str) -> Mapping[str, Any]:
        try:
            table = self.client().describe_table(TableName=name)["Table"]
        except ClientError as error:
            if code_of(error) == "ResourceNotFoundException":
                raise ConfigurationError(
                    f"there is no table {name} in {self.client().meta.region_name}: --to makes one"
                    " (`hippolyte restore`)"
                ) from error
            raise
        if table["TableStatus"] not in ("ACTIVE", "UPDATING"):
            raise ConfigurationError(f"{name} is {table['TableStatus']}: wait until it is ACTIVE")
        return dict(table)

    def _compare_keys(self) -> None:
        definition = self.found.definition or {}
        if definition.get("KeySchema") and _key(definition) != _key(self.there):
            # named alike, they are of other types
            is_typed = _named(self.there) == _named(definition)
            has, had = (_named(one, is_typed) for one in (self.there, definition))
            raise ConfigurationError(
                f"{self.name} has the key {has}, the backup {had}: items of one cannot be found in "
                "the other"
            )


def cost_of_indexes(table: Mapping[str, Any]) -> str:
    """Return what a table's indexes take of each write beside it; empty: it has none."""
    kinds = ("GlobalSecondaryIndexes", "LocalSecondaryIndexes")
    count, said = sum(len(table.get(kind) or []) for kind in kinds), ""
    if count:
        said = f"; as much again for what each of {count_of(count, 'index')} holds"
    if vectors := len(table.get("VectorIndexes") or []):
        take = "takes" if vectors == 1 else "take"
        said += f"; what {count_of(vectors, 'vector index')} {take} is not in it"
    return said


def _key(table: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """Return the attributes of a table's key: HASH or RANGE, name, type."""
    types = {one["AttributeName"]: one["AttributeType"] for one in table["AttributeDefinitions"]}
    names = [(key["KeyType"], key["AttributeName"]) for key in table["KeySchema"]]
    return sorted((kind, name, types[name]) for kind, name in names)


def _named(table: Mapping[str, Any], typed: bool = False) -> str:
    said = ((name, f"{kind}, {of}" if typed else kind) for kind, name, of in _key(table))
    return ", ".join(f"{name} ({more})" for name, more in said)


def _digest(text: str, length: int) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:length]
