"""The committed package: the bytes the source gives, and enough to run alone."""

from __future__ import annotations

import ast
import io
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tools import build_zip

SHIPPED_WITH_THE_RUNTIME = {"boto3", "botocore"}


@pytest.fixture(scope="module")
def built() -> bytes:
    return build_zip.build()


@pytest.fixture(scope="module")
def archive(built: bytes) -> zipfile.ZipFile:
    return zipfile.ZipFile(io.BytesIO(built))


def package(tmp_path: Path) -> Path:
    source = tmp_path / "hippolyte"
    (source / "engines").mkdir(parents=True)
    (source / "__init__.py").write_bytes(b'"""Doc."""\n')
    (source / "engines" / "__init__.py").write_bytes(b"")
    return source


def test_committed_package_is_what_the_source_gives(built: bytes) -> None:
    committed = build_zip.ARCHIVE.read_bytes() if build_zip.ARCHIVE.exists() else b""
    same = committed == built  # apart, so that a failure does not print both
    assert same, "lambda/hippolyte.zip is not built from this source: run `make package`"


def test_entries_are_sorted_stored_undated_and_readable_by_all(archive: zipfile.ZipFile) -> None:
    entries = archive.infolist()
    assert [entry.filename for entry in entries] == sorted(entry.filename for entry in entries)
    for entry in entries:
        assert entry.date_time == (1980, 1, 1, 0, 0, 0)
        assert entry.compress_type == zipfile.ZIP_STORED
        assert entry.create_system == 3
        assert entry.external_attr >> 16 == 0o100644
        assert not entry.extra and not entry.comment


def test_every_module_is_packed_once_and_nothing_else(archive: zipfile.ZipFile) -> None:
    wanted = {
        f"hippolyte/{path.relative_to(build_zip.SOURCE).as_posix()}"
        for path in build_zip.SOURCE.rglob("*.py")
    }
    assert sorted(archive.namelist()) == sorted(wanted | build_zip.DATA_FILES)


def test_where_and_when_it_is_built_does_not_matter(tmp_path: Path) -> None:
    one, other = package(tmp_path / "one"), package(tmp_path / "other")
    os.utime(other / "__init__.py", (0, 0))
    (other / "__init__.py").chmod(0o600)
    (other / "__pycache__").mkdir()
    (other / "__pycache__" / "x.cpython-311.pyc").write_bytes(b"\0")
    assert build_zip.build(one) == build_zip.build(other)


@pytest.mark.parametrize("name", [".DS_Store", "engines/notes.txt", "old.pyc", "module.so"])
def test_anything_unexpected_stops_the_build(tmp_path: Path, name: str) -> None:
    source = package(tmp_path)
    (source / name).write_bytes(b"")
    with pytest.raises(build_zip.PackageError, match="does not belong into the package"):
        build_zip.build(source)


def test_a_link_stops_the_build(tmp_path: Path) -> None:
    source = package(tmp_path)
    (source / "link.py").symlink_to(source / "__init__.py")
    with pytest.raises(build_zip.PackageError, match="does not belong"):
        build_zip.build(source)


def test_crlf_stops_the_build(tmp_path: Path) -> None:
    source = package(tmp_path)
    (source / "__init__.py").write_bytes(b"pass\r\n")
    with pytest.raises(build_zip.PackageError, match="CRLF"):
        build_zip.build(source)


def test_check_names_the_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(build_zip, "ROOT", tmp_path)
    monkeypatch.setattr(build_zip, "ARCHIVE", tmp_path / "hippolyte.zip")
    assert build_zip.main(["--check"]) == 1
    assert "run `make package`" in capsys.readouterr().err
    assert build_zip.main([]) == 0
    assert build_zip.main(["--check"]) == 0
    (tmp_path / "hippolyte.zip").write_bytes(b"other")
    assert build_zip.main(["--check"]) == 1


def test_the_package_imports_only_the_standard_library_and_what_the_runtime_has(
    archive: zipfile.ZipFile,
) -> None:
    allowed = sys.stdlib_module_names | SHIPPED_WITH_THE_RUNTIME | {"hippolyte"}
    foreign = []
    for name in archive.namelist():
        if not name.endswith(".py"):
            continue
        for node in ast.walk(_without_type_checking(ast.parse(archive.read(name), name))):
            modules = []
            if isinstance(node, ast.Import):
                modules = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 0, f"{name}: a relative import"
                modules = [node.module or ""]
            foreign += [
                f"{name}:{node.lineno}: {module}"  # type: ignore[attr-defined]
                for module in modules
                if module.partition(".")[0] not in allowed
            ]
    assert foreign == []


def _without_type_checking(tree: ast.Module) -> ast.Module:
    """Drop what only the type checker imports: stubs never enter the runtime."""
    tree.body = [
        node
        for node in tree.body
        if not (
            isinstance(node, ast.If)
            and isinstance(node.test, ast.Name)
            and node.test.id == "TYPE_CHECKING"
        )
    ]
    return tree


ALONE = """
import importlib, sys
sys.path.insert(0, sys.argv[1])
assert not [path for path in sys.path if path.endswith("lambda")], sys.path
for name in ("scheduler", "monitor"):
    handler = importlib.import_module(f"hippolyte.{name}").handler
    assert callable(handler)
    assert sys.modules[f"hippolyte.{name}"].__file__.startswith(sys.argv[1])
foreign = {"moto", "typer", "rich", "local", "tools"} & set(sys.modules)
assert not foreign, foreign
"""


def test_both_handlers_import_from_the_package_alone(built: bytes, tmp_path: Path) -> None:
    package = tmp_path / "hippolyte.zip"
    package.write_bytes(built)
    # -I: no environment, no current directory, only installed packages, of which boto3 is wanted
    run = subprocess.run(
        [sys.executable, "-I", "-c", ALONE, str(package)],
        capture_output=True,
        text=True,
        timeout=60,
        cwd=tmp_path,
        check=False,
    )
    assert run.returncode == 0, run.stderr
