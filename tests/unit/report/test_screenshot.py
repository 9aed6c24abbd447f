"""The page in a real browser: headless Chromium draws it, and the picture is not blank."""

from __future__ import annotations

import shutil
import struct
import subprocess
import zlib
from pathlib import Path

import pytest

from hippolyte.report.page import render
from hippolyte.verdicts import Verdict
from tests.support.night_reports import at, night_report

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--window-size=1220,900",
)


@pytest.fixture
def browser() -> str:
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        pytest.skip(f"no browser is installed: none of {', '.join(BROWSERS)} is on the PATH")
    return found


def screenshot(browser: str, page: str, place: Path) -> bytes:
    """Draw a page; every picture has a browser profile of its own."""
    (place / "page.html").write_text(page, encoding="utf-8")
    picture = place / "page.png"
    command = [browser, *FLAGS, f"--user-data-dir={place / 'profile'}", f"--screenshot={picture}"]
    subprocess.run([*command, f"file://{place / 'page.html'}"], check=True, timeout=120)
    return picture.read_bytes()


def rows(png: bytes) -> list[bytes]:
    """Return the rows of a PNG, as filtered: equal ones are of equal pixels, in a blank picture."""
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    height = struct.unpack(">I", png[20:24])[0]
    data, at_byte = b"", 8
    while at_byte < len(png):
        length, kind = struct.unpack(">I4s", png[at_byte : at_byte + 8])
        data += png[at_byte + 8 : at_byte + 8 + length] if kind == b"IDAT" else b""
        at_byte += 12 + length
    pixels = zlib.decompress(data)
    size = len(pixels) // height
    return [pixels[first : first + size] for first in range(0, len(pixels), size)]


def test_the_page_is_drawn(browser: str, tmp_path: Path) -> None:
    raised = {"raised_from": 1000, "raised_to": 1569, "raised_at": at(2)}
    failed = {"verdict": Verdict.FAILED, "reason": "the cluster was lost", "items": None}
    report = night_report(
        [f"table-{n:02d}" for n in range(20)],
        **{"table-03": raised, "table-07": failed},
    )
    for name in ("blank", "page"):
        (tmp_path / name).mkdir()
    blank = rows(screenshot(browser, "<title>nothing</title>", tmp_path / "blank"))
    drawn = rows(screenshot(browser, render(report), tmp_path / "page"))
    assert len(drawn) == len(blank) == 900
    assert len(set(blank)) < 5
    assert len(set(drawn)) > 300
