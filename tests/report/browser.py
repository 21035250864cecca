"""Pages in headless Chromium, driven through its DevTools protocol."""

import base64
import json
import os
import re
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

import pytest

CHROMIUM = next(
    (path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None
)
WHERE = "Debian's package `chromium`"

needs_browser = pytest.mark.skipif(CHROMIUM is None, reason=f"no Chromium here: install {WHERE}")


class Browser:
    """A headless browser; commands go through pipes, so that no port and no further package is needed."""

    def __init__(self):
        self._profile = tempfile.mkdtemp()
        here, there = os.pipe(), os.pipe()  # to the browser, from it
        script = f'exec "$@" 3<&{here[0]} 4>&{there[1]}'
        flags = ["--headless=new", "--no-sandbox", "--disable-gpu", "--remote-debugging-pipe", "--hide-scrollbars"]
        flags += ["--disable-dev-shm-usage", "--no-first-run", f"--user-data-dir={self._profile}"]
        command = ["bash", "-c", script, "bash", CHROMIUM, *flags, "about:blank"]
        quiet = subprocess.DEVNULL
        self._process = subprocess.Popen(command, pass_fds=(here[0], there[1]), stdout=quiet, stderr=quiet)  # noqa: S603
        os.close(here[0])
        os.close(there[1])
        self._to, self._from = os.fdopen(here[1], "wb"), os.fdopen(there[0], "rb")
        self._count, self._events = 0, []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def call(self, method, **params):
        """Send a command and wait for its result."""
        self._count += 1
        message = {"id": self._count, "method": method, "params": params}
        if session := getattr(self, "_session", None):
            message["sessionId"] = session
        self._to.write(json.dumps(message).encode() + b"\0")
        self._to.flush()
        while True:
            answer = self._receive()
            if answer.get("id") == self._count:
                assert "error" not in answer, answer["error"]
                return answer["result"]
            self._events.append(answer)

    def open(self, path: Path, width: int, height: int = 900, scheme: str = "light", mobile: bool = False):
        """Show a page. **Returns:** what it complained about, and what it fetched from elsewhere."""
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=mobile)
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        self._events.clear()
        self.call("Page.navigate", url=path.resolve().as_uri())
        while not any(event.get("method") == "Page.loadEventFired" for event in self._events):
            self._events.append(self._receive())
        self.evaluate("document.fonts.ready.then(() => 1)")
        bad = {"Runtime.exceptionThrown", "Log.entryAdded", "Runtime.consoleAPICalled"}
        complaints = [event for event in self._events if event.get("method") in bad]
        requests = [
            e["params"]["request"]["url"] for e in self._events if e.get("method") == "Network.requestWillBeSent"
        ]
        fetched = [url for url in requests if not url.startswith("data:") and url != path.resolve().as_uri()]
        return complaints, fetched

    def evaluate(self, expression):
        """The value of an expression of JavaScript."""
        result = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        return result["result"].get("value")

    def screenshot(self, path: Path, whole: bool = True):
        """The page as a PNG: all of it, or what the window shows."""
        data = self.call("Page.captureScreenshot", captureBeyondViewport=whole)["data"]
        path.write_bytes(base64.b64decode(data))

    def sheets(self) -> int:
        """The number of sheets of paper that the page takes."""
        pdf = base64.b64decode(self.call("Page.printToPDF", preferCSSPageSize=True)["data"])
        return len(re.findall(rb"/Type\s*/Page[^s]", pdf))

    def close(self):
        self._to.close()
        self._process.terminate()
        self._process.wait(timeout=20)
        self._from.close()
        time.sleep(0.1)
        shutil.rmtree(self._profile, ignore_errors=True)

    def _receive(self):
        message = bytearray()
        while (byte := self._from.read(1)) != b"\0":
            assert byte, "the browser has gone"
            message += byte
        return json.loads(message)
