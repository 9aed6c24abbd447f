"""Parts of an earlier commit, beside this tree's."""

from __future__ import annotations

import io
import subprocess
import tarfile
from collections.abc import Sequence
from pathlib import Path

from tools.tf import REPOSITORY


def tree_of(commit: str, parts: Sequence[str]) -> Path | None:
    """Return where the parts of an earlier commit lie; None: this clone does not have it."""
    tree = REPOSITORY / "build" / f"bench-{commit}"
    if not tree.exists():
        git = ["git", "-C", str(REPOSITORY), "archive", "--format=tar", commit, *parts]
        packed = subprocess.run(git, capture_output=True)
        if packed.returncode:
            return None
        with tarfile.open(fileobj=io.BytesIO(packed.stdout)) as archive:
            archive.extractall(tree, filter="data")
    return tree
