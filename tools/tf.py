"""Run Terraform with a private configuration: an offline mirror of providers if there is one.

`python -m tools.tf fmt -check` runs Terraform with the given arguments. Nothing here reads or
writes a home directory's configuration: Terraform's own is in the folder `build`, which git
ignores.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parent.parent
BUILD = REPOSITORY / "build" / "terraform"
REGISTRY = "registry.terraform.io"
DUMMY_CREDENTIALS = {"AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local"}
# left over from somebody's shell, these would change what is run, or on which account
NOT_INHERITED = ("AWS_PROFILE", "AWS_SESSION_TOKEN", "TF_CLI_ARGS", "TF_VAR_", "TF_WORKSPACE")


class TerraformError(Exception):
    """When Terraform is missing, or a command of it failed."""


def find_terraform(path: str | None = None) -> str:
    """Return the program to run: `terraform` on the PATH."""
    program = shutil.which("terraform", path=path)
    if program is None:
        raise TerraformError(
            "Terraform is not on the PATH. Install version 1.5 or later "
            "(https://developer.hashicorp.com/terraform/install) and try again."
        )
    return program


def usual_mirrors(environ: Mapping[str, str], root: Path = Path("/")) -> Iterator[Path]:
    """Yield the folders that may hold a mirror: the one that is named, else the usual ones."""
    named = environ.get("TF_PLUGIN_MIRROR")
    if named:
        yield Path(named)
        return
    home = environ.get("HOME")
    if home:
        yield Path(home) / ".terraform.d" / "plugins"
    if home or environ.get("XDG_DATA_HOME"):
        data = Path(environ.get("XDG_DATA_HOME") or f"{home}/.local/share")
        yield data / "terraform" / "plugins"
    for share in environ.get("XDG_DATA_DIRS", "/usr/local/share:/usr/share").split(":"):
        yield Path(share) / "terraform" / "plugins"
    with contextlib.suppress(OSError):
        yield from sorted(path for path in (root / "opt").iterdir() if path.is_dir())


def find_mirror(environ: Mapping[str, str] | None = None, root: Path = Path("/")) -> Path | None:
    """Return the first folder that holds the AWS provider, None if there is none.

    A mirror that TF_PLUGIN_MIRROR names must hold it: a typo shall not end in a download.
    """
    environ = os.environ if environ is None else environ
    for candidate in usual_mirrors(environ, root):
        with contextlib.suppress(OSError):  # a folder that may not be read is no mirror
            if any((candidate / REGISTRY / "hashicorp" / "aws").iterdir()):
                return candidate
    if environ.get("TF_PLUGIN_MIRROR"):
        raise TerraformError(
            f"TF_PLUGIN_MIRROR is {environ['TF_PLUGIN_MIRROR']!r}, but there is no "
            f"{REGISTRY}/hashicorp/aws in it. Correct it, or unset it to use Terraform's registry."
        )
    return None


def cli_configuration(mirror: Path | None, cache: Path) -> str:
    """Return a CLI configuration: the mirror for the AWS provider, else a download cache."""
    if mirror is None:
        return f"plugin_cache_dir = {json.dumps(str(cache))}\n"
    provider = f"{REGISTRY}/hashicorp/aws"
    return (
        "provider_installation {\n"
        "  filesystem_mirror {\n"
        f"    path    = {json.dumps(str(mirror))}\n"
        f'    include = ["{provider}"]\n'
        "  }\n\n"
        "  direct {\n"
        f'    exclude = ["{provider}"]\n'
        "  }\n"
        "}\n"
    )


def _write_cli_configuration() -> Path:
    cache = BUILD / "plugin-cache"
    cache.mkdir(parents=True, exist_ok=True)
    path = BUILD / "terraformrc"
    text = cli_configuration(find_mirror(), cache)
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        # replaced in one step: another run may be reading it
        temporary = path.with_suffix(f".{os.getpid()}")
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(path)
    return path


def environment(endpoint_url: str | None = None, region: str = "us-east-1") -> dict[str, str]:
    """Return what Terraform and boto3 need in their environment for a local AWS at `endpoint_url`.

    Keys are dummies, configuration files the null device: no run reaches an account by accident.
    """
    values = {
        "TF_CLI_CONFIG_FILE": str(_write_cli_configuration()),
        "TF_IN_AUTOMATION": "yes",
        "TF_INPUT": "0",
        "CHECKPOINT_DISABLE": "1",
        # a quarter of the CPU of a command is Go collecting what it soon gives back whole
        "GOGC": "off",
        "GOMEMLIMIT": "2GiB",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_REGION": region,
        "AWS_DEFAULT_REGION": region,
        **DUMMY_CREDENTIALS,
    }
    if endpoint_url is not None:
        values["AWS_ENDPOINT_URL"] = endpoint_url
    return values


def process_environment(extra: Mapping[str, str]) -> dict[str, str]:
    """Return this process's environment, without a shell's leftovers and with `extra`."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(NOT_INHERITED)}
    return kept | dict(extra)


