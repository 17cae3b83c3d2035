"""Ctrl-C, SIGTERM and SIGHUP: a question between two stretches of training, not an exception anywhere, and never lost."""

from __future__ import annotations

import _thread
import signal
import sys
import threading
import time
from types import FrameType
from typing import Any

SIGNALS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))
"""Ctrl-C, a batch system whose time is over, a terminal that is closed."""
ONE_PRESS = 0.5
"""Seconds in which signals are one: `timeout` and batch systems send theirs to a process and to its group."""


class Interrupt:
    """`with Interrupt() as interrupt:` sets `interrupt.asked` at the first signal; one that comes later raises.

    Python delivers signals to the main thread only; elsewhere it is never asked.
    """

    def __init__(self) -> None:
        self.asked = False
        self._when = 0.0

    def __enter__(self) -> Interrupt:
        self._before = handled_by(self._ask)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def waited(self) -> float:
        """Seconds since it was asked; 0 where it was not."""
        return time.monotonic() - self._when if self.asked else 0.0

    def _ask(self, number: int, frame: FrameType | None) -> None:
        now = time.monotonic()
        if self.asked and now - self._when > ONE_PRESS:
            raise KeyboardInterrupt
        self._when = self._when if self.asked else now
        self.asked = True


def handled_by(handler: Any) -> dict[int, Any]:
    """The handlers of the signals until now; `nohup` has SIGHUP ignored, which it stays. None outside the main thread."""
    if threading.current_thread() is not threading.main_thread():
        return {}
    before = {number: signal.getsignal(number) for number in SIGNALS}
    ignored = {n for n, old in before.items() if n != signal.SIGINT and old == signal.SIG_IGN}
    # What was set by no Python (None) could not be set again.
    taken = {n: old for n, old in before.items() if n not in ignored and old is not None}
    for number in taken:
        signal.signal(number, handler)
    return taken


def raise_interrupt(number: int, frame: FrameType | None) -> None:
    """What Python does at Ctrl-C, for the other signals as well."""
    raise KeyboardInterrupt


class Unlost:
    """An interrupt inside a C callback, as when numba compiles, is dropped by Python: it is sent again.

    `met` says that there was one, so that what fails for want of the callback's work is no defect.
    """

    def __init__(self) -> None:
        self.met = False
        self._again: threading.Timer | None = None

    def __enter__(self) -> Unlost:
        self._before = sys.unraisablehook
        sys.unraisablehook = self._hook
        return self

    def __exit__(self, *_: object) -> None:
        sys.unraisablehook = self._before
        if self._again is not None:
            self._again.cancel()

    def _hook(self, lost: Any) -> None:
        if not issubclass(lost.exc_type, KeyboardInterrupt):
            self._before(lost)
            return
        self.met = True
        self._again = threading.Timer(0.1, _thread.interrupt_main)
        self._again.daemon = True
        self._again.start()
