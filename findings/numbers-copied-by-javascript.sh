#!/bin/sh
# copy-dynamodb-table 2.2.1 and `dyno export` of @mapbox/dyno 1.6.3 (npm): a number with more digits than a
# JavaScript number holds (DynamoDB keeps 38) is rounded in the copy and in the dump, in a set as well. The first
# reports SUCCESS, the second ends with 0. A copy of a table with such ids has other ids, and two of one set
# can become the same number, which the service refuses.
# Seen with node 20 against dynalite 4.0.0 (npm), 2026-11-28.
# Output seen:
#   9007199254740993 was copied as 9007199254740992 (SUCCESS), dumped as 9007199254740992 (0)
#   1234567890123456789012345678 was copied as 1234567890123456900000000000 (SUCCESS), dumped as 1.2345678901234569e+27 (0)
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm install --silent --no-audit --no-fund --prefix . \
    dynalite@4.0.0 copy-dynamodb-table@2.2.1 @mapbox/dyno@1.6.3 aws-sdk@2.1692.0 >npm.log
cat >try.js <<'JAVASCRIPT'
process.env.AWS_SDK_JS_SUPPRESS_MAINTENANCE_MODE_MESSAGE = "1";
const { spawn } = require("child_process");
const AWS = require("aws-sdk");
const { copy } = require("copy-dynamodb-table");

const NUMBERS = ["9007199254740993", "1234567890123456789012345678"];
const keys = { accessKeyId: "x", secretAccessKey: "x", region: "eu-west-1" };

function dump(endpoint) {
  const env = { ...process.env, AWS_ACCESS_KEY_ID: "x", AWS_SECRET_ACCESS_KEY: "x" };
  const command = ["node_modules/.bin/dyno", "export", "eu-west-1/source", "-e", endpoint];
  const child = spawn("node", command, { env, stdio: ["ignore", "pipe", "ignore"] });
  let text = "";
  child.stdout.on("data", (more) => (text += more));
  return new Promise((done) => child.on("close", (code) => done({ code, text })));
}

const server = require("dynalite")({ createTableMs: 0 });
server.listen(0, "127.0.0.1", async () => {
  const endpoint = `http://127.0.0.1:${server.address().port}`;
  const client = new AWS.DynamoDB({ ...keys, endpoint });
  for (const TableName of ["source", "copy"]) {
    await client.createTable({
      TableName,
      KeySchema: [{ AttributeName: "pk", KeyType: "HASH" }],
      AttributeDefinitions: [{ AttributeName: "pk", AttributeType: "S" }],
      ProvisionedThroughput: { ReadCapacityUnits: 100, WriteCapacityUnits: 100 },
    }).promise();
    await client.waitFor("tableExists", { TableName }).promise();
  }
  for (const N of NUMBERS)
    await client.putItem({ TableName: "source", Item: { pk: { S: N }, v: { N } } }).promise();
  const tables = { source: { tableName: "source" }, destination: { tableName: "copy" } };
  const result = await new Promise((done, failed) =>
    copy({ config: { ...keys, endpoint }, ...tables, log: false }, (e, r) => (e ? failed(e) : done(r))));
  const dumped = await dump(endpoint);
  let asSeen = result.status === "SUCCESS" && dumped.code === 0;
  for (const N of NUMBERS) {
    const got = await client.getItem({ TableName: "copy", Key: { pk: { S: N } } }).promise();
    const copied = got.Item.v.N;
    const line = dumped.text.split("\n").find((each) => each.includes(`"pk":{"S":"${N}"}`));
    const printed = JSON.parse(line).v.N;
    console.log(`${N} was copied as ${copied} (${result.status}), dumped as ${printed} (${dumped.code})`);
    asSeen = asSeen && BigInt(copied) !== BigInt(N) && printed !== N;
  }
  if (!asSeen) console.error("not as it was: look again");
  process.exit(asSeen ? 0 : 1);
});
JAVASCRIPT
node try.js
