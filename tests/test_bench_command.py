"""`netc bench`: peers do the same work, what is counted is counted right, and what cannot be measured is said."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from netc.command_line import main
from netc.commands import bench
from netc.runtime.bench import comparison
from netc.runtime.bench.iterations import LONG, NotMeasured, _differences, further
from netc.runtime.bench.plain_descent import as_chain, by_descent
from netc.runtime.opening import open_session
from netc.runtime.program_file import read_text
from netc.runtime.session import Session
from netc.runtime.training.report_spacing import products
from netc.runtime.training.stretches import OnCpu

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


PER_CALL, PER_ITERATION = 0.01, 2.0**-23
"""Seconds, of the clock that stands for a machine's."""


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is measured hangs on no other work of the machine."""
    waits = OnCpu.wait

    def wait(self: OnCpu) -> float:
        waits(self)
        return PER_CALL + PER_ITERATION * self.last

    monkeypatch.setattr(OnCpu, "wait", wait)


@pytest.mark.usefixtures("clock")
def test_what_a_rule_asks_for_is_counted() -> None:
    taken = further(open_session(read_text(RULE.format(steps=10**7), "b.net", Path()), {}).task)
    assert (taken.gradients, taken.losses, taken.runs) == (1, 0, 1)
    assert taken.steps * PER_ITERATION > LONG
    assert [taken.least, taken.median, taken.most] == pytest.approx([PER_ITERATION] * 3)
    with pytest.raises(NotMeasured, match="three iterations"):
        further(open_session(read_text(RULE.format(steps=2), "b.net", Path()), {}).task)


def test_a_longer_run_that_took_less_is_measured_anew() -> None:
    """2 iterations in 6 seconds and 6 in 6.1, 6.2 ..., but the second time in 5: other work ran beside the former."""
    long = iter([6.1, 5.0, 6.2, 6.3, 6.4, *(6.1, 6.2, 6.3, 6.4, 6.5)])
    found = _differences(lambda steps: next(long) if steps == 6 else 6.0, 2)
    assert found == pytest.approx([0.025, 0.05, 0.075, 0.1, 0.125])
    with pytest.raises(NotMeasured, match="other work"):
        _differences(lambda steps: 6.0 - steps, 2)


def test_peers_are_not_said_to_take_less_than_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    class Peer:
        name = "peer"

        def advance(self, steps: int) -> None: ...

    monkeypatch.setattr(comparison, "_steps", lambda contender, turns: 1)
    monkeypatch.setattr(comparison, "_time", lambda contender, steps: 6.0 - steps)
    with pytest.raises(NotMeasured, match="other work"):
        comparison._times([Peer()], 1)


@pytest.mark.usefixtures("clock")
def test_the_command_prints_what_it_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(bench, "_one_core", lambda: None)  # not of the process that runs the tests
    file = tmp_path / "a.net"
    file.write_text(RULE.format(steps=10**7))
    assert main(["bench", str(file), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["gradients"] == 1
    assert found["seconds"] == pytest.approx(PER_ITERATION)
    assert found["peak_gflops"] > 0
    assert "repository" in found["not_compared"]
    file.write_text(RULE.format(steps=2))
    assert main(["bench", str(file), "--json"]) == 2
    assert "three iterations" in capsys.readouterr().err


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="the system names no cores")
def test_it_keeps_to_one_core() -> None:
    code = "import os; from netc.commands.bench import _one_core; _one_core(); "
    code += "print(len(os.sched_getaffinity(0)), os.environ['OMP_NUM_THREADS'])"
    found = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert found.stdout.split() == ["1", "1"]
