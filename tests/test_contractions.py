"""Sums of products over places, in whole numbers: the parts into which a stride or a border cuts one, and the loops of its
tiles, add up to what the definition of a View says; what is of a sample is written once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product

import numpy as np
import pytest

from hand_built import add, mul, total
from netc.compiler.calculus.ir import SAMPLES, Axis, Const, Expr, Index, Let, Reduce, Var, View, apply
from netc.compiler.kernels.contractions import Contraction, contraction, terms
from netc.compiler.kernels.cpu.nests import Tiles
from netc.compiler.kernels.cpu.steps import Nest
from netc.compiler.kernels.machine import Machine
from netc.compiler.kernels.strided import inside, phases

COUNT = 2
"""Samples; their axis is the last one of an array here."""
Env = Mapping[Axis, int]


@dataclass
class Case:
    let: Let
    arrays: dict[str, np.ndarray]
    expected: np.ndarray
    """In the order of the let's axes, without the samples."""

    @property
    def added(self) -> bool:
        """Sums over samples are added to what is there, the others written."""
        return SAMPLES not in self.let.axes


def place(index: Index, size: int, env: Env) -> int | None:
    """As the definition says."""
    found, left = divmod(index.offset + sum(f * env[a] for a, f in index.terms), index.divisor)
    return found if not left and 0 <= found < size else None


def made(rng: np.random.Generator, kind: str) -> Case:
    """`taps`: weights times values of samples; `pairs`: both are values; `fold`: summed over samples and places. Windows of
    one or two dimensions move by any steps, some are seen through a second View, so that two borders cut one loop."""

    def number(low: int, high: int) -> int:
        return int(rng.integers(low, high + 1))

    dims = range(number(1, 2))
    o, c = Axis("o", number(1, 3)), Axis("c", number(1, 2))
    h, k, p, r = ([Axis(f"{name}{d}", number(1, 4)) for d in dims] for name in "hkpr")
    steps = [1, 1, 1, 2, 2, 3, -1, -2]
    if len(dims) > 1 and rng.random() < 0.3:  # a diagonal: one loop moves both windows
        k = [k[0], k[0]]

    def moved(*axes: Axis) -> tuple[tuple[Axis, int], ...]:
        return tuple((a, int(rng.choice(steps))) for a in axes if len(axes) == 1 or rng.random() < 0.9)

    outer = [
        Index(
            moved(h[d], k[d], *([c] if rng.random() < 0.15 else [])),
            number(-3, 3),
            int(rng.choice([1, 1, 2, 3, 4])),
        )
        for d in dims
    ]
    inner = [Index(moved(p[d]), number(-2, 2), int(rng.choice([1, 1, 1, 2]))) for d in dims]
    again = [bool(rng.random() < 0.3) for _ in dims]
    seen = [r[d] if again[d] else p[d] for d in dims]
    x = Var("x", (SAMPLES, c, *seen))
    view: Expr = x
    for d in dims:
        view = View(view, r[d], inner[d]) if again[d] else view
    for d in dims:
        view = View(view, p[d], outer[d])
    k = [*dict.fromkeys(k)]
    left = {"taps": (o, c, *k), "pairs": (SAMPLES, o, c, *k), "fold": (SAMPLES, o, *h)}[kind]
    w, bias = Var("w", left), Var("b", (o,))
    over = (SAMPLES, *h) if kind == "fold" else (c, *k)
    axes = (o, c, *k) if kind == "fold" else (SAMPLES, o, *h)
    value = total(mul(w, view), *over)
    started = kind != "fold" and bool(rng.random() < 0.5)
    let = Let("z", axes, add(value, bias) if started else value)

    def array(v: Var) -> np.ndarray:
        sizes = [a.size or 0 for a in v.axes if a != SAMPLES]
        return rng.integers(-9, 10, (*sizes, COUNT if SAMPLES in v.axes else 1))

    arrays = {v.name: array(v) for v in (x, w, bias)}
    expected = np.zeros([*(a.size or 0 for a in axes if a != SAMPLES), 1 if kind == "fold" else COUNT], int)
    if started:
        expected += arrays["b"].reshape(-1, *[1] * len(dims), 1)
    for env in all_of((o, c, *h, *k)):
        places: list[int] = []
        for d in dims:
            at = place(outer[d], p[d].size or 0, env)
            at = place(inner[d], r[d].size or 0, {p[d]: at}) if again[d] and at is not None else at
            places += [] if at is None else [at]
        if len(places) == len(dims):
            one = arrays["w"][tuple(env[a] for a in left if a != SAMPLES)] * arrays["x"][(env[c], *places)]
            expected[tuple(env[a] for a in axes if a != SAMPLES)] += one.sum() if kind == "fold" else one
    return Case(let, arrays, expected)


