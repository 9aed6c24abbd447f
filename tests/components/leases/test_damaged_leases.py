"""A lease that cannot be read whole is no lease: it is named, and nothing is done by it."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from hippolyte import clients, settings
from hippolyte.errors import ConfigurationError
from hippolyte.leases.book import Leases
from hippolyte.leases.lease import Lease
from hippolyte.store import Store
from tests.support.damages import DAMAGES
from tests.support.harness import ACCOUNT, BUCKET, REGION, RUN, NightDriver, driver

AT = "2026-11-24T00:00:00Z"
FOLDER = f"leases/{ACCOUNT}/{REGION}/"


@pytest.fixture
def night(monkeypatch: pytest.MonkeyPatch) -> Iterator[NightDriver]:
    with driver(monkeypatch) as made:
        for table in ("carts", "orders", "users"):
            made.s3.put_object(Bucket=BUCKET, Key=f"{FOLDER}{table}.json", Body=lease(table))
        yield made


def lease(table: str) -> bytes:
    record = {
        "version": 1,
        **{"table": table, "table_id": "id", "run_id": RUN, "state": "raised"},
        **{"before": 1000, "target": 1302, "rate": 651, "scale_in_suspended": None},
        **{"expiry": AT, "intent_at": AT, "intent_by": "me", "lower_to": None, "note": ""},
        "nonce": "x",
    }
    return json.dumps(record).encode()


def leases() -> Leases:
    configuration = settings.load()
    built = clients.build(configuration)
    return Leases(built, Store(built.s3, configuration.bucket), configuration, "me")


@pytest.mark.parametrize("how", DAMAGES)
def test_a_damaged_lease_is_named_and_hides_no_other(night: NightDriver, how: str) -> None:
    damaged = DAMAGES[how](lease("orders"))
    key = f"{FOLDER}orders.json"
    night.s3.put_object(Bucket=BUCKET, Key=key, Body=damaged)
    book = leases()
    assert sorted(book.all_open()) == ["carts", "users"]
    (told,) = book.damaged.values()
    assert told.encode()
    assert told.startswith(f"orders may be raised, and nobody gives it back: s3://{BUCKET}/{key}")
    assert "restore its former version" in told or "deploy that version again" in told
    assert [book.may_be_raised(t) for t in ("carts", "orders")] == [False, True]
    with pytest.raises(ConfigurationError):
        book.read("orders")
    with pytest.raises(ConfigurationError):
        book.record(Lease.from_record(json.loads(lease("orders"))))
    assert night.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read() == damaged
    night.s3.put_object(Bucket=BUCKET, Key=key, Body=lease("orders"))
    assert sorted(book.all_open()) == ["carts", "orders", "users"]
    assert not book.damaged


def test_what_is_no_lease_by_its_name_is_left_aside(night: NightDriver) -> None:
    for name in ("", "README.txt", "copy/orders.json"):
        night.s3.put_object(Bucket=BUCKET, Key=FOLDER + name, Body=b"?")
    book = leases()
    assert len(book.all_open()) == 3
    assert not book.damaged
