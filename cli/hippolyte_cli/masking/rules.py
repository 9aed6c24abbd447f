"""A map: the rules of `--map FILE`, read and held against the table before anything is done.

{"salt": "...", "others": "keep",
 "rules": [{"attribute": "customer.email", "do": "hash"},
           {"attribute": "lines[*].note", "do": "drop"},
           {"attribute": "phone", "do": "replace", "by": "none"}]}
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal, get_args

from hippolyte.errors import ConfigurationError
from hippolyte_cli.masking.constant import value_of
from hippolyte_cli.restore.keys import key_names

Do = Literal["drop", "hash", "keep", "replace"]
# a name, or each element of a list
Step = str | None
ELEMENTS: Step = None
SALT = "HIPPOLYTE_MAP_SALT"
"""The environment's variable with the salt, where the file has none."""
_LEAST_SALT = 16
_MEMBERS, _OF_A_RULE = ("others", "rules", "salt"), ("attribute", "by", "do")
_STEP = re.compile(r'(?P<name>"(?:[^"\\]|\\.)+"|[^."\[\]]+)(?P<each>(?:\[\*\])*)(?P<dot>\.|$)')
_PATH_HOW_TO = (
    "names with a dot between them, [*] for each element of a list, a name with a dot in quotes: "
    'address.street, lines[*].note, "a.b".c'
)


@dataclass(frozen=True, slots=True)
class Rule:
    """What is done with an attribute, and with all in it that has no rule of its own.

    Attributes:
        number: in the file, from 1.
        attribute: as it is written there.
        by: of `replace`: the constant, in DynamoDB JSON.
    """

    number: int
    attribute: str
    path: tuple[Step, ...]
    do: Do
    by: Mapping[str, Any] | None = None

    def __str__(self) -> str:
        by = f" by {json.dumps(self.by, ensure_ascii=False)}" if self.by else ""
        return f"{self.do} {self.attribute}{by}"


@dataclass(slots=True)
class Node:
    """A place that rules lead to or through."""

    rule: Rule | None = None
    below: dict[Step, Node] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Map:
    """Rules that fit a table. `others`: what is done with attributes that no rule is of."""

    rules: tuple[Rule, ...]
    others: Do
    salt: bytes
    keys: tuple[str, ...]

    @property
    def digest(self) -> str:
        """What tells it from other maps; the salt is in it, and not to be read from it."""
        told = [[rule.attribute, rule.do, rule.by] for rule in self.rules]
        text = json.dumps([told, self.others], sort_keys=True).encode()
        return hashlib.sha256(b"%b\0%b" % (self.salt, text)).hexdigest()[:12]

    @property
    def hashes_the_key(self) -> bool:
        """Whether an item's key is another afterwards."""
        return any(rule.do == "hash" and rule.path[0] in self.keys for rule in self.rules)

    def touches(self, attribute: str) -> bool:
        """Say whether an attribute may be another afterwards."""
        named = [rule.do for rule in self.rules if rule.path[0] == attribute]
        return any(do != "keep" for do in named or [self.others])

    def root(self) -> Node:
        """Return the rules as a tree."""
        root = Node(Rule(0, "all others", (), self.others))
        for rule in self.rules:
            node = root
            for step in rule.path:
                node = node.below.setdefault(step, Node())
            node.rule = rule
        return root

    def lines(self) -> list[str]:
        """Return what it does, a line each."""
        rest = "dropped" if self.others == "drop" else "kept"
        return [*(f"  {rule}" for rule in self.rules), f"  all other attributes are {rest}"]


def read_map(path: Path, table: Mapping[str, Any]) -> Map:
    """Return the map of a file.

    Args:
        path: of the file.
        table: `KeySchema` and `AttributeDefinitions` of the table that is written or read.

    Raises:
        ConfigurationError: it cannot be read, has something unknown, or would spoil the table's
            keys; with the place and what to do.
    """
    where = f"--map {path}"
    try:
        found = json.loads(path.read_bytes(), parse_float=Decimal, parse_int=Decimal)
    except OSError as error:
        raise ConfigurationError(
            f"{where} cannot be read: {error.strerror}. Name a file of rules, as docs/restore.md "
            "has one"
        ) from error
    except (ValueError, RecursionError) as error:
        raise ConfigurationError(
            f"{where} is not JSON ({error}): docs/restore.md has an example"
        ) from error
    if not isinstance(found, dict) or not isinstance(found.get("rules"), list):
        raise ConfigurationError(
            f'{where}: an object with "rules", a list, is wanted; docs/restore.md has an example'
        )
    _known(where, found, _MEMBERS)
    others = found.get("others", "keep")
    if others not in ("keep", "drop"):
        raise ConfigurationError(f'{where}: "others" is keep or drop, not {_shown(others)}')
    rules = tuple(
        _rule(f"{where}, rule {number}", number, one)
        for number, one in enumerate(found["rules"], start=1)
    )
    if not rules and others == "keep":
        raise ConfigurationError(f"{where}: it has no rule and drops nothing: leave it out")
    by_path: dict[tuple[Step, ...], Rule] = {}
    for rule in rules:
        if (other := by_path.setdefault(rule.path, rule)) is not rule:
            raise ConfigurationError(
                f"{where}, rule {rule.number}: {rule.attribute} has rule {other.number} already: "
                "take one of them away"
            )
    for rule in rules:
        for length in range(1, len(rule.path)):
            above = by_path.get(rule.path[:length])
            if above and above.do == "replace":
                raise ConfigurationError(
                    f"{where}, rule {rule.number}: rule {above.number} replaces "
                    f"{above.attribute} as a whole, so nothing of {rule.attribute} is left: take "
                    "one of them away"
                )
    keys = key_names(table["KeySchema"])
    made = Map(rules, others, _salt(where, found, rules), keys)
    _hold_against(where, made, table)
    return made


