"""The first line: at most 60 characters, whatever the deployment is called."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hippolyte.report.first_line import FIRST_LINE, first_line

ACCOUNT = "123456789012"
RUN = "2026-11-24T00-00Z"
FAILED = ("ATTENTION 3 of 912 failed, 2 left raised", "ATTENTION 3 of 912 failed +")


@pytest.mark.parametrize(
    ("forms", "name", "region", "line"),
    [
        (["OK 912 backed up"], "shop", "eu-west-1", f"shop {ACCOUNT} eu-west-1 2026-11-24"),
        (["ATTENTION 3 of 912 failed"], "shop", "eu-west-1", f"shop {ACCOUNT} eu-west-1 11-24"),
        (["ATTENTION 3 of 912 failed"], "hippolyte", "us-east-1", f"hippolyte {ACCOUNT} us-east-1"),
        (["ATTENTION 3 of 912 failed"], "nightly-backups", "us-east-1", f"nightly-b~ {ACCOUNT}"),
    ],
)
def test_what_then_where_then_when(forms: list[str], name: str, region: str, line: str) -> None:
    assert first_line(forms, name, ACCOUNT, region, RUN).startswith(f"{forms[0]}: {line}")


def test_words_go_before_the_date_and_the_shorter_form_before_the_name() -> None:
    assert first_line(FAILED, "s", ACCOUNT, "eu-west-1", RUN) == (
        f"{FAILED[1]}: s {ACCOUNT} eu-west-1 11-24"
    )


@given(
    st.lists(st.text(min_size=1, max_size=90), min_size=1, max_size=3),
    st.from_regex(r"[a-z][a-z0-9-]{1,26}", fullmatch=True),
    st.sampled_from(["eu-west-1", "ap-southeast-1", "us-gov-west-1"]),
    st.sampled_from(["", RUN]),
)
def test_it_never_is_longer_and_sns_takes_it(
    forms: list[str], name: str, region: str, run_id: str
) -> None:
    line = first_line(forms, name, ACCOUNT, region, run_id)
    assert 0 < len(line) <= FIRST_LINE
    assert line.isascii()
    assert line.isprintable()
