"""A network of any lets -> loops: loss, gradient and prediction, let after let, block of samples after block.

Sums of products are register tiles (`nests`); all else is a pass (`passes`), right and not fast. Where something of a
sample hangs on a sum over all of them (statistics of a batch), a block has all samples. What is made of finished sums
comes behind the blocks. A chain of dense layers has its own, faster loops (`network`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from netc.compiler.calculus import ir
from netc.compiler.kernels import loops as L
from netc.compiler.kernels.buffers import places
from netc.compiler.kernels.cpu import calls
from netc.compiler.kernels.cpu.nests import Nest, Tiles, strides
from netc.compiler.kernels.cpu.network import (
    SAMPLES,
    constant_name,
    gather,
    locate,
    parameter,
    scaled,
)
from netc.compiler.kernels.cpu.passes import Layout, LetWriter
from netc.compiler.kernels.cpu.plan import TILE_VECTORS, Plan, block_of
from netc.compiler.kernels.factored import factored
from netc.compiler.kernels.machine import Machine
from netc.compiler.kernels.objective import parameters_of
from netc.compiler.kernels.orders import places_last
from netc.compiler.kernels.sweeps import is_sum, levels, sums_apart, waits, wanted

ALIASED = 4096
"""Bytes after which addresses fall on the same set of the first cache."""


@dataclass(frozen=True)
class Lets:
    problem: ir.Problem
    plan: Plan
    layouts: dict[str, Layout]
    forward: tuple[ir.Step, ...]
    """What the loss needs, without its own sum."""
    outputs: tuple[ir.Step, ...]
    """What only the outputs need besides."""
    backward: tuple[ir.Step, ...]
    behind: tuple[ir.Step, ...]
    """What is made of finished sums."""
    tiled: Mapping[str, tuple[Nest, ...]]
    """The lets that register tiles compute, by name."""


def planned(problem: ir.Problem, machine: Machine, precision: str, shuffled: bool, samples: int) -> Lets:
    """`samples`: of the largest evaluation."""
    problem = places_last(sums_apart(problem))
    lanes = machine.width(precision)
    block, vectors = _block(problem, machine, lanes, samples if waits(problem) else 0)
    line = ALIASED // (8 * machine.lanes // lanes) // block
    tiled = Tiles(machine, max(1, line), vectors)
    problem = factored(problem, tiled.fit)
    forward = wanted(problem.forward, {problem.loss})
    outputs = tuple(s for s in wanted(problem.forward, {problem.output}) if s not in forward)
    level, whole = levels(problem), waits(problem)
    behind = () if whole else tuple(s for s in problem.backward if _is_behind(s, level))
    backward = tuple(s for s in problem.backward if s not in behind)

    def rounded(numbers: int) -> int:
        return -(-numbers // lanes) * lanes

    def size(let: ir.Let) -> int:
        return rounded(tiled.places(let.var) * (block if ir.SAMPLES in let.axes else 1))

    x, y = lanes, lanes + (problem.inputs * block if shuffled else 0)
    start = y + (problem.outputs * block if shuffled else 0)
    lasting = (let.name for let in problem.lets.values() if is_sum(let) or ir.SAMPLES not in let.axes)
    kept = frozenset((problem.output, *lasting))
    steps = (*forward, *outputs, *backward, *behind)
    found, top = places(steps, size, kept, start)
    layouts = {
        let.name: _layout(let, tiled.strides(let.var), found[let.name], block) for let in ir.flat(steps)
    }
    for t in problem.tensors:
        layouts[t.name] = _given(t)
    names = {0: "ZEROS", x: "SAMPLES_X", y: "SAMPLES_Y"}
    plan = Plan(lanes, machine.registers, block, (), 1, 0, x, y, {}, names, top, 1, vectors)
    loss = next(let for let in ir.flat(forward) if let.name == problem.loss)
    inner = tuple(s for s in forward if s != loss)
    return Lets(problem, plan, layouts, inner, outputs, backward, behind, tiled.all(problem))


def _is_behind(step: ir.Step, level: dict[str, int]) -> bool:
    return (
        isinstance(step, ir.Let) and not is_sum(step) and ir.SAMPLES not in step.axes and level[step.name] > 0
    )


def _block(problem: ir.Problem, machine: Machine, lanes: int, all_samples: int) -> tuple[int, int]:
    """Samples of a block, and vectors of which it has whole numbers: where the data of two do not fit the cache, one."""
    sampled = (let for let in problem.lets.values() if ir.SAMPLES in let.axes)
    units = sum(_numbers(let.axes) for let in sampled)
    if not all_samples and units * 8 * machine.lanes * TILE_VECTORS > machine.cache:
        return lanes, 1
    step = lanes * TILE_VECTORS
    return (-(-all_samples // step) * step if all_samples else block_of(units, machine, lanes)), TILE_VECTORS


def _numbers(axes: ir.Axes) -> int:
    numbers = 1
    for a in axes:
        numbers *= a.size or 1
    return numbers


def _layout(let: ir.Let, strides: Mapping[ir.Axis, int], place: int, block: int) -> Layout:
    stride = block if ir.SAMPLES in let.axes else 1
    return Layout("scratch", L.Int(place, constant_name(let.name)), L.Int(stride), let.axes, strides)


def _given(t: ir.Tensor) -> Layout:
    match t.role:
        case "input":
            return Layout("xs", L.Name("xfirst"), L.Name("xstride"), t.axes, strides(t.var))
        case "target":
            return Layout("ys", L.Name("yfirst"), L.Name("ystride"), t.axes, strides(t.var))
        case _:
            return Layout("theta", parameter(t), L.Int(1), t.axes, strides(t.var))


# -- functions ---------------------------------------------------------------------------------------


def functions(lets: Lets, shuffled: bool) -> list[L.Function]:
    """`forward`, `total` and `backward` on one block; `loss`, `gradient`, `predict` on samples."""
    problem, plan = lets.problem, lets.plan
    made = calls.functions((n for found in lets.tiled.values() for n in found), plan.lanes)
    made += [_steps(lets, "forward", lets.forward, "What the loss of each sample of a block is made of.")]
    made += [
        _total(lets),
        _steps(lets, "backward", lets.backward, "The derivatives of a block, onto their sums."),
    ]
    if shuffled:
        made.append(gather(plan, problem.inputs, problem.outputs))
    return [
        *made,
        _over_blocks(lets, "loss", shuffled),
        _over_blocks(lets, "gradient", shuffled),
        _predict(lets, shuffled),
    ]


def _steps(lets: Lets, name: str, steps: Sequence[ir.Step], note: str) -> L.Function:
    writer = _writer(lets)
    body = [s for step in steps for s in writer.step(step)]
    return L.Function(name, ("theta", *SAMPLES, "scratch"), tuple(body), note)


def _writer(lets: Lets) -> LetWriter:
    writer = LetWriter(lets.layouts, lets.plan.lanes)

    def by_tiles(let: ir.Let, here: calls.Here) -> list[L.Stmt] | None:
        found = lets.tiled.get(let.name)
        if found is None:
            return None
        out = lets.layouts[let.name]
        return [
            s for n in found for s in calls.statements(n, out, lets.layouts, lets.plan, here, writer.fresh)
        ]

    return replace(writer, by_tiles=by_tiles)


def _total(lets: Lets) -> L.Function:
    """The sum of the losses of a block, in float64 from the vectors' totals on."""
    value = lets.problem.lets[lets.problem.loss].value
    assert isinstance(value, ir.Reduce)
    assert isinstance(value.arg, ir.Var)
    assert value.over == (ir.SAMPLES,)
    losses = lets.layouts[value.arg.name]
    each = L.call("keep", L.load(losses.array, L.add("j", losses.first)), L.call("sub", "valid", "j"), 0.0)
    body = (
        L.let("total", L.call("splat", 0.0)),
        L.loop("j", "width", [L.let("total", L.call("add", "total", each))], step=lets.plan.lanes),
        L.Return(L.call("float64", L.call("hsum", "total"))),
    )
    return L.Function("total_loss", (*SAMPLES, "scratch"), body, "Sum of the losses of the block's samples.")


