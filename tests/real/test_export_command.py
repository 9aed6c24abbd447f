"""`hippolyte export` reads what servers that are not ours hold."""

from __future__ import annotations

from pathlib import Path

import pytest

from hippolyte.exports import reader
from tests.support.commands import command
from tests.support.real_dynamodb import RealDynamoDB

NUMBER = 300


@pytest.fixture
def table(real_dynamodb: RealDynamoDB, monkeypatch: pytest.MonkeyPatch) -> str:
    """A table on a server that the command finds by its environment."""
    for name, value in {
        "AWS_ENDPOINT_URL_DYNAMODB": real_dynamodb.url,
        # there is nothing else
        "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_SECRET_ACCESS_KEY": "local",
    }.items():
        monkeypatch.setenv(name, value)
    client = real_dynamodb.client()
    client.create_table(
        TableName="by-hand",
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "N"}],
        ProvisionedThroughput={"ReadCapacityUnits": 1000, "WriteCapacityUnits": 1000},
    )
    client.get_waiter("table_exists").wait(
        TableName="by-hand", WaiterConfig={"Delay": 0.1, "MaxAttempts": 100}
    )
    for number in range(NUMBER):
        client.put_item(TableName="by-hand", Item=item(number))
    return "by-hand"


def item(number: int) -> dict[str, dict[str, str]]:
    return {"pk": {"N": str(number)}, "text": {"S": f'}}}},{{"é\n{number}' * 20}}


def test_a_table_is_exported_and_read_back(table: str, tmp_path: Path) -> None:
    result = command("export", table, tmp_path)
    assert result.exit_code == 0, result.output
    assert f"Whole: {NUMBER} items of {table}" in result.stdout
    (scan,) = (tmp_path / "AWSDynamoDB").iterdir()
    found = sorted(reader.find(reader.Folder(scan)).items(), key=lambda one: int(one["pk"]["N"]))
    assert found == [item(number) for number in range(NUMBER)]
