"""docs/reliability.md names the tests that show each promise: those names are tests."""

from __future__ import annotations

import ast
import re

from tools.tf import REPOSITORY

DOCUMENT = (REPOSITORY / "docs" / "reliability.md").read_text(encoding="utf-8")
# by path: rooms come again, and so do the names of their modules
MODULES = list((REPOSITORY / "tests").rglob("test_*.py"))
PLACES = (REPOSITORY / "lambda" / "hippolyte", REPOSITORY / "tests" / "support", REPOSITORY)


def test_every_test_that_is_named_exists() -> None:
    functions = {
        node.name
        for path in MODULES
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef)
    }
    named = set(re.findall(r"`(test_\w+)`", DOCUMENT))
    assert len(named) > 100
    assert named - functions == set()


def test_every_file_that_is_named_exists() -> None:
    for name in re.findall(r"`(test_\w+\.py)`", DOCUMENT):
        assert name in {path.name for path in MODULES}, name
    for path in re.findall(r"`((?:tests|local|lambda|cli|benchmarks)/[\w/.]*)`", DOCUMENT):
        assert (REPOSITORY / path).exists(), path
    files = set(re.findall(r"`((?!test_|tests/|local/)[\w/.]+\.(?:py|tf))`", DOCUMENT))
    assert len(files) > 20
    for path in files:
        assert any((place / path).is_file() for place in PLACES), path


def test_no_severe_weakness_of_the_original_is_without_a_test() -> None:
    section = DOCUMENT.split("## What the original did wrong")[1].split("\n## ")[0]
    rows = [line for line in section.splitlines() if line.startswith("| ")][1:]
    assert len(rows) >= 23
    for row in rows:
        assert "`test_" in row.split("|")[2], row
