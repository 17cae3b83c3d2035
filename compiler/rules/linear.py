"""Rules that are linear in gradients and states, exactly: one step as a matrix of fractions, and proofs.

Two such rules ask for the gradient at the same points, whatever the gradients, if and only if the difference
of the points vanishes on all that the two together can reach: the smallest subspace with the start and the
gradients in it that a step maps into itself (Kalman's reachable subspace; it is complete after as many steps
as there are states). All numbers are fractions, so a zero is a zero. Anything else is `NotLinear`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import isqrt
from typing import Any

from netc.compiler.calculus import ir

Form = dict[str, Fraction]
"""A vector as a combination of the states, the gradients of the step (`#0`, `#1`) and 1 in each element (``)."""
Value = Fraction | bool | Form


class NotLinear(Exception):
    """The rule does something else, or computes a number that is no fraction."""


@dataclass(frozen=True)
class Step:
    """One iteration: where the gradient is asked for, and the next states, as combinations."""

    points: tuple[Form, ...]
    next: Mapping[str, Form]


@dataclass(frozen=True)
class Recursion:
    start: Mapping[str, Form]
    """Of each vector state, in terms of the first theta (`theta`) and 1."""
    steps: tuple[Step, ...]
    steady: bool
    """The steps from the second on are the same for ever."""


def exact(value: float) -> Fraction:
    """What the digits say: 0.1 is a tenth."""
    return Fraction(repr(float(value)))


def recursion(rule: ir.Rule, values: Mapping[str, Fraction], weights: int, steps: int) -> Recursion:
    """The first steps of the rule; `weights` is 1 for a weight, 0 for a bias."""
    return _Exact(rule, values, weights).run(steps)


def masked(rule: ir.Rule) -> bool:
    """Does it tell weights from biases?"""
    exprs = [s.value for s in rule.body if isinstance(s, ir.Assign)]
    return any(isinstance(n, ir.Var) and n.name in ("weights", "biases") for n in ir.postorder(*exprs))


class _Exact:
    def __init__(self, rule: ir.Rule, values: Mapping[str, Fraction], weights: int) -> None:
        self.rule = rule
        self.env: dict[str, Value] = {"m": Fraction(2), "epoch": Fraction(0), "n": Fraction(0)}
        self.env |= {h.name: values.get(h.name, exact(h.value)) for h in rule.hypers}
        self.env |= {"weights": Fraction(weights), "biases": Fraction(1 - weights)}
        self.vectors = [s.name for s in rule.states if s.axes]
        self.env["theta"] = {"theta": Fraction(1)}

    def run(self, steps: int) -> Recursion:
        start = {s.name: self.value(s.initial) for s in self.rule.states}
        self.env |= {name: value for name, value in start.items() if name not in self.vectors}
        done: list[Step] = []
        for n in range(steps):
            if n == 4 and self._steady(done):
                done += [done[-1]] * (steps - n)
                break
            self.env |= {"n": Fraction(n), "epoch": Fraction(n)}
            self.env |= {name: {name: Fraction(1)} for name in self.vectors}
            done.append(self.step())
        forms = {name: _form(start[name]) for name in self.vectors}
        return Recursion(forms, tuple(done), self._steady(done))

    def step(self) -> Step:
        points: list[Form] = []
        for stmt in self.rule.body:
            match stmt:
                case ir.Assign(name, value):
                    self.env[name] = self.value(value)
                case ir.Evaluate(point, "current", "", gradient):
                    points.append(_form(self.env[point]))
                    self.env[gradient] = {f"#{len(points) - 1}": Fraction(1)}
                case _:
                    raise NotLinear
        new = {c.state: self.env[c.value] for c in self.rule.commits}
        self.env |= {name: value for name, value in new.items() if name not in self.vectors}
        return Step(tuple(points), {name: _form(new[name]) for name in self.vectors})

    def _steady(self, steps: Sequence[Step]) -> bool:
        """n stands only in tests such as `n == 0`, and no number is carried along."""
        if any(not s.axes for s in self.rule.states):
            return False
        same = all(step == steps[1] for step in steps[2:])
        return same and not any(_moves(s.value) for s in self.rule.body if isinstance(s, ir.Assign))

    def value(self, expr: ir.Expr) -> Value:
        values: dict[int, Value] = {}
        for node in ir.postorder(expr):
            match node:
                case ir.Const(value, axes):
                    number = exact(value)
                    values[id(node)] = {"": number} if axes else number
                case ir.Var(name):
                    values[id(node)] = self.env[name]
                case ir.Apply(op, args):
                    values[id(node)] = _apply(op, [values[id(a)] for a in args])
                case _:
                    raise NotLinear
        return values[id(expr)]


def _moves(expr: ir.Expr) -> bool:
    """Does n enter other than by comparison with a constant?"""
    match expr:
        case ir.Var("n" | "epoch"):
            return True
        case ir.Apply("eq" | "ne" | "lt" | "le" | "gt" | "ge", (a, b)):
            return _moves(a) and _moves(b)
    return any(_moves(child) for child in ir.children(expr))


def _form(value: Value) -> Form:
    match value:
        case dict():
            return {name: c for name, c in value.items() if c}
        case bool():
            raise NotLinear
    return {"": value} if value else {}


def _apply(op: str, args: list[Value]) -> Value:
    if op == "select":
        if not isinstance(args[0], bool):
            raise NotLinear
        return args[1] if args[0] else args[2]
    if any(isinstance(a, dict) for a in args):
        return _vector(op, args)
    return _number(op, args)


def _vector(op: str, args: list[Value]) -> Form:
    match op, args:
        case "neg", [x]:
            return _scaled(_form(x), Fraction(-1))
        case "add", [x, y]:
            return _sum(_form(x), _form(y))
        case "sub", [x, y]:
            return _sum(_form(x), _scaled(_form(y), Fraction(-1)))
        case "mul", [dict() as x, Fraction() as c] | [Fraction() as c, dict() as x]:
            return _scaled(x, c)
        case "mul", [dict() as x, dict() as y]:
            return _scaled(y, _uniform(x)) if set(_form(x)) <= {""} else _scaled(x, _uniform(y))
        case "div", [dict() as x, Fraction() as c] if c:
            return _scaled(x, 1 / c)
        case "div", [dict() as x, dict() as y] if _uniform(y):
            return _scaled(x, 1 / _uniform(y))
        case "stop_gradient", [dict() as x]:
            return x
    raise NotLinear


def _uniform(x: Form) -> Fraction:
    """The number that stands in every element."""
    form = _form(x)
    if set(form) - {""}:
        raise NotLinear
    return form.get("", Fraction(0))


def _sum(x: Form, y: Form) -> Form:
    return {name: x.get(name, Fraction(0)) + y.get(name, Fraction(0)) for name in x | y}


def _scaled(x: Form, c: Fraction) -> Form:
    return {name: c * v for name, v in x.items()}


def _number(op: str, args: list[Any]) -> Value:
    match op, args:
        case "neg", [x]:
            return Fraction(-x)
        case "add", [x, y]:
            return Fraction(x + y)
        case "sub", [x, y]:
            return Fraction(x - y)
        case "mul", [x, y]:
            return Fraction(x * y)
        case "div", [x, y] if y:
            return Fraction(x / y)
        case "pow", [x, y] if y.denominator == 1 and abs(y) < 10_000 and (x or y >= 0):
            return Fraction(x ** int(y))
        case "sqrt", [x]:
            return root(x)
        case "abs", [x]:
            return Fraction(abs(x))
        case (("min" | "max"), [x, y]):
            return Fraction(min(x, y) if op == "min" else max(x, y))
        case (("eq" | "ne" | "lt" | "le" | "gt" | "ge"), [x, y]):
            tests = {"eq": x == y, "ne": x != y, "lt": x < y, "le": x <= y, "gt": x > y, "ge": x >= y}
            return bool(tests[op])
        case "and", [x, y]:
            return bool(x and y)
        case "or", [x, y]:
            return bool(x or y)
        case "not", [x]:
            return not x
    raise NotLinear


def root(x: Fraction) -> Fraction:
    """The square root, where it is a fraction."""
    found = Fraction(isqrt(max(x.numerator, 0)), isqrt(x.denominator))
    if found * found != x:
        raise NotLinear
    return found


# -- proofs ------------------------------------------------------------------------------------------

Column = tuple[Fraction, ...]


@dataclass(frozen=True)
class Proof:
    """What holds for every sequence of gradients."""

    points: bool
    """Both ask for the gradient at the same points."""
    thetas: bool
    """Both have the same theta."""
    shifted: tuple[bool, bool]
    """The first one's theta is the point of the second one, or the other way round."""
    steps: int
    """Shown for so many steps; 0: for all."""


