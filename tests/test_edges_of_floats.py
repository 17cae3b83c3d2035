"""The edges of floating point: what is finite in real numbers is finite here, in both precisions."""

from __future__ import annotations

from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import netc
from netc.compiler.calculus.evaluate import evaluate
from netc.dsl.diagnostics import SpecError
from netc.runtime.devices.cuda_missing import installed
from sweeps import one_in
from test_cuda_simulator import simulate
from test_library_losses import head_of

LOG_COSH = """
data inline:
    1 -> 3
    2 -> 5
network   [1(lin)1]
init      constant(0.5, bias = 0.1)
loss      logcosh = mean({loss})
optimizer gd(eta = 0.1)
train     steps = 1, precision = {precision}
"""


@pytest.mark.parametrize(
    ("loss", "precision"),
    one_in(4, product(["log(cosh(u - y))", "log((exp(u - y) + exp(y - u))/2)"], ["f64", "f32"])),
)
def test_log_cosh_by_hand(loss: str, precision: str) -> None:
    d = np.array([0.5 * 1 + 0.1 - 3, 0.5 * 2 + 0.1 - 5])
    wanted = [0.5 - 0.1 * np.mean(np.tanh(d) * [1, 2]), 0.1 - 0.1 * np.mean(np.tanh(d))]
    result = netc.compile(LOG_COSH.format(loss=loss, precision=precision)).train()
    tolerance = 1e-14 if precision == "f64" else 1e-6
    np.testing.assert_allclose(result.theta[0], wanted, rtol=tolerance)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_log_cosh_of_any_finite_number(dtype: type[Any]) -> None:
    value, slope = head_of("log_cosh", "lin", 1)
    largest = float(np.finfo(dtype).max)
    z = np.array([0.0, 1e-6, -20.0, 90.0, 800.0, -1e30, 1e38, largest, -largest], dtype)[:, None]
    at = {"layer1.z": z, "y": np.zeros_like(z)}
    far = np.abs(z[:, 0].astype(float))
    wanted = np.where(far > 20, far - np.log(2), np.log(np.cosh(np.minimum(far, 20))))
    wanted[1] = 0.5e-12  # x^2/2: log(cosh(1e-6)) itself has lost all its digits
    loss = np.ravel(evaluate(value, at))
    np.testing.assert_allclose(loss, wanted, rtol=1e-6 if dtype == np.float32 else 1e-12)
    np.testing.assert_allclose(np.ravel(evaluate(slope, at)), np.tanh(z[:, 0]), rtol=1e-6)


# -- norms -------------------------------------------------------------------------------------------

SIZES = [("f32", 1e25), ("f32", 1e-25), ("f32", 1e-40), ("f64", 1e200), ("f64", 1e-200), ("f64", 3.0)]
NORMALISED = """
optimizer normalised(eta = 0.5):
    g          = grad R(theta[n])
    theta[n+1] = theta[n] - eta*g/norm(g)
"""
BY_LAYER = """
optimizer normalised(eta = 0.5):
    g          = grad R(theta[n])
    theta[n+1] = theta[n] - eta*g/norm(g, per = layer)
"""
OBJECTIVE = """
objective R(x, y) = {a}*x + {b}*y
init      theta = {starts}
{rule}
train     steps = 1, precision = {precision}, runs = {runs}
"""
NETWORK = """
data inline:
    {a}, {b} -> 0
network   [2(dense nobias, lin)1]
init      constant(0)
loss      slope = sum(u) + 0*sum(u^2)
{rule}
train     steps = 1, precision = {precision}
"""


@pytest.mark.parametrize("rule", [NORMALISED, BY_LAYER])
@pytest.mark.parametrize(("precision", "size"), one_in(6, SIZES))
@pytest.mark.parametrize("runs", [1, 16])
def test_a_normalised_step_has_its_length_whatever_the_gradient(
    precision: str, size: float, rule: str, runs: int
) -> None:
    """Of one start in registers, and of many as lanes."""
    starts = "{" + ", ".join(["(0, 0)"] * runs) + "}" if runs > 1 else "(0, 0)"
    a, b = 3 * size, 4 * size
    model = netc.compile(OBJECTIVE.format(a=a, b=b, starts=starts, rule=rule, precision=precision, runs=runs))
    np.testing.assert_allclose(model.train().theta, [[-0.3, -0.4]] * runs, rtol=1e-5)


