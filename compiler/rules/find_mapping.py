"""Which numbers make rule B do what rule A does? The candidates of `mapping.py`, tried all at once.

What is found here is a guess that held for random numbers; `compare_rules.py` proves or tests it.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netc.compiler.calculus import ir
from netc.compiler.rules.mapping import Formula, Values, candidates, drawn, parts
from netc.compiler.rules.simulate import Array, Trace, distance, make_world, simulate

MOST = 50_000
"""Combinations tried."""
SURE = 1e-9
"""Relative difference below which float64 results are called equal, to be confirmed."""
NEAR = 1e-6
"""Relative difference to the rate that is needed up to which a rate is tried."""
ELEMENTS = 3
Mapped = dict[str, Formula]
Pools = Mapping[str, list[Formula]]
Indices = NDArray[np.intp]


def find(a: ir.Rule, b: ir.Rule, values_a: Values, values_b: Values, reach: bool) -> Mapped | None:
    """The plainest formulas for all of B's parameters with which it does what A does, if there are any.

    With `reach`, the points where the gradient is asked for have to be equal, not theta itself.
    """
    pools = _pools(values_a, values_b)
    rates = [name for name, part in parts(values_b).items() if part == "rate"]
    shape = _shape(pools)
    cases = _likely(a, b, pools, rates[0], values_a, reach) if len(rates) == 1 else np.arange(prod(shape))
    chosen = _choices(shape, cases)
    costs = sum((_numbers([f.cost for f in p])[i] for p, i in zip(pools.values(), chosen, strict=True)), 0.0)
    chosen = chosen[:, np.argsort(costs, kind="stable")] if pools else chosen  # the plainest first
    for seed, steps in ((1, 1), (2, 2), (3, 6), (4, 30)):
        if not chosen.shape[1]:
            return None
        at = _at(values_a, seed)
        chosen = chosen[:, _equal(a, b, at, _columns(pools, chosen, at), steps, seed, reach)]
    if not chosen.shape[1]:
        return None
    return {name: pool[i] for (name, pool), i in zip(pools.items(), chosen[:, 0], strict=True)}


def _pools(values_a: Values, values_b: Values) -> Pools:
    """What each parameter of B may be; the longest are cut until there are not too many combinations."""
    of = parts(values_b)
    pools = {name: list(candidates(of[name], value, values_a)) for name, value in values_b.items()}
    while prod(_shape(pools)) > MOST:
        longest = max(pools.values(), key=len)
        del longest[max(len(longest) * 2 // 3, 1) :]
    return pools


def _likely(a: ir.Rule, b: ir.Rule, pools: Pools, rate: str, values_a: Values, reach: bool) -> Indices:
    """The combinations that the way from the start leaves; where it tells nothing, all of them.

    Where that way is the rate times what hangs on the other parameters, B goes it once for each choice of these,
    and the rate that it needs in order to get where A gets is looked up among those that it may have.
    """
    shape, others = _shape(pools), {name: pool for name, pool in pools.items() if name != rate}
    everything = np.arange(prod(shape))
    seed, steps = (2, 2) if reach else (1, 1)
    world = make_world(steps, ELEMENTS, seed, np.float64)
    at = _at(values_a, seed)
    columns = _columns(others, _choices(_shape(others), np.arange(prod(_shape(others)))), at)
    goal = simulate(a, at, world)
    ways = [simulate(b, {**columns, rate: r}, world) for r in (0.1, 0.03)]
    if any(trace.labels != goal.labels for trace in ways):
        return everything
    with np.errstate(all="ignore"):
        way = _way(goal, reach)[0]
        first, second = _way(ways[0], reach) / 0.1, _way(ways[1], reach) / 0.03
        linear = np.all(np.abs(first - second) <= SURE * np.abs(first).max(axis=-1, keepdims=True), axis=-1)
        at_most = int(np.argmax(np.abs(way)))
        if not abs(way[at_most]) > NEAR * abs(world.theta[at_most]):
            return everything
        needed = (way[at_most] / first[:, at_most])[:, None]
        rates = _numbers([_value(f, at) for f in pools[rate]])
        fits = (np.abs(rates - needed) <= NEAR * np.abs(needed)) | ~linear[:, None]
    fits = np.broadcast_to(fits, (prod(_shape(others)), len(rates))).reshape(*_shape(others), len(rates))
    return np.flatnonzero(np.moveaxis(fits, -1, list(pools).index(rate)))


def _way(trace: Trace, reach: bool) -> Array:
    """From the start to where the rule is, or to where it asked last; (cases, elements)."""
    return np.asarray(trace.points[-1] - trace.points[0] if reach else trace.thetas[-1] - trace.thetas[0])


def _equal(
    a: ir.Rule,
    b: ir.Rule,
    at: Mapping[str, float],
    columns: Mapping[str, Array],
    steps: int,
    seed: int,
    reach: bool,
) -> NDArray[np.bool_]:
    """Which cases of B do what A does."""
    world = make_world(steps, ELEMENTS, seed, np.float64)
    found = distance(simulate(a, at, world), simulate(b, columns, world), SURE)
    cases = len(next(iter(columns.values()))) if columns else 1
    if found is None:
        return np.zeros(cases, bool)
    error = found.points if reach else np.maximum(found.points, found.thetas)
    return np.broadcast_to(error < SURE, (cases,))


# -- choices from pools ------------------------------------------------------------------------------


def _shape(pools: Pools) -> tuple[int, ...]:
    return tuple(len(pool) for pool in pools.values())


def _choices(shape: tuple[int, ...], cases: Indices) -> Indices:
    """(parameters, cases): what each takes of its pool."""
    return np.array(np.unravel_index(cases, shape) if shape else (), np.intp).reshape(len(shape), len(cases))


def _at(values: Values, seed: int) -> dict[str, float]:
    return {name: float(v.value) for name, v in drawn(values, seed).items()}


def _columns(pools: Pools, chosen: Indices, at: Mapping[str, float]) -> dict[str, Array]:
    """The numbers of B's parameters, (cases, 1) each."""
    columns = {}
    for (name, pool), cases in zip(pools.items(), chosen, strict=True):
        wanted, where = np.unique(cases, return_inverse=True)
        columns[name] = _numbers([_value(pool[i], at) for i in wanted])[where, None]
    return columns


def _numbers(values: list[Any]) -> Array:
    return np.array(values, np.float64)


def _value(formula: Formula, at: Mapping[str, float]) -> float:
    try:
        return formula.value(at)
    except ZeroDivisionError:
        return np.nan
