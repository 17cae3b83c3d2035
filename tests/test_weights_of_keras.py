"""`init from` a file of Keras: the network says what Keras' model says, and what does not fit is named.

A weight that is turned wrongly fits as well where it is square, so every network here has square ones.
"""

from __future__ import annotations

import re
import zipfile
from pathlib import Path

import numpy as np
import pytest

import netc
from netc.compiler.calculus.evaluate import predict
from netc.dsl.diagnostics import SpecError
from netc.runtime.training.start import first_states, first_theta

keras = pytest.importorskip("keras")
h5py = pytest.importorskip("h5py")
pytestmark = [
    pytest.mark.filterwarnings("ignore"),  # those of Keras and of its backend
]
L = keras.layers


def dense():
    sizes = (4, "tanh"), (4, "sigmoid"), (4, None)
    return model_of(L.Input((4,)), *(L.Dense(size, activation=name) for size, name in sizes))


def model_of(*layers, seed=3):
    """With random numbers in all its arrays, biases and statistics too."""
    model = keras.Sequential(layers)
    rng = np.random.default_rng(seed)
    model.set_weights([rng.uniform(0.1, 1, w.shape) * rng.choice([-1, 1], w.shape) if "variance" not in w.path
                       else rng.uniform(0.5, 2, w.shape) for w in model.weights])  # fmt: skip
    return model


def text_of(network: str, file: Path, precision="f64") -> str:
    rest = f"loss half_mse\noptimizer gd(eta = 0.1)\ntrain epochs = 1, precision = {precision}\n"
    return f'data given\nnetwork {network}\ninit from "{file}"\n{rest}'


def predicted(text: str, x: np.ndarray, real=np.float64) -> np.ndarray:
    """By the interpreter, at the start."""
    program = netc.compile(text)._session.program
    theta, states = first_theta(program, 0, 1)[0], first_states(program, 0, 1)[0]
    return predict(
        program.problem, theta.astype(real), x.reshape(len(x), -1).astype(real), states.astype(real)
    )


def inputs(*shape: int) -> np.ndarray:
    return np.random.default_rng(1).normal(size=(20, *shape))


@pytest.fixture
def doubles(monkeypatch):
    """Keras on PyTorch computes a product of float64 in float32; here it is told not to."""
    from keras.src.backend.common import dtypes

    monkeypatch.setitem(dtypes.BIT64_TO_BIT32_DTYPE, "float64", "float64")
    keras.config.set_floatx("float64")
    keras.config.set_dtype_policy("float64")
    yield
    keras.config.set_floatx("float32")
    keras.config.set_dtype_policy("float32")


def test_dense_layers_in_float32(tmp_path):
    model = dense()
    model.save_weights(tmp_path / "m.weights.h5")
    x = inputs(4)
    said = predicted(text_of("[4(tanh)4(sigmoid)4(lin)4]", tmp_path / "m.weights.h5", "f32"), x, np.float32)
    assert said.dtype == np.float32
    np.testing.assert_allclose(said, model.predict(x, verbose=0), rtol=0, atol=1e-6)


MIXED = "[4 (keras.Dense, tanh) 4 (torch.Linear, sigmoid) 4 (keras.Dense) 4]"


@pytest.mark.parametrize("network", ["[4(tanh)4(sigmoid)4(lin)4]", MIXED])
@pytest.mark.parametrize("ending", ["keras", "weights.h5"])
def test_dense_layers(doubles, tmp_path, network, ending):
    model = dense()
    file = tmp_path / f"m.{ending}"
    model.save(file) if ending == "keras" else model.save_weights(file)
    x = inputs(4)
    np.testing.assert_allclose(
        predicted(text_of(network, file), x), model.predict(x, verbose=0), rtol=0, atol=1e-12
    )


