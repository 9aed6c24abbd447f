"""`python -m benchmarks [names]`: run every module's `main` in turn, or those named."""

from __future__ import annotations

import importlib
import pkgutil
import sys

import benchmarks


def main(names: list[str]) -> None:
    """Run the benchmarks called `names`, all if none is given."""
    there = sorted(module.name for module in pkgutil.iter_modules(benchmarks.__path__))
    there = [name for name in there if not name.startswith("_")]
    if unknown := set(names) - set(there):
        sys.exit(f"unknown: {', '.join(sorted(unknown))}; there are {', '.join(there)}")
    for name in names or there:
        importlib.import_module(f"benchmarks.{name}").main()
        print()


if __name__ == "__main__":
    main(sys.argv[1:])
