"""Makes the plan of a night: which tables, on which cluster, at what rate, raised to what."""

from __future__ import annotations

import gc
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from fnmatch import fnmatchcase

from hippolyte.planning import drill, keeping, native, replicas
from hippolyte.planning.budget import exports_within_budget, within_budget
from hippolyte.planning.cost import storage_usd, total_usd
from hippolyte.planning.host import Host, host_of
from hippolyte.planning.packer import Packer
from hippolyte.planning.plan import Batch, Identity, Job, Plan
from hippolyte.planning.selection import Choice, choose
from hippolyte.planning.sharing import worker_seconds
from hippolyte.planning.timelines import HANDOVER_SECONDS, Timeline
from hippolyte.planning.window import Night
from hippolyte.record_form import iso
from hippolyte.settings import Settings
from hippolyte.tables.concurrency import room_for_workers
from hippolyte.tables.names import first_names
from hippolyte.tables.table import Inventory, Table, Tags
from hippolyte.verdicts import Verdict


def make_plan(
    inventory: Inventory,
    settings: Settings,
    night: Night,
    tables_limit: int,
    raises_per_job: bool = False,
) -> Plan:
    """Plan a night. `tables_limit` is the engine's number of tables a host.

    `raises_per_job`: the engine's tables are raised in their turn, not all for the whole night.
    """
    with _uncollected():
        return _planned(inventory, settings, night, tables_limit, raises_per_job)


@contextmanager
def _uncollected() -> Iterator[None]:
    """Have no garbage collected: there is none, and looking for it grows faster than the fleet."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def _planned(
    inventory: Inventory,
    settings: Settings,
    night: Night,
    tables_limit: int,
    raises_per_job: bool,
) -> Plan:
    verdicts: dict[str, tuple[Verdict, str]] = {}
    eligible: list[Table] = []
    # quotas are of all tables, a part is planned beside the others
    everything = inventory = _in_order(inventory)
    inventory = _part(inventory, night.part)
    choices = {
        name: choose(name, settings.tables, inventory.tags.of(name)) for name in inventory.names
    }
    for name, verdict in inventory.undescribed.items():
        rule = choices[name].rule
        verdicts[name] = (Verdict.SKIPPED, rule) if rule else verdict
    later = {name: why for name, why in inventory.later.items() if not choices[name].rule}
    for name in sorted(inventory.later.keys() - later.keys()):
        verdicts[name] = (Verdict.SKIPPED, choices[name].rule or "")
    for table in inventory.tables:
        if rule := choices[table.name].rule:
            verdicts[table.name] = (Verdict.SKIPPED, rule)
        elif not table.exportable:
            verdicts[table.name] = (Verdict.UNSUPPORTED, f"table status {table.status}")
        else:
            eligible.append(table)

    copies = replicas.left_out(inventory, choices, night.before)
    no_more, long_since = replicas.told(copies, choices, night.before)
    warnings = [*inventory.warnings, *_nothing_left(choices), *long_since]
    host = _bounded(host_of(settings, settings.engine), inventory, warnings)
    packer = Packer(settings, everything, night, tables_limit, raises_per_job, host)
    # a scan finds out by itself that there is nothing
    scanned = host.side_by_side
    chosen = native.choose(eligible, settings)
    warnings += chosen.warnings
    wanted = [t for t in chosen.others if scanned or not t.empty]
    exports, dear = exports_within_budget(
        [native.job(t, settings, packer.scan_usd(t)) for t in chosen.native], settings
    )
    spent = sum(native.export_usd(job, settings) for job in exports)
    packed, left_out = within_budget(packer, wanted, spent)
    verdicts.update({**left_out.verdicts, **dear.verdicts})
    if settings.raise_capacity == "plan":
        _note(packed.timelines, packer.would_raise(wanted))
    cost = {**packed.cost, **({"exports": spent} if exports else {})}
    if usd := drill.most_usd(packed.jobs, exports, settings, bool(night.part), sum(cost.values())):
        cost[drill.COST] = usd
    read = _batches(packed.timelines, host, night)
    return Plan(
        run_id=night.run_id,
        start=night.start,
        deadline=night.deadline,
        batches=(*read, *native.batches(exports, len(read) + 1, len(packed.timelines))),
        verdicts=verdicts,
        empty=tuple(sorted(t.name for t in chosen.others if t.empty and not scanned)),
        warnings=(*warnings, *packed.warnings),
        alerts=(
            *_missing(settings.tables.always, everything),
            *_blind(choices, inventory.tags),
            *drill.left(inventory.names, settings),
            *drill.missing(everything.names, settings),
            *left_out.alerts,
            *dear.alerts,
            *no_more,
        ),
        cost_usd=total_usd(cost),
        cost={part: round(usd, 4) for part, usd in cost.items()},
        prices=settings.prices.said,
        storage_usd=storage_usd([*packed.jobs, *exports], settings, host, bool(night.part)),
        previous_run=night.previous_run,
        engine=settings.engine,
        identities={
            t.name: Identity(t.table_id, iso(t.created_at) if t.created_at else None)
            for t in inventory.tables
        },
        undescribed=later,
        at_once=host.at_once if host.side_by_side else 0,
        part=night.part,
        replicas=copies,
        kept=keeping.due(inventory.names, settings, night.start, night.before)
        if not night.part
        else {},
    )


def _in_order(inventory: Inventory) -> Inventory:
    """Return an inventory by the tables' names: the same tables make the same bytes."""
    return replace(
        inventory,
        tables=tuple(sorted(inventory.tables, key=lambda t: t.name)),
        undescribed=dict(sorted(inventory.undescribed.items())),
        later=dict(sorted(inventory.later.items())),
    )


