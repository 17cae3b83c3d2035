"""Update rules on given gradients, for many cases at once: which points they ask about, where theta goes.

A scalar of a rule is an array (cases, 1), a vector (cases, elements). Used to compare rules, never to train:
the gradient at a point is what the world says, whatever the point. `interpret.py` is the plain one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from math import isfinite
from typing import Any, assert_never

import numpy as np
from numpy.typing import NDArray

from netc.compiler.calculus import ir
from netc.compiler.calculus.interpret import turns
from netc.compiler.calculus.primitives import PRIMITIVES
from netc.compiler.rules.decimals import exactly, in_decimals
from netc.dsl.record import record

Array = NDArray[Any]
Values = Mapping[str, Any]
Label = tuple[str, str]
"""What is evaluated, and on which batch."""
MOST_TURNS = 1000
"""Of all loops of a step together."""
MOST_ROUNDS = 60
"""Of a search; a longer one is cut off, as what it does is decided long before."""


@record
class World:
    """What a rule is told. `gradients` (steps, evaluations in a step, elements), `losses` (steps, evaluations)."""

    gradients: Array
    losses: Array
    theta: Array
    """The start, (elements,)."""
    first: int = 0
    """The n of the first step; a large one leaves corrections that fade out behind."""
    batches: int = 2
    """m; an epoch has so many steps."""

    @property
    def steps(self) -> int:
        return len(self.gradients)


@dataclass
class Trace:
    """(cases, elements) each."""

    points: list[Array] = field(default_factory=list)
    """Where the loss or its gradient was asked for, in order."""
    labels: list[Label] = field(default_factory=list)
    steps: list[int] = field(default_factory=list)
    """The step, from 0, of each point."""
    thetas: list[Array] = field(default_factory=list)
    """theta[0], theta[1], ..."""
    states: dict[str, Any] = field(default_factory=dict)
    """The other states at the end."""


SIZES = 5
"""Of gradients: 1, 0.1, ..., one element each, then again."""


class TooLong(Exception):
    """A step goes round its loops more than MOST_TURNS times."""


class _Found(Exception):
    """An Until holds."""


Schedule = Callable[[int], Values]
"""Other numbers for hyper-parameters at a step."""


def simulate(
    rule: ir.Rule, values: Values, world: World, schedule: Schedule | None = None, decay: Any = None
) -> Trace:
    """The rule with these hyper-parameters; `decay(n)` times theta[n] is subtracted from each theta[n+1]."""
    machine = _Machine(rule, values, world)
    with np.errstate(all="ignore"):
        for n in range(world.steps):
            machine.env |= dict(schedule(n)) if schedule else {}
            machine.step(n, decay(n) if decay else None)
    machine.trace.states |= {s.name: machine.env[s.name] for s in rule.states if s.name != "theta"}
    return machine.trace


def _mask(name: str, elements: int) -> Array:
    """Of a network whose layers have two parameters each: a weight, and a bias or, in every other layer, a gain.

    A layer beyond the elements has none: nothing is seen of it, and nothing wrong.
    """
    places = np.arange(elements)
    layer, _, word = name.partition(".")
    found: Array = places % 2 == 1
    if layer.startswith("layer"):
        found = places // 2 == int(layer.removeprefix("layer")) - 1
        return found & _mask(word, elements) if word else found
    if name == "weights":
        found = places % 2 == 0
    elif name == "gains":
        found = places % 4 == 3
    return found


class _Machine:
    def __init__(self, rule: ir.Rule, values: Values, world: World) -> None:
        self.rule, self.world, self.trace = rule, world, Trace()
        theta = world.theta[None, :]
        self.plain = theta.dtype != object
        self.number: Callable[[Any], Any] = float if self.plain else exactly
        masks = {
            name: _mask(name, theta.shape[1]) for name in ("weights", "biases", *(m.of for m in rule.masks))
        }
        self.env: dict[str, Any] = {"theta": theta}
        self.env |= {name: self.vector(mask) for name, mask in masks.items()}
        self.env |= {"m": self.number(world.batches), "samples": self.number(4 * world.batches)}
        self.env[ir.SIZE] = self.number(theta.shape[1])
        self.env |= {h.name: self.number(h.value) for h in rule.hypers} | dict(values)
        with np.errstate(all="ignore"):
            for state in rule.states:
                value = self.value(state.initial)
                self.env[state.name] = value + 0 * theta if state.axes else value
        self.trace.thetas.append(self.env["theta"])
        self.kept: dict[tuple[str, int], Any] = {}
        """What states with a value per batch hold, by name and batch; at first it is their start."""
        self.now = self.evaluations = self.rounds = 0

    def vector(self, mask: Array) -> Array:
        return np.array([self.number(x) for x in mask.astype(float)], self.world.theta.dtype)[None, :]

    def step(self, n: int, decay: Any) -> None:
        self.now, self.evaluations, self.rounds = n, 0, 0
        at = self.number(n + self.world.first)
        epoch = at if self.rule.visits_batches else at / self.number(self.world.batches)
        self.env |= {"n": np.asarray(at, self.world.theta.dtype)[()], "epoch": epoch}
        before = self.env["theta"]
        self.execute(self.rule.body)
        self.env |= {c.state: self.env[c.value] for c in self.rule.commits}
        if decay is not None:
            self.env["theta"] = self.env["theta"] - decay * before
        self.trace.thetas.append(self.env["theta"])

    def execute(self, stmts: Sequence[ir.Stmt]) -> None:
        for stmt in stmts:
            match stmt:
                case ir.Assign(name, value):
                    self.env[name] = self.value(value)
                case ir.Evaluate():
                    self.evaluate(stmt)
                case ir.Fetch(name, memory, index):
                    self.env[name] = self.kept.get((memory, self.whole(index)), self.env[memory])
                case ir.Store(memory, index, value):
                    self.kept[memory, self.whole(index)] = self.env[value]
                case ir.For(index, first, last, body):
                    for i in self.turns_of(first, last):
                        self.env[index] = self.number(i)
                        self.execute(body)
                case ir.Repeat(body, bound):
                    self.search(body, min(bound, MOST_ROUNDS))
                case ir.Until(condition):
                    if np.all(self.value(condition)):
                        raise _Found
                case ir.If(condition, body, otherwise):
                    self.execute(body if np.all(self.value(condition)) else otherwise)
                case ir.Stop() | ir.Tell():
                    pass
                case _:
                    assert_never(stmt)

    def single(self, expr: ir.Expr) -> float:
        return float(np.ravel(self.value(expr))[0])

    def whole(self, expr: ir.Expr) -> int:
        """The number of a batch, between two that of the lower; 0, which none has, where it is no number."""
        value = self.single(expr)
        return int(value) if isfinite(value) else 0

    def turns_of(self, first: ir.Expr, last: ir.Expr) -> range:
        found = turns(self.single(first), self.single(last))
        self.rounds += len(found)
        if self.rounds > MOST_TURNS:
            raise TooLong
        return found

    def search(self, body: Sequence[ir.Stmt], bound: int) -> None:
        try:
            for _ in range(bound):
                self.execute(body)
        except _Found:
            return

    def evaluate(self, stmt: ir.Evaluate) -> None:
        batch = stmt.batch if isinstance(stmt.batch, str) else str(self.whole(stmt.batch))
        which = min(self.evaluations, self.world.gradients.shape[1] - 1)
        self.evaluations += 1
        self.trace.points.append(self.env[stmt.point])
        self.trace.labels.append((f"{bool(stmt.loss):d}{bool(stmt.gradient):d}", batch))
        self.trace.steps.append(self.now)
        if stmt.loss:
            self.env[stmt.loss] = self.world.losses[self.now, which]
        if stmt.gradient:
            self.env[stmt.gradient] = self.world.gradients[self.now, which][None, :]

    def value(self, expr: ir.Expr) -> Any:
        values: dict[int, Any] = {}
        order = _order(expr)  # of the expression or of one that equals it
        for node in order:
            match node:
                case ir.Const(value):
                    values[id(node)] = float(value) if self.plain else exactly(value)
                case ir.Var(name):
                    values[id(node)] = self.env[name]
                case ir.Apply(op, args):
                    function = PRIMITIVES[op].value if self.plain else in_decimals(op)
                    values[id(node)] = function(*(values[id(a)] for a in args))
                case ir.Reduce(op, arg, _, per):
                    values[id(node)] = self.reduce(op, np.asarray(values[id(arg)]), per)
                case _:
                    raise AssertionError(f"{type(node).__name__} stands in no rule")
        return values[id(order[-1])]

    def reduce(self, op: ir.Reduction, x: Array, per: ir.Per) -> Array:
        """The first element is a layer, the others are another one; its first element is a tensor of its own."""
        x = x + self.vector(np.zeros(self.world.theta.size))
        functions: dict[ir.Reduction, Callable[..., Array]] = {
            "sum": np.sum, "max": np.max, "min": np.min,
            "norm": lambda x, **axes: np.sqrt(np.sum(x * x, **axes)),
        }  # fmt: skip
        if not per:
            return functions[op](x, axis=-1, keepdims=True)
        parts = [x[:, :1], x[:, 1:]] if per == "layer" else [x[:, :1], x[:, 1:2], x[:, 2:]]
        parts = [p for p in parts if p.shape[1]]
        return np.concatenate([0 * p + functions[op](p, axis=-1, keepdims=True) for p in parts], axis=-1)


@lru_cache(maxsize=2048)
def _order(expr: ir.Expr) -> tuple[ir.Expr, ...]:
    return tuple(ir.postorder(expr))


def make_world(steps: int, elements: int, seed: int, real: type = np.longdouble, first: int = 0) -> World:
    """Random, the same for the same seed: gradients of many sizes, some zero, and a burst."""
    draw = np.random.default_rng(seed)
    scale = 10.0 ** -(np.arange(elements) % SIZES)
    gradients = draw.normal(size=(steps, 4, elements)) * scale
    gradients[steps // 2] *= 30
    gradients[steps // 3, :, ::SIZES] = 0
    losses = np.sort(draw.uniform(1, 2, size=(steps, 4)))[:, ::-1]  # so that searches end
    theta = draw.normal(size=elements) * scale
    return World(gradients.astype(real), losses.astype(real), theta.astype(real), first)


@record
class Distance:
    """Of two traces; arrays over the cases."""

    points: Array
    """Largest difference of the points, relative to how far the first rule went."""
    thetas: Array
    shifted: tuple[Array, Array]
    """As `thetas`, of one rule's theta against the other one's points: (a's theta, b's theta)."""
    first: Array
    """The first n for which theta[n] or a point of step n differs; -1 if none."""


def distance(a: Trace, b: Trace, tolerance: float) -> Distance | None:
    """None where the rules do not ask for the same things: their gradients are not the same ones then."""
    if a.labels != b.labels:
        return None
    points, thetas = _relative(a.points, b.points), _relative(a.thetas, b.thetas)
    points = points if a.points else thetas[1:]  # rules that ask for nothing
    n = min(len(points), len(a.thetas) - 1) if len(a.points) == len(a.thetas) - 1 else 0
    shifted = (
        _relative(a.thetas[:n], b.points[:n]).max(axis=0, initial=0 if n else np.inf),
        _relative(b.thetas[:n], a.points[:n]).max(axis=0, initial=0 if n else np.inf),
    )
    asked = a.steps if a.points else range(1, len(a.thetas))
    steps = np.array([*asked, *range(len(a.thetas))])
    cases = max(points.shape[1], thetas.shape[1])
    parts = [np.broadcast_to(x, (len(x), cases)) for x in (points, thetas)]
    wrong = np.concatenate(parts) > tolerance
    first = np.where(wrong, steps[:, None], np.iinfo(int).max).min(axis=0, initial=np.iinfo(int).max)
    first = np.where(wrong.any(axis=0), first, -1)
    return Distance(points.max(axis=0, initial=0), thetas.max(axis=0, initial=0), shifted, first)


def _relative(a: list[Array], b: list[Array]) -> Array:
    """(moments, cases): differences relative to the way of `a`, element by element, the largest element."""
    if not a:
        return np.zeros((0, 1))
    with np.errstate(all="ignore"):
        x, y = np.broadcast_arrays(_stacked(a), _stacked(b))
        way = np.maximum(np.abs(x - x[:1]).max(axis=0), np.abs(y - y[:1]).max(axis=0))
        relative = np.abs(x - y) / np.where(way > 0, way, 1)
    return np.asarray(np.where(np.isnan(relative), np.inf, relative).max(axis=-1))


def _stacked(arrays: list[Array]) -> Array:
    cases = max(x.shape[0] for x in arrays)
    return np.stack([np.broadcast_to(x, (cases, x.shape[1])) for x in arrays])
