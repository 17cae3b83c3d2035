"""Ctrl-C as a question, asked between two stretches of training, instead of an exception anywhere."""

from __future__ import annotations

import signal
import threading
from types import FrameType


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
