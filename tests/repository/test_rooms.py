"""The rule between the rooms of the code, read from its imports: who may know whom.

Imports in functions and for type hints count as any other.
"""

from __future__ import annotations

import ast
import shutil
from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from importlib.util import resolve_name
from pathlib import Path

import pytest

from tools.tf import REPOSITORY

MOST_LINES = 300
SHARED = (
    *("__init__", "clients", "clock", "errors"),
    *(
        "parameters",
        "record_form",
        "settings",
        "settings_form",
        "share",
        "store",
        "verdicts",
        "words",
    ),
)
AROUND = (
    *("announcements", "asked", "assembly", "existence", "existence_looks", "existence_room"),
    *("link", "overdue"),
    *("check", "preflight", "preflight_calls", "read_back", "trial_messages"),
)
DOORS = ("exporter", "fleet", "monitor", "scheduler")
_UNDER_THE_NIGHT = ("tables", "planning", "records", "leases", "report", "engines", "exports")
# the product's rooms, each with those it may know beside itself and the shared files
ROOMS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("shared", ()),
    ("tables", ()),
    ("planning", ("tables",)),
    ("records", ("tables", "planning")),
    ("leases", ("tables", "planning", "records")),
    ("report", ("tables", "planning", "records")),
    ("engines", ("tables", "planning")),
    ("exports", ()),
    ("scan", ("exports",)),
    ("night", _UNDER_THE_NIGHT),
    ("around", (*_UNDER_THE_NIGHT, "scan", "night")),
    ("doors", (*_UNDER_THE_NIGHT, "scan", "night", "around")),
)
# what each tree may import of the others; the product and the command line know nobody outside
TREES: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("lambda", "hippolyte", ()),
    ("cli", "hippolyte_cli", ("hippolyte",)),
    # the double writes exports as the product reads them, sets its clock, and makes a scan's calls
    (".", "local", ("hippolyte.exports", "hippolyte.clock", "hippolyte.scan.runner", "tools")),
)
OURS = ("hippolyte", "hippolyte_cli", "local", "tests", "tools", "benchmarks")

Imports = Mapping[str, frozenset[str]]


def complaints(root: Path) -> list[str]:
    """Return what the code of a repository does against the rule, one line each."""
    return [line for tree in TREES for line in _of_tree(root, *tree)]


def _of_tree(root: Path, folder: str, package: str, known: tuple[str, ...]) -> Iterator[str]:
    files = {
        _module(path.relative_to(root / folder)): path
        for path in sorted((root / folder / package).rglob("*.py"))
    }
    for name, path in files.items():
        lines = len(path.read_text(encoding="utf-8").splitlines())
        if lines > MOST_LINES:
            yield f"{name} has {lines} lines"
    imports = {name: frozenset(_imports(name, path, files)) for name, path in files.items()}
    for name, wanted in imports.items():
        for other in sorted(wanted):
            if not _may(name, other, package, known):
                yield f"{name} imports {other}"
    if package == "hippolyte":
        yield from (f"{name} is in no room" for name in files if _room(name) not in dict(ROOMS))
    yield from _circles(imports)


def _module(path: Path) -> str:
    parts = path.with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _imports(name: str, path: Path, files: Mapping[str, Path]) -> Iterator[str]:
    """Yield the modules of ours that a file imports."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        found: list[str] = []
        if isinstance(node, ast.Import):
            found = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            inside = name if path.name == "__init__.py" else name.rpartition(".")[0]
            base = resolve_name("." * node.level + (node.module or ""), inside)
            # a module of a package, or something of a module
            found = [
                whole if (whole := f"{base}.{alias.name}") in files or base in OURS else base
                for alias in node.names
            ]
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith("import_module"):
            found = [a.value for a in node.args if isinstance(a, ast.Constant)]
        yield from (other for other in found if other.split(".")[0] in OURS and other != name)


def _may(name: str, other: str, package: str, known: tuple[str, ...]) -> bool:
    if other == package or other.startswith(f"{package}."):
        return package != "hippolyte" or _rooms_allow(_room(name), _room(other))
    if package == "hippolyte_cli" and _room(other) == "doors":
        return False
    return any(other == one or other.startswith(f"{one}.") for one in known)


def _room(name: str) -> str:
    """Return the product's room that a module is in."""
    first = [*name.split("."), "__init__"][1]
    if first in SHARED or first.startswith("__"):
        return "shared"
    if first in AROUND:
        return "around"
    return "doors" if first in DOORS else first


