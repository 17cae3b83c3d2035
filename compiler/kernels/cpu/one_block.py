"""A network on one block of samples: `forward`, `backward`, and the head, that is the last activation and the loss.

Products of matrices are register tiles: a few rows times a few sample vectors, with a plain loop over the
inner index (broadcast one weight, multiply and add). The sums of the weight gradient are kept as vectors
over samples and folded W at a time, or have inputs as lanes where a layer is wide (`rows`).
"""

from __future__ import annotations

from netc.compiler.calculus import ir
from netc.compiler.kernels import loops as L
from netc.compiler.kernels.cpu import kept
from netc.compiler.kernels.cpu.blocks import (
    SAMPLES,
    TRANSPOSED,
    of_block,
    place_of,
)
from netc.compiler.kernels.cpu.over_units import of_all, of_each
from netc.compiler.kernels.cpu.plan import Plan, Stage, row_of
from netc.compiler.kernels.names import constant_name
from netc.compiler.kernels.notes import noted
from netc.compiler.kernels.outline import Outline
from netc.compiler.kernels.patterns import Chain, Product, pointwise

PRODUCT = (4, 4, 3, 3)
"""Arguments of `product` that belong together: the weights, the start with the sizes, the source, the result."""
OUTER_SUMS = (4, 4, 3)
"""Of `outer_sums`: the side of the lanes, the other one, the result."""
OUTER_ROWS = (3, 2, 3)
"""Of `outer_rows`: the cotangents, the inputs, the sums."""
Rows = tuple[str, str | L.Int, str | int]
"""Array, first row and distance of the rows of a factor."""


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
