"""What a target is to the pipeline: it plans for a program, chooses the loops, and says how they are spelled."""

from __future__ import annotations

from typing import Protocol

from netc.compiler.calculus import ir
from netc.compiler.kernels import loops as L
from netc.compiler.kernels.emit import Spelling


class Target(Protocol):
    """`samples` is the number of training samples."""

    def plan(self, program: ir.Program, samples: int) -> object:
        """Sizes and places, chosen before anything is made."""

    def schedule(self, program: ir.Program, samples: int) -> L.Module:
        """The kernels, one module, ready to print."""

    def spelling(self, module: L.Module) -> Spelling:
        """The table of the module's spellings."""
