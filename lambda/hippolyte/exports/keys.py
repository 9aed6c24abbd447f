"""Partition keys, each in one spelling, as they are found in the text of items: none is parsed."""

from __future__ import annotations

import json
import re
from binascii import a2b_base64, b2a_base64
from collections.abc import Callable, Collection, Mapping, Sequence
from decimal import Decimal
from typing import Any

# the type and the text of a value, as they stand in an item: S":"abc
Spelling = bytes
Find = Callable[[Sequence[bytes]], Collection[Spelling]]

_STRING = b'S":"'


def number(text: str) -> str:
    """Return a number's one spelling, plain or with an exponent: "1", "1.0", "10E-1" are "1"."""
    if text.isascii() and text.isdigit() and text[0] != "0":
        # as below, and ten times as fast
        kept = text.rstrip("0")
        return kept if len(kept) == len(text) else f"{kept}E{len(text) - len(kept)}"
    sign, digits, exponent = Decimal(text).as_tuple()
    significant = "".join(map(str, digits)).lstrip("0")
    kept = significant.rstrip("0")
    if not kept:
        return "0"
    power = int(exponent) + len(significant) - len(kept)
    return f"{'-' if sign else ''}{kept}" + (f"E{power}" if power else "")


def spelling(value: Mapping[str, Any]) -> Spelling | None:
    """Return what is equal for equal keys, and for no others; None: no key has such a value."""
    match value:
        case {"S": str(text)}:
            pass
        case {"N": str(text)}:
            text = number(text)
        case {"B": str(text)}:
            text = b2a_base64(a2b_base64(text), newline=False).decode()
        case _:
            return None
    (kind,) = value
    return f'{kind}":"{text}'.encode("utf-8", "surrogatepass")


def finder(name: str, member: str | None = None) -> Find:
    """Return what finds the values that items have of an attribute of the key.

    It takes items' compact text, one or more lines each, and may give more than there are: what
    has the attribute's name in a map, too. Quotes in strings are escaped, so the name between its
    quotes, with a colon and a type after it, is a name. Where it may be spelt in another way the
    item is parsed.

    Args:
        name: of the attribute.
        member: each line's member that is the item; None: the line is it.
    """
    quoted = json.dumps(name, ensure_ascii=False).encode("utf-8", "surrogatepass")
    value = re.escape(quoted) + rb':\{"([SNB]":"'
    pattern = re.compile(value + rb'[^"\\]*+(?:\\.[^"\\]*+)*+)"')
    bare = re.compile(value + rb'[^"]*+)"')
    hides = [b"\\"] if b"\\" in quoted else [b"\\u"] + [b"\\/"] * (b"/" in quoted)

    def find(texts: Sequence[bytes]) -> Collection[Spelling]:
        text = b"\n".join(texts)
        odd: list[bytes] = []
        if b"\\" not in text:
            plain = bare.findall(text)
            # no value has a quote: strings, as nearly all keys are, stand as they are spelt
            if b"".join(plain).count(_STRING) == len(plain):
                return plain
        elif any(sign in text for sign in hides):
            lines = set(text.split(b"\n"))
            odd = [line for line in lines if any(sign in line for sign in hides)]
            text = b"\n".join(lines.difference(odd))
        items = map(json.loads, odd)
        parsed = [spelling((item[member] if member else item).get(name) or {}) for item in items]
        found = set(map(_spelt, set(pattern.findall(text))))
        return found.union(one for one in parsed if one is not None)

    return find


def _spelt(found: bytes) -> Spelling:
    kind, text = found[:1].decode(), found[4:].decode("utf-8", "surrogatepass")
    if "\\" in text:
        text = json.loads(f'"{text}"', strict=False)
    value = spelling({kind: text})
    assert value is not None
    return value
