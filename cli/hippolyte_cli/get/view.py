"""What `hippolyte get` prints: tables for people, JSON for programs."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from rich.markup import escape
from rich.table import Table

from hippolyte.exports.lines import Item
from hippolyte.words import count_of
from hippolyte_cli.export_offer import size
from hippolyte_cli.get.history import Story, Value
from hippolyte_cli.get.look import Look


def shown(value: Value | None) -> str:
    """Return a value as people read it: a text as it is, unless the terminal would obey it."""
    match value:
        case None:
            return ""
        case {"S": str(text)} if text.isprintable():
            return text
        case {"N": str(text)}:
            return text
        case _:
            return "".join(_json(value))


def _json(value: Value) -> Iterator[str]:
    """Yield the parts of a value's text: plain JSON, sets in <>, binaries as b64"..."."""
    ((kind, content),) = value.items()
    match kind:
        case "N":
            yield content
        case "S":
            yield _text(content)
        case "B":
            yield f'b64"{content}"'
        case "L":
            yield f"[{', '.join(''.join(_json(each)) for each in content)}]"
        case "M":
            parts = (f"{_text(name)}: {''.join(_json(each))}" for name, each in content.items())
            yield f"{{{', '.join(parts)}}}"
        case "SS" | "NS" | "BS":
            yield f"<{', '.join(''.join(_json({kind[0]: each})) for each in content)}>"
        case _:
            yield "null" if kind == "NULL" else json.dumps(content)


def _text(text: str) -> str:
    return json.dumps(text, ensure_ascii=not text.isprintable())


def key_text(key: Item) -> str:
    """Return a key as it may be given."""
    return shown({"M": key})


def items_table(look: Look) -> Iterator[Table]:
    """Yield a table of the attributes of each item."""
    for item in look.items:
        table = Table(title=escape(f"{look.what}"), title_justify="left")
        table.add_column("attribute", overflow="fold")
        table.add_column("value", overflow="fold")
        for name, value in item.items():
            table.add_row(escape(_name(name)), escape(shown(value)))
        yield table


def story_table(story: Story) -> Table:
    """Return the nights in which an item changed."""
    table = Table()
    for name in ("night", "what"):
        table.add_column(name, no_wrap=True)
    for name in ("attribute", "from", "to"):
        table.add_column(name, overflow="fold")
    for event in story.events:
        head = [event.run, event.kind]
        for change in event.changes or [None]:
            row = [""] * 3
            if change:
                row = [_name(change.name), shown(change.before), shown(change.after)]
            table.add_row(*map(escape, head + row))
            head = ["", ""]
    return table


def summary(story: Story) -> str:
    """Return a story in a line."""
    gone = f", gone since {story.gone}" if story.gone else ""
    there = f"first seen {story.first}, last seen {story.last}{gone}"
    return f"{key_text(story.key)}: {there}"


def story_record(story: Story) -> dict[str, Any]:
    """Return a story as `--json` prints it; values in DynamoDB JSON."""
    return {
        "key": story.key,
        "first_seen": story.first,
        "last_seen": story.last,
        "gone_since": story.gone,
        "newest": story.newest,
        "events": [
            {
                "run": event.run,
                "what": event.kind,
                "changes": {
                    change.name: {"from": change.before, "to": change.after}
                    for change in event.changes
                },
            }
            for event in story.events
        ],
    }


def look_record(look: Look) -> dict[str, Any]:
    """Return a look into one backup as `--json` prints it."""
    return {
        "night": look.what,
        "found": bool(look.items),
        "whole": look.is_known,
        "troubles": look.troubles,
    }


def read_record(looks: Sequence[Look]) -> dict[str, int]:
    """Return what was read, and of how much."""
    return {
        "bytes": sum(look.watched.read for look in looks),
        "of": sum(look.bytes for look in looks),
        "files": sum(look.files_read for look in looks),
        "filters_made": sum(look.beside.made for look in looks),
    }


def read_line(looks: Sequence[Look]) -> str:
    """Return the same for people."""
    told = read_record(looks)
    # of small backups manifests and filters are more than their files
    is_part = 0 < told["bytes"] <= told["of"]
    share = f" of {size(told['of'])} ({100 * told['bytes'] / told['of']:.2f} %)" if is_part else ""
    made = f"; {count_of(told['filters_made'], 'filter')} made" if told["filters_made"] else ""
    return f"Read {size(told['bytes'])}{share} in backups{made}."


def _name(name: str) -> str:
    return name if name.isprintable() else _text(name)
