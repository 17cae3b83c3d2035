"""A network of any lets -> loops: loss, gradient and prediction, let after let, block of samples after block.

Sums of products are register tiles (`nests`); all else is a pass (`passes`), right and not fast. Where something of a
sample hangs on a sum over all of them (statistics of a batch), a block has all samples; sums over targets alone, of weights
that divide, go ahead over all blocks. What is made of finished sums comes behind the blocks. States of layers are read
behind the parameters, what is drawn has a buffer. A chain of dense layers has its own, faster loops (`network`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from netc.compiler.calculus import ir
from netc.compiler.kernels import loops as L
from netc.compiler.kernels.cpu import calls
from netc.compiler.kernels.cpu.blocks import SAMPLES, TYPES, gather, of_block, over_blocks, predict
from netc.compiler.kernels.cpu.lets_plan import Lets, Mode
from netc.compiler.kernels.cpu.passes import LetWriter
from netc.compiler.kernels.cpu.rows import transposed
from netc.compiler.kernels.notes import by_words, names_of
from netc.compiler.kernels.objective import parameters_of, scaled
from netc.compiler.kernels.outline import Outline
from netc.compiler.kernels.rule_memory import CLOCK
from netc.compiler.kernels.sweeps import is_sum

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
        first = modes[0].problem
        made += [transposed(plan), gather(plan, first.inputs, first.targets, all_rows=False)]
    for mode in modes:
        made += [_over_blocks(mode, name, shuffled, outline) for name in ("loss", "gradient")]
    made.append(_predict(modes[-1], shuffled, outline))
    return [*tiles, _clear(plan.lanes), _collect(), *outline.functions, *made]


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
    call = L.call(f"draw_{draw.law}", out.array, out.first, out.stride, ir.elements(draw.axes), "order", "start",
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
    block = _loss_of_block(mode)
    if with_gradient:
        block.append(L.Do(L.call(f"{mode.prefix}backward", "theta", *SAMPLES, "scratch")))
    body: list[L.Stmt] = [
        L.let("total", 0.0),
        *_cleared(mode, steps),
        *_ahead(mode, shuffled),
        *over_blocks(mode.plan, shuffled, block),
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
    return over_blocks(mode.plan, shuffled, [call])


def _cleared(mode: Mode, steps: Sequence[ir.Step]) -> list[L.Stmt]:
    """Sums over the samples begin at 0."""
    cleared = (let for let in ir.flat((*mode.steps.ahead, *steps)) if is_sum(let))
    return [
        L.Do(L.call("clear", "scratch", mode.layouts[s.name].first, ir.elements(s.axes))) for s in cleared
    ]


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


def _clear(lanes: int) -> L.Function:
    zero = L.store("scratch", L.add("q", "at"), L.call("splat", 0.0))
    body = L.loop("q", "size", [zero], step=lanes)
    return L.Function(
        "clear", ("scratch", "at", "size"), (body,), "Sums begin at 0.", types=("reals", "int64", "int64")
    )


def _collect() -> L.Function:
    """Of numbers that stand in a row; what is behind them in theta may be there already."""
    place, found = L.add("q", "at"), L.At(L.Name("scratch"), L.add("q", "start"))
    body = L.loop("q", "size", [L.Store(L.Name("grad"), place, L.call("mul", found, "scale"))])
    types = ("reals", "int64", "reals", "int64", "int64", "float64")
    parameters = ("grad", "at", "scratch", "start", "size", "scale")
    return L.Function("collect", parameters, (body,), "A sum to its place.", types=types)


def _predict(mode: Mode, shuffled: bool, outline: Outline) -> L.Function:
    problem, plan, output = mode.problem, mode.plan, mode.layouts[mode.problem.output]
    outputs = (_step(mode, step, outline) for step in mode.steps.outputs)
    before = (*_cleared(mode, (*mode.steps.forward, *mode.steps.outputs)), *_ahead(mode, shuffled))
    found = L.load(output.array, L.add(L.add(L.mul("o", plan.block), "j"), output.first))
    block = [*_loss_of_block(mode), *outputs]
    return predict(plan, shuffled, block, (found, problem.outputs), problem.mean, before)
