"""A headless Chromium that a test drives: addresses opened, expressions of the page evaluated, pictures taken.

Speaks the DevTools protocol over a pair of pipes, as `--remote-debugging-pipe` has it, so that nothing need be installed
but the browser.
"""

from __future__ import annotations

import base64
import json
import os
import select
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

PROGRAM = shutil.which("chromium") or shutil.which("google-chrome")

AT_3_AND_4 = """
import os, sys
for at, pipe in zip((3, 4), [os.dup(int(pipe)) for pipe in sys.argv[1:3]]):
    os.dup2(pipe, at)
    os.set_inheritable(at, True)  # also where it was there already
os.execv(sys.argv[3], sys.argv[3:])
"""
"""Where the browser looks for its pipes. Set by a process of its own: to set them between fork and exec (`preexec_fn`) would
run Python after a fork of the tests' process, which JAX, if some test has started it there, warns of."""

LONGEST = 300
"""Seconds of silence after which something is wrong, however busy the machine."""


class Browser:
    """`with Browser(folder) as browser:`; raises OSError where the browser ends before it answers."""

    def __init__(self, folder: Path, size: tuple[int, int] = (1280, 720)) -> None:
        assert PROGRAM is not None
        theirs_in, self.out = os.pipe()
        self.back, theirs_out = os.pipe()

        command = [sys.executable, "-c", AT_3_AND_4, str(theirs_in), str(theirs_out),
                   PROGRAM, "--headless", "--no-sandbox", "--disable-gpu", "--remote-debugging-pipe",
                   f"--user-data-dir={folder}", f"--window-size={size[0]},{size[1]}", "--no-first-run",
                   "--disable-background-networking", "about:blank"]  # fmt: skip
        self.process = subprocess.Popen(
            command,
            pass_fds=(theirs_in, theirs_out),
            stderr=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )
        os.close(theirs_in)
        os.close(theirs_out)
        self.rest, self.number, self.session, self.events = b"", 0, "", list[dict[str, Any]]()
        (page,) = [t for t in self.send("Target.getTargets")["targetInfos"] if t["type"] == "page"]
        self.session = self.send("Target.attachToTarget", targetId=page["targetId"], flatten=True)[
            "sessionId"
        ]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.send(f"{domain}.enable")
        self.send(
            "Emulation.setDeviceMetricsOverride",
            width=size[0],
            height=size[1],
            deviceScaleFactor=1,
            mobile=False,
        )

    def __enter__(self) -> Browser:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self.out)
        os.close(self.back)

    def send(self, method: str, **given: Any) -> Any:
        """The answer to a command; what happens meanwhile is kept in `events`."""
        self.number += 1
        message = {"id": self.number, "method": method, "params": given}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.out, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._next()
            if answer.get("id") == self.number:
                assert "error" not in answer, answer
                return answer["result"]
            self.events.append(answer)

    def _next(self) -> Any:
        while b"\0" not in self.rest:
            if not select.select([self.back], [], [], LONGEST)[0]:
                raise OSError(f"the browser has said nothing for {LONGEST} s")
            if not (more := os.read(self.back, 2**16)):
                raise OSError("the browser has ended")
            self.rest += more
        first, _, self.rest = self.rest.partition(b"\0")
        return json.loads(first)

    def open(self, address: str) -> None:
        """Back when the page is loaded."""
        self.events.clear()
        self.send("Page.navigate", url=address)
        while not any(e["method"] == "Page.loadEventFired" for e in self.events):
            self.events.append(self._next())

    def value(self, expression: str) -> Any:
        """Of an expression of JavaScript; of a promise what it comes to."""
        found = self.send("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")

    def until(self, condition: str) -> None:
        """Waits for what becomes true; the page looks, frame by frame, for as long as the test may take."""
        self.value(
            f"new Promise((done) => {{ const look = () => ({condition}) ? done(1) : requestAnimationFrame(look); look(); }})"
        )

    @property
    def faults(self) -> list[str]:
        """Errors that the page has told since it was opened: exceptions, what its policy refused, what was not found."""
        told = [e["params"]["entry"] for e in self.events if e["method"] == "Log.entryAdded"]
        thrown = [
            e["params"]["exceptionDetails"] for e in self.events if e["method"] == "Runtime.exceptionThrown"
        ]
        return [str(t) for t in (*(t for t in told if t["level"] == "error"), *thrown)]

    @property
    def fetched(self) -> list[str]:
        """The addresses that it has asked for."""
        return [
            e["params"]["request"]["url"] for e in self.events if e["method"] == "Network.requestWillBeSent"
        ]

    def picture(self, path: Path) -> None:
        path.write_bytes(base64.b64decode(self.send("Page.captureScreenshot")["data"]))
