"""`netc bench`: peers do the same work, what is counted is counted right, and what cannot be measured is said."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from netc.runtime.bench import comparison
from netc.runtime.bench.iterations import TooShort, further
from netc.runtime.bench.plain_descent import as_chain, by_descent
from netc.runtime.opening import open_session
from netc.runtime.program_file import read_text
from netc.runtime.session import Session
from netc.runtime.training.report_spacing import products

TEXT = """
data (a, b) in grid(-1..1, -1..1, points = 4) -> {target}
network [2 {layers}]
loss {loss}
init glorot_uniform
optimizer torch.Adam(lr = 0.1)
schedule lr = 0.1 until 3, 0.01
train epochs = 10, batch = 5, runs = 3
expect all(loss(train) < 9)
"""
ALL = "(tanh) 5 (sigmoid) 4 (relu) 6 (softplus) 3 (gelu) 4 (silu) 5 (elu) 3 (lin) 2"


def session_of(layers: str, loss: str, target: str = "(a*b, a - b)") -> Session:
    return open_session(read_text(TEXT.format(layers=layers, loss=loss, target=target), "b.net", Path()), {})


@pytest.mark.skipif(not (find_spec("torch") and find_spec("jax")), reason="needs PyTorch and JAX")
@pytest.mark.parametrize(
    ("layers", "loss"),
    [(ALL, "mse"), ("(tanh) 3 (lin) 2", "half_mse"), ("(tanh) 3 (softmax) 2", "cross_entropy")],
)
def test_peers_come_to_the_same_parameters(layers: str, loss: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(comparison, "_times", lambda contenders, turns: {c.name: 1.0 for c in contenders})
    plain = by_descent(session_of(layers, loss, "(0, 1)" if loss == "cross_entropy" else "(a*b, a - b)"))
    chain = as_chain(plain)
    assert not isinstance(chain, str), chain
    assert [len(x) for x, _ in chain.batches] == [5, 5, 5]  # of 16 samples
    found = list(comparison.compared(plain, chain))
    assert [one.name for one in found] == ["netc", "JAX, columns", "JAX, rows", "PyTorch eager"]
    assert max(one.apart for one in found) < 1e-12


def test_another_network_is_not_compared() -> None:
    assert "only chains" in str(as_chain(by_descent(session_of("(tanh) 4 (layernorm(1e-5)) (lin) 2", "mse"))))
    assert "activations" in str(as_chain(by_descent(session_of("(mish) 4 (lin) 2", "mse"))))
    assert "losses" in str(as_chain(by_descent(session_of("(tanh) 4 (lin) 2", "mae"))))


def test_products_are_those_of_the_matrices() -> None:
    """Forward each weight once; the gradient by weights likewise, and by what comes in but for the first layer."""
    text = "data boston, target = medv\nnetwork [13(tanh)15(tanh)15(lin)1]\nloss half_mse\ninit zeros\n"
    text += "optimizer gd(eta = 0.1)\ntrain steps = 1"
    forward, gradient = products(open_session(read_text(text, "b.net", Path()), {}).program.problem)
    sums, biases = (
        2,
        15 + 15 + 1,
    )  # of the loss over outputs and samples, of the gradient by biases over samples
    first, others = 13 * 15, 15 * 15 + 15
    assert forward == first + others + sums
    assert gradient - forward == first + 2 * others + biases


RULE = """
objective R(x, y) = x^2 + 3*y^2
init theta = (1, 2)
optimizer gd(eta = 0.1)
train steps = {steps}
"""


def test_what_a_rule_asks_for_is_counted() -> None:
    taken = further(open_session(read_text(RULE.format(steps=10**6), "b.net", Path()), {}).task)
    assert (taken.gradients, taken.losses, taken.runs) == (1, 0, 1)
    assert 0 < taken.least <= taken.median <= taken.most
    with pytest.raises(TooShort, match="three iterations"):
        further(open_session(read_text(RULE.format(steps=2), "b.net", Path()), {}).task)


def test_the_command_prints_what_it_found(tmp_path: Path) -> None:
    file = tmp_path / "a.net"
    file.write_text(RULE.format(steps=10**6))
    command = [sys.executable, "-m", "netc", "bench", str(file), "--json"]
    found = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    assert found["gradients"] == 1
    assert np.isfinite(found["seconds"])
    assert found["peak_gflops"] > 0
    assert "repository" in found["not_compared"]
    file.write_text(RULE.format(steps=2))
    said = subprocess.run(command, capture_output=True, text=True)
    assert (said.returncode, "three iterations" in said.stderr) == (2, True)
