"""Judges an export by its own content: is it exactly what was written, and all of it.

Counts of other origin judge nothing here: the lines were counted as they were written, file by
file, and each file's ETag is what S3 answered for just those bytes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence

from hippolyte.exports import native
from hippolyte.exports.listed import Listed
from hippolyte.exports.manifest import FormatError, file_name
from hippolyte.exports.verification import Verification
from hippolyte.words import count_of


def verify(
    where: str,
    listed: Iterable[Listed],
    get: Callable[[str], bytes],
    table_id: str,
    segments: int | None,
    *,
    scanned: bool = True,
) -> Verification:
    """Judge the export that lies at `where`; only named in problems.

    Args:
        where: s3://bucket/.../AWSDynamoDB/<id>/.
        listed: all objects below it.
        get: the content of one of them.
        table_id: of the table that was to be read; empty: not known.
        segments: into how many it was cut; None: not known.
        scanned: by this product, whose files have numbers; the service's names are random.
    """
    found = {one.name: one for one in listed}
    problems: list[str] = []
    summary, files, md5 = _manifests(where, found, get, problems)
    data = {n: one for n, one in found.items() if n.startswith(native.DATA) and n != native.DATA}
    if summary and files is not None:
        problems += _same(files, data)
        problems += _whole(files, segments) if scanned else []
        said = sum(one.items for one in files)
        if said != summary.items:
            problems.append(f"the files hold {said} items, the summary says {summary.items}")
        if table_id and summary.table_id != table_id:
            problems.append(f"it is of the table with id {summary.table_id}, not {table_id}")
    count = len(files or ())
    return Verification(
        ok=not problems,
        files=count,
        bytes=sum(one.size for one in data.values()),
        items=summary.items if summary else None,
        problems=tuple(problems),
        notes=(f"{count_of(count, 'file')}, each as it was written",) if not problems else (),
        manifest_md5=md5,
    )


def _manifests(
    where: str,
    found: Mapping[str, Listed],
    get: Callable[[str], bytes],
    problems: list[str],
) -> tuple[native.Summary | None, list[native.DataFile] | None, str | None]:
    """Return what the manifests say, and the MD5 of the one that lists the files."""
    contents: list[bytes] = []
    said = None
    for name, md5 in ((native.SUMMARY, native.SUMMARY_MD5), (native.FILES, native.FILES_MD5)):
        if missing := [each for each in (name, md5) if each not in found]:
            problems.append(f"{missing[0]} is missing in {where}: the export did not end")
            return None, None, None
        content = get(name)
        said = native.checksum(content)
        # an ETag that is the MD5 of just that says it without a look (not so with a key of KMS)
        etag = hashlib.md5(said.encode(), usedforsecurity=False).hexdigest()
        if found[md5].etag != etag and get(md5).decode(errors="replace").strip() != said:
            problems.append(f"{name} is not what was written (MD5), in {where}")
            return None, None, None
        contents.append(content)
    try:
        return native.parse_summary(contents[0]), native.parse_files(contents[1]), said
    except FormatError as error:
        problems.append(f"{error} (in {where})")
        return None, None, None


def _same(files: Sequence[native.DataFile], data: Mapping[str, Listed]) -> list[str]:
    """Compare the manifest with the listing: an import reads every object that lies there."""
    wanted = {native.DATA + file_name(one.key): one for one in files}
    return [
        *(f"{name} of the manifest is missing" for name in sorted(wanted.keys() - data.keys())),
        *(f"{name} is not in the manifest" for name in sorted(data.keys() - wanted.keys())),
        *(
            f"{name} is not what was written: its ETag is {data[name].etag}, not {one.etag}"
            for name, one in sorted(wanted.items())
            if name in data and data[name].etag != one.etag
        ),
    ]


def _whole(files: Sequence[native.DataFile], segments: int | None) -> list[str]:
    """See that each segment's files are numbered from 0 on, and that there is each segment."""
    numbers: dict[int, list[int]] = {}
    problems: list[str] = []
    for one in files:
        place = native.parse_data_name(file_name(one.key))
        if place is None:
            problems.append(f"{file_name(one.key)} is no file of a scan")
        else:
            numbers.setdefault(place[0], []).append(place[1])
    for segment, seen in sorted(numbers.items()):
        if sorted(seen) != list(range(len(seen))):
            problems.append(f"files of segment {segment} are missing: there are {sorted(seen)}")
    if segments is not None and sorted(numbers) != list(range(segments)):
        problems.append(f"{len(numbers)} segments are in the manifest, {segments} were read")
    return problems
