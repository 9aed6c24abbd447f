"""The share of a table's capacity where a deployment cannot be looked at."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, NoCredentialsError

from hippolyte.errors import ConfigurationError
from hippolyte_cli.backups_place import SHARE, share_of_backups


@pytest.mark.parametrize(
    "error",
    [
        NoCredentialsError(),
        EndpointConnectionError(endpoint_url="https://lambda.example"),
        ClientError({"Error": {"Code": "AccessDeniedException"}}, "GetFunctionConfiguration"),
        ConfigurationError("There is no function."),
    ],
)
def test_what_cannot_be_looked_at_is_told_and_no_trouble(
    monkeypatch: pytest.MonkeyPatch, error: Exception, capsys: pytest.CaptureFixture[str]
) -> None:
    def refused(*_: Any) -> None:
        raise error

    monkeypatch.setattr("hippolyte_cli.deployment.deployed", refused)
    assert share_of_backups("hippolyte-monitor", None, "eu-west-1") == SHARE
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("read at 50 % of its capacity, or at --share") == 1
    assert "An error occurred" not in err
    # a bucket that is named says nothing of shares, and nothing was to be asked
    assert share_of_backups("hippolyte-monitor", "backups", "eu-west-1") == SHARE
    assert capsys.readouterr().err == ""
