"""A network of any lets -> loops: loss, gradient and prediction, let after let, block of samples after block.

Sums of products are register tiles (`nests`); all else is a pass (`passes`), right and not fast. Where something of a
sample hangs on a sum over all of them (statistics of a batch), a block has all samples; sums over targets alone, of weights
that divide, go ahead over all blocks. What is made of finished sums comes behind the blocks. States of layers are read
behind the parameters, what is drawn has a buffer. A chain of dense layers has its own, faster loops (`network`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from netc.compiler.calculus import ir
from netc.compiler.kernels import loops as L
from netc.compiler.kernels.buffers import places
from netc.compiler.kernels.cpu import calls, sums
from netc.compiler.kernels.cpu.blocks import SAMPLES, TYPES, gather, locate, of_block
from netc.compiler.kernels.cpu.nests import Tiles
from netc.compiler.kernels.cpu.passes import LetWriter
from netc.compiler.kernels.cpu.plan import TILE_VECTORS, Plan, block_of
from netc.compiler.kernels.cpu.steps import Nest
from netc.compiler.kernels.factored import factored
from netc.compiler.kernels.machine import Machine
from netc.compiler.kernels.names import constant_names
from netc.compiler.kernels.notes import by_words, names_of
from netc.compiler.kernels.objective import parameters_of, scaled
from netc.compiler.kernels.orders import places_last
from netc.compiler.kernels.outline import Outline
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
    x, y = lanes, lanes + (problem.inputs * block if shuffled else 0)
    start = y + (problem.targets * block if shuffled else 0)
    names = {0: "ZEROS", x: "SAMPLES_X", y: "SAMPLES_Y"}
    frame = Plan(lanes, machine.registers, block, (), 1, 0, x, y, {}, names, start, 1, vectors)
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
        numbers = tiles.places(let.var) * (plan.block if ir.SAMPLES in let.axes else 1)
        return -(-numbers // plan.lanes) * plan.lanes

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
    units = sum(_numbers(let.axes) for let in sampled)
    if units * 8 * machine.lanes * TILE_VECTORS > machine.cache:
        return lanes, 1
    return block_of(units, machine, lanes), TILE_VECTORS


def _numbers(axes: ir.Axes) -> int:
    numbers = 1
    for a in axes:
        numbers *= a.size or 1
    return numbers


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


# -- functions ---------------------------------------------------------------------------------------


AHEAD = "Sums over the targets of a block, which what comes after needs of all samples."
FORWARD = "What the loss of each sample of a block is made of."
BACKWARD = "The derivatives of a block, onto their sums."


def functions(lets: Lets, shuffled: bool) -> list[L.Function]:
    """`forward`, `total` and `backward` on one block; `loss`, `gradient`, `predict` on samples; where there are two modes
    also `training_loss` and `training_gradient`, for update rules."""
    plan, modes, outline = lets.plan, lets.modes, Outline(TYPES)
    tiles = calls.functions((n for m in modes for found in m.tiled.values() for n in found), plan.lanes)
    made: list[L.Function] = []
    for mode in modes:
        if mode.steps.ahead:
            made.append(_steps(mode, "ahead", mode.steps.ahead, AHEAD, outline))
        made += [
            _steps(mode, "forward", mode.steps.forward, FORWARD, outline),
            _total(mode),
            _steps(mode, "backward", mode.steps.backward, BACKWARD, outline),
        ]
    if shuffled:
        made.append(gather(plan, modes[0].problem.inputs, modes[0].problem.targets))
    for mode in modes:
        made += [_over_blocks(mode, name, shuffled, outline) for name in ("loss", "gradient")]
    made.append(_predict(modes[-1], shuffled, outline))
    return [*tiles, sums.clear(plan.lanes), _collect(), *outline.functions, *made]


def _steps(mode: Mode, name: str, steps: Sequence[ir.Step], note: str, outline: Outline) -> L.Function:
    body = tuple(by_words(steps, lambda step: _step(mode, step, outline)))
    parameters = ("theta", *SAMPLES, "scratch", *(_own_numbers(mode) if name == "forward" else ()))
    return of_block(mode.prefix + name, parameters, body, note)


def _own_numbers(mode: Mode) -> tuple[str, ...]:
    """Of a block's samples, and the clock, for what is drawn."""
    return ("order", "start", *CLOCK) if mode.clock else ()


