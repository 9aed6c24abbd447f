"""The faults by name (`local.core.faults`) of exports that links of the exporter make, in process.

A fault strikes an attempt at a table, whatever links read it: the attempt is a worker's.
"""

from __future__ import annotations

import gzip
from collections.abc import Callable
from typing import TYPE_CHECKING

from local.core.call import Call, refusal
from local.core.faults import strikes

if TYPE_CHECKING:
    from local.functions.invocation import Invocation
    from local.world import World

_SUMMARY = "/manifest-summary.json"


class ExporterFaults:
    """Lets a world's faults strike the calls of links."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._struck: dict[tuple[str, ...], bool] = {}
        world.before("dynamodb:Scan", self._scan)
        world.before("s3:PutObject", self._put)

    def _scan(self, call: Call) -> None:
        link = self._world.functions.current()
        if link is None:
            return
        table, faults = str(call.params["TableName"]), self._world.faults
        if strikes(faults.client_dies, table):
            self._world.functions.kill(link)
        if self._strikes("step_fails", link, table):
            raise refusal(call, "AccessDeniedException", "injected by the local AWS")
        if self._strikes("step_hangs", link, table):
            raise refusal(call, "ThrottlingException", "injected by the local AWS: no capacity")

    def _put(self, call: Call) -> None:
        link, key = self._world.functions.current(), str(call.key)
        if link is None or not key.endswith(_SUMMARY):
            return
        place, table = key.removesuffix(_SUMMARY), key.split("/")[-5]
        for name, damage in (
            ("claims_success_without_output", self._remove_all),
            ("truncated_file", self._cut),
            ("missing_listed_file", self._remove),
            ("fewer_items", self._thin),
        ):
            if self._strikes(name, link, table):
                self._soon(damage, str(call.bucket), place)

    def _strikes(self, fault: str, link: Invocation, table: str) -> bool:
        attempt = (fault, table, link.event["run"], link.event["worker"])
        if attempt not in self._struck:
            self._struck[attempt] = strikes(getattr(self._world.faults, fault), table)
        return self._struck[attempt]

    # --- what becomes of an export whose summary was written

    def _soon(self, damage: Callable[[str, str], None], bucket: str, place: str) -> None:
        clock = self._world.clock
        clock.call_at(clock.now(), lambda: damage(bucket, place))

    def _keys(self, bucket: str, place: str) -> list[str]:
        pages = self._world.client("s3").get_paginator("list_objects_v2")
        found = pages.paginate(Bucket=bucket, Prefix=f"{place}/")
        return [one["Key"] for page in found for one in page.get("Contents", [])]

    def _fullest(self, bucket: str, place: str) -> tuple[str, bytes]:
        s3 = self._world.client("s3")
        keys = [key for key in self._keys(bucket, place) if "/data/" in key]
        bodies = {key: s3.get_object(Bucket=bucket, Key=key)["Body"].read() for key in keys}
        return max(bodies.items(), key=lambda each: len(each[1]))

    def _remove_all(self, bucket: str, place: str) -> None:
        for key in self._keys(bucket, place):
            self._world.client("s3").delete_object(Bucket=bucket, Key=key)

    def _remove(self, bucket: str, place: str) -> None:
        key, _ = self._fullest(bucket, place)
        self._world.client("s3").delete_object(Bucket=bucket, Key=key)

    def _cut(self, bucket: str, place: str) -> None:
        key, body = self._fullest(bucket, place)
        self._world.client("s3").put_object(Bucket=bucket, Key=key, Body=body[: len(body) // 2])

    def _thin(self, bucket: str, place: str) -> None:
        key, body = self._fullest(bucket, place)
        lines = gzip.decompress(body).splitlines(keepends=True)
        less = gzip.compress(b"".join(lines[: len(lines) * 2 // 3]))
        self._world.client("s3").put_object(Bucket=bucket, Key=key, Body=less)
