"""Network -> loops: loss, gradient and prediction, block of samples after block of samples.

Products of matrices are register tiles: a few rows times a few sample vectors, with a plain loop over the
inner index (broadcast one weight, multiply and add). The sums of the weight gradient are kept as vectors
over samples and folded W at a time. No layer is unrolled: the compile time stays small.
"""

from __future__ import annotations

from collections.abc import Callable

from netc.compiler import ir
from netc.compiler import loops as L
from netc.compiler.cpu_plan import TILE_VECTORS, Plan, Stage
from netc.compiler.fuse import fuse
from netc.compiler.simplify import common
from netc.compiler.vectors import Space, lanes

SAMPLES = ("xs", "xfirst", "xstride", "ys", "yfirst", "ystride", "valid", "width")
"""Where a block's samples lie: array, offset of the first, distance of two features; likewise the targets;
how many samples count, and that number rounded up to whole tiles."""


def functions(network: ir.Network, plan: Plan, shuffled: bool) -> list[L.Function]:
    """`forward`, `backward`, `head_loss`, `head_adjoint` on one block; `loss`, `gradient`, `predict` on samples."""
    made = [forward(plan), head_loss(network, plan), head_adjoint(network, plan), backward(plan)]
    if shuffled:
        made.append(gather(network, plan))
    return [
        *made,
        _over_blocks("loss", network, plan, shuffled),
        _over_blocks("gradient", network, plan, shuffled),
        _predict(network, plan),
    ]


# -- the forward pass of a block ---------------------------------------------------------------------


def forward(plan: Plan) -> L.Function:
    body: list[L.Stmt] = []
    for stage in plan.stages:
        d = stage.dense
        body.append(L.Note(f"{d.name}: z = W x + b, {d.inputs} -> {d.outputs}"))
        body += _product(plan, d.outputs, d.inputs, _weight(d), _source(plan, stage), _bias(d),
                         lambda row, at, value, z=stage.z: [_put(plan, z, row, at, value)])  # fmt: skip
        if stage.map is not None:
            body += _activate(plan, stage, stage.map)
    return L.Function("forward", ("theta", *SAMPLES, "scratch"), tuple(body), "Activations of one block, up to the last z.")


def _weight(d: ir.Dense) -> Callable[[L.Expr, L.Expr], L.Expr]:
    return lambda o, i: L.add(L.add(L.mul(o, d.inputs), i), d.offset)


def _bias(d: ir.Dense) -> Callable[[L.Expr], L.Expr]:
    start = d.offset + d.inputs * d.outputs
    return lambda o: L.call("splat", L.At(L.Name("theta"), L.add(o, start)) if d.bias else 0.0)


def _source(plan: Plan, stage: Stage) -> Callable[[L.Expr | int, L.Expr | str], L.Expr]:
    """Loads the vector at sample `at` of input `i` of a stage."""
    if stage.source < 0:
        return lambda i, at: L.load("xs", L.add(L.add("xfirst", L.mul(i, "xstride")), at))
    return lambda i, at: L.load("scratch", _at(plan, stage.source, i, at))


def _at(plan: Plan, buffer: int, row: L.Expr | int | str, at: L.Expr | int | str) -> L.Expr:
    return L.add(L.add(L.mul(row, plan.block), at), buffer)


def _put(plan: Plan, buffer: int, row: L.Expr, at: L.Expr, value: L.Expr) -> L.Stmt:
    return L.store("scratch", _at(plan, buffer, row, at), value)


def _product(plan: Plan, rows: int, inner: int, weight: Callable[[L.Expr, L.Expr], L.Expr],
             source: Callable[[L.Expr | int, L.Expr | str], L.Expr], start: Callable[[L.Expr], L.Expr],
             finish: Callable[[L.Expr, L.Expr, L.Expr], list[L.Stmt]]) -> list[L.Stmt]:  # fmt: skip
    """out[row] = start(row) + sum over k of weight(row, k) * source(k), in register tiles."""

    def tile(first: L.Expr, height: int) -> L.Stmt:
        spots = [(r, v) for r in range(height) for v in range(TILE_VECTORS)]
        name = "c{}_{}".format
        row = [L.add(first, r) for r in range(height)]
        at = [L.add("j", v * plan.lanes) for v in range(TILE_VECTORS)]
        step: list[L.Stmt] = [L.let(f"x{v}", source(L.Name("k"), at[v])) for v in range(TILE_VECTORS)]
        for r in range(height):
            step.append(L.let("w", L.call("splat", L.At(L.Name("theta"), weight(row[r], L.Name("k"))))))
            step += [L.let(name(r, v), L.call("fma", "w", f"x{v}", name(r, v))) for v in range(TILE_VECTORS)]
        body: list[L.Stmt] = [L.let(name(r, v), start(row[r])) for r, v in spots]
        body.append(L.loop("k", inner, step))
        body += [s for r, v in spots for s in finish(row[r], at[v], L.Name(name(r, v)))]
        return L.loop("j", "width", body, step=plan.step)

    return _tiles("o", rows, plan.rows(rows), lambda first, height: [tile(first, height)])


