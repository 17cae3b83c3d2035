"""This machine: its vectors, and how many of its cores this process takes."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from netc.compiler.kernels.machine import Machine


def machine(lanes: int = 0) -> Machine:
    """This one; or one with vectors of so many lanes, whose bits every processor can give."""
    from netc.compiler.kernels.machine import Machine
    from netc.runtime.devices.simd import host_lanes

    lanes = lanes or host_lanes("f64")
    return Machine(lanes=lanes, registers=32 if lanes >= 8 else 16)


_shared = 0


def share_cores(count: int) -> None:
    """From now on this process, which is one of several on its machine, takes so many cores by itself."""
    global _shared
    _shared = count


def available_cores() -> int:
    if _shared:
        return _shared
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
