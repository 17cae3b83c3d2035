"""The local server of `netc play`: one page and its few questions, on this machine alone.

Whoever asks must know the random token in the address, and must have asked for this machine by name: a page of somebody
else, in the same browser, can do neither. One question is answered at a time; nothing trains while none is asked.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Mapping
from contextlib import suppress
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.resources import files
from math import isfinite
from threading import Lock
from typing import Any

from netc import __version__
from netc.command_line import defect
from netc.dsl.diagnostics import SpecError
from netc.play import Playground
from netc.play.shown import frame, setup

HOST = "127.0.0.1"
LARGEST = 2**16
"""Bytes of a question."""
MOST_STEPS = 10**6


class Server(ThreadingHTTPServer):
    """Answers for one playground; `address` is where a browser finds it."""

    daemon_threads = True

    def __init__(self, play: Playground, port: int = 0) -> None:
        """Raises OSError where the port is taken; of port 0 a free one is."""
        super().__init__((HOST, port), _Handler)
        self.play, self.lock = play, Lock()
        self.token, self.nonce = secrets.token_urlsafe(24), secrets.token_urlsafe(16)

    @property
    def address(self) -> str:
        return f"http://{HOST}:{self.server_port}/{self.token}/"

    @property
    def hosts(self) -> tuple[str, ...]:
        """What a browser on this machine calls it."""
        return f"{HOST}:{self.server_port}", f"localhost:{self.server_port}"

    @property
    def policy(self) -> str:
        """What the page may do: run and show what stands in it, and ask this server."""
        own = f"'nonce-{self.nonce}'"
        return (
            f"default-src 'none'; script-src {own}; style-src {own}; connect-src 'self'; "
            "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        )

    def page(self) -> str:
        parts = {
            name: files("netc.play").joinpath(f"page.{name}").read_text("utf-8")
            for name in ("html", "css", "js")
        }
        made = parts["html"]
        for mark, text in (("STYLE", parts["css"]), ("SCRIPT", parts["js"]), ("NONCE", self.nonce)):
            made = made.replace(f"@{mark}@", text)
        return made.replace("@VERSION@", __version__)


class _Handler(BaseHTTPRequestHandler):
    server: Server
    server_version, sys_version = "netc", ""

    def do_GET(self) -> None:
        if (what := self._asked()) is None:
            return
        if what == "":
            self._send(HTTPStatus.OK, "text/html; charset=utf-8", self.server.page())
        elif what == "setup":
            self._answer(lambda play: {"setup": setup(play), "frame": frame(play)})
        else:
            self._refuse(HTTPStatus.NOT_FOUND, "there is no such page")

    def do_POST(self) -> None:
        if (what := self._asked()) is None:
            return
        moves: Mapping[str, Callable[[Playground, Any], str]] = {"go": _go, "set": _set, "reset": _reset}
        if what not in moves:
            return self._refuse(HTTPStatus.NOT_FOUND, "there is no such question")
        try:
            length = int(self.headers.get("Content-Length", ""))
            given = json.loads(self.rfile.read(length)) if 0 <= length <= LARGEST else None
        except ValueError:
            given = None
        if not isinstance(given, dict):
            return self._refuse(HTTPStatus.BAD_REQUEST, "a question is a small JSON object")
        self._answer(lambda play: _moved(play, moves[what], given))

    def _asked(self) -> str | None:
        """What is asked for; None where the one who asks is refused."""
        token, _, what = self.path.removeprefix("/").partition("/")
        known = secrets.compare_digest(token.encode(), self.server.token.encode())
        if known and self.headers.get("Host") in self.server.hosts:
            return what
        self._refuse(HTTPStatus.FORBIDDEN, "the whole address is needed that netc play has printed")
        return None

    def _answer(self, made: Callable[[Playground], dict[str, Any]]) -> None:
        with self.server.lock:
            try:
                text, status = json.dumps(made(self.server.play)), HTTPStatus.OK
            except SpecError as error:
                text = json.dumps({"refused": str(error)})
                status = HTTPStatus.UNPROCESSABLE_ENTITY
            except (TypeError, ValueError) as error:
                text, status = json.dumps({"refused": str(error)}), HTTPStatus.BAD_REQUEST
            except Exception as error:
                defect(error)
                text, status = json.dumps({"refused": repr(error)}), HTTPStatus.INTERNAL_SERVER_ERROR
        self._send(status, "application/json", text)

    def _refuse(self, status: HTTPStatus, words: str) -> None:
        self._send(status, "text/plain; charset=utf-8", f"{words}\n")

    def _send(self, status: HTTPStatus, kind: str, text: str) -> None:
        body = text.encode()
        self.send_response(status)
        for name, value in (
            ("Content-Type", kind),
            ("Content-Length", str(len(body))),
            ("Content-Security-Policy", self.server.policy),
            ("Cache-Control", "no-store"),
            ("Referrer-Policy", "no-referrer"),
            ("X-Content-Type-Options", "nosniff"),
        ):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def handle(self) -> None:
        with suppress(ConnectionError):  # a page that was closed
            super().handle()

    def log_message(self, format: str, *args: Any) -> None:
        """The terminal is the user's."""


def _moved(play: Playground, move: Callable[[Playground, Any], str], given: dict[str, Any]) -> dict[str, Any]:
    begun = play.session
    said = move(play, given)
    found = {"frame": frame(play, said)}
    return found if play.session is begun else {**found, "setup": setup(play)}


def _go(play: Playground, given: dict[str, Any]) -> str:
    steps = given.get("steps")
    if type(steps) is not int or not 1 <= steps <= MOST_STEPS:
        raise ValueError(f"steps is a whole number from 1 to {MOST_STEPS}")
    play.go(steps)
    return ""


def _set(play: Playground, given: dict[str, Any]) -> str:
    if not all(type(v) in (int, float) and isfinite(v) for v in given.values()):
        raise ValueError("what is set are numbers")
    return play.set({name: float(value) for name, value in given.items()})


def _reset(play: Playground, given: dict[str, Any]) -> str:
    seed = given.get("seed")
    if seed is not None and (type(seed) is not int or seed < 0):
        raise ValueError("a seed is a whole number from 0 on")
    play.reset(seed)
    return ""