def _tiles(index: str, rows: int, height: int, tile: Callable[[L.Expr, int], list[L.Stmt]]) -> list[L.Stmt]:
    """A loop over whole tiles and one smaller tile for what is left."""
    whole = rows // height * height
    out: list[L.Stmt] = []
    if whole == height:
        out += tile(L.Int(0), height)
    elif whole:
        out.append(L.loop(index, whole, tile(L.Name(index), height), step=height))
    return out + (tile(L.Int(whole), rows - whole) if rows > whole else [])


def _activate(plan: Plan, stage: Stage, op: ir.Map) -> list[L.Stmt]:
    note = L.Note(f"a = {op.name}(z)")
    if _pointwise(op.value):
        values = _pointwise_code([op.value], {"z": "z"})
        body = [L.let("z", L.load("scratch", _at(plan, stage.z, "o", "j"))), *values[:-1]]
        body.append(_put(plan, stage.a, L.Name("o"), L.Name("j"), values[-1].value))
        return [note, L.loop("o", op.units, [L.loop("j", "width", body, step=plan.lanes)])]
    return [note, *_over_units(plan, op.units, [("a", op.value)], {"z": stage.z, "a": stage.a})]


def _pointwise_code(exprs: list[ir.Expr], registers: dict[str, str]) -> list[L.Let]:
    """Shared temporaries, then one Let `value` per expression."""
    bindings, results = common(exprs)
    pairs = [*bindings, *(("value", e) for e in results)]
    return [L.let(name, lanes(e, lambda n: registers.get(n, n), True)) for name, e in pairs]


def _pointwise(e: ir.Expr) -> bool:
    match e:
        case ir.Reduce():
            return False
        case ir.Apply(_, args):
            return all(_pointwise(a) for a in args)
        case _:
            return True


def _over_units(plan: Plan, units: int, wanted: list[tuple[str, ir.Expr]], buffers: dict[str, int],
                after: list[L.Stmt] | None = None) -> list[L.Stmt]:  # fmt: skip
    """Expressions with reductions over the units of a layer, sample vector by sample vector."""

    def address(name: str, o: L.Expr) -> tuple[L.Expr, L.Expr]:
        if name == "y":
            return L.Name("ys"), L.add(L.add("yfirst", L.mul(o, "ystride")), "j")
        return L.Name("scratch"), _at(plan, buffers[name], o, "j")

    bindings, results = common([e for _, e in wanted])
    names = [name for name, _ in wanted]
    assigns = [ir.Assign(n, e) for n, e in [*bindings, *zip(names, results, strict=True)]]
    buffers = {**plan.temporaries, **buffers}
    live = frozenset(n for n, e in wanted if e.kind == "output")
    space = Space("o", units, 1, address, per_lane=True)
    return [L.loop("j", "width", [*space.passes(fuse(assigns, live)), *(after or [])], step=plan.lanes)]


# -- the head: last activation and loss together -----------------------------------------------------


def head_buffers(network: ir.Network) -> dict[str, int]:
    """The temporaries of the head and of activations over units that must be kept between passes."""
    from netc.compiler.vectors import arrays

    wanted: dict[str, int] = {}
    head = network.head
    groups = [([head.loss, head.adjoint], head.units), ([head.output], head.units), ([head.loss], head.units)]
    for op in network.ops:
        if isinstance(op, ir.Map) and not _pointwise(op.value):
            groups += [([op.value], op.units), ([op.vjp], op.units)]
    for exprs, units in groups:
        bindings, results = common(exprs)
        assigns = [ir.Assign(n, e) for n, e in [*bindings, *((f"out{i}", e) for i, e in enumerate(results))]]
        for name in arrays(fuse(assigns, frozenset())) - {"z", "y", "a", "c"}:
            wanted[name] = max(units, wanted.get(name, 0))
    return wanted


