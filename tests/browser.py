"""A browser without a screen, driven by the DevTools protocol over a pipe; else tests skip.

Nothing but what the machine has: no driver, no socket, no network.
"""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")

Message = dict[str, Any]


@dataclass
class Browser:
    """A running browser with one page.

    Attributes
    ----------
    requests : list of str
        Addresses that the page asked for, its own first.
    said : list of str
        What stood on the console, and what failed.
    """

    read: int
    write: int
    session: str = ""
    requests: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    _rest: bytes = b""
    _count: int = 0

    def call(self, method: str, **parameters: Any) -> Message:
        """Send a command and wait for its answer; what happens meanwhile is noted."""
        self._count += 1
        message: Message = {"id": self._count, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.write, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._next()
            if answer.get("id") == self._count:
                assert "error" not in answer, answer
                return dict(answer["result"])
            self._note(answer)

    def wait_for(self, event: str) -> None:
        """Wait until something has happened."""
        while True:
            message = self._next()
            self._note(message)
            if message.get("method") == event:
                return

    def open(self, path: Path, width: int = 1400, height: int = 900, dark: bool = False) -> None:
        """Open a page in a window of some size, light or dark."""
        self.requests.clear()
        self.said.clear()
        self.resize(width, height)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", features=[scheme])
        self.call("Page.navigate", url=path.as_uri())
        self.wait_for("Page.loadEventFired")

    def resize(self, width: int, height: int) -> None:
        """Give the window another size."""
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
        self.call("Emulation.setDeviceMetricsOverride", **size)

    def value(self, expression: str) -> Any:
        """Return what an expression of JavaScript is worth."""
        told = self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in told, told
        return told["result"].get("value")

    def screenshot(self, whole: bool = True) -> bytes:
        """Return a picture of the page, as PNG."""
        shot = self.call("Page.captureScreenshot", captureBeyondViewport=whole)
        return base64.b64decode(shot["data"])

    def pdf(self) -> bytes:
        """Print the page."""
        paper = {"preferCSSPageSize": True, "paperWidth": 8.27, "paperHeight": 11.69}
        return base64.b64decode(self.call("Page.printToPDF", **paper)["data"])

    def _next(self) -> Message:
        while b"\0" not in self._rest:
            part = os.read(self.read, 1 << 20)
            assert part, "the browser has ended"
            self._rest += part
        first, _, self._rest = self._rest.partition(b"\0")
        return dict(json.loads(first))

    def _note(self, message: Message) -> None:
        told = message.get("params", {})
        match message.get("method"):
            case "Network.requestWillBeSent":
                self.requests.append(told["request"]["url"])
            case "Runtime.consoleAPICalled" | "Runtime.exceptionThrown":
                self.said.append(json.dumps(told)[:500])
            case "Log.entryAdded":
                self.said.append(told["entry"]["text"])


@contextmanager
def browser(folder: Path) -> Iterator[Browser]:
    """Start a browser that keeps what it needs in a folder, and end it."""
    program = next(filter(None, map(shutil.which, BROWSERS)), None)
    if program is None:
        pytest.skip("there is no Chromium on this machine")
    theirs_in, ours_out = os.pipe()
    ours_in, theirs_out = os.pipe()
    command = [
        *(program, "--headless", "--no-sandbox", "--disable-gpu", "--remote-debugging-pipe"),
        *("--no-first-run", "--disable-background-networking", "--disable-component-update"),
        *(f"--user-data-dir={folder / 'browser'}", "about:blank"),
    ]
    # The protocol is spoken on the descriptors 3 and 4; sh knows none of two digits.
    shell = ["bash", "-c", f'exec "$@" 3<&{theirs_in} 4>&{theirs_out}', "bash", *command]
    with subprocess.Popen(
        shell,
        pass_fds=(theirs_in, theirs_out),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        os.close(theirs_in)
        os.close(theirs_out)
        try:
            running = Browser(ours_in, ours_out)
            target = running.call("Target.createTarget", url="about:blank")["targetId"]
            attached = running.call("Target.attachToTarget", targetId=target, flatten=True)
            running.session = attached["sessionId"]
            for domain in ("Page", "Network", "Runtime", "Log"):
                running.call(f"{domain}.enable")
            yield running
        finally:
            os.close(ours_out)
            os.close(ours_in)
            process.terminate()
