"""Network -> loops: loss, gradient and prediction, block of samples after block of samples (`one_block`).

All layers share the same tile functions, so that neither the text nor the compile time grows with the depth of the network.
Evaluations of a vector of samples or fewer go another way (`units`).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from typing import NamedTuple

from netc.compiler.kernels import loops as L
from netc.compiler.kernels.cpu import rows, units
from netc.compiler.kernels.cpu import tiles as cpu_tiles
from netc.compiler.kernels.cpu.blocks import SAMPLES, TYPES, gather, over_blocks, place_of, predict
from netc.compiler.kernels.cpu.one_block import backward, forward, head_adjoint, head_loss, parameter
from netc.compiler.kernels.cpu.over_units import of_all
from netc.compiler.kernels.cpu.plan import Plan, Stage
from netc.compiler.kernels.objective import parameters_of, scaled
from netc.compiler.kernels.outline import Outline, Placed, by_places
from netc.compiler.kernels.patterns import Chain


class Heads(NamedTuple):
    """What is done with the last pre-activations of a block."""

    loss: Placed
    adjoint: Placed


def functions(network: Chain, plan: Plan, shuffled: bool, parallel: bool) -> list[L.Function]:
    """Tiles; `forward`, `backward` and the head on one block; `loss`, `gradient`, `predict` on samples."""
    outline = Outline(TYPES)
    passes = [forward(plan, outline), backward(plan, shuffled, outline)]
    heads = Heads(by_places(head_loss(network, plan)), by_places(head_adjoint(network, plan)))
    made = [cpu_tiles.product(plan)]
    made += [] if all(stage.wide for stage in plan.stages) else [cpu_tiles.outer_sums(plan)]
    made += [cpu_tiles.row_sums(plan)]
    made += [rows.transposed(plan)] if plan.wide or shuffled else []
    made += [rows.outer_rows(plan)] if plan.wide else []
    made += [*outline.functions, heads.loss.function, heads.adjoint.function, *passes]
    if shuffled:
        first = plan.stages[0]
        made.append(gather(plan, first.layer.product.inputs, network.head.units, first.wide))
    if plan.few:
        made += units.functions(network, plan)
    return [
        *made,
        *_over_blocks("loss", network, plan, heads, shuffled, parallel),
        *_over_blocks("gradient", network, plan, heads, shuffled, parallel),
        _predict(network, plan, heads, shuffled),
    ]


# -- over all samples --------------------------------------------------------------------------------


def _over_blocks(
    name: str, network: Chain, plan: Plan, heads: Heads, shuffled: bool, parallel: bool
) -> list[L.Function]:
    """`loss` or `gradient` over samples [first, first + count), in the order `order` if there is one.

    A large evaluation is cut into `plan.chunks` ranges of samples with sums of their own, which `_collect` adds up in the
    order of the ranges: the bits are the same however many threads there are, and the same without threads.
    """
    with_gradient = name == "gradient"
    parameters = parameters_of(name)
    words = f"The {'mean' if network.mean else 'sum'} of the losses of samples [first, first + count)"
    note = words + ("; its gradient into `grad`." if with_gradient else ".")
    scale, result = scaled(network.mean)
    collected = [s for stage in plan.stages for s in _collect(plan, stage)] if with_gradient else []
    ending = [scale, *collected, result]
    whole = _range(plan, heads, shuffled, with_gradient)
    few = [units.few(name, plan)] if plan.few else []
    if plan.chunks == 1:
        return [L.Function(name, parameters, (*few, *whole, *ending), note)]
    given = ("theta", "x", "y", "order", "first", "count", "scratch")
    part = L.Function(
        f"{name}_of",
        given,
        (*whole, L.Return(L.Name("total"))),
        "One range of samples: the sum of the losses.",
    )
    body = (*few, *_chunks(plan, part.name, parallel), *ending)
    return [part, L.Function(name, parameters, body, note, parallel=parallel)]


def _range(plan: Plan, heads: Heads, shuffled: bool, with_gradient: bool) -> list[L.Stmt]:
    """`total` and the gradient sums of the samples [first, first + count)."""
    head = heads.adjoint if with_gradient else heads.loss
    block: list[L.Stmt] = [
        L.Do(L.call("forward", "theta", *SAMPLES, "scratch")),
        L.let("total", L.call("add", "total", head.call(*SAMPLES, "scratch"))),
    ]
    body: list[L.Stmt] = [L.let("total", 0.0)]
    if with_gradient:
        block.append(L.Do(L.call("backward", "theta", *SAMPLES, "scratch")))
        for stage in plan.stages:  # calls would cost a tenth of a small batch
            clear = L.store("scratch", L.add("q", plan.at(stage.sums)), L.call("splat", 0.0))
            body.append(L.loop("q", stage.layout.size, [clear], step=plan.lanes))
    return [*body, *over_blocks(plan, shuffled, block)]


def _chunks(plan: Plan, part: str, parallel: bool) -> list[L.Stmt]:
    chunk, chunks = L.Name("chunk"), plan.chunks
    low, high = (L.call("floordiv", L.mul(c, "count"), chunks) for c in (chunk, L.add(chunk, 1)))
    view = L.At(L.Name("scratch"), L.mul(chunk, plan.size), L.mul(L.add(chunk, 1), plan.size))
    call = L.call(part, "theta", "x", "y", "order", L.add("first", "low"), L.call("sub", "high", "low"), view)
    body: list[L.Stmt] = [L.let("low", low), L.let("high", high), L.Store(L.Name("totals"), chunk, call)]
    out: list[L.Stmt] = [
        L.let("totals", L.call("zeros", chunks)),
        L.loop("chunk", chunks, body, parallel=parallel),
        L.let("total", 0.0),
        L.loop("c", chunks, [L.let("total", L.call("add", "total", L.At(L.Name("totals"), L.Name("c"))))]),
    ]
    return out


def _collect(plan: Plan, stage: Stage) -> list[L.Stmt]:
    """The sums, in the layout of theta, times `scale`.

    A vector may reach into what comes behind it in theta: that is written later, and behind the last parameter
    there is room for a vector.
    """
    d = stage.layer.product
    layout = stage.layout

    def summed(start: L.Expr, one: Callable[[L.Expr], L.Expr]) -> L.Expr:
        """Over the chunks, in their order."""
        found = [one(L.add(L.Int(c * plan.size), start) if c else start) for c in range(plan.chunks)]
        return reduce(lambda a, b: L.call("add", a, b), found)

    def copy(to: L.Expr, start: L.Expr) -> L.Stmt:
        found = summed(start, lambda at: L.load("scratch", at))
        return L.store("grad", to, L.call("mul", found, L.call("splat", "scale")))

    spot = L.add(L.add(L.mul("o", d.inputs), "i"), parameter(d.weight))
    if layout.over_outputs:
        place = L.add(L.add(L.mul("i", layout.padded), "o"), plan.at(stage.sums))
        found = summed(place, lambda at: L.At(L.Name("scratch"), at))
        body: L.Stmt = L.Store(L.Name("grad"), spot, L.call("mul", found, "scale"))
        out: list[L.Stmt] = [L.loop("o", d.outputs, [L.loop("i", d.inputs, [body])])]
    else:
        body = copy(spot, L.add(L.add(L.mul("o", layout.padded), "i"), plan.at(stage.sums)))
        out = [L.loop("o", d.outputs, [L.loop("i", d.inputs, [body], step=plan.lanes)])]
    if d.bias:
        bias = copy(L.add("o", parameter(d.bias)), L.add("o", L.add(plan.at(stage.sums), layout.bias)))
        out.append(L.loop("o", d.outputs, [bias], step=plan.lanes))
    return out


def _predict(network: Chain, plan: Plan, heads: Heads, shuffled: bool) -> L.Function:
    head, last = network.head, plan.stages[-1]
    block: list[L.Stmt] = [
        L.Do(L.call("forward", "theta", *SAMPLES, "scratch")),
        L.let("total", L.call("add", "total", heads.loss.call(*SAMPLES, "scratch"))),
        *of_all(plan, head.units, [("u", head.output)], {"z": plan.at(last.z), "u": plan.at(last.a)}),
    ]
    found = L.load("scratch", place_of(plan, plan.at(last.a), "o", "j"))
    return predict(plan, shuffled, block, (found, head.units), network.mean)