def head_loss(network: ir.Network, plan: Plan) -> L.Function:
    head, last = network.head, plan.stages[-1]
    count = [L.let("total", L.call("add", "total", L.call("keep", "sample_loss", L.call("sub", "valid", "j"), 0.0)))]
    body = _over_units(plan, head.units, [("sample_loss", head.loss)], {"z": last.z}, count)
    return L.Function("head_loss", (*SAMPLES, "scratch"), _summed(body), "Sum of the losses of the block's samples.")


def head_adjoint(network: ir.Network, plan: Plan) -> L.Function:
    head, last = network.head, plan.stages[-1]
    d = _at(plan, last.d, "o", "j")
    left = L.call("sub", "valid", "j")
    mask = L.store("scratch", d, L.call("keep", L.load("scratch", d), left, 0.0))
    after: list[L.Stmt] = [
        L.let("total", L.call("add", "total", L.call("keep", "sample_loss", left, 0.0))),
        L.If(L.call("lt", left, plan.lanes), (L.Note("lanes beyond the last sample count nothing"),
                                              L.loop("o", head.units, [mask]))),
    ]  # fmt: skip
    wanted: list[tuple[str, ir.Expr]] = [("sample_loss", head.loss), ("d", head.adjoint)]
    body = _over_units(plan, head.units, wanted, {"z": last.z, "d": last.d}, after)
    note = "The same, and its derivative d by the last pre-activation."
    return L.Function("head_adjoint", (*SAMPLES, "scratch"), _summed(body), note)


def _summed(body: list[L.Stmt]) -> tuple[L.Stmt, ...]:
    start = L.let("total", L.call("splat", 0.0))
    return (start, *body, L.Return(L.call("float64", L.call("hsum", "total"))))


# -- the backward pass of a block --------------------------------------------------------------------


def backward(plan: Plan) -> L.Function:
    body: list[L.Stmt] = []
    for stage, before in reversed(list(zip(plan.stages, (None, *plan.stages), strict=False))):
        d = stage.dense
        body.append(L.Note(f"{d.name}: dW = d x', db = d"))
        body += _weight_sums(plan, stage)
        if before is not None:
            body.append(L.Note(f"{d.name}: cotangent of its input, W' d" + (f", through {before.map.name}" if before.map else "")))
            body += _product(plan, d.inputs, d.outputs, lambda i, o, w=_weight(d): w(o, i),
                             lambda o, at, s=stage: L.load("scratch", _at(plan, s.d, o, at)),
                             lambda _: L.call("splat", 0.0), _through(plan, before))  # fmt: skip
            if before.map is not None and not _pointwise(before.map.value):
                buffers = {"z": before.z, "a": before.a, "c": before.d, "dz": before.d}
                body += _over_units(plan, before.map.units, [("dz", before.map.vjp)], buffers)
    return L.Function("backward", ("theta", *SAMPLES, "scratch"), tuple(body), "Adds the block's part to the gradient sums.")


def _through(plan: Plan, stage: Stage) -> Callable[[L.Expr, L.Expr, L.Expr], list[L.Stmt]]:
    """The last step of a backward tile: the cotangent of `a` becomes that of `z`."""
    op = stage.map
    if op is None or not _pointwise(op.value):
        return lambda row, at, value: [_put(plan, stage.d, row, at, value)]

    def finish(row: L.Expr, at: L.Expr, value: L.Expr) -> list[L.Stmt]:
        assert isinstance(value, L.Name)
        from netc.compiler.fuse import names

        loads = [(n, b) for n, b in (("z", stage.z), ("a", stage.a)) if n in names(op.vjp)]
        code = _pointwise_code([op.vjp], {"c": value.id})
        return [
            *(L.let(n, L.load("scratch", _at(plan, b, row, at))) for n, b in loads),
            *code[:-1],
            _put(plan, stage.d, row, at, code[-1].value),
        ]

    return finish