def _note(timelines: Iterable[Timeline[Job]], wishes: Mapping[str, int]) -> None:
    """Note with each table what it would be raised to."""
    for batch in (batch for timeline in timelines for batch in timeline.batches):
        batch[:] = [replace(job, would_raise_to=wishes.get(job.table)) for job in batch]


def _part(inventory: Inventory, globs: tuple[str, ...]) -> Inventory:
    """Return what some globs match of an inventory; all without globs."""
    if not globs:
        return inventory
    names = {n for n in inventory.names if any(fnmatchcase(n, glob) for glob in globs)}
    return replace(
        inventory,
        tables=tuple(t for t in inventory.tables if t.name in names),
        undescribed={n: v for n, v in inventory.undescribed.items() if n in names},
        later={n: why for n, why in inventory.later.items() if n in names},
    )


def _bounded(host: Host, inventory: Inventory, warnings: list[str]) -> Host:
    """Leave the account's other functions their concurrency: a tenth of what nobody reserved."""
    if not host.side_by_side:
        return host
    unreserved = inventory.limits.unreserved_concurrency
    if unreserved is None:
        warnings.append(
            "the account's unreserved concurrency could not be read: one worker reads all tables"
        )
    most = room_for_workers(unreserved or 0)
    if unreserved is not None and most < host.at_once:
        warnings.append(
            f"{most} workers at once, not {host.at_once}: the account has {unreserved} concurrent "
            "invocations that no function reserves, and a tenth is the backup's"
        )
    return replace(host, at_once=min(host.at_once, most))


def _batches(timelines: list[Timeline[Job]], host: Host, night: Night) -> tuple[Batch, ...]:
    batches: list[Batch] = []
    late = max(0.0, (night.now - night.start).total_seconds())
    for number, timeline in enumerate(timelines):
        at = late
        for jobs in timeline.batches:
            work = host.bootstrap + sum(job.estimate_seconds for job in jobs)
            ends = at + (worker_seconds(jobs, host) if host.side_by_side else work)
            name = f"b{len(batches) + 1:03d}"
            batches.append(Batch(name, number, tuple(jobs), round(at), round(ends)))
            at = ends + HANDOVER_SECONDS
    return tuple(batches)


def _missing(always: Iterable[str], inventory: Inventory) -> tuple[str, ...]:
    names = inventory.names
    return tuple(
        f"tables.always names {glob!r}, and no table matches: correct the name or take it out"
        for glob in always
        if not any(fnmatchcase(name, glob) for name in names)
    )


def _nothing_left(choices: Mapping[str, Choice]) -> tuple[str, ...]:
    """Warn of rules that leave out every table there is."""
    if not choices or any(choice.rule is None for choice in choices.values()):
        return ()
    return (
        f"the rules of `tables` leave out all {len(choices):,} tables: nothing is backed up; "
        "correct them if that is not meant",
    )


def _blind(choices: Mapping[str, Choice], tags: Tags) -> tuple[str, ...]:
    """Tell which tables are backed up only because their tags are unknown."""
    names = sorted(name for name, choice in choices.items() if choice.blind)
    if not names:
        return ()
    return (
        f"{len(names)} tables are backed up whatever tables.exclude_tags and include_tags say, as "
        f"their tags could not be read ({tags.error}): {first_names(names)}",
    )
