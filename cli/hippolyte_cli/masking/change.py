"""A map at work: an item in, the item as the copy has it out. Nothing is kept between two items.

A hash is of a value and the salt alone (HMAC-SHA256), so what is equal stays equal, in other
attributes and tables too: 32 hexadecimal digits for a text, 16 bytes for a binary, 37 decimal
digits for a number. A number is hashed by its value: 1 and 1.0 are one.
"""

from __future__ import annotations

import hmac
import threading
from base64 import b64encode
from collections import Counter
from collections.abc import Mapping
from typing import Any

from hippolyte.exports.keys import number
from hippolyte.exports.lines import Item
from hippolyte.words import count_of
from hippolyte_cli.masking.rules import ELEMENTS, Map, Node, Rule
from hippolyte_cli.restore.values import binary, utf8

Value = Mapping[str, Any]
# 123 bits; DynamoDB has 38 digits
_NUMBERS = 10**37
_BYTES = 16


class NotMappedError(ValueError):
    """When a rule cannot be applied to an item; the message names the rule and what to do."""


class Change:
    """Changes items by a map; many threads may at once."""

    def __init__(self, of: Map) -> None:
        self.of = of
        self._root = of.root()
        self._met: Counter[int] = Counter()
        self._lock = threading.Lock()

    def __call__(self, item: Item) -> Item:
        """Return an item as the copy has it, and count which rules were met.

        Raises:
            NotMappedError: a rule cannot be applied.
        """
        met: Counter[int] = Counter()
        changed = self._members(item, self._root, self._root.rule, "", met)
        with self._lock:
            self._met.update(met)
        return changed

    def look(self, item: Item) -> Item:
        """Return the same, uncounted."""
        return self._members(item, self._root, self._root.rule, "", Counter())

    def told(self) -> list[str]:
        """Return how often each rule was met, those that never were last."""
        rules = sorted(self.of.rules, key=lambda rule: not self._met[rule.number])
        return [
            f"  {rule}: {count_of(count, 'value')}"
            if (count := self._met[rule.number])
            else f"  NEVER MATCHED: {rule} (rule {rule.number}): is {rule.attribute} spelt so?"
            for rule in rules
        ]

    def _members(
        self, members: Item, node: Node, rule: Rule | None, path: str, met: Counter[int]
    ) -> Item:
        changed = {}
        for name, value in members.items():
            below = node.below.get(name)
            found = self._value(value, below, rule, f"{path}.{name}" if path else name, met)
            if found is not None:
                changed[name] = found
        return changed

    def _value(
        self, value: Value, node: Node | None, rule: Rule | None, path: str, met: Counter[int]
    ) -> Value | None:
        """Return a value as it is to be, None: it is dropped; `rule` is of what it is in."""
        if node and node.rule:
            rule = node.rule
            met[rule.number] += 1
        assert rule
        if not node or not node.below:
            return self._whole(value, rule, path)
        ((kind, content),) = value.items()
        if kind == "M" and set(node.below) != {ELEMENTS}:
            members = self._members(content, node, rule, path, met)
            return {"M": members} if members or rule.do != "drop" else None
        if kind == "L" and ELEMENTS in node.below:
            below = node.below[ELEMENTS]
            each = (self._value(one, below, rule, f"{path}[*]", met) for one in content)
            elements = [one for one in each if one is not None]
            return {"L": elements} if elements or rule.do != "drop" else None
        if kind != "NULL" and rule.do == "keep" and not node.rule:
            raise NotMappedError(
                f"{path} is of type {kind}, and a rule leads into it as into a map or list: give "
                f"{path} a rule for where it is none"
            )
        return self._whole(value, rule, path)

    def _whole(self, value: Value, rule: Rule, path: str) -> Value | None:
        match rule.do:
            case "drop":
                return None
            case "replace":
                return rule.by
            case "hash":
                return self._hashed(value, rule, path)
            case _:
                return value

    def _hashed(self, value: Value, rule: Rule, path: str) -> Value:
        ((kind, content),) = value.items()
        match kind:
            case "S" | "N" | "B":
                return {kind: self._hash(kind, content)}
            case "SS" | "NS" | "BS":
                return {kind: [self._hash(kind[0], each) for each in content]}
            case "L":
                return {"L": [self._hashed(one, rule, f"{path}[*]") for one in content]}
            case "M":
                return {
                    "M": {
                        name: self._hashed(one, rule, f"{path}.{name}")
                        for name, one in content.items()
                    }
                }
            case "BOOL":
                raise NotMappedError(
                    f"rule {rule.number} hashes {rule.attribute}, and {path} is true or false, "
                    "which a hash does not hide: drop, replace or keep it by a rule of its own"
                )
            case _:
                return value

    def _hash(self, kind: str, content: Any) -> str:
        if kind == "S":
            return self._digest(b"S", utf8(content)).hex()
        if kind == "B":
            return b64encode(self._digest(b"B", binary(content))).decode()
        digest = hmac.digest(self.of.salt, b"N" + number(content).encode(), "sha256")
        return str(int.from_bytes(digest) % _NUMBERS)

    def _digest(self, kind: bytes, content: bytes) -> bytes:
        return hmac.digest(self.of.salt, kind + content, "sha256")[:_BYTES]
