"""Random rules, their kernels judged by the interpreter: `python -m generated_rules --rules 2000 --seed 1` (in tests/).

Rules with branches, searches, loops, repeated evaluations, norms before and after a change, memories and stops, on
functions and on a network, alone and many runs at once. Kernels run as plain Python (`plain_kernels.py`), so that
thousands are cheap: parameters, states, counts and the reason of the end are the interpreter's. To the bit where sums
have at most two terms, elsewhere as far as the order of sums may tell. A failure prints the program that shows it.
"""

from __future__ import annotations

import argparse
import random
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from netc.compiler import pipeline
from netc.compiler.calculus import interpret, ir
from netc.compiler.kernels.cpu.target import Cpu
from netc.compiler.kernels.machine import Machine
from netc.compiler.meaning.spec import Facts
from netc.dsl.diagnostics import SpecError
from netc.dsl.source import Source
from netc.runtime.random import Purpose, permutation
from netc.runtime.training.sample_layout import bounds, lay_out, no_samples
from plain_kernels import plain

STEPS = 6
SCHEDULES = (
    "schedule eta = plateau(0.1, factor = 0.5, patience = 0)\n",
    "schedule eta = 0.1 until 2, 0.02 until 4, 0.01\n",
    "schedule eta = 0.1/(1 + epoch)\n",
    "schedule beta = 0.9*(1 - 1/(step + 2))\n",
)
NETWORK = """data "unread.csv"
network [2(tanh)3(lin)1]
loss half_mse
init weights ~ normal(0, 0.5)
init biases ~ normal(0, 0.5)
"""
NINE = "objective R(a, b, c, d, e, f, g, h, i) = ((a + b)^2 + c^2*d^2 + (e - f)^2 + sin(g)^2 + h^2 + i^4)/5\n"


@dataclass(frozen=True)
class Shape:
    problem: str
    parameters: int
    runs: int
    exact: bool
    more: str = ""

    @property
    def real(self) -> type[np.floating[Any]]:
        return np.float32 if "f32" in self.more else np.float64


SHAPES = (
    Shape("objective R(x, y) = (1 - x)^2 + 5*(y - x^2)^2\n", 2, 1, True),
    Shape("objective R(x) = x^4/4 + x^3/3 - x^2 + sin(x)\n", 1, 1, True),
    Shape("objective R(x, y) = (1 - x)^2 + 5*(y - x^2)^2\n", 2, 17, True),
    Shape(NINE, 9, 1, False),
    Shape(NETWORK, 13, 1, False),
    Shape(NETWORK, 13, 1, False, ", batch = 3 parts, shuffle = false"),
    Shape(NETWORK, 13, 1, False, ", batch = 4, seed = 5"),
    Shape(NETWORK, 13, 1, False, ", batch = 4, shuffle = false, precision = f32"),
    Shape("objective R(x, y) = (1 - x)^2 + 5*(y - x^2)^2\n", 2, 5, False, ", precision = f32"),
)


