"""Trained networks for PyTorch and ONNX: run there, against NumPy; and weights from PyTorch."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest

import netc
from exported import model_of, network
from netc.compiler import pipeline
from netc.compiler.calculus.evaluate import predict
from netc.compiler.export.model import Scale
from netc.dsl import library
from netc.dsl.diagnostics import SpecError
from netc.runtime.export_onnx import onnx_bytes
from netc.runtime.export_torch import safetensors_bytes, sequential, state_dict, torch_bytes
from netc.runtime.program_file import read_text
from sweeps import one_in

RNG = np.random.default_rng(17)
SPELLED = {"sine": "sine(2)", "leaky_relu": "leaky_relu(0.01)"}
ACTIVATIONS = [SPELLED.get(name, name) for name in library.names("activation")]
"""With its omega of 30 a sine of a sine has no more than some digits of a float32."""
X = np.concatenate([RNG.normal(size=(30, 3)), [[0, 0, 0], [3, -3, 3]]])
SCALE = Scale(np.array([1.0, -2, 0.5]), np.array([2.0, 0.3, 1]))
BACK = Scale(np.array([100.0, 0]), np.array([7.0, 2]))
HEAD = "loss half_mse\ninit glorot_uniform\noptimizer gd(eta = 1)\ntrain steps = 1\n"


def specified(layers, more=""):
    file = read_text(f"{more}network {layers}\n{HEAD}", "<text>", None)
    return pipeline.to_spec(file.program, None, None)


def scaled(problem, precision):
    rng = np.random.default_rng(
        problem.parameters + 7
    )  # of its own: with some numbers exp of exp has few digits left, or none
    theta = (0.3 * rng.normal(size=problem.parameters)).astype(
        np.float64 if precision == "f64" else np.float32
    )
    return replace(model_of(problem, theta, precision), inputs=SCALE, outputs=BACK), theta


def expected(problem, theta):
    inner = ((X - SCALE.shift) / SCALE.divisor).astype(theta.dtype)
    return predict(problem, theta, inner).astype(np.float64) * BACK.divisor + BACK.shift


# -- PyTorch ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["safetensors", "pt"])
@pytest.mark.parametrize("precision", ["f64", "f32"])
def test_the_printed_sequential_computes_every_activation(form, precision, tmp_path, monkeypatch):
    torch = pytest.importorskip("torch")
    monkeypatch.chdir(tmp_path)
    made = torch_bytes if form == "pt" else safetensors_bytes
    for name in ACTIVATIONS:
        spec = specified(f"[3({name})5(dense nobias, {name})4(lin)2]")
        problem = pipeline.to_ir(spec).problem
        model, theta = scaled(problem, precision)
        (tmp_path / f"net.{form}").write_bytes(made(state_dict(model, spec)))
        names = {}
        exec(sequential(model, spec, f"net.{form}"), names)
        with torch.no_grad():
            found = names["predict"](torch.tensor(X)).numpy()
        wanted = expected(problem, theta)
        tolerance = (1e-12 if precision == "f64" else 1e-5) * np.abs(wanted).max(axis=1, keepdims=True)
        assert (np.abs(found - wanted) <= tolerance).all(), name


def test_an_activation_of_the_users_own_is_written_as_its_equation():
    torch = pytest.importorskip("torch")
    spec = specified(
        "[3(tanh)5(lin)2]", "activation tanh(z) = min(z, 1)/(1 + |z|) if z > 0 or z < -1 else -z\n"
    )
    problem = pipeline.to_ir(spec).problem
    model, theta = scaled(problem, "f64")
    text = sequential(model, spec, "net.safetensors")
    assert "nn.Tanh" not in text
    names = {}
    exec(
        text.partition("model.load_state_dict")[0].replace("from safetensors.torch import load_file", ""),
        names,
    )
    module = names["model"]
    assert {n: tuple(t.shape) for n, t in module.state_dict().items()} == {
        n: a.shape for n, a in state_dict(model, spec).items()
    }
    module.load_state_dict({n: torch.tensor(a) for n, a in state_dict(model, spec).items()})
    with torch.no_grad():
        found = module(torch.tensor(X)).numpy()
    np.testing.assert_allclose(found, predict(problem, theta, X), rtol=1e-13)


@pytest.mark.parametrize("form", ["safetensors", "pt"])
def test_a_state_dict_of_pytorch_is_a_start(form, tmp_path):
    torch = pytest.importorskip("torch")
    from safetensors.torch import save_file

    torch.manual_seed(0)
    module = torch.nn.Sequential(torch.nn.Linear(3, 12), torch.nn.Tanh(), torch.nn.Linear(12, 2)).double()
    file = tmp_path / f"start.{form}"
    torch.save(module.state_dict(), file) if form == "pt" else save_file(module.state_dict(), file)
    model = netc.compile(f"network [3(tanh)12(lin)2]\n{HEAD}".replace("glorot_uniform", f'from "{file}"'))
    start = model.unflatten(model._session.program.starts and start_of(model))
    for name, tensor in (("layer1.weight", module[0].weight), ("layer2.bias", module[2].bias)):
        np.testing.assert_array_equal(start[name], tensor.detach().numpy())
    for layers, words in (("[3(tanh)12(tanh)4(lin)2]", "it has 2 layers .0, 2., the network has 3"),
                          ("[3(tanh)11(lin)2]", r"layer1\.weight has shape \(12, 3\), wanted is \(11, 3\)")):  # fmt: skip
        with pytest.raises(SpecError, match=f"E0690.*{words}"):
            netc.compile(f"network {layers}\n{HEAD}".replace("glorot_uniform", f'from "{file}"'))


def test_layers_under_other_names_are_recognised_by_their_shapes(tmp_path):
    from safetensors.numpy import save_file

    shapes = {"body.weight": (12, 3), "body.bias": (12,), "heads.0.weight": (2, 12), "heads.0.bias": (2,)}
    save_file({name: np.full(shape, 2.0) for name, shape in shapes.items()}, tmp_path / "named.safetensors")
    text = f"network [3(tanh)12(lin)2]\n{HEAD}".replace(
        "glorot_uniform", f'from "{tmp_path / "named.safetensors"}"'
    )
    with pytest.raises(SpecError) as found:
        netc.compile(text)
    said = found.value.diagnostics[0].message
    hint = re.search(r'init (layer1, layer2): from \.\.\., names = \((body, "heads\.0")\)$', said)
    assert hint, said
    named = f'named.safetensors", names = ({hint[2]})'
    mended = text.replace("init from", f"init {hint[1]}: from").replace('named.safetensors"', named)
    assert (start_of(netc.compile(mended)) == 2).all()


def start_of(model):
    from netc.runtime.training.start import first_theta

    return first_theta(model._session.program, 0, 1)[0]


def test_pickles_that_are_no_state_dict_are_refused(tmp_path):
    torch = pytest.importorskip("torch")
    torch.save(torch.nn.Linear(2, 2), tmp_path / "whole.pt")
    (tmp_path / "noise.pt").write_bytes(b"noise")
    torch.save({"epoch": 3}, tmp_path / "other.pt")
    weights = {"0.weight": torch.zeros(2, 2), "0.bias": torch.full((2,), torch.nan)}
    torch.save(weights, tmp_path / "lost.pt")
    safetensors = pytest.importorskip("safetensors.torch")
    safetensors.save_file({k: v.bfloat16() for k, v in weights.items()}, tmp_path / "short.safetensors")
    for name, said in {
        "whole.pt": r"not a state dict of PyTorch: save model\.state_dict\(\), not the model$",
        "noise.pt": "not a state dict of PyTorch: PyTorch cannot read it$",
        "other.pt": "not a state dict of PyTorch: save model",
        "lost.pt": "2 of its 6 numbers are not finite$",
        "short.safetensors": "bfloat16.*save it as float32$",
    }.items():
        text = f"network [2(lin)2]\n{HEAD}".replace("glorot_uniform", f'from "{tmp_path / name}"')
        with pytest.raises(SpecError) as found:
            netc.compile(text)
        (diagnostic,) = found.value.diagnostics
        assert diagnostic.code == "E0690"
        assert re.search(said, diagnostic.message), diagnostic.message


# -- ONNX ------------------------------------------------------------------------------------------

NOT_IN_DOUBLE = {"arctan": 1e-12, "gelu": 1e-6}
"""What onnxruntime computes in float32 alone is run by ONNX's own evaluator, whose erf has single precision."""


