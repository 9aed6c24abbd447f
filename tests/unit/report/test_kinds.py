"""Every kind of message is sent by somebody, and tried by `hippolyte test-alert`."""

from __future__ import annotations

from pathlib import Path

from hippolyte.report.kinds import Kind
from hippolyte.trial_messages import SAMPLES
from tools.tf import REPOSITORY

_CODE = REPOSITORY / "lambda" / "hippolyte"


def _code_but(*names: str) -> dict[Path, str]:
    found = (path for path in _CODE.rglob("*.py") if path.name not in names)
    return {path: path.read_text(encoding="utf-8") for path in found}


def test_every_kind_has_its_sample() -> None:
    assert set(SAMPLES) == set(Kind)


def test_every_kind_is_somebodys() -> None:
    text = "\n".join(_code_but("kinds.py", "trial_messages.py").values())
    assert {kind for kind in Kind if f"Kind.{kind.name}" not in text} == set()


def test_messages_go_out_by_one_function() -> None:
    """Which takes a `Message`, and that a kind: so none can be sent that has no sample."""
    assert {path.name for path, text in _code_but().items() if "Subject=" in text} == {"notify.py"}


def test_the_runbook_names_every_kind() -> None:
    runbook = (REPOSITORY / "docs" / "operations.md").read_text(encoding="utf-8")
    assert {kind for kind in Kind if f"`{kind}`" not in runbook} == set()
