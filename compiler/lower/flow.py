"""The operations of a network, one after the other -> tensors and lets: layers, activations, blocks.

names      `layer1`, `layer2`, ... of what learns; others by their own: `avgpool1`
`.a`       what the activations behind it make of it
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from math import prod
from typing import assert_never

from netc.compiler.calculus import ir
from netc.compiler.calculus.simplify import rebuild, simplify
from netc.compiler.lower.expressions import Environment, lower_expr
from netc.compiler.lower.layer import IMAGE, lower_layer
from netc.compiler.lower.layer_faults import LayerFault, fault, used_at
from netc.compiler.lower.layer_modes import require_test_mode
from netc.compiler.meaning.spec import Activation, Block, BlockLine, Join, Named, Operation, Use
from netc.dsl import ast
from netc.dsl.source import NOWHERE, Span
from netc.dsl.walks import walk

Functions = Mapping[str, ast.Activation | ast.Schedule]


class Flow:
    """Collects what the operations of a network add."""

    def __init__(self, functions: Functions) -> None:
        self.functions = functions
        self.tensors: list[ir.Tensor] = []
        self.steps: list[ir.Step] = []
        self.updates: list[ir.Update] = []
        self.counts: Counter[str] = Counter()
        self.of: dict[str, str] = {}
        """What operation a name is of: `layer1` of a conv."""
        self.told: list[tuple[str, Use]] = []
        """Layers with numbers that follow a schedule."""
        self.taken: set[str] = set()
        """Names of lets of activations."""
        self.span: Span = NOWHERE
        """Of the last layer."""

    def chain(self, operations: Sequence[Operation], x: ir.Var) -> ir.Var:
        waiting: list[Activation] = []
        named: dict[str, ir.Var] = {}
        for operation in operations:
            if isinstance(operation, Activation):
                waiting.append(operation)
                continue
            x = self.activations(waiting, x)
            waiting = []
            match operation:
                case Use():
                    x = self.layer(operation, x)
                case Block():
                    x = self.block(operation, x)
                case Named(name):
                    named[name] = x
                case Join(_, name):
                    x = self.join(operation, x, named[name])
                case _:
                    assert_never(operation)
        return self.activations(waiting, x)

    # -- one operation -----------------------------------------------------------------------------

    def layer(self, use: Use, x: ir.Var) -> ir.Var:
        """Raises LayerFault."""
        learns = any(isinstance(line, ast.Learn) for line in use.definition.lines)
        name = self._fresh("layer" if learns else _plain(use.definition.name))
        try:
            made = lower_layer(use, x, name, self.functions)
            require_test_mode(use.definition, tuple(made.steps), made.value, use.span)
        except LayerFault as found:
            raise LayerFault(used_at(found.diagnostic, use.span, "layer", use.definition.name)) from None
        self.of[name] = use.definition.name
        self.told += [(name, use)] if use.scheduled else []
        self.tensors += made.tensors
        self.steps += made.steps
        self.updates += made.updates
        self.span = use.span
        return made.value

    def activations(self, found: Sequence[Activation], x: ir.Var) -> ir.Var:
        """Over the last index, for each of the others."""
        if not found:
            return x
        here = ir.Var(x.name, x.axes[-1:])
        lead = x.axes[:-1]
        value = simplify(activated(tuple(found), here, Environment({}, self.functions)))
        name = f"{x.name.partition('.')[0]}.a"
        while name in self.taken:
            name += "a"
        self.taken.add(name)
        self.steps.append(ir.Let(name, x.axes, with_axes(value, lead), words(found), self.span))
        return ir.Var(name, x.axes)

    def join(self, join: Join, x: ir.Var, other: ir.Var) -> ir.Var:
        """Raises LayerFault where the shapes do not fit."""
        name = self._fresh(join.kind)
        self.of[name] = join.kind
        if join.kind == "add":
            axes, value = x.axes, ir.apply("add", x, _as(other, x, join.name, "x", join.span))
        else:
            last, there = x.axes[-1], other.axes[-1]
            if shape_of(x)[:-1] != shape_of(other)[:-1]:
                here, found = (" x ".join(map(str, shape_of(v))) for v in (x, other))
                raise fault("E0225", join.span, f"channels stand side by side, place by place: here {here}, "
                            f"'{join.name}' is {found}", "a pooling or an upsampling between: (upsample 2x2)")  # fmt: skip
            assert last.size is not None
            assert there.size is not None
            both = ir.Axis(name, last.size + there.size)
            moved = _along(
                other, [(a, b) for a, b in zip(other.axes[:-1], x.axes[:-1], strict=True) if a != b]
            )
            axes = (*x.axes[:-1], both)
            value = ir.apply("add", ir.View(x, last, ir.Index(((both, 1),))),
                             ir.View(moved, there, ir.Index(((both, 1),), -last.size)))  # fmt: skip
        let = ir.Let(f"{name}.z", axes, value, span=join.span)
        self.steps.append(let)
        return let.var

    # -- blocks ------------------------------------------------------------------------------------

    def block(self, block: Block, x: ir.Var) -> ir.Var:
        values = {"x": x}
        for line in block.lines:
            values[line.name] = self.line(line, values, dict(block.arguments), block)
        return values[block.lines[-1].name]

    def line(
        self, line: BlockLine, values: dict[str, ir.Var], numbers: Mapping[str, float], block: Block
    ) -> ir.Var:
        known = dict(values)
        for bracket in line.brackets:
            of = self.value(bracket.of, known, numbers, block.span)
            known[bracket.name] = self.chain(bracket.operations, of)
        return self.value(line.value, known, numbers, block.span)

    def value(
        self, expr: ast.Expr, values: Mapping[str, ir.Var], numbers: Mapping[str, float], span: Span
    ) -> ir.Var:
        """An expression of arrays of one shape, element by element."""
        if isinstance(expr, ast.Name) and expr.id in values:
            return values[expr.id]
        read = [n for n in _names(expr) if n in values]
        if not read:
            raise fault(
                "E0225", expr.span, "a line of a block is made of its input: x, [...], or a line before it"
            )
        first = values[read[0]]
        names: dict[str, ir.Expr] = {n: ir.Const(v) for n, v in numbers.items()}
        for n in read:
            names[n] = _as(values[n], first, n, read[0], expr.span)
        value = simplify(lower_expr(expr, Environment(names, self.functions)))
        if any(isinstance(node, ir.Reduce) for node in ir.postorder(value)):
            raise fault("E0225", expr.span, "a block joins its parts number by number, and this is a sum over all of them",
                        "what sums is a layer: [(softmax)](x)")  # fmt: skip
        let = ir.Let(f"{self._fresh('block')}.z", first.axes, value, span=span)
        self.steps.append(let)
        return let.var

    def _fresh(self, stem: str) -> str:
        self.counts[stem] += 1
        return f"{stem}{self.counts[stem]}"


def input_axes(shape: Sequence[int], operations: Sequence[Operation]) -> ir.Axes:
    """An image that the first layer takes as a row is one from the start."""
    first = next((o for o in operations if isinstance(o, Use)), None)
    flat = (
        first is operations[0]
        and first is not None
        and any(s.name == "images" for s in first.definition.settings)
    )
    if len(shape) == 1 or (flat and len(shape) == IMAGE):
        return (ir.Axis("x", prod(shape)),)
    letters = {2: "ti", IMAGE: "hwc"}.get(len(shape)) or "".join(chr(ord("a") + i) for i in range(len(shape)))
    return tuple(ir.Axis(f"x.{letter}", size) for letter, size in zip(letters, shape, strict=True))


def shape_of(v: ir.Var) -> tuple[int, ...]:
    """Without the samples."""
    return tuple(a.size for a in v.axes if a.size is not None)


def _as(v: ir.Var, like: ir.Var, name: str, other: str, span: Span) -> ir.Expr:
    """The array with the axes of another one of the same shape."""
    if shape_of(v) != shape_of(like):
        here, there = (" x ".join(map(str, shape_of(w))) for w in (v, like))
        raise fault("E0225", span, f"shapes differ: {_word(other)} is {there}, {_word(name)} is {here}",
                    "a layer that changes the shape, on one of the two: (conv 1x1) 32")  # fmt: skip
    return _along(v, [(a, b) for a, b in zip(v.axes, like.axes, strict=True) if a != b])


def _along(v: ir.Var, moved: list[tuple[ir.Axis, ir.Axis]]) -> ir.Expr:
    """The array with axes in the place of some of its own."""
    value: ir.Expr = v
    targets = {b for _, b in moved}
    for i, (a, b) in enumerate(moved):
        if a in targets or b in v.axes:  # the name is taken until all are moved
            apart = ir.Axis(f"{v.name}.{i}", a.size)
            value = ir.View(value, a, ir.Index(((apart, 1),)))
            moved[i] = (apart, b)
    for a, b in moved:
        value = ir.View(value, a, ir.Index(((b, 1),)))
    return value


def _word(name: str) -> str:
    return "[...]" if name.startswith("[") else f"'{name}'"


def _plain(name: str) -> str:
    return name.lower().replace(".", "_")


def _names(expr: ast.Expr) -> list[str]:
    return [n.id for n in walk(expr) if isinstance(n, ast.Name)]


# -- activations ---------------------------------------------------------------------------------------


def activated(found: tuple[Activation, ...], z: ir.Expr, env: Environment) -> ir.Expr:
    """The activations, one inside the other, as a function of z."""
    for activation in found:
        names: dict[str, ir.Expr] = {
            activation.definition.variable: z,
            **{n: ir.Const(v) for n, v in activation.arguments},
        }
        z = lower_expr(activation.definition.value, Environment(names, env.functions))
    return z


def words(found: Sequence[Activation]) -> str:
    return " ".join(a.definition.name for a in found) or "lin"


def of_all_samples(e: ir.Expr) -> ir.Expr:
    return with_axes(e, (ir.SAMPLES,))


def with_axes(e: ir.Expr, lead: ir.Axes) -> ir.Expr:
    """The expression for each place along more axes, which stand in front."""
    return rebuild(
        e, lambda node: ir.Var(node.name, (*lead, *node.axes)) if isinstance(node, ir.Var) else node
    )
