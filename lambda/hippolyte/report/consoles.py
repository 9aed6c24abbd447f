"""Addresses in AWS's consoles, of each partition that has any for the public.

Hosts: https://<region>.console.aws.amazon.com, .amazonaws.cn, .amazonaws-us-gov.com (AWS Sign-In
guide, AWS China guide, GovCloud guide). The consoles' paths are nowhere promised; these are what
their own links lead to. Data Pipeline has none: its console was taken away on 2023-04-30 (its
developer guide), so a pipeline is seen by its cluster.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from hippolyte.record_form import when

_HOSTS = {
    "aws": "console.aws.amazon.com",
    "aws-cn": "console.amazonaws.cn",
    "aws-us-gov": "console.amazonaws-us-gov.com",
}
FUNCTIONS = ("scheduler", "monitor", "exporter")


@dataclass(frozen=True, slots=True)
class Consoles:
    """Addresses of what one night has left; each empty where there is no console, or no knowing."""

    partition: str
    region: str
    bucket_region: str
    account: str
    deployment: str

    @classmethod
    def of(cls, report: Mapping[str, Any]) -> Consoles:
        """Return them for a report; one of an older version says no partition, so has none."""
        region = str(report["region"])
        return cls(
            report.get("partition") or "",
            region,
            report.get("bucket_region") or region,
            str(report["account"]),
            str(report["deployment"]),
        )

    def _at(self, region: str, path: str) -> str:
        host = _HOSTS.get(self.partition)
        return f"https://{_quoted(region)}.{host}/{path}" if host else ""

    def _home(self, service: str, region: str, what: str) -> str:
        return self._at(region, f"{service}/home?region={_quoted(region)}#{what}")

    def bucket(self, bucket: str) -> str:
        """Return a bucket's address, which `place` begins after."""
        return self._at(self.bucket_region, f"s3/buckets/{_quoted(bucket, safe='')}")

    def place(self, key: str) -> str:
        """Return what leads from a bucket's address to a folder in it."""
        return f"?region={_quoted(self.bucket_region)}&prefix={_quoted(key.strip('/'))}/"

    def folder(self, url: str) -> str:
        """Return the address of a folder, of its s3:// address."""
        if not url.startswith("s3://"):
            return ""
        bucket, _, key = url.removeprefix("s3://").partition("/")
        found = self.bucket(bucket)
        return found + self.place(key) if found else ""

    def function(self, name: str) -> str:
        """Return the address of one of the deployment's functions."""
        known = f"#/functions/{_quoted(f'{self.deployment}-{name}', safe='')}?tab=monitoring"
        return self._at(self.region, f"lambda/home?region={_quoted(self.region)}{known}")

    def log(self, name: str, begin: str, end: str) -> str:
        """Return the address of what a function logged between two times."""
        group = _twice(f"/aws/lambda/{self.deployment}-{name}")
        between = f"start={_millis(when(begin))}&end={_millis(when(end))}"
        found = _quoted(f"?{between}", safe="").replace("%", "$")
        return self._home(
            "cloudwatch", self.region, f"logsV2:log-groups/log-group/{group}/log-events{found}"
        )

    def exporter_log(self, batch: Mapping[str, Any], closed_at: str) -> str:
        """Return the address of what was logged while a worker ran; none of a cluster.

        Its functions' streams are not on record, so it is the group within that time.
        """
        if not batch.get("started_at") or "worker" not in batch["handle"]:
            return ""
        return self.log("exporter", batch["started_at"], batch["ended_at"] or closed_at)

    def table(self, name: str) -> str:
        """Return a table's address."""
        return self._home("dynamodbv2", self.region, f"table?name={_quoted(name, safe='')}")

    def host(self, handle: Mapping[str, Any]) -> str:
        """Return the address of a batch's cluster, or of its worker's execution."""
        if cluster := handle.get("cluster"):
            what = f"/clusterDetails/{_quoted(str(cluster), safe='')}"
            return self._home("emr", self.region, what)
        if handle.get("worker") and handle.get("run"):
            machine = f"arn:{self.partition}:states:{self.region}:{self.account}:execution"
            arn = f"{machine}:{self.deployment}-exporter:{handle['run']}-{handle['worker']}"
            what = f"/v2/executions/details/{_quoted(arn, safe=':')}"
            return self._home("states", self.region, what)
        return ""


def _quoted(text: str, safe: str = "/") -> str:
    """Quote a text, and put up with what is none: a page shows what it can."""
    return quote(text, safe=safe, errors="replace")


def _twice(text: str) -> str:
    """Quote a text as CloudWatch's console takes it: twice, with $ for the outer %."""
    return _quoted(_quoted(text, safe=""), safe="").replace("%", "$")


def _millis(moment: datetime) -> int:
    return int(moment.astimezone(UTC).timestamp() * 1000)