def all_of(axes: Sequence[Axis]) -> Iterator[dict[Axis, int]]:
    for values in product(*(range(a.size or 0) for a in axes)):
        yield dict(zip(axes, values, strict=True))


def by_parts(parts: Iterable[Contraction], case: Case) -> np.ndarray:
    """Each part by its own definition."""
    found, times = np.zeros_like(case.expected), np.zeros(case.expected.shape[:-1], int)
    for c in parts:
        for env in all_of(c.axes):
            where = tuple(place(i, a.size or 0, env) for a, i in c.out)
            assert None not in where
            times[where] += 1
            if c.start:
                found[where] += case.arrays["b"][
                    tuple(i for (a, _), i in zip(c.out, where, strict=True) if a in c.start.axes)
                ]
            for term in all_of(c.over):
                here = env | term
                if any(place(g.index, g.size, here) is None for g in c.guards):
                    continue
                factors = []
                for f in c.factors:
                    assert isinstance(f.array, Var)
                    at = tuple(place(i, a.size or 0, here) for a, i in f.places)
                    assert None not in at
                    factors.append(case.arrays[f.array.name][at])
                one = factors[0] * factors[1]
                found[where] += one.sum() if c.summed else one
    assert (times >= 1).all()
    assert case.added or (times == 1).all()
    return found


def by_loops(nests: Iterable[Nest], case: Case, tiles: Tiles) -> np.ndarray:
    """Each tile's loops, in arrays that lie as the tiles expect."""
    sources = [v for n in nests for v in (n.left, n.right, n.start) if v]
    flat = {v.name: laid(case.arrays[v.name], v, tiles) for v in sources}
    found = laid(np.zeros_like(case.expected), case.let.var, tiles)
    times = np.zeros(len(found), int)
    for n in nests:
        for part in n.parts:
            if n.columns is None and part.first_column:
                continue  # other samples
            row, column = n.rows.steps, n.columns.steps if n.columns else n.base.times(0)
            columns = range(part.columns if n.columns else 1)
            outer = [
                range(part.rows),
                columns,
                range(n.y.size),
                range(n.x.size),
                *(range(a.size) for a in n.around),
            ]
            holds = all(place(g.index, g.size, {}) is not None for g in n.conditions)
            for i, j, y, x, *rest in product(*outer):
                at = n.base.plus(row.times(part.first_row + i)).plus(
                    column.times((part.first_column if n.columns else 0) + j)
                )
                for loop, turn in zip((n.y, n.x, *n.around), (y, x, *rest), strict=True):
                    at = at.plus(loop.steps.times(turn))
                times[at.out] += 1
                found[at.out] += flat[n.start.name][at.start] if n.start else 0
                for counts in product(*(range(t.size) for t in n.inner)):
                    cuts = [(n.cuts[0], y, counts[1]), (n.cuts[1], x, counts[2])]
                    if not holds or not all(
                        0 <= c.first + c.per * a + c.step * b < c.size for c, a, b in cuts
                    ):
                        continue
                    here = at
                    for loop, turn in zip(n.inner, counts, strict=True):
                        here = here.plus(loop.steps.times(turn))
                    assert min(here.left, here.right) >= 0
                    one = flat[n.left.name][here.left] * flat[n.right.name][here.right]
                    found[at.out] += one.sum() if n.kind == "fold" else one
    assert case.added or set(times[[*spots(case.let.var, tiles)]]) == {1}
    return found[[*spots(case.let.var, tiles)]].reshape(case.expected.shape)


def spots(v: Var, tiles: Tiles) -> Iterator[int]:
    """Where the numbers of an array lie, in their order."""
    steps = tiles.strides(v)
    return (sum(steps[a] * i for a, i in env.items()) for env in all_of([a for a in v.axes if a != SAMPLES]))


def laid(array: np.ndarray, v: Var, tiles: Tiles) -> np.ndarray:
    out = np.zeros((tiles.places(v), array.shape[-1]), array.dtype)
    out[[*spots(v, tiles)]] = array.reshape(-1, array.shape[-1])
    return out


MACHINES = (Machine(4, 16), Machine(2, 8), Machine(8, 32))


