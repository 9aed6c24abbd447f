"""What the repository configures is what can be run: hooks, workflow, waivers of security rules."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re

import yaml

import benchmarks
import hippolyte
from tools.tf import REPOSITORY


def make_targets() -> set[str]:
    text = (REPOSITORY / "Makefile").read_text(encoding="utf-8")
    return set(re.findall(r"^([a-z]+):", text, flags=re.MULTILINE))


def test_hooks_call_make_targets() -> None:
    text = (REPOSITORY / ".pre-commit-config.yaml").read_text(encoding="utf-8")
    (repository,) = yaml.safe_load(text)["repos"]

    assert repository["repo"] == "local", "no hook is fetched from elsewhere"
    for hook in repository["hooks"]:
        command, target, *_ = hook["entry"].split()
        assert command == "make"
        assert target in make_targets()
        assert hook["pass_filenames"] is False


def test_the_workflow_runs_what_people_run_with_a_token_that_reads() -> None:
    paths = list((REPOSITORY / ".github" / "workflows").iterdir())
    for path in paths:
        text = path.read_text(encoding="utf-8")
        workflow = yaml.safe_load(text)
        assert workflow["permissions"] == {"contents": "read"}
        (job,) = workflow["jobs"].values()
        assert [step["run"] for step in job["steps"] if "run" in step] == [".ci/run"]
        used = re.findall(r"uses: (\S+)(.*)", text)
        assert len(used) == 3
        for action, comment in used:
            assert re.search(r"@[0-9a-f]{40}$", action), f"{action} is not pinned by hash"
            assert re.fullmatch(r" # v\d+\.\d+\.\d+", comment)
    assert len(paths) == 1


def test_ci_lint_runs_checkov() -> None:
    makefile = (REPOSITORY / "Makefile").read_text(encoding="utf-8")

    assert "make lint" in (REPOSITORY / ".ci" / "run").read_text(encoding="utf-8")
    assert re.search(r"^lint:.* checkov\b", makefile, flags=re.MULTILINE)


def test_ci_runs_every_benchmark_at_a_small_size() -> None:
    """`python -m benchmarks` runs whatever module lies there; each must have a small size."""
    assert "make bench ARGS=--small" in (REPOSITORY / ".ci" / "run").read_text(encoding="utf-8")
    names = {module.name for module in pkgutil.iter_modules(benchmarks.__path__)}
    measured = {name for name in names if not name.startswith("_")}
    assert len(measured) >= 7
    for name in measured:
        main = importlib.import_module(f"benchmarks.{name}").main
        assert next(iter(inspect.signature(main).parameters)) == "small", name


def test_at_most_twelve_security_rules_are_waived_each_with_a_reason() -> None:
    """Two of them are the machine's: its own log and traces want rights on all of the account's."""
    waived: set[str] = set()
    files = [*REPOSITORY.glob("*.tf"), *REPOSITORY.glob("modules/*/*.tf")]
    for path in files:
        for line in path.read_text(encoding="utf-8").splitlines():
            if "checkov:skip" in line:
                found = re.search(r"#checkov:skip=(CKV2?_AWS_\d+):(.+)$", line)
                assert found, f"{path.name}: {line}"
                assert len(found[2].split()) >= 5, f"{found[1]}: say why"
                waived.add(found[1])
    configuration = (REPOSITORY / ".checkov.yaml").read_text(encoding="utf-8")

    assert len(waived) <= 12, sorted(waived)
    assert "skip-check" not in configuration, "waivers stand beside the resource"


def test_the_newest_version_of_the_changelog_is_the_packages() -> None:
    """The version stands in the package alone; what is above it is of no version yet."""
    text = (REPOSITORY / "CHANGELOG.md").read_text(encoding="utf-8")
    headings = re.findall(r"^## \[(.+?)\](?: - (\S+))?$", text, flags=re.MULTILINE)
    numbered = [(version, date) for version, date in headings if version != "Unreleased"]

    assert re.fullmatch(r"\d+\.\d+\.\d+", hippolyte.__version__)
    assert numbered[0][0] == hippolyte.__version__
    assert all(re.fullmatch(r"unreleased|\d{4}-\d\d-\d\d", date) for _, date in numbered)
