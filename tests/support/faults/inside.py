"""The local AWS looked into from behind: what a night left, without a request for each look."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from typing import Any

from botocore.exceptions import ClientError
from moto.applicationautoscaling.models import applicationautoscaling_backends
from moto.dynamodb.models import dynamodb_backends
from moto.s3.models import FakeDeleteMarker, s3_backends

from hippolyte.exports.listed import Listed
from local.dynamodb import capacity
from tests.support.harness import ACCOUNT, BUCKET, REGION, RUN, NightDriver

FLAGS = ("DynamicScalingInSuspended", "DynamicScalingOutSuspended", "ScheduledScalingSuspended")


class Inside:
    """One world's bucket, tables and scaling targets."""

    def __init__(self, night: NightDriver) -> None:
        self._clock = night.world.clock

    # the bucket; head_object, get_object and list_objects_v2 as boto3's client has them

    def _objects(self) -> Any:
        return s3_backends[ACCOUNT]["aws"].get_bucket(BUCKET).keys

    def keys(self, prefix: str) -> list[str]:
        """Return the bucket's keys below a prefix."""
        objects = self._objects()
        return [
            key
            for key in list(objects)
            if key.startswith(prefix) and not isinstance(objects[key], FakeDeleteMarker)
        ]

    def get_object(self, Bucket: str, Key: str) -> dict[str, Any]:
        """Return an object's body."""
        found = self._objects().get(Key) if Bucket == BUCKET else None
        if found is None or isinstance(found, FakeDeleteMarker):
            raise ClientError({"Error": {"Code": "NoSuchKey", "Message": Key}}, "GetObject")
        return {"Body": io.BytesIO(found.value)}

    head_object = get_object

    def list_objects_v2(self, Bucket: str, Prefix: str) -> dict[str, Any]:
        """Return the keys below a prefix, all of them."""
        found = sorted(self.keys(Prefix)) if Bucket == BUCKET else []
        return {"Contents": [{"Key": key} for key in found]} if found else {}

    def listed(self, prefix: str) -> Iterator[Listed]:
        """Yield what a listing has of the objects below a prefix."""
        for key in self.keys(prefix):
            found = self._objects()[key]
            yield Listed(key.removeprefix(prefix), len(found.value), found.etag.strip('"'))

    def json(self, key: str) -> dict[str, Any] | None:
        """Return a JSON object of the bucket, None if it is not there."""
        try:
            return dict(json.loads(self.get_object(BUCKET, key)["Body"].read()))
        except ClientError:
            return None

    def record(self, name: str) -> dict[str, Any] | None:
        """Return one of the run's records."""
        return self.json(f"runs/{ACCOUNT}/{REGION}/{RUN}/{name}")

    def leases(self) -> dict[str, str]:
        """Return table -> its lease's state."""
        found = [self.json(key) or {} for key in self.keys(f"leases/{ACCOUNT}/{REGION}/")]
        return {lease["table"]: lease["state"] for lease in found}

    # tables and targets

    def capacity(self, table: str) -> tuple[int, int] | None:
        """Return the (read, write) capacity a table has or is about to have; None: it is gone."""
        found = dynamodb_backends[ACCOUNT][REGION].tables.get(table)
        if found is None:
            return None
        pending = capacity.settle(found, self._clock.now()).pending
        return capacity.units((pending.throughput if pending else None) or found.throughput)

    def target(self, table: str) -> tuple[tuple[int, int], list[str]]:
        """Return the limits of a table's read target, and its flags that are set."""
        targets = applicationautoscaling_backends[ACCOUNT][REGION].targets
        target = targets["dynamodb:table:ReadCapacityUnits"][f"table/{table}"]
        flags = [flag for flag in FLAGS if target.suspended_state[flag]]
        return (target.min_capacity, target.max_capacity), flags
