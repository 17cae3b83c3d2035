"""What the planner must know of a processor; the runtime reads it off the machine it runs on."""

from __future__ import annotations

from netc.dsl.record import record


@record
class Machine:
    """`lanes` of float64 in a vector register, the number of such registers, and the second cache in bytes."""

    lanes: int = 4
    registers: int = 16
    cache: int = 524288

    def width(self, precision: str) -> int:
        return self.lanes if precision == "f64" else 2 * self.lanes
