"""What is in this folder is pure: no local AWS in it, nor in what it takes from tests/support."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
HERE = sorted(Path(__file__).parent.rglob("*.py"))
DOUBLES = ("local", "moto")
# arithmetic, which the double shares with a model of the same rules
ARITHMETIC = "local.dynamodb.buckets."


def imported(file: Path) -> Iterator[str]:
    """Yield the modules a file imports, at its top or inside."""
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@cache
def way_to_a_double(file: Path) -> tuple[str, ...]:
    """Return the imports that lead from a file to a double of AWS, none if it is pure."""
    for name in imported(file):
        if name.startswith(ARITHMETIC):
            continue
        if name.split(".")[0] in DOUBLES:
            return (name,)
        if name.startswith("tests."):
            parts = name.split(".")[1:]
            for module in (TESTS.joinpath(*parts), TESTS.joinpath(*parts[:-1])):
                if (source := module.with_suffix(".py")).is_file() and (
                    way := way_to_a_double(source)
                ):
                    return (name, *way)
    return ()


@pytest.mark.parametrize("file", HERE, ids=lambda file: str(file.relative_to(TESTS)))
def test_no_unit_test_needs_a_double(file: Path) -> None:
    assert way_to_a_double(file) == ()


def test_the_way_to_a_double_is_found() -> None:
    assert way_to_a_double(TESTS / "components" / "test_store.py") == ("moto.mock_aws",)
    way = way_to_a_double(TESTS / "components" / "leases" / "test_lease_moves.py")
    assert way[0].startswith("tests.support.harness.")
    assert way[-1].startswith("local.")


def test_no_test_imports_another() -> None:
    """What tests share is in tests/support: a test that is imported is collected for another."""
    found = [
        f"{file.relative_to(TESTS)}: {name}"
        for file in sorted(TESTS.rglob("*.py"))
        for name in imported(file)
        if name.startswith("tests.") and not name.startswith("tests.support")
    ]
    assert found == []


def test_what_the_double_shares_is_arithmetic() -> None:
    file = TESTS.parent / "local" / "dynamodb" / "buckets.py"
    assert all(name.split(".")[0] in sys.stdlib_module_names for name in imported(file))
