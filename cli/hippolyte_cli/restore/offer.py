"""What is said before a restore begins: what is made and written, how long it takes, its cost."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from hippolyte.planning.cost import ON_DEMAND_UNIT_USD
from hippolyte.words import count_of
from hippolyte_cli.export_offer import duration, size
from hippolyte_cli.restore.definition import TablePlan
from hippolyte_cli.restore.pace import Rate
from hippolyte_cli.restore.source import Found
from hippolyte_cli.restore.steps import Step
from hippolyte_cli.restore.target import Target

# us-east-1, 2026-11: a write request unit of an on-demand table, a GB of ImportTable
WRITE_UNIT_USD = 0.625 / 1_000_000
IMPORT_GB_USD = 0.15
_GB = 1_000_000_000
_UNIT, _READ_UNIT = 1024, 4096


@dataclass(frozen=True, slots=True)
class Offer:
    """A load that may begin.

    `bytes` are of the table when it was described that night, 0: unknown; `indexes` is what they
    cost, in words.
    """

    found: Found
    items: int | None
    bytes: int
    rate: Rate
    on_demand: bool
    indexes: str
    imported: bool = False

    @classmethod
    def of(cls, target: Target) -> Offer:
        """Return the load that a target is chosen for."""
        found = target.found
        return cls(
            found=found,
            items=item_count(found),
            bytes=int((found.definition or {}).get("TableSizeBytes", 0)),
            rate=target.rate(),
            on_demand=target.on_demand,
            indexes=target.indexes_cost,
            imported=target.asked.via == "import",
        )

    @property
    def units(self) -> int | None:
        """Write units of the items, without indexes': each item costs a whole one at the least."""
        if self.items is None:
            return None
        return max(self.items, -(-self.bytes // _UNIT))

    @property
    def seconds(self) -> float | None:
        """How long it takes at the least; None: not known."""
        if self.imported or self.units is None:
            return None
        return self.units / self.rate.writes

    @property
    def usd(self) -> float | None:
        """What it costs (us-east-1), without indexes; provisioned capacity is paid for anyhow."""
        if self.imported:
            return self.bytes / _GB * IMPORT_GB_USD
        if not self.on_demand:
            return 0.0
        return None if self.units is None else self.units * WRITE_UNIT_USD

    def lines(self) -> Iterator[str]:
        """Yield what is to be said."""
        many = (
            count_of(self.items, "item") if self.items is not None else "items that are not counted"
        )
        held = f", {size(self.bytes)} in the table then" if self.bytes else ""
        level = level_text(self.found)
        yield f"{self.found.name}: {many}{held}{level}. From {self.found.location}"
        if self.imported:
            yield f"By ImportTable: no write capacity; about {self.usd:,.2f} USD (0.15 USD a GB)."
            return
        if self.seconds is None:
            yield f"At {self.rate.writes:,.0f} write units a second."
            return
        told = f"{self.units:,} write units or more, at {self.rate.writes:,.0f} a second: about "
        told += duration(self.seconds)
        if self.on_demand:
            told += f" and {self.usd:,.2f} USD"
        yield f"{told}{self.indexes}."


def compare_line(offer: Offer, times: int) -> str:
    """Return what it takes to look at the items that are there: each is read, consistently.

    Args:
        offer: of the load.
        times: that all are looked at, to be shown and to be written.
    """
    again = " twice, to be shown and before it is written" if times > 1 else ""
    said = f"Each item's like in the table is read{again}: "
    if offer.items is None:
        return f"{said}at {offer.rate.reads:,.0f} read units a second."
    units = times * max(offer.items, -(-offer.bytes // _READ_UNIT))
    said += f"{count_of(units, 'read unit')} or more, at {offer.rate.reads:,.0f} a second: about "
    said += duration(units / offer.rate.reads)
    return said + (f" and {units * ON_DEMAND_UNIT_USD:,.2f} USD." if offer.on_demand else ".")


def item_count(found: Found) -> int | None:
    """Return how many items a backup has, as its manifest or the catalogue says; None: neither."""
    counts = [file.items for file in found.backup.files]
    items = None if None in counts else sum(n or 0 for n in counts)
    return found.kept.items if items is None and found.kept else items


def level_text(found: Found) -> str:
    """Return how far the catalogue says that a backup is verified, and its damage."""
    kept = found.kept
    level = f"; verified to level {kept.level}" if kept else ""
    if kept and kept.damage:
        level += f", and found DAMAGED since: {kept.damage[0]} (`hippolyte verify` says all)"
    return level


def plan_lines(plan: TablePlan, steps: Sequence[Step]) -> Iterator[str]:
    """Yield what a table is made with, what comes after, and what will not be as it was."""
    request = plan.request
    facts = [request["BillingMode"]]
    if given := request.get("ProvisionedThroughput"):
        facts.append(
            f"{given['ReadCapacityUnits']} read, {given['WriteCapacityUnits']} write units"
        )
    for kind, said in (
        ("GlobalSecondaryIndexes", "global index"),
        ("LocalSecondaryIndexes", "local index"),
    ):
        facts += [f"{said} {index['IndexName']}" for index in request.get(kind, [])]
    yield f"Makes the table {plan.name}: {', '.join(facts)}."
    for step in steps:
        yield f"  then {step.name}"
    for difference in plan.differs:
        yield f"  not as it was: {difference}"
