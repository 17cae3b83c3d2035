"""Batches below a vector -> loops whose lanes are units: what a layer does, sample after sample, then the next layer.

    z = W x + b    dot products, lanes = inputs; the sums of W rows at a time are folded into the vector of their outputs
    a = f(z)       lanes = units, as in the head
    W' d           lanes = inputs, row after row of the weights
    dW = d x'      row after row, summed over the samples in registers, straight to where theta has it

A buffer is `[sample][unit]`. Units are padded to whole vectors with zeros, so that no lane beyond them reaches a result.
Larger evaluations of the same network, those of all samples, go by blocks (`network`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import field

from netc.compiler.calculus import ir
from netc.compiler.calculus.simplify import common
from netc.compiler.kernels import loops as L
from netc.compiler.kernels.cpu import unit_tiles
from netc.compiler.kernels.cpu.plan import Plan
from netc.compiler.kernels.fuse import fuse
from netc.compiler.kernels.names import constant_name
from netc.compiler.kernels.objective import parameters_of, scaled
from netc.compiler.kernels.patterns import Chain, Layer, head_buffers
from netc.compiler.kernels.vectors import Space
from netc.dsl.record import record


@record
class Place:
    """A layer's buffers; as `Stage` has them, but that the first source is a copy of the samples."""

    layer: Layer
    source: L.Int
    z: L.Int
    a: L.Int
    d: L.Int


