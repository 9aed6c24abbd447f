"""A headless Chromium, spoken to over its own pipe: no driver, no port, nothing to install beside.

`python -m tools.browser PAGE PICTURE` draws a page, as the pictures in docs are made.

`--remote-debugging-pipe` has the browser read commands of the DevTools protocol from file
descriptor 3 and answer on 4, each message ended by a zero byte (Chromium,
content/browser/devtools/devtools_pipe_handler.h).
"""

from __future__ import annotations

import argparse
import base64
import itertools
import json
import os
import select
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome")
_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--remote-debugging-pipe",
)
_PATIENCE_SECONDS = 120


class BrowserError(Exception):
    """When the browser does not answer, or says that a command failed."""


def missing() -> str:
    """Return why no browser can be started, empty if one can."""
    if any(map(shutil.which, NAMES)):
        return ""
    return f"no browser: none of {', '.join(NAMES)} is on the PATH (Debian: apt install chromium)"


@dataclass
class Browser:
    """One tab of a running Chromium.

    `events` has what the browser told without being asked: (method, parameters).
    """

    to: int
    back: int
    events: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    session: str = ""
    _numbers: Iterator[int] = field(default_factory=itertools.count)
    _read: bytes = b""

    def open_tab(self) -> None:
        """Open the tab that everything else is about."""
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        attached = self.call("Target.attachToTarget", targetId=target, flatten=True)
        self.session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Send a command and return its answer.

        Raises:
            BrowserError: it failed, or there was no answer.
        """
        number = next(self._numbers)
        command = {"id": number, "method": method, "params": parameters}
        if self.session:
            command["sessionId"] = self.session
        os.write(self.to, json.dumps(command).encode() + b"\0")
        while (answer := self._message()).get("id") != number:
            self.events.append((answer.get("method", ""), answer.get("params", {})))
        if "error" in answer:
            raise BrowserError(f"{method}: {answer['error']}")
        return dict(answer["result"])

    def _message(self) -> dict[str, Any]:
        end = time.monotonic() + _PATIENCE_SECONDS
        while b"\0" not in self._read:
            ready, _, _ = select.select([self.back], [], [], max(0.0, end - time.monotonic()))
            part = os.read(self.back, 1 << 20) if ready else b""
            if not part:
                raise BrowserError("the browser does not answer")
            self._read += part
        text, _, self._read = self._read.partition(b"\0")
        return dict(json.loads(text))

    def show(
        self,
        page: Path,
        width: int = 1280,
        height: int = 900,
        *,
        dark: bool = False,
        script: bool = True,
    ) -> None:
        """Load a file into a window of so many pixels, as a phone does if it is narrow."""
        self.call("Emulation.setScriptExecutionDisabled", value=not script)
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=width < 600,
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", features=[scheme])
        self.events.clear()
        self.call("Page.navigate", url=page.resolve().as_uri())
        while all(method != "Page.loadEventFired" for method, _ in self.events):
            answer = self._message()
            self.events.append((answer.get("method", ""), answer.get("params", {})))

    def ask(self, expression: str) -> Any:
        """Return the value of a JavaScript expression in the page; a promise is waited for.

        Raises:
            BrowserError: it threw.
        """
        answer = self.call(
            "Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True
        )
        if "exceptionDetails" in answer:
            raise BrowserError(str(answer["exceptionDetails"])[:2000])
        return answer["result"].get("value")

    def picture(self, *, whole: bool = False) -> bytes:
        """Return what is seen as a PNG, or the whole page."""
        shot = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        return base64.b64decode(shot["data"])


@contextmanager
def browser(arguments: Sequence[str] = ()) -> Iterator[Browser]:
    """Run a browser with a profile of its own, and one tab.

    Raises:
        BrowserError: there is none.
    """
    if why := missing():
        raise BrowserError(why)
    program = next(filter(None, map(shutil.which, NAMES)))
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        (theirs, to), (back, answers) = os.pipe(), os.pipe()
        # puts the pipes where the browser looks for them; dash knows no descriptor above 9
        command = ["bash", "-c", f'exec "$@" 3<&{theirs} 4>&{answers}', "-", program, *_FLAGS]
        process = subprocess.Popen(
            [*command, f"--user-data-dir={profile}", *arguments, "about:blank"],
            pass_fds=(theirs, answers),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(theirs)
        os.close(answers)
        try:
            made = Browser(to, back)
            made.open_tab()
            yield made
        finally:
            os.close(to)
            os.close(back)
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def main() -> None:
    """Draw what is seen first of a page."""
    parser = argparse.ArgumentParser(prog="python -m tools.browser", description=main.__doc__)
    parser.add_argument("page", type=Path)
    parser.add_argument("picture", type=Path)
    parser.add_argument("--width", type=int, default=1280)
    parser.add_argument("--height", type=int, default=900)
    parser.add_argument("--dark", action="store_true")
    asked = parser.parse_args()
    with browser() as running:
        running.show(asked.page, asked.width, asked.height, dark=asked.dark)
        asked.picture.write_bytes(running.picture())


if __name__ == "__main__":
    main()