def _rooms_allow(room: str, other: str) -> bool:
    # a door is a contract with AWS, not a library
    itself = room if room != "doors" else "shared"
    return other in (itself, "shared", *dict(ROOMS).get(room, ()))


def _circles(imports: Imports) -> Iterator[str]:
    try:
        TopologicalSorter({n: i & imports.keys() for n, i in imports.items()}).prepare()
    except CycleError as error:
        names = error.args[1][1:]
        # where it is found to begin is chance
        first = names.index(min(names))
        yield f"a circle: {' -> '.join([*names[first:], *names[: first + 1]])}"


def test_each_room_knows_only_those_below_it() -> None:
    below: set[str] = set()
    for room, known in ROOMS:
        assert set(known) <= below, room
        below.add(room)


@pytest.mark.parametrize("tree", TREES, ids=[package for _, package, _ in TREES])
def test_the_code_keeps_to_the_rule(tree: tuple[str, str, tuple[str, ...]]) -> None:
    folder, package, _ = tree
    assert (REPOSITORY / folder / package).is_dir()
    assert list(_of_tree(REPOSITORY, *tree)) == []


def put(root: Path, files: Mapping[str, str]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return root


HINT = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    "
GOOD = {
    "lambda/hippolyte/__init__.py": "",
    "lambda/hippolyte/store.py": "import json\nimport boto3\nfrom hippolyte import errors\n",
    "lambda/hippolyte/errors.py": "",
    "lambda/hippolyte/records/__init__.py": "",
    "lambda/hippolyte/records/runs.py": "from hippolyte.store import Store\n",
    "lambda/hippolyte/records/ledger.py": "from hippolyte.records import runs\n" + 299 * "\n",
    "lambda/hippolyte/exports/reader.py": "from . import manifest\nfrom ..store import Store\n",
    "lambda/hippolyte/exports/manifest.py": "",
    "lambda/hippolyte/scan/pace.py": "from hippolyte.exports import manifest\n",
    "lambda/hippolyte/night/sweep.py": "from hippolyte.records.runs import Run\n",
    "lambda/hippolyte/assembly.py": "from hippolyte.night import sweep\n",
    "lambda/hippolyte/monitor.py": "from hippolyte.assembly import begin\n",
    "lambda/hippolyte/scheduler.py": "from hippolyte import assembly\n",
    "cli/hippolyte_cli/main.py": "import hippolyte.assembly\nfrom hippolyte.night import sweep\n",
    "local/world.py": "def f():\n    from local.core import clock\n",
    "local/core/clock.py": "",
    "local/programs/export.py": "def f():\n    from hippolyte.exports import manifest\n",
}


def test_what_the_rule_allows_is_allowed(tmp_path: Path) -> None:
    assert complaints(put(tmp_path, GOOD)) == []


@pytest.mark.parametrize(
    ("files", "said"),
    [
        (
            {"lambda/hippolyte/leases/take.py": "from hippolyte.engines.emr import EmrEngine\n"},
            ["hippolyte.leases.take imports hippolyte.engines.emr"],
        ),
        (
            {"lambda/hippolyte/exports/reader.py": "import hippolyte.records.runs\n"},
            ["hippolyte.exports.reader imports hippolyte.records.runs"],
        ),
        (
            {"lambda/hippolyte/exports/manifest.py": "from hippolyte.scan import pace\n"},
            [
                "hippolyte.exports.manifest imports hippolyte.scan.pace",
                "a circle: hippolyte.exports.manifest -> hippolyte.scan.pace"
                " -> hippolyte.exports.manifest",
            ],
        ),
        (
            {"lambda/hippolyte/scan/loop.py": "from hippolyte.records.runs import Run\n"},
            ["hippolyte.scan.loop imports hippolyte.records.runs"],
        ),
        (
            {"lambda/hippolyte/night/sweep.py": "from hippolyte.scan.loop import Loop\n"},
            ["hippolyte.night.sweep imports hippolyte.scan.loop"],
        ),
        (
            {"lambda/hippolyte/verdicts.py": HINT + "from hippolyte.records.runs import Run\n"},
            ["hippolyte.verdicts imports hippolyte.records.runs"],
        ),
        (
            {"lambda/hippolyte/planning/plan.py": "def f():\n    from ..night import sweep\n"},
            ["hippolyte.planning.plan imports hippolyte.night.sweep"],
        ),
        (
            {"lambda/hippolyte/monitor.py": "from hippolyte import scheduler\n"},
            ["hippolyte.monitor imports hippolyte.scheduler"],
        ),
        (
            {"lambda/hippolyte/store.py": "from local.world import World\n"},
            ["hippolyte.store imports local.world"],
        ),
        (
            {"lambda/hippolyte/helpers.py": "", "lambda/hippolyte/utils/text.py": ""},
            ["hippolyte.helpers is in no room", "hippolyte.utils.text is in no room"],
        ),
        (
            {"cli/hippolyte_cli/main.py": "from hippolyte.monitor import handler\n"},
            ["hippolyte_cli.main imports hippolyte.monitor"],
        ),
        (
            {"cli/hippolyte_cli/main.py": "from tests.support import harness\n"},
            ["hippolyte_cli.main imports tests.support"],
        ),
        (
            {"local/world.py": "import importlib\nimportlib.import_module('hippolyte.store')\n"},
            ["local.world imports hippolyte.store"],
        ),
        (
            {"local/core/clock.py": HINT + "from local.world import World\n"},
            ["a circle: local.core.clock -> local.world -> local.core.clock"],
        ),
        (
            {"cli/hippolyte_cli/a.py": "from hippolyte_cli import b\n"}
            | {"cli/hippolyte_cli/b.py": "def f():\n    from hippolyte_cli import a\n"},
            ["a circle: hippolyte_cli.a -> hippolyte_cli.b -> hippolyte_cli.a"],
        ),
        (
            {"lambda/hippolyte/records/runs.py": "from hippolyte.records.ledger import Ledger\n"},
            [
                "a circle: hippolyte.records.ledger -> hippolyte.records.runs -> "
                "hippolyte.records.ledger"
            ],
        ),
        (
            {"lambda/hippolyte/records/runs.py": 301 * "\n"},
            ["hippolyte.records.runs has 301 lines"],
        ),
        ({"cli/hippolyte_cli/main.py": 301 * "\n"}, ["hippolyte_cli.main has 301 lines"]),
        ({"local/core/clock.py": 301 * "\n"}, ["local.core.clock has 301 lines"]),
    ],
)
def test_what_the_rule_forbids_is_said(
    tmp_path: Path, files: Mapping[str, str], said: list[str]
) -> None:
    assert complaints(put(tmp_path, GOOD | files)) == said


@pytest.mark.parametrize("name", ["store.py", "tables/table.py", "engines/emr.py", "overdue.py"])
def test_a_door_known_to_a_module_of_the_product_is_seen(tmp_path: Path, name: str) -> None:
    root = tmp_path / "lambda" / "hippolyte"
    shutil.copytree(REPOSITORY / "lambda" / "hippolyte", root)
    assert complaints(tmp_path) == []
    text = (root / name).read_text(encoding="utf-8")
    (root / name).write_text(f"{text}\n\ndef f():\n    import hippolyte.scheduler\n")
    said = complaints(tmp_path)
    module = name.removesuffix(".py").replace("/", ".")
    assert f"hippolyte.{module} imports hippolyte.scheduler" in said