def compare(a: Recursion, b: Recursion) -> Proof:
    """Whether two rules do the same on every sequence of gradients."""
    names = [f"a{n}" for n in a.start] + [f"b{n}" for n in b.start] + [""]
    if any(len(x.points) != len(y.points) for x, y in zip(a.steps, b.steps, strict=True)):
        return Proof(False, False, (False, False), 0)
    space = _Space(len(names))
    for parameter in ("theta", ""):
        joint = {f"a{n}": f.get(parameter, Fraction(0)) for n, f in a.start.items()}
        joint |= {f"b{n}": f.get(parameter, Fraction(0)) for n, f in b.start.items()}
        space.add(tuple(joint.get(n, Fraction(int(not parameter))) for n in names))
    checks = [True, True, True, True]
    steady = a.steady and b.steady
    for k, (x, y) in enumerate(zip(a.steps, b.steps, strict=True)):
        checks = [c and space.kills(d) for c, d in zip(checks, _differences(x, y, names), strict=True)]
        new = _Space(len(names))
        if steady and k:
            new.rows = list(space.rows)  # what could be reached before can still be
        for column in space.rows:
            new.add(_mapped(x, y, names, column))
        for i in range(len(x.points)):
            gradient = [
                (x if n[0] == "a" else y).next[n[1:]].get(f"#{i}", Fraction(0)) if n else Fraction(0)
                for n in names
            ]
            new.add(tuple(gradient))
        closed = steady and k > 0 and len(new.rows) == len(space.rows)
        space = new
        if closed:  # a further step reaches nothing new, and all that can be reached has been checked
            break
    return Proof(checks[0], checks[1], (checks[2], checks[3]), 0 if closed else len(a.steps))