@pytest.mark.parametrize("rule", [NORMALISED, BY_LAYER])
@pytest.mark.parametrize(("precision", "size"), one_in(6, SIZES))
def test_and_so_it_has_on_networks(precision: str, size: float, rule: str) -> None:
    model = netc.compile(NETWORK.format(a=3 * size, b=4 * size, rule=rule, precision=precision))
    np.testing.assert_allclose(model.train().theta, [[-0.3, -0.4]], rtol=1e-5)


def test_the_square_of_a_norm_is_finite_where_it_can_be() -> None:
    """Numbers of a rule are float64: of a gradient of 5e25 in f32 the square is 2.5e51."""
    rule = """
optimizer squared:
    g          = grad R(theta[n])
    h          = 0.5 if norm(g)^2 > 2.4e51 and norm(g)^2 < 2.6e51 else 0
    theta[n+1] = theta[n] - h*g/norm(g)
"""
    text = OBJECTIVE.format(a=3e25, b=4e25, starts="(0, 0)", rule=rule, precision="f32", runs=1)
    np.testing.assert_allclose(netc.compile(text).train().theta, [[-0.3, -0.4]], rtol=1e-5)


@pytest.mark.parametrize("criterion", ["norm(grad R) > 1e10", "norm(grad R) < 1e-10"])
def test_criteria_see_norms_whose_squares_overflow_or_vanish(criterion: str) -> None:
    size = 1e25 if ">" in criterion else 1e-25
    text = OBJECTIVE.format(
        a=size, b=size, starts="(0, 0)", rule="optimizer gd(eta = 0)", precision="f32", runs=1
    )
    result = netc.compile(f"{text.strip()}, stop = {criterion}").train()
    assert result.stopped[0] == "criterion"


@pytest.mark.parametrize(
    "value", ["norm(u - y)", "sqrt(sum((u - y)^2))", "sqrt(mean((u - y)^2))", "sqrt(2*sum((u - y)^2))"]
)
@pytest.mark.parametrize("outputs", [1, 3])
def test_a_norm_has_slope_zero_at_zero(value: str, outputs: int) -> None:
    """As PyTorch's vector_norm, and as |x| here."""
    _, slope = head_of(f"distance = {value}", "lin", outputs)
    z = np.array([np.ones(outputs), np.arange(outputs) + 2.0])
    y = np.ones_like(z)
    adjoint = np.broadcast_to(evaluate(slope, {"layer1.z": z, "y": y}), z.shape)
    assert (adjoint[0] == 0).all()
    d = z[1] - y[1]
    scale = {"norm(u - y)": 1, "sqrt(sum((u - y)^2))": 1, "sqrt(mean((u - y)^2))": outputs**-0.5}.get(
        value, 2**0.5
    )
    np.testing.assert_allclose(adjoint[1], scale * d / np.linalg.norm(d), rtol=1e-12)


@pytest.mark.parametrize(
    "squares", ["x^2 + 3*y^2", "0.25*x^2 + y^2/8", "(x^2 + y^2)/0.5", "0.5*(x^2 + 2*(y*y))"]
)
def test_an_objective_that_is_a_root_of_squares_can_start_at_its_minimum(squares: str) -> None:
    rest = "init theta = (0, 0)\noptimizer gd(eta = 0.1)\ntrain steps = 3"
    result = netc.compile(f"objective R(x, y) = sqrt({squares})\n{rest}").train()
    assert result.theta.tolist() == [[0.0, 0.0]]
    assert not result.diverged[0]


CLIPPED = """
objective R(x, y) = {a}*x + {b}*y
init      theta = (0, 1)
optimizer gd(eta = 0.1), clip = {clip}
train     steps = 1, precision = {precision}
"""


def test_our_own_clip_keeps_the_direction_of_a_large_gradient() -> None:
    text = CLIPPED.format(a=1e25, b=1, clip="clip.by_norm(1)", precision="f32")
    np.testing.assert_allclose(netc.compile(text).train().theta, [[-0.1, 1.0]], rtol=1e-6)


