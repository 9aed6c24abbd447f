"""What the verbs say when something else than AWS answers, or AWS refuses; `--profile`."""

from __future__ import annotations

import os
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import boto3
import pytest
from typer.testing import CliRunner

from hippolyte_cli.main import app
from tests.support.commands import command

_PAGE = b"<html><head><title>Blocked by the proxy</title></head><body>No.</body></html>"


class _Proxy(BaseHTTPRequestHandler):
    seen: list[str]

    def _answer(self) -> None:
        self.rfile.read(int(self.headers.get("content-length") or 0))
        self.seen.append(self.headers["authorization"])
        self.send_response(403)
        self.send_header("content-type", "text/html")
        self.send_header("content-length", str(len(_PAGE)))
        self.end_headers()
        self.wfile.write(_PAGE)

    do_GET = do_POST = do_PUT = _answer

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """A proxy that blocks all; what is yielded has the headers by which it was asked."""
    handler = type("Handler", (_Proxy,), {"seen": []})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{server.server_port}")
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "OFTHEENVIRONMENT")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
        # an earlier test's session has its credentials
        monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
        yield handler.seen
        server.shutdown()


@pytest.mark.parametrize(
    "verb",
    [
        ("list",),
        ("list", "--bucket", "b"),
        ("status",),
        ("report",),
        ("report", "--all", "--bucket", "b"),
        ("plan",),
        ("run",),
        ("cancel", "2026-11-24T00-00Z"),
        ("release",),
        ("release", "--bucket", "b"),
        ("restore", "orders", "--to", "copy"),
        ("undo", "orders", "--at", "latest"),
        ("verify", "orders"),
        ("get", "orders", "x"),
        ("compare", "orders@latest", "orders"),
        ("export", "orders", "s3://b/x"),
        ("doctor",),
        ("doctor", "--engine", "emr", "--table", "orders"),
    ],
    ids=" ".join,
)
def test_a_page_is_told_in_words(verb: tuple[str, ...], seen: list[str]) -> None:
    result = command(*verb)
    assert result.exit_code == 2, result.output
    assert seen
    assert "<" not in result.output
    assert "A page answered" in result.stderr
    assert "not AWS" in result.stderr


def test_a_profile_is_taken_though_the_environment_has_credentials(
    seen: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "credentials"
    path.write_text("[other]\naws_access_key_id = OFTHEPROFILE\naws_secret_access_key = secret\n")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(path))
    for more, key in (((), "OFTHEENVIRONMENT"), (("--profile", "other"), "OFTHEPROFILE")):
        del seen[:]
        assert command("list", *more).exit_code == 2
        assert f"Credential={key}/" in seen[0]
    refused = command("list", "--profile", "nobody")
    assert refused.exit_code == 2
    assert "nobody" in refused.stderr
    assert "aws configure list-profiles" in refused.stderr


@pytest.mark.parametrize("value", ["", " "])
@pytest.mark.parametrize(
    "name",
    [
        "AWS_REGION",
        "AWS_DEFAULT_REGION",
        "AWS_PROFILE",
        "AWS_DEFAULT_PROFILE",
        "AWS_ENDPOINT_URL_S3",
        "AWS_MAX_ATTEMPTS",
        "AWS_RETRY_MODE",
        "AWS_CONFIG_FILE",
        "AWS_CA_BUNDLE",
        "AWS_SESSION_TOKEN",
        "AWS_DEFAULTS_MODE",
    ],
)
def test_a_variable_that_is_set_to_nothing_is_as_if_it_were_not_set(
    name: str, value: str, seen: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = tmp_path / "config"
    path.write_text("[default]\nregion = eu-west-1\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(path))
    monkeypatch.delenv("AWS_DEFAULT_REGION", raising=False)
    monkeypatch.setenv(name, value)
    result = CliRunner().invoke(app, ["list", "--bucket", "b"])
    assert result.exit_code == 2, result.output
    assert "A page answered" in result.stderr
    assert seen
    assert os.environ[name] == value


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("AWS_REGION", "s3://b", "s3://b"),
        ("AWS_REGION", "us/east", "us/east"),
        ("AWS_PROFILE", "nobody", "aws configure list-profiles"),
        ("AWS_ENDPOINT_URL", "nonsense", "cannot use a setting of this machine: Invalid endpoint"),
        ("AWS_ENDPOINT_URL", "s3://b", "s3://b"),
        ("AWS_CONFIG_FILE", "[default", "config"),
        ("AWS_CONFIG_FILE", "[default]\ns3 = nonsense", "~/.aws/config"),
        ("AWS_CONFIG_FILE", "[default]\nretry_mode = nonsense", "A page answered"),
        ("AWS_SHARED_CREDENTIALS_FILE", "nonsense", "credentials"),
    ],
)
def test_a_variable_with_a_nonsense_value_is_told_in_words(
    name: str,
    value: str,
    said: str,
    seen: list[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    if name.endswith("_FILE"):
        path = tmp_path / name.split("_")[-2].lower()
        path.write_text(value)
        value = str(path)
    if name == "AWS_SHARED_CREDENTIALS_FILE":
        monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    result = CliRunner().invoke(app, ["list", "--bucket", "b"], env={name: value, "COLUMNS": "400"})
    assert result.exit_code == 2, (result.output, result.exception)
    assert said in result.stderr
