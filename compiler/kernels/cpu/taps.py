"""Register tiles of sums of products over any places: windows, tokens, heads; and their sums over samples.

    taps   rows x vectors of samples: a weight broadcast times a vector     convolution, and its gradient by the input
    pairs  the same, both factors of the sample                             attention
    fold   rows x columns, summed over the samples too                      the gradient by weights

A tile's vectors are neighbouring places, or neighbouring vectors of samples. Its terms are three nested sums with steps
that are arguments, so that nothing of a layer is compiled in: a function is of all programs, named after its tile. Where
places may lie outside of an array, the sums are cut to those inside: no condition in the loops. What calls them
is in `nests`.
"""

from __future__ import annotations

from typing import Literal

from netc.compiler.kernels import loops as L
from netc.compiler.kernels.cpu.tiles import multiples, times

Kind = Literal["taps", "pairs", "fold"]

INNER = ("n1", "left1", "right1", "n2", "left2", "right2", "n3", "left3", "right3")
"""Terms of the sums, and the steps in both factors."""
OUTER = ("ny", "left_y", "right_y", "out_y", "nx", "left_x", "right_x", "out_x")
CUTS = ("first_y", "per_y", "step_y", "size_y", "first_x", "per_x", "step_x", "size_x")
"""Place `first + per*y + step*k2` is one of `size`; likewise of x and k3."""
SIDES = ("left", "at_left", "across", "rows", "right", "at_right", "apart", "columns")
RESULT = ("scratch", "out", "wide", "narrow")
"""`out + row*wide + column*narrow`."""
START = ("start", "at_start", "up")
GROUPS = {
    "taps": (4, 4, 3, 4, 2, 9, 8, 8),
    "pairs": (4, 4, 3, 4, 2, 9, 8, 8),
    "fold": (4, 4, 4, 2, 9, 8, 8),
}
"""Arguments that belong together, in a call."""
ARRAYS = ("left", "right", "start", "scratch")


def name(kind: Kind, height: int, vectors: int) -> str:
    return f"{kind}_{height}x{vectors}"


def function(kind: Kind, height: int, vectors: int, lanes: int) -> L.Function:
    given: tuple[str, ...]
    if kind == "fold":
        given, samples = (*SIDES, *RESULT, "width", "valid"), _fold_body(height, vectors, lanes)
        note = "out[r, c] += sum over samples and k of left[at_left + r*across + k...] * right[at_right + c*apart + k...]."
    else:
        given, samples = (*SIDES, *START, *RESULT, "width", "stride"), _taps_body(kind, height, vectors)
        note = "out[r, c] = start[r] + sum over k of left[at_left + r*across + k...] * right[at_right + c*apart + k...]."
    parameters = (*given, *INNER, *OUTER, *CUTS)
    body: list[L.Stmt] = [*_tile_places(), *samples]
    around = [("x", "nx", 1, _cut("x", "3")), ("y", "ny", 1, _cut("y", "2"))]
    columns = ("c", "columns", vectors, list[L.Stmt]())
    # A window's neighbours are read again at the next place; in sums over places all of them again for the next tap.
    for index, stop, step, first in [*around, columns] if kind == "fold" else [columns, *around]:
        body = [L.loop(index, stop, [*first, *body], step=step)]
    body = [L.loop("r", "rows", body, step=height)]
    steps = [(n, height) for n in ("across", "wide")] + [(n, vectors) for n in ("apart", "narrow")]
    before = [s for step, most in steps for s in multiples(step, most)]
    types = tuple("reals" if p in ARRAYS else "int64" for p in parameters)
    return L.Function(name(kind, height, vectors), parameters, (*before, *body), note, types=types)


def _cut(axis: str, k: str) -> list[L.Stmt]:
    """The terms whose places lie inside: from begin to end."""
    first, step, size = L.Name(f"p{k}"), f"step_{axis}", f"size_{axis}"
    below = L.call("floordiv", first, step)
    above = L.call("floordiv", L.call("sub", L.call("add", size, step), L.call("add", first, 1)), step)
    return [
        L.let(f"p{k}", L.add(f"first_{axis}", L.mul(f"per_{axis}", axis))),
        L.let(f"begin{k}", L.call("neg", L.call("least", 0, below))),
        L.let(f"end{k}", L.call("least", f"n{k}", above)),
    ]


