"""Where the installed command begins. It imports next to nothing, for ctrl-c to end it quietly."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Literal, TextIO

REFUSED, FAULT, STOPPED = 2, 70, 130
"""Exit codes: not like this; a fault of the command itself, with a traceback; ctrl-c."""


def main() -> None:
    """Run the command."""
    # a stream that whoever starts it has closed is none at all
    sys.stdin = sys.stdin or _nowhere("r")
    sys.stdout = sys.stdout or _nowhere("w")
    sys.stderr = sys.stderr or _nowhere("w")
    for name in ("COLUMNS", "LINES"):
        # of a terminal that nobody measured: in no room nothing would be said
        if not os.environ.get(name, "").strip("0"):
            os.environ.pop(name, None)
    try:
        # takes a second
        from hippolyte_cli.main import app

        for stream in (sys.stdout, sys.stderr):
            # a console of another code page shows ? for what it does not have
            stream.reconfigure(errors="replace")  # type: ignore[union-attr]
        app(prog_name="hippolyte")
    except KeyboardInterrupt:
        sys.exit(STOPPED)
    except OSError as error:
        # what a verb does not tell itself: of a help, say, on a full disk
        sys.stderr.write(f"Error: {error}\n")
        sys.exit(REFUSED)
    except Exception:  # noqa: BLE001 (told, whatever it is)
        import traceback

        traceback.print_exc()
        sys.stderr.write("A fault of hippolyte itself: please report it, with the lines above.\n")
        sys.exit(FAULT)


def _nowhere(mode: Literal["r", "w"]) -> TextIO:
    return Path(os.devnull).open(mode, encoding="utf-8")
