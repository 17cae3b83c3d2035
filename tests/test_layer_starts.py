"""Starts of layers: laws of some, arrays by name, files for some with netc's names or PyTorch's. Not the laws themselves."""

from __future__ import annotations

from math import sqrt
from pathlib import Path

import numpy as np
import pytest

from lowering import lowered
from netc.compiler.meaning.spec_text import spec_text
from netc.compiler.pipeline import to_ast, to_ir, to_spec
from netc.dsl.diagnostics import SpecError
from netc.dsl.source import Source
from netc.runtime.opening import open_session
from netc.runtime.parameters import unflatten
from netc.runtime.program_file import read_text
from netc.runtime.training.start import first_states, first_theta

NET = """
block rows(c) = [(keras.LSTM return_sequences) c]
network [8x8x2 (conv 3x3, relu) 3 (lecture.batchnorm) (conv 3x3, relu) 4 (rows) 5 (last) (tanh) 7 (lin) 2]"""
REST = """
loss mse
optimizer gd(eta = 0.1)
train epochs = 1, seed = 3
"""
LAWS = """
init he_normal
init conv: weights ~ normal(1, 0), biases = 2
init layer3: weights ~ uniform(a, a), a = fan_in/layer
init layer2: gamma = 0
init layer4: W = 3, biases = -1, bf = 1
init last: weights = 1/fan_in
"""


def text(init: str, net: str = NET) -> str:
    return f"{net}\n{init}{REST}"


@pytest.fixture(scope="module")
def torch():
    return pytest.importorskip("torch")


def test_each_array_begins_by_what_means_it_most_closely() -> None:
    program = lowered(text(LAWS))
    parts = unflatten(program.problem, first_theta(program, 0, 1)[0])
    means = {
        "layer1.weight": 1, "layer1.bias": 2, "layer2.gamma": 0, "layer2.beta": 0, "layer3.weight": 27 / 2,
        "layer3.bias": 2, "layer4.W": 3, "layer4.bf": 1, "layer4.bi": -1, "layer6.weight": 1 / 7, "layer6.bias": 0,
    }  # fmt: skip
    for name, value in means.items():
        np.testing.assert_array_equal(parts[name], value, err_msg=name)
    assert 0.5 < np.std(parts["layer4.U"]) / sqrt(2 / 5) < 1.5  # what nobody speaks of has the law of all


def test_the_spec_as_text_means_the_same() -> None:
    def read(source: str):
        return to_spec(to_ast(Source("<test>", source)), None, Path())

    spec = read(text(LAWS))
    assert to_ir(read(spec_text(spec))) == to_ir(spec)


def test_siren_draws_its_first_layer_by_another_law() -> None:
    program = lowered(text("init siren(omega = 10)", "network [2 (sine(10)) 400 (sine(10)) 400 (lin) 1]"))
    parts = unflatten(program.problem, first_theta(program, 0, 1)[0])
    largest = [np.max(np.abs(parts[f"layer{i}.weight"])) for i in (1, 2, 3)]
    np.testing.assert_allclose(largest, [1 / 2, sqrt(6 / 400) / 10, sqrt(6 / 400) / 10], rtol=0.02)


# -- files -------------------------------------------------------------------------------------------

SMALL = "network [6x6x1 (conv 3x3, relu) 3 (torch.BatchNorm2d) (conv 3x3, relu) 4 (globalavgpool) (lin) 2]"


def of_sequential(torch, classes: int):
    nn = torch.nn
    torch.manual_seed(1)
    module = nn.Sequential(
        nn.Conv2d(1, 3, 3), nn.ReLU(), nn.BatchNorm2d(3), nn.Conv2d(3, 4, 3), nn.ReLU(),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, classes),
    ).double()  # fmt: skip
    module(
        torch.randn(32, 1, 6, 6, dtype=torch.float64)
    )  # so that the running statistics are others than 0 and 1
    return module


def program_of(init: str, folder: Path):
    session = open_session(read_text(text(init, SMALL), "<test>", folder), {})
    return session.program


def test_a_state_dict_with_batch_norm_starts_a_whole_network(torch, tmp_path: Path) -> None:
    module = of_sequential(torch, 2)
    torch.save(module.state_dict(), tmp_path / "net.pt")
    program = program_of('init from "net.pt"', tmp_path)
    parts, state = unflatten(program.problem, first_theta(program, 0, 1)[0]), module.state_dict()
    for here, there in (
        ("layer1.weight", "0.weight"),
        ("layer2.beta", "2.bias"),
        ("layer4.weight", "7.weight"),
    ):
        np.testing.assert_array_equal(parts[here], state[there].numpy())
    running = np.concatenate([state["2.running_mean"], state["2.running_var"]])
    np.testing.assert_array_equal(first_states(program, 0, 1)[0], running)


def test_some_layers_begin_as_a_network_with_another_head(torch, tmp_path: Path) -> None:
    module = of_sequential(torch, 9)
    torch.save(module.state_dict(), tmp_path / "net.pt")
    state = module.state_dict()
    body = (
        ("layer1.weight", "0.weight"),
        ("layer1.bias", "0.bias"),
        ("layer2.gamma", "2.weight"),
        ("layer3.weight", "3.weight"),
    )
    for init in (
        'init layer1, layer2, layer3: from "net.pt"',
        'init layer1, torch.BatchNorm2d, layer3: from "net.pt"\n',
    ):
        program = program_of(f"init glorot_uniform\n{init}", tmp_path)
        parts = unflatten(program.problem, first_theta(program, 0, 1)[0])
        for here, there in body:
            np.testing.assert_array_equal(parts[here], state[there].numpy())
        alone = program_of("init glorot_uniform", tmp_path)
        own = unflatten(alone.problem, first_theta(alone, 0, 1)[0])
        np.testing.assert_array_equal(parts["layer4.weight"], own["layer4.weight"])
        running = np.concatenate([state["2.running_mean"], state["2.running_var"]])
        np.testing.assert_array_equal(first_states(program, 0, 1)[0], running)


def test_names_of_a_module_are_said(torch, tmp_path: Path) -> None:
    module = of_sequential(torch, 9)
    names = {"0": "stem.conv1", "2": "stem.norm", "3": "stages.0.conv", "7": "head"}
    state = {f"{names[n.partition('.')[0]]}.{n.partition('.')[2]}": v for n, v in module.state_dict().items()}
    torch.save(state, tmp_path / "net.pt")
    init = 'init torch_default\ninit layer1, layer3: from "net.pt", names = (stem.conv1, "stages.0.conv")'
    program = program_of(init, tmp_path)
    parts = unflatten(program.problem, first_theta(program, 0, 1)[0])
    np.testing.assert_array_equal(parts["layer3.weight"], state["stages.0.conv.weight"].numpy())
    np.testing.assert_array_equal(parts["layer2.gamma"], 1)


@pytest.mark.parametrize(
    ("init", "says"),
    [
        ('init layer4: from "net.pt"', r"layer4.weight has shape \(9, 4\), layer4.weight is \(2, 4\)"),
        ('init layer1: from "none.pt"', "there is no such file"),
        ('init layer1: from "net.pt", names = (conv1)', "no conv1.weight among 0.weight, 0.bias"),
    ],
)
def test_a_file_that_does_not_fit_is_refused_before_anything_runs(
    torch, tmp_path: Path, init: str, says: str
) -> None:
    torch.save(of_sequential(torch, 9).state_dict(), tmp_path / "net.pt")
    with pytest.raises(SpecError, match=says) as found:
        program_of(f"init he_normal\n{init}", tmp_path)
    assert [d.code for d in found.value.diagnostics] == ["E0690"]
