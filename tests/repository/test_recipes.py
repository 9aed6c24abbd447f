"""The recipes of the documents hide nothing: what they cannot do, they say."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tools.tf import REPOSITORY

DOCUMENTS = sorted([*REPOSITORY.glob("docs/*.md"), *REPOSITORY.glob("*.md")])
INDEX = {
    "IndexName": "by-day",
    "KeySchema": [{"AttributeName": "day", "KeyType": "HASH"}],
    "Projection": {"ProjectionType": "ALL"},
    "IndexStatus": "ACTIVE",
}
TABLE: dict[str, Any] = {
    "TableName": "orders",
    "TableId": "1",
    "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
    "AttributeDefinitions": [
        {"AttributeName": name, "AttributeType": "S"} for name in ("pk", "day")
    ],
    "GlobalSecondaryIndexes": [INDEX],
    "LocalSecondaryIndexes": [INDEX | {"IndexName": "local"}],
    "VectorIndexes": [{"IndexName": "by-meaning", "IndexStatus": "ACTIVE"}],
    "StreamSpecification": {"StreamEnabled": True},
}


def test_no_download_hides_that_nothing_was_there() -> None:
    """With `--quiet` a night that is missing says nothing, and what was loaded before is taken."""
    found = [
        f"{path.name}: {line}"
        for path in DOCUMENTS
        for line in path.read_text(encoding="utf-8").splitlines()
        if "aws s3" in line and "--quiet" in line
    ]
    assert found == []


@pytest.fixture
def entry(tmp_path: Path) -> Path:
    path = tmp_path / "entry.json"
    answers = {"DescribeTable": [{"Table": TABLE}]}
    # an SDK that is older than vector indexes drops them from the definition
    old = {name: value for name, value in TABLE.items() if name != "VectorIndexes"}
    path.write_text(json.dumps({"definition": old, "settings": {"answers": answers}}))
    return path


def recipe(begin: str, entry: Path) -> str:
    """Run the jq program of docs/restore-by-hand.md that begins so."""
    if not shutil.which("jq"):
        pytest.skip("jq is not installed (a package of Debian)")
    text = (REPOSITORY / "docs" / "restore-by-hand.md").read_text(encoding="utf-8")
    (found,) = re.findall(re.escape(begin) + r".*?/tmp/entry\.json", text, flags=re.DOTALL)
    command = found.replace("/tmp/entry.json", str(entry))
    shell = subprocess.run(
        ["/bin/sh", "-c", command],
        env={"PATH": "/usr/bin:/bin:/usr/local/bin", "TABLE": "orders"},
        stdout=subprocess.PIPE,
        check=True,
        text=True,
    )
    return shell.stdout


def test_what_a_recipe_does_not_make_is_said(entry: Path) -> None:
    said = recipe("jq -r --arg made", entry).splitlines()
    assert said == [
        "NOT MADE: local of LocalSecondaryIndexes",
        "NOT MADE: by-meaning of VectorIndexes",
        "SET BY HAND: StreamSpecification",
    ]


@pytest.mark.parametrize("import_table", [True, False])
def test_what_it_makes(entry: Path, import_table: bool) -> None:
    begin = 'jq --arg name "$TABLE-restored" \'def index: {IndexName, KeySchema, Projection};\n'
    begin += "  ." if import_table else "     ."
    made = json.loads(recipe(begin, entry))
    assert made["TableName"] == "orders-restored"
    assert [index["IndexName"] for index in made["GlobalSecondaryIndexes"]] == ["by-day"]
    assert ("LocalSecondaryIndexes" in made) is not import_table
