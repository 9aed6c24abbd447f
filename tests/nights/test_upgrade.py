"""The package is exchanged in mid-night, forwards and back: nothing lost, nothing left raised.

Forwards from a version that was (tests/data/package-before.zip), and to one that is made up.
"""

from __future__ import annotations

import io
import subprocess
import zipfile
from collections.abc import Iterator
from typing import Any

import pytest

import hippolyte
from tests.support.upgrade import (
    BEFORE,
    BEFORE_COMMIT,
    RUN,
    TOLD_TODAY,
    Deployment,
    deployed_from_a_zip,
)


@pytest.fixture
def deployment() -> Iterator[Deployment]:
    with deployed_from_a_zip() as made:
        yield made


@pytest.fixture
def before() -> Iterator[Deployment]:
    """The version before, deployed; today's is what comes."""
    with deployed_from_a_zip(BEFORE.read_bytes()) as made:
        yield made


def test_the_version_before_is_upgraded_in_mid_night(before: Deployment) -> None:
    """As Terraform does it: settings, then code; what the old package began today's ends."""
    before.begin()
    begun = before.record("ledger.json")
    before.configure(**TOLD_TODAY)
    refused = before.monitor()
    assert refused.error is not None
    assert "unknown key" in refused.error["errorMessage"]
    assert before.record("ledger.json") == begun

    before.deploy(before.new)
    report = before.finish()

    before.assert_done(report)
    assert report["package"] == hippolyte.__version__
    assert report["left_raised"] == []


def test_a_night_of_the_version_before_is_the_night_before(before: Deployment) -> None:
    before.scheduler()
    first = before.finish()
    assert "package" not in first
    before.configure(**TOLD_TODAY)
    before.deploy(before.new)

    second = before.next_night()

    before.assert_all_backed_up(second)
    assert second["previous_run"] == RUN
    assert second["totals"] == first["totals"]
    assert second["changes"]["new"] == second["changes"]["gone"] == []


def test_the_version_before_is_that_of_its_commit() -> None:
    recorded = subprocess.run(
        ["git", "show", f"{BEFORE_COMMIT}:lambda/hippolyte.zip"],
        cwd=BEFORE.parent,
        capture_output=True,
        check=False,
    )
    if recorded.returncode:
        pytest.skip(f"this clone has no history: commit {BEFORE_COMMIT} is not in it")

    assert contents(BEFORE.read_bytes()) == contents(recorded.stdout)


def contents(package: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(package)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_an_upgrade_between_scheduler_and_monitor(deployment: Deployment) -> None:
    deployment.scheduler()
    deployment.configure(weather="fair")
    deployment.deploy(deployment.new)
    deployment.assert_done(deployment.finish())
    ledger = deployment.record("ledger.json")
    assert ledger is not None
    assert {table["seen_by"] for table in ledger["tables"].values()} == {"99.0.0"}


def test_an_upgrade_while_capacity_is_raised(deployment: Deployment) -> None:
    deployment.begin()
    before = deployment.record("ledger.json")
    # between the two calls of the provider: the old package with the new settings
    deployment.configure(weather="fair")
    refused = deployment.monitor()
    assert refused.error is not None
    assert "unknown key weather" in refused.error["errorMessage"]
    assert "The module and the package must be of one version" in refused.error["errorMessage"]
    assert deployment.record("ledger.json") == before
    deployment.deploy(deployment.new)
    deployment.assert_done(deployment.finish())


def test_a_downgrade_is_refused_in_words_and_mended_by_going_forward_again(
    deployment: Deployment,
) -> None:
    deployment.begin()
    deployment.configure(weather="fair")
    deployment.deploy(deployment.new)
    ledger: dict[str, Any] = {}
    while "seen_by" not in str(ledger):
        assert deployment.monitor().error is None
        ledger = deployment.record("ledger.json") or {}
    raised = deployment.capacity()
    assert raised > 1000
    deployment.configure()
    deployment.deploy(deployment.old)
    for _ in range(3):
        refused = deployment.monitor()
        assert refused.error is not None
        assert "deploy that version again" in refused.error["errorMessage"]
        assert "seen_by" in refused.error["errorMessage"]
    assert deployment.capacity() == raised
    assert deployment.record("ledger.json") == ledger
    deployment.configure(weather="fair")
    deployment.deploy(deployment.new)
    deployment.assert_done(deployment.finish())


def test_an_upgrade_to_the_same_records_keeps_the_nights_to_come(deployment: Deployment) -> None:
    """A whole night of the later version, after one of the old."""
    deployment.scheduler()
    first = deployment.finish()
    deployment.configure(weather="fair")
    deployment.deploy(deployment.new)
    second = deployment.next_night()
    assert second["totals"] == first["totals"]
