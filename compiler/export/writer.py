"""Lets of one sample -> statements of a language with loops and arrays, as lines. What the language looks like is `Words`.

An expression becomes a text and, before it, what cannot stand inside it: sums, branches, places that may lie outside.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Protocol

from netc.compiler.calculus import ir
from netc.compiler.calculus.ir import (
    Apply,
    Axis,
    Const,
    Draw,
    Expr,
    Let,
    Pick,
    Place,
    Reduce,
    Scan,
    Var,
    View,
)
from netc.compiler.calculus.primitives import ATOM, PRIMITIVES, SUM
from netc.compiler.export.names import Names

Env = Mapping[Axis, str]
"""The index that stands for an axis."""


class Words(Protocol):
    """A language."""

    lazy: bool
    """Whether a choice inside an expression computes one side only."""

    def spelled(self, op: str) -> str: ...
    def real(self, value: float) -> str: ...
    def least(self) -> str: ...
    def of_place(self, index: str) -> str: ...
    def rounded(self, value: str) -> str: ...
    def working(self, value: str) -> str: ...
    def double(self, value: str) -> str: ...
    def slope(self, output: str, input: str, inputs: int) -> str: ...
    def element(self, array: str, indices: Sequence[str]) -> str: ...
    def remainder(self, number: str, divisor: int) -> str: ...
    def assign(self, target: str, value: str) -> str: ...
    def unread(self, name: str) -> list[str]: ...
    def both(self, conditions: Sequence[str]) -> str: ...
    def loop(self, index: str, size: int, body: list[str], backward: bool = False) -> list[str]: ...
    def branch(self, condition: str, then: list[str], otherwise: list[str]) -> list[str]: ...


class Writer:
    """Writes one function; `declared` are its arrays and numbers, by name, in the order of first use."""

    def __init__(self, words: Words, names: Names, scalars: set[str]) -> None:
        self.words, self.names, self.scalars = words, names, scalars
        self.declared: dict[str, tuple[int, ...]] = {}
        self.indices: dict[str, None] = {}
        self.places: dict[str, None] = {}
        self.used: set[str] = set()
        """Primitives."""
        self.lines: list[str] = []
        self.free = 0

    # -- lets --------------------------------------------------------------------------------------

    def group(self, lets: tuple[Let, ...]) -> None:
        """Side by side in one nest of loops."""
        axes = lets[-1].axes
        env = self.over(axes)

        def side_by_side() -> None:
            for let in lets:
                self.let(let, env)

        self.lines += self.loops(axes, env, self.nested(side_by_side))

    def scan(self, scan: Scan) -> None:
        assert scan.axis.size is not None
        at = self.index(scan.axis)

        def one_place() -> None:
            for let in scan.lets:
                rest = tuple(a for a in let.axes if a != scan.axis)
                env = {**self.over(rest), scan.axis: at}
                body = self.nested(partial(self.let, let, env))
                self.lines.extend(self.loops(rest, env, body))

        body = self.nested(one_place)
        self.lines += self.words.loop(at, scan.axis.size, body, scan.backward)

    def let(self, let: Let, env: Env) -> None:
        target = self.names.of(let.name)
        self.declared[target] = () if let.name in self.scalars else tuple(a.size or 1 for a in let.axes)
        indices = [] if let.name in self.scalars else [env[a] for a in let.axes]
        where = self.words.element(target, indices) if indices else target
        if isinstance(let.value, Reduce) and not indices:
            self.sum_up(let.value, env, where)
        else:
            self.lines.append(self.words.assign(where, self.text(let.value, env)))

    def over(self, axes: ir.Axes) -> dict[Axis, str]:
        return {axis: self.index(axis) for axis in axes}

    def loops(self, axes: ir.Axes, env: Env, body: list[str]) -> list[str]:
        for axis in reversed(axes):
            if axis.size != 1:
                body = self.words.loop(env[axis], axis.size or 1, body)
        return body

    def index(self, axis: Axis) -> str:
        """A new one; an axis of one place needs none."""
        if axis.size == 1:
            return "0"
        name = f"i{len(self.indices) + 1}"
        self.indices[name] = None
        return name

    def nested(self, write: Callable[[], object]) -> list[str]:
        """The lines that a function writes, apart."""
        before, self.lines = self.lines, []
        write()
        made, self.lines = self.lines, before
        return made

    def temporary(self) -> str:
        self.free += 1
        name = f"t{self.free}"
        self.declared[name] = ()
        return name

    # -- expressions -------------------------------------------------------------------------------

    def text(self, expr: Expr, env: Env) -> str:
        return self.spelled(expr, env)[0]

    def spelled(self, expr: Expr, env: Env) -> tuple[str, int]:
        """The text and how strongly it binds."""
        match expr:
            case Const(value):
                return self.words.real(value), SUM if value < 0 else ATOM
            case Var(name, axes):
                array = self.names.of(name)
                if name in self.scalars or not axes:
                    return array, ATOM
                return self.words.element(array, [env[a] for a in axes]), ATOM
            case Place(axis):
                return self.words.of_place(env[axis]), ATOM
            case Apply("select", (condition, a, b)):
                return self.choice(condition, a, b, env), ATOM
            case Apply(op, args):
                self.used.add(op)
                row = PRIMITIVES[op]
                parts = []
                for arg, need in zip(args, row.needs, strict=False):
                    text, level = self.spelled(arg, env)
                    parts.append(f"({text})" if level < need else text)
                return self.words.spelled(op).format(*parts), row.level
            case Reduce():
                return self.reduction(expr, env), ATOM
            case View():
                return self.view(expr, env), ATOM
            case Pick():
                return self.pick(expr, env), ATOM
            case Draw():
                raise AssertionError("refused before")

    def choice(self, condition: Expr, a: Expr, b: Expr, env: Env) -> str:
        asked = self.text(condition, env)
        texts: list[str] = []

        def side(expr: Expr) -> None:
            texts.append(self.text(expr, env))

        sides = [self.nested(partial(side, expr)) for expr in (a, b)]
        if self.words.lazy and not any(sides):
            self.used.add("select")
            return self.words.spelled("select").format(asked, *texts)
        name = self.temporary()
        then, otherwise = (
            [*side, self.words.assign(name, text)] for side, text in zip(sides, texts, strict=True)
        )
        self.lines += self.words.branch(asked, then, otherwise)
        return name

    def reduction(self, expr: Reduce, env: Env) -> str:
        name = self.temporary()
        self.sum_up(expr, env, name)
        return name

    def sum_up(self, expr: Reduce, env: Env, name: str) -> None:
        """Into the number of that name."""
        inner = {**env, **self.over(expr.over)}
        found: list[tuple[str, int]] = []
        body = self.nested(lambda: found.append(self.spelled(expr.arg, inner)))
        ((text, level),) = found
        text = f"({text})" if expr.op == "sum" and level <= SUM else text
        least = self.words.least()
        start = {"sum": self.words.real(0.0), "max": least, "min": f"-({least})"}[expr.op]
        op = {"sum": "add", "max": "max", "min": "min"}[expr.op]
        self.used.add(op)
        self.lines.append(self.words.assign(name, start))
        added = self.words.assign(name, self.words.spelled(op).format(name, text))
        self.lines += self.loops(expr.over, inner, [*body, added])

    def pick(self, expr: Pick, env: Env) -> str:
        found, at = self.temporary(), self.temporary()
        self.lines.append(self.words.assign(at, self.text(expr.place, env)))
        below = self.words.real((expr.axis.size or 1) - 0.5)
        conditions = [f"{at} > {self.words.real(-0.5)}", f"{at} < {below}"]  # NaN is no place
        then = self.nested(lambda: self.picked(expr, env, at, found))
        outside = [self.words.assign(found, self.words.real(0.0))]
        self.lines += self.words.branch(self.words.both(conditions), then, outside)
        return found

    def picked(self, expr: Pick, env: Env, at: str, found: str) -> None:
        spot = self.place(self.words.rounded(at))
        self.lines.append(self.words.assign(found, self.text(expr.arg, {**env, expr.axis: spot})))

    def view(self, expr: View, env: Env) -> str:
        index, size = expr.index, expr.axis.size or 1
        terms = [_times(f, env[a]) for a, f in index.terms if env[a] != "0"]
        text = " + ".join([*terms, *([str(index.offset)] if index.offset or not terms else [])]).replace(
            "+ -", "- "
        )
        low = index.offset + sum(min(0, f * ((a.size or 1) - 1)) for a, f in index.terms)
        high = index.offset + sum(max(0, f * ((a.size or 1) - 1)) for a, f in index.terms)
        if index.divisor == 1 and low >= 0 and high < size:
            value, level = self.spelled(expr.arg, {**env, expr.axis: text})
            return value if level == ATOM else f"({value})"
        spot = self.place(text)
        conditions = [f"{spot} >= 0"] if low < 0 else []
        if index.divisor != 1:
            if not index.floor:
                conditions.append(f"{self.words.remainder(spot, index.divisor)} == 0")
            conditions.append(f"{spot} < {size * index.divisor}")
            return self.inside(
                conditions, expr.arg, {**env, expr.axis: f"({spot})/{index.divisor}"}, expr.outside
            )
        conditions += [f"{spot} < {size}"] if high >= size else []
        return self.inside(conditions, expr.arg, {**env, expr.axis: spot}, expr.outside)

    def place(self, text: str) -> str:
        """A whole number under a name."""
        name = f"p{len(self.places) + 1}"
        self.places[name] = None
        self.lines.append(self.words.assign(name, text))
        return name

    def inside(self, conditions: list[str], arg: Expr, env: Env, outside: float) -> str:
        """The argument where the conditions hold, else the number."""
        name = self.temporary()
        texts: list[str] = []
        then = self.nested(lambda: texts.append(self.text(arg, env)))
        then.append(self.words.assign(name, texts[0]))
        otherwise = [self.words.assign(name, self.words.real(outside))]
        self.lines += self.words.branch(self.words.both(conditions), then, otherwise)
        return name


def _times(factor: int, index: str) -> str:
    whole = index if index.isalnum() or factor == 1 else f"({index})"
    return whole if factor == 1 else f"-{whole}" if factor == -1 else f"{factor}*{whole}"
