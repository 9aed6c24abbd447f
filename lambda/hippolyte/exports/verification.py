"""Judges an export by the content of its own directory: what may be called a backup.

Reads the listing, the manifest and the last byte of each file, never whole files. The counts it is
given are estimates of different age: the table's own is about six hours old, the previous night's
a day; what the job's log says was read is compared with them under a tolerance.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from hippolyte.exports.findings import LISTED, PLAUSIBLE
from hippolyte.exports.listed import Listed, files_md5
from hippolyte.exports.manifest import (
    MANIFEST,
    SUCCESS,
    FormatError,
    file_name,
    is_marker,
    parse_manifest,
)
from hippolyte.exports.native import checksum
from hippolyte.exports.streams import PACKED
from hippolyte.words import count_of

# the export tool begins a new file every 100,000 items of a mapper
_MAX_ITEMS_PER_FILE = 100_000
# {"k":{"s":"x"}} and a line feed: no item is shorter
_MIN_LINE_BYTES = 16
# a table of a few items may well lose some of them in six hours: not a sign of a lost file
_SLACK_ITEMS = 5
# two reads of one table differ by so much of the greater
_AGREEMENT = 0.01

# the tool's own counter, and Hadoop's, which is printed where nothing was read as well
_ITEMS_READ = tuple(
    re.compile(rf"(?<![\w ]){name}\s*=\s*([0-9]+)(?![0-9])")
    for name in ("DYNAMODB_ITEMS_READ", "Map input records")
)
_SCHEME = re.compile(r"^s3[an]?://")


@dataclass(frozen=True, slots=True)
class Verification:
    """The judgement: `ok` only without problems; `notes` say what was and was not checked.

    `files` and `bytes` are of the files the manifest lists; `items` is what the job's log says it
    read, None if there is no such log. `short`: nothing but a count says that items are missing.
    `levels` are those that it is then of: the third if that number was compared with another one.
    `manifest_md5` is of the manifest that lists the files, base64; None if it was not read.
    `files_md5`: see `listed.files_md5`; None: they are not known, or the manifest has their own.
    """

    ok: bool
    files: int
    bytes: int
    items: int | None
    problems: tuple[str, ...]
    notes: tuple[str, ...]
    short: bool = False
    levels: tuple[int, ...] = (LISTED,)
    manifest_md5: str | None = None
    files_md5: str | None = None


def parse_items_read(log_text: str) -> int | None:
    """Return how many items a job's log says it read, None if it does not say.

    Hadoop prints its counters at the end of a job, one a line: `\\t\\tDYNAMODB_ITEMS_READ=123`. One
    that was never raised is not printed: a table that was read empty has `Map input records=0` only
    (seen of 4.11 and 6.1, where the two were equal in every job that read something).
    """
    for counter in _ITEMS_READ:
        if found := counter.findall(log_text):
            return int(found[-1])
    return None


def verify(
    directory_url: str,
    list_objects: Callable[[], Iterable[Listed]],
    get: Callable[[str], bytes],
    get_tail: Callable[[str, int], bytes],
    expected_items: int | None,
    log_items: int | None,
    previous_items: int | None,
    tolerance_percentage: float,
) -> Verification:
    """Judge the export in `directory_url` (s3://bucket/prefix).

    Args:
        directory_url: where the job was told to write; only named in problems and notes.
        list_objects: all objects below it.
        get: the content of an object.
        get_tail: the last n bytes of an object.
        expected_items: the table's own count; 0 may be stale, None is unknown.
        log_items: what the job's log says it read; None if there is no log.
        previous_items: what the last good backup held; None if there was none.
        tolerance_percentage: how far below those the log's count may lie.
    """
    there = {one.name: one for one in list_objects() if not is_marker(one.name)}
    sizes = {name: one.size for name, one in there.items()}
    problems: list[str] = []
    shortfall: list[str] = []
    notes: list[str] = []
    if SUCCESS not in sizes:
        problems.append(f"{SUCCESS} is missing in {directory_url}: the job did not end well")
    reference = expected_items or previous_items
    content = _manifest(directory_url, sizes, get, problems)
    urls = _parsed(directory_url, content, problems)
    files = [file_name(url) for url in urls or ()]
    if urls is not None:
        problems += _files(files, sizes, get_tail, notes)
        notes += _elsewhere(urls, directory_url)
        notes += _orphans(files, sizes)
        shortfall = (
            _bounded(files, sizes, expected_items, previous_items, tolerance_percentage, notes)
            if log_items is None
            else _counts(expected_items, log_items, previous_items, tolerance_percentage, notes)
        )
        problems += _agreement(files, sizes, log_items)
    return Verification(
        ok=not problems and not shortfall,
        files=len(files),
        bytes=sum(sizes.get(name, 0) for name in files),
        items=log_items,
        problems=(*problems, *shortfall),
        notes=tuple(notes),
        short=bool(shortfall) and not problems,
        levels=(LISTED, PLAUSIBLE) if log_items is not None and reference else (LISTED,),
        manifest_md5=checksum(content) if content is not None else None,
        files_md5=None if urls is None else files_md5(there[n] for n in files if n in there),
    )


def _manifest(
    directory_url: str,
    sizes: dict[str, int],
    get: Callable[[str], bytes],
    problems: list[str],
) -> bytes | None:
    if MANIFEST not in sizes:
        problems.append(f"{MANIFEST} is missing in {directory_url}: the job did not end")
        return None
    return get(MANIFEST)


def _parsed(directory_url: str, content: bytes | None, problems: list[str]) -> list[str] | None:
    if content is None:
        return None
    try:
        return parse_manifest(content)
    except FormatError as error:
        problems.append(f"{error} (in {directory_url})")
        return None


def _named(names: Sequence[str]) -> str:
    files = "1 file" if len(names) == 1 else f"{len(names)} files"
    return f"{files} ({min(names)}{', ...' if len(names) > 1 else ''})"


def _files(
    files: Sequence[str],
    sizes: dict[str, int],
    get_tail: Callable[[str, int], bytes],
    notes: list[str],
) -> list[str]:
    problems = []
    if missing := [name for name in files if name not in sizes]:
        problems.append(f"{_named(missing)} of the manifest missing")
    if empty := [name for name in files if sizes.get(name) == 0]:
        problems.append(f"{_named(empty)} of the manifest empty")
    whole = [name for name in files if sizes.get(name)]
    packed = [name for name in whole if name.endswith(PACKED)]
    plain = [name for name in whole if not name.endswith(PACKED)]
    if cut := [name for name in plain if get_tail(name, 1) != b"\n"]:
        problems.append(f"{_named(cut)} cut off: the last line does not end")
    if not problems:
        there = count_of(len(files), "listed file")
        notes.append(f"{there} present, {len(plain):,} with a whole last line")
    if packed:
        notes.append(f"not checked: the end of {_named(packed)}, compressed")
    return problems


def _elsewhere(urls: Sequence[str], directory_url: str) -> list[str]:
    here = _SCHEME.sub("s3://", directory_url).rstrip("/")
    away = [url for url in urls if _SCHEME.sub("s3://", url).rpartition("/")[0] != here]
    if not away:
        return []
    return [f"the manifest points elsewhere ({away[0]}): its files were looked for beside it"]


def _orphans(files: Sequence[str], sizes: dict[str, int]) -> list[str]:
    listed = {MANIFEST, *files}
    orphans = [name for name in sizes if name not in listed and not name.startswith(("_", "."))]
    if not orphans:
        return []
    return [f"{_named(orphans)} not in the manifest, as failed attempts leave: not the backup's"]


def _bounded(
    files: Sequence[str],
    sizes: dict[str, int],
    expected: int | None,
    previous: int | None,
    tolerance_percentage: float,
    notes: list[str],
) -> list[str]:
    """Compare the most items that the files can hold with the count that is to be expected.

    Without a log nothing says how many were read; but a file has at most 100,000 items, and an
    item at least 16 bytes where it is not packed.
    """
    if not files and expected:
        return [f"the manifest lists no file, the table's count is {expected}"]
    notes.append("count unknown: no log of the job says how many items it read")
    most = sum(
        _MAX_ITEMS_PER_FILE
        if name.endswith(PACKED)
        else min(_MAX_ITEMS_PER_FILE, sizes.get(name, 0) // _MIN_LINE_BYTES)
        for name in files
    )
    reference, source = (expected, "the table's count") if expected else (previous, "last night's")
    if files and reference and is_short(most, reference, tolerance_percentage):
        return [
            f"the files can hold at most {count_of(most, 'item')}, {source} is {reference}:"
            f" more than {tolerance_percentage:g} % are missing"
        ]
    return []


def _counts(
    expected: int | None,
    read: int,
    previous: int | None,
    tolerance_percentage: float,
    notes: list[str],
) -> list[str]:
    """Compare the log's count with the table's own, or with the last night's where that is none."""
    if not expected and not previous:
        notes.append(f"{count_of(read, 'item')} read; no other count to compare with")
        return []
    # a table that reads 0 items may be stale: then last night's count is the better measure
    reference, source = (expected, "the table's count") if expected else (previous, "last night's")
    assert reference
    if read == 0 and not expected:
        notes.append(f"empty tonight, {count_of(previous or 0, 'item')} last night")
        return []
    if read == 0 or is_short(read, reference, tolerance_percentage):
        return [
            f"{count_of(read, 'item')} read, {source} is {reference}:"
            f" more than {tolerance_percentage:g} % are missing"
        ]
    notes.append(f"{count_of(read, 'item')} read, {source} is {reference}")
    if expected and previous and read < previous * (1 - tolerance_percentage / 100):
        last = count_of(previous, "item")
        notes.append(f"{last} last night, {read:,} tonight, as the table's count agrees")
    return []


def is_short(read: int, count: int, tolerance_percentage: float) -> bool:
    """Say whether more is missing than the tolerance, and than a few items, allow."""
    return read < count * (1 - tolerance_percentage / 100) and count - read > _SLACK_ITEMS


def agree(read: int, other: int) -> bool:
    """Say whether two exports read nearly the same: within 1 % of the greater number, or one item.

    What is lost on the way is not lost twice alike; what is not there is missing each time.
    """
    return abs(read - other) <= max(1, max(read, other) * _AGREEMENT)


def _agreement(files: Sequence[str], sizes: dict[str, int], read: int | None) -> list[str]:
    """Compare the count with the files: each holds 1 to 100,000 items."""
    if read is None:
        return []
    said, listed = f"{count_of(read, 'item')} read", count_of(len(files), "file")
    if read > len(files) * _MAX_ITEMS_PER_FILE:
        return [f"{said}, but the manifest lists {listed}: some are missing"]
    if read < len(files):
        return [f"{said}, but the manifest lists {listed} of 1 or more each"]
    plain_bytes = sum(sizes.get(name, 0) for name in files)
    if plain_bytes < read * _MIN_LINE_BYTES and not any(name.endswith(PACKED) for name in files):
        return [f"{said}, but the files hold only {count_of(plain_bytes, 'byte')}"]
    return []
