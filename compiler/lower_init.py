"""Laws of the start -> fills of stretches of theta with numbers in them, or a table with one row a run."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

from netc.compiler import ir
from netc.compiler.check_data import linspace
from netc.compiler.check_init import LAWS
from netc.compiler.resolve_values import number
from netc.compiler.spec import Law, Spec
from netc.dsl import ast


def lower_init(spec: Spec, problem: ir.Problem) -> ir.Starts:
    if spec.init.file:
        return ir.Starts((), spec.init.file, ())
    fills: list[ir.Fill] = []
    for law in spec.init.laws:
        table = _table(law, spec)
        if table:
            return ir.Starts((), "", table)
        fills.extend(_fills(law, problem))
    return ir.Starts(tuple(sorted(fills, key=lambda f: f.offset)), "", ())


def _fills(law: Law, problem: ir.Problem) -> Iterator[ir.Fill]:
    size = problem.parameters
    if law.target == "theta":
        yield _fill(law, {}, 0, (size,))
        return
    assert isinstance(problem, ir.Network)
    for op in problem.ops:
        if not isinstance(op, ir.Dense):
            continue
        fans = {"fan_in": float(op.inputs), "fan_out": float(op.outputs)}
        if law.target == "weights":
            yield _fill(law, fans, op.offset, (op.outputs, op.inputs))
        elif op.bias:
            yield _fill(law, fans, op.offset + op.outputs * op.inputs, (op.outputs,))


def _fill(law: Law, fans: dict[str, float], offset: int, shape: tuple[int, ...]) -> ir.Fill:
    """The law for parameters of this shape from `offset` on."""
    size = 1
    for extent in shape:
        size *= extent
    names = {**fans, **dict(law.arguments)}
    for name, value in law.helpers:
        names[name] = number(value, names)
    match law.law:
        case ast.Call(ast.Name(kind), arguments) if law.drawn:
            given = {a.name or LAWS[kind][i]: number(a.value, names) for i, a in enumerate(arguments)}
            numbers = tuple(given[p] for p in LAWS[kind])
            return ir.Fill(kind, numbers, offset, size, shape)  # type: ignore[arg-type]
        case ast.Tuple(items):
            return ir.Fill("values", tuple(number(i) for i in items), offset, size, shape)
        case value:
            return ir.Fill("constant", (number(value, names),), offset, size, shape)


def _table(law: Law, spec: Spec) -> tuple[tuple[float, ...], ...]:
    """One row of parameters a run, where the start lists them; else empty."""
    match law.law:
        case ast.Set(items):
            return tuple(
                tuple(number(i) for i in p.items)
                if isinstance(p, ast.Tuple)
                else (number(p),) * spec.parameters
                for p in items
            )
        case ast.Call(ast.Name("grid"), (*ranges, points)):
            count = int(number(points.value))
            axes = [
                linspace(number(a.value.start), number(a.value.stop), count)
                for a in ranges
                if isinstance(a.value, ast.Range)
            ]
            return tuple(product(*axes))
    return ()
