#!/bin/sh
# @mapbox/dyno 1.6.3 (npm) with node 20: `dyno export | dyno import`, the example of its own help, makes the table
# and writes none of the items; `dyno scan | dyno put` leaves out the last batch, up to 25 items. Both end with 0.
# Seen against dynalite 4.0.0 (npm), 2026-11-28.
# Output seen:
#   dyno import ended with 0: 0 of 40 items
#   dyno put ended with 0: 25 of 40 items
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm install --silent --no-audit --no-fund --prefix . \
    dynalite@4.0.0 @mapbox/dyno@1.6.3 aws-sdk@2.1692.0 >npm.log
cat >try.js <<'JAVASCRIPT'
process.env.AWS_SDK_JS_SUPPRESS_MAINTENANCE_MODE_MESSAGE = "1";
const { spawn } = require("child_process");
const AWS = require("aws-sdk");

const keys = { accessKeyId: "x", secretAccessKey: "x", region: "eu-west-1" };
const ITEMS = 40;

function dyno(endpoint, command, table, input) {
  const env = { ...process.env, AWS_ACCESS_KEY_ID: "x", AWS_SECRET_ACCESS_KEY: "x" };
  const args = ["node_modules/.bin/dyno", command, `eu-west-1/${table}`, "-e", endpoint];
  const child = spawn("node", args, { env, stdio: ["pipe", "pipe", "inherit"] });
  let text = "";
  child.stdout.on("data", (more) => (text += more));
  child.stdin.end(input || "");
  return new Promise((done) => child.on("close", (code) => done({ code, text })));
}

const server = require("dynalite")({ createTableMs: 0 });
server.listen(0, "127.0.0.1", async () => {
  const endpoint = `http://127.0.0.1:${server.address().port}`;
  const client = new AWS.DynamoDB({ ...keys, endpoint });
  for (const TableName of ["source", "put"]) {
    await client.createTable({
      TableName,
      KeySchema: [{ AttributeName: "pk", KeyType: "HASH" }],
      AttributeDefinitions: [{ AttributeName: "pk", AttributeType: "S" }],
      ProvisionedThroughput: { ReadCapacityUnits: 100, WriteCapacityUnits: 100 },
    }).promise();
    await client.waitFor("tableExists", { TableName }).promise();
  }
  for (let n = 0; n < ITEMS; n++)
    await client.putItem({ TableName: "source", Item: { pk: { S: `${n}` } } }).promise();
  const found = {};
  const exported = await dyno(endpoint, "export", "source");
  found.import = await dyno(endpoint, "import", "import", exported.text);
  const scanned = await dyno(endpoint, "scan", "source");
  found.put = await dyno(endpoint, "put", "put", scanned.text);
  for (const TableName of ["import", "put"]) {
    found[TableName].items = (await client.scan({ TableName }).promise()).Count;
    const { code, items } = found[TableName];
    console.log(`dyno ${TableName} ended with ${code}: ${items} of ${ITEMS} items`);
  }
  const asSeen = [found.import, found.put].every((each) => each.code === 0)
    && found.import.items === 0 && found.put.items === 25;
  if (!asSeen) console.error("not as it was: look again");
  process.exit(asSeen ? 0 : 1);
});
JAVASCRIPT
node try.js
