"""What a world sets of a table beside what its API says."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass
class TableSettings:
    """What `World.set_table` sets; None leaves the computed value.

    `update_seconds` is how long UpdateTable takes (virtual). `stale_describe_seconds` makes
    DescribeTable answer with the state of that long ago, as eventual consistency may.
    `vanish_at_describe` deletes the table at the next DescribeTable: gone since ListTables.
    `read_bytes` is what a scan reads when DescribeTable does not know it yet (`size_bytes` is about
    six hours old); `created_at` makes the table older than the world. `legacy_replicas` make it a
    global table of version 2017.11.29: in ListGlobalTables, not in DescribeTable.
    """

    size_bytes: int | None = None
    item_count: int | None = None
    read_bytes: int | None = None
    created_at: datetime | None = None
    status: str | None = None
    update_seconds: float = 60
    warm_read: int | None = None
    on_demand_max_read: int | None = None
    replicas: tuple[str, ...] = ()
    legacy_replicas: tuple[str, ...] = ()
    table_class: str | None = None
    stale_describe_seconds: float = 0
    vanish_at_describe: bool = False
    partitions: int | None = None
    burst_seconds: float = 300
    generated: Generated | None = None


@dataclass(frozen=True, slots=True)
class Generated:
    """The items that Scan makes up: their number, and the bytes each one counts as.

    What is sent of an item is its key only, so that a table of 100 GiB costs no memory and little
    time. `page_bytes` is the most of a page: more than the service's 1 MB makes a night cheaper.
    """

    items: int
    item_bytes: int
    page_bytes: int = 1 << 20

    @property
    def size_bytes(self) -> int:
        """What all of them count as."""
        return self.items * self.item_bytes
