"""`hippolyte get`: of the catalogue, a prefix, a folder; what is read, left beside it, and said."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws
from typer.testing import CliRunner, Result

from hippolyte.exports.filters import is_filter
from hippolyte.exports.lines import Item
from hippolyte_cli.main import app
from tests.support.exports import REAL, native_export, tool_export

ACCOUNT, REGION = "111122223333", "us-east-1"
NIGHTS = [f"2026-11-{day}T00-00Z" for day in (21, 22, 23, 24, 25)]
Form = Callable[[list[Item]], dict[str, bytes]]


def native(items: list[Item]) -> dict[str, bytes]:
    """Return a native export of files of three items."""
    return native_export([items[at : at + 3] for at in range(0, len(items), 3)] or [[]])


def low_level(items: list[Item]) -> list[Item]:
    """Return items as boto3's client has them, binaries as bytes, which the tool writes."""
    return [
        {
            name: {"B": base64.b64decode(value["B"])} if "B" in value else value
            for name, value in one.items()
        }
        for one in items
    ]


FORMS: dict[str, Form] = {
    "native": native,
    "tool": lambda items: tool_export(low_level(items)),
    "tool, packed": lambda items: tool_export(low_level(items), compress=True),
}


def definition(**types: str) -> dict[str, Any]:
    """Return a description of a table with such a key, the partition key first."""
    kinds = ("HASH", "RANGE")
    schema = [
        {"AttributeName": name, "KeyType": kind} for name, kind in zip(types, kinds, strict=False)
    ]
    attributes = [{"AttributeName": n, "AttributeType": t} for n, t in types.items()]
    # the order of a real answer is not promised
    return {"KeySchema": schema[::-1], "AttributeDefinitions": attributes}


def item(pk: str, sk: int, **more: Any) -> Item:
    return {"pk": {"S": pk}, "sk": {"N": str(sk)}} | more


class Bucket:
    """A bucket with backups and their catalogue."""

    def __init__(self, s3: Any) -> None:
        self.s3 = s3
        self.read = 0
        s3.meta.events.register("after-call.s3.GetObject", self._count)

    def _count(self, **_: Any) -> None:
        self.read += 1

    def put(self, key: str, body: bytes) -> None:
        self.s3.put_object(Bucket="backups", Key=key, Body=body)

    def keep(self, run: str, files: Mapping[str, bytes], made: Any, over: bool = False) -> str:
        """Put a backup and its entry; return the prefix of its files.

        `over`: what lies there stays.
        """
        below = f"backups/{ACCOUNT}/{REGION}/orders/{run}-1/"
        if files and not over:
            for one in self.s3.list_objects_v2(Bucket="backups", Prefix=below).get("Contents", []):
                self.s3.delete_object(Bucket="backups", Key=one["Key"])
        for name, data in files.items():
            self.put(below + name, data)
        entry = {
            "version": 1,
            "table": "orders",
            "run_id": run,
            "location": f"s3://backups/{below[:-1]}",
            "items": None,
            "bytes": None,
            "files": None,
            "definition": made,
        }
        key = f"catalog/{ACCOUNT}/{REGION}/orders/{run}.json"
        self.put(key, json.dumps(entry).encode())
        return below

    def filters(self) -> list[str]:
        listed = self.s3.list_objects_v2(Bucket="backups", Prefix="backups/")["Contents"]
        return [one["Key"] for one in listed if is_filter(one["Key"])]


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Bucket]:
    monkeypatch.setenv("AWS_REGION", REGION)
    monkeypatch.setattr("typer.get_app_dir", lambda _: str(tmp_path / "program"))
    with mock_aws():
        s3 = boto3.client("s3", region_name=REGION)
        s3.create_bucket(Bucket="backups")
        yield Bucket(s3)


def run(*arguments: str) -> Result:
    result = CliRunner().invoke(app, ["get", "--bucket", "backups", *arguments])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def get(*arguments: str, code: int = 0) -> dict[str, Any]:
    result = run("--json", *arguments)
    assert result.exit_code == code, result.output
    found: dict[str, Any] = json.loads(result.stdout)
    return found


