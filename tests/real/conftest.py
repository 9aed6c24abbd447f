from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.real_dynamodb import SERVERS, RealDynamoDB, need_real_servers


@pytest.fixture(scope="session", params=SERVERS)
def real_dynamodb(request: pytest.FixtureRequest) -> Iterator[RealDynamoDB]:
    """Run a server that is not ours; what needs it is run with each."""
    need_real_servers()
    with SERVERS[request.param]() as running:
        yield running
