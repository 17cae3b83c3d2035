"""Network -> plan: tile sizes, the block of samples, and where each buffer lies in the scratch memory.

A block of samples goes through the whole network before the next one starts, so that its activations stay in
the first cache. Buffers are feature-major, `[unit][sample of the block]`: the sample is the vector lane.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import field, replace

from netc.compiler.calculus import ir
from netc.compiler.kernels import loops as L
from netc.compiler.kernels.cpu.kept import kept
from netc.compiler.kernels.machine import Machine
from netc.compiler.kernels.patterns import Chain, Layer, Product
from netc.dsl.record import record

TILE_VECTORS = 2
"""Sample vectors in a register tile of a matrix product."""


@record
class Sums:
    """Layout of one layer's gradient sums: W vectors of sums at a time, so one side is padded to whole vectors.

    over_outputs: `[input][output, padded]`, else `[output][input, padded]`; bias sums follow, `[output, padded]`. Of a wide
    layer inputs are padded to whole tiles.
    """

    over_outputs: bool
    padded: int
    bias: int
    size: int


@record
class Stage:
    """Where a layer's buffers are."""

    layer: Layer
    source: int
    """Offset of the input's buffer; -1: the samples themselves."""
    z: int
    """Pre-activation; the same buffer as `a` where backward does not need it."""
    a: int
    d: int
    """Cotangent of the pre-activation."""
    sums: int
    """Gradient sums of this layer, laid out as `layout` says."""
    layout: Sums
    rows: int
    """The input sample by sample, where the layer is wide; else -1."""
    kept: int
    """What of the activation the backward pass wants again, see `kept`; -1 where it is nothing."""

    @property
    def wide(self) -> bool:
        return self.rows >= 0


