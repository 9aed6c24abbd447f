#!/bin/sh
# carica-dynamodb-tools 1.9 (PyPI), `carica-dynamodb-load`: every binary value of an item is stored as its
# base64 text instead of its bytes, also those of lines that `carica-dynamodb-dump-s3-export` made of
# DynamoDB's own export. It ends with 0 and says nothing.
# Seen against dynalite 4.0.0 (npm), 2026-11-28; needs python3 and node 20 or later.
# Output seen:
#   b'\x00\xff\x01' was loaded as b'AP8B'
#   load ended with 0
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check carica-dynamodb-tools==1.9 boto3==1.40.43
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
WRITTEN = b"\x00\xff\x01"
try:
    client = boto3.client("dynamodb")
    time.sleep(2)
    client.create_table(
        TableName="copy",
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        ProvisionedThroughput={"ReadCapacityUnits": 100, "WriteCapacityUnits": 100},
    )
    client.get_waiter("table_exists").wait(TableName="copy", WaiterConfig={"Delay": 1})
    code = subprocess.run(
        ["venv/bin/carica-dynamodb-load", "copy"],
        input=b'{"pk":{"S":"a"},"value":{"B":"AP8B"}}\n',  # a line as the tool's dumps have it
    ).returncode
    (copy,) = client.scan(TableName="copy")["Items"]
finally:
    server.kill()
print(WRITTEN, "was loaded as", copy["value"]["B"])
print("load ended with", code)
sys.exit(0 if copy["value"] == {"B": b"AP8B"} and code == 0 else "not as it was: look again")
PYTHON
venv/bin/python try.py
