"""Network -> loops for CUDA: loss and gradient by a block of threads, some samples at a time.

    samples     into `memory`, as all activations: memory[unit][sample]
    forward     each layer a product of matrices (`cuda_tiles`), then its activation
    head        samples over the threads: losses, and d = their derivatives by the last z
    backward    layer before layer: d x' onto the gradient, then W' d through the activation

A block has all samples of an evaluation, or in a grid its share of them: then the blocks' gradients lie side by
side, and are added in the order of the blocks. So every sum has one owner and one order: no atomics on numbers, the
same bits in every launch.
"""

from __future__ import annotations

from netc.compiler.calculus import ir
from netc.compiler.calculus.simplify import common
from netc.compiler.kernels import loops as L
from netc.compiler.kernels.cuda.plan import Plan, Stage
from netc.compiler.kernels.cuda.rule import BARRIER, SUMS, memory_of, mine
from netc.compiler.kernels.cuda.tiles import BLOCK_BARRIER, Product, Side, over_threads
from netc.compiler.kernels.fuse import fuse
from netc.compiler.kernels.notes import noted
from netc.compiler.kernels.objective import parameters_of
from netc.compiler.kernels.patterns import Chain, pointwise
from netc.compiler.kernels.vectors import Space, lanes
from netc.dsl.record import record

SEAT = L.let("thread", L.At(L.Name("seats"), L.call("thread")))
"""The number of this thread in its block, from memory: so the compiler does not keep all that follows from it in
registers from one evaluation to the next, which takes twice as many of them."""


