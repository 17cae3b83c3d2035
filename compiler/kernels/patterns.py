"""Lets -> what each of them is to a target: Product, Fold, Pass. Reads the lets; chooses no loops and no places.

    Product   a contraction of parameters with one value of each sample, and perhaps a bias: forward and backward alike
    Fold      a sum over the samples, of a value or of the product of two: the derivatives by parameters
    Pass      the rest: element by element, reductions over the units of a sample, windows

A target has a schedule for each; what it has no fast one for is a Pass, which is right in any case.
"""

from __future__ import annotations

from functools import cached_property

from netc.compiler.calculus import ir
from netc.compiler.calculus.derive import cotangent
from netc.compiler.calculus.simplify import common, rebuild
from netc.compiler.kernels.fuse import fuse
from netc.compiler.kernels.vectors import arrays
from netc.dsl.record import record


@record
class Product:
    """let[n, o] = sum[i](weight[o, i]*source[n, i]) + bias[o], whichever way the weights lie."""

    let: ir.Let
    weight: ir.Tensor
    inner: ir.Axis
    outer: ir.Axis
    source: ir.Var
    bias: ir.Tensor | None

    @property
    def inputs(self) -> int:
        assert self.inner.size is not None
        return self.inner.size

    @property
    def outputs(self) -> int:
        assert self.outer.size is not None
        return self.outer.size

    @property
    def across(self) -> int:
        """From one row of the result to the next, in theta."""
        return self.weight.stride(self.outer)

    @property
    def down(self) -> int:
        return self.weight.stride(self.inner)

    @property
    def name(self) -> str:
        """Of the layer."""
        return self.weight.name.partition(".")[0]


@record
class Fold:
    """let[o, i] = sum over the samples of left[n, o]*right[n, i]; without `right` of left[n, o] alone."""

    let: ir.Let
    left: ir.Var
    right: ir.Var | None


@record
class Pass:
    let: ir.Let


Pattern = Product | Fold | Pass


def pattern(let: ir.Let, problem: ir.Problem) -> Pattern:
    weights = {t.var: t for t in problem.weights}
    match let.value:
        case ir.Apply("add", (ir.Reduce() as inner, ir.Var() as bias)) if bias in weights:
            return _product(let, inner, weights, weights[bias]) or Pass(let)
        case ir.Reduce("sum", ir.Apply("mul", (ir.Var() as a, ir.Var() as b)), over) if over == (ir.SAMPLES,):
            return _fold(let, a, b) or Pass(let)
        case ir.Reduce("sum", ir.Var() as a, over) if (
            over == (ir.SAMPLES,) and let.axes == _units(a) and len(let.axes) == 1
        ):
            return Fold(let, a, None)
        case ir.Reduce() as inner:
            return _product(let, inner, weights, None) or Pass(let)
    return Pass(let)


def _product(
    let: ir.Let, inner: ir.Reduce, weights: dict[ir.Var, ir.Tensor], bias: ir.Tensor | None
) -> Product | None:
    match inner:
        case ir.Reduce("sum", ir.Apply("mul", (ir.Var() as a, ir.Var() as b)), (over,)):
            weight, source = (a, b) if a in weights else (b, a)
            units = _units(let.var)
            if weight not in weights or let.axes[:1] != (ir.SAMPLES,) or source.axes != (ir.SAMPLES, over):
                return None
            if len(units) != 1 or set(weight.axes) != {over, *units} or (bias and bias.axes != units):
                return None
            return Product(let, weights[weight], over, units[0], source, bias)
    return None


def _fold(let: ir.Let, a: ir.Var, b: ir.Var) -> Fold | None:
    """The factors in the order of the let's axes."""
    for left, right in ((a, b), (b, a)):
        sampled = left.axes[:1] == right.axes[:1] == (ir.SAMPLES,)
        if sampled and len(left.axes) == len(right.axes) == 2 and let.axes == (*_units(left), *_units(right)):
            return Fold(let, left, right)
    return None


def _units(v: ir.Var) -> ir.Axes:
    """The axes besides the samples."""
    return tuple(a for a in v.axes if a != ir.SAMPLES)


# -- a chain of dense layers -------------------------------------------------------------------------


@record
class Layer:
    """A dense layer with the activation behind it, and what is derived of them."""

    product: Product
    activation: ir.Let | None
    """None behind the last one: it is in the head."""
    cotangent: ir.Let
    """Of the pre-activation."""
    through: Product | None
    """The cotangent of the layer's input; None of the first one."""
    weights: Fold
    biases: Fold | None

    @cached_property
    def value(self) -> ir.Expr:
        """The activation, in z."""
        assert self.activation is not None
        return self._local(self.activation.value)

    @cached_property
    def vjp(self) -> ir.Expr:
        """The cotangent of z, in z, the activation a and its cotangent c."""
        return self._local(self.cotangent.value)

    def _local(self, value: ir.Expr) -> ir.Expr:
        names = {self.product.let.name: "z"}
        if self.activation:
            names |= {self.activation.name: "a", cotangent(self.activation.name): "c"}
        return of_a_sample(value, names)

    @property
    def reads_z(self) -> bool:
        """Whether the derivative wants the pre-activation."""
        return self.activation is not None and any(
            isinstance(node, ir.Var) and node.name == "z" for node in ir.postorder(self.vjp)
        )


