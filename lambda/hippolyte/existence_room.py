"""The looks at whether the account has room for the hosts that the settings want at once."""

from __future__ import annotations

from collections.abc import Iterator

from hippolyte.existence_looks import Finding
from hippolyte.night.one_pass import Pass
from hippolyte.tables.concurrency import room_for_workers
from hippolyte.tables.vcpus import of_a_cluster

CROWDED = "more than the account has room for"
"""What is wrong with more workers or clusters than the account's quotas let be at once."""


def concurrency(p: Pass) -> Iterator[Finding]:
    """Compare the workers that may run at once with what the account has for them."""
    wanted = p.settings.exporter.max_workers if p.settings.exporter else 0
    account = p.clients.seldom("lambda").get_account_settings()["AccountLimit"]
    unreserved = int(account["UnreservedConcurrentExecutions"])
    if (room := room_for_workers(unreserved)) < wanted:
        remedy = (
            f"{unreserved} concurrent invocations are reserved by no function, and a tenth is the "
            f"backup's: {room} at once. If the plans say that no worker has time, ask for more "
            "concurrent executions (Service Quotas, AWS Lambda)."
        )
        yield Finding("exporter.max_workers", str(wanted), CROWDED, remedy)


def vcpus(p: Pass) -> Iterator[Finding]:
    """Compare the vCPUs of all clusters at once with what the account may have in the region."""
    clusters, quotas = p.settings.planning.max_clusters, p.clients.seldom("service-quotas")
    for quota, each in of_a_cluster(p.settings).items():
        if not each:
            continue
        answer = quotas.get_service_quota(ServiceCode="ec2", QuotaCode=quota)
        most = int(answer["Quota"]["Value"])
        if most < clusters * each:
            remedy = (
                f"{clusters} clusters of {each} vCPUs need {clusters * each}, and the account may "
                f"have {most} in {p.settings.region} (quota {quota}): {most // each} clusters. Ask "
                "for more (Service Quotas, Amazon EC2), or lower planning.max_clusters."
            )
            yield Finding("planning.max_clusters", str(clusters), CROWDED, remedy)
