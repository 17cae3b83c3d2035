"""Generated data: points, and what stands at each of them. Draws no numbers: noise is given to it.

`x in linspace(-1, 1, 50) -> sin(3*x) + normal(0, 0.05)` is 50 points, one expression, one noise.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from itertools import product
from typing import Literal

from netc.compiler.meaning.resolve_values import NotANumber, is_whole, number
from netc.dsl import ast
from netc.dsl.record import record
from netc.dsl.walks import rebuild

Row = tuple[tuple[float, ...], tuple[float, ...]]
Point = tuple[float, ...]

MOST = 1_000_000
"""Generated samples, so that a slip of the finger does not fill the memory."""


@record
class Noise:
    """One `normal(mean, deviation)` or `uniform(low, high)`, known as `name` to what stands around it."""

    name: str
    law: Literal["normal", "uniform"]
    first: ast.Expr
    second: ast.Expr

    def at(self, known: dict[str, float], drawn: float) -> float:
        """`drawn` is of the standard law: mean 0 and deviation 1, or from 0 to 1."""
        first, second = number(self.first, known), number(self.second, known)
        if self.law == "uniform":
            if first > second:
                raise NotANumber("a uniform law goes from the lower to the upper end", self.second.span)
            return first + (second - first) * drawn
        if second < 0:
            raise NotANumber("a deviation is not negative", self.second.span)
        return first + second * drawn


@record
class Generated:
    """The points of a set, and the expressions for inputs (none: the point itself) and outputs."""

    names: tuple[str, ...]
    points: tuple[Point, ...]
    inputs: tuple[ast.Expr, ...]
    outputs: tuple[ast.Expr, ...]
    noises: tuple[Noise, ...]

    def rows(self, draw: Callable[[int, int], float]) -> Iterator[Row]:
        """`draw(i, k)`: the standard number of noise k in sample i. Raises NotANumber."""
        for i, point in enumerate(self.points):
            known = dict(zip(self.names, point, strict=True))
            for k, noise in enumerate(self.noises):
                known[noise.name] = noise.at(known, draw(i, k))
            given = tuple(number(e, known) for e in self.inputs) if self.inputs else point
            yield given, tuple(number(e, known) for e in self.outputs)


def generated(
    names: Sequence[str],
    points: Sequence[Point],
    inputs: Sequence[ast.Expr],
    outputs: Sequence[ast.Expr],
) -> Generated:
    noises: list[Noise] = []

    def without(expr: ast.Expr) -> ast.Expr:
        """With a name in the place of each noise, those inside a noise's arguments first."""
        expr = rebuild(expr, without)
        match expr:
            case ast.Call(ast.Name("normal" | "uniform" as law), arguments):
                if len(arguments) != 2 or any(a.name is not None for a in arguments):
                    wanted = "normal(mean, deviation)" if law == "normal" else "uniform(low, high)"
                    raise NotANumber(f"noise is {wanted}", expr.span)
                name = f"noise {len(noises) + 1}"
                noises.append(Noise(name, law, arguments[0].value, arguments[1].value))
                return ast.Name(name, span=expr.span)
        return expr

    plain = tuple(map(without, inputs)), tuple(map(without, outputs))
    return Generated(tuple(names), tuple(points), *plain, tuple(noises))


def points_of(values: ast.Expr) -> list[Point]:
    """Raises NotANumber where these are no points."""
    match values:
        case ast.Call(ast.Name("linspace"), (start, stop, count)):
            return [(v,) for v in linspace(number(start.value), number(stop.value), _count(count.value))]
        case ast.Call(ast.Name("grid"), (*ranges, last)) if last.name == "points":
            axes = [a.value for a in ranges if isinstance(a.value, ast.Range)]
            if len(axes) == len(ranges):
                points = _count(last.value)
                if points ** len(axes) > MOST:
                    raise NotANumber(f"the grid has more than {MOST} points", values.span)
                return list(product(*(linspace(number(a.start), number(a.stop), points) for a in axes)))
        case ast.Set(items):
            return [tuple(number(i) for i in (p.items if isinstance(p, ast.Tuple) else (p,))) for p in items]
        case ast.Range(start, stop):
            ends = number(start), number(stop)
            if not all(map(math.isfinite, ends)):
                raise NotANumber("a range has two finite ends", values.span)
            first, last_one = math.ceil(ends[0]), math.floor(ends[1])
            if last_one - first >= MOST:
                raise NotANumber(f"the range has more than {MOST} numbers", values.span)
            return [(float(v),) for v in range(first, last_one + 1)]
    raise NotANumber(
        "points are linspace(start, stop, count), grid(a..b, ..., points = count), {...} or 1..10",
        values.span,
    )


def _count(expr: ast.Expr) -> int:
    found = number(expr)
    if not is_whole(found) or not 1 <= found <= MOST:
        raise NotANumber(f"the number of points is a whole number from 1 to {MOST}", expr.span)
    return int(found)


def linspace(start: float, stop: float, count: int) -> list[float]:
    """`count` points from start to stop, both included."""
    if count == 1:
        return [start]
    return [start + (stop - start) * i / (count - 1) for i in range(count)]
