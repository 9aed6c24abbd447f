"""What the loop's thread knows of a table while it is scanned, and what it tells of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum

from hippolyte.scan.begin import Begun, Place, Started, Written
from hippolyte.scan.table import Look, Pacing, Wanted

# a table is looked at before a page that comes so long after the last look; seconds
LOOK_EVERY = 60.0
# how large a file grows where nothing else asks for more or less; bytes, compressed
FILE = 4 << 20
# an import takes 50,000 objects; what was added since the table was measured goes into the rest
_OBJECTS = 45_000
# what was read is in a file after so long, lest a crash cost more; seconds
FILE_EVERY = 600.0
# objects of the rest that may be smaller because of that
_EARLY = 3_000


class State(Enum):
    """How far a table is."""

    OPENING = "opening"
    READING = "reading"
    FINISHING = "finishing"
    READ = "read"  # its part is; whoever reads the last one calls it whole
    DONE = "done"
    MORE = "more"  # the loop ended first: whoever scans it again goes on
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a table is.

    Attributes:
        items: in all segments, those of former loops and those not yet in a file included.
        text, units: bytes of lines and read capacity units of this loop alone.
        files: of this loop.
        segments, ended: how many there are, and how many of them are read to their end. Where
            a part is read, of that alone, as `items`.
        reason: why it failed, or what it waits for.
    """

    table: str
    state: State
    items: int = 0
    text: int = 0
    units: float = 0.0
    files: int = 0
    segments: int = 0
    ended: int = 0
    size_bytes: int = 0
    reason: str = ""


def least_file(size_bytes: int) -> int:
    """Return how large a table's files must at least be, so that an import takes them all.

    Compressed items are hardly ever more than what DynamoDB counts for them.
    """
    return size_bytes // _OBJECTS


def full_file(size_bytes: int, room: int) -> int:
    """Return how large a table's files grow, within the room there is for all segments' buffers."""
    return min(max(FILE, 2 * least_file(size_bytes)), room)


def is_file(holds: int, full: int, age: float, number: int, segments: int) -> bool:
    """Say whether what a segment has read is to be a file now.

    Args:
        holds: bytes that it is.
        full: bytes of a full file.
        age: seconds since its first item was read.
        number: of the file. One of the first few is written early, for a table that is read so
            slowly has few: 46 of each of 64 segments, in seven and a half hours.
        segments: of the table, which all have as many.
    """
    return holds >= full or (age >= FILE_EVERY and number < _EARLY // segments)


@dataclass(slots=True)
class Segment:
    """What is known of one segment."""

    place: Place = field(default_factory=Place)
    buffered: int = 0  # items
    files: dict[int, Written] = field(default_factory=dict)  # by number, those seen by this loop


@dataclass(slots=True)
class Reading:
    """A table that is being scanned; the loop's thread alone touches it."""

    wanted: Wanted
    name: str
    now: Callable[[], datetime]
    room: int  # bytes for the buffers of all tables
    state: State = State.OPENING
    reason: str = ""
    first: Look | None = None
    look: Look | None = None
    looked: float = 0.0
    started: Started | None = None
    pacing: Pacing | None = None
    segments: list[Segment] = field(default_factory=list)
    whole: int | None = None  # items of a scan that was found finished
    text: int = 0
    units: float = 0.0
    files: int = 0

    def seconds(self) -> float:
        """Return the loop's time."""
        return self.now().timestamp()

    def begin(self, begun: Begun) -> None:
        """Take over what the scan is."""
        assert self.look
        self.started = begun.started
        count = begun.started.segments
        self.pacing = self.wanted.pace(self.look, begun.started.capacity, count, self.seconds())
        self.segments = [Segment() for _ in range(count)]
        self.state = State.READING

    @property
    def own(self) -> range:
        """The segments that are read here."""
        return self.wanted.part.segments(len(self.segments))

    @property
    def pace(self) -> Pacing:
        assert self.pacing
        return self.pacing

    @property
    def keys(self) -> tuple[str, ...]:
        assert self.first
        return self.first.keys

    @property
    def file_bytes(self) -> int:
        # the latest: the size of a young table reads 0 for hours
        assert self.look
        return full_file(self.look.size_bytes, self.room)

    def progress(self) -> Progress:
        """Return what is to be told."""
        own = [self.segments[one] for one in self.own]
        read = sum(one.place.items + one.buffered for one in own)
        return Progress(
            table=self.name,
            state=self.state,
            items=read if self.whole is None else self.whole,
            text=self.text,
            units=self.units,
            files=self.files,
            segments=len(own),
            ended=sum(one.place.ended for one in own),
            size_bytes=self.look.size_bytes if self.look else 0,
            reason=self.reason,
        )
