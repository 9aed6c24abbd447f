from __future__ import annotations

from collections.abc import Iterator

import pytest

from harness import NightDriver, driver


@pytest.fixture
def night(monkeypatch: pytest.MonkeyPatch) -> Iterator[NightDriver]:
    with driver(monkeypatch) as made:
        yield made
