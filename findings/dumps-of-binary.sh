#!/bin/sh
# Two programs that print a table's items as lines of JSON, carica-dynamodb-dump (carica-dynamodb-tools 1.9)
# and aws-dynamodb-parallel-scan 1.2.0 (PyPI): the first binary value ends them with a TypeError. What came
# before it is on the standard output by then, so that `... | gzip > file` leaves a shorter file that is valid.
# Seen against dynalite 4.0.0 (npm), 2026-11-28; needs python3 and node 20 or later.
# Output seen (how many lines come before depends on the order of the scan):
#   carica-dynamodb-dump ended with 1 (TypeError: Type is not JSON serializable: bytes), fewer than 21 lines: True
#   aws-dynamodb-parallel-scan ended with 1 (TypeError: Object of type bytes is not JSON serializable), fewer than 21 lines: True
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check \
    carica-dynamodb-tools==1.9 aws-dynamodb-parallel-scan==1.2.0 boto3==1.40.43
npm install --silent --no-audit --no-fund --prefix . dynalite@4.0.0 >npm.log
cat >try.py <<'PYTHON'
import os, socket, subprocess, sys, time
import boto3

with socket.create_server(("127.0.0.1", 0)) as free:
    port = str(free.getsockname()[1])
server = subprocess.Popen(
    ["node", "node_modules/dynalite/cli.js", "--port", port, "--createTableMs", "0"]
)
os.environ.update(
    AWS_ACCESS_KEY_ID="x",
    AWS_SECRET_ACCESS_KEY="x",
    AWS_DEFAULT_REGION="eu-west-1",
    AWS_ENDPOINT_URL="http://127.0.0.1:" + port,
    PYTHONWARNINGS="ignore",
)
DUMPS = (
    ["venv/bin/carica-dynamodb-dump", "source"],
    ["venv/bin/aws-dynamodb-parallel-scan", "--table-name", "source"],
)
try:
    client = boto3.client("dynamodb")
    time.sleep(2)
    client.create_table(
        TableName="source",
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        ProvisionedThroughput={"ReadCapacityUnits": 100, "WriteCapacityUnits": 100},
    )
    client.get_waiter("table_exists").wait(TableName="source", WaiterConfig={"Delay": 1})
    for number in range(20):
        client.put_item(TableName="source", Item={"pk": {"S": str(number)}, "v": {"N": "1"}})
    client.put_item(TableName="source", Item={"pk": {"S": "binary"}, "v": {"B": b"\x00\xff"}})
    ended = [subprocess.run(dump, capture_output=True, text=True) for dump in DUMPS]
finally:
    server.kill()
as_seen = True
for dump, found in zip(DUMPS, ended):
    why = [line for line in found.stderr.splitlines() if line.startswith("TypeError")]
    fewer = found.stdout.count('"pk"') < 21
    name = os.path.basename(dump[0])
    print(f"{name} ended with {found.returncode} ({''.join(why)}), fewer than 21 lines: {fewer}")
    as_seen = as_seen and found.returncode == 1 and bool(why) and fewer
sys.exit(0 if as_seen else "not as it was: look again")
PYTHON
venv/bin/python try.py
