"""`netc explain FILE --init`: variances of a start against plain NumPy, and the conditions of Glorot and of He."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import netc
from netc.command_line import main
from netc.runtime.results.first_variances import STARTS, first_variances
from netc.runtime.training.start import first_theta

TEXT = """network [6 (tanh) 40 (relu) 50 (leaky_relu(0.5)) 60 (sigmoid) 40 (lin) 30 (lin) 3]
loss half_mse
init {}
optimizer gd(eta = 0.1)
train steps = 1, seed = 3
"""


def test_variances_are_those_of_numpy_and_judged_by_the_condition() -> None:
    model = netc.compile(TEXT.format("he_normal"))
    program = model._session.program
    x = np.random.default_rng(1).normal(size=(300, 6))
    rows = first_variances(program, x, np.zeros((300, 3)))
    functions = [
        np.tanh,
        lambda z: np.maximum(z, 0),
        lambda z: np.maximum(z, 0.5 * z),
        lambda z: 1 / (1 + np.exp(-z)),
        lambda z: z,
        lambda z: z,
    ]
    sums: list[list[float]] = [[] for _ in range(6)]
    for theta in first_theta(program, 0, STARTS):
        named, h = model.unflatten(theta), x
        for i, f in enumerate(functions, 1):
            z = h @ named[f"layer{i}.weight"].T + named[f"layer{i}.bias"]
            sums[i - 1].append(z)
            h = f(z)
    variances = [np.var(each) for each in sums]
    np.testing.assert_allclose([r.ratio for r in rows], np.array(variances) / variances[0], rtol=1e-10)
    assert [r.wanted for r in rows] == [None, 1, pytest.approx(2), pytest.approx(2 / 1.25), None, 1]
    assert [r.fan_in for r in rows] == [6, 40, 50, 60, 40, 30]
    assert [r.spread for r in rows] == pytest.approx([2] * 6, rel=0.05)
    assert [r.judged.split(",")[0] for r in rows] == ["", "grows", "kept", "grows", "", "grows"]
    assert rows[2].ratio / rows[1].ratio == pytest.approx(1, rel=0.1)  # He: relu keeps what it is given


def test_it_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "start.net"
    file.write_text(TEXT.format("lecun_normal"))
    assert main(["explain", str(file), "--init"]) == 0
    told = capsys.readouterr().out
    assert "it does not hold in layer3, layer4." in told
    rows = [line.split() for line in told.splitlines() if line.startswith("  layer")]
    assert [row[0] for row in rows] == [f"layer{i}" for i in range(1, 7)]
    assert "kept" in rows[1]
    file.write_text("objective R(a) = a^2\ninit theta = 1\noptimizer gd(eta = 0.1)\ntrain steps = 1\n")
    assert main(["explain", str(file), "--init"]) == 2
