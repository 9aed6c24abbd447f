"""The commands that a document tells its readers to give."""

from __future__ import annotations

import re

from tools.tf import REPOSITORY


def commands_of(document: str) -> list[str]:
    """Return the lines of the shell blocks of docs/`document`, without their remarks."""
    text = (REPOSITORY / "docs" / document).read_text(encoding="utf-8")
    blocks = re.findall(r"```sh\n(.*?)```", text, flags=re.DOTALL)
    return [line.partition("  #")[0].strip() for block in blocks for line in block.splitlines()]
