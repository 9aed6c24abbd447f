"""Build lambda/hippolyte.zip from lambda/hippolyte: the same source gives the same bytes anywhere.

Sorted names, one date, one mode, stored and not deflated (deflated bytes depend on the zlib build),
nothing of the machine or the moment. `--check` compares with the committed file instead.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "lambda" / "hippolyte"
ARCHIVE = ROOT / "lambda" / "hippolyte.zip"

# files besides *.py that belong into the package, relative to it
DATA_FILES: frozenset[str] = frozenset()

_DATE = (1980, 1, 1, 0, 0, 0)  # the earliest a zip can hold
_UNIX = 3
# Lambda unpacks as one user and runs as another: every entry must be readable by all
_MODE = 0o100644


class PackageError(Exception):
    """When the source holds what does not belong into the package."""


def sources(source: Path = SOURCE) -> list[tuple[str, Path]]:
    """Return the entries of the archive, name and file, sorted by name.

    Raises:
        PackageError: a file that is neither Python nor declared, a link, CRLF line ends.
    """
    entries = []
    for path in source.rglob("*"):
        relative = path.relative_to(source)
        if path.is_dir() or "__pycache__" in relative.parts:
            continue
        name = relative.as_posix()
        if path.is_symlink() or (path.suffix != ".py" and name not in DATA_FILES):
            raise PackageError(
                f"{path} does not belong into the package: remove it, or declare it in"
                " DATA_FILES of tools/build_zip.py"
            )
        if path.suffix == ".py" and b"\r" in path.read_bytes():
            raise PackageError(f"{path} has CRLF line ends, which change the package: use LF")
        entries.append((f"{source.name}/{name}", path))
    if missing := DATA_FILES - {name.partition("/")[2] for name, _ in entries}:
        raise PackageError(f"declared in DATA_FILES but not there: {', '.join(sorted(missing))}")
    return sorted(entries)


def build(source: Path = SOURCE) -> bytes:
    """Return the archive."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, path in sources(source):
            entry = zipfile.ZipInfo(name, _DATE)
            entry.create_system = _UNIX
            entry.external_attr = _MODE << 16
            archive.writestr(entry, path.read_bytes())
    return buffer.getvalue()


def main(argv: list[str] | None = None) -> int:
    """Build or check; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tools.build_zip", description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare, do not write")
    options = parser.parse_args(argv)
    try:
        body = build()
    except PackageError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    name = ARCHIVE.relative_to(ROOT)
    if options.check:
        if not ARCHIVE.exists() or ARCHIVE.read_bytes() != body:
            print(
                f"error: {name} is not built from this source: run `make package`", file=sys.stderr
            )
            return 1
        print(f"{name} is up to date")
        return 0
    ARCHIVE.write_bytes(body)
    print(f"{name}: {len(body)} bytes, SHA-256 {hashlib.sha256(body).hexdigest()}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