@record
class Head:
    """What comes behind the last product, for one sample, in its z and the targets y."""

    units: int
    output: ir.Expr
    loss: ir.Expr
    adjoint: ir.Expr


@record
class Chain:
    layers: tuple[Layer, ...]
    head: Head
    mean: bool


def chain(problem: ir.Problem) -> Chain | None:
    """The dense layers of the problem, if it is nothing but a chain of them with a loss behind it."""
    lets = problem.lets
    if (
        not problem.sampled
        or problem.test
        or any(isinstance(step, ir.Scan) for step in (*problem.forward, *problem.backward))
    ):
        return None
    of = {name: pattern(let, problem) for name, let in lets.items()}
    products = [p for let in ir.flat(problem.forward) if isinstance(p := of[let.name], Product)]
    layers: list[Layer] = []
    source = problem.given("input").var
    for product in products:
        last = product is products[-1]
        a = None if last else next((let for let in lets.values() if _reads(let) == {product.let.name}), None)
        found = _layer(product, a, of, layers)
        if found is None or product.source != source or (a is None) != last:
            return None
        layers.append(found)
        source = a.var if a else product.let.var
    used = {let.name for layer in layers for let in _lets_of(layer)} | {problem.output, problem.loss}
    others = [let for name, let in lets.items() if name not in used]
    if len(others) != 1 or not _is_head(problem, others[0], source):
        return None
    names = {source.name: "z"}
    outputs = (lets[problem.output], others[0], layers[-1].cotangent)
    return Chain(
        tuple(layers),
        Head(problem.outputs, *(of_a_sample(let.value, names) for let in outputs)),
        problem.mean,
    )


def _layer(product: Product, a: ir.Let | None, of: dict[str, Pattern], before: list[Layer]) -> Layer | None:
    """None where what is derived of it is not what the loops of a chain do: nothing of a derivative is taken for granted."""
    z, weight, bias = product.let, product.weight, product.bias
    if weight.axes != (product.outer, product.inner):  # Keras has the inputs first
        return None
    d, weights = of.get(cotangent(z.name)), of.get(cotangent(weight.name))
    biases = of.get(cotangent(bias.name)) if bias else None
    through = of.get(cotangent(product.source.name))
    if not isinstance(d, Pass) or not isinstance(weights, Fold) or not isinstance(biases, Fold | None):
        return None
    if a and not _reads(d.let) <= {z.name, a.name, cotangent(a.name)}:
        return None
    summed = (weights.left, weights.right) == (d.let.var, product.source)
    if not summed or (biases and (biases.left, biases.right) != (d.let.var, None)):
        return None
    if not isinstance(through, Product):
        return None if before else Layer(product, a, d.let, None, weights, biases)
    if (through.weight, through.source, through.inner, through.bias) != (
        weight,
        d.let.var,
        product.outer,
        None,
    ):
        return None
    return Layer(product, a, d.let, through, weights, biases)


def _is_head(problem: ir.Problem, losses: ir.Let, z: ir.Var) -> bool:
    """The loss is the sum of those of the samples, which, like the outputs, hang on the last product alone."""
    summed = problem.lets[problem.loss].value == ir.Reduce("sum", losses.var, (ir.SAMPLES,))
    known = {z.name, problem.given("target").name}
    nodes = (n for let in (losses, problem.lets[problem.output]) for n in ir.postorder(let.value))
    if any(isinstance(n, ir.View) for n in nodes):  # outputs by place
        return False
    return summed and _reads(losses) <= known and _reads(problem.lets[problem.output]) <= {z.name}


def _lets_of(layer: Layer) -> list[ir.Let]:
    found = [layer.product, layer.through, layer.weights, layer.biases]
    return [p.let for p in found if p] + [let for let in (layer.activation, layer.cotangent) if let]


def _reads(let: ir.Let) -> set[str]:
    return {node.name for node in ir.postorder(let.value) if isinstance(node, ir.Var)}


def of_a_sample(value: ir.Expr, names: dict[str, str]) -> ir.Expr:
    """The expression without the axis of the samples, which a target has as lanes or threads, and with local names."""

    def change(node: ir.Expr) -> ir.Expr:
        match node:
            case ir.Var(name, axes):
                return ir.Var(names.get(name, name), tuple(a for a in axes if a != ir.SAMPLES))
            case ir.Const(number, axes):
                return ir.Const(number, tuple(a for a in axes if a != ir.SAMPLES))
            case _:
                return node

    return rebuild(value, change)


def pointwise(e: ir.Expr) -> bool:
    return not any(isinstance(node, ir.Reduce) for node in ir.postorder(e))


def head_buffers(network: Chain) -> dict[str, int]:
    """The temporaries of the head and of activations over units that must be kept between passes."""
    wanted: dict[str, int] = {}
    head = network.head
    groups = [([head.loss, head.adjoint], head.units), ([head.output], head.units), ([head.loss], head.units)]
    for layer in network.layers:
        if layer.activation and not pointwise(layer.value):
            groups += [([layer.value], layer.product.outputs), ([layer.vjp], layer.product.outputs)]
    for exprs, units in groups:
        bindings, results = common(exprs)
        assigns = [ir.Assign(n, e) for n, e in [*bindings, *((f"out{i}", e) for i, e in enumerate(results))]]
        for name in sorted(arrays(fuse(assigns, frozenset())) - {"z", "y", "a", "c"}):
            wanted[name] = max(units, wanted.get(name, 0))
    return wanted
