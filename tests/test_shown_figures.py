"""`monitor theta[1], norm(v), x`: which number each figure is; and what is none, told with its code.

A state `m` is `m_` inside: `m` counts batches."""

from __future__ import annotations

import pytest

from test_check_programs import spec
from test_edges_of_settings import codes

RULE = """optimizer a(eta = 0.1):
    m[0] = 0
    k[0] = 1
    g = grad R(theta[n])
    m[n+1] = 0.9*m[n] + g
    k[n+1] = k[n]*0.5
    theta[n+1] = theta[n] - eta*k[n]*m[n+1]
"""
PROGRAM = "objective R(x, y) = x^2 + 3*y^2\ninit theta = (2, -1)\ntrain steps = 9\n" + RULE
SHOWN = {
    "x": ("theta", 0),
    "y": ("theta", 1),
    "theta[1]": ("theta", 0),
    "theta[2]": ("theta", 1),
    "m[1]": ("m_", 0),
    "m[2]": ("m_", 1),
    "norm(m)": ("m_", None),
    "k": ("k", None),
}
UNKNOWN = {
    "theta[0]": "E0905",
    "theta[3]": "E0706",
    "theta[1.5]": "E0905",
    "theta[-1]": "E0905",
    "m[3]": "E0706",
    "m": "E0905",
    "theta": "E0905",
    "k[1]": "E0905",
    "norm(k)": "E0905",
    "norm(g)": "E0905",
    "z": "E0905",
    "norm(grad_x R)": "E0253",
    "max(|grad_x R|)": "E0253",
}


@pytest.mark.parametrize("figure", SHOWN)
def test_what_a_figure_is(figure: str) -> None:
    (shown,) = spec(f"{PROGRAM}monitor loss, {figure}\n").monitor.shown
    assert (shown.name, (shown.state, shown.component)) == (figure, SHOWN[figure])


def test_a_figure_that_stands_twice_is_shown_once() -> None:
    shown = spec(f"{PROGRAM}monitor x, k, x\n").monitor.shown
    assert [s.name for s in shown] == ["x", "k"]


@pytest.mark.parametrize("figure", UNKNOWN)
def test_what_is_none(figure: str) -> None:
    assert codes(f"{PROGRAM}monitor loss, {figure}\n") == {UNKNOWN[figure]}
