"""A wheel of the command line: it has all modules and the version, and runs where it is put."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import hippolyte

ROOT = Path(__file__).resolve().parents[2]


def run(*command: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    surroundings = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    return subprocess.run(
        [str(part) for part in command],
        capture_output=True,
        text=True,
        check=False,
        env=surroundings | environment,
    )


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build it of a copy: a build leaves folders beside what it builds."""
    source = tmp_path_factory.mktemp("source")
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    for name in ("lambda/hippolyte", "cli/hippolyte_cli"):
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    to = tmp_path_factory.mktemp("wheel")
    pip = (sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check")
    built = run(*pip, "wheel", "--no-deps", "--wheel-dir", to, source)
    if built.returncode and os.environ.get("HIPPOLYTE_REAL") != "required":
        pytest.skip(f"no wheel can be built here: {built.stderr[-200:]}")
    assert built.returncode == 0, built.stderr
    (found,) = to.iterdir()
    return found


def test_the_wheel_is_named_by_the_version_of_the_package(wheel: Path) -> None:
    assert wheel.name == f"hippolyte-{hippolyte.__version__}-py3-none-any.whl"


def test_the_wheel_has_every_module(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        packed = {name for name in archive.namelist() if ".dist-info/" not in name}
    there = {
        path.relative_to(ROOT / root).as_posix()
        for root in ("lambda", "cli")
        for path in (ROOT / root).rglob("*.py")
    }
    assert packed == there


def test_the_wheel_names_all_that_the_command_needs(wheel: Path) -> None:
    """Without an extra: what is not asked for would be missing when it is started."""
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith("METADATA"))
        lines = archive.read(name).decode().splitlines()
    needed = {line.removeprefix("Requires-Dist: ") for line in lines if "Requires-Dist" in line}
    assert {re.split(r"[^a-z0-9]", each)[0] for each in needed} == {"boto3", "rich", "typer"}
    assert not any("extra" in each for each in needed)


def test_what_is_installed_says_the_version_and_what_it_can_do(wheel: Path, tmp_path: Path) -> None:
    pip = (sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check")
    installed = run(*pip, "install", "--no-deps", "--no-index", "--target", tmp_path, wheel)
    assert installed.returncode == 0, installed.stderr
    command = tmp_path / "bin" / "hippolyte"
    said = run(sys.executable, command, "--version", PYTHONPATH=str(tmp_path))
    assert (said.returncode, said.stdout) == (0, f"hippolyte {hippolyte.__version__}\n"), said
    helped = run(sys.executable, command, "list", "--help", PYTHONPATH=str(tmp_path))
    assert helped.returncode == 0, helped.stderr
    assert "--profile" in helped.stdout


def test_completion_is_made_for_the_shell(tmp_path: Path) -> None:
    """Of the installed command; as a shell asks for it."""
    said = run(
        sys.executable,
        *("-m", "hippolyte_cli"),
        PYTHONPATH=os.pathsep.join([str(ROOT / "lambda"), str(ROOT / "cli")]),
        _HIPPOLYTE_COMPLETE="complete_bash",
        COMP_WORDS="hippolyte re",
        COMP_CWORD="1",
    )
    assert set(said.stdout.split()) == {"release", "report", "restore"}, said
