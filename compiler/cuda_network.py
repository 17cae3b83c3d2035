"""Network -> loops for CUDA: loss and gradient by a team of threads, some samples at a time.

    forward     pairs (unit, sample) over the threads, layer after layer, a barrier behind each
    head        samples over the threads
    backward    pairs (unit, sample) again, layer before layer
    gradient    parameters over the threads, each sums over the samples in their order

So every sum has one owner and one order: no atomics, the same bits in every launch. Activations lie as
`memory[unit][sample]`; weights are read by many threads at once, the same one, which costs one access.
"""

from __future__ import annotations

from dataclasses import dataclass

from netc.compiler import ir
from netc.compiler import loops as L
from netc.compiler.cpu_network import parameters_of, pointwise
from netc.compiler.cuda_plan import Plan, Stage
from netc.compiler.cuda_rule import BARRIER, MEMORY, mine
from netc.compiler.fuse import fuse
from netc.compiler.simplify import common
from netc.compiler.vectors import Space, lanes


@dataclass(frozen=True)
class NetworkWriter:
    network: ir.Network
    plan: Plan
    shuffled: bool
    """Then x is sample by sample, and `order` says which one is next."""

    def functions(self) -> list[L.Function]:
        return [self.over_samples("loss"), self.over_samples("gradient")]

    # -- where things are ----------------------------------------------------------------------------

    def spot(self, buffer: int, row: L.Expr | int | str) -> L.Expr:
        """Row of a buffer at sample s."""
        return L.add(L.add(L.mul(row, self.plan.pitch), "s"), buffer)

    def at(self, buffer: int, row: L.Expr | int | str) -> L.Expr:
        return L.At(L.Name("memory"), self.spot(buffer, row))

    def put(self, buffer: int, row: str, value: L.Expr | str) -> L.Stmt:
        return L.Store(L.Name("memory"), self.spot(buffer, row), L.expr(value))

    def which(self) -> L.Stmt:
        """The sample that is number s of those in hand."""
        place = L.add(L.add("first", "base"), "s")
        return L.let("sample", L.At(L.Name("order"), place) if self.shuffled else place)

    def located(self, stage: Stage) -> list[L.Stmt]:
        """The same, where a layer reads the data."""
        return [self.which()] if stage.source < 0 else []

    def input(self, stage: Stage, row: str) -> L.Expr:
        """Input number `row` of a layer, of sample s; of the data: of `sample`."""
        if stage.source >= 0:
            return self.at(stage.source, row)
        outer, inner = ("sample", row) if self.shuffled else (row, "sample")
        return L.At(L.At(L.Name("x"), L.Name(outer)), L.Name(inner))

    def pairs(self, index: str, rows: int, body: list[L.Stmt]) -> L.Stmt:
        """Over the threads: each of `rows` units with each sample."""
        size = self.plan.samples
        inner: list[L.Stmt] = [
            L.let(index, L.call("floordiv", "p", size)),
            L.let("s", L.call("mod", "p", size)),
            L.If(L.call("lt", "s", "valid"), tuple(body)),
        ]
        return L.Loop("p", L.Name("member"), L.Int(rows * size), L.Name("members"), tuple(inner))

    def each_sample(self, body: list[L.Stmt]) -> L.Stmt:
        return L.Loop("s", L.Name("member"), L.Name("valid"), L.Name("members"), tuple(body))

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
        live = frozenset(n for n, e in wanted if e.kind == "output")
        return Space("o", units, 1, address, per_lane=True).passes(fuse(assigns, live))

    # -- forward -------------------------------------------------------------------------------------

    def forward(self) -> list[L.Stmt]:
        out: list[L.Stmt] = []
        for stage in self.plan.stages:
            d, op = stage.dense, stage.map
            what = f", a = {op.name}(z)" if op else ""
            out.append(L.Note(f"{d.name}: z = W x + b{what}, {d.inputs} -> {d.outputs}"))
            start = (
                L.At(L.Name("theta"), L.add("o", d.offset + d.inputs * d.outputs))
                if d.bias
                else L.call("splat", 0.0)
            )
            body: list[L.Stmt] = [
                *self.located(stage),
                L.let("w", L.add(L.mul("o", d.inputs), d.offset)),
                L.let("z", start),
                L.loop("i", d.inputs, [self.times("z", L.add("w", "i"), self.input(stage, "i"))]),
                *(
                    [self.put(stage.z, "o", "z")]
                    if stage.z != stage.a or op is None or not pointwise(op.value)
                    else []
                ),
            ]
            if op and pointwise(op.value):
                body += [*self.pointwise(op.value, {"z": "z"}, "a"), self.put(stage.a, "o", "a")]
            out += [self.pairs("o", d.outputs, body), BARRIER]
            if op and not pointwise(op.value):
                buffers = {"z": stage.z, "a": stage.a}
                out += [self.each_sample(self.over_units(op.units, [("a", op.value)], buffers)), BARRIER]
        return out

    def times(self, total: str, weight: L.Expr, value: L.Expr) -> L.Stmt:
        return L.let(total, L.call("add", total, L.call("mul", L.At(L.Name("theta"), weight), value)))

    def head(self, with_adjoint: bool) -> list[L.Stmt]:
        """Losses of the samples of this thread into `own`; into d the derivative by the last pre-activation."""
        head, last = self.network.head, self.plan.stages[-1]
        wanted: list[tuple[str, ir.Expr]] = [("sample_loss", head.loss)]
        if with_adjoint:
            wanted.append(("d", head.adjoint))
        body = self.over_units(head.units, wanted, {"z": last.z, "d": last.d})
        own = L.let("own", L.call("add", "own", L.call("float64", "sample_loss")))
        what = "loss of each sample" + (", and d = its derivative by the last z" if with_adjoint else "")
        return [L.Note(what), self.each_sample([self.which(), *body, own])]

    # -- backward ------------------------------------------------------------------------------------

    def backward(self) -> list[L.Stmt]:
        out: list[L.Stmt] = [BARRIER]
        stages = self.plan.stages
        for stage, before in reversed(list(zip(stages[1:], stages, strict=False))):
            out += self.through(stage, before)
        out.append(L.Note("dW = d x', db = d: each parameter sums over the samples"))
        for stage in stages:
            out += self.sums(stage)
        return out

    def through(self, stage: Stage, before: Stage) -> list[L.Stmt]:
        """The cotangent d of the layer before: W' d, through its activation."""
        d, op = stage.dense, before.map
        body: list[L.Stmt] = [
            L.let("c", L.call("splat", 0.0)),
            L.loop("o", d.outputs, [
                self.times("c", L.add(L.add(L.mul("o", d.inputs), "i"), d.offset), self.at(stage.d, "o"))
            ]),
        ]  # fmt: skip
        after: list[L.Stmt] = []
        if op and pointwise(op.value):
            registers = {"z": "z", "a": "a", "c": "c"}
            body += [L.let("z", self.at(before.z, "i")), L.let("a", self.at(before.a, "i"))]
            body += [*self.pointwise(op.vjp, registers, "d"), self.put(before.d, "i", "d")]
        else:
            body.append(self.put(before.d, "i", "c"))
        if op and not pointwise(op.value):
            buffers = {"z": before.z, "a": before.a, "c": before.d, "dz": before.d}
            after = [self.each_sample(self.over_units(op.units, [("dz", op.vjp)], buffers)), BARRIER]
        name = f", through a = {op.name}(z)" if op else ""
        note = L.Note(f"{d.name}: cotangent of its input, W' d{name}")
        return [note, self.pairs("i", d.inputs, body), BARRIER, *after]

    def sums(self, stage: Stage) -> list[L.Stmt]:
        d = stage.dense
        end = d.offset + d.inputs * d.outputs

        def summed(where: list[L.Stmt], term: list[L.Stmt]) -> list[L.Stmt]:
            total = L.let("total", L.call("add", "total", "term"))
            put = L.Store(
                L.Name("grad"), L.Name("q"), L.call("add", L.At(L.Name("grad"), L.Name("q")), "total")
            )
            return [*where, L.let("total", L.call("splat", 0.0)), L.loop("s", "valid", [*term, total]), put]

        place = L.call("sub", "q", d.offset) if d.offset else L.Name("q")
        where: list[L.Stmt] = [
            L.let("o", L.call("floordiv", place, d.inputs)),
            L.let("i", L.call("mod", place, d.inputs)),
        ]
        product = L.let("term", L.call("mul", self.at(stage.d, "o"), self.input(stage, "i")))
        out = [mine(summed(where, [*self.located(stage), product]), d.offset, end)]
        if d.bias:
            unit = L.let("o", L.call("sub", "q", end))
            out.append(mine(summed([unit], [L.let("term", self.at(stage.d, "o"))]), end, end + d.outputs))
        return out

    # -- over all samples ----------------------------------------------------------------------------

    def over_samples(self, name: str) -> L.Function:
        """`loss` or `gradient` of samples [first, first + count)."""
        with_gradient = name == "gradient"
        size, parameters = self.plan.samples, self.network.parameters
        grad = L.At(L.Name("grad"), L.Name("q"))
        clear = mine([L.Store(L.Name("grad"), L.Name("q"), L.call("splat", 0.0))], 0, parameters)
        scale = L.call("div", 1.0, L.call("float64", "count")) if self.network.head.mean else L.Real(1.0)
        some = [
            L.let("valid", L.call("least", size, L.call("sub", "count", "base"))),
            BARRIER,
            *self.forward(),
            *self.head(with_gradient),
            *(self.backward() if with_gradient else []),
        ]
        scaled = mine(
            [L.Store(L.Name("grad"), L.Name("q"), L.call("mul", grad, L.call("splat", "scale")))],
            0,
            parameters,
        )
        body = [
            L.let("member", L.call("member")),
            L.let("members", L.call("members")),
            L.let("own", L.call("float64", 0.0)),
            *([clear] if with_gradient else []),
            L.loop("base", "count", some, step=size),
            L.let("scale", scale),
            *([scaled] if with_gradient else []),
            L.Return(L.call("mul", L.call("team_sum", "own", *MEMORY[1:]), "scale")),
        ]
        words = f"The {'mean' if self.network.head.mean else 'sum'} of the losses of samples [first, first + count)"
        note = words + ("; its gradient into `grad`." if with_gradient else ".")
        return L.Function(name, (*parameters_of(name)[:-1], *MEMORY), tuple(body), note)
