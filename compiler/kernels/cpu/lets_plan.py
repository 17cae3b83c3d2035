"""A network of any lets -> its modes: their steps in order, the samples of a block, the place of every array."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from netc.compiler.calculus import ir
from netc.compiler.kernels import loops as L
from netc.compiler.kernels.buffers import places
from netc.compiler.kernels.cpu.nests import Tiles
from netc.compiler.kernels.cpu.plan import TILE_VECTORS, Plan, block_of, row_of, whole
from netc.compiler.kernels.cpu.steps import Nest
from netc.compiler.kernels.factored import factored
from netc.compiler.kernels.machine import Machine
from netc.compiler.kernels.names import constant_names
from netc.compiler.kernels.orders import places_last
from netc.compiler.kernels.rule_memory import CLOCK, Vectors
from netc.compiler.kernels.sweeps import Lists, ahead, draws_apart, is_sum, lists, sums_apart, waits
from netc.compiler.kernels.values import Layout, strides
from netc.dsl.record import record

ALIASED = 4096
"""Bytes after which addresses fall on the same set of the first cache."""


@record
class Mode:
    """A problem's lists of steps, and where its arrays are."""

    problem: ir.Problem
    plan: Plan
    layouts: dict[str, Layout]
    steps: Lists
    prefix: str
    """Of the names of its functions."""
    tiled: Mapping[str, tuple[Nest, ...]]
    """The lets that register tiles compute, by name."""

    @property
    def clock(self) -> tuple[str, ...]:
        """What its functions are given besides."""
        return CLOCK if self.problem.draws else ()


@record
class Lets:
    plan: Plan
    modes: tuple[Mode, ...]
    """The one, or training mode and test mode, with the same blocks."""


def planned(
    problem: ir.Problem, machine: Machine, precision: str, shuffled: bool, samples: int, batch: int
) -> Lets:
    """`samples`: of the largest evaluation; `batch`: of the largest that a rule asks for."""
    lanes = machine.width(precision)
    modes = [sums_apart(draws_apart(p)) for p in ([problem, problem.test] if problem.test else [problem])]
    block, vectors = _block(modes, machine, lanes, batch if problem.test else samples)
    aliased = ALIASED * lanes // (8 * machine.lanes) // block
    rows, x = lanes, lanes + (row_of(problem.inputs, lanes) * TILE_VECTORS * lanes if shuffled else 0)
    y = x + (whole(problem.inputs, lanes) * block if shuffled else 0)
    start = y + (problem.targets * block if shuffled else 0)
    names = {0: "ZEROS", rows: "SAMPLE_ROWS", x: "SAMPLES_X", y: "SAMPLES_Y"}
    frame = Plan(lanes, machine.registers, block, (), 1, 1, 0, x, y, rows, {}, names, start, 1, vectors)
    made: list[Mode] = []
    for mode in modes:
        prefix = "" if len(modes) == 1 or made else "training_"
        tiles = Tiles(machine, aliased, vectors, _flat(mode))
        made.append(_mode(mode, frame, tiles, prefix))
    top = max(m.plan.size for m in made)
    return Lets(replace(frame, size=top), tuple(made))


def _flat(problem: ir.Problem) -> frozenset[str]:
    """The arrays whose numbers others count through: what is given, drawn, and brought out."""
    return frozenset(
        (*(t.name for t in problem.tensors), *(d.purpose for d in problem.draws), problem.output)
    )


def _mode(problem: ir.Problem, plan: Plan, tiles: Tiles, prefix: str) -> Mode:
    """The work space behind what the plan has taken is each mode's own: one call has one mode."""
    problem = factored(places_last(problem, tiles.flat), tiles.fit)
    steps = lists(problem, not prefix, ahead(problem))
    lasting = (let.name for let in problem.lets.values() if is_sum(let) or ir.SAMPLES not in let.axes)
    kept = frozenset((problem.output, *lasting, *(let.name for let in ir.flat(steps.ahead))))

    def size(let: ir.Let) -> int:
        room = tiles.places(let.var) * (plan.block if ir.SAMPLES in let.axes else 1)
        return -(-room // plan.lanes) * plan.lanes

    found, top = places(steps.all, size, kept, plan.size)
    constants = constant_names(
        [*(t.name for t in problem.tensors), *(prefix + let.name for let in ir.flat(steps.all))]
    )
    layouts = {
        let.name: _layout(
            let, tiles.strides(let.var), L.Int(found[let.name], constants[prefix + let.name]), plan.block
        )
        for let in ir.flat(steps.all)
    }
    first_state = Vectors(problem.parameters, plan.lanes, (), 0, problem.state_numbers).first_state
    for t in problem.tensors:
        layouts[t.name] = _given(t, first_state, constants[t.name])
    plan = replace(plan, size=top)
    return Mode(problem, plan, layouts, steps, prefix, tiles.all(problem))


def _block(modes: Sequence[ir.Problem], machine: Machine, lanes: int, largest: int) -> tuple[int, int]:
    """Samples of a block, and vectors of which it has whole numbers: where the data of two do not fit the cache, one."""
    step = lanes * TILE_VECTORS
    if any(waits(problem, ahead(problem)) for problem in modes):
        return -(-largest // step) * step, TILE_VECTORS
    sampled = (let for let in modes[0].lets.values() if ir.SAMPLES in let.axes)
    units = sum(ir.elements(let.axes) for let in sampled)
    if units * 8 * machine.lanes * TILE_VECTORS > machine.cache:
        return lanes, 1
    return block_of(units, machine, lanes), TILE_VECTORS


def _layout(let: ir.Let, strides: Mapping[ir.Axis, int], first: L.Int, block: int) -> Layout:
    stride = block if ir.SAMPLES in let.axes else 1
    return Layout("scratch", first, L.Int(stride), let.axes, strides)


def _given(t: ir.Tensor, first_state: int, name: str) -> Layout:
    along = strides(t.var)
    match t.role:
        case "state":
            first = L.Int(first_state + t.offset, name)
            return Layout("theta", first, L.Int(1), t.axes, along)
        case "input":
            return Layout("xs", L.Name("xfirst"), L.Name("xstride"), t.axes, along)
        case "target":
            return Layout("ys", L.Name("yfirst"), L.Name("ystride"), t.axes, along)
        case _:
            return Layout("theta", L.Int(t.offset, name), L.Int(1), t.axes, along)
