"""Whether what the settings name is there: jar, subnets, topics, roles; told in one message.

Looked at when the settings are new or changed, by the monitor's next pass, so that nobody learns
of a misspelt subnet from the first night. Each look reads, nothing else; what may not be looked at
is told as that, and what fails for a passing reason is asked again in the next passes.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from botocore.exceptions import BotoCoreError, ClientError

from hippolyte import clock
from hippolyte import existence_looks as looks
from hippolyte import existence_room as room
from hippolyte.existence_looks import SHORT, Finding, is_denied
from hippolyte.existence_room import CROWDED
from hippolyte.night.one_pass import Pass
from hippolyte.record_form import iso
from hippolyte.report import messages
from hippolyte.report.notify import own_topic, publish
from hippolyte.settings import Settings

# passes of five minutes in which a look that fails is tried again
_TRIES = 12
_ONCE = (SHORT, CROWDED)
_UNSEEN = "cannot be looked at"

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Look:
    place: str
    service: str
    look: Callable[[Pass], Iterable[Finding]]


def look(p: Pass) -> None:
    """Look at what the settings name, unless these settings have been looked at already.

    As long as something is missing it is looked at again, and told when that changes.
    """
    key = p.settings.place("runs", "existence.json")
    found = p.store.read(key)
    record = found[0] if found else {}
    named = _named(p.settings)
    same = record.get("named") == named
    tries: int = record["tries"] if same else 0
    if same and record["settled"]:
        return
    findings, failed = look_now(p)
    before: list[str] = record.get("found", [])
    # free addresses come and go, and a small account may be meant: told once
    told = {line for line in before if same and line.endswith(_ONCE)}
    # what is told as mended must have been seen
    unanswered = set(before) if failed else set()
    lines = sorted(told | unanswered | {each.key for each in findings})
    _log.info("existence: %s, not answered: %s", lines or "all is there", failed)
    if lines != before:
        said = [f"{each.key}. {each.remedy}" for each in findings]
        publish(p.clients, p.settings, messages.unfit(p.settings, said))
    lasting = any(each.wrong not in _ONCE for each in findings)
    settled = not lasting and (not failed or tries + 1 >= _TRIES)
    p.store.put(
        key,
        {
            "at": iso(clock.now()),
            "named": named,
            "settled": settled,
            "tries": tries + 1,
            "found": lines,
        },
    )


def _named(settings: Settings) -> str:
    """Return a fingerprint of all that is looked at."""
    s = settings
    named = (
        *(s.engine, s.region, s.bucket, s.bucket_region, s.topic_arn, own_topic(s)),
        *(s.pipeline_role, s.cluster_role, s.cluster, s.emr, s.exporter),
        *([] if s.engine == "lambda" else [s.planning.max_clusters]),
    )
    return hashlib.sha256(repr(named).encode()).hexdigest()[:16]


def look_now(p: Pass) -> tuple[list[Finding], list[str]]:
    """Return what is wrong, and the places of which nothing was answered."""
    found: list[Finding] = []
    failed: list[str] = []
    for one in _looks(p.settings):
        if p.time_is_short:
            failed.append(one.place)
            continue
        try:
            found += one.look(p)
        except ClientError as error:
            if is_denied(error):
                found.append(_unseen(one, error))
            else:
                _log.warning("%s: %s", one.place, error)
                failed.append(one.place)
        except BotoCoreError as error:
            _log.warning("%s: %s", one.place, error)
            failed.append(one.place)
    return found, failed


def _unseen(one: _Look, error: ClientError) -> Finding:
    remedy = (
        f"{error}. Nothing is known to be missing. The module's policy has the right: look at the "
        "role's boundary, the organization's policies and the resource's own."
    )
    return Finding(one.place, f"{one.service}:{error.operation_name}", _UNSEEN, remedy)


def _looks(settings: Settings) -> Iterator[_Look]:
    cluster, emr = settings.cluster, settings.emr if settings.engine == "emr" else None
    yield _Look("backup_bucket", "s3", looks.bucket)
    for arn in sorted({own_topic(settings), settings.topic_arn}):
        place = "the module's topic" if arn == own_topic(settings) else "central_topic.arn"
        yield _Look(place, "sns", looks.topic(place, arn))
    if settings.engine == "lambda":
        yield _Look("exporter.max_workers", "lambda", room.concurrency)
        return
    yield _Look("instance profile", "iam", looks.profile)
    for role in (settings.cluster_role, emr.service_role if emr else settings.pipeline_role):
        yield _Look(f"role {role}", "iam", looks.role(role))
    yield _Look(looks.subnets_place(settings), "ec2", looks.network)
    yield _Look("instance types", "ec2", looks.machines)
    yield _Look("planning.max_clusters", "servicequotas", room.vcpus)
    if cluster.key_pair:
        yield _Look("cluster.key_pair", "ec2", looks.key_pair)
    if cluster.master_security_group_id:
        yield _Look("security groups", "ec2", looks.security_groups)
    if emr:
        yield _Look("emr.jar", "s3", looks.jar)
    if emr and emr.security_configuration:
        place = "emr.security_configuration"
        yield _Look(place, "elasticmapreduce", looks.security_configuration)
