"""What the harness found, each as a short night of its own."""

from __future__ import annotations

import gzip

import pytest

from local.core.faults import ALWAYS
from tests.support.faults.backups import no_backups
from tests.support.faults.inside import Inside
from tests.support.harness import BUCKET, Killed, NightDriver, verdicts


def test_a_start_that_did_not_happen_uses_up_no_attempt(night: NightDriver) -> None:
    night.table("orders")
    night.world.faults.step_fails["orders"] = 1
    night.kill_before(night.call("start"))
    with pytest.raises(Killed):
        night.scheduler()
    report = night.until_closed()
    assert verdicts(report) == {"orders": "backed_up"}
    night.assert_clean()


@pytest.mark.engine("datapipeline", "emr")
def test_a_cluster_that_ends_between_two_looks_has_not_failed_its_exports(
    night: NightDriver,
) -> None:
    """The pipeline still says RUNNING, EMR then says TERMINATED: the last export ended well."""
    night.table("orders")
    night.scheduler()
    night.until_exporting("orders")
    # between the look at the cluster and the one at its steps
    call = "emr:ListSteps" if night.engine == "emr" else "emr:DescribeCluster"
    night.world.before(call, lambda _: night.world.clock.advance(840), 1)
    night.monitor()
    report = night.until_closed()
    assert verdicts(report) == {"orders": "backed_up"}
    assert night.all_clusters() == 1
    night.assert_clean()


@pytest.mark.engine("lambda")
def test_what_an_import_would_read_and_no_manifest_lists_is_seen(night: NightDriver) -> None:
    """The harness's own look at backups, which no night of its own fails."""
    night.table("orders")
    report = night.night()
    inside = Inside(night)
    assert list(no_backups(night, inside, report)) == []
    (key,) = [k for k in night.keys("backups/") if k.endswith("/data/0000-000000.json.gz")]
    body = night.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()
    other = gzip.compress(gzip.decompress(body).replace(b"orders#", b"others#"))
    night.s3.put_object(Bucket=BUCKET, Key=key.replace("0000-000000", "0000-000001"), Body=other)
    found = "\n".join(no_backups(night, inside, report))
    assert "0000-000001.json.gz is not in the manifest" in found
    assert "an import of orders is not what the table holds" in found


def test_why_a_batch_was_cancelled_is_told(night: NightDriver) -> None:
    night.table("orders")
    night.world.faults.step_hangs["orders"] = ALWAYS
    report = night.night()
    assert verdicts(report) == {"orders": "failed"}
    assert "the export of orders is overdue" in report["tables"]["orders"]["reason"]
    assert "the export of orders is overdue" in night.messages[-1]["message"]
    night.assert_clean()
