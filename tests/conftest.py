from __future__ import annotations

import gc
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from hippolyte import clock

TESTS = Path(__file__).parent
# These files take longest and are begun first: those with a Terraform apply, which sleep for a
# minute or two, in turn with those that work, so that at any time there is one that works.
BEGUN_FIRST = (
    "terraform/test_multi_account.py",
    "terraform/test_places.py",
    "terraform/test_moving.py",
    "terraform/test_object_lock.py",
    "operations/test_permissions.py",
    "faults/test_crash_points.py",
    "terraform/test_minimal.py",
    "terraform/test_datapipeline_module.py",
    "nights/test_scale.py",
    "terraform/test_lifecycle.py",
    "terraform/test_emr_module.py",
    "terraform/test_complete.py",
    "terraform/test_upgrade.py",
    "terraform/test_state_machine.py",
    "terraform/test_unknown_settings.py",
    "terraform/test_long_settings.py",
)
ENGINES = ("datapipeline", "emr", "lambda")
# no engine of a deployment: nights whose tables DynamoDB exports itself, by tests that know them
NATIVE = "native"


@pytest.fixture(autouse=True)
def time_is_as_it_was() -> Iterator[None]:
    """A time that one test sets is none of the next one's, which would wait in it for ever."""
    before = clock.now, time.sleep
    yield
    after = clock.now, time.sleep
    clock.now, time.sleep = before  # type: ignore[assignment]
    assert after == before, "the test leaves its own clock behind"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let one run choose by which engine the nights are run."""
    parser.addoption(
        "--engine",
        choices=("slice", "all", *ENGINES, NATIVE),
        default="slice",
        help="the nights' engine: one of them, all, or (default) Data Pipeline, and all for a few; "
        "native: nights of DynamoDB's own exports",
    )


def _wanted(marks: dict[str, pytest.Mark], option: str) -> tuple[str, ...]:
    able = marks["engine"].args if "engine" in marks else ENGINES
    if option == "slice":
        return able if "engine" in marks or "both" in marks else ENGINES[:1]
    able += (NATIVE,) * ("native" in marks)
    return tuple(e for e in able if option in ("all", e))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test that takes an engine by each that is wanted, and that it is able to run by."""
    if "engine_name" not in metafunc.fixturenames:
        return
    marks = {mark.name: mark for mark in metafunc.definition.iter_markers()}
    wanted = _wanted(marks, metafunc.config.getoption("--engine"))
    left_out = pytest.param("", marks=pytest.mark.skip(reason="of the other engine alone"))
    metafunc.parametrize("engine_name", wanted or [left_out])


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the longest files; all others, and the tests of a file, keep their order."""
    place = {TESTS / name: n for n, name in enumerate(BEGUN_FIRST)}
    items.sort(key=lambda item: place.get(item.path, len(place)))


@pytest.fixture(scope="session")
def reattached(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """What leads a Terraform command to this run's AWS provider, for its environment."""
    from tests.support.provider import serving  # few workers need gRPC

    with serving(tmp_path_factory) as found:
        yield found


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Keep what is packed out of names: gzip's time differs in each worker, which xdist refuses."""
    if isinstance(val, bytes) and not (val.isascii() and val.decode().isprintable()):
        return f"{argname}-{len(val)}-bytes"
    return None


def pytest_collection_finish() -> None:
    """Let the garbage collector leave alone what stays: the SDK, its models, the tests."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 10, 10)
