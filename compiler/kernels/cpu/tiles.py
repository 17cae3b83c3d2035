"""The three register tiles that all layers share: a product of matrices, and the sums of the weight gradient.

Each is one compiled function for all layers, forward and backward: offsets and strides are its arguments.
The lanes are samples; `j` runs over the samples of a block. Which layer calls what is in `network`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from netc.compiler.kernels import loops as L
from netc.compiler.kernels.cpu.plan import TILE_VECTORS, Plan


def product(plan: Plan) -> L.Function:
    """Tiles of `plan.height` rows times two vectors of samples; the last may be over rows of the one before."""

    parameters = ("theta", "weight", "across", "down", "start", "bias", "rows", "inner", "source", "at", "stride",
                  "scratch", "out", "width")  # fmt: skip
    before = multiples("across", plan.height)
    note = "out[o] = start[bias + o] + sum over k of theta[weight + o*across + k*down] * source[at + k*stride], on a block."
    return L.Function(
        "product",
        parameters,
        (*before, *covering("o", "rows", plan.height, partial(_product_tile, plan))),
        note,
        types=types(parameters),
    )


def _product_tile(plan: Plan, height: int) -> list[L.Stmt]:
    spots = [(r, v) for r in range(height) for v in range(TILE_VECTORS)]
    accumulator = "c{}_{}".format
    step: list[L.Stmt] = [
        L.let(f"x{v}", L.load("source", L.add("s", v * plan.lanes))) for v in range(TILE_VECTORS)
    ]
    for r in range(height):
        step.append(L.let(f"w{r}", L.call("broadcast", "theta", L.add("w", times(r, "across")))))
        step += [
            L.let(accumulator(r, v), L.call("fma", f"w{r}", f"x{v}", accumulator(r, v)))
            for v in range(TILE_VECTORS)
        ]
    step += [L.let("w", L.add("w", "down")), L.let("s", L.add("s", "stride"))]
    first = [
        L.let(accumulator(r, v), L.call("broadcast", "start", L.add(L.add("bias", "o"), r))) for r, v in spots
    ]
    put = [
        L.store("scratch", L.add("p", r * plan.block + v * plan.lanes), accumulator(r, v)) for r, v in spots
    ]
    body: list[L.Stmt] = [
        *first,
        L.let("w", L.add("weight", L.mul("o", "across"))),
        L.let("s", L.add("at", "j")),
        L.loop("k", "inner", step),
        L.let("p", L.add(L.add(L.mul("o", plan.block), "out"), "j")),
        *put,
    ]
    return [L.loop("j", "width", body, step=plan.step)]


def times(count: int, name: str) -> L.Expr:
    """`count * name`, by the name it has in the function; see `multiples`."""
    return L.Int(0) if count == 0 else L.Name(name if count == 1 else f"{name}{count}")


def multiples(name: str, count: int) -> list[L.Stmt]:
    """The names of `2 * name`, ..., `(count - 1) * name`."""
    return [L.let(f"{name}{r}", L.mul(r, name)) for r in range(2, count)]


def covering(index: str, count: str, height: int, tile: Callable[[int], list[L.Stmt]]) -> list[L.Stmt]:
    """A loop over tiles, of which the last ends with the last row; single rows where there is no tile's worth of them."""
    if height == 1:
        return [L.loop(index, count, tile(1))]
    at = L.let(index, L.call("least", f"{index}_at", L.call("sub", count, height)))
    whole = L.loop(f"{index}_at", count, [at, *tile(height)], step=height)
    return [L.If(L.call("ge", count, height), (whole,), (L.loop(index, count, tile(1)),))]


def tiles(index: str, count: str, height: int, tile: Callable[[int], list[L.Stmt]]) -> list[L.Stmt]:
    """A loop over whole tiles, and one over the single rows left."""
    if height == 1:
        return [L.loop(index, count, tile(1))]
    whole = L.let("whole", L.mul(L.call("floordiv", count, height), height))
    return [
        whole,
        L.loop(index, "whole", tile(height), step=height),
        L.loop(index, count, tile(1), start="whole"),
    ]


def outer_sums(plan: Plan) -> L.Function:
    """W rows of one side (the lanes of the result) times `plan.outer_height` rows of the other."""
    w = plan.lanes

    parameters = (
        "lanes",
        "first",
        "apart",
        "padded",
        "source",
        "at",
        "stride",
        "rows",
        "scratch",
        "sums",
        "width",
    )
    before = [
        *multiples("apart", w),
        *multiples("stride", plan.outer_height),
        *multiples("padded", plan.outer_height),
    ]
    body = L.loop("u", "padded", tiles("i", "rows", plan.outer_height, partial(_outer_tile, plan)), step=w)
    note = "sums[i, u] += sum over a block's samples of lanes[first + u*apart] * source[at + i*stride]."
    return L.Function("outer_sums", parameters, (*before, body), note, types=types(parameters))


def _outer_tile(plan: Plan, height: int) -> list[L.Stmt]:
    w = plan.lanes
    names = [(r, k) for r in range(height) for k in range(w)]
    step: list[L.Stmt] = [
        L.let(f"x{r}", L.load("source", L.add("s", times(r, "stride")))) for r in range(height)
    ]
    for k in range(w):
        step.append(L.let(f"p{k}", L.load("lanes", L.add("q", times(k, "apart")))))
        step += [L.let(f"g{r}_{k}", L.call("fma", f"p{k}", f"x{r}", f"g{r}_{k}")) for r in range(height)]
    step += [L.let("s", L.add("s", w)), L.let("q", L.add("q", w))]
    body: list[L.Stmt] = [
        *(L.let(f"g{r}_{k}", L.call("splat", 0.0)) for r, k in names),
        L.let("s", L.add("at", L.mul("i", "stride"))),
        L.let("q", L.add("first", L.mul("u", "apart"))),
        L.loop("j", "width", step, step=w),
    ]
    body.append(L.let("p", L.add(L.add(L.mul("i", "padded"), "u"), "sums")))
    for r in range(height):
        body += _accumulate(L.add("p", times(r, "padded")), [f"g{r}_{k}" for k in range(w)])
    return body


def row_sums(plan: Plan) -> L.Function:
    w = plan.lanes
    step = [
        L.let(f"b{k}", L.call("add", f"b{k}", L.load("scratch", L.add("q", k * plan.block))))
        for k in range(w)
    ]
    body: list[L.Stmt] = [
        *(L.let(f"b{k}", L.call("splat", 0.0)) for k in range(w)),
        L.let("q", L.add(L.mul("u", plan.block), "at")),
        L.loop("j", "width", [*step, L.let("q", L.add("q", w))], step=w),
        *_accumulate(L.add("u", "sums"), [f"b{k}" for k in range(w)]),
    ]
    note = "sums[u] += sum over a block's samples of row u."
    parameters = ("scratch", "at", "padded", "sums", "width")
    return L.Function(
        "row_sums", parameters, (L.loop("u", "padded", body, step=w),), note, types=types(parameters)
    )


def types(parameters: tuple[str, ...]) -> tuple[str, ...]:
    """Arrays of numbers and integers. Given, so that numba compiles one version for all layers."""
    return tuple(
        "reals" if p in ("theta", "start", "source", "lanes", "scratch") else "int64" for p in parameters
    )


def _accumulate(at: L.Expr, vectors: list[str]) -> list[L.Stmt]:
    """Folds W vectors into the vector of their sums and adds it to what is in memory."""
    return [
        L.let("place", at),
        L.store("scratch", "place", L.call("add", L.load("scratch", "place"), L.call("vsum", *vectors))),
    ]
