"""S3 as the nodes of a cluster use it: straight into moto's backend, as a role."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from local.core import aws
from local.iam import roles
from local.iam.permissions_s3 import bucket_key

if TYPE_CHECKING:
    from moto.s3.models import FakeBucket, S3Backend


_ON_BUCKET = ("s3:GetBucketLocation", "s3:ListBucket", "s3:ListBucketMultipartUploads")


class Denied(Exception):
    """When the role may not do this; the message is what S3 would say."""


class NoSuchBucket(Exception):
    """When the bucket is not there."""


class NoSuchKey(Exception):
    """When the object is not there."""


def split_url(url: str) -> tuple[str, str]:
    """Return (bucket, key) of an s3://, s3n:// or s3a:// url."""
    scheme, separator, rest = url.partition("://")
    if not separator or scheme not in {"s3", "s3n", "s3a"}:
        raise ValueError(f"not an S3 url: {url}")
    bucket, _, key = rest.partition("/")
    return bucket, key


@dataclass(frozen=True, slots=True)
class RoleS3:
    """What one role of one account can do on S3."""

    world: aws.Aws
    account: str
    partition: str
    role: str

    def _check(self, action: str, bucket: str, key: str | None) -> None:
        arn = f"arn:{self.partition}:s3:::{bucket}" + ("" if key is None else f"/{key}")
        context = {"aws:SecureTransport": "true"}
        if action in _ON_BUCKET:
            arn = f"arn:{self.partition}:s3:::{bucket}"
            context["s3:prefix"] = key or ""
        if not roles.may(self.world, self.account, self.role, action, arn, context):
            raise Denied(
                f"Access Denied (Service: Amazon S3; Status Code: 403; Error Code: AccessDenied): "
                f"{self.role} may not {action} on {arn}"
            )

    def _check_key(self, action: str, bucket: FakeBucket) -> None:
        """A bucket under a customer's key is used with that key, through S3."""
        key = bucket_key(bucket)
        if key is None or not key.startswith("arn:"):
            return
        via = f"s3.{bucket.region_name}.amazonaws.com"
        context = {"kms:ViaService": via, "kms:CallerAccount": self.account}
        if not roles.may(self.world, self.account, self.role, action, key, context):
            raise Denied(
                f"Access Denied (Service: Amazon S3; Status Code: 403; Error Code: AccessDenied): "
                f"{self.role} may not {action} on {key}"
            )

    def _backend(self) -> S3Backend:
        from moto.s3.models import s3_backends  # moto is slow to import

        return s3_backends[self.account][self.partition]

    def _bucket(self, name: str) -> FakeBucket:
        from moto.s3.exceptions import MissingBucket

        try:
            return self._backend().get_bucket(name)
        except MissingBucket:
            raise NoSuchBucket(
                f"The specified bucket does not exist (Service: Amazon S3; Status Code: 404; "
                f"Error Code: NoSuchBucket): {name}"
            ) from None

    def get(self, bucket: str, key: str) -> bytes:
        """Return an object; one that is not there is denied to who may not list the bucket."""
        from moto.s3.models import FakeDeleteMarker

        found = self._bucket(bucket)
        self._check("s3:GetObject", bucket, key)
        stored = found.keys.get(key)
        if stored is None or isinstance(stored, FakeDeleteMarker):
            self._check("s3:ListBucket", bucket, key)
            raise NoSuchKey(
                f"The specified key does not exist. (Service: Amazon S3; Status Code: 404; "
                f"Error Code: NoSuchKey): s3://{bucket}/{key}"
            )
        self._check_key("kms:Decrypt", found)
        value: bytes = stored.value
        return value

    def may_read(self, bucket: str, key: str) -> None:
        """Raise Denied if the role may not read the object (which need not exist here)."""
        self._check("s3:GetObject", bucket, key)

    def put(self, bucket: str, key: str, body: bytes, *, parts: bool = False) -> None:
        """Write one object, large ones in `parts`."""
        found = self._bucket(bucket)
        self._check("s3:PutObject", bucket, key)
        self._check_key("kms:GenerateDataKey", found)
        if parts:
            # S3 guide: a multipart upload under a key needs both
            self._check_key("kms:Decrypt", found)
        self._backend().put_object(bucket, key, body)

    def find(self, bucket: str, key: str) -> None:
        """Look where the bucket is, and at an object's head, as EMRFS does before it writes."""
        self._bucket(bucket)
        self._check("s3:GetBucketLocation", bucket, None)
        self._check("s3:GetObject", bucket, key)

    def head(self, bucket: str, key: str) -> None:
        """Look at an object's head, as S3A does before it writes."""
        self._bucket(bucket)
        self._check("s3:GetObject", bucket, key)

    def tidy_uploads(self, bucket: str, directory: str) -> None:
        """Give up what earlier writers left unfinished (EMRFS, fs.s3.multipart.clean.enabled)."""
        self._check("s3:ListBucketMultipartUploads", bucket, directory)
        self._check("s3:AbortMultipartUpload", bucket, f"{directory}/part")

    def delete(self, bucket: str, key: str) -> None:
        """Delete one object."""
        self._bucket(bucket)
        self._check("s3:DeleteObject", bucket, key)
        self._backend().delete_object(bucket, key)

    def directory_exists(self, bucket: str, directory: str, marker: str | None) -> bool:
        """Return whether a directory is seen: its marker beside it, or any object inside."""
        from moto.s3.models import FakeDeleteMarker

        found = self._bucket(bucket)
        self._check("s3:ListBucket", bucket, directory)
        inside = f"{directory}/"
        names = (name for name in list(found.keys) if name == marker or name.startswith(inside))
        return any(not isinstance(found.keys.get(name), FakeDeleteMarker) for name in names)
