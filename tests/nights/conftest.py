from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.harness import NightDriver, driver


@pytest.fixture
def night(monkeypatch: pytest.MonkeyPatch, engine_name: str) -> Iterator[NightDriver]:
    with driver(monkeypatch, engine_name) as made:
        yield made
