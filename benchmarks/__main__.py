"""`python -m benchmarks [--small] [names]`: run every module's `main` in turn, or those named.

`--small`: with so little to do that it is over in a minute; the figures say nothing then.
"""

from __future__ import annotations

import importlib
import pkgutil
import sys

import benchmarks


def main(arguments: list[str]) -> None:
    """Run the benchmarks that are named, all if none is."""
    small = "--small" in arguments
    names = [each for each in arguments if each != "--small"]
    there = sorted(module.name for module in pkgutil.iter_modules(benchmarks.__path__))
    there = [name for name in there if not name.startswith("_")]
    if unknown := set(names) - set(there):
        sys.exit(f"unknown: {', '.join(sorted(unknown))}; there are {', '.join(there)}")
    for name in names or there:
        importlib.import_module(f"benchmarks.{name}").main(small)
        print()


if __name__ == "__main__":
    main(sys.argv[1:])