COMPOSITE = definition(pk="S", sk="N")
MANY = [item(f"c#{n // 4}", n % 4, text={"S": "x" * n}) for n in range(24)]


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_an_item_by_its_whole_key_or_all_of_its_partition(bucket: Bucket, form: Form) -> None:
    bucket.keep(NIGHTS[0], form(MANY), COMPOSITE)
    for key in ('{"pk": "c#3", "sk": 1}', '{"sk": {"N": "1.0"}, "pk": {"S": "c#3"}}'):
        assert get("orders", key)["items"] == [MANY[13]]
    for key in ("c#3", '{"pk": "c#3"}'):
        assert get("orders", key)["items"] == MANY[12:16]
    missing = get("orders", '{"pk": "c#3", "sk": 9}', code=1)
    assert (missing["found"], missing["items"], missing["troubles"]) == (False, [], [])


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_the_second_look_up_reads_only_what_may_hold_the_key(bucket: Bucket, form: Form) -> None:
    bucket.keep(NIGHTS[0], form(MANY), COMPOSITE)
    first = get("orders", "none", code=1)
    assert (first["read"]["files"], first["read"]["filters_made"]) == (8, 1)
    (name,) = bucket.filters()
    assert "/data/" not in name

    second = get("orders", "none", code=1)
    assert (second["read"]["files"], second["read"]["filters_made"]) == (0, 0)
    for number, one in enumerate(MANY):
        key = json.dumps({"pk": one["pk"], "sk": one["sk"]})
        found = get("orders", key)
        assert found["items"] == [MANY[number]]
        assert found["read"]["files"] <= 2, "of one partition, which may be in two files"
        assert found["read"]["filters_made"] == 0
    assert bucket.filters() == [name]


VALUES = {
    "S": [{"S": text} for text in ("a", "ä\n", '"q"', "007", "{", '{"pk": "x"}', " ")],
    "N": [{"N": text} for text in ("1", "-2.5", "1E+20", "0")],
    "B": [{"B": base64.b64encode(bytes([n, 255])).decode()} for n in range(4)],
}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
@pytest.mark.parametrize("kind", VALUES)
def test_keys_of_each_type(bucket: Bucket, form: Form, kind: str) -> None:
    items: list[Item] = [{"pk": value, "n": {"N": str(n)}} for n, value in enumerate(VALUES[kind])]
    bucket.keep(NIGHTS[0], form(items), definition(pk=kind))
    for _ in ("without filters", "with them"):
        for wanted in items:
            (text,) = wanted["pk"].values()
            given = [json.dumps({"pk": wanted["pk"]}), json.dumps({"pk": text})]
            if text != '{"pk": "x"}':
                given.append(text)
            for key in given:
                (found,) = get("orders", "--", key)["items"]
                assert found["n"] == wanted["n"], key


def test_numbers_are_meant_by_their_value(bucket: Bucket) -> None:
    bucket.keep(NIGHTS[0], native([{"pk": {"N": "100"}}]), definition(pk="N"))
    for key in ("100", "1E2", "100.0", '{"pk": 1e2}', '{"pk": {"N": "0100"}}'):
        for _ in range(2):
            assert get("orders", key)["found"], key


def nights(bucket: Bucket, form: Form) -> None:
    """Keep five nights of a table of which one item comes, changes, is gone, and comes back."""
    rest = MANY[:9]
    for night, extra in zip(
        NIGHTS,
        (
            [],
            [item("k", 1, state={"S": "open"}, n={"N": "1"})],
            [item("k", 1, state={"S": "open"}, n={"N": "1.0"})],
            [],
            [item("k", 1, state={"S": "closed"}, tags={"SS": ["a"]})],
        ),
        strict=True,
    ):
        bucket.keep(night, form(rest + extra), COMPOSITE)


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_a_history_says_in_which_nights_it_changed(bucket: Bucket, form: Form) -> None:
    nights(bucket, form)
    for read in (True, False):
        found = get("orders", '{"pk": "k", "sk": 1}', "--history")
        assert [night["found"] for night in found["nights"]] == [False, True, True, False, True]
        (story,) = found["items"]
        assert (story["first_seen"], story["last_seen"]) == (NIGHTS[1], NIGHTS[4])
        assert story["gone_since"] is None
        events = [(event["run"], event["what"]) for event in story["events"]]
        assert events == [
            (NIGHTS[1], "first seen"),
            (NIGHTS[3], "gone"),
            (NIGHTS[4], "back"),
        ]
        assert story["events"][2]["changes"] == {
            "state": {"from": {"S": "open"}, "to": {"S": "closed"}},
            "n": {"from": {"N": "1.0"}, "to": None},
            "tags": {"from": None, "to": {"SS": ["a"]}},
        }
        assert bool(found["read"]["filters_made"]) == read
    assert found["read"]["files"] == 3, "one of each night in which it is"


