"""Ctrl-C: a question between two stretches of training instead of an exception anywhere, and never lost."""

from __future__ import annotations

import _thread
import signal
import sys
import threading
from types import FrameType
from typing import Any


class Interrupt:
    """`with Interrupt() as interrupt:` sets `interrupt.asked` at the first SIGINT; a second one raises.

    Python delivers signals to the main thread only; elsewhere it is never asked.
    """

    def __init__(self) -> None:
        self.asked = False

    def __enter__(self) -> Interrupt:
        self._main = threading.current_thread() is threading.main_thread()
        if self._main:
            self._before = signal.signal(signal.SIGINT, self._ask)
        return self

    def __exit__(self, *_: object) -> None:
        if self._main:
            signal.signal(signal.SIGINT, self._before)

    def _ask(self, number: int, frame: FrameType | None) -> None:
        if self.asked:
            raise KeyboardInterrupt
        self.asked = True


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