@record
class Units:
    lanes: int
    places: tuple[Place, ...]
    y: L.Int
    zeros: L.Int
    """For layers without biases."""
    temporaries: dict[str, L.Int] = field(hash=False)
    """Of the sample at hand."""
    stop: int
    """Numbers of scratch, with those that others have before."""

    def padded(self, units: int) -> int:
        return -(-units // self.lanes) * self.lanes


def most(lanes: int, batch: int) -> int:
    """Samples of an evaluation that go this way: a vector of them; 0 where batches are larger. Measured on networks from
    13-15-15-1 to 512-512-10: up to a vector of samples units are 1.2 to 10 times as fast, from two on slower."""
    return lanes if lanes > 1 and batch <= lanes else 0


def scratch(network: Chain, plan: Plan) -> int:
    """Numbers, with those of the blocks."""
    return _units(network, plan).stop if plan.few else plan.size * plan.chunks


def _units(network: Chain, plan: Plan) -> Units:
    top = plan.size * plan.chunks

    def take(units: int, name: str, samples: int = plan.few) -> L.Int:
        nonlocal top
        start, top = top, top + -(-units // plan.lanes) * plan.lanes * samples
        return L.Int(start, f"FEW_{constant_name(name)}")

    places: list[Place] = []
    source = take(network.layers[0].product.inputs, "x")
    for layer in network.layers:
        units, name = layer.product.outputs, layer.product.name
        z = take(units, f"{name}_z")
        a = take(units, f"{name}_a") if layer.activation else z
        places.append(Place(layer, source, z, a, take(units, f"{name}_d")))
        source = a
    y = take(network.head.units, "y")
    buffers = {name: take(rows, f"head_{name}", 1) for name, rows in head_buffers(network).items()}
    return Units(plan.lanes, tuple(places), y, plan.at(plan.zeros), buffers, top)


def functions(network: Chain, plan: Plan) -> list[L.Function]:
    units = _units(network, plan)
    return [
        *unit_tiles.functions(network, units.lanes),
        _fetch(network, units),
        _forward(units),
        _backward(units),
        _over_samples("loss", network, units),
        _over_samples("gradient", network, units),
    ]


TYPES = (
    dict.fromkeys(("theta", "grad", "scratch"), "reals")
    | dict.fromkeys(("x", "y"), "tables")
    | {"order": "int64[::1]"}
)


def _function(
    name: str, parameters: tuple[str, ...], body: Sequence[L.Stmt], note: str, returns: str = ""
) -> L.Function:
    types = tuple(TYPES.get(p, "int64") for p in parameters)
    return L.Function(name, parameters, tuple(body), note, types=types, returns=returns)


def few(name: str, plan: Plan) -> L.Stmt:
    """At the head of `loss` and `gradient`."""
    taken = L.Return(L.call(f"{name}_of_few", *parameters_of(name)))
    return L.If(L.call("le", "count", plan.few), (taken,))


# -- layer after layer -------------------------------------------------------------------------------


def _fetch(network: Chain, units: Units) -> L.Function:
    """Here x is sample by sample."""
    inputs, w = network.layers[0].product.inputs, units.lanes
    whole = inputs // w * w
    place = L.add("first", "s")
    body: list[L.Stmt] = [
        L.let("sample", place),
        L.If(L.call("gt", L.call("len", "order"), 0), (L.let("sample", L.At(L.Name("order"), place)),)),
        L.let("start", L.mul("sample", inputs)),
        L.let("to", L.add(L.mul("s", units.padded(inputs)), units.places[0].source)),
    ]
    if whole:
        copy = L.store("scratch", L.add("to", "i"), L.load("xs", L.add("start", "i")))
        body.append(L.loop("i", whole, [copy], step=w))
    if whole < inputs:
        rest = L.call("load_first", "xs", L.add("start", whole), inputs - whole)
        body.append(L.store("scratch", L.add("to", whole), rest))
    target = L.At(L.At(L.Name("y"), L.Name("o")), L.Name("sample"))
    to = L.add(L.add(L.mul("s", units.padded(network.head.units)), "o"), units.y)
    body.append(L.loop("o", network.head.units, [L.Store(L.Name("scratch"), to, target)]))
    note = "The samples [first, first + count) and their targets, as they stand or in the order `order`."
    parameters = ("x", "y", "order", "first", "count", "scratch")
    return _function(
        "fetch", parameters, (L.let("xs", L.call("flat", "x")), L.loop("s", "count", body)), note
    )


def _forward(units: Units) -> L.Function:
    body: list[L.Stmt] = []
    for place in units.places:
        p = place.layer.product
        bias = (
            ("theta", L.Int(p.bias.offset, constant_name(p.bias.name)))
            if p.bias
            else ("scratch", units.zeros)
        )
        body.append(L.Note(f"{p.name}: z = W x + b, {p.inputs} -> {p.outputs}"))
        body += unit_tiles.dots(p, units.lanes, bias, place.source, place.z)
        if place.layer.activation is not None:
            body.append(L.Note(f"a = {place.layer.activation.text}(z)"))
            value = [("a", place.layer.value)]
            body.append(_each_sample(units, p.outputs, value, {"z": place.z, "a": place.a}))
    note = "Activations of the samples, up to the last z."
    return _function("forward_of_few", ("theta", "count", "scratch"), body, note)


def _backward(units: Units) -> L.Function:
    body: list[L.Stmt] = []
    for place, before in reversed(list(zip(units.places[1:], units.places, strict=False))):
        p, layer = place.layer.product, before.layer
        assert layer.activation is not None
        body.append(L.Note(f"{p.name}: cotangent of its input, W' d"))
        body.append(unit_tiles.pull(p, place.d, before.d))
        body.append(L.Note(f"through a = {layer.activation.text}(z)"))
        buffers = {"z": before.z, "a": before.a, "c": before.d, "dz": before.d}
        body.append(_each_sample(units, layer.product.outputs, [("dz", layer.vjp)], buffers))
    note = "Cotangents of the pre-activations, from the last one on."
    return _function("backward_of_few", ("theta", "count", "scratch"), body, note)


Wanted = list[tuple[str, ir.Expr]]


def _each_sample(
    units: Units, rows: int, wanted: Wanted, buffers: dict[str, L.Int], after: Sequence[L.Stmt] = ()
) -> L.Loop:
    """Expressions over the units of a layer, for every sample; what is stored is zero beyond the units."""

    def address(name: str, o: L.Expr) -> tuple[L.Expr, L.Expr]:
        if name in buffers:
            return L.Name("scratch"), L.add(L.add("at", o), buffers[name])
        return L.Name("scratch"), L.add(o, units.temporaries[name])

    bindings, results = common([e for _, e in wanted])
    named = [*bindings, *((n, e) for (n, _), e in zip(wanted, results, strict=True))]
    stored = [n for n, e in wanted if e.axes]
    space = Space("o", rows, units.lanes, address, per_lane=False)
    body = space.passes(fuse([ir.Assign(n, e) for n, e in named], frozenset(stored)))
    whole = rows // units.lanes * units.lanes
    for name in stored if whole < rows else ():
        last = address(name, L.Int(whole))
        body.append(L.store(*last, L.call("keep", L.load(*last), rows - whole, 0.0)))
    return L.loop("s", "count", [L.let("at", L.mul("s", units.padded(rows))), *body, *after])


# -- the samples of a batch --------------------------------------------------------------------------


def _over_samples(name: str, network: Chain, units: Units) -> L.Function:
    head, last = network.head, units.places[-1]
    wanted: Wanted = [("sample_loss", head.loss)]
    after: list[L.Stmt] = []
    if name == "gradient":
        wanted.append(("d", head.adjoint))
        after.append(L.Do(L.call("backward_of_few", "theta", "count", "scratch")))
        for place in units.places:
            p = place.layer.product
            after.append(L.Note(f"{p.name}: dW = d x', db = d"))
            after += unit_tiles.rank_ones(p, units.lanes, place.d, place.source)
    add = L.let("total", L.call("add", "total", "sample_loss"))
    scale, result = scaled(network.mean)
    body = (
        L.Do(L.call("fetch", "x", "y", "order", "first", "count", "scratch")),
        L.Do(L.call("forward_of_few", "theta", "count", "scratch")),
        L.let("total", 0.0),
        _each_sample(units, head.units, wanted, {"z": last.z, "d": last.d, "y": units.y}, [add]),
        scale,
        *after,
        result,
    )
    return _function(
        f"{name}_of_few", parameters_of(name), body, f"As `{name}`, with units as lanes.", "float64"
    )