def _differences(x: Step, y: Step, names: list[str]) -> list[list[Column]]:
    """Functionals that vanish where points, thetas, a's theta and b's point, b's theta and a's point agree."""
    theta = {"theta": Fraction(1)}
    points = [_row(p, q, names) for p, q in zip(x.points, y.points, strict=True)]
    never = [tuple(Fraction(int(not name)) for name in names)]  # the 1 is always reached
    own = [{n: c for n, c in p.items() if n.startswith("#")} for p in (*x.points, *y.points)]
    if own[: len(points)] != own[len(points) :]:
        points += never
    one = len(points) == 1
    return [
        points,
        [_row(theta, theta, names)],
        [_row(theta, y.points[0], names)] if one else never,
        [_row(x.points[0], theta, names)] if one else never,
    ]


def _row(p: Form, q: Form, names: list[str]) -> Column:
    zero = Fraction(0)
    both = {"a": p, "b": q}
    signs = {"a": 1, "b": -1}
    constant = p.get("", zero) - q.get("", zero)
    return tuple(signs[n[0]] * both[n[0]].get(n[1:], zero) if n else constant for n in names)


def _mapped(x: Step, y: Step, names: list[str], column: Column) -> Column:
    at = dict(zip(names, column, strict=True))

    def image(name: str) -> Fraction:
        side, form = name[0], (x if name[0] == "a" else y).next[name[1:]]
        return sum(
            (c * at[f"{side}{n}" if n else ""] for n, c in form.items() if not n.startswith("#")), Fraction(0)
        )

    return tuple(image(n) if n else at[""] for n in names)


class _Space:
    """A subspace by independent rows, in echelon form."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.rows: list[Column] = []

    def add(self, column: Column) -> None:
        for row in self.rows:
            lead = next(i for i, v in enumerate(row) if v)
            if column[lead]:
                factor = column[lead] / row[lead]
                column = tuple(c - factor * r for c, r in zip(column, row, strict=True))
        if any(column):
            self.rows.append(column)

    def kills(self, functionals: list[Column]) -> bool:
        """Do all the functionals vanish here?"""
        return not any(
            sum((f * v for f, v in zip(functional, row, strict=True)), Fraction(0))
            for functional in functionals
            for row in self.rows
        )