def _step(mode: Mode, step: ir.Step, outline: Outline) -> L.Stmt:
    if isinstance(step, ir.Let) and isinstance(step.value, ir.Draw):
        return outline.piece(step.name, [_drawn(mode, step, step.value)])
    return outline.piece(names_of(step), _writer(mode).step(step))


def _writer(mode: Mode) -> LetWriter:
    """A new one for each step, so that equal steps have equal names."""
    writer = LetWriter(mode.layouts, mode.plan.lanes)

    def by_tiles(let: ir.Let, here: calls.Here) -> list[L.Stmt] | None:
        found = mode.tiled.get(let.name)
        if found is None:
            return None
        out, plan = mode.layouts[let.name], mode.plan
        return [s for n in found for s in calls.statements(n, out, mode.layouts, plan, here, writer.fresh)]

    return replace(writer, by_tiles=by_tiles)


def _drawn(mode: Mode, let: ir.Let, draw: ir.Draw) -> L.Stmt:
    """Into the let's buffer, by the samples' own numbers."""
    out, each = mode.layouts[let.name], ir.SAMPLES in draw.axes
    number = mode.problem.draws.index(draw)
    arguments = (L.Real(a) for a in draw.arguments)
    call = L.call(f"draw_{draw.law}", out.array, out.first, out.stride, _numbers(draw.axes), "order", "start",
                  "valid" if each else 1, int(each), *CLOCK, number, *arguments)  # fmt: skip
    return L.Do(call, (4, 4, 4, len(draw.arguments)))


def _total(mode: Mode) -> L.Function:
    """The sum of the losses of a block, in float64 from the vectors' totals on."""
    value = mode.problem.lets[mode.problem.loss].value
    assert isinstance(value, ir.Reduce)
    assert isinstance(value.arg, ir.Var)
    assert value.over == (ir.SAMPLES,)
    losses = mode.layouts[value.arg.name]
    each = L.call("keep", L.load(losses.array, L.add("j", losses.first)), L.call("sub", "valid", "j"), 0.0)
    body = (
        L.let("total", L.call("splat", 0.0)),
        L.loop("j", "width", [L.let("total", L.call("add", "total", each))], step=mode.plan.lanes),
        L.Return(L.call("float64", L.call("hsum", "total"))),
    )
    note = "Sum of the losses of the block's samples."
    return of_block(f"{mode.prefix}total_loss", (*SAMPLES, "scratch"), body, note, "float64")


def _over_blocks(mode: Mode, name: str, shuffled: bool, outline: Outline) -> L.Function:
    with_gradient = name == "gradient"
    steps = (*mode.steps.forward, *(mode.steps.backward if with_gradient else ()))
    words = f"The {'mean' if mode.problem.mean else 'sum'} of the losses of samples [first, first + count)"
    scale, result = scaled(mode.problem.mean)
    block: list[L.Stmt] = [*locate(mode.plan, shuffled), *_loss_of_block(mode)]
    if with_gradient:
        block.append(L.Do(L.call(f"{mode.prefix}backward", "theta", *SAMPLES, "scratch")))
    body: list[L.Stmt] = [
        L.let("total", 0.0),
        *_cleared(mode, steps),
        *_ahead(mode, shuffled),
        L.loop("s", "count", block, step=mode.plan.block),
    ]
    body.append(scale)
    if with_gradient:
        body += [_step(mode, step, outline) for step in mode.steps.behind]
        body += _collected(mode)
    note = words + ("; its gradient into `grad`" if with_gradient else "")
    note += (
        ", the next values of the layers' states behind it."
        if with_gradient and mode.problem.updates
        else "."
    )
    return L.Function(mode.prefix + name, (*parameters_of(name), *mode.clock), (*body, result), note)