@pytest.mark.parametrize(("ending", "network"), [
    ("keras", "[6x6x3 (conv 3x3, tanh) 3 (keras.BatchNormalization) (conv 3x3) 3 (lin) 12 (lin) 12]"),
    ("weights.h5", "[6x6x3 (keras.Conv2D 3x3, tanh) 3 (keras.BatchNormalization) "
     "(keras.Conv2D 3x3) 3 (keras.Flatten) (keras.Dense) 12 (keras.Dense) 12]"),
])  # fmt: skip
def test_images_with_the_statistics_of_norms(doubles, tmp_path, ending, network):
    """The weights alone do not say the order; here but one fits."""
    layers = [L.Input((6, 6, 3)), L.Conv2D(3, 3, activation="tanh"), L.BatchNormalization(), L.Dropout(0.5),
              L.Conv2D(3, 3), L.Flatten(), L.Dense(12), L.Dense(12)]  # fmt: skip
    model, x = model_of(*layers), inputs(6, 6, 3)
    file = tmp_path / f"m.{ending}"
    model.save(file) if ending == "keras" else model.save_weights(file)
    said = predicted(text_of(network, file), x)
    np.testing.assert_allclose(said, model.predict(x, verbose=0), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("kind", ["LSTM", "GRU"])
def test_recurrences(doubles, tmp_path, kind):
    model, x = model_of(L.Input((5, 4)), getattr(L, kind)(4), L.Dense(4)), inputs(5, 4)
    model.save_weights(tmp_path / "m.weights.h5")
    said = predicted(text_of(f"[5x4 (keras.{kind}) 4 (lin) 4]", tmp_path / "m.weights.h5"), x)
    np.testing.assert_allclose(said, model.predict(x, verbose=0), rtol=0, atol=1e-12)


def test_some_layers_by_their_names(doubles, tmp_path):
    model = keras.Sequential([L.Input((4,)), L.Dense(4, name="body"), L.Dense(4, name="head")])
    model.save(tmp_path / "m.keras")
    text = text_of("[4(lin)4(lin)4]", tmp_path / "m.keras")
    some = text.replace("init from", "init glorot_uniform\ninit layer1: from").replace(
        '.keras"', '.keras", names = (head)'
    )
    program = netc.compile(some)._session.program
    start = netc.compile(some).unflatten(first_theta(program, 0, 1)[0])
    np.testing.assert_array_equal(start["layer1.weight"], np.asarray(model.layers[1].get_weights()[0]).T)
    by_place = netc.compile(some.replace(", names = (head)", ""))
    start = by_place.unflatten(first_theta(by_place._session.program, 0, 1)[0])
    np.testing.assert_array_equal(start["layer1.weight"], np.asarray(model.layers[0].get_weights()[0]).T)
    with pytest.raises(SpecError, match=r"E0690.*no layer tail; there is body \(4x4, 4\), head \(4x4, 4\)"):
        netc.compile(some.replace("(head)", "(tail)"))


def test_what_does_not_fit_is_named(tmp_path, monkeypatch):
    dense().save_weights(tmp_path / "m.weights.h5")
    model = model_of(L.Input((5, 4)), L.LSTM(4), L.Dense(4))
    model.save(tmp_path / "lstm.keras")
    several = keras.Sequential(
        [L.Input((4,)), L.Dense(4), L.LayerNormalization(), L.GroupNormalization(2), L.Dense(4)]
    )
    several.save_weights(tmp_path / "several.weights.h5")
    both = keras.Sequential([L.Input((5, 4)), L.Bidirectional(L.LSTM(2))])
    both.save_weights(tmp_path / "both.weights.h5")
    (tmp_path / "noise.keras").write_bytes(b"noise")
    (tmp_path / "noise.weights.h5").write_bytes(b"noise")
    (tmp_path / "folder.keras").mkdir()
    with zipfile.ZipFile(tmp_path / "empty.keras", "w") as archive:
        archive.writestr("config.json", "{}")
    with h5py.File(tmp_path / "old.h5", "w") as old:
        old.create_group("model_weights")
    for name, network, words in (
        ("m.weights.h5", "[4(tanh)4(lin)4]", r"3 layers with arrays, dense\w* \(4x4, 4\), .*; the network has 2"),
        ("m.weights.h5", "[4(tanh)5(tanh)4(lin)4]", r"does not fit layer1.weight \(5x4\), layer1.bias \(5\)"),
        ("m.weights.h5", "[2(tanh)8(tanh)4(lin)4]", r"layer1.weight is 8x2 here, 2x8 as Keras has it"),
        ("m.weights.h5", "[4 (dense nobias, tanh) 4 (lin) 4 (lin) 4]", r"does not fit layer1.weight \(4x4\)$"),
        ("lstm.keras", "[5x4 (torch.LSTM) 4 (lin) 4]", r"does not fit layer1.W"),
        ("several.weights.h5", "[4 (lin) 4 (torch.LayerNorm) (torch.LayerNorm) (lin) 4]",
         r"more than one order of its layers fits.*save\('NAME.keras'\)"),
        ("both.weights.h5", "[5x4 (keras.LSTM) 2]", r"its layer bidirectional is made of several"),
        ("noise.keras", "[4(lin)4]", r"not a model that Keras 3 has saved"),
        ("noise.weights.h5", "[4(lin)4]", r"not a readable file of Keras"),
        ("empty.keras", "[4(lin)4]", r"not a model that Keras 3 has saved.*model.weights.h5"),
        ("folder.keras", "[4(lin)4]", r"not a file"),
        ("old.h5", "[4(lin)4]", r"save_weights\('NAME.weights.h5'\)"),
        ("nowhere.keras", "[4(lin)4]", r"there is no such file"),
    ):  # fmt: skip
        with pytest.raises(SpecError) as found:
            netc.compile(text_of(network, tmp_path / name))
        (said,) = found.value.diagnostics
        assert said.code == "E0690"
        assert re.search(words, said.message), (name, said.message)
    monkeypatch.setattr("netc.runtime.training.keras_file.find_spec", lambda name: None)
    with pytest.raises(SpecError, match=r'pip install "netc\[keras\]"'):
        netc.compile(text_of("[4(lin)4]", tmp_path / "m.weights.h5"))
