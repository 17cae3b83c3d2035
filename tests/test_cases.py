"""What people ran into with other tools, each restated as a small file with its right value or its right message."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import netc
from netc.compiler import pipeline
from netc.compiler.meaning.spec import Facts
from netc.dsl.diagnostics import SpecError
from netc.dsl.source import Source

ONE_STEP = "init constant(0)\nloss {loss}\noptimizer gd(eta = 1)\ntrain steps = 1\n"


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def on_table(table: str, network: str, loss: str, setting: str = "") -> str:
    Path("table.csv").write_text(table)
    return f'data "table.csv"{setting}\nnetwork {network}\n' + ONE_STEP.format(loss=loss)


def test_a_gradient_whose_square_overflows_is_clipped() -> None:
    """pytorch#46849: the gradient (1e25, 1) has the norm 1e25."""
    text = """objective R(x, y) = 1e25*x + y
init theta = (0, 1)
optimizer gd(eta = 0.1), clip = clip.by_norm(1)
train steps = 1, precision = f32
"""
    np.testing.assert_allclose(netc.compile(text).train().theta[0], (-0.1, 1), atol=1e-6)


def test_a_norm_at_an_exact_fit_has_the_slope_0() -> None:
    """pytorch#2421: the first sample is fitted; the gradient is (-1, -0.5), the loss 0.5."""
    text = """data inline:
    1 -> 2
    2 -> 4
network [1(lin)1]
init constant(1, bias = 1)
loss distance = norm(u - y)
optimizer gd(eta = 0.1)
train steps = 1
"""
    result = netc.compile(text).train()
    np.testing.assert_allclose(result.theta[0], (1.1, 1.05), rtol=1e-14)
    assert result.history["loss_train"][0] == 0.5


@pytest.mark.parametrize(
    ("table", "network", "loss", "code", "words"),
    [
        ("1990,1991,1992\n1,2,3\n3,4,5\n", "[2(lin)1]", "half_mse", "E0619", "is it a header or a sample?"),
        ("a;b;y\n1;2;3,5\n2;3;4,5\n3;5;7,5\n", "[2(lin)1]", "half_mse", "E0610", "`decimal = comma`"),
        ("a,b,q\n1,2,3\n3,4,5\n5,6,8\n7,8,3\n", "[2(softmax)3]", "cross_entropy", "E0202", "`classes = 3`"),
        ("a,b,q\n1,2,0\n2,1,5\n3,3,0\n4,1,5\n", "[2(sigmoid)1]", "binary_cross_entropy", "E0620", "targets from 0 to 1"),
    ],
    ids=["numeric header", "comma in the target", "labels with gaps", "labels 0 and 5"],
)  # fmt: skip
def test_a_guess_about_data_is_no_silent_one(
    table: str, network: str, loss: str, code: str, words: str
) -> None:
    """GeoDa#390, orange3#3875, CNTK#1561, keras#14046."""
    with pytest.raises(SpecError) as error:
        netc.compile(on_table(table, network, loss)).train()
    assert code in str(error.value)
    assert words in str(error.value)


def test_what_the_messages_propose_runs() -> None:
    """The header of numbers by hand: one step goes to (mean(x1 y), mean(x2 y), mean(y)). Labels 0 and 5 as codes 0, 1:
    sigmoid(0) is 1/2, so it goes to mean((y - 1/2)(x1, x2, 1))."""
    table = "1990,1991,1992\n1,2,3\n3,4,5\n"
    model = netc.compile(on_table(table, "[2(lin)1]", "half_mse", ", header = true"))
    np.testing.assert_allclose(model.train().theta[0], (9, 13, 4), rtol=1e-12)
    table = "a,b,q\n1,2,0\n2,1,5\n3,3,0\n4,1,5\n"
    model = netc.compile(on_table(table, "[2(sigmoid)1]", "binary_cross_entropy", ", classes = 2"))
    np.testing.assert_allclose(model.train().theta[0], (0.25, -0.375, 0), atol=1e-12)


def test_labels_belong_to_the_model_and_the_result() -> None:
    """linfa#393: which output is which."""
    table = "a,b,q\n1,2,yes\n2,1,no\n3,3,yes\n4,1,maybe\n"
    model = netc.compile(on_table(table, "[2(softmax)3]", "cross_entropy"))
    result = model.train()
    assert list(model.classes) == list(result.classes) == ["maybe", "no", "yes"]
    assert set(model.predict([[1.0, 2.0]], labels=True)) <= {"maybe", "no", "yes"}


def test_a_start_that_differs_by_layer() -> None:
    """SIREN: the first layer up to 1/fan_in, the others up to sqrt(6/fan_in)/w0."""
    text = """data x in linspace(-1, 1, 50) -> sin(10*x)
network [1(tanh)16(tanh)16(lin)1]
init weights ~ uniform(-a, a), a = 1/fan_in if layer == 1 else sqrt(6/fan_in)/30, biases = layer
loss mse
optimizer gd(eta = 1e-4)
train epochs = 2
"""
    program = pipeline.to_ir(
        pipeline.to_spec(pipeline.to_ast(Source("siren.net", text)), Facts(1, 1, 50), Path())
    )
    width = np.sqrt(6 / 16) / 30
    found = {fill.offset: fill.arguments for fill in program.starts.fills}
    expected = {0: (-1, 1), 16: (1,), 32: (-width, width), 288: (2,), 304: (-width, width), 320: (3,)}
    assert found.keys() == expected.keys()
    for offset, numbers in expected.items():
        np.testing.assert_allclose(found[offset], numbers, rtol=1e-12)
