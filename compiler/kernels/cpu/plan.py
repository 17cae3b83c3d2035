"""Network -> plan: tile sizes, the block of samples, and where each buffer lies in the scratch memory.

A block of samples goes through the whole network before the next one starts, so that its activations stay in
the first cache. Buffers are feature-major, `[unit][sample of the block]`: the sample is the vector lane.
"""

from __future__ import annotations

from dataclasses import field

from netc.compiler.kernels import loops as L
from netc.compiler.kernels.machine import Machine
from netc.compiler.kernels.patterns import Chain, Layer, Product
from netc.dsl.record import record

TILE_VECTORS = 2
"""Sample vectors in a register tile of a matrix product."""


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
    """Gradient sums of this layer, see `Sums`."""


@record
class Sums:
    """Layout of one layer's gradient sums: W vectors of sums at a time, so one side is padded to whole vectors.

    over_outputs: `[input][output, padded]`, else `[output][input, padded]`; bias sums follow, `[output, padded]`.
    """

    over_outputs: bool
    padded: int
    bias: int
    size: int


@record
class Plan:
    lanes: int
    registers: int
    block: int
    stages: tuple[Stage, ...]
    height: int
    """Rows of a register tile of `product`."""
    zeros: int
    """A row of zeros, the start of sums without a bias."""
    gather_x: int
    gather_y: int
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
    few: int = 0
    """Evaluations of so many samples or fewer go sample after sample, with units as lanes; see `units`."""

    def at(self, place: int) -> L.Int:
        return L.Int(place, self.names[place])

    @property
    def step(self) -> int:
        """Samples are processed in multiples of this."""
        return self.lanes * self.vectors

    @property
    def outer_height(self) -> int:
        """Rows of a tile of `outer_sums`: its W sums per row and a few loads must fit in the registers."""
        return max(1, (self.registers - 4) // self.lanes)

    def sums(self, dense: Product, samples: bool) -> Sums:
        """`samples`: the input of the layer is the data, whose features are not padded to whole vectors.

        Sums over inputs lie as theta does, so they are preferred where they need no more padding.
        """
        w = self.lanes
        outputs, inputs = -(-dense.outputs // w) * w, -(-dense.inputs // w) * w
        unpadded = samples and inputs > dense.inputs
        over_outputs = unpadded or outputs * dense.inputs < inputs * dense.outputs
        bias = outputs * dense.inputs if over_outputs else inputs * dense.outputs
        return Sums(over_outputs, outputs if over_outputs else inputs, bias, bias + outputs)


def plan(
    network: Chain,
    machine: Machine,
    precision: str,
    temporaries: dict[str, int],
    shuffled: bool,
    samples: int,
) -> Plan:
    """`temporaries`: buffers wanted besides, name -> rows; `samples`: of one evaluation, a batch's."""
    lanes = machine.width(precision)
    units = network.layers[0].product.inputs + sum(2 * d.outputs for d in products(network))
    block = block_of(units, machine, lanes)
    top = 0

    def take(numbers: int) -> int:
        nonlocal top
        start, top = top, top + -(-numbers // lanes) * lanes
        return start

    zeros = take(max(max(d.inputs, d.outputs) for d in products(network)))
    draft = Plan(lanes, machine.registers, block, (), 1, zeros, 0, 0, {}, {}, 0, 1)
    named = {zeros: "ZEROS"}
    stages: list[Stage] = []
    source = -1
    for layer in network.layers:
        dense = layer.product
        rows = -(-dense.outputs // lanes) * lanes  # whole vectors of units: the rows beyond stay zero
        a = take(rows * block)
        z = take(rows * block) if layer.reads_z else a
        stages.append(
            Stage(layer, source, z, a, take(rows * block), take(draft.sums(dense, source < 0).size))
        )
        name = dense.name.upper()
        places = (stages[-1].sums, stages[-1].d, z, a)
        named |= dict(zip(places, (f"{name}_SUMS", f"{name}_D", f"{name}_Z", f"{name}_A"), strict=True))
        source = a
    gather_x, gather_y = (
        take(n * block) if shuffled else 0 for n in (network.layers[0].product.inputs, network.head.units)
    )
    buffers = {name: take(rows * block) for name, rows in temporaries.items()}
    named |= {gather_x: "SAMPLES_X", gather_y: "SAMPLES_Y"} if shuffled else {}
    named |= {place: f"HEAD_{name.upper()}" for name, place in buffers.items()}
    height, chunks = _height(network, machine), _chunks(network, samples)
    return Plan(
        lanes,
        machine.registers,
        block,
        tuple(stages),
        height,
        zeros,
        gather_x,
        gather_y,
        buffers,
        named,
        top,
        chunks,
    )


def products(network: Chain) -> list[Product]:
    """The forward ones."""
    return [layer.product for layer in network.layers]


def _height(network: Chain, machine: Machine) -> int:
    """Rows of a tile: as many as the registers hold, but such that few rows are left over.

    A tile keeps height x TILE_VECTORS sums, the vectors they meet and one weight in registers.
    """
    most = max(1, (machine.registers - TILE_VECTORS - 1) // TILE_VECTORS)
    dense = products(network)
    rows = [d.outputs for d in dense] + [d.inputs for d in dense[1:]]

    def passes(height: int) -> int:
        """Times the vectors are loaded, over all products."""
        return sum(r // height + r % height for r in rows)

    return min(range(1, most + 1), key=lambda h: (passes(h), h))


WORTH_A_THREAD = 4_000_000
"""Parameters times samples of a chunk: about a millisecond, far more than handing it to a thread costs."""
MOST_CHUNKS, LEAST_SAMPLES = 8, 32


def _chunks(network: Chain, samples: int) -> int:
    parameters = sum(d.weight.size + (d.outputs if d.bias else 0) for d in products(network))
    work = parameters * samples // WORTH_A_THREAD
    return max(1, min(MOST_CHUNKS, work, samples // LEAST_SAMPLES))


LARGEST_BLOCK, SHORT = 136, 4


def block_of(units: int, machine: Machine, lanes: int) -> int:
    """Samples of a block: enough that the sums of a tile outweigh folding them, the data of all layers in half the
    second cache; and where it is long, an odd number of tiles, so that rows do not fall on the same cache sets.

    `units`: numbers of one sample."""
    bytes_per_number = 8 * machine.lanes // lanes
    step = lanes * TILE_VECTORS
    tiles = max(1, min(LARGEST_BLOCK, machine.cache // 2 // (units * bytes_per_number)) // step)
    return step * (tiles - 1 + tiles % 2 if tiles > SHORT else tiles)
