"""A regular expression for the lines of a backup: each item whole, each value of exactly one type.

json's parser takes an item of 1 KB for 4 microseconds, a look at each value in Python for as many
again; this checks JSON, types, numbers and base64 at once, in 2.5, and in 0.8 where no string has
an escape and the rest of them is left to json. It may refuse what is an item (blanks between
tokens, half a surrogate pair's escape, deeper nesting): whoever asks then looks closer. It never
takes what is none, but a name that stands twice and bytes that are not UTF-8.
"""

from __future__ import annotations

import re
from functools import cache

# values in values; each level more doubles the expression: 20 ms to compile at 4, once
DEPTH = 4

_PLAIN = r'[^"\\\x00-\x1f]*+'
_ESCAPE = r'\\(?:["\\/bfnrt]|u(?![dD][89a-fA-F])[0-9a-fA-F]{4})'
CHECKED = f'"{_PLAIN}(?:{_ESCAPE}{_PLAIN})*+"'
# for text without a backslash that json parses too, which then refuses line feeds and the like in
# strings. Looking for one character is three times as fast as for one of many
BARE = '"[^"]*+"'
# whole numbers first: nearly all are
_NUMBER = r'"(?:[0-9]++"|[+-]?(?:[0-9]++(?:\.[0-9]*+)?|\.[0-9]++)(?:[eE][+-]?[0-9]++)?")'
_64 = "[A-Za-z0-9+/]"
# by 64 first: a round of the engine costs as much as dozens of letters
# at the end only what an encoder writes: other letters have bits that are in no byte
_END = f"{_64}[AQgw]==|{_64}{{2}}[AEIMQUYcgkosw048]="
_BINARY = f'"(?:{_64}{{64}})*+(?:{_64}{{4}})*+(?:{_END})?"'


@cache
def lines(head: str, tail: str, string: str = CHECKED) -> re.Pattern[bytes]:
    """Return what matches as many lines as are items, each between a head and a tail.

    Args:
        head: text before an item.
        tail: text after it.
        string: what matches a string. With BARE, whoever asks parses the text as JSON too, and
            counts the items: a line feed may stand in a string.
    """
    attribute = f"{string}:{_value(string, DEPTH)}"
    item = rf"\{{{attribute}(?:,{attribute})*+\}}"
    return re.compile(f"(?:{re.escape(head)}{item}{re.escape(tail)}\n)*+".encode())


def _value(string: str, depth: int) -> str:
    # nothing but empty maps and lists in the deepest
    inner = _value(string, depth - 1) if depth > 1 else "(?!)"
    attribute = f"{string}:{inner}"
    kinds = [
        f'S":{string}',
        f'N":{_NUMBER}',
        rf'M":\{{{_some(attribute, "}")}\}}',
        f'L":{_array(inner)}',
        f'B":{_BINARY}',
        'BOOL":(?:true|false)',
        'NULL":true',
        f'SS":{_array(string, least=1)}',
        f'NS":{_array(_NUMBER, least=1)}',
        f'BS":{_array(_BINARY, least=1)}',
    ]
    return rf'\{{"(?:{"|".join(kinds)})\}}'


def _array(element: str, least: int = 0) -> str:
    return rf"\[{_some(element, ']', least)}\]"


def _some(element: str, end: str, least: int = 0) -> str:
    """Return a list of elements with commas between; the element stands in it only once."""
    return rf"(?:{element}(?:,(?!\{end})|(?=\{end})))" + ("++" if least else "*+")
