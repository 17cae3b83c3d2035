"""The products of a few samples, whose lanes are units; one function for each shape of layer.

Offsets are arguments, sizes are constants: a layer narrower than a vector is straight code. Samples lie one behind the
other, their units padded to whole vectors, those of a source with zeros.
"""

from __future__ import annotations

from functools import partial

from netc.compiler.kernels import loops as L
from netc.compiler.kernels.names import constant_name
from netc.compiler.kernels.patterns import Chain, Product

CHAINS = 4
"""Sums that a product of few vectors adds up apart, so that one addition does not wait for the one before."""
WIDEST = 8
"""Vectors of a row of the weight gradient that are in registers at a time."""
TALLEST = 6
"""Rows of it, where a row is a vector."""


def functions(network: Chain, lanes: int) -> list[L.Function]:
    """What the layers call."""
    made: dict[str, L.Function] = {}
    for layer in network.layers:
        p = layer.product
        found = [_dots(height, p.inputs, lanes) for height in _heights(p.outputs, lanes)]
        found.append(_rank_ones(p.inputs, p.outputs, lanes))
        if layer.through:
            found.append(_pull(p.inputs, p.outputs, lanes))
        made |= {f.name: f for f in found}
    if any(layer.product.bias for layer in network.layers):
        made["sum_of_rows"] = _sum_of_rows(lanes)
    return list(made.values())


def _types(parameters: tuple[str, ...]) -> tuple[str, ...]:
    kinds = {"theta": "reals", "start": "reals", "scratch": "reals", "grad": "reals", "scale": "float64"}
    return tuple(kinds.get(p, "int64") for p in parameters)


