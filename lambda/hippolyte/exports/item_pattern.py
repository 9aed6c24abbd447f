"""A regular expression for the lines of a backup: each item whole, each value of exactly one type.

json's parser takes an item of 1 KB for 4 microseconds, a look at each value in Python for as many
again; this checks JSON, types, numbers and base64 at once, in 2.5. It may refuse what is an item
(blanks between tokens, half a surrogate pair's escape, deeper nesting): whoever asks then looks
closer. It never takes what is none, but a name that stands twice and bytes that are not UTF-8.
"""

from __future__ import annotations

import re
from functools import cache

# values in values; each level more doubles the expression: 0.1 s to compile at 4, once
DEPTH = 4

_PLAIN = r'[^"\\\x00-\x1f]*+'
_ESCAPE = r'\\(?:["\\/bfnrt]|u(?![dD][89a-fA-F])[0-9a-fA-F]{4})'
_STRING = f'"{_PLAIN}(?:{_ESCAPE}{_PLAIN})*+"'
_NUMBER = r'"[+-]?(?:[0-9]++(?:\.[0-9]*+)?|\.[0-9]++)(?:[eE][+-]?[0-9]++)?"'
_64 = "[A-Za-z0-9+/]"
# by 64 first: a round of the engine costs as much as dozens of letters
_BINARY = f'"(?:{_64}{{64}})*+(?:{_64}{{4}})*+(?:{_64}{{2}}==|{_64}{{3}}=)?"'


@cache
def lines(head: str, tail: str) -> re.Pattern[bytes]:
    """Return what matches as many lines as are items, each between a head and a tail."""
    item = _object(_value(DEPTH), least=1)
    return re.compile(f"(?:{re.escape(head)}{item}{re.escape(tail)}\n)*+".encode())


def _value(depth: int) -> str:
    # nothing but empty maps and lists in the deepest
    inner = _value(depth - 1) if depth > 1 else "(?!)"
    kinds = [
        f'S":{_STRING}',
        f'N":{_NUMBER}',
        f'M":{_object(inner)}',
        f'L":{_array(inner)}',
        f'B":{_BINARY}',
        'BOOL":(?:true|false)',
        'NULL":true',
        f'SS":{_array(_STRING, least=1)}',
        f'NS":{_array(_NUMBER, least=1)}',
        f'BS":{_array(_BINARY, least=1)}',
    ]
    return rf'\{{"(?:{"|".join(kinds)})\}}'


def _object(value: str, least: int = 0) -> str:
    return rf"\{{{_some(f'{_STRING}:{value}', '}', least)}\}}"


def _array(element: str, least: int = 0) -> str:
    return rf"\[{_some(element, ']', least)}\]"


def _some(element: str, end: str, least: int) -> str:
    """Return a list of elements with commas between; the element stands in it only once."""
    return rf"(?:{element}(?:,(?!\{end})|(?=\{end})))" + ("++" if least else "*+")
