"""A plain function of named numbers -> `loss` and `gradient`, the same on every target."""

from __future__ import annotations

from netc.compiler.calculus import ir
from netc.compiler.calculus.simplify import common
from netc.compiler.kernels import loops as L
from netc.compiler.kernels.names import python_expr, variable_name
from netc.compiler.kernels.registers import loss_and_slopes
from netc.compiler.kernels.vectors import number


def parameters_of(name: str) -> tuple[str, ...]:
    """Of `loss` and `gradient`, of networks too, as docs/kernels.md lists them."""
    given = ("theta", "x", "y", "order", "first", "count")
    return (*given, *(("grad",) if name == "gradient" else ()), "scratch")


def scaled(mean: bool) -> tuple[L.Stmt, ...]:
    """The end of both, of networks: the sum `total` becomes the mean where that is wanted."""
    scale = L.call("div", 1.0, L.call("float64", "count")) if mean else L.Real(1.0)
    return L.let("scale", scale), L.Return(L.call("mul", "total", "scale"))


def objective_functions(objective: ir.Problem) -> list[L.Function]:
    """`loss` and `gradient` of a plain function; the data arguments are there and unused."""
    opening = [
        L.let(variable_name(t.name), L.call("float64", L.At(L.Name("theta"), L.Int(t.offset))))
        for t in objective.weights
    ]
    made = []
    value_, slopes = loss_and_slopes(objective)
    for name, exprs in (("loss", [value_]), ("gradient", [value_, *slopes])):
        bindings, (value, *partials) = common(python_expr(e, variable_name) for e in exprs)
        body: list[L.Stmt] = [*opening, *(L.let(n, number(e)) for n, e in bindings)]
        body += [L.Store(L.Name("grad"), L.Int(i), number(e)) for i, e in enumerate(partials)]
        note = "The objective" + (" and its gradient, into `grad`." if partials else ".")
        parameters = parameters_of(name)
        made.append(L.Function(name, parameters, (*body, L.Return(number(value))), note))
    return made
