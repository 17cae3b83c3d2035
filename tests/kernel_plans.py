"""What planners choose for chains of dense layers, on many processors and for many numbers of samples, a line for each; as
a script, the lines of one: `PYTHONPATH=tests python -m kernel_plans LAYERS TARGET`, a target being cpu or cuda.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import astuple, replace
from itertools import product
from unittest.mock import patch

from kernel_texts import GD, Case, network
from netc.compiler.calculus import ir
from netc.compiler.kernels.cpu import plan as cpu
from netc.compiler.kernels.cuda import plan as cuda
from netc.compiler.kernels.machine import Machine
from netc.compiler.kernels.patterns import Chain, chain, head_buffers

WIDTHS = (
    "1-1", "2-3-1", "13-15-15-1", "16-16-16", "8-8-8-8", "31-17-33-2", "64-128-10", "100-3", "33-31-30-29-28",
    "128-256", "129-255-1", "300-300-300-10", "784-100-10", "3-700-3",
)  # fmt: skip
SAMPLES = (
    1,
    2,
    3,
    4,
    5,
    7,
    8,
    9,
    15,
    16,
    17,
    31,
    32,
    33,
    63,
    64,
    65,
    100,
    127,
    128,
    129,
    137,
    500,
    511,
    512,
    3000,
    60000,
)
MACHINES = [
    Machine(lanes, registers, kilobytes * 1024)
    for lanes, registers, kilobytes in (
        (1, 16, 512),
        (2, 16, 512),
        (4, 16, 256),
        (4, 16, 512),
        (8, 32, 1024),
        (8, 32, 2048),
    )
]
RUNS = (1, 16, 17, 128, 513)


def program_of(widths: str) -> ir.Program:
    """The activation of the first hidden layer reads its input again, a softmax in the middle has buffers of its own."""
    first, *others, last = (int(n) for n in widths.split("-"))
    hidden = ("gelu", "softmax", "tanh", "relu")
    inner = "".join(f"({hidden[i % 4]}){n}" for i, n in enumerate(others))
    end, loss = ("softmax", "cross_entropy") if last > 1 else ("lin", "half_mse")
    return Case(network(f"[{first}{inner}({end}){last}]", loss, GD, "steps = 9"), first, last).program()


def cpu_lines(program: ir.Program) -> Iterator[str]:
    layers = chain_of(program)
    buffers = head_buffers(layers)
    for machine, precision, samples in product(MACHINES, ("f64", "f32"), SAMPLES):
        shuffled = samples % 2 == 1
        p = cpu.plan(layers, machine, precision, buffers, shuffled, samples)
        stages = [(s.wide, *astuple(s.layout), s.z, s.a, s.d, s.sums, s.rows, s.kept) for s in p.stages]
        rest = (p.block, p.height, p.outer_height, p.chunks, p.size, p.gather_x, p.gather_y, p.temporaries)
        yield f"{astuple(machine)} {precision} {samples}: {rest} {stages}"


def cuda_lines(program: ir.Program) -> Iterator[str]:
    layers = chain_of(program)
    buffers, training = head_buffers(layers), program.training
    with patch.object(cuda, "chain", lambda _: layers):  # looked up once, not for each line
        for runs, precision, samples in product(RUNS, ("f64", "f32"), SAMPLES[::3]):
            asked = replace(program, training=replace(training, runs=runs, precision=precision))
            p = cuda.plan(asked, cuda.Card(), buffers, samples)
            stages = [(s.z, s.a, s.d, *map(astuple, (s.forward, s.through, s.sums))) for s in p.stages]
            rest = (
                p.shape,
                p.threads,
                p.blocks,
                p.samples,
                p.columns,
                p.pitch,
                p.ones,
                p.inputs,
                p.pile,
                p.copied,
                p.size,
            )
            yield f"{runs} {precision} {samples}: {rest} {p.shared} {p.temporaries} {stages} {p.reason}"


def chain_of(program: ir.Program) -> Chain:
    found = chain(program.problem)
    assert found is not None
    return found


LINES = {"cpu": cpu_lines, "cuda": cuda_lines}

if __name__ == "__main__":
    print(*LINES[sys.argv[2]](program_of(sys.argv[1])), sep="\n")
