"""What the verbs say when something else than AWS answers, or AWS refuses; `--profile`."""

from __future__ import annotations

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import boto3
import pytest

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
