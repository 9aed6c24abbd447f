"""Every AWS call of the product, seen before it leaves and after its answer has come."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from types import FrameType
from typing import Any

from hippolyte import clients, exporter, settings

_PACKAGE = str(Path(clients.__file__).parent)
# what others read and write by: the caller is who asked it
_HELPERS = ("/store.py", "/clients.py")
_HELPING = ("describe", "target")

# whose clients are made when they are first needed
_LOOKED_AT_ONCE = ("ec2", "events", "iam", "scheduler")
_MADE_LATER = ("seldom", "states")


@dataclass(frozen=True)
class Point:
    """One side of one call: `number` counts the calls, `side` is before or after."""

    number: int
    side: str
    call: str
    caller: str
    # the path of an S3 request: which object
    path: str
    status: int | None = None

    @property
    def site(self) -> tuple[str, str]:
        """The place in the product: operation and calling function."""
        return self.call, self.caller

    def __str__(self) -> str:
        return f"{self.side} call {self.number}, {self.call} by {self.caller}"


class Tap:
    """Calls its listeners at each point; the first may raise, which is what the caller meets."""

    def __init__(self) -> None:
        self.count = 0
        self.strike: Callable[[Point], None] | None = None
        self.look: Callable[[Point], None] = lambda _: None

    @contextmanager
    def attached(self) -> Iterator[Tap]:
        """Listen to the clients that the product will be given."""
        found = settings.load()
        made = _each(clients.build(found))
        if found.engine == "lambda":
            links = clients.for_exporter(found, exporter._THREADS)
            made += [getattr(links, f.name) for f in fields(links)]
        events = [client.meta.events for client in made]
        for event in events:
            event.register_first("before-call", self._before)
            event.register_last("after-call", self._after)
        try:
            yield self
        finally:
            for event in events:
                event.unregister("before-call", self._before)
                event.unregister("after-call", self._after)

    def _before(self, model: Any, params: Any, context: Any, **_: Any) -> None:
        self.count += 1
        context["point"] = self.count, params["url_path"]
        self._meet(Point(self.count, "before", _name(model), _caller(), params["url_path"]))

    def _after(self, model: Any, http_response: Any, context: Any, **_: Any) -> None:
        number, path = context["point"]
        status = http_response.status_code
        self._meet(Point(number, "after", _name(model), _caller(), path, status))

    def _meet(self, point: Point) -> None:
        self.look(point)
        if self.strike:
            self.strike(point)


def _each(built: clients.Clients) -> list[Any]:
    found = (getattr(built, f.name) for f in fields(built) if f.name not in _MADE_LATER)
    seldom = (built.seldom(service) for service in _LOOKED_AT_ONCE)
    return [client for client in (*found, *seldom, built.states()) if client is not None]


def _name(model: Any) -> str:
    return f"{model.service_model.service_name}:{model.name}"


def _caller() -> str:
    """Return the product's function that makes the call, `room/module.function`."""
    frame: FrameType | None = sys._getframe(2)
    while frame:
        file, function = frame.f_code.co_filename, frame.f_code.co_name
        ours = file.startswith(_PACKAGE) and not file.endswith(_HELPERS)
        # a comprehension is its function's
        if ours and function not in _HELPING and not function.startswith("<"):
            return f"{Path(file).relative_to(_PACKAGE).with_suffix('')}.{function}"
        frame = frame.f_back
    return "?"