@pytest.mark.parametrize("kind", ["taps", "pairs", "fold"])
def test_parts_and_loops_add_up_to_the_whole(kind: str) -> None:
    rng, known, cut, ended, tiled = np.random.default_rng(5), 0, 0, 0, 0
    for number in range(50):
        case = made(rng, kind)
        whole = contraction(case.let)
        if whole is None:
            continue
        known += 1
        np.testing.assert_array_equal(by_parts([whole], case), case.expected)
        parts = phases(whole)
        if parts is None:
            continue
        cut += len(parts) > 1
        assert all(i.divisor == 1 for part in parts for i in part.indices)
        np.testing.assert_array_equal(by_parts(parts, case), case.expected)
        for i, part in enumerate(parts):
            for way in inside(part):
                ended += 1
                np.testing.assert_array_equal(
                    by_parts([*parts[:i], *way, *parts[i + 1 :]], case), case.expected
                )
        tiles = Tiles(MACHINES[number % 3], (0, 2, 3)[number % 3], 2, frozenset({"w", "b"}))
        if nests := tiles.nests(case.let, None):
            tiled += 1
            np.testing.assert_array_equal(by_loops(nests, case, tiles), case.expected)
    assert min(known, cut, ended, tiled) > 3


U, H, K, P, N = Axis("u", 2), Axis("h", 3), Axis("k", 2), Axis("p", 4), Axis("m", 5)
W, X = Var("w", (U, K)), Var("x", (SAMPLES, P))
WINDOW = Index(((H, 1), (K, 1)))
SEEN = View(X, P, WINDOW)
SAMPLED = (SAMPLES, U, H)
OTHERS: dict[str, tuple[tuple[Axis, ...], Expr]] = {
    "a border of another number than 0": (SAMPLED, total(mul(W, View(X, P, WINDOW, -1.0)), K)),
    "a view along the samples": ((U, H, P), total(mul(W, View(X, SAMPLES, WINDOW)), K)),
    "places that are rounded": (
        SAMPLED,
        total(mul(W, View(X, P, replace(WINDOW, divisor=2, floor=True))), K),
    ),
    "a maximum": (SAMPLED, Reduce("max", mul(W, SEEN), (K,))),
    "a mean of each layer": (SAMPLED, Reduce("sum", mul(W, SEEN), (K,), "layer")),
    "one factor": ((SAMPLES, H), total(SEEN, K)),
    "no sum": ((SAMPLES, U, H, K), mul(W, SEEN)),
    "three factors over axes of their own": (
        SAMPLED,
        total(mul(mul(Var("a", (U,)), Var("b", (SAMPLES, H))), Var("c", (K,))), K),
    ),
    "a factor without a name": (SAMPLED, total(mul(W, apply("exp", SEEN)), K)),
    "a number added that each sample has": (SAMPLED, add(total(mul(W, SEEN), K), Var("b", (SAMPLES, U)))),
    "what is of no sample": ((U, N), total(mul(W, Var("v", (K, N))), K)),
}


def test_sums_of_products_that_tiles_know() -> None:
    assert contraction(Let("z", SAMPLED, total(mul(W, SEEN), K))) is not None
    assert contraction(Let("z", SAMPLED, add(total(mul(W, SEEN), K), Var("b", (U,))))) is not None
    assert contraction(Let("z", (U, K), total(mul(Var("d", SAMPLED), SEEN), SAMPLES, H))) is not None


@pytest.mark.parametrize("name", OTHERS)
def test_what_is_none_of_them(name: str) -> None:
    axes, value = OTHERS[name]
    assert contraction(Let("z", axes, value)) is None


def test_a_number_of_several_arrays_is_a_factor_of_the_one_it_goes_with() -> None:
    """Twice a bias over o goes with the weights over o and k; what does not change at all with the smaller array."""
    scaled = mul(mul(Const(2.0), Var("a", (U,))), mul(W, SEEN))
    found = terms(total(scaled, K))
    assert found is not None
    assert {frozenset(f.array.axes) for f in found.factors} == {frozenset((U, K)), frozenset((SAMPLES, P))}


def test_a_stride_of_more_phases_than_are_worth_it() -> None:
    """A window of one place that moves by so many: as many phases as places."""
    for stride, known in ((16, True), (17, False)):
        places = Axis("h", stride)
        view = View(X, P, Index(((places, 1), (K, 1)), 0, stride))
        whole = contraction(Let("z", (SAMPLES, U, places), total(mul(W, view), K)))
        assert whole is not None
        assert (phases(whole) is not None) == known
