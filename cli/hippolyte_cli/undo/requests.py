"""The requests that a change is made by: each holds only while the item is as it was shown.

The service has no condition "nothing else is there": an attribute that somebody added meanwhile
under a name that neither side has is not seen by it. So each item is read once more just before;
what is deleted is looked at afterwards too.
"""

from __future__ import annotations

from binascii import a2b_base64
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

from hippolyte_cli.undo.change import Change

# An expression has 300 operators (an attribute takes two) and 4 KB (Developer Guide, "Expression
# limits")
_MOST_NAMES = 120


def requests(change: Change, table: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield operation and parameters as the SDK takes them, one after the other to be made.

    More than one only where more attributes change than an expression holds: each of them is then
    bound to those that it changes itself.
    """
    if change.do == "put":
        name = next(iter(change.key))
        yield (
            "put_item",
            {
                "TableName": table,
                "Item": sdk_item(change.to),
                "ConditionExpression": "attribute_not_exists(#k)",
                "ExpressionAttributeNames": {"#k": name},
            },
        )
    elif change.do == "delete":
        yield (
            "delete_item",
            {
                "TableName": table,
                "Key": sdk_item(change.key),
                "ReturnValues": "ALL_OLD",
                **_Expressions(change, ()).parameters(),
            },
        )
    else:
        names = iter(change.to)
        while some := tuple(islice(names, _MOST_NAMES)):
            expressions = _Expressions(change, some)
            yield (
                "update_item",
                {
                    "TableName": table,
                    "Key": sdk_item(change.key),
                    "UpdateExpression": expressions.update(),
                    **expressions.parameters(),
                },
            )


class _Expressions:
    """What is set and taken away, and what must be as it was: `names` themselves, then others."""

    def __init__(self, change: Change, names: tuple[str, ...]) -> None:
        was = change.was or {}
        # those of an earlier request are not any more as they were
        others = (name for name in was if name not in change.to and name not in change.key)
        # with the key, for an update of an item that is gone would make one
        held = (*names, *change.key, *islice(others, _MOST_NAMES - len(names)))
        self._change, self._put_back = change, names
        self._names = {name: f"#{number}" for number, name in enumerate(held)}
        self._values: dict[str, Any] = {}
        parts = []
        for name, short in self._names.items():
            if name in was:
                parts.append(f"{short}={self._valued(f':w{short[1:]}', was[name])}")
            else:
                parts.append(f"attribute_not_exists({short})")
        self._condition = " AND ".join(parts)

    def update(self) -> str:
        """Return the update expression."""
        to = self._change.to
        sets = [
            f"{self._names[name]}={self._valued(f':t{self._names[name][1:]}', value)}"
            for name in self._put_back
            if (value := to[name]) is not None
        ]
        removes = [self._names[name] for name in self._put_back if to[name] is None]
        # taken away first: a server that looks at the size in between finds none too large
        said = [f"REMOVE {','.join(removes)}"] if removes else []
        return " ".join([*said, *([f"SET {','.join(sets)}"] if sets else [])])

    def parameters(self) -> dict[str, Any]:
        """Return the condition, and the names and values of it all."""
        # made by `update` too, so asked for after it
        values = {"ExpressionAttributeValues": self._values} if self._values else {}
        return {
            "ConditionExpression": self._condition,
            "ExpressionAttributeNames": {short: name for name, short in self._names.items()},
            **values,
        }

    def _valued(self, short: str, value: Mapping[str, Any]) -> str:
        self._values[short] = sdk_value(value)
        return short


def sdk_item(item: Mapping[str, Any]) -> dict[str, Any]:
    """Return an item as the SDK takes it: binaries are bytes."""
    return {name: sdk_value(value) for name, value in item.items()}


def sdk_value(value: Mapping[str, Any]) -> dict[str, Any]:
    """Return a value as the SDK takes it."""
    ((kind, content),) = value.items()
    match kind:
        case "B":
            return {kind: a2b_base64(content)}
        case "BS":
            return {kind: [a2b_base64(each) for each in content]}
        case "L":
            return {kind: [sdk_value(each) for each in content]}
        case "M":
            return {kind: sdk_item(content)}
        case _:
            return {kind: content}