def _tile_places() -> list[L.Stmt]:
    """Of the tile's first row and column, at the first terms of the inner sums."""

    def place(start: str, side: str, step: str, index: str) -> L.Expr:
        inner = L.add(L.mul("begin2", f"{side}2"), L.mul("begin3", f"{side}3"))
        outer = L.add(L.mul("y", f"{side}_y"), L.mul("x", f"{side}_x"))
        return L.add(L.add(L.add(start, L.mul(index, step)), outer), inner)

    result = L.add(L.add("out", L.mul("r", "wide")), L.mul("c", "narrow"))
    return [
        L.let("w", place("at_left", "left", "across", "r")),
        L.let("s", place("at_right", "right", "apart", "c")),
        L.let("to", L.add(result, L.add(L.mul("y", "out_y"), L.mul("x", "out_x")))),
    ]


def _sums(step: list[L.Stmt], offset: L.Expr | int) -> list[L.Stmt]:
    """The nested sums; `w1`, `s1` ... are where the factors are in each of them."""

    def moved(k: int) -> list[L.Stmt]:
        return [
            L.let(f"w{k}", L.add(f"w{k}", f"left{k}")),
            L.let(f"s{k}", L.add(f"s{k}", f"right{k}")),
        ]

    def begun(k: int) -> list[L.Stmt]:
        return [L.let(f"w{k}", L.Name(f"w{k - 1}")), L.let(f"s{k}", L.Name(f"s{k - 1}"))]

    third = L.loop("k3", "end3", [*step, *moved(3)], start="begin3")
    second = L.loop("k2", "end2", [*begun(3), third, *moved(2)], start="begin2")
    first = L.loop("k1", "n1", [*begun(2), second, *moved(1)])
    return [L.let("s1", L.add("s", offset)), first]


def _step(kind: Kind, height: int, vectors: int) -> list[L.Stmt]:
    """A term of each sum of the tile. In a sum over samples those beyond the last one are 0, whatever stands there."""

    def loaded(array: str, at: L.Expr) -> L.Expr:
        found = L.load(array, at)
        return L.call("keep", found, "inside", 0.0) if kind == "fold" else found

    step: list[L.Stmt] = [
        L.let(f"x{v}", loaded("right", L.add("s3", times(v, "apart")))) for v in range(vectors)
    ]
    for r in range(height):
        at = L.add("w3", times(r, "across"))
        step.append(L.let(f"a{r}", L.call("broadcast", "left", at) if kind == "taps" else loaded("left", at)))
        step += [L.let(f"c{r}_{v}", L.call("fma", f"a{r}", f"x{v}", f"c{r}_{v}")) for v in range(vectors)]
    return step


def _taps_body(kind: Kind, height: int, vectors: int) -> list[L.Stmt]:
    spots = [(r, v) for r in range(height) for v in range(vectors)]
    start: list[L.Stmt] = [
        L.let(f"b{r}", L.call("broadcast", "start", L.add("at_start", L.mul(L.add("r", r), "up"))))
        for r in range(height)
    ]
    start += [L.let(f"c{r}_{v}", L.Name(f"b{r}")) for r, v in spots]
    put = [
        L.store("scratch", L.add(L.add(L.add("to", "j"), times(r, "wide")), times(v, "narrow")), f"c{r}_{v}")
        for r, v in spots
    ]
    step = _step(kind, height, vectors)
    first = L.Name("w") if kind == "taps" else L.add("w", "j")
    return [
        L.loop("j", "width", [*start, L.let("w1", first), *_sums(step, L.Name("j")), *put], step="stride")
    ]


def _fold_body(height: int, vectors: int, lanes: int) -> list[L.Stmt]:
    spots = [(r, v) for r in range(height) for v in range(vectors)]
    body: list[L.Stmt] = [L.let(f"c{r}_{v}", L.call("splat", 0.0)) for r, v in spots]
    inner: list[L.Stmt] = [
        L.let("inside", L.call("sub", "valid", "j")),
        L.let("w1", L.add("w", "j")),
        *_sums(_step("fold", height, vectors), L.Name("j")),
    ]
    body.append(L.loop("j", "width", inner, step=lanes))
    for r, v in spots:
        place = L.add(L.add("to", times(r, "wide")), times(v, "narrow"))
        total = L.call("add", L.At(L.Name("scratch"), L.Name("q")), L.call("hsum", f"c{r}_{v}"))
        body += [L.let("q", place), L.Store(L.Name("scratch"), L.Name("q"), total)]
    return body
