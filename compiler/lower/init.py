"""Laws of the start -> fills of stretches of theta with numbers in them, or a table with one row a run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from math import prod

from netc.compiler.calculus import ir
from netc.compiler.meaning.generated import linspace
from netc.compiler.meaning.resolve_laws import Fans, law_numbers
from netc.compiler.meaning.resolve_values import number
from netc.compiler.meaning.spec import Law, Spec
from netc.dsl import ast


def lower_init(spec: Spec, problem: ir.Problem) -> ir.Starts:
    if spec.init.file:
        return ir.Starts((), spec.init.file, ())
    fills = [_gain(t) for t in problem.weights if t.role == "gain"]
    if all(law.layers for law in spec.init.laws):  # what is said of some layers comes later, over these
        fills += [_own(t) for t in problem.weights if t.own is not None]
    for law in spec.init.laws:
        match law.law:
            case ast.Set(points):
                return ir.Starts((), "", tuple(_point(p, spec.parameters) for p in points))
            case ast.Call(ast.Name("grid"), (*ranges, points)):
                return ir.Starts((), "", (), _axes(ranges, int(number(points.value))))
        fills.extend(_fills(law, problem))
    held = tuple(ir.Held(f.path, f.layers, f.named) for f in spec.init.files)
    return ir.Starts(tuple(fills), "", (), held=held)


def _fills(law: Law, problem: ir.Problem) -> Iterator[ir.Fill]:
    if law.target == "theta":
        yield _fill(law, None, 0, (problem.parameters,))
        return
    role = {"weights": "weight", "biases": "bias", "gains": "gain"}.get(law.target)
    number = 0
    for layer in problem.layers:
        number += any(t.role == "weight" for t in layer)
        if law.layers and layer[0].name.partition(".")[0] not in law.layers:
            continue
        for tensor in (t for t in layer if t.role == role or t.name.partition(".")[2] == law.target):
            yield _fill(law, (*_fans(tensor, layer), max(number, 1)), tensor.offset, tensor.shape)


def _gain(t: ir.Tensor) -> ir.Fill:
    """It begins at its own value, whatever the start of the weights."""
    return ir.Fill("constant", (t.start,), t.offset, t.size, t.shape)


def _own(t: ir.Tensor) -> ir.Fill:
    """As its layer starts it, where the file says nothing of the start."""
    assert t.own is not None
    law, numbers = t.own
    return ir.Fill(law, numbers, t.offset, t.size, t.kept_shape)


def _fans(tensor: ir.Tensor, layer: tuple[ir.Tensor, ...]) -> tuple[int, int]:
    """A bias or a gain has those of the first weights of its layer."""
    return (
        tensor.fans
        if tensor.role == "weight"
        else next((t.fans for t in layer if t.role == "weight"), (1, 1))
    )


def _fill(law: Law, fans: Fans | None, offset: int, shape: tuple[int, ...]) -> ir.Fill:
    """The law for parameters of this shape from `offset` on."""
    if isinstance(law.law, ast.Tuple):
        return ir.Fill("values", tuple(number(i) for i in law.law.items), offset, prod(shape), shape)
    name, numbers = law_numbers(law, fans)
    return ir.Fill(name, numbers, offset, prod(shape), shape)  # type: ignore[arg-type]


def _point(point: ast.Expr, size: int) -> tuple[float, ...]:
    """One start of a list; a single number stands for all parameters."""
    return tuple(number(i) for i in point.items) if isinstance(point, ast.Tuple) else (number(point),) * size


def _axes(ranges: Iterable[ast.Argument], points: int) -> tuple[tuple[float, ...], ...]:
    spans = [a.value for a in ranges if isinstance(a.value, ast.Range)]
    return tuple(tuple(linspace(number(r.start), number(r.stop), points)) for r in spans)
