"""Which tables are backed up: rules over names and tags, tried in a fixed order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase

from hippolyte.planning.drill import DRILL_PREFIX
from hippolyte.settings import NativeExport, Selection, TagRules


@dataclass(frozen=True, slots=True)
class Choice:
    """What was decided of a table.

    `rule` is what leaves it out, None if it is backed up. `blind`: it is backed up without regard
    to a rule over tags, because its tags are not known.
    """

    rule: str | None
    blind: bool = False


def is_native(name: str, rules: NativeExport) -> bool:
    """Say whether DynamoDB itself is to export a table, if its point-in-time recovery is on."""
    named, out = (
        any(fnmatchcase(name, glob) for glob in globs) for globs in (rules.tables, rules.exclude)
    )
    return named and not out


def choose(name: str, rules: Selection, tags: Mapping[str, str] | None) -> Choice:
    """Decide of one table; `tags` None means that they could not be read.

    Whole-name globs, case-sensitive; the first rule that matches decides, in this order: always,
    exclude, exclude_tags, include, include_tags. Unknown tags never leave a table out.
    """
    if name.startswith(DRILL_PREFIX):
        return Choice("a restore drill's table")
    if _any(name, rules.always):
        return Choice(None)
    for glob in rules.exclude:
        if fnmatchcase(name, glob):
            return Choice(f"excluded by {glob!r}")
    if tags is not None and (tag := matching_tag(tags, rules.exclude_tags)):
        return Choice(f"excluded by tag {tag}")
    blind = tags is None and bool(rules.exclude_tags)
    if _any(name, rules.include):
        return Choice(None, blind)
    if tags is None and rules.include_tags:
        return Choice(None, blind=True)
    if tags is not None and matching_tag(tags, rules.include_tags):
        return Choice(None)
    return Choice("not included")


def matching_tag(tags: Mapping[str, str], rules: TagRules) -> str | None:
    """Return the first tag, as `key=value`, that a rule matches; None if none does.

    A rule is a key and globs over its value; keys and values are case-sensitive.
    """
    for key, values in rules:
        if key in tags and _any(tags[key], values):
            return f"{key}={tags[key]}"
    return None


def _any(text: str, globs: tuple[str, ...]) -> bool:
    return any(fnmatchcase(text, glob) for glob in globs)