def test_a_history_for_people(bucket: Bucket) -> None:
    nights(bucket, native)
    result = run("orders", '{"pk": "k", "sk": 1}', "--history")
    assert result.exit_code == 0
    assert f'{{"pk": "k", "sk": 1}}: first seen {NIGHTS[1]}, last seen {NIGHTS[4]}' in result.stdout
    lines = [line.replace("│", " ").split() for line in result.stdout.splitlines()]
    assert [NIGHTS[4], "back", "state", "open", "closed"] in lines
    assert [NIGHTS[3], "gone"] in lines
    assert "Read " in result.stderr
    one = run("orders", '{"pk": "k", "sk": 1}', "--at", NIGHTS[1])
    assert ["state", "open"] in [line.replace("│", " ").split() for line in one.stdout.splitlines()]
    other = run("orders", '{"pk": "nobody", "sk": 1}', "--history")
    assert (other.exit_code, other.stdout) == (1, "")
    assert "In 5 nights of 5 it is not there" in other.stderr


def test_a_night_by_its_time(bucket: Bucket) -> None:
    nights(bucket, native)
    key = '{"pk": "k", "sk": 1}'
    assert get("orders", key)["night"] == NIGHTS[4]
    assert get("orders", key, "--at", "2026-11-23")["items"][0]["n"] == {"N": "1.0"}
    assert get("orders", key, "--at", "2026-11-24", code=1)["items"] == []


def test_the_history_of_a_whole_partition(bucket: Bucket) -> None:
    nights(bucket, native)
    bucket.keep(NIGHTS[4], native([item("k", 1), item("k", 2)]), COMPOSITE)
    found = get("orders", "k", "--history")
    assert [story["key"]["sk"]["N"] for story in found["items"]] == ["1", "2"]
    assert found["items"][1]["first_seen"] == NIGHTS[4]


def test_damaged_nights_are_named_and_others_go_on(bucket: Bucket) -> None:
    nights(bucket, native)
    below = f"backups/{ACCOUNT}/{REGION}/orders/{NIGHTS[2]}-1/AWSDynamoDB/01-ab/"
    body = bucket.s3.get_object(Bucket="backups", Key=f"{below}data/3.json.gz")["Body"].read()
    bucket.put(f"{below}data/3.json.gz", body[:-4] + b"\0\0\0\0")
    bucket.s3.delete_object(
        Bucket="backups",
        Key=f"backups/{ACCOUNT}/{REGION}/orders/{NIGHTS[0]}-1/AWSDynamoDB/01-ab/data/0.json.gz",
    )
    bucket.put(f"catalog/{ACCOUNT}/{REGION}/orders/{NIGHTS[3]}.json", b'{"version": 99}')
    for _ in ("without filters", "with them"):
        found = get("orders", '{"pk": "k", "sk": 1}', "--history", code=3)
        assert [night["whole"] for night in found["nights"]] == [False, True, False, False, True]
        told = [" ".join(night["troubles"]) for night in found["nights"]]
        assert "data/0.json.gz: is missing" in told[0]
        assert "data/3.json.gz" in told[2]
        assert "newer version" in told[3]
        (story,) = found["items"]
        assert [event["what"] for event in story["events"]] == ["first seen", "changed"]
        assert story["gone_since"] is None, "of a night that is not known nothing is said"
    result = run("orders", '{"pk": "k", "sk": 1}', "--history")
    assert f"{NIGHTS[2]}: " in result.stderr


def test_an_item_beside_damage_is_found_and_the_damage_told(bucket: Bucket) -> None:
    below = bucket.keep(NIGHTS[0], native(MANY), COMPOSITE)
    bucket.put(f"{below}AWSDynamoDB/01-ab/data/7.json.gz", b"")
    found = get("orders", '{"pk": "c#0", "sk": 0}', code=3)
    assert found["items"] == [MANY[0]]
    assert "is empty" in found["troubles"][0]


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_a_filter_of_other_files_is_not_believed(bucket: Bucket, form: Form) -> None:
    bucket.keep(NIGHTS[0], form(MANY), COMPOSITE)
    get("orders", "none", code=1)
    # other items of the same length under the same names
    others = [item(f"d#{n // 4}", n % 4, text={"S": "x" * n}) for n in range(24)]
    bucket.keep(NIGHTS[0], form(others), COMPOSITE, over=True)
    assert bucket.filters()
    assert get("orders", '{"pk": "d#3", "sk": 1}')["items"] == [others[13]]


