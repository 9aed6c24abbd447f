#!/bin/sh
# dynamodb-json 1.4.2 (PyPI), `json_util.loads`, on lines of DynamoDB JSON: an item or a map that has an attribute
# named as a type is (`S`, `N`, `M` ...) is taken for a value of that type; what stands beside it is dropped
# without a word. A number set comes back as a set of strings.
# Seen 2026-11-28; needs python3.
# Output seen:
#   {"M": {"M": {"a": {"S": "b"}}}, "pk": {"S": "k"}} -> {'a': 'b'}
#   {"pk": {"S": "k"}, "size": {"M": {"S": {"S": "small"}, "L": {"S": "large"}}}} -> {'pk': 'k', 'size': 'small'}
#   {"pk": {"S": "k"}, "set": {"NS": ["1"]}} -> {'pk': 'k', 'set': {'1'}}
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check dynamodb-json==1.4.2 boto3==1.40.43
venv/bin/python - <<'PYTHON'
import sys
from dynamodb_json import json_util

SEEN = {
    '{"M": {"M": {"a": {"S": "b"}}}, "pk": {"S": "k"}}': {"a": "b"},
    '{"pk": {"S": "k"}, "size": {"M": {"S": {"S": "small"}, "L": {"S": "large"}}}}': {
        "pk": "k",
        "size": "small",
    },
    '{"pk": {"S": "k"}, "set": {"NS": ["1"]}}': {"pk": "k", "set": {"1"}},
}
as_seen = True
for line, seen in SEEN.items():
    found = json_util.loads(line)
    print(line, "->", found)
    as_seen = as_seen and found == seen
sys.exit(0 if as_seen else "not as it was: look again")
PYTHON
