"""What became of items from night to night. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from hippolyte.exports.keys import spelling
from hippolyte.exports.lines import Item
from hippolyte_cli.restore.values import canonical, canonical_item

# how DynamoDB JSON spells a value
Value = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Night:
    """A night as far as it could be looked into.

    Attributes:
        run: its id.
        items: that were found.
        whole: there were no others.
        names: of the attributes of the table's key that night.
    """

    run: str
    items: Sequence[Item]
    whole: bool
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Change:
    """An attribute that is another; None: it is not there."""

    name: str
    before: Value | None
    after: Value | None


@dataclass(frozen=True, slots=True)
class Event:
    """A night in which an item was seen first, changed, was gone, or was back.

    `changes`: against the night before in which it was there.
    """

    run: str
    kind: str
    changes: tuple[Change, ...] = ()


@dataclass(slots=True)
class Story:
    """Of one item.

    Attributes:
        key: of it.
        first, last: nights in which it was there.
        gone: the first night after `last` in which it certainly was not; None: there is none.
    """

    key: Item
    first: str
    last: str
    gone: str | None = None
    events: list[Event] = field(default_factory=list)
    newest: Item = field(default_factory=dict)


def stories(nights: Sequence[Night]) -> list[Story]:
    """Return the story of each item; nights come in order, the oldest first."""
    found: dict[Any, Story] = {}
    for night in nights:
        there = {_identity(item, night.names): item for item in night.items}
        for identity, item in there.items():
            story = found.get(identity)
            if story is None:
                key = {name: item[name] for name in night.names if name in item}
                story = found[identity] = Story(key, night.run, night.run)
                changes = tuple(changed({}, item))
                story.events.append(Event(night.run, "first seen", changes))
            else:
                changes = tuple(changed(story.newest, item))
                if story.gone:
                    story.events.append(Event(night.run, "back", changes))
                elif changes:
                    story.events.append(Event(night.run, "changed", changes))
            story.last, story.gone, story.newest = night.run, None, item
        if night.whole:
            for identity, story in found.items():
                if identity not in there and not story.gone:
                    story.gone = night.run
                    story.events.append(Event(night.run, "gone"))
    return list(found.values())


def changed(before: Item, after: Item) -> Iterator[Change]:
    """Yield the attributes that differ: numbers by value, sets without order."""
    one, other = canonical_item(before), canonical_item(after)
    for name in dict.fromkeys((*before, *after)):
        if one.get(name) != other.get(name):
            yield Change(name, before.get(name), after.get(name))


def _identity(item: Item, names: tuple[str, ...]) -> Any:
    # an item that lacks its key is another's only if all of it is
    parts = [(name, spelling(item.get(name) or {})) for name in names]
    if not parts or any(part is None for _, part in parts):
        return repr(canonical({"M": item}))
    return tuple(parts)