def _over_blocks(lets: Lets, name: str, shuffled: bool) -> L.Function:
    with_gradient = name == "gradient"
    steps = (*lets.forward, *(lets.backward if with_gradient else ()))
    words = f"The {'mean' if lets.problem.mean else 'sum'} of the losses of samples [first, first + count)"
    scale, result = scaled(lets.problem.mean)
    block: list[L.Stmt] = [*locate(lets.plan, shuffled), *_loss_of_block()]
    if with_gradient:
        block.append(L.Do(L.call("backward", "theta", *SAMPLES, "scratch")))
    body: list[L.Stmt] = [
        L.let("total", 0.0),
        *_cleared(lets, steps),
        L.loop("s", "count", block, step=lets.plan.block),
    ]
    body.append(scale)
    if with_gradient:
        writer = _writer(lets)
        body += [s for step in lets.behind for s in writer.step(step)]
        body += [
            _collected(lets, t, g) for t, g in zip(lets.problem.weights, lets.problem.gradients, strict=True)
        ]
    note = words + ("; its gradient into `grad`." if with_gradient else ".")
    return L.Function(name, parameters_of(name), (*body, result), note)


def _loss_of_block() -> list[L.Stmt]:
    return [
        L.Do(L.call("forward", "theta", *SAMPLES, "scratch")),
        L.let("total", L.call("add", "total", L.call("total_loss", *SAMPLES, "scratch"))),
    ]


def _cleared(lets: Lets, steps: Sequence[ir.Step]) -> list[L.Stmt]:
    """Sums over the samples begin at 0."""
    out: list[L.Stmt] = []
    for let in (let for let in ir.flat(steps) if is_sum(let)):
        place = L.add("q", lets.layouts[let.name].first)
        out.append(L.loop("q", _numbers(let.axes), [L.Store(L.Name("scratch"), place, L.Real(0.0))]))
    return out


def _collected(lets: Lets, t: ir.Tensor, gradient: str) -> L.Stmt:
    found = L.At(L.Name("scratch"), L.add("q", lets.layouts[gradient].first))
    put = L.Store(L.Name("grad"), L.add("q", parameter(t)), L.call("mul", found, "scale"))
    return L.loop("q", t.size, [put])


def _predict(lets: Lets, shuffled: bool) -> L.Function:
    problem, plan = lets.problem, lets.plan
    writer, output = _writer(lets), lets.layouts[problem.output]
    at = L.add(L.add(L.mul("o", L.call("columns", "out")), L.add("first", "s")), "j")
    put = L.store(
        L.call("flat", "out"),
        at,
        L.load(output.array, L.add(L.add(L.mul("o", plan.block), "j"), output.first)),
    )
    block: list[L.Stmt] = [
        *locate(plan, shuffled),
        *_loss_of_block(),
        *(s for step in lets.outputs for s in writer.step(step)),
        L.loop("o", problem.outputs, [L.loop("j", "width", [put], step=plan.lanes)]),
    ]
    body = [L.let("total", 0.0), *_cleared(lets, (*lets.forward, *lets.outputs))]
    body += [L.loop("s", "count", block, step=plan.block), *scaled(problem.mean)]
    note = "The loss of samples [first, first + count), in order; the network's outputs into the columns of `out`."
    return L.Function(
        "predict", ("theta", "x", "y", "order", "first", "count", "out", "scratch"), tuple(body), note
    )