@dataclass
class Terraform:
    """One root module, with state and plug-ins in `work`.

    In the root's own folder only the lock file is left. `log` holds what each command said.
    """

    root: Path
    work: Path
    env: Mapping[str, str]
    log: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.work.mkdir(parents=True, exist_ok=True)
        self._program = find_terraform()

    @property
    def state(self) -> Path:
        """The state file."""
        return self.work.resolve() / "terraform.tfstate"

    def init(self) -> None:
        """Install providers and modules."""
        self._run("init", "-no-color")

    def apply(
        self, variables: Mapping[str, Any] | None = None, targets: Sequence[str] = ()
    ) -> None:
        """Create or change what the root describes, or only `targets` and what they need."""
        chosen = [f"-target={target}" for target in targets]
        arguments = ("apply", "-no-color", "-auto-approve", self._state())
        self._run(*arguments, *chosen, *_variables(variables))

    def plan_detailed(self, variables: Mapping[str, Any] | None = None) -> bool:
        """Plan again; return whether anything would change."""
        arguments = ("plan", "-no-color", "-detailed-exitcode", self._state())
        return self._run(*arguments, *_variables(variables), good=(0, 2)).returncode == 2

    def plan_json(self, variables: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Return a plan in Terraform's JSON form."""
        file = self.work.resolve() / "tfplan"
        self._run("plan", "-no-color", f"-out={file}", self._state(), *_variables(variables))
        plan: dict[str, Any] = json.loads(self._run("show", "-json", str(file)).stdout)
        return plan

    def destroy(self, variables: Mapping[str, Any] | None = None) -> None:
        """Remove everything that is in the state."""
        self._run("destroy", "-no-color", "-auto-approve", self._state(), *_variables(variables))

    def test(self) -> str:
        """Run the root's own tests (*.tftest.hcl); return what they said.

        Raises:
            TerraformError: one of them failed.
        """
        return self._run("test", "-no-color").stdout

    def output(self) -> dict[str, Any]:
        """Return the outputs' values by name."""
        text = self._run("output", "-no-color", "-json", self._state()).stdout
        return {name: output["value"] for name, output in json.loads(text).items()}

    def _state(self) -> str:
        return f"-state={self.state}"

    def _run(self, *arguments: str, good: Iterable[int] = (0,)) -> subprocess.CompletedProcess[str]:
        env = process_environment(self.env) | {"TF_DATA_DIR": str(self.work.resolve() / "data")}
        result = subprocess.run(
            [self._program, *arguments],
            cwd=self.root,
            env=env,
            text=True,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
        )
        self.log.append(result.stdout + result.stderr)
        if result.returncode not in good:
            raise TerraformError(
                f"terraform {arguments[0]} in {self.root} ended with {result.returncode}:\n"
                f"{result.stderr.strip() or result.stdout.strip()}"
            )
        return result


def _variables(variables: Mapping[str, Any] | None) -> list[str]:
    """Return command-line arguments; what is not a string is written as JSON, which HCL reads."""
    return [
        f"-var={name}={value if isinstance(value, str) else json.dumps(value)}"
        for name, value in (variables or {}).items()
    ]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run Terraform with `arguments` and return its exit code."""
    arguments = sys.argv[1:] if arguments is None else arguments
    try:
        program = find_terraform()
        env = process_environment({"TF_CLI_CONFIG_FILE": str(_write_cli_configuration())})
    except TerraformError as error:
        print(error, file=sys.stderr)
        return 127
    return subprocess.run([program, *arguments], env=env, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
