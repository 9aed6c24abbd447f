#!/bin/sh
# dynamodump 1.11.1 (PyPI), `--mode restore`: binary values within a set, a list or a map come back as other
# bytes. Its backup file holds them in base64; on restore only a B that is an item's own attribute is
# decoded, so the SDK encodes the rest a second time. It logs "completed" and ends with 0.
# Seen against dynalite 4.0.0 (npm), 2026-11-28; needs python3 and node 20 or later.
# Output seen:
#   attribute: same
#   set: [b'\x00', b'\xfe'] came back as [b'AA==', b'/g==']
#   list: b'\x01' came back as b'AQ=='
#   restore ended with 0
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check dynamodump==1.11.1 boto3==1.40.43
npm install --silent --no-audit --no-fund --prefix . dynalite@4.0.0 >npm.log
cat >try.py <<'PYTHON'
import os, socket, subprocess, sys, time
import boto3

with socket.create_server(("127.0.0.1", 0)) as free:
    port = str(free.getsockname()[1])
server = subprocess.Popen(
    ["node", "node_modules/dynalite/cli.js", "--port", port, "--createTableMs", "0"]
)
os.environ.update(AWS_ACCESS_KEY_ID="x", AWS_SECRET_ACCESS_KEY="x", AWS_DEFAULT_REGION="eu-west-1")
ITEM = {
    "pk": {"S": "a"},
    "attribute": {"B": b"\x00\xff"},
    "set": {"BS": [b"\x00", b"\xfe"]},
    "list": {"L": [{"B": b"\x01"}]},
}


def dynamodump(mode, *more):
    where = ["-r", "local", "--host", "127.0.0.1", "--port", port, "--dumpPath", "dump"]
    command = ["venv/bin/dynamodump", "-m", mode, "-s", "source", "--skipThroughputUpdate"]
    return subprocess.run([*command, *where, *more], stderr=subprocess.DEVNULL).returncode


try:
    client = boto3.client("dynamodb", endpoint_url="http://127.0.0.1:" + port)
    time.sleep(2)
    client.create_table(
        TableName="source",
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        ProvisionedThroughput={"ReadCapacityUnits": 100, "WriteCapacityUnits": 100},
    )
    client.get_waiter("table_exists").wait(TableName="source", WaiterConfig={"Delay": 1})
    client.put_item(TableName="source", Item=ITEM)
    assert dynamodump("backup") == 0
    code = dynamodump("restore", "-d", "copy", "--noConfirm")
    (copy,) = client.scan(TableName="copy")["Items"]
finally:
    server.kill()
print("attribute:", "same" if copy["attribute"] == ITEM["attribute"] else copy["attribute"])
print("set:", ITEM["set"]["BS"], "came back as", copy["set"]["BS"])
print("list:", ITEM["list"]["L"][0]["B"], "came back as", copy["list"]["L"][0]["B"])
print("restore ended with", code)
as_seen = (
    copy["attribute"] == ITEM["attribute"]
    and sorted(copy["set"]["BS"]) == [b"/g==", b"AA=="]
    and copy["list"] == {"L": [{"B": b"AQ=="}]}
    and code == 0
)
sys.exit(0 if as_seen else "not as it was: look again")
PYTHON
venv/bin/python try.py
