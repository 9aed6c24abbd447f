"""Loads into servers that are not ours: what is there is what the backup holds."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from hippolyte.exports.lines import Item, dynamodb_json
from hippolyte_cli.restore.journal import Journal
from hippolyte_cli.restore.pace import Rate
from hippolyte_cli.restore.writer import Loaded, load
from local.fleet import items as odd
from local.fleet.table_spec import TableSpec
from tests.support.loads import backup_in, dealt
from tests.support.odd_tables import ODD, a_level_less, in_order
from tests.support.real_dynamodb import RealDynamoDB, dynalite, need_real_servers
from tools.tf import REPOSITORY

FAST = Rate(100_000, 100_000)


def key_of(spec: TableSpec) -> list[str]:
    return [name for name, _ in (spec.partition_key, spec.sort_key or ("", "")) if name]


def kept(server: RealDynamoDB, table: str) -> list[Item]:
    pages = server.client().get_paginator("scan").paginate(TableName=table)
    return [dynamodb_json(item) for page in pages for item in page["Items"]]


def loaded(
    server: RealDynamoDB, spec: TableSpec, items: list[Item], at: Path, **how: Any
) -> Loaded:
    client = server.client(retries={"total_max_attempts": 1}, max_pool_connections=16)
    journal = Journal(at / "journal", {"table": spec.name, **{k: str(v) for k, v in how.items()}})
    backup = backup_in(at / "backup", dealt(items, 3))
    return load(client, spec.name, key_of(spec), backup, rate=FAST, journal=journal, **how)


@pytest.mark.parametrize("spec", ODD, ids=lambda spec: spec.name)
def test_a_load_gives_what_the_backup_holds(
    real_dynamodb: RealDynamoDB, spec: TableSpec, tmp_path: Path
) -> None:
    if (real_dynamodb.name, spec.name) == ("dynamodb-local", "values-nested-32-deep"):
        spec = replace(spec, items=a_level_less)
    spec = replace(spec, name=f"load-{spec.name}")
    items = [dynamodb_json(dict(item)) for item in spec.items()]
    real_dynamodb.create([replace(spec, items=list)])
    first = loaded(real_dynamodb, spec, items, tmp_path)
    assert (first.written, first.complete) == (len(items), True)
    assert in_order(kept(real_dynamodb, spec.name)) == in_order(items)
    assert first.units >= len(items)
    # the server spells some of it in its own way, which is no change
    again = loaded(real_dynamodb, spec, items, tmp_path, mode="only-changed")
    assert (again.same, again.written) == (len(items), 0)
    missing = loaded(real_dynamodb, spec, items, tmp_path, mode="only-missing")
    assert (missing.same, missing.written) == (len(items), 0)


_LOAD = """
import sys
from pathlib import Path
import boto3
from hippolyte.exports.reader import Folder, find
from hippolyte_cli.restore.journal import Journal
from hippolyte_cli.restore.pace import Rate
from hippolyte_cli.restore.writer import CONFIG, load
url, backup, journal = sys.argv[1:]
client = boto3.client("dynamodb", endpoint_url=url, region_name="eu-west-1", config=CONFIG,
                      aws_access_key_id="local", aws_secret_access_key="local")
load(client, "killed", ["pk"], find(Folder(Path(backup))), rate=Rate(1500),
     journal=Journal(Path(journal), {"of": "killed"}).read())
"""


def test_killed_again_and_again_it_gets_to_its_end(tmp_path: Path) -> None:
    need_real_servers()
    items = [dynamodb_json(dict(item)) for item in odd.plain(6000, "killed")()]
    (tmp_path / "backup").mkdir()
    backup_in(tmp_path / "backup", dealt(items, 5))
    chance, kills = random.Random("killed"), 0
    journal = Journal(tmp_path / "journal", {"of": "killed"})
    reached = []
    with dynalite() as server:
        server.create([TableSpec("killed", on_demand=True)])
        command = [sys.executable, "-c", _LOAD, server.url, tmp_path / "backup", journal.folder]
        environment = {**os.environ, "PYTHONPATH": "lambda:cli"}
        while True:
            process = subprocess.Popen(command, cwd=REPOSITORY, env=environment)
            deadline = time.monotonic() + 2 + 3 * chance.random()
            while process.poll() is None and time.monotonic() < deadline:
                time.sleep(0.05)
            if process.poll() is not None:
                break
            process.send_signal(signal.SIGKILL)
            process.wait()
            kills += 1
            reached.append(Journal(journal.folder, journal.of).read().lines)
        assert process.returncode == 0
        found = kept(server, "killed")
    assert kills > 0
    assert reached == sorted(reached)
    assert reached[-1] > 0
    assert in_order(found) == in_order(items)
    assert json.loads(journal.path.read_bytes())["files"]
