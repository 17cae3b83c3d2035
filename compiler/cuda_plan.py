"""Program -> shape of its CUDA kernel: who works on a run, how many threads, what lies in shared memory; and why.

    thread   one run per thread, vectors in registers: functions of a few parameters
    block    one run per block of threads, activations in shared memory where they fit
    grid     one run on all blocks together, activations in global memory, barriers over the grid

Bytes are computed here, before anything is made. Launches nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from netc.compiler import fuse, ir
from netc.compiler.cpu_plan import layers

Shape = Literal["thread", "block", "grid"]


@dataclass(frozen=True)
class Card:
    """What the planner counts on; the same for every GPU, so that results do not depend on the one at hand."""

    shared: int = 48 * 1024
    """Bytes of static shared memory that a block may have on every GPU since 2006."""
    threads: int = 128
    """Of a block; a power of two."""
    blocks: int = 64
    """Of a grid that works on one run: all of them must be on the GPU at once."""


@dataclass(frozen=True)
class Stage:
    """One dense layer with the activation behind it. Buffers: offset of the first row; -1: the samples themselves."""

    dense: ir.Dense
    map: ir.Map | None
    source: int
    z: int
    a: int
    d: int


@dataclass(frozen=True)
class Plan:
    shape: Shape
    reason: str
    threads: int
    blocks: int
    """Of one run: 1, or those of a grid."""
    samples: int = 1
    """That go through the network together."""
    pitch: int = 1
    """Numbers from one row of a buffer to the next; odd, so that a column of them meets all banks."""
    stages: tuple[Stage, ...] = ()
    temporaries: dict[str, int] = field(default_factory=dict, hash=False)
    """Buffers of the head and of activations that reduce over units, by name."""
    size: int = 0
    """Numbers in all buffers."""
    shared: bool = False
    """Whether the buffers are in shared memory."""


FEWEST, MOST = 8, 128
"""Samples that go through a block together."""
WORK = 500_000
"""Parameters times samples of an evaluation from which a single run gets the whole grid: below, barriers over the
grid are expected to cost more than they bring (not measured)."""


def plan(program: ir.Program, card: Card, temporaries: dict[str, int], samples: int) -> Plan:
    """`temporaries`: buffers wanted besides, name -> rows; `samples`: of one evaluation."""
    match program.problem:
        case ir.Objective(parameters=count):
            reason = (
                f"an objective of {_count(count, 'parameter')}: one run per thread, its vectors in registers"
            )
            return Plan("thread", reason, card.threads, 1)
        case ir.Network() as network:
            runs = program.training.runs
            if runs == 1 and network.parameters * samples >= WORK:
                return _grid(network, card, temporaries, samples)
            return _block(network, program.training, card, temporaries, samples)


def _block(
    network: ir.Network, training: ir.Training, card: Card, temporaries: dict[str, int], samples: int
) -> Plan:
    item = 8 if training.precision == "f64" else 4
    room = (card.shared - 8 * card.threads) // item  # the sums of a block lie there too
    most = min(MOST, 1 << max(samples - 1, 0).bit_length())
    sizes = [n for n in (MOST, 64, 32, 16, FEWEST) if n <= max(most, FEWEST)]
    fitting = [n for n in sizes if _buffers(network, n + 1, temporaries)[2] <= room]
    chosen = fitting[0] if fitting else sizes[0]
    stages, named, size = _buffers(network, chosen + 1, temporaries)
    where = "shared" if fitting else "global"
    reason = (
        f"a network of {network.parameters} parameters, {_count(training.runs, 'run')}: one run per block of"
        f" {card.threads} threads, {chosen} samples at a time, {size * item / 1024:.1f} KiB of activations"
        f" in {where} memory"
    )
    if not fitting:
        smallest = _buffers(network, FEWEST + 1, temporaries)[2] * item / 1024
        reason += f" (even {FEWEST} samples need {smallest:.1f} KiB, a block has {room * item / 1024:.1f})"
    return Plan(
        "block", reason, card.threads, 1, chosen, chosen + 1, stages, named, size, shared=bool(fitting)
    )


def _grid(network: ir.Network, card: Card, temporaries: dict[str, int], samples: int) -> Plan:
    chosen = min(samples, 4096)
    pitch = chosen | 1
    stages, named, size = _buffers(network, pitch, temporaries)
    reason = (
        f"one run of {network.parameters} parameters on {samples} samples an evaluation: all {card.blocks} blocks of"
        f" {card.threads} threads work on it, {chosen} samples at a time"
    )
    return Plan("grid", reason, card.threads, card.blocks, chosen, pitch, stages, named, size)


def _buffers(
    network: ir.Network, pitch: int, temporaries: dict[str, int]
) -> tuple[tuple[Stage, ...], dict[str, int], int]:
    top = 0

    def take(rows: int) -> int:
        nonlocal top
        start, top = top, top + rows * pitch
        return start

    stages: list[Stage] = []
    source = -1
    for dense, following in layers(network):
        a = take(dense.outputs)
        z = take(dense.outputs) if following and "z" in fuse.names(following.vjp) else a
        stages.append(Stage(dense, following, source, z, a, take(dense.outputs)))
        source = a
    named = {name: take(rows) for name, rows in temporaries.items()}
    return tuple(stages), named, top


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}{'' if number == 1 else 's'}"
