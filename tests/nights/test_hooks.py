"""The rule of docs/operations.md, by which people act on a finished backup."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from local.core.call import Call
from tests.support.harness import ACCOUNT, REGION, RUN, NightDriver, verdicts

OPERATIONS = Path(__file__).parents[2] / "docs" / "operations.md"


def suffixes() -> tuple[str, ...]:
    """Return how the keys end that the documented rule hears of."""
    (rule,) = re.findall(r'^\{"source".*?\}\}\}$', OPERATIONS.read_text(), re.DOTALL | re.MULTILINE)
    keys: list[dict[str, str]] = json.loads(rule)["detail"]["object"]["key"]
    return tuple(key["suffix"] for key in keys)


@pytest.mark.both
def test_the_rule_hears_of_each_backup_once_when_all_of_it_is_there(night: NightDriver) -> None:
    written: list[str] = []

    def note(call: Call) -> None:
        written.append(str(call.key))

    night.world.before("s3:PutObject", note)
    tables = ("orders", "users", "none")
    night.table("orders", items=30)
    night.table("users")
    night.table("none", items=0)
    assert verdicts(night.night()) == dict.fromkeys(tables, "backed_up")
    for table in tables:
        directory = f"backups/{ACCOUNT}/{REGION}/{table}/{RUN}-1/"
        keys = night.keys(directory)
        (heard,) = [key for key in keys if key.endswith(suffixes())]
        if night.engine == "lambda":
            # of clusters it is AWS's tool that writes it last
            ours = [key for key in written if key.startswith(directory)]
            assert (len(ours), set(ours), ours[-1]) == (len(keys), set(keys), heard)
    others = [key for key in night.keys("") if not key.startswith("backups/")]
    assert [key for key in others if key.endswith(suffixes())] == []
