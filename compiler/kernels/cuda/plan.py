"""Program -> shape of its CUDA kernel: who works on a run, how many threads, what lies in shared memory; and why.

    thread   one run per thread, vectors in registers: functions of a few parameters
    block    one run per block of threads (of a warp, where 32 are enough): networks
    grid     one run on all blocks together: each has its share of the samples, their gradients are added behind

Bytes are computed here, before anything is made. Launches nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal

from netc.compiler.calculus import ir
from netc.compiler.kernels.cuda.tile_plan import PILE, REGISTERS, SCARCE, Tile, Tiled, tiled
from netc.compiler.kernels.patterns import Chain, Layer, Product, chain, pointwise
from netc.dsl.record import record

Shape = Literal["thread", "block", "grid"]


@record
class Card:
    """What the planner counts on: the same for every GPU with at least so many multiprocessors as `blocks`."""

    shared: int = 48 * 1024
    """Bytes of static shared memory that a block may have on every GPU since 2006."""
    threads: int = 128
    """Of a block that has a run for itself at most; a power of two."""
    crowd: int = 512
    """Of a block of a grid: loads of weights that no block keeps wait for memory, and more threads wait at once. In
    float64 no more than can have all registers: the kernels of some examples need them."""
    blocks: int = 128
    """Of a grid that works on one run at most: all of them must be on the GPU at once."""


@record
class Stage:
    """Where a layer's buffers are: offsets in `memory`."""

    layer: Layer
    source: int
    """Of the layer's input."""
    z: int
    a: int
    d: int
    """Of the cotangent of z: where a was, unless a function over the units of a sample needs both."""
    forward: Tile
    through: Tile
    sums: Tile


@dataclass(frozen=True)
class Plan:
    shape: Shape
    reason: str
    threads: int
    """Of a block."""
    blocks: int
    """Of one run: 1, or those of a grid."""
    samples: int = 1
    """That go through the network of a block together."""
    columns: int = 1
    """The same, rounded up to whole vectors of 16 bytes; what is beyond repeats a sample and counts nothing."""
    pitch: int = 1
    """Numbers from one row of a buffer to the next: an odd number of vectors, so that a column of them meets all
    banks."""
    vector: int = 1
    """Numbers in 16 bytes."""
    stages: tuple[Stage, ...] = ()
    temporaries: dict[str, int] = field(default_factory=dict, hash=False)
    """Buffers of the head and of activations that reduce over units, by name."""
    inputs: int = 0
    """Buffer of the samples themselves."""
    ones: int = 0
    """A row of ones: the input of the biases."""
    pile: int = 0
    """Where the parts of a sum meet."""
    copied: bool = False
    """Whether the first numbers are a copy of the parameters; else these are read where they are."""
    size: int = 0
    """Numbers in all that."""
    shared: bool = False
    """Whether it is in shared memory."""


FEWEST = 4
"""Samples that go through a block together at least, where there are so many."""
CROWDED = 4
"""Blocks of a multiprocessor from which on runs are not scarce."""
WORK, FEW = 50_000, 16
"""So many parameters times samples of an evaluation must each of at most so many runs have to get the whole grid. On an
H200, float32, a block against the grid: 466 parameters, 32 samples 7.9 and 7.5 µs an iteration, 404 samples 31 and 10 µs;
19 090 parameters, 8 samples 238 and 34 µs, 32 samples 287 and 26 µs, 128 samples 458 and 26 µs. More runs fill the GPU."""
SHARE = 4
"""Samples of a block of the grid at least: a vector of them in float32, and weights are read once for all of them."""
STAGED = {8: 1 / 3, 4: 0}
"""Bytes of a number -> part of the shared memory that a copy of the parameters may take. In float32 they are read where
they are (H200, Boston's network, 10 000 runs: 65 µs, with a copy 70; in float64 177 and 167)."""


REGISTER_FILE = 65_536
"""Registers of a multiprocessor, on every GPU since 2014."""