def _padded(units: int, lanes: int) -> int:
    return -(-units // lanes) * lanes


# -- z = W x + b -------------------------------------------------------------------------------------


def _heights(rows: int, lanes: int) -> list[int]:
    """Of the tiles: whole vectors of outputs, and what is left."""
    return [h for h, there in ((lanes, rows >= lanes), (rows % lanes, rows % lanes)) if there]


def dots(p: Product, lanes: int, bias: tuple[str, L.Int], source: L.Int, out: L.Int) -> list[L.Stmt]:
    made: list[L.Stmt] = []
    done = 0
    for height in _heights(p.outputs, lanes):
        rows = p.outputs // lanes * lanes if height == lanes else height
        weight = L.add(L.Int(p.weight.offset, constant_name(p.weight.name)), done * p.inputs)
        start = L.add(bias[1], done)
        sides = (
            "theta",
            weight,
            bias[0],
            start,
            rows,
            "scratch",
            source,
            L.add(out, done),
            _padded(p.outputs, lanes),
        )
        made.append(L.Do(L.call(f"dots_{height}x{p.inputs}", *sides, "count")))
        done += rows
    return made


def _dots(height: int, inputs: int, lanes: int) -> L.Function:
    whole = inputs // lanes * lanes
    sums = [f"c{r}" for r in range(height)]

    def step(k: L.Expr | int, valid: int) -> list[L.Stmt]:
        out: list[L.Stmt] = [L.let("x", L.load("scratch", L.add("at", k)))]
        for r, c in enumerate(sums):
            row: L.Expr = L.load("theta", L.add(L.add("w", k), r * inputs))
            row = L.call("keep", row, valid, 0.0) if valid < lanes else row
            out.append(L.let(c, L.call("fma", row, "x", c)))
        return out

    body: list[L.Stmt] = [L.let(c, L.call("splat", 0.0)) for c in sums]
    if whole:
        body.append(L.loop("k", whole, step(L.Name("k"), lanes), step=lanes))
    if whole < inputs:
        body += step(whole, inputs - whole)
    given: list[L.Expr | str] = [*sums, *[L.call("splat", 0.0)] * (lanes - height)]
    total: L.Expr = L.call("splat", L.call("hsum", "c0")) if height == 1 else L.call("vsum", *given)
    total = L.call("add", total, L.load("start", L.add("bias", "o")))
    total = L.call("keep", total, height, 0.0) if height < lanes else total
    body += [
        L.store("scratch", "to", total),
        L.let("at", L.add("at", _padded(inputs, lanes))),
        L.let("to", L.add("to", "apart")),
    ]
    parameters = ("theta", "weight", "start", "bias", "rows", "scratch", "source", "out", "apart", "count")
    note = f"out[o] = start[bias + o] + sum over i of theta[weight + o*{inputs} + i] * source[i], of each sample."
    tile: list[L.Stmt] = [
        L.let("w", L.add("weight", L.mul("o", inputs))), L.let("at", "source"), L.let("to", L.add("out", "o")),
        L.loop("s", "count", body),
    ]  # fmt: skip
    loop = L.loop("o", "rows", tile, step=height)
    return L.Function(f"dots_{height}x{inputs}", parameters, (loop,), note, types=_types(parameters))


# -- W' d --------------------------------------------------------------------------------------------


def pull(p: Product, source: L.Int, out: L.Int) -> L.Stmt:
    weight = L.Int(p.weight.offset, constant_name(p.weight.name))
    return L.Do(L.call(f"pull_{p.outputs}x{p.inputs}", "theta", weight, "scratch", source, out, "count"))


def _pull(inputs: int, outputs: int, lanes: int) -> L.Function:
    """The lanes beyond the inputs get what comes behind in theta."""
    chains = min(CHAINS, outputs)
    whole = outputs // chains * chains

    def step(o: L.Expr | int, count: int) -> list[L.Stmt]:
        return [
            L.let(f"c{r}", L.call("fma", L.call("broadcast", "scratch", L.add(L.add("at", o), r)),
                                  L.load("theta", L.add("w", r * inputs)), f"c{r}"))
            for r in range(count)
        ]  # fmt: skip

    body: list[L.Stmt] = [L.let(f"c{r}", L.call("splat", 0.0)) for r in range(chains)]
    body.append(L.let("w", L.add("weight", "i")))
    advance = L.let("w", L.add("w", chains * inputs))
    body.append(L.loop("o", whole, [*step(L.Name("o"), chains), advance], step=chains))
    body += step(whole, outputs - whole)
    sums: list[L.Expr] = [L.Name(f"c{r}") for r in range(chains)]
    while len(sums) > 1:
        sums = [
            L.call("add", *sums[k : k + 2]) if k + 1 < len(sums) else sums[k] for k in range(0, len(sums), 2)
        ]
    body += [
        L.store("scratch", "to", sums[0]),
        L.let("at", L.add("at", _padded(outputs, lanes))),
        L.let("to", L.add("to", _padded(inputs, lanes))),
    ]
    parameters = ("theta", "weight", "scratch", "source", "out", "count")
    note = f"out[i] = sum over o of theta[weight + o*{inputs} + i] * source[o], of each sample; beyond the last anything."
    samples: list[L.Stmt] = [
        L.let("at", "source"),
        L.let("to", L.add("out", "i")),
        L.loop("s", "count", body),
    ]
    loop = L.loop("i", inputs, samples, step=lanes)
    return L.Function(f"pull_{outputs}x{inputs}", parameters, (loop,), note, types=_types(parameters))


# -- dW = d x', db = d -------------------------------------------------------------------------------


def rank_ones(p: Product, lanes: int, d: L.Int, source: L.Int) -> list[L.Stmt]:
    """A vector may reach into what comes behind it: that is written later."""

    def call(name: str, t: str, offset: int, *at: L.Expr | int) -> L.Stmt:
        return L.Do(L.call(name, "grad", L.Int(offset, constant_name(t)), "scratch", *at, "count", "scale"))

    weight, bias = p.weight, p.bias
    out = [call(f"rank_ones_{p.outputs}x{p.inputs}", weight.name, weight.offset, d, source)]
    return [*out, call("sum_of_rows", bias.name, bias.offset, d, p.outputs)] if bias else out


def _rank_ones(inputs: int, outputs: int, lanes: int) -> L.Function:
    """Rows in the order of theta: the end of one is written before the begin of the next."""
    vectors = -(-inputs // lanes)
    height = min(range(min(TALLEST, outputs), 0, -1), key=lambda h: outputs % h) if vectors == 1 else 1
    width = min(vectors, WIDEST)
    tile = partial(_rank_tile, inputs, outputs, lanes)

    def rows(count: int) -> list[L.Stmt]:
        whole = vectors // width * width
        out = tile(count, width, 0) if vectors == width else [
            L.loop("i", whole * lanes, tile(count, width, L.Name("i")), step=width * lanes)
        ]  # fmt: skip
        return [*out, *(tile(count, vectors - whole, whole * lanes) if whole < vectors else [])]

    done = outputs // height * height
    body: list[L.Stmt] = [
        L.let("scaled", L.call("splat", "scale")),
        L.loop("o", done, rows(height), step=height),
    ]
    if done < outputs:
        body.append(L.loop("o", outputs, rows(1), start=done))
    parameters = ("grad", "weight", "scratch", "d", "source", "count", "scale")
    note = f"grad[weight + o*{inputs} + i] = scale * sum over the samples of their d[o] * source[i]."
    return L.Function(
        f"rank_ones_{outputs}x{inputs}", parameters, tuple(body), note, types=_types(parameters)
    )


def _rank_tile(
    inputs: int, outputs: int, lanes: int, rows: int, columns: int, i: L.Expr | int
) -> list[L.Stmt]:
    """So many rows of theta from `o` on, times so many vectors of inputs from `i` on."""
    spots = [(r, v) for r in range(rows) for v in range(columns)]
    step: list[L.Stmt] = [
        L.let(f"x{v}", L.load("scratch", L.add(L.add("s", i), v * lanes))) for v in range(columns)
    ]
    for r in range(rows):
        step.append(L.let(f"d{r}", L.call("broadcast", "scratch", L.add(L.add("p", "o"), r))))
        step += [L.let(f"c{r}_{v}", L.call("fma", f"d{r}", f"x{v}", f"c{r}_{v}")) for v in range(columns)]
    step += [
        L.let("p", L.add("p", _padded(outputs, lanes))),
        L.let("s", L.add("s", _padded(inputs, lanes))),
    ]
    to = L.add(L.add("weight", L.mul("o", inputs)), i)
    return [
        *(L.let(f"c{r}_{v}", L.call("splat", 0.0)) for r, v in spots),
        L.let("p", "d"), L.let("s", "source"),
        L.loop("k", "count", step),
        L.let("to", to),
        *(L.store("grad", L.add("to", r * inputs + v * lanes), L.call("mul", f"c{r}_{v}", "scaled")) for r, v in spots),
    ]  # fmt: skip


def _sum_of_rows(lanes: int) -> L.Function:
    total = L.call("add", "total", L.load("scratch", L.add("p", "o")))
    body: list[L.Stmt] = [
        L.let("total", L.call("splat", 0.0)),
        L.let("p", "d"),
        L.loop("k", "count", [L.let("total", total), L.let("p", L.add("p", "padded"))]),
        L.store("grad", L.add("bias", "o"), L.call("mul", "total", L.call("splat", "scale"))),
    ]
    parameters = ("grad", "bias", "scratch", "d", "rows", "count", "scale")
    up = L.mul(L.call("floordiv", L.add("rows", lanes - 1), lanes), lanes)
    loop = L.loop("o", "rows", body, step=lanes)
    note = "grad[bias + o] = scale * sum over the samples of their d[o]."
    return L.Function("sum_of_rows", parameters, (L.let("padded", up), loop), note, types=_types(parameters))