@pytest.mark.parametrize(("precision", "tolerance"), one_in(2, [("f64", 1e-12), ("f32", 1e-6)]))
def test_onnx_computes_every_activation(precision, tolerance):
    pytest.importorskip("onnx")
    runtime = pytest.importorskip("onnxruntime")
    from onnx.reference import ReferenceEvaluator

    for name in ACTIVATIONS:
        problem = network(f"[3({name})5({name})4(lin)2]")
        model, theta = scaled(problem, precision)
        fill = np.array([0.5, 0.25, -1])
        content = onnx_bytes(replace(model, fill=fill, about=("a", "b")))
        x = X.astype(theta.dtype)
        session = (
            runtime.InferenceSession(content) if precision == "f32" or name not in NOT_IN_DOUBLE else None
        )
        within = tolerance if session else NOT_IN_DOUBLE[name]
        session = session or ReferenceEvaluator(content)
        (found,) = session.run(None, {"inputs": x})
        inner = ((x.astype(np.float64) - SCALE.shift) / SCALE.divisor).astype(theta.dtype)
        wanted = predict(problem, theta, inner).astype(np.float64) * BACK.divisor + BACK.shift
        same = np.isfinite(wanted)  # exp of exp
        np.testing.assert_array_equal(np.isfinite(found), same)
        largest = np.abs(wanted[same]).max()
        assert (np.abs(found[same] - wanted[same]) <= within * largest).all(), name
        (filled,) = session.run(None, {"inputs": np.full((1, 3), np.nan, x.dtype)})
        (given,) = session.run(None, {"inputs": fill[None].astype(x.dtype)})
        np.testing.assert_allclose(filled, given, rtol=1e-6)


def test_onnx_has_classes_and_softmax_and_refuses_what_it_has_no_words_for():
    pytest.importorskip("onnx")
    runtime = pytest.importorskip("onnxruntime")
    import test_calculus_lets as lets
    import test_export_source as source

    problem = network("[3(tanh)5(softmax)4]")
    theta = RNG.normal(size=problem.parameters)
    (found,) = runtime.InferenceSession(onnx_bytes(model_of(problem, theta))).run(None, {"inputs": X})
    np.testing.assert_allclose(found, predict(problem, theta, X), atol=1e-13)
    for name in ("conv, stride 2, padding 1", "lstm"):
        _, problem, theta, *_ = source.as_network(name)
        assert name in lets.CASES
        with pytest.raises(SpecError, match=r"E0724.*ONNX has no words"):
            onnx_bytes(model_of(problem, theta))
