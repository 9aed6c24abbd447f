"""Each fault of the services that DynamoDB's own exports meet: verdicts, what is told, no harm."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest

from local.core.call import Call, refusal
from local.core.faults import ALWAYS
from local.dynamodb import exports as double
from local.dynamodb.export_job import Export
from tests.support.faults.backups import no_backups
from tests.support.faults.inside import Inside
from tests.support.faults.matrix import Row, count
from tests.support.faults.services import away, error_of, throttled
from tests.support.harness import RUN, START, NightDriver, driver, verdicts
from tests.support.native import entry, exports, native, recover
from tests.support.watch import PRODUCT_KEY

pytestmark = [pytest.mark.faults, pytest.mark.engine(), pytest.mark.native]

TABLES = ("carts", "orders", "users")
EXPORT, LOOK = "dynamodb:ExportTableToPointInTime", "dynamodb:DescribeExport"
RECOVERY = "dynamodb:DescribeContinuousBackups"

Happens = Callable[[NightDriver], object]
ALL_FAILED = dict.fromkeys(TABLES, "failed")


@dataclass(frozen=True)
class Fault:
    """A fault of the night's tables, all of them exported by DynamoDB.

    `before` happens before the night, `meanwhile` when the first export has begun; `costs` are the
    verdicts other than backed_up, `told` stands in the messages ("": the night is reported OK),
    `error` is in what invocations raise. `read`: tables that are scanned in the end. `late`: those
    that are in the catalogue some hours after all the same.
    """

    name: str
    before: Happens = lambda _: None
    meanwhile: Happens | None = None
    costs: dict[str, str] = field(default_factory=dict)
    told: str = ""
    error: str = ""
    read: tuple[str, ...] = ()
    late: tuple[str, ...] = ()


def _refused(
    pattern: str, status: int, code: str, message: str, times: int | None = None
) -> Happens:
    def happens(night: NightDriver) -> None:
        def answer(call: Call) -> None:
            if call.access_key == PRODUCT_KEY:
                raise error_of(call, status, code, message)

        night.world.before(pattern, answer, times)

    return happens


def _full(minutes: float) -> Happens:
    """Others' exports take all the room until then."""

    def happens(night: NightDriver) -> None:
        def answer(call: Call) -> None:
            if night.world.clock.now() < START + timedelta(minutes=minutes):
                raise refusal(call, "LimitExceededException", "300 exports are in progress")

        night.world.before(EXPORT, answer)

    return happens


def _window_anew(night: NightDriver) -> None:
    """Somebody switches recovery off and on before the first export."""

    def anew() -> None:
        for on in (False, True):
            recover(night, "users", on)

    night.world.clock.call_at(START + timedelta(seconds=100), anew)


def _told(**said: Any) -> Happens:
    """DescribeExport says something else of each export that is over."""

    def happens(night: NightDriver) -> None:
        plain = Export.description

        def description(one: Export) -> dict[str, Any]:
            told = plain(one)
            return told | (said if one.status == "COMPLETED" else {})

        _patch.setattr(Export, "description", description)

    return happens


def _harmed(name: str, body: bytes) -> Happens:
    """Somebody writes over an object of the first attempt's export, when it is there."""

    def happens(night: NightDriver) -> None:
        plain = double._write

        def write(handler: Any, export: Export, key: str, content: bytes, *more: Any) -> None:
            struck = name in key and export.asked["S3Prefix"].endswith("users/" + RUN + "-1")
            # another ETag then, as S3 gives it
            plain(handler, export, key, *((body,) if struck else (content, *more)))

        _patch.setattr(double, "_write", write)

    return happens


_patch = pytest.MonkeyPatch()


@pytest.fixture(autouse=True)
def _unpatched() -> Iterator[None]:
    yield
    _patch.undo()


def _fails(times: int) -> Happens:
    return lambda n: n.world.faults.export_fails.update(users=times)


def _lasts(night: NightDriver) -> None:
    night.world.faults.export_seconds["users"] = 9000.0


