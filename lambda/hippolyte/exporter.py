"""The exporter's handler: one link of a worker, invoked by the state machine until it says so."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from hippolyte import clients, parameters, settings
from hippolyte.engines.workers import PLACE, READER, Workers
from hippolyte.errors import ConfigurationError
from hippolyte.link import Answer, Link
from hippolyte.read_back import ReadBack
from hippolyte.record_form import when
from hippolyte.scan.runner import Threads
from hippolyte.scan.table import Look, TableSource
from hippolyte.settings import Settings
from hippolyte.store import Store

if TYPE_CHECKING:
    # its import alone would double a cold start
    from hippolyte.assembly import Context

# pages at once; more of them only wait for each other's work
_THREADS = 8
_TEXTS = ("run", "worker", "deadline")
_FORM = (
    'the exporter takes {"run": ..., "worker": ..., "deadline": ..., "place": {...}}, as the state '
    "machine hands it on; it is not for people: `hippolyte run` starts a backup"
)

_log = logging.getLogger(__name__)


def handler(event: Mapping[str, Any], context: Context) -> dict[str, Any]:
    """Read a worker's tables for as long as this invocation may, and say whether more is to come.

    Raises:
        ConfigurationError: the event is none of the machine's.
    """
    logging.getLogger("hippolyte").setLevel(logging.INFO)
    found = _in_place(event)
    worker = event["worker"]
    built = clients.for_exporter(found, _THREADS)
    workers = Workers(Store(built.s3, found.bucket), found, event["run"])
    # a request's retries carry its id, and may run beside each other
    me = f"{context.aws_request_id}-{uuid.uuid4().hex[:8]}"

    def remaining() -> float:
        return context.get_remaining_time_in_millis() / 1000

    if worker == READER:

        def look(table: str) -> Look:
            return TableSource(built.dynamodb, table).look()

        return _told(event, ReadBack(workers, worker, me, remaining, look).work())
    with Threads(_THREADS) as threads:
        answer = Link(
            workers=workers,
            worker=worker,
            me=me,
            clients=built,
            bucket=found.bucket,
            runner=threads,
            remaining=remaining,
            timeout=found.exporter.timeout_seconds if found.exporter else 900,
        ).work()
    return _told(event, answer)


def _told(event: Mapping[str, Any], answer: Answer) -> dict[str, Any]:
    about = event["worker"], event["run"]
    _log.info("worker %s of run %s: more: %s, %s", *about, answer.more, answer.why)
    return {"more": answer.more, "why": answer.why}


def _in_place(event: Mapping[str, Any]) -> Settings:
    """Return the settings, in the place that the event names."""
    if not isinstance(event, Mapping) or set(event) != {*_TEXTS, "place"}:
        raise ConfigurationError(f"refused the event {event!r:.500}: {_FORM}")
    place = event["place"]
    texts = all(isinstance(event[name], str) and event[name] for name in _TEXTS)
    if not texts or not isinstance(place, Mapping) or not _is_place(place):
        raise ConfigurationError(f"refused the event {event!r:.500}: {_FORM}")
    when(event["deadline"])
    return replace(settings.load(kept_at=parameters.text_at), **place)


def _is_place(place: Mapping[str, Any]) -> bool:
    return set(place) <= set(PLACE) and all(
        isinstance(value, str) or (value is None and name not in ("bucket", "prefix"))
        for name, value in place.items()
    )