def most_registers(threads: int) -> int:
    """Of a thread, so that a block of so many fits; 255 is what the machine's code can name."""
    return min(255, REGISTER_FILE // threads)


def plan(program: ir.Program, card: Card, temporaries: dict[str, int], samples: int) -> Plan:
    """`temporaries`: buffers wanted besides, name -> rows; `samples`: of one evaluation."""
    count = program.problem.parameters
    match chain(program.problem):
        case None:
            reason = (
                f"an objective of {counted(count, 'parameter')}: one run per thread, its vectors in registers"
            )
            return Plan("thread", reason, card.threads, 1)
        case Chain() as network:
            item = 8 if program.training.precision == "f64" else 4
            runs = program.training.runs
            return _Network(network, count, card, temporaries, samples, item, runs).plan()


@record
class _Rows:
    stages: list[tuple[int, int, int]]
    """First rows of z, a and d of each layer."""
    temporaries: dict[str, int]
    count: int


@record
class _Network:
    network: Chain
    parameters: int
    card: Card
    temporaries: dict[str, int]
    samples: int
    item: int
    """Bytes of a number."""
    runs: int

    def plan(self) -> Plan:
        runs = self.runs
        block = self.laid_out("block", self._threads, 1, self.samples)
        alone = runs <= FEW and self.parameters * self.samples >= WORK * runs
        few = not block.shared and runs < self.card.blocks
        who = f"a network of {self.parameters} parameters, {counted(runs, 'run')}"
        if alone or few:
            return self._grid(f"{who}: too large for the shared memory of a block" if few else who)
        team = "warp" if block.threads == 32 else f"block of {block.threads} threads"
        return self._because(block, f"{who}: one run per {team}")

    def _grid(self, who: str) -> Plan:
        most = min(self.card.blocks, -(-self.samples // SHARE))
        blocks = 1 << (most.bit_length() - 1)
        share = -(-self.samples // blocks)
        threads = self.card.crowd if self.item == 4 else min(self.card.crowd, REGISTER_FILE // 256)
        chosen = self.laid_out("grid", threads, blocks, share)
        reason = (
            f"{who}, {counted(self.samples, 'sample')} an evaluation: {blocks} blocks of {chosen.threads} threads"
            f" share the samples of a run"
        )
        return self._because(chosen, reason)

    def _because(self, chosen: Plan, who: str) -> Plan:
        what = "parameters and activations" if chosen.copied else "activations"
        where = "shared" if chosen.shared else "global"
        size = chosen.size * self.item / 1024
        reason = f"{who}, {counted(chosen.samples, 'sample')} at a time, {size:.1f} KiB of {what} in {where} memory"
        return replace(chosen, reason=reason)

    @property
    def _threads(self) -> int:
        """So many that each has a whole tile of the widest layer, which costs fewest loads; whole warps."""
        widest = max(layer.product.outputs for layer in self.network.layers)
        wanted = -(-self.samples * widest // self._totals("block"))
        return min(self.card.threads, max(32, 1 << (wanted - 1).bit_length()))

    def _totals(self, shape: Shape) -> int:
        """That a thread holds at most."""
        return SCARCE if shape == "block" and self.runs <= CROWDED * self.card.blocks else REGISTERS

    def laid_out(self, shape: Shape, threads: int, blocks: int, samples: int) -> Plan:
        """As many samples at a time as fit, and the parameters beside them if that is possible."""
        room = (self.card.shared - 16 * threads) // self.item - PILE  # two numbers per thread lie there too
        parameters = self.parameters
        for copied in (parameters, 0) if parameters <= room * STAGED[self.item] else (0,):
            some = self._fitting(
                samples, threads, room - copied - self.vector
            )  # buffers begin at whole vectors
            if some >= min(samples, FEWEST):
                return self._with_buffers(Plan(shape, "", threads, blocks, some, shared=True), copied)
        return self._with_buffers(Plan(shape, "", threads, blocks, min(samples, threads)), 0)

    def _fitting(self, samples: int, most: int, room: int) -> int:
        """So many samples at a time, all chunks of about the same size; 0: not one fits."""
        vectors = max(room, 0) // self._rows.count // self.vector
        some = min(samples, most, (vectors if vectors % 2 else vectors - 1) * self.vector)
        return -(-samples // -(-samples // some)) if some > 0 else 0

    @property
    def vector(self) -> int:
        return 16 // self.item

    @property
    def _rows(self) -> _Rows:
        """Of all buffers, row behind row: the ones, the samples, z, a and d of the layers, temporaries."""
        stages: list[tuple[int, int, int]] = []
        top = 1 + self.network.layers[0].product.inputs
        for layer in self.network.layers:
            outputs = layer.product.outputs
            a, top = top, top + outputs
            z, d = a, a
            if layer.reads_z:
                z, top = top, top + outputs
            if layer.activation is None or not pointwise(layer.value):
                d, top = top, top + outputs
            stages.append((z, a, d))
        temporaries: dict[str, int] = {}
        for name, rows in self.temporaries.items():
            temporaries[name], top = top, top + rows
        return _Rows(stages, temporaries, top)

    def _with_buffers(self, made: Plan, copied: int) -> Plan:
        """`copied`: parameters that lie before the buffers."""
        vectors, rows = -(-made.samples // self.vector), self._rows
        made = replace(
            made, vector=self.vector, columns=vectors * self.vector, pitch=(vectors | 1) * self.vector
        )
        pitch, first = made.pitch, -(-copied // self.vector) * self.vector
        stages: list[Stage] = []
        source = inputs = first + pitch
        piled = 0
        for layer, places in zip(self.network.layers, rows.stages, strict=True):
            z, a, d = (first + row * pitch for row in places)
            tiles = self._tiles(layer.product, made)
            piled = max(piled, *(t.piled for t in tiles))
            stages.append(Stage(layer, source, z, a, d, *(t.tile for t in tiles)))
            source = a
        named = {name: first + row * pitch for name, row in rows.temporaries.items()}
        end = first + rows.count * pitch
        return replace(
            made, stages=tuple(stages), temporaries=named, ones=first, inputs=inputs, pile=end,
            copied=copied > 0, size=end + piled,
        )  # fmt: skip

    def _tiles(self, dense: Product, made: Plan) -> tuple[Tiled, Tiled, Tiled]:
        rows, columns, samples, most = dense.outputs, dense.inputs, made.columns, self._totals(made.shape)
        return (
            tiled(rows, samples, columns, made.threads, made.vector, most, adjacent=True),
            tiled(columns, samples, rows, made.threads, made.vector, most, adjacent=True),
            tiled(rows, columns + bool(dense.bias), samples, made.threads, made.vector, most, adjacent=False),
        )


def counted(number: int, thing: str) -> str:
    return f"{number:,} {thing}{'' if number == 1 else 's'}"