@record
class Plan:
    lanes: int
    registers: int
    block: int
    stages: tuple[Stage, ...]
    height: int
    """Rows of a register tile of `product`."""
    sums_height: int
    """And of `outer_rows`."""
    zeros: int
    """A row of zeros, the start of sums without a bias."""
    gather_x: int
    gather_y: int
    gather_rows: int
    """Samples as they are: so many that they fill a line of the cache, or all of a block where the first layer is wide."""
    temporaries: dict[str, int] = field(hash=False)
    """Buffers of the head and of activations that reduce over units, by name."""
    names: dict[int, str] = field(hash=False)
    """What kernels call the places."""
    size: int
    """Numbers of scratch for one worker, of one chunk."""
    chunks: int
    """Ranges of samples that threads may take; 1 where an evaluation is too short to share."""
    vectors: int = TILE_VECTORS
    """Of samples, of which a block's width is a multiple."""
    panels: int = 0
    """Inputs of samples that lie in panels, see `in_panels`; 0: they do not."""
    few: int = 0
    """Evaluations of so many samples or fewer go sample after sample, with units as lanes; see `units`."""

    @property
    def wide(self) -> bool:
        """Whether a layer is."""
        return any(stage.wide for stage in self.stages)

    def at(self, place: int) -> L.Int:
        return L.Int(place, self.names[place])

    @property
    def step(self) -> int:
        """Samples are processed in multiples of this."""
        return self.lanes * self.vectors

    @property
    def gathered(self) -> int:
        """Samples that are brought together at a time: a cache line of each feature, where a vector is half a line."""
        return TILE_VECTORS * self.lanes

    @property
    def outer_height(self) -> int:
        """Rows of a tile of `outer_sums`: its W sums per row and a few loads must fit in the registers."""
        return max(1, (self.registers - 4) // self.lanes)


def plan(
    network: Chain,
    machine: Machine,
    precision: str,
    temporaries: dict[str, int],
    shuffled: bool,
    samples: int,
) -> Plan:
    """`temporaries`: buffers wanted besides, name -> rows; `samples`: of one evaluation, a batch's."""
    lanes, dense = machine.width(precision), products(network)
    times = 2 if shuffled else 1  # what is gathered is there as it was and turned
    values = times * dense[0].inputs + sum(2 * d.outputs for d in dense)
    block = block_of(values, machine, lanes)
    if heavy(dense, machine, lanes):
        step = lanes * TILE_VECTORS
        block = max(block, -(-min(LEAST_BLOCK, samples) // step) * step)
    at_once = (
        min(block, samples) if samples > lanes else block
    )  # fewer go by units: what is left are evaluations of all
    wide = [is_wide(d, at_once, lanes, i == 0, shuffled and i == 0) for i, d in enumerate(dense)]
    places = _Places(lanes)
    zeros = places.take(max(max(d.inputs, d.outputs) for d in dense), "ZEROS")
    rows = row_of(dense[0].inputs, lanes) * (block if wide[0] else TILE_VECTORS * lanes) if shuffled else 0
    gather_rows = places.take(rows, "SAMPLE_ROWS") if shuffled else -1
    stages = _with_rows(_stages(network, wide, block, places), wide, gather_rows, block, places)
    gather_x, gather_y = (
        places.take(n * block, name) if shuffled else 0
        for n, name in ((whole(dense[0].inputs, lanes), "SAMPLES_X"), (network.head.units, "SAMPLES_Y"))
    )
    buffers = {name: places.take(rows * block, f"HEAD_{name.upper()}") for name, rows in temporaries.items()}
    chunks = _chunks(network, samples)
    return Plan(lanes, machine.registers, block, stages, *_heights(dense, wide, machine), zeros, gather_x, gather_y,
                gather_rows, buffers, places.names, places.top, chunks)  # fmt: skip


class _Places:
    """Hands out scratch, whole vectors at a time, and notes what kernels call the places."""

    def __init__(self, lanes: int) -> None:
        self.lanes, self.top, self.names = lanes, 0, dict[int, str]()

    def take(self, numbers: int, name: str) -> int:
        start, self.top = self.top, self.top + whole(numbers, self.lanes)
        self.names[start] = name
        return start


def _stages(network: Chain, wide: list[bool], block: int, places: _Places) -> list[Stage]:
    """The buffers of each layer, but for the rows of wide ones."""
    stages: list[Stage] = []
    source, lanes = -1, places.lanes
    for layer, by_rows in zip(network.layers, wide, strict=True):
        dense = layer.product
        name = dense.name.upper()
        layout = _sums(dense, source < 0, by_rows, lanes)
        numbers = whole(dense.outputs, lanes) * block  # of units: the rows beyond stay zero
        a = places.take(numbers, f"{name}_A")
        z = places.take(numbers, f"{name}_Z") if layer.reads_z else a
        again = places.take(numbers, f"{name}_KEPT") if kept(layer) else -1
        d, sums = places.take(numbers, f"{name}_D"), places.take(layout.size, f"{name}_SUMS")
        stages.append(Stage(layer, source, z, a, d, sums, layout, -1, again))
        source = a
    return stages


def _with_rows(
    stages: list[Stage], wide: list[bool], first: int, block: int, places: _Places
) -> tuple[Stage, ...]:
    """What is gathered (`first`) is there sample by sample until its gradient is summed, after those of all other layers."""
    own = first >= 0 and wide[0]
    apart = [
        row_of(s.layer.product.inputs, places.lanes) * by_rows
        for s, by_rows in zip(stages, wide, strict=True)
    ]
    others = places.take(max(apart[own:]) * block, "ROWS") if any(apart[own:]) else -1
    where = [first if own and i == 0 else others if by_rows else -1 for i, by_rows in enumerate(wide)]
    return tuple(replace(stage, rows=rows) for stage, rows in zip(stages, where, strict=True))


def products(network: Chain) -> list[Product]:
    """The forward ones."""
    return [layer.product for layer in network.layers]


def is_wide(dense: Product, samples: int, lanes: int, given: bool, gathered: bool) -> bool:
    """Whether the weight gradient has inputs as lanes. By what was measured, in half cycles, for a vector of inputs and all
    outputs: folding costs a tenth of a multiply-add for each of W x W numbers besides those of the samples, rows have their
    samples turned first. `given`: the inputs are the data, whose rows lie apart as only the call knows; the addresses of
    sixteen are more than a processor has registers for. What is `gathered` is read sample by sample anyway, but has to stay.
    """
    padding = (row_of(dense.inputs, lanes) - lanes) / whole(dense.inputs, lanes)
    loads = 1.6 if given and lanes > MOST_ADDRESSES and dense.inputs % lanes == 0 else 1.05
    folded = dense.outputs * (loads * samples + 1.25 * lanes)
    by_rows = 1.1 * dense.outputs * samples * padding + (2 if gathered else 7) * samples
    return by_rows < folded


MOST_ADDRESSES = 8

FEW_ROWS = 64
"""Pages of which a processor has at hand where they are. Rows of the data, each of all samples in order, lie in as many."""


def in_panels(network: Chain, batches: ir.Batches) -> int:
    """Inputs of samples in order that are to lie in panels of a batch or a block, with all rows of one next to each other;
    0: as rows. Batches that are parts begin anywhere in a panel."""
    inputs = products(network)[0].inputs
    return inputs if inputs > FEW_ROWS and batches.mode != "parts" else 0


def whole(numbers: int, lanes: int) -> int:
    """In whole vectors."""
    return -(-numbers // lanes) * lanes


def row_of(inputs: int, lanes: int) -> int:
    """From one sample to the next where the inputs of a wide layer are there sample by sample: a vector more than whole
    tiles, so that samples do not fall on the same sets of the cache."""
    step = lanes * TILE_VECTORS
    return whole(inputs, step) + lanes


def _sums(dense: Product, samples: bool, wide: bool, lanes: int) -> Sums:
    """`samples`: the input of the layer is the data, whose features are not padded to whole vectors.

    Sums over inputs lie as theta does, so they are preferred where they need no more padding.
    """
    outputs, inputs = (whole(n, lanes) for n in (dense.outputs, dense.inputs))
    if wide:
        padded = row_of(dense.inputs, lanes) - lanes
        return Sums(False, padded, padded * dense.outputs, padded * dense.outputs + outputs)
    unpadded = samples and inputs > dense.inputs
    over_outputs = unpadded or outputs * dense.inputs < inputs * dense.outputs
    bias = outputs * dense.inputs if over_outputs else inputs * dense.outputs
    return Sums(over_outputs, outputs if over_outputs else inputs, bias, bias + outputs)


def most_rows(registers: int) -> int:
    """A tile keeps height x TILE_VECTORS sums, the vectors they meet and one weight in registers."""
    return max(1, (registers - TILE_VECTORS - 1) // TILE_VECTORS)


def _heights(dense: Sequence[Product], wide: Sequence[bool], machine: Machine) -> tuple[int, int]:
    """Rows of the tiles of `product` and of `outer_rows`: the quickest for all, of those that the registers hold."""
    products = [(d.outputs, d.inputs) for d in dense] + [(d.inputs, d.outputs) for d in dense[1:]]
    sums = [(d.outputs, d.inputs) for d, by_rows in zip(dense, wide, strict=True) if by_rows]

    def covered(height: int) -> int:
        return sum(
            terms * (-(-rows // height) * _half_cycles(height) if rows >= height else rows * _half_cycles(1))
            for rows, terms in products
        )

    def parted(height: int) -> int:
        return sum(
            terms * (rows // height * _half_cycles(height) + rows % height * _half_cycles(1))
            for rows, terms in sums
        )

    heights = range(1, most_rows(machine.registers) + 1)
    return min(heights, key=lambda h: (covered(h), -h)), min(heights, key=lambda h: (parted(h), -h))


LATENCY = 10
"""Half cycles until the sum of a multiply-add is there for the next, and two: low tiles were slower than by that alone."""


def _half_cycles(height: int) -> int:
    """Of a step of a tile, on processors with two multiply-adds and two loads a cycle; one more for the way to the next."""
    return max(height * TILE_VECTORS, height + TILE_VECTORS, LATENCY) + 1


WORTH_A_THREAD = 4_000_000
"""Parameters times samples of a chunk: about a millisecond, far more than handing it to a thread costs."""
MOST_CHUNKS, LEAST_SAMPLES = 8, 64
"""The sums of a chunk are added to the others': as much work as ten to twenty samples, by the memory it takes."""


def _chunks(network: Chain, samples: int) -> int:
    parameters = sum(d.weight.size + (d.outputs if d.bias else 0) for d in products(network))
    work = parameters * samples // WORTH_A_THREAD
    return max(1, min(MOST_CHUNKS, work, samples // LEAST_SAMPLES))


LARGEST_BLOCK, SHORT, LEAST_BLOCK = 136, 4, 64


def heavy(dense: Sequence[Product], machine: Machine, lanes: int) -> bool:
    """Whether the weights do not fit in half the second cache: they and their sums then come from beyond it for each block,
    which has LEAST_BLOCK samples or more."""
    return sum(d.weight.size for d in dense) * 8 * machine.lanes // lanes > machine.cache // 2


def block_of(units: int, machine: Machine, lanes: int) -> int:
    """Samples of a block: enough that the sums of a tile outweigh folding them, the data of all layers in half the
    second cache; and where it is long, an odd number of tiles, so that rows do not fall on the same cache sets.

    `units`: numbers of one sample."""
    bytes_per_number = 8 * machine.lanes // lanes
    step = lanes * TILE_VECTORS
    tiles = max(1, min(LARGEST_BLOCK, machine.cache // 2 // (units * bytes_per_number)) // step)
    return step * (tiles - 1 + tiles % 2 if tiles > SHORT else tiles)
