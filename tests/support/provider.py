"""The AWS provider for many Terraform commands: a go-between that Terraform reattaches to.

Most of a command's CPU is not its work: Terraform starts the provider three times and reads the
schemas of 1,500 resource types, of which the module has 50. The go-between answers for the schemas
(of the types that are named in this repository, once fetched) and hands every other call to the
real provider, byte by byte: what needs no configuration to one process that all commands share,
and everything after `Configure` to a process of that connection's own, which ends with it. So no
command sees another's configuration, nor one of its own aliases another's.

The protocol is tfplugin5 (https://developer.hashicorp.com/terraform/plugin/terraform-plugin-protocol)
over go-plugin's handshake; the field numbers are of its `GetProviderSchema.Response`.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import re
import subprocess
import tarfile
import threading
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest

from tests.support.once import once
from tools.tf import REGISTRY, REPOSITORY, Terraform, environment, process_environment

ADDRESS = f"{REGISTRY}/hashicorp/aws"
SERVICE = "/tfplugin5.Provider/"
SCHEMA, CONFIGURE = f"{SERVICE}GetSchema", f"{SERVICE}Configure"
# go-plugin opens it with each connection and closes it with it
LIFE = "/plugin.GRPCBroker/StartStream"
_COOKIE = {
    "TF_PLUGIN_MAGIC_COOKIE": "d602bf8f470bc67ca7faa0386276bbdd4330efaf76d1a219cb4d6991ca9872b2",
    "PLUGIN_PROTOCOL_VERSIONS": "5",
}
_BY_TYPE = (2, 3, 8)  # resource, data source and ephemeral resource schemas: maps
_BIG = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]
_TYPE = re.compile(rb"\baws_\w+")


class Process:
    """One process of the real provider."""

    def __init__(self, program: Path, folder: Path, env: Mapping[str, str]) -> None:
        self._process = subprocess.Popen(
            [program],
            cwd=folder,
            env={**env, **_COOKIE},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert self._process.stdout is not None
        fields = self._process.stdout.readline().strip().split("|")
        _, version, network, path, protocol = fields[:5]
        assert (version, network, protocol) == ("5", "unix", "grpc"), fields
        self._channel = grpc.insecure_channel(f"unix:{path}", options=_BIG)

    def call(self, method: str, request: bytes) -> bytes:
        """Return the provider's answer to a call."""
        answer: bytes = self._channel.unary_unary(method)(request)
        return answer

    def end(self) -> None:
        """End the process."""
        self._channel.close()
        self._process.kill()
        self._process.communicate()


class GoBetween(grpc.GenericRpcHandler):
    """What Terraform talks to instead of a provider."""

    def __init__(self, program: Path, schema: bytes) -> None:
        self._program, self._schema = program, schema
        self._lock = threading.Lock()
        self._shared: Process | None = None
        self._own: dict[str, Process] = {}

    def service(self, handler_call_details: Any) -> Any:
        """Return the handler of a method."""
        method = handler_call_details.method
        if method == LIFE:
            return grpc.stream_stream_rpc_method_handler(self._live)
        if not method.startswith(SERVICE):
            return None
        return grpc.unary_unary_rpc_method_handler(
            lambda request, context: self._answer(method, request, context)
        )

    def _answer(self, method: str, request: bytes, context: Any) -> bytes:
        if method == SCHEMA:
            return self._schema
        try:
            return self._process(method, context.peer()).call(method, request)
        except grpc.RpcError as error:
            context.abort(error.code(), error.details())
            raise

    def _process(self, method: str, peer: str) -> Process:
        if method == CONFIGURE:
            self._own[peer] = Process(self._program, *_surroundings(peer))
        if peer in self._own:
            return self._own[peer]
        with self._lock:
            if self._shared is None:
                self._shared = Process(self._program, Path.cwd(), process_environment({}))
        return self._shared

    def _live(self, requests: Iterable[bytes], context: Any) -> Iterator[bytes]:
        gone = threading.Event()
        if context.add_callback(gone.set):
            gone.wait()
        if process := self._own.pop(context.peer(), None):
            process.end()
        return iter(())

    def end(self) -> None:
        """End all processes."""
        for process in [*self._own.values(), *filter(None, [self._shared])]:
            process.end()


