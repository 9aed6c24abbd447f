"""The keys of many items at once, found in their text; each in one spelling, and as a number."""

from __future__ import annotations

import json
from collections.abc import Sequence

from hippolyte_cli.restore.keys import NoKeyError, is_plain, key_finder

__all__ = ["Keys", "NoKeyError"]

# between the parts of a key: in no UTF-8
_BETWEEN = b"\xff"
# spreads keys that differ in their last digits only: 2**64 divided by the golden ratio
_FACTOR = 0x9E3779B97F4A7C15


class Keys:
    """Finds the keys of one table's items.

    An attribute's name with its type before it stands once in an item's text, or it is looked at
    more closely: it is in a map too, something is escaped, a number may be spelt in several ways.

    Args:
        names: of the key's attributes, the partition key first.
        modulus: of the numbers; drawn at random, so that no two keys are meant to have the same.
    """

    def __init__(self, names: Sequence[str], modulus: int) -> None:
        self.names = tuple(names)
        self._find = key_finder(names)
        self._before = [json.dumps(name, ensure_ascii=False).encode() + b':{"' for name in names]
        self._modulus = modulus

    def of(self, spans: Sequence[bytes]) -> list[bytes]:
        """Return the keys of items, given as compact text: equal for equal keys only.

        Raises:
            NoKeyError: an item lacks an attribute of the key.
            ValueError: it is no item.
        """
        if not spans:
            return []
        text = b"".join(spans)
        if b"\\u" in text:
            return [self._closely(span) for span in spans]
        columns = [self._column(before, spans, text) for before in self._before]
        if not all(columns):
            return [self._closely(span) for span in spans]
        if len(columns) == 1:
            return columns[0]
        return [_BETWEEN.join(parts) for parts in zip(*columns, strict=True)]

    def numbers(self, keys: Sequence[bytes]) -> list[int]:
        """Return a number for each key, below the modulus: the same for the same key."""
        read, modulus = int.from_bytes, self._modulus
        return [read(key, "big") * _FACTOR % modulus for key in keys]

    def _column(self, before: bytes, spans: Sequence[bytes], text: bytes) -> list[bytes]:
        """Return one attribute's types and values, none if an item must be looked at closely."""
        at = spans[0].find(before) + len(before)
        if at < len(before) or spans[0][at + 1 : at + 4] != b'":"':
            return []
        needle = spans[0][at - len(before) : at + 4]
        # of whatever type: in a map it may have another than in the key
        if not text.count(needle) == text.count(before) == len(spans):
            return []
        # from the type on: another one is another key, whatever its text
        size = len(before)
        found = [
            span[(start := span.find(needle) + size) : span.find(b'"', start + 4)] for span in spans
        ]
        # one has it twice and another not at all
        if b"\\" in b"".join(found) or not all(needle in span for span in spans):
            return []
        if needle[-4:-3] == b"N" and not all(is_plain(part[4:]) for part in found):
            return []
        return found

    def _closely(self, span: bytes) -> bytes:
        return _BETWEEN.join(self._find(span))