@record
class NetworkWriter:
    network: Chain
    parameters: int
    plan: Plan
    shuffled: bool
    """Then x is sample by sample, and `order` says which one is next."""

    def functions(self) -> list[L.Function]:
        return [self.over_samples("loss"), self.over_samples("gradient")]

    # -- where things are ----------------------------------------------------------------------------

    def spot(self, buffer: int, row: L.Expr | int | str, s: L.Expr | str = "s") -> L.Expr:
        """Row of a buffer at sample s."""
        return L.add(L.add(L.mul(row, self.plan.pitch), s), buffer)

    def at(self, buffer: int, row: L.Expr | int | str, s: L.Expr | str = "s") -> L.Expr:
        return L.At(L.Name("memory"), self.spot(buffer, row, s))

    def put(self, buffer: int, row: L.Expr | str, s: L.Expr | str, value: L.Expr | str) -> L.Stmt:
        return L.Store(L.Name("memory"), self.spot(buffer, row, s), L.expr(value))

    @property
    def weights(self) -> str:
        """The array in which parameter q is at q."""
        return "memory" if self.plan.copied else "theta"

    def over_block(self, name: str, count: int, body: list[L.Stmt]) -> L.Stmt:
        return over_threads(name, count, self.plan.threads, body)

    def each_sample(self, body: list[L.Stmt]) -> L.Stmt:
        return self.over_block("s", self.plan.columns, body)

    def which(self, s: L.Expr | str = "s") -> L.Expr:
        """The sample that is number s of those in hand."""
        place = L.add("base", s)
        return L.At(L.Name("order"), place) if self.shuffled else place

    def samples_in(self) -> list[L.Stmt]:
        """Neighbouring threads read neighbouring numbers, however the data lie. Places beyond the last sample get that
        one again: finite if it is, and its d will be 0."""
        inputs, columns = self.plan.stages[0].layer.product.inputs, self.plan.columns
        sample = L.let("sample", self.which(L.call("least", "s", L.call("sub", "valid", 1))))
        places = (L.call("remainder", "p", inputs), L.call("quotient", "p", inputs))
        x = L.At(L.At(L.Name("x"), L.Name("sample")), L.Name("i"))
        if not self.shuffled:
            places = (L.call("quotient", "p", columns), L.call("remainder", "p", columns))
            x = L.At(L.At(L.Name("x"), L.Name("i")), L.Name("sample"))
        body = [L.let("i", places[0]), L.let("s", places[1]), sample, self.put(self.plan.inputs, "i", "s", x)]
        return [L.Note("the samples"), self.over_block("p", inputs * columns, body), BLOCK_BARRIER]

    # -- element by element, and over the units of a sample ------------------------------------------

    def pointwise(self, value: ir.Expr, registers: dict[str, str], into: str) -> list[L.Stmt]:
        bindings, (result,) = common([value])
        known = {**registers, **{n: n for n, _ in bindings}}
        return [L.let(n, lanes(e, known.__getitem__, True)) for n, e in [*bindings, (into, result)]]

    def over_units(
        self, units: int, wanted: list[tuple[str, ir.Expr]], buffers: dict[str, int]
    ) -> list[L.Stmt]:
        """Expressions with reductions over the units of a layer, at sample s."""

        def address(name: str, o: L.Expr) -> tuple[L.Expr, L.Expr]:
            if name == "y":
                return L.At(L.Name("y"), o), L.Name("sample")
            return L.Name("memory"), self.spot(places[name], o)

        bindings, results = common([e for _, e in wanted])
        names = [name for name, _ in wanted]
        assigns = [ir.Assign(n, e) for n, e in [*bindings, *zip(names, results, strict=True)]]
        places = {**self.plan.temporaries, **buffers}
        live = frozenset(n for n, e in wanted if e.axes)
        return Space("o", units, 1, address, per_lane=True).passes(fuse(assigns, live))

    # -- the three products of a layer ---------------------------------------------------------------

    def forward(self, stage: Stage) -> list[L.Stmt]:
        """z = W x + b, then a = f(z)."""
        layer, d, plan = stage.layer, stage.layer.product, self.plan

        def put(row: L.Expr, s: L.Expr, total: L.Expr) -> list[L.Stmt]:
            z = (
                L.call("add", total, L.At(L.Name(self.weights), L.add(row, d.bias.offset)))
                if d.bias
                else total
            )
            return [self.put(stage.z, row, s, z)]

        product = Product(
            d.outputs, plan.columns, d.inputs,
            Side(self.weights, lambda o: L.add(L.mul(o, d.across), d.weight.offset), d.down),
            Side("memory", lambda s: L.add(s, stage.source), plan.pitch),
            stage.forward, plan.threads, plan.pile, adjacent=True,
        )  # fmt: skip
        note = L.Note(f"{noted(d.let, d.name)}; z = W x + b, {d.inputs} -> {d.outputs}")
        out = [note, *product.loops(put), BLOCK_BARRIER]
        if layer.activation is None:
            return out
        out.append(L.Note(f"a = {layer.activation.text}(z)"))
        if pointwise(layer.value):
            z, a = (L.At(L.Name("memory"), L.add("p", buffer)) for buffer in (stage.z, stage.a))
            body = [
                L.let("z", z), *self.pointwise(layer.value, {"z": "z"}, "a"), L.Store(a.array, a.index, L.Name("a"))
            ]  # fmt: skip
            return [*out, self.over_block("p", d.outputs * plan.pitch, body), BLOCK_BARRIER]
        buffers = {"z": stage.z, "a": stage.a}
        return [
            *out,
            self.each_sample(self.over_units(d.outputs, [("a", layer.value)], buffers)),
            BLOCK_BARRIER,
        ]

    def through(self, stage: Stage, before: Stage) -> list[L.Stmt]:
        """The cotangent d of the layer before: W' d, through its activation."""
        d, layer, plan = stage.layer.through, before.layer, self.plan
        assert d is not None
        assert layer.activation is not None

        def put(row: L.Expr, s: L.Expr, total: L.Expr) -> list[L.Stmt]:
            if not pointwise(layer.value):
                return [self.put(before.d, row, s, total)]
            return [
                L.let("c", total),
                L.let("z", self.at(before.z, row, s)),
                L.let("a", self.at(before.a, row, s)),
                *self.pointwise(layer.vjp, {"z": "z", "a": "a", "c": "c"}, "d"),
                self.put(before.d, row, s, "d"),
            ]

        product = Product(
            d.outputs, plan.columns, d.inputs,
            Side(self.weights, lambda i: L.add(L.mul(i, d.across), d.weight.offset), d.down),
            Side("memory", lambda s: L.add(s, stage.d), plan.pitch),
            stage.through, plan.threads, plan.pile, adjacent=True,
        )  # fmt: skip
        note = L.Note(f"{d.name}: cotangent of its input, W' d, through a = {layer.activation.text}(z)")
        out = [note, *product.loops(put), BLOCK_BARRIER]
        if pointwise(layer.value):
            return out
        buffers = {"z": before.z, "a": before.a, "c": before.d, "dz": before.d}
        return [
            *out,
            self.each_sample(self.over_units(layer.product.outputs, [("dz", layer.vjp)], buffers)),
            BLOCK_BARRIER,
        ]

    def sums(self, stage: Stage) -> list[L.Stmt]:
        """dW = d x' and db = d onto the gradient; a bias is the weight of an input that is always 1."""
        d, plan = stage.layer.product, self.plan

        def put(row: L.Expr, column: L.Expr, total: L.Expr) -> list[L.Stmt]:
            q = L.add(L.add(L.mul(row, d.inputs), column), d.weight.offset)
            if d.bias:
                q = L.call("select", L.call("lt", column, d.inputs), q, L.add(row, d.bias.offset))
            place = L.At(L.Name(self.target), L.Name("q_here"))
            return [L.let("q_here", q), L.Store(place.array, place.index, L.call("add", place, total))]

        def column(i: L.Expr) -> L.Expr:
            start = L.add(L.mul(i, plan.pitch), stage.source)
            return L.call("select", L.call("lt", i, d.inputs), start, plan.ones) if d.bias else start

        product = Product(
            d.outputs, d.inputs + bool(d.bias), "valid",
            Side("memory", lambda o: L.add(L.mul(o, plan.pitch), stage.d)),
            Side("memory", column),
            stage.sums, plan.threads, plan.pile, step=plan.vector,
        )  # fmt: skip
        return [L.Note(f"{d.name}: dW = d x', db = d"), *product.loops(put), BLOCK_BARRIER]

    @property
    def target(self) -> str:
        """Where a block adds its gradient."""
        return "share" if self.plan.shape == "grid" else "grad"

    def head(self, with_adjoint: bool) -> list[L.Stmt]:
        """Losses of the samples of this thread into `own`; into d the derivative by the last pre-activation."""
        head, last = self.network.head, self.plan.stages[-1]
        wanted: list[tuple[str, ir.Expr]] = [("sample_loss", head.loss)]
        if with_adjoint:
            wanted.append(("d", head.adjoint))
        body = [
            L.let("sample", self.which()),
            *self.over_units(head.units, wanted, {"z": last.z, "d": last.d}),
            L.let("own", L.call("add", "own", L.call("float64", "sample_loss"))),
        ]
        nothing = L.loop("o", head.units, [self.put(last.d, "o", "s", L.call("splat", 0.0))])
        what = "loss of each sample" + (", and d = its derivative by the last z" if with_adjoint else "")
        each = L.If(L.call("lt", "s", "valid"), tuple(body), (nothing,) if with_adjoint else ())
        return [L.Note(what), self.each_sample([each]), *([BLOCK_BARRIER] if with_adjoint else [])]

    def backward(self) -> list[L.Stmt]:
        stages = self.plan.stages
        out: list[L.Stmt] = []
        for stage, before in reversed(list(zip(stages[1:], stages, strict=False))):
            out += [*self.sums(stage), *self.through(stage, before)]
        return out + self.sums(stages[0])

    # -- over all samples ----------------------------------------------------------------------------

    def over_samples(self, name: str) -> L.Function:
        """`loss` or `gradient` of samples [first, first + count)."""
        with_gradient = name == "gradient"
        scale = L.call("div", 1.0, L.call("float64", "count")) if self.network.mean else L.Real(1.0)
        some = [
            L.let("valid", L.call("least", self.plan.samples, L.call("sub", "end", "base"))),
            SEAT,
            *self.samples_in(),
            *(s for stage in self.plan.stages for s in self.forward(stage)),
            *self.head(with_gradient),
            *(self.backward() if with_gradient else [BLOCK_BARRIER]),
        ]
        body = [
            *self.opening(with_gradient),
            L.loop("base", "end", some, start="begin", step=self.plan.samples),
            L.let("scale", scale),
            L.let("mean", L.call("mul", L.call("team_sum", "own", *SUMS), "scale")),
            *([self.total()] if with_gradient else []),
            L.Return(L.Name("mean")),
        ]
        words = (
            f"The {'mean' if self.network.mean else 'sum'} of the losses of samples [first, first + count)"
        )
        note = words + ("; its gradient into `grad`." if with_gradient else ".")
        return L.Function(name, (*parameters_of(name)[:-1], *memory_of(self.plan)), tuple(body), note)

    def opening(self, with_gradient: bool) -> list[L.Stmt]:
        """Who is who, which samples are this block's; then what all of it needs, behind the barrier after the samples."""
        plan, parameters = self.plan, self.parameters
        begin, end = L.expr("first"), L.add("first", "count")
        if plan.shape == "grid":
            part = [L.call("floordiv", L.mul("count", b), plan.blocks) for b in ("block", L.add("block", 1))]
            begin, end = L.add("first", part[0]), L.add("first", part[1])
        out: list[L.Stmt] = [
            *([L.let("block", L.call("block"))] if plan.shape == "grid" else []),
            L.let("begin", begin),
            L.let("end", end),
            L.let("own", L.call("float64", 0.0)),
            BARRIER,
            SEAT,
            L.let("member", L.call("member")),
            self.each_sample([self.put(plan.ones, L.Int(0), "s", L.call("splat", 1.0))]),
        ]
        if plan.copied:
            copy = L.Store(L.Name("memory"), L.Name("q"), L.At(L.Name("theta"), L.Name("q")))
            out.append(self.over_block("q", parameters, [copy]))
        if with_gradient:
            clear = L.Store(L.Name(self.target), L.Name("q"), L.call("splat", 0.0))
            out.append(self.over_block("q", parameters, [clear]))
        return out

    def total(self) -> L.Stmt:
        """The gradient of all samples, each element at its thread."""
        plan, parameters = self.plan, self.parameters
        scaled = L.Store(L.Name("grad"), L.Name("q"), L.call("mul", "sum", L.call("splat", "scale")))
        if plan.shape == "block":
            return mine([L.let("sum", L.At(L.Name("grad"), L.Name("q"))), scaled], 0, parameters)
        share = L.At(L.Name("shares"), L.add(L.mul("b", parameters), "q"))
        add = L.loop("b", plan.blocks, [L.let("sum", L.call("add", "sum", share))])
        return mine([L.let("sum", L.call("splat", 0.0)), add, scaled], 0, parameters)