def _loss_of_block(mode: Mode) -> list[L.Stmt]:
    own = ("order", L.add("first", "s"), *CLOCK) if mode.clock else ()
    return [
        L.Do(L.call(f"{mode.prefix}forward", "theta", *SAMPLES, "scratch", *own)),
        L.let("total", L.call("add", "total", L.call(f"{mode.prefix}total_loss", *SAMPLES, "scratch"))),
    ]


def _ahead(mode: Mode, shuffled: bool) -> list[L.Stmt]:
    """The sums that are to be finished first, over all blocks."""
    if not mode.steps.ahead:
        return []
    call = L.Do(L.call(f"{mode.prefix}ahead", "theta", *SAMPLES, "scratch"))
    return [L.loop("s", "count", [*locate(mode.plan, shuffled), call], step=mode.plan.block)]


def _cleared(mode: Mode, steps: Sequence[ir.Step]) -> list[L.Stmt]:
    """Sums over the samples begin at 0."""
    cleared = (let for let in ir.flat((*mode.steps.ahead, *steps)) if is_sum(let))
    return [L.Do(L.call("clear", "scratch", mode.layouts[s.name].first, _numbers(s.axes))) for s in cleared]


def _collected(mode: Mode) -> list[L.Stmt]:
    """The derivatives by the parameters where these are in theta, the next states where the states are."""
    problem, layouts = mode.problem, mode.layouts
    tensors = {t.name: t for t in problem.states}

    def put(t: ir.Tensor, name: str, scale: str | float) -> L.Stmt:
        to, found = layouts[t.name].first, layouts[name].first
        return L.Do(L.call("collect", "grad", to, "scratch", found, t.size, scale))

    derivatives = zip(problem.weights, problem.gradients, strict=bool(problem.gradients))
    return [
        *(put(t, gradient, "scale") for t, gradient in derivatives),
        *(put(tensors[u.state], u.value, 1.0) for u in problem.updates),
    ]


def _collect() -> L.Function:
    """Of numbers that stand in a row; what is behind them in theta may be there already."""
    place, found = L.add("q", "at"), L.At(L.Name("scratch"), L.add("q", "start"))
    body = L.loop("q", "size", [L.Store(L.Name("grad"), place, L.call("mul", found, "scale"))])
    types = ("reals", "int64", "reals", "int64", "int64", "float64")
    parameters = ("grad", "at", "scratch", "start", "size", "scale")
    return L.Function("collect", parameters, (body,), "A sum to its place.", types=types)


def _predict(mode: Mode, shuffled: bool, outline: Outline) -> L.Function:
    problem, plan, output = mode.problem, mode.plan, mode.layouts[mode.problem.output]
    at = L.add(L.add(L.mul("o", L.call("columns", "out")), L.add("first", "s")), "j")
    put = L.store(
        L.call("flat", "out"),
        at,
        L.load(output.array, L.add(L.add(L.mul("o", plan.block), "j"), output.first)),
    )
    block: list[L.Stmt] = [
        *locate(plan, shuffled),
        *_loss_of_block(mode),
        *(_step(mode, step, outline) for step in mode.steps.outputs),
        L.loop("o", problem.outputs, [L.loop("j", "width", [put], step=plan.lanes)]),
    ]
    body = [L.let("total", 0.0), *_cleared(mode, (*mode.steps.forward, *mode.steps.outputs))]
    body += _ahead(mode, shuffled)
    body += [L.loop("s", "count", block, step=plan.block), *scaled(problem.mean)]
    note = "The loss of samples [first, first + count), in order; the network's outputs into the columns of `out`."
    return L.Function(
        "predict", ("theta", "x", "y", "order", "first", "count", "out", "scratch"), tuple(body), note
    )