class Rules:
    """An endless supply of rules, the same for the same seed; some are refused, for what they say."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)

    def rule(self, visits: bool) -> str:
        """`visits`: it may ask for the batches by their numbers."""
        self.vectors, self.numbers = ["theta[n]"], ["eta", "beta"]
        self.visits = visits and self.dice.random() < 0.5
        self.named = 0
        self.local_vectors: list[str] = []
        self.local_numbers: list[str] = []
        states = self.states()
        body = [line for _ in range(self.dice.randint(1, 5)) for line in self.statement(0)]
        body += self.moved()
        body += [f"{name}[n+1] = {self.expression(kind)}" for name, kind in self.kept.items()]
        lines = [*states, "g = grad R(theta[n])" if not self.visits else "g = grad R[1](theta[n])", *body]
        return "optimizer r(eta = 0.05, beta = 0.9):\n" + "".join(f"    {line}\n" for line in lines)

    def states(self) -> list[str]:
        self.kept: dict[str, str] = {}
        lines = []
        for _ in range(self.dice.choice((0, 1, 1, 2))):
            kind, name = self.dice.choice(("vector", "number")), f"s{len(self.kept)}"
            self.kept[name] = kind
            first = self.dice.choice(("0", "0", "1", "eta", "2*beta - eta"))
            lines.append(f"{name}[0] = {first}")
            (self.vectors if kind == "vector" else self.numbers).append(f"{name}[n]")
        self.vectors.append("g")
        self.local_vectors.append("g")
        return lines

    def moved(self) -> list[str]:
        dice = self.dice
        step = [f"theta[n+1] = theta[n] - {self.scale()}*{self.vector(1)}"]
        match dice.randrange(5):
            case 0:
                other = f"theta[n+1] = {dice.choice(self.vectors)} + eta*{self.vector(1)}"
                return [f"if {self.condition()}:", f"    {step[0]}", "else:", f"    {other}"]
            case 1:
                return [f"stop if {self.condition()}", *step]
            case 2:
                return [*step, f"stop if {self.condition()}"]
            case 3:
                return [f"fail if {self.condition()}", *step]
        return step

    def statement(self, depth: int) -> list[str]:
        dice = self.dice
        inner = self.inside if depth < 2 else self.change
        match dice.randrange(11):
            case 0 | 1 | 2:
                return self.new(depth)
            case 3 | 4:
                return self.change(depth)
            case 5 | 6:
                lines = [f"if {self.condition()}:", *inner(depth)]
                return [*lines, "else:", *inner(depth)] if dice.random() < 0.5 else lines
            case 7 if depth == 0:
                return self.search()
            case 8 if depth == 0 and self.visits:
                return ["for i in 1..m:", *self.each()]
            case 9:
                return [f"{dice.choice(('stop', 'fail'))} if {self.condition()}"]
        return self.new(depth)

    def inside(self, depth: int) -> list[str]:
        """Of a branch: what is new there is not known after it."""
        known = [
            list(names) for names in (self.vectors, self.numbers, self.local_vectors, self.local_numbers)
        ]
        lines = [f"    {line}" for _ in range(self.dice.randint(1, 2)) for line in self.statement(depth + 1)]
        self.vectors, self.numbers, self.local_vectors, self.local_numbers = known
        return lines

    def new(self, depth: int) -> list[str]:
        dice = self.dice
        self.named += 1
        name = f"{dice.choice('abcdhkpqw')}{self.named}"
        if dice.random() < 0.5:
            line = f"{name} = {self.vector(2) if dice.random() < 0.6 else self.evaluated('grad R')}"
            self.vectors.append(name)
            self.local_vectors.append(name)
        else:
            line = f"{name} = {self.number(2) if dice.random() < 0.7 else self.evaluated('R')}"
            self.numbers.append(name)
            self.local_numbers.append(name)
        return [line]

    def change(self, depth: int) -> list[str]:
        """A name gets another value, so that what was computed of it is another too."""
        indent = "    " if depth >= 2 else ""
        if self.local_numbers and self.dice.random() < 0.4:
            return [f"{indent}{self.dice.choice(self.local_numbers)} = {self.number(2)}"]
        return [f"{indent}{self.dice.choice(self.local_vectors)} = {self.vector(2)}"]

    def search(self) -> list[str]:
        dice = self.dice
        self.named += 1
        h, direction = f"t{self.named}", self.dice.choice(self.local_vectors)
        point = f"theta[n] - {h}*{direction}"
        goal = dice.choice((
            f"R({point}) < R(theta[n])", f"R({point}) <= R(theta[n]) - 0.1*{h}*norm({direction})^2",
            f"norm(grad R({point})) < norm(g)", f"{h} < 0.01", f"norm({h}*{direction}) < {dice.choice((0.01, 0.1, 1))}",
        ))  # fmt: skip
        shrink = [f"    {h} = {h}/{dice.choice((2, 3, 10))}"]
        if dice.random() < 0.3:
            shrink.append(f"    {direction} = {self.vector(2)}")
        until = [f"    until {goal}"]
        body = until + shrink if dice.random() < 0.7 else shrink + until
        self.numbers.append(h)
        self.local_numbers.append(h)
        return [f"{h} = {self.scale()}", f"repeat at most {dice.choice((1, 4, 30))}:", *body]

    def each(self) -> list[str]:
        self.named += 1
        name = self.dice.choice(self.local_vectors)
        return [f"    {name} = {name} - {self.scale()}*grad R[i](theta[n] - {self.scale()}*{name})"]

    # -- expressions ---------------------------------------------------------------------------------

    def evaluated(self, what: str) -> str:
        dice = self.dice
        if self.visits:
            what += dice.choice(("[1]", "[m]", ""))
        point = dice.choice(
            ("theta[n]", "theta[n]", f"theta[n] - {self.scale()}*{self.vector(1)}", *self.vectors)
        )
        return f"{what}({point})"

    def expression(self, kind: str) -> str:
        return self.vector(2) if kind == "vector" else self.number(2)

    def scale(self) -> str:
        return self.dice.choice(("eta", "0.1", "eta/2", "eta*beta", "0.01"))

    def condition(self) -> str:
        dice = self.dice
        compared = dice.choice(("<", "<=", ">", ">=", "<", ">"))
        one = f"{self.number(1)} {compared} {dice.choice(('0', '1', '0.3', self.number(1)))}"
        other = dice.choice(("n > 2", "n < 2", "norm(g) < 1", f"{self.number(1)} > 0.1"))
        return dice.choice((one, one, other, f"{one} and {other}", f"{one} or {other}", f"not {one}"))

    def number(self, depth: int) -> str:
        dice = self.dice
        a, b = dice.choice(self.numbers), dice.choice((*self.numbers, "0.5", "2", "n"))
        v, w = dice.choice(self.vectors), dice.choice(self.vectors)
        if depth <= 0:
            return a
        c = self.number(depth - 1)
        return dice.choice((
            a, f"norm({v})", f"norm({v})", f"sum({v}*{w})", f"max(|{v}|)", f"{a} + {c}", f"{a}*{c}", f"{a} - {b}",
            f"{a}/({b} + 2)", f"sqrt(|{c}|)", f"max({a}, {c})", f"min({b}, {c})", f"exp(-|{c}|)", f"tanh({c})",
            f"norm({v})^2", f"norm({v} - {w})", f"({a} if {b} > {c} else {c})", f"mean({v}^2)", f"sqrt(sum({v}^2) + 0.01)",
        ))  # fmt: skip

    def vector(self, depth: int) -> str:
        dice = self.dice
        v, w = dice.choice(self.vectors), dice.choice(self.vectors)
        if depth <= 0:
            return v
        a, u = self.number(depth - 1), self.vector(depth - 1)
        return dice.choice((
            v, f"{a}*{u}", f"({v} + {u})", f"({v} - {self.scale()}*{u})", f"{v}*{u}", f"{v}/(1 + |{w}|)", f"tanh({u})",
            f"{v}/(norm({w}) + 0.1)", f"max({v}, {w})", f"min({v}, {u})", f"|{u}|", f"(beta*{v} + (1 - beta)*{w})",
            f"where({v} > {w}, {u}, {v})", f"{v}*min(1, 0.5/norm({v}))", f"{v}/sqrt({u}^2 + 0.01)",
            f"({v} if {a} > 0.2 else {w})",
        ))  # fmt: skip


# -- judging -----------------------------------------------------------------------------------------


@dataclass
class Trained:
    program: ir.Program
    starts: Any
    x: Any
    y: Any
    runs: list[tuple[Any, Any, Any, Any]]
    """theta, vectors, scalars and counters of each."""


def trained(text: str, shape: Shape, seed: int) -> Trained | None:
    """By its kernels, run as plain Python; None if the program is refused."""
    facts = Facts(2, 1, 11) if "network" in text else None
    try:
        program = pipeline.to_ir(pipeline.to_spec(pipeline.to_ast(Source("rule.net", text)), facts, Path()))
    except SpecError:
        return None
    target = Cpu(Machine(lanes=4, registers=16))
    kernels = plain(pipeline.to_text(pipeline.to_loops(program, target, 11 if facts else 1), target))
    vars(kernels).update(float64=np.float64, float32=np.float32)
    dice = np.random.default_rng(seed)
    x, y = dice.standard_normal((11, 2)), dice.uniform(0.1, 0.9, (11, 1))
    starts = dice.uniform(-1, 1, (shape.runs, shape.parameters))
    with np.errstate(all="ignore"):
        return Trained(program, starts, x, y, list(_advanced(kernels, program, starts, x, y, shape.real)))


def judged(text: str, shape: Shape, seed: int) -> str | None:
    """What differs, empty if nothing does, None if the program is refused."""
    made = trained(text, shape, seed)
    if made is None:
        return None
    squared = re.search(r"norm\([^()]*\)\^2", text) is not None  # its square is never rooted in a kernel
    with np.errstate(all="ignore"):
        for start, one in zip(made.starts, made.runs, strict=True):
            if said := _compared(made.program, shape, squared, start, made.x, made.y, *one):
                return said
    return ""


def _advanced(
    kernels: ModuleType, program: ir.Program, starts: Any, x: Any, y: Any, real: Any
) -> Iterator[tuple[Any, Any, Any, Any]]:
    """By the kernels, in two calls: theta, vectors, scalars and counters of each run."""
    runs, parameters = starts.shape
    sampled = program.problem.sampled
    samples = (
        lay_out(x, y, kernels.BLOCK, real, bool(kernels.BY_SAMPLE))
        if sampled
        else no_samples(kernels.BLOCK, real)
    )
    theta = np.zeros((runs, kernels.STRIDE), real)
    theta[:, :parameters] = starts
    vectors = np.zeros((runs, kernels.VECTORS, kernels.STRIDE), real)
    scalars, figures, counters = (
        np.zeros((runs, kernels.SCALARS)),
        np.zeros((runs, 3)),
        np.zeros((runs, 5), np.int64),
    )
    hyper = np.array([h.value for h in program.rule.hypers])
    order = np.tile(np.arange(samples.count, dtype=np.int64), (runs, 1))
    cuts = bounds(program.training.batches, samples.count)
    vars(kernels)["shuffle"] = _shuffle
    kernels.start(theta, vectors, scalars, hyper)
    for last in (2, STEPS):
        kernels.advance(np.arange(runs), theta, vectors, scalars, counters, figures, hyper, samples.x, samples.y, cuts,
                        order, np.zeros(kernels.SCRATCH, real), program.training.seed, last)  # fmt: skip
    for run in range(runs):
        yield theta[run, :parameters], vectors[run, :, :parameters], scalars[run], counters[run]


def _shuffle(order: Any, key: int, run: int, epoch: int) -> None:
    order[:] = permutation(len(order), key, run, Purpose.SHUFFLE, epoch)


def _compared(
    program: ir.Program,
    shape: Shape,
    squared: bool,
    start: Any,
    x: Any,
    y: Any,
    theta: Any,
    vectors: Any,
    scalars: Any,
    counters: Any,
) -> str:
    cuts, training = bounds(program.training.batches, len(x)), program.training
    order = (
        (lambda epoch: permutation(len(x), training.seed, 0, Purpose.SHUFFLE, epoch))
        if training.batches.shuffle
        else None
    )
    if not program.problem.sampled:
        x, y, cuts, order = np.zeros((1, 1)), np.zeros((1, 1)), np.array([0, 1]), None
    expected = interpret.run(program, start, x, y, STEPS, cuts.tolist(), order)
    exact = shape.exact and not squared
    counts = [expected.iterations, expected.loss_evaluations, expected.gradient_evaluations, expected.status]
    if counters[:4].tolist() != counts:
        return (
            f"iterations, losses, gradients, status are {counters[:4].tolist()}, the interpreter's {counts}"
        )
    if not _same(theta, expected.trajectory[-1], exact, shape.real):
        return f"theta is {theta}, the interpreter's {expected.trajectory[-1]}"
    kept = [state for state in program.rule.states if not state.per_batch and state.name != "theta"]
    for found, states in ((vectors, [s for s in kept if s.axes]), (scalars, [s for s in kept if not s.axes])):
        for value, state in zip(found, states, strict=False):
            if not _same(value, expected.states[state.name], exact, shape.real):
                return f"{state.name} is {value}, the interpreter's {expected.states[state.name]}"
    return ""


def _same(found: Any, expected: Any, exact: bool, real: Any) -> bool:
    close = {"rtol": 1e-8, "atol": 1e-10} if real is np.float64 else {"rtol": 1e-3, "atol": 1e-4}
    if exact:
        return np.array_equal(found, expected, equal_nan=True)
    return np.allclose(found, expected, equal_nan=True, **close)


def programs(count: int, seed: int) -> Iterator[tuple[str, Shape]]:
    rules, dice = Rules(seed), random.Random(seed)
    for _ in range(count):
        shape = dice.choice(SHAPES)
        rule = rules.rule(visits="parts" in shape.more)
        init = "" if "network" in shape.problem else "init theta ~ uniform(-1, 1)\n"
        more = shape.more + (f", runs = {shape.runs}" if shape.runs > 1 else "")
        schedule = dice.choice(("", "", *SCHEDULES))
        stop = dice.choice(
            ("", "", ", stop = norm(grad R) < 0.3", ", diverged = R > 2", ", stop = loss < 0.1")
        )
        yield f"{shape.problem}{init}{rule}{schedule}train steps = {STEPS}{more}{stop}\n", shape


def judge(count: int, seed: int) -> tuple[int, int]:
    """How many rules are refused, and how many kernels are not the interpreter's; each of these is printed."""
    refused = wrong = 0
    for number, (text, shape) in enumerate(programs(count, seed)):
        said = judged(text, shape, number)
        refused += said is None
        if said:
            wrong += 1
            print(f"--- rule {number} of seed {seed}\n{text}--- {said}\n", flush=True)
    return refused, wrong


if __name__ == "__main__":
    reader = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    reader.add_argument("--rules", type=int, default=1000)
    reader.add_argument("--seed", type=int, default=0)
    chosen = reader.parse_args()
    left, failed = judge(chosen.rules, chosen.seed)
    print(f"{chosen.rules} rules, {left} refused, {failed} kernels are not the interpreter's")
    sys.exit(bool(failed))
