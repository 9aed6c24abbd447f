"""Looks a backup through, by level 1 or 2 (see `exports.findings`), and tells all that is wrong."""

from __future__ import annotations

import hashlib
from base64 import b64decode
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, replace

from hippolyte.exports import native
from hippolyte.exports.findings import (
    LISTED,
    READ,
    Checked,
    Expected,
    Finding,
    Findings,
    Seen,
)
from hippolyte.exports.gather import Gather
from hippolyte.exports.lines import Form
from hippolyte.exports.listed import Listed, files_md5
from hippolyte.exports.manifest import MANIFEST, FormatError, is_marker
from hippolyte.exports.place import Listing, Source
from hippolyte.exports.reader import COPY, Backup, DataFile, OtherFormError, content, find

_CHANGED = (
    "its files are not those that the night saw, by names, sizes and ETags: damaged, exchanged, or "
    "copied onto themselves"
)
_PART_BYTES = 1024 * 1024
# items between two words of how far it is
_SEEN_EVERY = 10_000


def check(
    place: Listing,
    level: int,
    expected: Expected | None = None,
    seen: Callable[[Seen], None] | None = None,
    after: Seen | None = None,
    gather: Gather | None = None,
) -> Checked:
    """Look a backup through, up to level 1 or 2, and go on after what is damaged.

    Of an open file some blocks are in memory, of the others their names.

    Args:
        place: where it lies.
        level: LISTED or READ.
        expected: of its catalogue entry; None: it has none, so that there may be no backup here.
        seen: is told how far it is; what it raises ends the check.
        after: the end of the last file that an earlier check has read: this one goes on there.
        gather: of level READ, gathers the keys of the files that are whole.

    Raises:
        FormatError: nothing here is a backup, or not one alone, though none is `expected`.
        OtherFormError: it is of a kind that is not read.
    """
    there = {one.name: one for one in place.listed() if not is_marker(one.name)}
    found = Findings()
    try:
        backup = find(_Known(place, there), whole=False)
        prefix = _prefix(there)
        for finding in _first(backup, place, there, prefix, expected or Expected()):
            found.add(finding)
    except OtherFormError:
        raise
    except FormatError as error:
        if expected is None and error.name is None:
            raise
        found.add(_finding(error))
        return Checked((), findings=tuple(found.first), more=found.more)
    size = sum(there[file.name].size for file in backup.files)
    items = backup.summary.items if backup.summary else None
    over = list(_written_over(backup, place, there, expected or Expected()))
    if level < READ:
        for finding in over:
            found.add(finding)
    passed: tuple[int, ...] = () if found.count else (LISTED,)
    if level >= READ:
        before = found.count
        items = _read(backup, there, found, seen or (lambda _: None), after or Seen(), gather)
        for finding in _second(items, expected or Expected()) if not found.count else ():
            found.add(finding)
        # the bytes may be what was written, whatever has become of their ETags
        if over and found.count == before and not _as_written(backup, place, there, expected):
            found.add(over[0])
        if passed and found.count == before:
            passed = (LISTED, READ)
        elif over:
            passed = ()
    return Checked(passed, len(backup.files), size, items, tuple(found.first), found.more)


@dataclass(frozen=True, slots=True)
class _Known:
    """A place that is not listed again."""

    place: Listing
    there: Collection[str]

    def names(self) -> Iterable[str]:
        return self.there

    def open(self, name: str) -> Source:
        return self.place.open(name)


def _finding(error: FormatError, name: str = "") -> Finding:
    return Finding(error.name or name, error.line, error.problem.removesuffix(f"; {COPY}"))


def _prefix(there: Iterable[str]) -> str:
    """Return the folder of a native export's manifests, with a slash at its end, or nothing."""
    names = (name for name in there if name.rpartition("/")[2] == native.SUMMARY)
    return next(names, "").removesuffix(native.SUMMARY)


def _first(
    backup: Backup,
    place: Listing,
    there: Mapping[str, Listed],
    prefix: str,
    expected: Expected,
) -> Iterator[Finding]:
    listing = MANIFEST if backup.form is Form.DYNAMODBEXPORT else prefix + native.FILES
    md5 = _md5(place, listing)
    if expected.manifest_md5 not in (None, md5):
        yield Finding(
            listing, None, f"its MD5 is {md5}, the catalogue says {expected.manifest_md5}"
        )
    yield from (Finding(name, None, "is missing") for name in backup.missing)
    for file in backup.files:
        if not there[file.name].size:
            yield Finding(file.name, None, "is empty")
    if backup.summary:
        yield from _native(backup, backup.summary, place, there, prefix, expected)
    # what is missing was told
    if backup.missing:
        return
    size = sum(there[file.name].size for file in backup.files)
    for count, said, what in (
        (len(backup.files), expected.files, "files"),
        (size, expected.bytes, "bytes"),
    ):
        if said is not None and count != said:
            yield Finding(listing, None, f"lists {count} {what}, the catalogue says {said}")


