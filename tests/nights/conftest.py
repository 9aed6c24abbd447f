from __future__ import annotations

from collections.abc import Iterator

import pytest

from harness import NightDriver, driver


@pytest.fixture
def night(monkeypatch: pytest.MonkeyPatch, engine: str) -> Iterator[NightDriver]:
    with driver(monkeypatch, engine) as made:
        yield made