FAULTS = [
    Fault("30 % of all calls throttled", lambda n: n.throttle(0.3)),
    Fault("ExportTableToPointInTime throttled for 30 minutes", throttled(EXPORT, 30)),
    Fault(
        "ExportTableToPointInTime throttled always",
        throttled(EXPORT, 9999),
        costs=dict.fromkeys(TABLES, "timed_out"),
        told="not begun before the deadline",
    ),
    Fault(
        "the first three answers of ExportTableToPointInTime lost",
        lambda n: n.world.lose_answer(EXPORT, 3),
    ),
    Fault(
        "ExportTableToPointInTime answers 500 three times",
        _refused(EXPORT, 500, "InternalServerError", "Internal server error", 3),
    ),
    Fault(
        "ExportTableToPointInTime refused once",
        _refused(EXPORT, 400, "ValidationException", "not now", 1),
    ),
    Fault(
        "ExportTableToPointInTime refused always",
        _refused(EXPORT, 400, "AccessDeniedException", "an SCP denies it"),
        costs=ALL_FAILED,
        told="an SCP denies it",
    ),
    Fault("others' exports take the room for an hour", _full(60)),
    Fault(
        "others' exports take the room all night",
        _full(9999),
        costs=dict.fromkeys(TABLES, "timed_out"),
        told="no room",
    ),
    Fault("DescribeExport throttled for an hour", throttled(LOOK, 60)),
    Fault("DescribeExport away for an hour", meanwhile=away(LOOK, 60)),
    Fault(
        "DescribeExport away for three hours",
        meanwhile=away(LOOK, 180),
        costs=dict.fromkeys(TABLES, "timed_out"),
        told="cannot be cancelled",
        late=TABLES,
    ),
    Fault(
        "DescribeExport refused always",
        _refused(LOOK, 400, "AccessDeniedException", "the right is gone"),
        costs=ALL_FAILED,
        told="cannot be followed any more",
    ),
    Fault(
        "DescribeContinuousBackups refused always",
        _refused(RECOVERY, 400, "AccessDeniedException", "no"),
        read=TABLES,
    ),
    Fault(
        "DescribeContinuousBackups throttled as the night is planned",
        _refused(RECOVERY, 400, "ThrottlingException", "Rate exceeded", 3),
    ),
    Fault(
        "recovery begun anew, and DescribeContinuousBackups away for 30 minutes",
        lambda n: (_window_anew(n), n.world.clock.call_in(90, lambda: away(RECOVERY, 30)(n))),
    ),
    Fault("an export fails once", _fails(1)),
    Fault(
        "an export fails always",
        _fails(ALWAYS),
        costs={"users": "failed"},
        told="the bucket refuses DynamoDB",
    ),
    Fault(
        "an export lasts longer than the night",
        _lasts,
        costs={"users": "timed_out"},
        told="cannot be cancelled",
        late=("users",),
    ),
    Fault(
        "exports of a part of each table",
        _told(FilterSpecification={"FilterExpression": "a = b"}),
        costs=ALL_FAILED,
        told="a part of the table",
    ),
    Fault(
        "DescribeExport counts otherwise than the manifest",
        _told(ItemCount=99),
        costs=ALL_FAILED,
        told="DescribeExport says 99 items",
    ),
    Fault("a data file is damaged", _harmed("/data/", b"{}")),
    Fault("a manifest is damaged", _harmed("manifest-files.json", b"{}")),
    Fault("a manifest's sum is damaged", _harmed("manifest-summary.md5", b"{}")),
    Fault("S3 away for 10 minutes", meanwhile=away("s3:*", 10), error="ServiceUnavailable"),
    Fault("DynamoDB away for 30 minutes", meanwhile=away("dynamodb:*", 30), error="any"),
]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda f: f.name)
def test_a_fault_of_the_services(
    monkeypatch: pytest.MonkeyPatch, fault: Fault, row: Row, engine_name: str
) -> None:
    with driver(monkeypatch, "lambda") as night:
        night.configure(native_export={"tables": ["*"]})
        for name in TABLES:
            native(night, name)
        night.tolerant = True
        fault.before(night)
        night.scheduler()
        if fault.meanwhile:
            night.until(lambda: exports(night))
            fault.meanwhile(night)
        report = night.until_closed()
        subjects = "; ".join(m["subject"].partition(": ")[0] for m in night.messages)
        errors = f", {len(night.errors)} invocations failed" if night.errors else ""
        row(f"{engine_name}: {fault.name}", "1", count(verdicts(report)), subjects + errors)
        expected = {**dict.fromkeys(TABLES, "backed_up"), **fault.costs}
        assert verdicts(report) == expected, report["tables"]
        _assert_told(night, fault)
        night.passes(180, each=15)
        night.allow_all()
        assert list(no_backups(night, Inside(night), report)) == []
        _assert_exported(night, fault, report)
        night.assert_clean()


def _assert_told(night: NightDriver, fault: Fault) -> None:
    text = "\n".join(f"{m['subject']}\n{m['message']}" for m in night.messages)
    assert len(night.messages) == 1
    if fault.told:
        assert night.attention
        assert fault.told in text
    else:
        assert night.attention == [], text
    raised = "\n".join(map(str, night.errors))
    assert fault.error == "any" or (fault.error in raised and bool(raised) == bool(fault.error))


def _assert_exported(night: NightDriver, fault: Fault, report: dict[str, Any]) -> None:
    """None is begun twice in one place, all are of the asked moment, and what is whole is kept."""
    made = exports(night)
    assert max(Counter(one["S3Prefix"] for one in made).values(), default=1) == 1
    tables = {one["TableArn"].split("/")[1] for one in made}
    assert not tables & set(fault.read)
    kept = {name for name in TABLES if entry(night, name)}
    good = {name for name, verdict in verdicts(report).items() if verdict == "backed_up"}
    assert kept == good | set(fault.late)
    engines = {name: (entry(night, name) or {})["engine"] for name in kept}
    assert {name for name, by in engines.items() if by != "native"} == set(fault.read)
