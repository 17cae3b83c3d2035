"""Subscripts of all forms against a loop over places: what is read, and where the derivative goes.

A place that is no whole number, or outside, reads 0; one that never is a place is an error.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext, suppress
from math import floor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import netc
from layers_in_networks import put

T, D = 5, 6
X = np.random.default_rng(0).normal(size=(2, T, D))
Place = Callable[[int, int], tuple[float, float]]


def compare(subscripts: str, place: Place) -> None:
    value, slopes = np.zeros_like(X), np.zeros_like(X)
    weights = np.random.default_rng(1).normal(size=X.shape)
    for t in range(T):
        for k in range(D):
            a, b = place(t, k)
            if a == int(a) and b == int(b) and 0 <= a < T and 0 <= b < D:
                value[:, t, k] = X[:, int(a), int(b)]
                slopes[:, int(a), int(b)] += weights[:, t, k]
    made = put("(read)", (T, D), f"layer read:\n    z[t in {T}, k in {D}] = x[{subscripts}]\n")
    found, by, _ = made.run({}, X, weights)
    np.testing.assert_array_equal(found, value)
    np.testing.assert_allclose(by["x"], slopes, atol=1e-12)


@pytest.mark.parametrize(
    ("subscripts", "place"),
    [
        ("t, t*k", lambda t, k: (t, t * k)),
        ("t, k^2/2", lambda t, k: (t, k * k / 2)),
        ("t, k*k - 0.5*k", lambda t, k: (t, k * k - k / 2)),
        ("4 - t, 5 - k", lambda t, k: (4 - t, 5 - k)),
        ("(t + k)/2, k", lambda t, k: ((t + k) / 2, k)),
        ("t, (k + 1)/2 - 0.5", lambda t, k: (t, k / 2)),
        ("floor((t - k)/2), k", lambda t, k: ((t - k) // 2, k)),
        ("floor(t/3 + k/2), k", lambda t, k: ((2 * t + 3 * k) // 6, k)),
        ("t, floor(k + 0.5)", lambda t, k: (t, k)),
        ("t, k - 4*floor(k/4)", lambda t, k: (t, k % 4)),
        ("t, min(k + 2, 5)", lambda t, k: (t, min(k + 2, 5))),
        ("t, 5 if k > 2 else k", lambda t, k: (t, 5 if k > 2 else k)),
    ],
)
def test_forms_of_subscripts(subscripts: str, place: Place) -> None:
    compare(subscripts, place)


@settings(max_examples=40, deadline=None)
@given(
    a=st.integers(-3, 3), b=st.integers(-3, 3), c=st.integers(-4, 6), d=st.integers(1, 4), down=st.booleans()
)
def test_any_sum_of_multiples(a: int, b: int, c: int, d: int, down: bool) -> None:
    def place(t: int, k: int) -> tuple[float, float]:
        q = (a * t + b * k + c) / d
        return t, floor(q) if down else q

    inner = f"({a}*t + ({b})*k + ({c}))/{d}"
    text = f"t, {f'floor({inner})' if down else inner}"
    places = {place(t, k)[1] for t in range(T) for k in range(D)}
    read = any(p == floor(p) and 0 <= p < D for p in places)
    with nullcontext() if read else suppress(netc.SpecError):  # what reads nothing may be told
        compare(text, place)