def _native(
    backup: Backup,
    summary: native.Summary,
    place: Listing,
    there: Mapping[str, Listed],
    prefix: str,
    expected: Expected,
) -> Iterator[Finding]:
    for name, beside in ((native.SUMMARY, native.SUMMARY_MD5), (native.FILES, native.FILES_MD5)):
        if prefix + beside in there:
            said = content(place, prefix + beside).decode(errors="replace").strip()
            if (md5 := _md5(place, prefix + name)) != said:
                yield Finding(prefix + name, None, f"its MD5 is {md5}, {beside} says {said:.60}")
    listed = {file.name for file in backup.files}
    data = prefix + native.DATA
    yield from (
        Finding(name, None, f"is not in {native.FILES}; an import would read it")
        for name in sorted(there)
        if name.startswith(data) and name not in listed
    )
    if expected.items not in (None, summary.items):
        text = f"says {summary.items} items, the catalogue {expected.items}"
        yield Finding(prefix + native.SUMMARY, None, text)
    if expected.table_id not in (None, summary.table_id):
        text = f"is of the table with id {summary.table_id}, the catalogue's is {expected.table_id}"
        yield Finding(prefix + native.SUMMARY, None, text)


def _written_over(
    backup: Backup, place: Listing, there: Mapping[str, Listed], expected: Expected
) -> Iterator[Finding]:
    """See by their ETags whether the objects are still what was written.

    One is the MD5 or, of uploads in parts and with keys of KMS, a text that only a copy changes.
    """
    if expected.files_md5 and not backup.missing:
        now = files_md5(there[file.name] for file in backup.files)
        if now != expected.files_md5:
            yield Finding("", None, _CHANGED)
    for file in backup.files:
        yield from _file_written_over(backup, place, file, there)


def _file_written_over(
    backup: Backup, place: Listing, file: DataFile, there: Mapping[str, Listed]
) -> Iterator[Finding]:
    etag = there[file.name].etag
    if not file.md5 or etag in ("", file.etag, b64decode(file.md5).hex()):
        return
    bucket = backup.summary.bucket if backup.summary else None
    if place.where(file.name) == f"s3://{bucket}/{file.key}":
        text = f"is not what was written: its ETag is {etag}, not {file.etag}"
        yield Finding(file.name, None, text)


def _as_written(
    backup: Backup, place: Listing, there: Mapping[str, Listed], expected: Expected | None
) -> bool:
    """Compare the MD5s of files with the ETags of then; those of a manifest were, by reading."""
    if not expected or not expected.files_md5:
        return True
    names = [file.name for file in backup.files]
    return expected.files_md5 == files_md5(
        replace(there[name], etag=_hex_md5(place, name)) for name in names
    )


def _read(
    backup: Backup,
    there: Mapping[str, Listed],
    found: Findings,
    seen: Callable[[Seen], None],
    after: Seen,
    gather: Gather | None,
) -> int:
    """Read each file to its end, or to where it is damaged; return the items that were there."""
    whole = sum(there[file.name].size for file in backup.files)
    done, items = after.bytes, after.items
    for number, file in enumerate(backup.files[after.files :], start=after.files):
        size = there[file.name].size
        if size:
            try:
                texts = backup.texts_of(file)
                if gather:
                    texts = gather.through(backup.form, file, there[file.name], texts)
                for text in texts:
                    before, items = items, items + text.items
                    if items // _SEEN_EVERY > before // _SEEN_EVERY:
                        seen(Seen(number, items, done, whole))
            except FormatError as error:
                found.add(_finding(error, file.name))
            except Exception as error:
                error.add_note(f"at {file.name}")
                raise
        done += size
        seen(Seen(number + 1, items, done, whole, tuple(found.first)))
    return items


def _second(items: int, expected: Expected) -> Iterator[Finding]:
    """Compare the number of items; each file of a native export was compared with its own."""
    if expected.items not in (None, items):
        yield Finding(
            "", None, f"its files hold {items} items, the catalogue says {expected.items}"
        )


def _md5(place: Listing, name: str) -> str:
    return native.checksum(content(place, name))


def _hex_md5(place: Listing, name: str) -> str:
    digest = hashlib.md5(usedforsecurity=False)
    with closing(place.open(name)) as source:
        while part := source.read(_PART_BYTES):
            digest.update(part)
    return digest.hexdigest()