def _rule(where: str, number: int, one: Any) -> Rule:
    if not isinstance(one, dict):
        raise ConfigurationError(f'{where}: {{"attribute": ..., "do": ...}} is wanted, not {one!r}')
    _known(where, one, _OF_A_RULE)
    text: Any = one.get("attribute")
    do: Any = one.get("do")
    if do not in get_args(Do):
        known = ", ".join(get_args(Do))
        raise ConfigurationError(f'{where}: "do" is one of {known}, not {_shown(do)}')
    if ("by" in one) != (do == "replace"):
        said = 'replace wants "by", the value' if do == "replace" else f'{do} has no "by"'
        raise ConfigurationError(f"{where}: {said}")
    path = _path(where, text)
    by = value_of(f'{where}, "by"', one["by"]) if "by" in one else None
    return Rule(number, str(text), path, do, by)


def _path(where: str, text: Any) -> tuple[Step, ...]:
    steps: list[Step] = []
    at, ended = 0, False
    while isinstance(text, str) and not ended:
        found = _STEP.match(text, at)
        if not found:
            break
        name = found["name"]
        try:
            steps.append(json.loads(name) if name.startswith('"') else name)
        except ValueError:
            break
        steps += [ELEMENTS] * (len(found["each"]) // len("[*]"))
        at, ended = found.end(), not found["dot"]
    if not ended:
        said = f'"attribute" is {_shown(text)}'
        raise ConfigurationError(f"{where}: {said}: wanted are {_PATH_HOW_TO}")
    return tuple(steps)


def _salt(where: str, found: Mapping[str, Any], rules: Sequence[Rule]) -> bytes:
    salt = found.get("salt", os.environ.get(SALT, ""))
    if not any(rule.do == "hash" for rule in rules):
        return b""
    if not isinstance(salt, str) or len(salt) < _LEAST_SALT:
        raise ConfigurationError(
            f'{where}: a hash wants a secret "salt" of {_LEAST_SALT} characters or more, in the '
            f"file or in {SALT}: the same salt gives the same hashes, in other tables too"
        )
    return salt.encode("utf-8", "surrogatepass")


def _hold_against(where: str, made: Map, table: Mapping[str, Any]) -> None:
    """Refuse what would leave items without their key, with another's, or of another type."""
    types = {one["AttributeName"]: one["AttributeType"] for one in table["AttributeDefinitions"]}
    for rule in made.rules:
        at, name = f"{where}, rule {rule.number}", rule.path[0]
        if name in made.keys and (len(rule.path) > 1 or rule.do not in ("hash", "keep")):
            why = {
                "drop": "an item must have it",
                "replace": "two items' keys would be one",
            }.get(rule.do, "it is no map or list")
            raise ConfigurationError(
                f"{at}: {name} is of the table's key and {why}: hash or keep {name}"
            )
        if rule.by is not None and len(rule.path) == 1 and name in types:
            ((kind, content),) = rule.by.items()
            if kind != types[name] or content == "":
                raise ConfigurationError(
                    f"{at}: {name} is of an index's key, of type {types[name]} and never empty: "
                    "replace it by such a one, or drop it"
                )
    named = {rule.path[0] for rule in made.rules}
    if made.others == "drop" and (lost := [name for name in made.keys if name not in named]):
        raise ConfigurationError(
            f'{where}: "others" drops {", ".join(lost)}, of the table\'s key: add '
            f'{{"attribute": "{lost[0]}", "do": "keep"}}, or hash'
        )


def _known(where: str, found: Mapping[str, Any], names: Sequence[str]) -> None:
    if unknown := sorted(set(found) - set(names)):
        raise ConfigurationError(
            f'{where}: "{unknown[0]}" is not known: there are {", ".join(names)}'
        )


def _shown(value: Any) -> str:
    if value is None or isinstance(value, Decimal):
        return "missing" if value is None else str(value)
    return json.dumps(value, default=str)[:60]
