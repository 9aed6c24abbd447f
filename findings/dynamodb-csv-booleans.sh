#!/bin/sh
# dynamodb-csv 1.5.5 (PyPI): `--exp` writes every value of a column of type B (boolean) as nothing, true as well as
# false; `--imp` with the same specification takes nothing for false. A table that is written to CSV and read
# back has false wherever it had true. Both say how many items they did, and end with 0.
# Seen against dynalite 4.0.0 (npm), 2026-11-28; needs python3 and node 20 or later.
# Output seen:
#   pk,paid
#   a,
#   b,
#   a: True was exported and imported as False
#   b: False was exported and imported as False
#   export ended with 0, import with 0
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check dynamodb-csv==1.5.5 boto3==1.40.43
npm install --silent --no-audit --no-fund --prefix . dynalite@4.0.0 >npm.log
cat >try.py <<'PYTHON'
import pathlib, socket, subprocess, sys, time
import boto3

with socket.create_server(("127.0.0.1", 0)) as free:
    port = str(free.getsockname()[1])
server = subprocess.Popen(
    ["node", "node_modules/dynalite/cli.js", "--port", port, "--createTableMs", "0"]
)
ENDPOINT = "http://127.0.0.1:" + port
pathlib.Path("config.ini").write_text(
    "[AWS]\nAWS_ACCESS_KEY_ID=x\nAWS_SECRET_ACCESS_KEY=x\nREGION=eu-west-1\n"
    f"ENDPOINT_URL={ENDPOINT}\n"
)
pathlib.Path("orders.csv.spec").write_text("[CSV_SPEC]\npk=S\npaid=B\n")
WRITTEN = {"a": True, "b": False}


def dynamodb_csv(*arguments):
    command = ["venv/bin/dynamodb-csv", *arguments]
    return subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode


try:
    keys = {"aws_access_key_id": "x", "aws_secret_access_key": "x"}
    service = boto3.resource("dynamodb", region_name="eu-west-1", endpoint_url=ENDPOINT, **keys)
    time.sleep(2)
    for name in ("orders", "copy"):
        service.create_table(
            TableName=name,
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
            ProvisionedThroughput={"ReadCapacityUnits": 100, "WriteCapacityUnits": 100},
        )
    time.sleep(2)
    for pk, paid in WRITTEN.items():
        service.Table("orders").put_item(Item={"pk": pk, "paid": paid})
    exported = dynamodb_csv("--exp", "--table", "orders", "--output", "orders.csv")
    lines = pathlib.Path("orders.csv").read_text().splitlines()
    print(*[lines[0], *sorted(lines[1:])], sep="\n")
    imported = dynamodb_csv("--imp", "--table", "copy", "--file", "orders.csv")
    found = {item["pk"]: item["paid"] for item in service.Table("copy").scan()["Items"]}
finally:
    server.terminate()
for pk, paid in WRITTEN.items():
    print(f"{pk}: {paid} was exported and imported as {found[pk]}")
print(f"export ended with {exported}, import with {imported}")
as_seen = found == {"a": False, "b": False} and (exported, imported) == (0, 0)
sys.exit(0 if as_seen else "not as it was: look again")
PYTHON
venv/bin/python try.py
