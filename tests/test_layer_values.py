"""Equations of layers: what may not stand in one is said, and places at the very edge of an array lie outside it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from layers_in_networks import put
from netc.dsl.diagnostics import SpecError

MISUSED = {
    # an image that is read as one row
    "sum[i](W[o, i]*x[i]*i)": "E0230 'i' runs over an image, it is no number",
    "sum[i](W[o, i]*x[2*i])": "E0230 an image that is read as a row is read with one index",
    "sum[i](W[o, i]*x[i]*b[i + 1])": "E0230 an index over an image stands alone",
    # names
    "sum[i](W[o, i]*x[i]) + b": "E0230 'b' is an array: its indices are missing, b[...]",
    "sum[i](W[o, i]*x[i]) + c[o]": "E0230 there is no array 'c' in this layer",
    # reductions and functions
    "sum(b[o]) + sum[i](W[o, i]*x[i])": "E0230 'sum' says over which index: sum[i](...)",
    "mean(b[o]) + sum[i](W[o, i]*x[i])": "E0230 'mean' says over which index: mean[i](...)",
    "max(b[o]) + sum[i](W[o, i]*x[i])": "E0230 'max' says over which index: max[i](...)",
    "min(b[o]) + sum[i](W[o, i]*x[i])": "E0230 'min' says over which index: min[i](...)",
    "softmax(b[o]) + sum[i](W[o, i]*x[i])": "E0230 'softmax' is over all units of a layer: say over which index",
    "sum[i](W[o, i]*x[i], 2)": "E0230 'sum[i]' is of one expression, 2 stand here",
    "norm(b[o]) + sum[i](W[o, i]*x[i])": "E0230 'norm' does not say over which index",
    "dot(b[o], b[o]) + sum[i](W[o, i]*x[i])": "E0230 'dot' does not say over which index",
    "erf(b[o], 2) + sum[i](W[o, i]*x[i])": "E0230 there is no function 'erf' of 2 in a layer",
    "where(b[o] > 0, 1) + sum[i](W[o, i]*x[i])": "E0230 there is no function 'where' of 2 in a layer",
    # places
    "sum[i](W[o, i]*x[i])*b[1.5]": "E0228 a place is a whole number, this is 1.5",
    "sum[i](W[o, i]*x[i])*b[2*floor((o - 1)/2)]": "E0228 what is rounded down here goes below 0",
    "sum[i](W[o, i]*x[i])*b[3]": "E0222 no place that this reads is inside: the array has 3 there",
    "sum[i](W[o, i]*x[i])*b[-1]": "E0222 no place that this reads is inside: the array has 3 there",
    "sum[i](W[o, i]*x[i])*b[o + 3]": "E0222 no place that this reads is inside: the array has 3 there",
    "sum[i](W[o, i]*x[i])*b[o - 3]": "E0222 no place that this reads is inside: the array has 3 there",
    "sum[i](W[o, i]*x[i])*b[o + 1/2]": "E0222 no place that this reads is a whole number: 1/2 is left over",
}


@pytest.mark.parametrize("formula", MISUSED)
def test_what_an_equation_may_not_say(formula: str) -> None:
    layer = f"""
layer mine(out):
    images = flat
    learn W[o in out, i], b[o]
    z[o] = {formula}
"""
    with pytest.raises(SpecError) as caught:
        put("(mine) 3", (4, 5, 2), layer)
    (diagnostic,) = caught.value.diagnostics
    assert f"{diagnostic.code} {diagnostic.message}".startswith(MISUSED[formula])


X = -np.arange(1.0, 6.0)
"""Below 0: what is read outside as 0 would be the largest."""
EDGES = {
    # the range of h, the place, and what is read at each h: None outside
    "all inside": ("4", "h + 1", [X[1], X[2], X[3], X[4]]),
    "one behind": ("5", "h + 1", [X[1], X[2], X[3], X[4], None]),
    "one before": ("5", "h - 1", [None, X[0], X[1], X[2], X[3]]),
    "backwards": ("6", "4 - h", [X[4], X[3], X[2], X[1], X[0], None]),
    "every other": ("3", "2*h", [X[0], X[2], X[4]]),
    "every other, one behind": ("4", "2*h - 1", [None, X[1], X[3], None]),
    "rounded down": ("9", "floor((h + 1)/2)", [X[0], X[1], X[1], X[2], X[2], X[3], X[3], X[4], X[4]]),
    "rounded down, one behind": ("2", "floor((h + 9)/2)", [X[4], None]),
    "rounded down, one before": ("2", "floor((h - 1)/2)", [None, X[0]]),
    "halves": ("4", "h/2", [X[0], None, X[1], None]),
    "halves, from 1 on": ("3", "(h + 1)/2", [None, X[1], None]),
}
ALONE = ("rounded down, one before",)
"""What is rounded down to a place below 0 stands without another index."""


@pytest.mark.parametrize("name", EDGES)
def test_places_outside_are_0_and_not_there_for_max_and_min(name: str) -> None:
    size, place, read = EDGES[name]

    def of(formula: str) -> np.ndarray:
        layer = f"layer mine:\n    z[h in {size}] = {formula}\n"
        found, _, _ = put("(mine)", (5,), layer).run({}, X[None], np.zeros((1, len(read))))
        return found[0]

    plain = [0.0 if v is None else v for v in read]
    np.testing.assert_array_equal(of(f"x[{place}]"), plain)
    np.testing.assert_array_equal(of(f"inside(x[{place}]) + 0*x[0]"), [float(v is not None) for v in read])
    for op, outside in (("max", -np.inf), ("min", np.inf)):
        expected = np.array([outside if v is None else v for v in read])
        along = f"{place} + p" if name not in ALONE else place.replace("h", "h + p")
        np.testing.assert_array_equal(of(f"{op}[p in 1](x[{along}])"), expected)
        np.testing.assert_array_equal(of(f"{op}[p in 1](2*x[{along}])"), 2 * expected)


INFERRED: dict[str, Callable[[int, int], int]] = {
    "floor(h/2)": lambda h, k: h // 2,
    "floor((h + 1)/2)": lambda h, k: (h + 1) // 2,
    "floor((h - 1)/2) + 1": lambda h, k: (h - 1) // 2 + 1,
    "floor(h/3) + 1": lambda h, k: h // 3 + 1,
    "floor(2*h/3)": lambda h, k: 2 * h // 3,
    "floor((h + k)/2)": lambda h, k: (h + k) // 2,
    "h + k": lambda h, k: h + k,
    "2*h + k + 1": lambda h, k: 2 * h + k + 1,
}
"""Places in an array of five."""


@pytest.mark.parametrize("place", INFERRED)
def test_as_many_places_as_stay_inside(place: str) -> None:
    """Where nothing else says how many, also of what is rounded down."""
    inside = [all(0 <= INFERRED[place](h, k) < 5 for k in range(2)) for h in range(40)]
    value = f"sum[k in 2](x[{place}, c])" if "k" in place else f"x[{place}, c]"
    assert put("(mine)", (5, 3), f"layer mine:\n    z[h, c] = {value}").shape == (inside.index(False), 3)
