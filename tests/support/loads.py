"""Loads of backups into tables: the backup in a folder, the client as a load has it, its faults."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
from botocore.awsrequest import AWSResponse

from hippolyte.exports.lines import Item, dynamodb_json
from hippolyte.exports.reader import Backup, Folder, find
from hippolyte_cli.restore.journal import Journal
from hippolyte_cli.restore.pace import Rate
from hippolyte_cli.restore.patience import Clockwork
from hippolyte_cli.restore.writer import CONFIG, Loaded, load
from local.fleet import items as odd
from local.world import World
from tests.support.aws_world import REGION
from tests.support.exports import native_export

_ODD: list[Callable[[], list[Any]]] = [
    odd.every_type, odd.empties, odd.sets, odd.numbers, odd.control_characters,
    odd.line_separators, odd.emoji, odd.quoting, odd.lookalikes, odd.binaries, odd.nested,
    odd.anything(30, "load"), odd.largest,
]  # fmt: skip


def odd_items() -> list[Item]:
    """Return items of all kinds in DynamoDB JSON, their keys made their own."""
    made = [item for make in _ODD for item in make()]
    # short ones: the largest have no room
    return [{**dynamodb_json(dict(item)), "pk": {"S": str(n)}} for n, item in enumerate(made)]


def backup_in(folder: Path, parts: list[list[Item]]) -> Backup:
    """Return a native backup of so many files, written into a folder."""
    for name, content in native_export(parts).items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return find(Folder(folder))


def answer(status: int, code: str = "", **more: Any) -> AWSResponse:
    """Return what the service answers instead of doing it."""

    class Raw:
        def stream(self, **_: Any) -> Iterator[bytes]:
            kind = {"__type": f"com.amazonaws.dynamodb.v20120810#{code}"} if code else {}
            yield json.dumps({**kind, **more}).encode()

    return AWSResponse("", status, {"x-amzn-requestid": "1"}, Raw())


@dataclass
class Target:
    """A table of the local AWS, and loads into it. `before` and `after` see each request."""

    world: World
    table: str
    folder: Path
    calls: list[str] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    before: Callable[[int], Any] = lambda number: None
    after: Callable[[int], None] = lambda number: None
    # what a look at the clock takes
    look_seconds: float = 0.0

    def client(self) -> Any:
        """Return a client as a load has it."""
        made = boto3.client("dynamodb", region_name=REGION, config=CONFIG)
        made.meta.events.register_first("before-send.dynamodb", self._before)
        made.meta.events.register("after-call.dynamodb", self._after)
        return made

    def _before(self, request: Any, **_: Any) -> Any:
        target = request.headers["X-Amz-Target"]
        name = (target if isinstance(target, str) else target.decode()).rpartition(".")[2]
        self.calls.append(name)
        self.bodies.append(request.body)
        return self.before(len(self.calls))

    def _after(self, **_: Any) -> None:
        self.after(len(self.calls))

    def clockwork(self) -> Clockwork:
        """Return the world's time, which waiting moves on."""

        def now() -> float:
            self.world.clock.advance(self.look_seconds)
            return float(self.world.clock.now().timestamp())

        def sleep(seconds: float) -> bool:
            self.world.clock.advance(seconds)
            return False

        return Clockwork(now, sleep, lambda: 0.5)

    def journal(self, name: str = "journal") -> Journal:
        """Return the journal that an earlier load left, or a new one."""
        return Journal(self.folder / name, {"table": self.table}).read()

    def load(self, backup: Backup, **how: Any) -> Loaded:
        """Load in this thread, in the world's time."""
        given = {"rate": Rate(1e6), "threads": 0, "clockwork": self.clockwork(), **how}
        given.setdefault("journal", self.journal())
        return load(self.client(), self.table, ["pk"], backup, **given)

    def kept(self) -> list[Item]:
        """Return the table's items, in DynamoDB JSON."""
        pages = self.world.client("dynamodb").get_paginator("scan").paginate(TableName=self.table)
        return [dynamodb_json(item) for page in pages for item in page["Items"]]


def dealt(items: Iterable[Item], files: int) -> list[list[Item]]:
    """Return items in so many parts."""
    listed = list(items)
    return [listed[number::files] for number in range(files)]