def installed(work: Path) -> Path:
    """Install the provider as the module asks for it; return its program."""
    (work / "versions.tf").write_bytes((REPOSITORY / "versions.tf").read_bytes())
    Terraform(work, work, environment()).init()
    (program,) = (work / "data" / "providers" / ADDRESS).glob("*/*/terraform-provider-aws*")
    return program


def schemas(program: Path) -> bytes:
    """Return the provider's schemas, of the types that this repository names."""
    process = Process(program, Path.cwd(), process_environment(environment()))
    try:
        return only(_known_types(), process.call(SCHEMA, b""))
    finally:
        process.end()


def _known_types() -> set[bytes]:
    texts = [path.read_bytes() for path in REPOSITORY.glob("*.tf")]
    for folder in ("examples", "modules", "tests"):
        texts += [p.read_bytes() for p in (REPOSITORY / folder).rglob("*") if _has_types(p)]
    with tarfile.open(REPOSITORY / "tests" / "terraform" / "before.tar.gz") as before:
        texts += [f.read() for member in before if (f := before.extractfile(member))]
    return {name for text in texts for name in _TYPE.findall(text)}


def _has_types(path: Path) -> bool:
    return path.suffix in (".tf", ".py") and path.is_file()


def only(types: set[bytes], answer: bytes) -> bytes:
    """Return an answer of GetProviderSchema without what is of none of the types."""
    kept = []
    for number, whole, value in _fields(answer):
        if number not in _BY_TYPE or {v for n, _, v in _fields(value) if n == 1} <= types:
            kept.append(whole)
    return b"".join(kept)


def _fields(message: bytes) -> Iterator[tuple[int, bytes, bytes]]:
    """Yield a message's length-delimited fields: number, the whole field, its value."""
    at = 0
    while at < len(message):
        start = at
        key, at = _varint(message, at)
        assert key & 7 == 2, "all fields that are read here are messages, maps and strings"
        size, at = _varint(message, at)
        yield key >> 3, message[start : at + size], message[at : at + size]
        at += size


def _varint(message: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = message[at]
        value, shift, at = value | (byte & 127) << shift, shift + 7, at + 1
        if byte < 128:
            return value, at


def _surroundings(peer: str) -> tuple[Path, dict[str, str]]:
    """Return folder and environment of the Terraform command that is connected.

    Its provider would inherit them: relative paths and which AWS it talks to depend on them.
    """
    port = f":{int(peer.rpartition(':')[2]):04X}"
    rows = [row.split() for row in Path("/proc/net/tcp").read_text("ascii").splitlines()]
    socket = {f"socket:[{row[9]}]" for row in rows if row[1].endswith(port)}
    for comm in Path("/proc").glob("[0-9]*/comm"):
        with contextlib.suppress(OSError):  # it has ended, or is another user's
            if comm.read_text("utf-8") != "terraform\n":
                continue
            process = comm.parent
            if socket & {str(fd.readlink()) for fd in (process / "fd").iterdir()}:
                pairs = (process / "environ").read_text("utf-8").split("\0")
                env = dict(pair.split("=", 1) for pair in pairs if pair)
                return (process / "cwd").readlink(), env
    raise LookupError(f"no Terraform command is at {peer}")


@contextmanager
def serving(factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Serve a go-between; give what leads Terraform to it, for its environment."""
    if not Path("/proc/net/tcp").exists():  # not Linux: each command starts its own
        yield {}
        return
    go_between = GoBetween(*_once(factory))
    with ThreadPoolExecutor(64) as threads:
        server = grpc.server(threads, [go_between], options=_BIG)
        port = server.add_insecure_port("127.0.0.1:0")
        server.start()
        reattach = {
            "Protocol": "grpc",
            "ProtocolVersion": 5,
            "Pid": os.getpid(),
            "Test": True,  # else Terraform would end this process with its command
            "Addr": {"Network": "tcp", "String": f"127.0.0.1:{port}"},
        }
        try:
            yield {"TF_REATTACH_PROVIDERS": json.dumps({ADDRESS: reattach})}
        finally:
            server.stop(0).wait()
            go_between.end()


def _once(factory: pytest.TempPathFactory) -> tuple[Path, bytes]:
    """Return the provider's program and its schemas: once for all workers."""

    def make() -> dict[str, str]:
        program = installed(factory.mktemp("provider"))
        return {"program": str(program), "schema": base64.b85encode(schemas(program)).decode()}

    made = once(factory, "provider", make)
    return Path(made["program"]), base64.b85decode(made["schema"])