def test_a_filter_over_another_attribute_says_nothing(bucket: Bucket) -> None:
    bucket.keep(NIGHTS[0], native(MANY), definition(text="S"))
    get("orders", "none", code=1)
    bucket.keep(NIGHTS[0], {}, COMPOSITE)
    assert get("orders", '{"pk": "c#3", "sk": 1}')["items"] == [MANY[13]]


@pytest.mark.parametrize("data", [b"", b"nonsense", None])
def test_a_damaged_filter_is_made_again(bucket: Bucket, data: bytes | None) -> None:
    bucket.keep(NIGHTS[0], native(MANY), COMPOSITE)
    get("orders", "none", code=1)
    (name,) = bucket.filters()
    whole = bucket.s3.get_object(Bucket="backups", Key=name)["Body"].read()
    bucket.put(name, whole[:-1] if data is None else data)
    found = get("orders", '{"pk": "c#3", "sk": 1}')
    assert found["items"] == [MANY[13]]


def refuse_puts(monkeypatch: pytest.MonkeyPatch) -> None:
    import botocore.client

    call = botocore.client.BaseClient._make_api_call

    def refused(self: Any, operation: str, request: Any) -> Any:
        if operation == "PutObject":
            raise ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, operation)
        return call(self, operation, request)

    monkeypatch.setattr(botocore.client.BaseClient, "_make_api_call", refused)


def test_who_may_not_write_keeps_filters_on_this_machine(
    bucket: Bucket, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    bucket.keep(NIGHTS[0], native(MANY), COMPOSITE)
    refuse_puts(monkeypatch)
    result = run("orders", "none")
    assert result.exit_code == 1
    said = " ".join(result.stderr.split())
    assert str(tmp_path / "program" / "filters") in said
    assert "AccessDenied" in said
    assert bucket.filters() == []
    assert get("orders", "none", code=1)["read"]["files"] == 0

    (tmp_path / "program").rename(tmp_path / "away")
    (tmp_path / "program").write_text("a file")
    result = run("orders", "none")
    assert result.exit_code == 1
    assert "not kept" in result.stderr


def test_much_is_not_read_unasked(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    bucket.keep(NIGHTS[0], native(MANY), COMPOSITE)
    monkeypatch.setattr("hippolyte_cli.get.command._UNASKED_BYTES", 100)
    result = run("orders", "c#3")
    assert result.exit_code == 2
    assert "1 backup of 1 have files without a filter" in " ".join(result.stderr.split())
    assert "--yes" in result.stderr
    assert bucket.filters() == []
    assert get("orders", "c#3", "--yes")["found"]
    assert get("orders", "c#3")["found"], "with filters it is little"


def test_a_prefix_a_folder_and_a_real_export(bucket: Bucket, tmp_path: Path) -> None:
    below = bucket.keep(NIGHTS[0], native(MANY), COMPOSITE)
    for place in (below, f"{below}AWSDynamoDB/01-ab/"):
        found = get(f"s3://backups/{place}", '{"pk": "c#3", "sk": 1}')
        assert found["items"] == [MANY[13]]
    assert found["read"]["files"] == 2, "the filters lie where the manifest does"
    for form in FORMS.values():
        folder = tmp_path / str(len(list(tmp_path.iterdir())))
        for name, data in form(MANY).items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(data)
        for files in (8, 2):
            found = get(str(folder), '{"pk": "c#3"}')
            assert (found["items"], found["read"]["files"]) == (MANY[12:16], files)


def test_a_file_of_a_folder_that_was_written_over_is_read_again(tmp_path: Path) -> None:
    for name, data in tool_export(MANY).items():
        (tmp_path / name).write_bytes(data)
    assert get(str(tmp_path), '{"pk": "none"}', code=1)["read"]["files"] == 8
    old = (tmp_path / "00000000").read_bytes()
    (tmp_path / "00000000").write_bytes(old.replace(b"c#0", b"d#0"))
    assert len(get(str(tmp_path), '{"pk": "d#0"}')["items"]) == 3


def test_a_real_export_is_looked_into(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import shutil

    shutil.copytree(REAL, tmp_path / "real")
    from hippolyte.exports.place import Folder
    from hippolyte.exports.reader import find

    items = list(find(Folder(REAL)).items())
    name = next(name for name, value in items[0].items() if "S" in value or "N" in value)
    key = json.dumps({name: items[0][name]})
    wanted = [one for one in items if one.get(name) == items[0][name]]
    for _ in range(2):
        assert get(str(tmp_path / "real"), key)["items"] == wanted


def test_a_night_with_another_key_is_named(bucket: Bucket) -> None:
    bucket.keep(NIGHTS[0], native([{"id": {"S": "k"}}]), definition(id="S"))
    bucket.keep(NIGHTS[1], native([item("k", 1)]), COMPOSITE)
    bucket.keep(NIGHTS[2], native([item("k", 1)]), None)
    found = get("orders", '{"pk": "k", "sk": 1}', "--history", code=3)
    assert [night["found"] for night in found["nights"]] == [False, True, True]
    assert "another key that night" in found["nights"][0]["troubles"][0]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["orders", "k", "--at", "now", "--history"], "give one"),
        (["./nowhere", '{"pk": "k"}'], "is no folder"),
        (["s3://backups/x", '{"pk": "k"}', "--history"], "are of a table"),
        (["s3://backups/x", "k"], "give an object"),
        (["nobody", "k"], "no backup of a table nobody"),
        (["nobody", "k", "--history"], "no backup of a table nobody"),
        (["orders", "k", "--at", "2026-10-01"], "no backup of orders was begun by"),
        (["orders", "k", "--at", "soon"], "soon"),
        (["orders", '{"sk": 1}'], "the key is pk and sk, or pk alone"),
        (["orders", '{"pk": "k", "x": 1}'], "the key is pk and sk"),
        (["orders", '{"pk": "k", "pk": "k"}'], "twice"),
        (["orders", '{"pk": 7}'], "pk is a text, not a number"),
        (["orders", '{"pk": "k", "sk": "x"}'], "sk is a number"),
        (["orders", '{"pk": "k", "sk": NaN}'], "sk is a text, a number"),
        (["orders", '{"pk": "k", "sk": {"N": "NaN"}}'], "sk is a number"),
        (["orders", '{"pk": "k", "sk": {"S": "1"}}'], "sk is a number, not a text"),
        (["orders", '{"pk": ["k"]}'], "pk is a text"),
        (["orders", ""], "pk is empty"),
        (["orders", '{"pk": null}'], "pk is a text"),
    ],
)
def test_what_is_not_possible_is_said(bucket: Bucket, arguments: list[str], said: str) -> None:
    bucket.keep(NIGHTS[0], native(MANY), COMPOSITE)
    result = run(*arguments)
    assert result.exit_code == 2, result.output
    assert said in " ".join(result.stderr.split())


