"""What is written says how it is encrypted, where a bucket demands it."""

from __future__ import annotations

from typing import Any

import pytest

from hippolyte import clients
from hippolyte import settings as loaded
from hippolyte.engines.emr_job_flow import configurations
from tests.support.builders import settings
from tests.support.harness import driver

KEY = "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"


@pytest.mark.parametrize(
    ("said", "headers"),
    [
        ({}, {}),
        ({"sse_header": "AES256"}, {"x-amz-server-side-encryption": "AES256"}),
        (
            {"sse_header": "aws:kms", "sse_key_arn": KEY},
            {
                "x-amz-server-side-encryption": "aws:kms",
                "x-amz-server-side-encryption-aws-kms-key-id": KEY,
            },
        ),
    ],
)
def test_every_object_of_a_night_says_it(
    monkeypatch: pytest.MonkeyPatch, said: dict[str, Any], headers: dict[str, str]
) -> None:
    with driver(monkeypatch, "emr") as night:
        night.configure(**said)
        night.table("orders")
        night.table("empty", items=0)
        sent: list[dict[str, str]] = []

        def note(model: Any, params: Any, **_: Any) -> None:
            if model.name == "PutObject":
                sent.append(
                    {k: v for k, v in params["headers"].items() if "server-side-encryption" in k}
                )

        s3 = clients.build(loaded.load()).s3
        s3.meta.events.register("before-call.s3", note)
        try:
            night.night()
        finally:
            s3.meta.events.unregister("before-call.s3", note)
        assert len(sent) > 5
        assert sent == [headers] * len(sent)
        assert night.keys("backups/")


def test_clusters_say_it_to_both_file_systems() -> None:
    def classes(**said: str) -> dict[str, dict[str, str]]:
        found = configurations(settings(**said))
        return {one["Classification"]: one["Properties"] for one in found}

    assert set(classes()) == {"mapred-site"}
    own = classes(sse_header="AES256")
    assert own["emrfs-site"] == {"fs.s3.enableServerSideEncryption": "true"}
    assert own["core-site"] == {"fs.s3a.encryption.algorithm": "AES256"}
    given = classes(sse_header="aws:kms", sse_key_arn=KEY)
    assert given["emrfs-site"]["fs.s3.serverSideEncryption.kms.keyId"] == KEY
    assert given["core-site"] == {
        "fs.s3a.encryption.algorithm": "SSE-KMS",
        "fs.s3a.encryption.key": KEY,
    }
