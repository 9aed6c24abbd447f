"""Gathers the partition keys of files while somebody reads them, and writes filters over them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator

from hippolyte.exports import filters
from hippolyte.exports.keys import Find, finder
from hippolyte.exports.lines import Form, Text
from hippolyte.exports.listed import Listed
from hippolyte.exports.native import DATA
from hippolyte.exports.reader import DataFile

# keys of a file: 60 bytes each while it is read. One with more gets no filter, and is always read
_MOST_OF_A_FILE = 2_000_000
# keys that one filter is over: 4 bytes each until it is written
_MOST = 2_000_000


def file_of(file: DataFile, listed: Listed) -> filters.File:
    """Return what a filter knows a file by."""
    name = file.name.rpartition("/")[2]
    return filters.File(name, listed.size, file.md5 or "", listed.etag)


class Gather:
    """Filters of one backup in the making.

    Args:
        attribute: the partition key's name.
        put: is given each filter and its name below the backup's place; what it raises is its
            caller's.
    """

    def __init__(self, attribute: str, put: Callable[[str, bytes], object]) -> None:
        self.attribute, self._put = attribute, put
        self._finders = {form: finder(attribute, form.member) for form in Form}
        self._files: list[filters.Keys] = []
        self._below = ""

    def through(
        self, form: Form, file: DataFile, listed: Listed, texts: Iterator[Text]
    ) -> Iterator[Text]:
        """Yield a file's items as they are; at their end its keys are known.

        Args:
            form: of the file's lines.
            file: that is read.
            listed: as it lies there.
            texts: `Backup.texts_of` it.
        """
        of = file_of(file, listed)
        hashes: set[int] = set()
        wanted = bool(of.md5 or of.etag)
        find = self._finders[form]
        for text in texts:
            if wanted:
                wanted = _take(find, text, hashes) and len(hashes) <= _MOST_OF_A_FILE
            yield text
        if wanted:
            self._files.append(filters.keys_of(of, hashes))
            # data/ lies beside the manifest, a tool's files do themselves
            self._below = file.name.rpartition("/")[0].removesuffix(DATA[:-1]).rstrip("/")
            if sum(len(one.hashes) for one in self._files) >= _MOST:
                self.write()

    def write(self) -> None:
        """Write a filter over the files that were read to their end since the last one."""
        files, self._files = self._files, []
        if files:
            data = filters.packed(self.attribute, files)
            name = f"{filters.FOLDER}/{hashlib.sha256(data).hexdigest()[:24]}{filters.SUFFIX}"
            self._put(f"{self._below}/{name}" if self._below else name, data)


def _take(find: Find, text: Text, hashes: set[int]) -> bool:
    try:
        hashes.update(map(filters.key_hash, find([text.lines])))
    except (ValueError, ArithmeticError):
        # a number beyond all bounds: the file is always read
        return False
    return True
