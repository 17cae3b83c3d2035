"""A block of samples: what its functions are given, and where its samples lie, as they are or gathered in the scratch.

Knows nothing of networks: chains of dense layers (`network`) and any lets (`lets`) have it in common.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from netc.compiler.kernels import loops as L
from netc.compiler.kernels.cpu.plan import Plan, row_of
from netc.compiler.kernels.objective import scaled
from netc.compiler.kernels.rule_memory import CLOCK

SAMPLES = ("xs", "xfirst", "xstride", "ys", "yfirst", "ystride", "valid", "width")
"""Where a block's samples lie: array, offset of the first, distance of two features; likewise the targets;
how many samples count, and that number rounded up to whole tiles."""
TYPES = (
    dict.fromkeys(SAMPLES, "int64")
    | dict.fromkeys(("theta", "xs", "ys", "scratch"), "reals")
    | {"order": "int64[::1]"}
    | dict.fromkeys(("start", *CLOCK), "int64")
)
"""Of what functions of one block are given. They are declared, so that each is compiled by itself."""


def of_block(
    name: str, parameters: tuple[str, ...], body: Iterable[L.Stmt], note: str, returns: str = ""
) -> L.Function:
    """A function of one block of samples."""
    types = tuple(TYPES[p] for p in parameters)
    return L.Function(name, parameters, tuple(body), note, types=types, returns=returns)


def place_of(plan: Plan, buffer: L.Int, row: L.Expr | int | str, at: L.Expr | int | str) -> L.Expr:
    return L.add(L.add(L.mul(row, plan.block), at), buffer)


def over_blocks(plan: Plan, shuffled: bool, body: Sequence[L.Stmt]) -> list[L.Stmt]:
    """`body` with each block of the samples [first, first + count); of panels none has samples of two."""
    start, left = L.add("first", "s"), L.call("sub", "count", "s")
    if not plan.panels:
        return [L.loop("s", "count", [*_located(plan, shuffled, left, start), *body], step=plan.block)]
    size = L.call("columns", "x")
    found = [
        L.let("panel", L.call("floordiv", start, size)),
        L.let("column", L.call("sub", start, L.mul("panel", size))),
    ]
    here = L.call("least", left, L.call("sub", size, "column"))
    first = L.add(L.mul(L.mul("panel", size), plan.panels), "column")
    block = [*found, *_located(plan, shuffled, here, first), *body, L.let("s", L.add("s", "valid"))]
    return [L.let("s", 0), L.While(L.call("lt", "s", "count"), tuple(block))]


def _located(plan: Plan, shuffled: bool, left: L.Expr, xfirst: L.Expr) -> list[L.Stmt]:
    """Where the samples first + s, ... of a block lie: in the arrays as they are, or gathered in the scratch. `left`: how
    many there are."""
    start = L.add("first", "s")
    in_order: list[L.Stmt] = [
        L.let("xs", L.call("flat", "x")), L.let("xfirst", xfirst), L.let("xstride", L.call("columns", "x")),
        L.let("ys", L.call("flat", "y")), L.let("yfirst", start), L.let("ystride", L.call("columns", "y")),
    ]  # fmt: skip
    gathered: list[L.Stmt] = [
        L.Do(L.call("gather", "x", "y", "order", start, "valid", "scratch")),
        L.let("xs", "scratch"), L.let("xfirst", plan.at(plan.gather_x)), L.let("xstride", plan.block),
        L.let("ys", "scratch"), L.let("yfirst", plan.at(plan.gather_y)), L.let("ystride", plan.block),
    ]  # fmt: skip
    rounded = L.call("floordiv", L.add("valid", plan.step - 1), plan.step)
    return [
        L.let("valid", L.call("least", plan.block, left)),
        L.let("width", L.mul(rounded, plan.step)),
        *(gathered if shuffled else in_order),
    ]


def predict(
    plan: Plan,
    shuffled: bool,
    block: Sequence[L.Stmt],
    outputs: tuple[L.Expr, int],
    mean: bool,
    before: Sequence[L.Stmt] = (),
) -> L.Function:
    """`predict` of samples whose loss and outputs are made by `block`; `outputs`: a vector of output `o` from sample `j` on,
    and how many there are."""
    found, count = outputs
    at = L.add(L.add(L.mul("o", L.call("columns", "out")), L.add("first", "s")), "j")
    put = L.store(L.call("flat", "out"), at, found)
    taken = L.loop("o", count, [L.loop("j", "width", [put], step=plan.lanes)])
    body = (L.let("total", 0.0), *before, *over_blocks(plan, shuffled, [*block, taken]), *scaled(mean))
    note = "The loss of samples [first, first + count), in order; the network's outputs into the columns of `out`."
    return L.Function("predict", ("theta", "x", "y", "order", "first", "count", "out", "scratch"), body, note)


TRANSPOSED = (4, 4)
"""Arguments of `transposed` that belong together: from where, to where."""


def gather(plan: Plan, inputs: int, outputs: int, all_rows: bool) -> L.Function:
    """Here x is sample by sample: some samples are read as they are, then turned, W features at a time of all of them, so
    that what is written lies in few lines of the cache. `all_rows`: the first layer wants all of a block as they are."""
    rows, apart = plan.at(plan.gather_rows), row_of(inputs, plan.lanes)
    group = plan.block if all_rows else plan.gathered
    sample = L.add("first", L.add("s", "j"))
    pick: list[L.Stmt] = [
        L.let("sample", sample),
        L.If(L.call("gt", L.call("len", "order"), 0), (L.let("sample", L.At(L.Name("order"), sample)),)),
        L.let("row", L.At(L.Name("x"), L.Name("sample"))),
    ]
    target = place_of(plan, plan.at(plan.gather_y), "o", L.add("s", "j"))
    value = L.At(L.At(L.Name("y"), L.Name("o")), L.Name("sample"))
    put = L.loop("o", outputs, [L.Store(L.Name("scratch"), target, value)])
    to = place_of(plan, plan.at(plan.gather_x), "i", "s")
    turned = L.call(
        "transposed", "scratch", L.add(rows, "i"), apart, "some", "scratch", to, plan.block, plan.lanes
    )
    body: list[L.Stmt] = [
        L.let("some", L.call("least", group, L.call("sub", "valid", "s"))),
        L.loop("j", "some", [*pick, *_copied(plan, inputs, apart), put]),
        L.loop("i", inputs, [L.Do(turned, TRANSPOSED)], step=plan.lanes),
    ]
    note = "Brings the samples order[first : first + valid] together; without an order as they stand."
    types = ("tables", "tables", "int64[::1]", "int64", "int64", "reals")
    whole = L.loop("s", "valid", body, step=group)
    return L.Function("gather", ("x", "y", "order", "first", "valid", "scratch"), (whole,), note, types=types)


def _copied(plan: Plan, inputs: int, apart: int) -> list[L.Stmt]:
    """A sample, by vectors; what is left of it by numbers, as behind the last row there is nothing to read."""
    place = L.add(L.add(L.mul("j", apart), "i"), plan.at(plan.gather_rows))
    whole = inputs // plan.lanes * plan.lanes
    vector = L.store("scratch", place, L.load("row", "i"))
    number = L.Store(L.Name("scratch"), place, L.At(L.Name("row"), L.Name("i")))
    by_vectors = [L.loop("i", whole, [vector], step=plan.lanes)] if whole else []
    return [*by_vectors, *([L.loop("i", inputs, [number], start=whole)] if whole < inputs else [])]
