"""Looks into one backup for a key: which of its files may hold it, and what they hold."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

from botocore.exceptions import BotoCoreError, ClientError

from hippolyte.errors import HippolyteError
from hippolyte.exports.findings import LISTED, Expected
from hippolyte.exports.gather import Gather, file_of
from hippolyte.exports.keys import finder
from hippolyte.exports.levels import check
from hippolyte.exports.lines import Form, Item, Lines, Text
from hippolyte.exports.place import Folder, Prefix
from hippolyte.exports.reader import Backup, DataFile, find
from hippolyte_cli.get.beside import Beside
from hippolyte_cli.get.key import Key
from hippolyte_cli.get.watched import Watched
from hippolyte_cli.troubles import of_file, remedied

# of a damaged backup, that are told
_MOST_TOLD = 3
TROUBLE = (HippolyteError, ClientError, BotoCoreError, OSError)


@dataclass
class Look:
    """A look into one backup; `begin` it, then `finish` it.

    Attributes:
        what: names the backup, for people: a night's id, or its place.
        place: where it lies.
        key: that is asked for; None: why not is in `troubles`.
        expected: what the catalogue says of it.
        troubles: why what was found may not be all there is.
        items: that have the key.
        bytes: of all its files.
        likely: files that a filter says may hold the key.
        unknown: files without a filter.
    """

    what: str
    place: Folder | Prefix
    key: Key | None
    expected: Expected | None = None
    troubles: list[str] = field(default_factory=list)
    items: list[Item] = field(default_factory=list)
    bytes: int = 0
    likely: list[DataFile] = field(default_factory=list)
    unknown: list[DataFile] = field(default_factory=list)
    files_read: int = 0
    stopped: bool = False
    _backup: Backup | None = None

    def __post_init__(self) -> None:
        self.watched = Watched(self.place)
        self.beside = Beside(self.watched)

    @property
    def is_known(self) -> bool:
        """Whether what was found is all that the backup has."""
        return not self.troubles and not self.stopped

    @property
    def to_read(self) -> int:
        """Bytes of the files without a filter."""
        return sum(self.watched.there[file.name].size for file in self.unknown)

    def begin(self) -> None:
        """See what lies there, to level 1, and ask the filters; no file of items is read."""
        if self.key is None:
            return
        try:
            self._begin(self.key)
        except TROUBLE as error:
            self._trouble(error)

    def _begin(self, key: Key) -> None:
        checked = check(self.watched, LISTED, self.expected)
        if checked.findings:
            some = "; ".join(map(str, checked.findings[:_MOST_TOLD]))
            more = len(checked.findings[_MOST_TOLD:]) + checked.more
            self.troubles.append(f"DAMAGED: {some}" + (f"; and {more} more" if more else ""))
        backup = find(self.watched, whole=False)
        there = self.watched.there
        said = self.beside.answers(key)
        for file in backup.files:
            self.bytes += there[file.name].size
            may = said.get(file_of(file, there[file.name]).mark)
            if may is None and there[file.name].size:
                self.unknown.append(file)
            elif may:
                self.likely.append(file)
        # of many nights that is much
        self.watched.forget([file.name for file in (*self.likely, *self.unknown)])
        self._backup = replace(backup, files=())

    def finish(self, seen: Callable[[int], object], stopped: Callable[[], bool]) -> None:
        """Read the files that may hold the key; those without a filter get one.

        Args:
            seen: is told the bytes of each file that is done with.
            stopped: asked often; True: the rest is not read.
        """
        if self.key is None or self._backup is None:
            return
        gather = Gather(self.key.attribute, self.beside.put)
        try:
            for file in (*self.likely, *self.unknown):
                if self.key.whole and self.items:
                    return
                if stopped():
                    self.stopped = True
                    return
                try:
                    self._read(file, gather if file in self.unknown else None, stopped)
                except TROUBLE as error:
                    self._trouble(error, file.name)
                seen(self.watched.there[file.name].size)
        finally:
            gather.write()

    def _read(self, file: DataFile, gather: Gather | None, stopped: Callable[[], bool]) -> None:
        assert self._backup and self.key
        self.files_read += 1
        form, texts = self._backup.form, self._backup.texts_of(file)
        if gather:
            texts = gather.through(form, file, self.watched.there[file.name], texts)
        found: list[Item] = []
        for some in _matching(texts, form, self.key, stopped):
            if some is None:
                self.stopped = True
                return
            found += some
            # of a file with a checksum all is read: the item is what was written
            if found and self.key.whole and not gather and not file.md5:
                break
        # what stands before a file's damage is not believed
        self.items += found

    def _trouble(self, error: Exception, name: str = "") -> None:
        said = of_file(error) if isinstance(error, OSError) else remedied(error)
        self.troubles.append(f"{name}: {said}" if name and name not in said else said)


def _matching(
    texts: Iterator[Text], form: Form, key: Key, stopped: Callable[[], bool]
) -> Iterator[list[Item] | None]:
    """Yield, of each few items, those that have the key; None: it is to stop."""
    find_keys, wanted = finder(key.attribute, form.member), key.partition
    parsed = Lines(form).parsed
    for text in texts:
        if stopped():
            yield None
            return
        if wanted in find_keys([text.lines]):
            yield [item for item in parsed(text.lines) if key.is_of(item)]
