"""What can become of a lease's record: each a way from its bytes to others."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any


def _changed(**fields: Any) -> Callable[[bytes], bytes]:
    return lambda body: json.dumps({**json.loads(body), **fields}).encode()


def _without(name: str) -> Callable[[bytes], bytes]:
    return lambda body: json.dumps(
        {key: value for key, value in json.loads(body).items() if key != name}
    ).encode()


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "no JSON": lambda _: b"who wrote this?",
    "no text": lambda _: b"\x80\x81",
    "cut short": lambda body: body[: len(body) // 2],
    "nothing": lambda _: b"",
    "an empty object": lambda _: b"{}",
    "a list": lambda _: b"[]",
    "endless": lambda _: b'{"version": Infinity}',
    "deep": lambda _: b"[" * 100_000,
    "another version": _changed(version=2),
    "an unknown field": _changed(weather="fair"),
    "an unknown state": _changed(state="borrowed"),
    "a field less": _without("before"),
    "a text for a number": _changed(before="1000"),
    "a flag for a number": _changed(target=True),
    "a number for a text": _changed(run_id=7),
    "a text for a flag": _changed(scale_in_suspended="no"),
    "no capacity": _changed(before=0),
    "no raise": _changed(before=4000, target=1000),
    "no time": _changed(intent_at="yesterday"),
    "the end of time": _changed(expiry="9999-12-31T23:59:59Z"),
    "before all time": _changed(expiry="0001-01-01T00:00:00+23:00"),
    "no number": _changed(rate=float("nan")),
    "less than nothing": _changed(rate=float("-inf")),
    "no number of a machine": _changed(rate=10**400),
    "no letter": _changed(note="\ud800"),
    "a field of no letter": _changed(**{"\ud800": 1}),
    "no run": _changed(run_id="\ud800"),
    "another table's": _changed(table="users"),
}
