"""Servers that speak DynamoDB's protocol and are not ours: DynamoDB Local, and dynalite.

`python -m tools.real_servers` installs them. Each is started on a port of its own, in memory.
"""

from __future__ import annotations

import os
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import BotoCoreError

from local.fleet import table_spec
from local.fleet.table_spec import TableSpec
from tools import real_servers

_START_SECONDS = 60
# ends with its standard input, so with whoever started it
_DYNALITE = """
process.stdin.resume().on("end", () => process.exit());
require(process.argv[1])({createTableMs: 0, deleteTableMs: 0, updateTableMs: 0})
  .listen(+process.argv[2], "127.0.0.1");
"""


@dataclass(frozen=True)
class RealDynamoDB:
    """A running server: its name, and the URL it listens at."""

    name: str
    url: str

    def client(self, **config: Any) -> Any:
        """Make a client; `config` is botocore's."""
        return boto3.client(
            "dynamodb",
            region_name="eu-west-1",
            endpoint_url=self.url,
            aws_access_key_id="local",
            aws_secret_access_key="local",
            config=Config(**config),
        )

    def create(self, specs: Iterable[TableSpec]) -> None:
        """Make tables with their items."""
        client = self.client()
        for spec in specs:
            table_spec.create_table(client, spec)
            client.get_waiter("table_exists").wait(
                TableName=spec.name, WaiterConfig={"Delay": 0.1, "MaxAttempts": 100}
            )
            table_spec.put_items(client, spec)


def need_real_servers() -> None:
    """Skip where they are not installed, with the reason; fail where they are required."""
    if why := real_servers.missing():
        (pytest.fail if real_servers.required() else pytest.skip)(
            f"DynamoDB Local, dynalite, asl-validator: {why}"
        )


@contextmanager
def dynamodb_local() -> Iterator[RealDynamoDB]:
    """Run AWS's DynamoDB Local."""

    def command(port: int) -> list[str]:
        return [
            *("java", "-Xmx1g", "-Djava.library.path=./DynamoDBLocal_lib"),
            *("-jar", real_servers.DYNAMODB_LOCAL.name, "-port", str(port)),
            *("-inMemory", "-sharedDb", "-disableTelemetry"),
        ]

    with _running("dynamodb-local", command, real_servers.DYNAMODB_LOCAL.parent) as made:
        yield made


@contextmanager
def dynalite() -> Iterator[RealDynamoDB]:
    """Run dynalite."""

    def command(port: int) -> list[str]:
        return ["node", "-e", _DYNALITE, str(real_servers.DYNALITE), str(port)]

    with _running("dynalite", command, real_servers.BUILD) as made:
        yield made


SERVERS = {"dynamodb-local": dynamodb_local, "dynalite": dynalite}


@contextmanager
def _running(
    name: str, command: Callable[[int], list[str]], folder: Path
) -> Iterator[RealDynamoDB]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    environment = {k: v for k, v in os.environ.items() if not k.startswith("AWS_")}
    with (
        tempfile.TemporaryFile() as output,
        subprocess.Popen(
            command(port),
            cwd=folder,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
        ) as process,
    ):
        try:
            made = RealDynamoDB(name, f"http://127.0.0.1:{port}")
            _wait_for(made, process, output)
            yield made
        finally:
            process.terminate()


def _wait_for(made: RealDynamoDB, process: subprocess.Popen[bytes], output: Any) -> None:
    client = made.client(connect_timeout=1, retries={"total_max_attempts": 1})
    deadline = time.monotonic() + _START_SECONDS
    while True:
        try:
            client.list_tables()
            return
        except BotoCoreError as error:
            if process.poll() is not None or time.monotonic() > deadline:
                output.seek(0)
                said = output.read()[-2000:].decode(errors="replace")
                raise RuntimeError(f"{made.name} does not start: {said}") from error
            time.sleep(0.1)
