"""Install what `tests/real` judges by into `build/real`: two servers, and a validator.

They are pinned by `requirements/real`. `python -m tools.real_servers`, part of `make test`; without
them these tests are skipped with the reason, but fail where `HIPPOLYTE_REAL=required` is set, as in
continuous integration.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
PINS = REPOSITORY / "requirements" / "real"
BUILD = REPOSITORY / "build" / "real"
DYNALITE = BUILD / "node_modules" / "dynalite"
ASL_VALIDATOR = BUILD / "node_modules" / "asl-validator"
DYNAMODB_LOCAL = BUILD / "package" / "emulator" / "DynamoDBLocal.jar"
PROGRAMS = ("npm", "node", "java")


def required() -> bool:
    """Say whether the tests may not be skipped."""
    return os.environ.get("HIPPOLYTE_REAL") == "required"


def missing() -> str:
    """Return why the servers cannot be started, empty if they can."""
    programs = [name for name in PROGRAMS if not shutil.which(name)]
    if programs:
        return f"not on the PATH: {', '.join(programs)}"
    if not (DYNALITE.is_dir() and ASL_VALIDATOR.is_dir() and DYNAMODB_LOCAL.is_file()):
        return "not installed: run `make test`, or `python -m tools.real_servers`"
    return ""


def install() -> None:
    """Install all; what npm says on failure is raised."""
    shutil.rmtree(BUILD, ignore_errors=True)
    BUILD.mkdir(parents=True)
    for name in ("package.json", "package-lock.json"):
        shutil.copy(PINS / name, BUILD)
    _npm("ci", "--ignore-scripts", "--no-audit", "--no-fund")
    pin = json.loads((PINS / "dynamodb-local.json").read_text(encoding="utf-8"))
    archive = BUILD / _npm("pack", "--silent", pin["package"]).split()[-1]
    digest = hashlib.sha512(archive.read_bytes()).digest()
    if "sha512-" + base64.b64encode(digest).decode() != pin["integrity"]:
        raise OSError(f"{archive.name} is not the archive that is pinned")
    with tarfile.open(archive) as tar:
        tar.extractall(BUILD, filter="data")
    archive.unlink()


def _npm(*arguments: str) -> str:
    run = subprocess.run(["npm", *arguments], cwd=BUILD, capture_output=True, text=True)
    if run.returncode:
        raise OSError(f"npm {arguments[0]} failed: {run.stderr.strip()}")
    return run.stdout


def main() -> None:
    """Install if needed."""
    try:
        install()
    except (OSError, tarfile.TarError) as error:
        sys.exit(f"the servers of tests/real cannot be installed: {error}")


if __name__ == "__main__":
    main()
