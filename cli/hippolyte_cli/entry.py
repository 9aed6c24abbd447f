"""Where the installed command begins. It imports next to nothing, for ctrl-c to end it quietly."""

from __future__ import annotations

import sys

FAULT, STOPPED = 70, 130
"""Exit codes: a fault of the command itself, with a traceback; ctrl-c."""


def main() -> None:
    """Run the command."""
    try:
        # takes a second
        from hippolyte_cli.main import app

        for stream in (sys.stdout, sys.stderr):
            # a console of another code page shows ? for what it does not have
            stream.reconfigure(errors="replace")  # type: ignore[union-attr]
        app(prog_name="hippolyte")
    except KeyboardInterrupt:
        sys.exit(STOPPED)
    except Exception:  # noqa: BLE001 (told, whatever it is)
        import traceback

        traceback.print_exc()
        sys.stderr.write("A fault of hippolyte itself: please report it, with the lines above.\n")
        sys.exit(FAULT)
