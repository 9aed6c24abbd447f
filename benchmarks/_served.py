"""Servers of benchmarks: modules that print their port, and end with their standard input."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def served(module: str, *arguments: object) -> Iterator[tuple[str, list[int]]]:
    """Run a server in a process of its own; yield its URL, and what else it prints."""
    command = [sys.executable, "-m", f"benchmarks.{module}", *map(str, arguments)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout and process.stdin
        port, *more = map(int, process.stdout.readline().split())
        yield f"http://127.0.0.1:{port}", more
        process.stdin.close()


def environment(url: str) -> dict[str, str]:
    """Return the environment of a program that calls a server, and nothing else."""
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith("AWS_")},
        "AWS_ENDPOINT_URL": url,
        "AWS_ACCESS_KEY_ID": "x",
        "AWS_SECRET_ACCESS_KEY": "x",
        "AWS_DEFAULT_REGION": "eu-west-1",
        "AWS_EC2_METADATA_DISABLED": "true",
    }
