"""Before a deployment's first night: which calls of a function are denied, told in one message.

Each call is made in a way that changes nothing: on names that do not exist, or under a condition
that cannot hold. IAM is asked first, so any other refusal means that the call is allowed.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from botocore.exceptions import BotoCoreError, ClientError

from hippolyte import clock
from hippolyte.engines.engine import Launch
from hippolyte.errors import EngineError
from hippolyte.night.one_pass import Pass
from hippolyte.overdue import first_pass
from hippolyte.planning.plan import Job
from hippolyte.preflight_calls import of_monitor, of_scheduler, shared
from hippolyte.record_form import iso
from hippolyte.report import messages
from hippolyte.report.notify import publish

_DENIED = ("AccessDenied", "AuthorizationError", "NotAuthorized", "UnauthorizedOperation")

_log = logging.getLogger(__name__)


def preflight(p: Pass, function: str) -> None:
    """Look what `function` (scheduler, monitor) is denied; once, and again while anything is.

    The record of it is the probe object: written, read, and written over, never deleted.
    """
    key = p.settings.place("runs", f"preflight-{function}.json")
    found = p.store.read(key)
    record = found[0] if found else {"denied": [], "looking": None}
    if found and not record["denied"] and not record.get("looking"):
        return
    before: list[str] = record["denied"]
    # a look that was cut off may have left its pipeline: it is found again by its name
    name = record.get("looking") or f"preflight-{clock.now():%Y-%m-%dT%H-%MZ}"
    # what cannot be recorded fails the invocation, which an alarm tells once
    p.store.put(key, {"at": iso(clock.now()), "denied": before, "looking": name})
    p.store.read(key)
    now = denied(p, function, name)
    _log.info("preflight: %s", now or "nothing is denied")
    # refusals hold names that are new each time
    if _actions(now) != _actions(before):
        publish(p.clients, p.settings, messages.denied(p.settings, function, now))
    p.store.put(key, {"at": iso(clock.now()), "denied": now})


def denied(p: Pass, function: str, name: str) -> list[str]:
    """Return what `function` is denied now; `name`: of a pipeline that is made and deleted."""
    calls = [*shared(p), *(of_scheduler(p) if function == "scheduler" else of_monitor(p))]
    found = [line for call in calls if not p.time_is_short and (line := _tried(*call))]
    if p.settings.engine == "datapipeline":
        found += _pipeline_refused(p, function, name)
    if function == "scheduler" and first_pass(p) is None:
        found.append("the monitor has not run yet: without it no night ends, see its schedule")
    return found


def _actions(lines: list[str]) -> list[str]:
    return [line.partition(": ")[0] for line in lines]


def _tried(action: str, call: Callable[[], object]) -> str:
    """Return what is said if a call is denied, else nothing."""
    try:
        call()
    except ClientError as error:
        code = error.response["Error"]["Code"]
        status = error.response["ResponseMetadata"].get("HTTPStatusCode")
        if status == 403 or any(word in code for word in _DENIED):
            return f"{action}: {error}"
    except BotoCoreError as error:
        return f"{action}: {error}"
    return ""


def _pipeline_refused(p: Pass, function: str, name: str) -> list[str]:
    """Make a pipeline that is never activated, and delete it; return the service's refusal.

    The one way to know whether the account may use Data Pipeline, and whether the roles pass.
    """
    job = Job("preflight", "", 0, 0, 1, 0.1, 0.1, 1.0, 60)
    launch = Launch(
        run_id=name,
        batch_id=function,
        jobs=(job,),
        ratios=[job.ratio],
        outputs=[f"s3://{p.settings.bucket}/{p.settings.place('backups', 'preflight', 'none')}"],
        deadline=clock.now(),
    )
    try:
        handle = p.engine.prepare(launch)
    except EngineError as error:
        refused = [f"a pipeline cannot be made: {error}"]
        handle = error.handle or {}
    except (ClientError, BotoCoreError) as error:
        return [f"a pipeline cannot be made: {error}"]
    else:
        refused = []
    if handle:
        refused.append(_tried("datapipeline:DeletePipeline", lambda: p.engine.clean_up(handle)))
    return [line for line in refused if line]
