"""A program of any lets -> who works on a run, how many samples go through together, where buffers are; and why.

Between two lets that depend on each other all threads wait: within a block that costs next to nothing, over a grid about
as much as a block needs for a small let. So a run gets several blocks only where its lets have elements for all of them.
"""

from __future__ import annotations

from netc.compiler.calculus import ir
from netc.compiler.calculus.modes import evaluations
from netc.compiler.kernels.batches import largest_batch
from netc.compiler.kernels.cuda.lets import Lets, Mode, modes_of
from netc.compiler.kernels.cuda.plan import FEW, REGISTER_FILE, Card, Plan, Shape, counted
from netc.dsl.diagnostics import Diagnostic, SpecError

WIDE = 8
"""Elements of the widest let for each thread of a block, from which on few runs get several blocks each."""
SPACE: dict[Shape, int] = {"block": 2**23, "grid": 2**28}
"""Bytes of a team's buffers, unless all samples of an evaluation must be there at once."""
SHORT: dict[Shape, int] = {"block": 512, "grid": 4096}
"""Sums over the samples with fewer elements are taken in two steps: else most threads would have nothing to do."""
MOST = 2**32
"""Elements of a let: kernels count them in 32 bits."""


def planned(program: ir.Program, card: Card, samples: int) -> Lets:
    problem, training = program.problem, program.training
    item = 8 if training.precision == "f64" else 4
    crowd = card.crowd if item == 4 else min(card.crowd, REGISTER_FILE // 256)
    batch = largest_batch(program, samples, problem.test is None)
    widest = max(ir.elements(let.axes) for let in problem.lets.values() if ir.SAMPLES in let.axes)
    wide, runs = widest * batch, training.runs
    shape: Shape = "grid" if runs <= FEW and wide >= WIDE * crowd * runs else "block"
    modes = modes_of(problem, samples, batch, SHORT[shape], SPACE[shape] // item)
    tested = any(s.tested for s in evaluations((*program.rule.body, *program.rule.test)))
    modes = modes if tested else modes[:1]
    for mode in modes:
        _count_of_elements(mode)
    threads, blocks = crowd, 1
    if shape == "grid":
        blocks = 1 << (min(card.blocks, -(-wide // crowd)).bit_length() - 1)
        who = f"{blocks} blocks of {threads} threads work on a run"
    else:
        threads = min(crowd, max(32, 1 << (wide - 1).bit_length()))
        who = f"one run per {'warp' if threads == 32 else f'block of {threads} threads'}"
    through = counted(modes[0].columns, "sample")
    reason = (
        f"a network of {counted(problem.parameters, 'parameter')}, {counted(runs, 'run')}: {who}, let after let,"
        f" {through} at a time, {max(m.size for m in modes) * item / 1024:,.1f} KiB of them in global memory"
    )
    shuffled = bool(training.batches.order)
    return Lets(Plan(shape, reason, threads, blocks), modes, shuffled)


def _count_of_elements(mode: Mode) -> None:
    arrays: list[ir.Let | ir.Tensor] = [*mode.problem.lets.values(), *mode.problem.tensors]
    for array in arrays:
        if ir.elements(array.axes) * (mode.columns if ir.SAMPLES in array.axes else 1) >= MOST:
            what = "for each of " + counted(mode.columns, "sample") if ir.SAMPLES in array.axes else "in all"
            raise SpecError([
                Diagnostic(
                    "E0911", "target = cuda cannot count the elements of an array of this network", array.span,
                    notes=(f"it has {counted(ir.elements(array.axes), 'element')} {what}; kernels count to 2^32",),
                    hints=("take smaller batches, or leave out 'target = cuda'",),
                )
            ])  # fmt: skip