@pytest.mark.parametrize("size", one_in(2, [1e25, 1e-25]))
@pytest.mark.parametrize(
    "rule", ["gd(eta = {0}), clip = clip.by_norm({1})", "clipped_gd.by_norm(eta = {0}, alpha = {1})"]
)
def test_a_bound_of_the_size_of_the_gradient_is_kept(rule: str, size: float) -> None:
    """The gradient is (3, 4)*size, the bound 2*size and the rate 1/size: neither their product nor their quotient leaves
    single precision, though size^2 does."""
    text = f"""objective R(x, y) = {3 * size}*x + {4 * size}*y
init theta = (0, 0)
optimizer {rule.format(1 / size, 2 * size)}
train steps = 1, precision = f32
"""
    np.testing.assert_allclose(netc.compile(text).train().theta, [[-1.2, -1.6]], rtol=1e-6)


@pytest.mark.parametrize("precision", ["f32", "f64"])
@pytest.mark.parametrize("size", [1e25, 3.0, 1e-25])
def test_the_clip_of_torch_overflows_where_torch_does(size: float, precision: str) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch 2.13.0 is not installed: pip install torch==2.13.0")
    dtype = torch.float32 if precision == "f32" else torch.float64
    theta = torch.tensor([0.0, 1.0], dtype=dtype, requires_grad=True)
    (theta * torch.tensor([size, 1.0], dtype=dtype)).sum().backward()
    torch.nn.utils.clip_grad_norm_([theta], max_norm=1.0)
    with torch.no_grad():
        theta -= 0.1 * theta.grad
    text = CLIPPED.format(a=size, b=1, clip="torch.clip_grad_norm_(max_norm = 1)", precision=precision)
    np.testing.assert_allclose(
        netc.compile(text).train().theta[0], theta.detach().numpy(), rtol=1e-6, atol=1e-7
    )


@pytest.mark.skipif(not installed(), reason="needs netc[cuda]")
def test_norms_on_a_gpu() -> None:
    """In numba's simulator, against the CPU."""
    cases = [
        {"text": OBJECTIVE.format(a=3 * s, b=4 * s, rule=rule, precision=p, starts="(0, 0)", runs=1)}
        for p, s in (("f32", 1e25), ("f32", 1e-25), ("f64", 1e200))
        for rule in (NORMALISED, BY_LAYER)
    ]
    for case, found in zip(cases, simulate(cases), strict=True):
        assert found["theta"] < 1e-6, (case, found)


@pytest.mark.parametrize("column", ["a", "b"])
@pytest.mark.parametrize("size", [1e-300, 1e-46, 1e-42, 1e39, 1e300])
def test_a_column_that_single_precision_cannot_hold_is_refused(
    size: float, column: str, tmp_path: Path
) -> None:
    """Below 1.2e-38 digits are lost, below 1.4e-45 all."""
    rows = [[1.0, 2.0], [2.0, 3.0], [3.0, 5.0]]
    values = [
        [v * (size if name == column else 1) for v, name in zip(row, "ab", strict=True)] for row in rows
    ]
    values.append([0.0, 0.0])
    (tmp_path / "t.csv").write_text("a,b\n" + "".join(f"{a!r},{b!r}\n" for a, b in values))
    text = """data "t.csv"
network [1(lin)1]
init zeros
loss mse
optimizer gd(eta = 0.01)
train epochs = 1, precision = f32
"""
    (tmp_path / "t.net").write_text(text)
    with pytest.raises(SpecError, match=f"column '{column}' holds"):
        netc.compile(tmp_path / "t.net").train()


def test_reported_norms_neither_overflow_nor_vanish() -> None:
    """The squares of 1e200 and of 3e-170 are no numbers of float64."""
    text = """objective R(x, y) = 1e200*x - 1e200*y
init theta = (3e-170, 4e-170)
optimizer gd(eta = 1e-300)
train steps = 1
"""
    history = netc.compile(text).train().history
    np.testing.assert_allclose(history["gradient_norm"], np.sqrt(2) * 1e200, rtol=1e-15)
    np.testing.assert_allclose(history["theta_norm"], [5e-170, np.sqrt(2) * 1e-100], rtol=1e-15)
