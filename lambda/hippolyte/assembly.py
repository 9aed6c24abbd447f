"""What both handlers need: settings, clients, and one invocation's `Pass`."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

from botocore.exceptions import BotoCoreError, ClientError

from hippolyte import clients, clock, parameters, settings
from hippolyte.engines.datapipeline import DataPipelineEngine
from hippolyte.engines.emr import EmrEngine
from hippolyte.engines.lambda_ import LambdaEngine
from hippolyte.engines.native import NativeEngine
from hippolyte.errors import ConfigurationError, HippolyteError
from hippolyte.leases.book import Leases
from hippolyte.night.one_pass import Pass
from hippolyte.records.places import Place, Places
from hippolyte.records.runs import Runs
from hippolyte.settings import Settings
from hippolyte.store import Store

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

    from hippolyte.clients import Clients
    from hippolyte.engines.engine import Engine

_log = logging.getLogger(__name__)


class Context(Protocol):
    """The part of Lambda's context that is used."""

    aws_request_id: str

    def get_remaining_time_in_millis(self) -> int:
        """Return the milliseconds until the invocation is ended."""
        ...


def begin(context: Context) -> Pass:
    """Build an invocation's `Pass` from the environment."""
    logging.getLogger("hippolyte").setLevel(logging.INFO)
    # a request's retries and duplicates carry its id, and may run beside each other
    me = f"{context.aws_request_id}/{uuid.uuid4().hex[:8]}"
    found = settings.load(kept_at=parameters.text_at)
    return assemble(found, me, lambda: context.get_remaining_time_in_millis() / 1000)


def assemble(
    configuration: Settings,
    me: str,
    remaining: Callable[[], float],
    make_store: Callable[[S3Client, str], Store] = Store,
    built: Clients | None = None,
) -> Pass:
    """Build a `Pass` for the one who calls himself `me` and has `remaining()` seconds."""
    built = built or clients.build(configuration)
    store = make_store(built.s3, configuration.bucket)
    # all: a run is followed by the engine it was planned for, whatever the setting has become
    engines: dict[str, Engine] = {
        "datapipeline": DataPipelineEngine(built, configuration),
        "emr": EmrEngine(built, configuration),
        "lambda": LambdaEngine(built, configuration),
        "native": NativeEngine(built, configuration),
    }
    return Pass(
        settings=configuration,
        clients=built,
        store=store,
        runs=Runs(store, configuration),
        leases=Leases(built, store, configuration, me),
        places=Places(built, configuration),
        engine=engines[configuration.engine],
        engines=engines,
        me=me,
        remaining=remaining,
    )


def elsewhere(p: Pass, make_store: Callable[[S3Client, str], Store] = Store) -> list[Pass]:
    """Build a pass for each other place in which something may be open.

    If the record of places cannot be read, that is told, and there is none.
    """
    try:
        places = p.places.read()
    except (HippolyteError, ClientError, BotoCoreError) as error:
        told = f"the places that this deployment wrote to before cannot be known: {error}"
        _log.exception("%s", told)
        p.unseen.append(told)
        p.failures.append(ConfigurationError(told))
        return []
    here = Place.of(p.settings)
    found: list[Pass] = []
    for place in places:
        if place.url == here.url:
            continue
        other = place.in_settings(p.settings)
        built = p.clients if place.by_same_clients(here) else None
        found.append(assemble(other, p.me, p.remaining, make_store, built))
        # what fails there is raised at the end of the one invocation; what is unseen is so for all
        found[-1].failures, found[-1].unseen = p.failures, p.unseen
        found[-1].leases = replace(found[-1].leases, damaged=p.leases.damaged)
    return found


def tell(p: Pass, what: str, **facts: Any) -> dict[str, Any]:
    """Log an invocation's outcome and return it as the handler's answer."""
    answer = {"result": what, "at": _text(clock.now()), **facts}
    _log.info("%s %s", what, facts)
    return answer


def _text(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds")