def _weight_sums(plan: Plan, stage: Stage) -> list[L.Stmt]:
    """sums += sum over the block's samples of d[o] * x[i], W sums at a time folded into one vector."""
    d, layout, w = stage.dense, plan.sums(stage.dense), plan.lanes
    load_x, load_d = _source(plan, stage), lambda o, at: L.load("scratch", _at(plan, stage.d, o, at))
    lane_side, lane_rows, load_lane, load_row = (
        (d.outputs, d.inputs, load_d, load_x) if layout.over_outputs else (d.inputs, d.outputs, load_x, load_d)
    )
    if layout.over_outputs or stage.source >= 0:
        lane_side = -(-lane_side // w) * w  # buffers have rows of zeros up to whole vectors
    height = max(1, (plan.registers - 4) // w)
    height = -(-lane_rows // -(-lane_rows // height))

    def tile(group: L.Expr, members: list[L.Expr], first: L.Expr, rows: int) -> list[L.Stmt]:
        step: list[L.Stmt] = [L.let(f"x{r}", load_row(L.add(first, r), "j")) for r in range(rows)]
        for k, member in enumerate(members):
            step.append(L.let("p", load_lane(member, "j")))
            step += [L.let(f"g{r}_{k}", L.call("fma", "p", f"x{r}", f"g{r}_{k}")) for r in range(rows)]
        body: list[L.Stmt] = [L.let(f"g{r}_{k}", L.call("splat", 0.0)) for r in range(rows) for k in range(w)]
        body.append(L.loop("j", "width", step, step=w))
        for r in range(rows):
            at = L.add(L.add(L.mul(L.add(first, r), layout.padded), group), stage.sums)
            body.append(_accumulate(at, [f"g{r}_{k}" for k in range(w)]))
        return body

    def group(start: L.Expr, count: int) -> list[L.Stmt]:
        # Of the samples' own features the last group repeats its last member; nobody reads those sums.
        members = [L.add(start, min(k, count - 1)) for k in range(w)]
        out = _tiles("i", lane_rows, height, lambda first, rows: tile(start, members, first, rows))
        return out + (_bias_sums(plan, stage, start, members) if layout.over_outputs and d.bias else [])

    out = _tiles("u", lane_side, w, group)
    if not layout.over_outputs and d.bias:
        padded = -(-d.outputs // w) * w
        out += _tiles("u", padded, w, lambda start, _: _bias_sums(plan, stage, start, [L.add(start, k) for k in range(w)]))
    return out


def _bias_sums(plan: Plan, stage: Stage, start: L.Expr, members: list[L.Expr]) -> list[L.Stmt]:
    body: list[L.Stmt] = [L.let(f"b{k}", L.call("splat", 0.0)) for k in range(plan.lanes)]
    step = [
        L.let(f"b{k}", L.call("add", f"b{k}", L.load("scratch", _at(plan, stage.d, member, "j"))))
        for k, member in enumerate(members)
    ]
    at = L.add(start, stage.sums + plan.sums(stage.dense).bias)
    return [*body, L.loop("j", "width", step, step=plan.lanes), _accumulate(at, [f"b{k}" for k in range(plan.lanes)])]


def _accumulate(at: L.Expr, vectors: list[str]) -> L.Stmt:
    return L.store("scratch", at, L.call("add", L.load("scratch", at), L.call("vsum", *vectors)))


# -- over all samples --------------------------------------------------------------------------------


def _over_blocks(name: str, network: ir.Network, plan: Plan, shuffled: bool) -> L.Function:
    """`loss` or `gradient` over samples [first, first + count), in the order `order` if there is one."""
    with_gradient = name == "gradient"
    head = "head_adjoint" if with_gradient else "head_loss"
    block: list[L.Stmt] = _locate(plan, shuffled)
    block += [
        L.Do(L.call("forward", "theta", *SAMPLES, "scratch")),
        L.let("total", L.call("add", "total", L.call(head, *SAMPLES, "scratch"))),
    ]
    body: list[L.Stmt] = [L.let("total", 0.0)]
    if with_gradient:
        block.append(L.Do(L.call("backward", "theta", *SAMPLES, "scratch")))
        for stage in plan.stages:
            clear = L.store("scratch", L.add("q", stage.sums), L.call("splat", 0.0))
            body.append(L.loop("q", plan.sums(stage.dense).size, [clear], step=plan.lanes))
    body.append(L.loop("s", "count", block, step=plan.block))
    scale = L.call("div", 1.0, L.call("float64", "count")) if network.head.mean else L.Real(1.0)
    body.append(L.let("scale", scale))
    if with_gradient:
        body += [s for stage in plan.stages for s in _collect(plan, stage)]
    body.append(L.Return(L.call("mul", "total", "scale")))
    words = "mean" if network.head.mean else "sum"
    parameters = ("theta", "x", "y", "order", "first", "count", *(("grad",) if with_gradient else ()), "scratch")
    note = f"The {words} of the losses of samples [first, first + count)"
    return L.Function(name, parameters, tuple(body), note + ("; its gradient into `grad`." if with_gradient else "."))


def _locate(plan: Plan, shuffled: bool) -> list[L.Stmt]:
    in_order = [
        L.let("xs", L.call("flat", "x")), L.let("xfirst", L.add("first", "s")), L.let("xstride", L.call("columns", "x")),
        L.let("ys", L.call("flat", "y")), L.let("yfirst", L.add("first", "s")), L.let("ystride", L.call("columns", "y")),
    ]  # fmt: skip
    gathered = [
        L.Do(L.call("gather", "x", "y", "order", L.add("first", "s"), "valid", "scratch")),
        L.let("xs", "scratch"), L.let("xfirst", plan.gather_x), L.let("xstride", plan.block),
        L.let("ys", "scratch"), L.let("yfirst", plan.gather_y), L.let("ystride", plan.block),
    ]  # fmt: skip
    rounded = L.call("floordiv", L.add("valid", plan.step - 1), plan.step)
    return [
        L.let("valid", L.call("least", plan.block, L.call("sub", "count", "s"))),
        L.let("width", L.mul(rounded, plan.step)),
        *([L.If(L.call("gt", L.call("len", "order"), 0), tuple(gathered), tuple(in_order))] if shuffled else in_order),
    ]


def gather(network: ir.Network, plan: Plan) -> L.Function:
    """Copies the samples order[first : first + valid] into the scratch, feature by feature."""
    body: list[L.Stmt] = []
    for array, rows, buffer in (("x", network.inputs, plan.gather_x), ("y", network.head.units, plan.gather_y)):
        value = L.At(L.At(L.Name(array), L.Name("i")), L.At(L.Name("order"), L.add("first", "j")))
        put = L.Store(L.Name("scratch"), _at(plan, buffer, "i", "j"), value)
        body.append(L.loop("i", rows, [L.loop("j", "valid", [put])]))
    return L.Function("gather", ("x", "y", "order", "first", "valid", "scratch"), tuple(body),
                      "Brings the samples order[first : first + valid] together.")  # fmt: skip


def _collect(plan: Plan, stage: Stage) -> list[L.Stmt]:
    """The sums, in the layout of theta, times `scale`."""
    d, layout = stage.dense, plan.sums(stage.dense)
    row, column = ("i", "o") if layout.over_outputs else ("o", "i")
    spot = L.add(L.add(L.mul(row, layout.padded), column), stage.sums)
    weight = L.Store(L.Name("grad"), _weight(d)(L.Name("o"), L.Name("i")),
                     L.call("mul", L.At(L.Name("scratch"), spot), "scale"))  # fmt: skip
    out: list[L.Stmt] = [L.loop("o", d.outputs, [L.loop("i", d.inputs, [weight])])]
    if d.bias:
        value = L.call("mul", L.At(L.Name("scratch"), L.add("o", stage.sums + layout.bias)), "scale")
        out.append(L.loop("o", d.outputs, [L.Store(L.Name("grad"), L.add("o", d.offset + d.inputs * d.outputs), value)]))
    return out


def _predict(network: ir.Network, plan: Plan) -> L.Function:
    head, last = network.head, plan.stages[-1]
    buffers = {"z": last.z, "u": last.a}
    put = L.store(L.call("flat", "out"), L.add(L.add(L.mul("o", L.call("columns", "out")), L.add("first", "s")), "j"),
                  L.load("scratch", _at(plan, last.a, "o", "j")))  # fmt: skip
    block: list[L.Stmt] = [
        L.let("valid", L.call("least", plan.block, L.call("sub", "count", "s"))),
        L.let("width", L.mul(L.call("floordiv", L.add("valid", plan.step - 1), plan.step), plan.step)),
        L.let("xs", L.call("flat", "x")), L.let("xfirst", L.add("first", "s")), L.let("xstride", L.call("columns", "x")),
        L.Do(L.call("forward", "theta", "xs", "xfirst", "xstride", "xs", 0, 0, "valid", "width", "scratch")),
        *_over_units(plan, head.units, [("u", head.output)], buffers),
        L.loop("o", head.units, [L.loop("j", "width", [put], step=plan.lanes)]),
    ]  # fmt: skip
    return L.Function("predict", ("theta", "x", "first", "count", "out", "scratch"),
                      (L.loop("s", "count", block, step=plan.block),),
                      "The network's outputs for samples [first, first + count), into the columns of `out`.")  # fmt: skip
