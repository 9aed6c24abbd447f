"""One text for what all files of a backup are."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from dataclasses import replace

import pytest

from hippolyte.exports.listed import Listed, files_md5

FILES = [Listed("b", 12, "0f-2"), Listed("a", 3, "9e")]


def test_it_is_as_documented_whatever_the_order() -> None:
    text = b"a\t3\t9e\nb\t12\t0f-2\n"
    said = b64encode(hashlib.md5(text, usedforsecurity=False).digest()).decode()
    assert files_md5(FILES) == files_md5(FILES[::-1]) == said


@pytest.mark.parametrize("changed", [{"name": "c"}, {"size": 13}, {"etag": "0f-3"}])
def test_each_part_counts(changed: dict[str, object]) -> None:
    other = [replace(FILES[0], **changed), FILES[1]]  # type: ignore[arg-type]
    assert files_md5(other) != files_md5(FILES)
    assert files_md5(FILES[:1]) != files_md5(FILES)
