"""Network -> loops: loss, gradient and prediction, block of samples after block of samples.

Products of matrices are register tiles: a few rows times a few sample vectors, with a plain loop over the
inner index (broadcast one weight, multiply and add). The sums of the weight gradient are kept as vectors
over samples and folded W at a time, or have inputs as lanes where a layer is wide (`rows`). All layers share the same
tile functions, so that neither the text nor the compile time grows with the depth of the network. Evaluations of a vector of
samples or fewer go another way (`units`).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from typing import NamedTuple

from netc.compiler.calculus import ir
from netc.compiler.kernels import loops as L
from netc.compiler.kernels.cpu import kept, rows, units
from netc.compiler.kernels.cpu import tiles as cpu_tiles
from netc.compiler.kernels.cpu.blocks import (
    SAMPLES,
    TRANSPOSED,
    TYPES,
    gather,
    locate,
    of_block,
    place_of,
    predict,
)
from netc.compiler.kernels.cpu.over_units import of_all, of_each
from netc.compiler.kernels.cpu.plan import Plan, Stage, row_of
from netc.compiler.kernels.names import constant_name
from netc.compiler.kernels.notes import noted
from netc.compiler.kernels.objective import parameters_of, scaled
from netc.compiler.kernels.outline import Outline, Placed, by_places
from netc.compiler.kernels.patterns import Chain, Product, pointwise


def functions(network: Chain, plan: Plan, shuffled: bool, parallel: bool) -> list[L.Function]:
    """Tiles; `forward`, `backward` and the head on one block; `loss`, `gradient`, `predict` on samples."""
    outline = Outline(TYPES)
    passes = [forward(plan, outline), backward(plan, shuffled, outline)]
    heads = Heads(by_places(head_loss(network, plan)), by_places(head_adjoint(network, plan)))
    made = [cpu_tiles.product(plan)]
    made += [] if all(stage.wide for stage in plan.stages) else [cpu_tiles.outer_sums(plan)]
    made += [cpu_tiles.row_sums(plan)]
    made += [rows.transposed(plan), rows.outer_rows(plan)] if plan.wide else []
    made += [*outline.functions, heads.loss.function, heads.adjoint.function, *passes]
    if shuffled:
        first = plan.stages[0]
        made.append(gather(plan, network.layers[0].product.inputs, network.head.units, first.rows))
    if plan.few:
        made += units.functions(network, plan)
    return [
        *made,
        *_over_blocks("loss", network, plan, heads, shuffled, parallel),
        *_over_blocks("gradient", network, plan, heads, shuffled, parallel),
        _predict(network, plan, heads, shuffled),
    ]


PRODUCT = (4, 4, 3, 3)
"""Arguments of `product` that belong together: the weights, the start with the sizes, the source, the result."""


OUTER_SUMS = (4, 4, 3)
"""Of `outer_sums`: the side of the lanes, the other one, the result."""
OUTER_ROWS = (3, 2, 3)
"""Of `outer_rows`: the cotangents, the inputs, the sums."""
Rows = tuple[str, str | L.Int, str | int]
"""Array, first row and distance of the rows of a factor."""


class Heads(NamedTuple):
    """What is done with the last pre-activations of a block."""

    loss: Placed
    adjoint: Placed


def parameter(t: ir.Tensor) -> L.Int:
    """Its place in theta."""
    return L.Int(t.offset, constant_name(t.name))


def _input(plan: Plan, stage: Stage) -> Rows:
    """Array, offset and distance of the rows of what goes into a stage."""
    return ("xs", "xfirst", "xstride") if stage.source < 0 else ("scratch", plan.at(stage.source), plan.block)


# -- the forward pass of a block ---------------------------------------------------------------------


def forward(plan: Plan, outline: Outline) -> L.Function:
    body: list[L.Stmt] = []
    for stage in plan.stages:
        d = stage.layer.product
        body.append(L.Note(f"{noted(d.let, d.name)}; z = W x + b, {d.inputs} -> {d.outputs}"))
        body.append(_product(plan, d, _input(plan, stage), plan.at(stage.z)))
        if stage.layer.activation is not None:
            body += _activate(plan, stage, stage.layer.activation, outline)
    note = "Activations of one block, up to the last z."
    return of_block("forward", ("theta", *SAMPLES, "scratch"), body, note)


def _product(plan: Plan, p: Product, source: Rows, out: L.Int) -> L.Stmt:
    start: tuple[str, L.Int] = ("theta", parameter(p.bias)) if p.bias else ("scratch", plan.at(plan.zeros))
    return L.Do(L.call("product", "theta", parameter(p.weight), p.across, p.down, *start, p.outputs, p.inputs, *source,
                       "scratch", out, "width"), PRODUCT)  # fmt: skip


def _activate(plan: Plan, stage: Stage, a: ir.Let, outline: Outline) -> list[L.Stmt]:
    note, buffers = L.Note(f"a = {a.text}(z)"), {"z": plan.at(stage.z), "a": plan.at(stage.a)}
    value = stage.layer.value
    if pointwise(value):
        again = kept.kept(stage.layer)
        wanted = [(value, plan.at(stage.a)), *([(again, plan.at(stage.kept))] if again else [])]
        return [note, outline.piece(a.text, [of_each(plan, stage, wanted, buffers)])]
    return [note, *of_all(plan, stage.layer.product.outputs, [("a", value)], buffers)]


# -- the head: last activation and loss together -----------------------------------------------------


def head_loss(network: Chain, plan: Plan) -> L.Function:
    head, last = network.head, plan.stages[-1]
    count = [
        L.let(
            "total", L.call("add", "total", L.call("keep", "sample_loss", L.call("sub", "valid", "j"), 0.0))
        )
    ]
    body = of_all(plan, head.units, [("sample_loss", head.loss)], {"z": plan.at(last.z)}, count)
    note = "Sum of the losses of the block's samples."
    return of_block("head_loss", (*SAMPLES, "scratch"), _summed(body), note, "float64")


def head_adjoint(network: Chain, plan: Plan) -> L.Function:
    head, last = network.head, plan.stages[-1]
    d = place_of(plan, plan.at(last.d), "o", "j")
    left = L.call("sub", "valid", "j")
    mask = L.store("scratch", d, L.call("keep", L.load("scratch", d), left, 0.0))
    after: list[L.Stmt] = [
        L.let("total", L.call("add", "total", L.call("keep", "sample_loss", left, 0.0))),
        L.If(L.call("lt", left, plan.lanes), (L.Note("lanes beyond the last sample count nothing"),
                                              L.loop("o", head.units, [mask]))),
    ]  # fmt: skip
    wanted: list[tuple[str, ir.Expr]] = [("sample_loss", head.loss), ("d", head.adjoint)]
    body = of_all(plan, head.units, wanted, {"z": plan.at(last.z), "d": plan.at(last.d)}, after)
    note = "The same, and its derivative d by the last pre-activation."
    return of_block("head_adjoint", (*SAMPLES, "scratch"), _summed(body), note, "float64")


def _summed(body: list[L.Stmt]) -> tuple[L.Stmt, ...]:
    start = L.let("total", L.call("splat", 0.0))
    return (start, *body, L.Return(L.call("float64", L.call("hsum", "total"))))


# -- the backward pass of a block --------------------------------------------------------------------


def backward(plan: Plan, shuffled: bool, outline: Outline) -> L.Function:
    body: list[L.Stmt] = []
    for stage, before in reversed(list(zip(plan.stages, (None, *plan.stages), strict=False))):
        layer, d = stage.layer, stage.layer.product
        body.append(L.Note(f"{d.name}: dW = d x', db = d"))
        cotangent: Rows = ("scratch", plan.at(stage.d), plan.block)
        body += _by_rows(plan, stage, shuffled) if stage.wide else [_folded(plan, stage)]
        if layer.biases:
            padded = -(-d.outputs // plan.lanes) * plan.lanes
            sums = L.add(plan.at(stage.sums), stage.layout.bias)
            body.append(L.Do(L.call("row_sums", "scratch", plan.at(stage.d), padded, sums, "width")))
        if before is not None:
            assert layer.through is not None
            body.append(L.Note(f"{d.name}: cotangent of its input, W' d"))
            body.append(_product(plan, layer.through, cotangent, plan.at(before.d)))
            body += _through(plan, before, outline)
    note = "Adds the block's part to the gradient sums."
    return of_block("backward", ("theta", *SAMPLES, "scratch"), body, note)


def _folded(plan: Plan, stage: Stage) -> L.Stmt:
    d, layout = stage.layer.product, stage.layout
    inputs, cotangent = _input(plan, stage), ("scratch", plan.at(stage.d), plan.block)
    lanes, others = (cotangent, inputs) if layout.over_outputs else (inputs, cotangent)
    count = d.inputs if layout.over_outputs else d.outputs
    sums = ("scratch", plan.at(stage.sums), "width")
    return L.Do(L.call("outer_sums", *lanes, layout.padded, *others, count, *sums), OUTER_SUMS)


def _by_rows(plan: Plan, stage: Stage, shuffled: bool) -> list[L.Stmt]:
    """What was gathered is there sample by sample."""
    d, padded = stage.layer.product, stage.layout.padded
    apart = row_of(d.inputs, plan.lanes)
    turned = L.call(
        "transposed", *_input(plan, stage), d.inputs, "scratch", plan.at(stage.rows), apart, "width"
    )
    sums = L.call("outer_rows", "scratch", plan.at(stage.d), d.outputs, plan.at(stage.rows), apart, padded,
                  plan.at(stage.sums), "valid")  # fmt: skip
    gathered = shuffled and stage.source < 0
    return [*([] if gathered else [L.Do(turned, TRANSPOSED)]), L.Do(sums, OUTER_ROWS)]


def _through(plan: Plan, stage: Stage, outline: Outline) -> list[L.Stmt]:
    """The cotangent of `a` becomes that of `z`, in place."""
    layer = stage.layer
    assert layer.activation is not None
    note = L.Note(f"through a = {layer.activation.text}(z)")
    d = plan.at(stage.d)
    buffers = {"z": plan.at(stage.z), "a": plan.at(stage.a), "c": d}
    if not pointwise(layer.value):
        wanted = [("dz", layer.vjp)]
        return [note, *of_all(plan, layer.product.outputs, wanted, {**buffers, "dz": d})]
    if stage.kept >= 0:
        buffers[kept.NAME] = plan.at(stage.kept)
    back = of_each(plan, stage, [(kept.vjp(layer), d)], buffers)
    return [note, outline.piece(f"through_{layer.activation.text}", [back])]


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
        *locate(plan, shuffled),
        L.Do(L.call("forward", "theta", *SAMPLES, "scratch")),
        L.let("total", L.call("add", "total", head.call(*SAMPLES, "scratch"))),
    ]
    body: list[L.Stmt] = [L.let("total", 0.0)]
    if with_gradient:
        block.append(L.Do(L.call("backward", "theta", *SAMPLES, "scratch")))
        for stage in plan.stages:  # calls would cost a tenth of a small batch
            clear = L.store("scratch", L.add("q", plan.at(stage.sums)), L.call("splat", 0.0))
            body.append(L.loop("q", stage.layout.size, [clear], step=plan.lanes))
    return [*body, L.loop("s", "count", block, step=plan.block)]


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
