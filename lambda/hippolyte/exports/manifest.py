"""The manifest of a DynamoDBExport directory: which files are the backup.

Source: awslabs/emr-dynamodb-connector, ExportManifestRecordWriter and ExportFileHeader. Failed
attempts of a task leave files beside the good ones, so the manifest alone says what counts.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any

from hippolyte.errors import HippolyteError

MANIFEST = "manifest"
SUCCESS = "_SUCCESS"
VERSION = 3

_URL = re.compile(r"s3[an]?://[^/]+/(?:.*/)?[^/]+", re.DOTALL)


class FormatError(HippolyteError):
    """When bytes are not what the export format allows; says in which file and line, if known."""

    def __init__(self, message: str, name: str | None = None, line: int | None = None) -> None:
        where = ", ".join(
            part for part in (name, f"line {line}" if line is not None else None) if part
        )
        super().__init__(f"{where}: {message}" if where else message)
        self.problem = message
        self.name = name
        self.line = line


def json_string(text: str) -> str:
    """Return `text` as a JSON string exactly as Gson writes it (HTML escaping off)."""
    quoted = json.encoder.encode_basestring(text)
    return quoted.replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def manifest_bytes(urls: Iterable[str]) -> bytes:
    """Return the manifest that lists `urls` (absolute, s3://), byte for byte as the tool's."""
    # sorted by the reversed file name, as the tool does to spread load; no line feed at the end
    ordered = sorted(urls, key=lambda url: (file_name(url)[::-1], url))
    entries = ",\n".join(f'{{"url":{json_string(url)},"mandatory":true}}' for url in ordered)
    head = f'{{"name":"DynamoDB-export","version":{VERSION},\n"entries": [\n'
    return f"{head}{entries}\n]}}".encode()


def parse_manifest(data: bytes) -> list[str]:
    """Return the urls a manifest lists, in its order; an empty list for an empty table.

    As the import tool reads it: the version must be the integer 3, unknown keys are skipped, a
    missing list of entries is an empty one.

    Raises:
        FormatError: not JSON, another version, an entry without a usable url, one listed twice.
    """
    try:
        document = json.loads(data.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise FormatError(f"not JSON: {error}", MANIFEST) from error
    if not isinstance(document, dict):
        raise FormatError("not a JSON object", MANIFEST)
    version = document.get("version")
    if type(version) is not int or version != VERSION:
        raise FormatError(f"version is {version!r}, only {VERSION} is known", MANIFEST)
    entries = document.get("entries") or []
    if not isinstance(entries, list):
        raise FormatError("entries is not a list", MANIFEST)
    urls = [_entry_url(number, entry) for number, entry in enumerate(entries, start=1)]
    names = [file_name(url) for url in urls]
    if len(set(names)) != len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise FormatError(f"file {twice} is listed twice", MANIFEST)
    return urls


def _entry_url(number: int, entry: Any) -> str:
    url = entry.get("url") if isinstance(entry, dict) else None
    if not isinstance(url, str) or not _URL.fullmatch(url) or file_name(url) in (".", ".."):
        raise FormatError(f"entry {number} has no s3:// url of a file: {entry!r}", MANIFEST)
    return url


def file_name(url: str) -> str:
    """Return the last part of a url or key."""
    return url.rpartition("/")[2]


def relocate(url: str, directory: str) -> str:
    """Return where the file of `url` lies now: beside the manifest, in `directory` (s3://...).

    Copying a backup leaves the urls of its manifest pointing at the old place.
    """
    return f"{directory.rstrip('/')}/{file_name(url)}"


def is_marker(name: str) -> bool:
    """Tell whether `name` stands for a directory: a directory key, or a `_$folder$` object."""
    return not name or name.endswith(("/", "_$folder$"))


def data_files(
    names: Iterable[str], manifest: bytes | None, *, allow_missing_manifest: bool = False
) -> list[str]:
    """Return which of the `names` of a directory are its data, in the manifest's order.

    Args:
        names: names relative to the directory.
        manifest: its content; None if there is none.
        allow_missing_manifest: then take every file the import tool would: all that do not start
            with `_` or `.`. Files of failed attempts are among them, so items may come twice.

    Raises:
        FormatError: no manifest (unless allowed), or a file it lists is missing.
    """
    present = {name for name in names if not is_marker(name)}
    if manifest is None:
        if not allow_missing_manifest:
            raise FormatError(
                "no manifest: the export is incomplete, or it is of the oldest kind; allow a"
                " missing manifest to read every file, those of failed attempts included"
            )
        hidden = ("_", ".")
        return sorted(name for name in present if not name.startswith(hidden) and "/" not in name)
    listed = [file_name(url) for url in parse_manifest(manifest)]
    missing = [name for name in listed if name not in present]
    if missing:
        raise FormatError(f"{len(missing)} listed file(s) missing, first {missing[0]}", MANIFEST)
    return listed