def test_nothing_there_is_a_night_that_cannot_be_read(bucket: Bucket) -> None:
    bucket.keep(NIGHTS[0], {}, COMPOSITE)
    assert "nothing lies here" in get("orders", "k", code=3)["troubles"][0]


def test_an_empty_table_has_no_item(bucket: Bucket) -> None:
    bucket.keep(NIGHTS[0], tool_export([]), COMPOSITE)
    assert get("orders", "k", code=1)["troubles"] == []


def test_stopped_it_says_so_and_the_same_command_goes_on(
    bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket.keep(NIGHTS[0], native(MANY), COMPOSITE)
    asked = 0

    @contextmanager
    def stopped() -> Iterator[Callable[[], bool]]:
        def ask() -> bool:
            nonlocal asked
            asked += 1
            # of each file once before it and once in it
            return asked > 10

        yield ask

    with monkeypatch.context() as patched:
        patched.setattr("hippolyte_cli.console.stopped_by_ctrl_c", stopped)
        result = run("orders", "none")
        assert result.exit_code == 3
        assert "Stopped: the same command goes on" in result.stderr
    first = sum(1 for _ in bucket.filters())
    assert first == 1
    assert 0 < get("orders", "none", code=1)["read"]["files"] < 8


@pytest.mark.parametrize("arguments", [[], ["--json"], ["--history"]])
def test_what_was_found_stays_found_if_nobody_reads_it(
    bucket: Bucket, monkeypatch: pytest.MonkeyPatch, arguments: list[str]
) -> None:
    bucket.keep(NIGHTS[0], native([item("a", 1)]), COMPOSITE)

    def closed(*_: Any, **__: Any) -> None:
        # as the console ends the process
        raise SystemExit(1)

    for name in ("items_table", "look_record", "story_table"):
        monkeypatch.setattr(f"hippolyte_cli.get.view.{name}", closed)
    result = run("orders", '{"pk": "a", "sk": 1}', *arguments)
    assert result.exit_code == 0 and "Read " in result.stderr, result.output
