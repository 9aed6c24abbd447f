"""Texts that say the same of many tables, put together."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

# ids and numbers in words of a service or of ours: what differs between two that mean the same
_VARIES = re.compile(r"\b[0-9a-f]{8}-[0-9a-f-]{20,}\b|\b[ij]-[0-9A-Za-z]{6,}\b|\d[\d,.:]*")


@dataclass(frozen=True, slots=True)
class Group:
    """Tables of one reason. `reason` is the first one's own words."""

    reason: str
    reasons: Mapping[str, str]

    @property
    def alike(self) -> bool:
        """Whether they say the same to the letter."""
        return len(set(self.reasons.values())) == 1


def pattern(text: str, table: str = "") -> str:
    """Return a text without what differs from table to table: its name, numbers, ids."""
    return _VARIES.sub("#", text.replace(table, "@") if table else text)


def by_reason(reasons: Mapping[str, str]) -> list[Group]:
    """Group tables (name -> reason) that have one for the same reason, the largest group first."""
    found: dict[str, dict[str, str]] = {}
    for name, reason in reasons.items():
        found.setdefault(pattern(reason, name), {})[name] = reason
    groups = [Group(next(iter(members.values())), members) for members in found.values()]
    return sorted(groups, key=lambda group: (-len(group.reasons), group.reason))


def usual(notes: Mapping[str, Iterable[str]]) -> dict[str, str]:
    """Return what is noted of most tables: pattern -> the words of one of them."""
    counts: Counter[str] = Counter()
    words: dict[str, str] = {}
    for name, own in notes.items():
        for note in own:
            words.setdefault(pattern(note, name), note)
        counts.update({pattern(note, name) for note in own})
    most = len(notes) / 2
    return {each: words[each] for each, count in counts.items() if count > max(1, most)}
