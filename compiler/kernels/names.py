"""Names of the file that Python or a kernel has taken, renamed before code is written (`lambda` -> `lambda_`); and those
of constants."""

from __future__ import annotations

import keyword
import re
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import assert_never

from netc.compiler.calculus import ir
from netc.compiler.calculus.simplify import rebuild

KERNEL = frozenset((
    "rows", "vectors", "scalars", "counters", "figures", "hyper", "x", "y", "bounds", "order", "scratch", "key", "run",
    "last", "iteration", "status", "batch", "batches", "first", "rest", "losses", "gradients", "rounds", "holds",
    "part", "q", "r", "report", "outputs", "loss", "gradient", "predict", "start", "advance", "count", "grad", "shuffle",
    "resample", "training_loss", "training_gradient",
    "isfinite", "splat", "load", "store", "broadcast", "keep", "select", "fma", "hsum", "hmax", "hmin", "land", "lor",
    "lnot",
    "rint", "flat", "columns", "reals", "inf", "nan", "np", "simd", "njit", "prange", "float32", "float64", "int64",
    "least",
    "min", "len", "range", "True", "vabs", "vfloor", "vmax", "vmin", "vsqrt", "vsum", "vatan", "vcos", "verf", "vexp",
    "active", "here", "lane", "target", "member", "members", "memory", "sums", "partials", "turns", "places", "block",
    "seats", "share", "shares", "thread", "fresh", "pause", "next_run", "cuda",
    "any_true", "load_first", "lost", "vexpm1", "vlog", "vlog1p", "vpow", "vsigmoid", "vsin", "vtan", "vtanh",
))  # fmt: skip
PATTERN = re.compile(r"(.*_(q\d*|lanes|at|from_.*)?|all_.*|loss_.*|[rt]\d+.*|[A-Z]+)")
"""Shapes of the names that code gives itself: registers, sums, temporaries, constants."""


def python_name(name: str) -> str:
    """One with a point is a mask, `layer1.weights`."""
    if "." in name:
        return (
            name.replace(".", "_") + "_"
        )  # no name of a file ends in _ once it is renamed and was not taken
    taken = keyword.iskeyword(name) or name in KERNEL or PATTERN.fullmatch(name)
    return f"{name}_" if taken else name


def constant_name(name: str) -> str:
    return re.sub(r"\W", "_", name).upper()


def constant_names(names: Iterable[str]) -> dict[str, str]:
    """Of each name its constant; where two would have the same (`q` and `Q`), underscores tell the later one apart."""
    found: dict[str, str] = {}
    taken = set[str]()
    for name in names:
        constant = constant_name(name)
        while constant in taken:
            constant += "_"
        found[name] = constant
        taken.add(constant)
    return found


def variable_name(name: str) -> str:
    """Of an objective's variable: there `theta` is the array that holds them all."""
    return "theta_" if name == "theta" else python_name(name)


def python_expr(e: ir.Expr, name: Callable[[str], str] = python_name) -> ir.Expr:
    """What is shared in the expression stays shared."""
    return rebuild(e, lambda node: ir.Var(name(node.name), node.axes) if isinstance(node, ir.Var) else node)


def python_names(rule: ir.Rule) -> ir.Rule:
    """The rule with names that code can use."""
    name, expr, block = python_name, python_expr, _block

    def commits(items: tuple[ir.Commit, ...]) -> tuple[ir.Commit, ...]:
        return tuple(ir.Commit(name(c.state), name(c.value)) for c in items)

    return replace(
        rule,
        hypers=tuple(replace(h, name=name(h.name)) for h in rule.hypers),
        states=tuple(replace(s, name=name(s.name), initial=expr(s.initial)) for s in rule.states),
        body=block(rule.body),
        commits=commits(rule.commits),
        test=block(rule.test),
        epoch_end=block(rule.epoch_end),
        epoch_commits=commits(rule.epoch_commits),
        masks=tuple(ir.Mask(name(m.name), m.of) for m in rule.masks),
    )


def _block(body: tuple[ir.Stmt, ...]) -> tuple[ir.Stmt, ...]:
    return tuple(_stmt(s) for s in body)


def _stmt(s: ir.Stmt) -> ir.Stmt:
    name, expr, block = python_name, python_expr, _block
    match s:
        case ir.Assign(n, value):
            return replace(s, name=name(n), value=expr(value))
        case ir.Evaluate(point, batch, loss, gradient):
            where = batch if isinstance(batch, str) else expr(batch)
            return replace(
                s,
                point=name(point),
                batch=where,
                loss=loss and name(loss),
                gradient=gradient and name(gradient),
            )
        case ir.Fetch(n, memory, index):
            return replace(s, name=name(n), memory=name(memory), index=expr(index))
        case ir.Store(memory, index, value):
            return replace(s, memory=name(memory), index=expr(index), value=name(value))
        case ir.Tell(state, value):
            return ir.Tell(state, expr(value))
        case ir.For(index, low, high, body):
            return ir.For(name(index), expr(low), expr(high), block(body))
        case ir.Repeat(body, bound):
            return ir.Repeat(block(body), bound)
        case ir.Until(condition):
            return ir.Until(expr(condition))
        case ir.If(condition, body, otherwise):
            return ir.If(expr(condition), block(body), block(otherwise))
        case ir.Stop(condition):
            return replace(s, condition=expr(condition))
        case _:
            assert_never(s)
