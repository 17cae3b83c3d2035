"""The layers of torch_layers.net and keras_layers.net against PyTorch and Keras themselves, float64, 1e-10: values in
training and in use, derivatives by inputs and parameters, running statistics, shapes of parameters, and where they start.

Keras 3 runs on its PyTorch backend. Images are height x width x channels; PyTorch's are turned on the way in and out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from layers_in_networks import put
from netc.compiler.calculus import ir
from netc.compiler.pipeline import to_ast, to_ir, to_spec
from netc.dsl import library
from netc.dsl.source import Source
from netc.runtime.training.start import first_theta

torch = pytest.importorskip("torch")
nn = torch.nn
SAMPLES = 5


@dataclass(frozen=True)
class Case:
    layer: str
    shape: Sequence[int]
    module: Callable[..., object]
    draw: Callable[..., np.ndarray] | None = None
    order: str = ""
    """Of the library's parameters, by their places, where ours stand in another order."""
    states: bool = False


def whole(rng, shape):
    return rng.integers(0, 6, shape).astype(float)


def tied(rng, shape):
    return rng.integers(0, 3, shape).astype(float)


TORCH = {
    "Linear": Case("(torch.Linear) 4", (7,), lambda: nn.Linear(7, 4)),
    "Linear on tokens": Case("(torch.Linear(7, 4, bias = false))", (5, 7), lambda: nn.Linear(7, 4, bias=False)),
    "Conv1d": Case("(torch.Conv1d(4, 6, 3, 2, 1, 2, 2))", (11, 4), lambda: nn.Conv1d(4, 6, 3, 2, 1, 2, 2)),
    "Conv1d, one group": Case("(torch.Conv1d kernel_size 2) 3", (6, 4), lambda: nn.Conv1d(4, 3, 2)),
    "Conv2d": Case(
        "(torch.Conv2d 3x2 stride 2x1 padding 1x0 nobias) 5", (7, 6, 2),
        lambda: nn.Conv2d(2, 5, (3, 2), (2, 1), (1, 0), bias=False),
    ),
    "Conv2d, groups": Case(
        "(torch.Conv2d(4, 6, 3x2, stride = 2x1, padding = 1x0, dilation = 1x2, groups = 2))", (6, 7, 4),
        lambda: nn.Conv2d(4, 6, (3, 2), (2, 1), (1, 0), (1, 2), groups=2),
    ),
    "ConvTranspose2d": Case(
        "(torch.ConvTranspose2d(3, 4, 3x2, 2x1, 1x0, 1x0, dilation = 1x2))", (4, 5, 3),
        lambda: nn.ConvTranspose2d(3, 4, (3, 2), (2, 1), (1, 0), (1, 0), dilation=(1, 2)),
    ),
    "MaxPool2d": Case("(torch.MaxPool2d(3, 2, 1))", (7, 6, 2), lambda: nn.MaxPool2d(3, 2, 1), tied),
    "MaxPool2d, dilation": Case(
        "(torch.MaxPool2d 2x3 dilation 2x1)", (5, 7, 2), lambda: nn.MaxPool2d((2, 3), dilation=(2, 1)), tied
    ),
    "AvgPool2d": Case("(torch.AvgPool2d(3, 2, 1))", (7, 6, 2), lambda: nn.AvgPool2d(3, 2, 1)),
    "AvgPool2d, pad not counted": Case(
        "(torch.AvgPool2d(3, 2, 1, count_include_pad = False))", (7, 6, 2),
        lambda: nn.AvgPool2d(3, 2, 1, count_include_pad=False),
    ),
    "AdaptiveAvgPool2d": Case("(torch.AdaptiveAvgPool2d(1))", (3, 4, 2), lambda: nn.AdaptiveAvgPool2d(1)),
    "Flatten": Case("(torch.Flatten)", (3, 4, 2), lambda: nn.Flatten()),
    "Upsample": Case(
        "(torch.Upsample(scale_factor = 2x3))", (3, 4, 2), lambda: nn.Upsample(scale_factor=(2, 3))
    ),
    "BatchNorm1d": Case("(torch.BatchNorm1d)", (4,), lambda: nn.BatchNorm1d(4), states=True),
    "BatchNorm2d": Case(
        "(torch.BatchNorm2d(3, 1e-2, 0.3))", (2, 3, 3), lambda: nn.BatchNorm2d(3, 1e-2, 0.3), states=True
    ),
    "BatchNorm2d, plain": Case(
        "(torch.BatchNorm2d noaffine)", (2, 3, 3), lambda: nn.BatchNorm2d(3, affine=False), states=True
    ),
    "LayerNorm": Case("(torch.LayerNorm)", (5, 7), lambda: nn.LayerNorm(7)),
    "LayerNorm, no bias": Case("(torch.LayerNorm(7, 1e-2) nobias)", (7,), lambda: nn.LayerNorm(7, 1e-2, bias=False)),
    "RMSNorm": Case("(torch.RMSNorm)", (5, 7), lambda: nn.RMSNorm(7)),
    "GroupNorm": Case("(torch.GroupNorm(2))", (3, 4, 6), lambda: nn.GroupNorm(2, 6)),
    "Dropout, in use": Case("(torch.Dropout 0.3)", (7,), lambda: nn.Dropout(0.3).eval()),
    "Upsample, bilinear": Case(
        "(torch.Upsample(scale_factor = 3x2, mode = bilinear))", (3, 4, 2),
        lambda: nn.Upsample(scale_factor=(3, 2), mode="bilinear"),
    ),
    "Upsample, bilinear, corners": Case(
        "(torch.Upsample(0, 3x2, bilinear, true))", (3, 1, 2),
        lambda: nn.Upsample(scale_factor=(3, 2), mode="bilinear", align_corners=True),
    ),
    "PReLU": Case("(torch.PReLU)", (3, 4), lambda: nn.PReLU()),
    "PReLU of channels": Case("(torch.PReLU(2))", (3, 4, 2), lambda: nn.PReLU(2)),
    "GLU": Case("(torch.GLU)", (5, 8), lambda: nn.GLU()),
    "Embedding": Case("(torch.Embedding(6, 4))", (5,), lambda: nn.Embedding(6, 4), whole),
    "RNN": Case("(torch.RNN) 4", (6, 5), lambda: nn.RNN(5, 4, batch_first=True)),
    "RNN with relu": Case(
        '(torch.RNN(5, 4, nonlinearity = "relu"))', (6, 5),
        lambda: nn.RNN(5, 4, nonlinearity="relu", batch_first=True),
    ),
    "LSTM": Case("(torch.LSTM(4))", (6, 5), lambda: nn.LSTM(5, 4, batch_first=True)),
    "LSTM, no bias": Case("(torch.LSTM nobias) 4", (6, 5), lambda: nn.LSTM(5, 4, bias=False, batch_first=True)),
    "GRU": Case("(torch.GRU) 4", (6, 5), lambda: nn.GRU(5, 4, batch_first=True)),
    "MultiheadAttention": Case(
        "(torch.MultiheadAttention(3))", (5, 12), lambda: nn.MultiheadAttention(12, 3, batch_first=True),
        order="P b O c",
    ),
}  # fmt: skip


@pytest.fixture
def in_float64(monkeypatch: pytest.MonkeyPatch):
    """Keras on PyTorch computes a product of float64 in float32, as JAX does; here it is told not to."""
    library = pytest.importorskip("keras")
    from keras.src.backend.common import dtypes

    monkeypatch.setitem(dtypes.BIT64_TO_BIT32_DTYPE, "float64", "float64")
    before = library.config.floatx(), library.config.dtype_policy()
    library.config.set_floatx("float64")
    library.config.set_dtype_policy("float64")
    yield
    library.config.set_floatx(before[0])
    library.config.set_dtype_policy(before[1])


def keras(name: str, *arguments, **named):
    def build():
        import keras as of_keras

        if of_keras.backend.backend() != "torch":
            pytest.skip("Keras runs on another backend in this process")
        return getattr(of_keras.layers, name)(*arguments, **named)

    return build


KERAS = {
    "Dense": Case("(keras.Dense) 4", (7,), keras("Dense", 4)),
    "Dense on tokens": Case("(keras.Dense nouse_bias) 4", (5, 7), keras("Dense", 4, use_bias=False)),
    "Conv1D": Case("(keras.Conv1D(4, 3, 2, same))", (9, 3), keras("Conv1D", 4, 3, 2, "same")),
    "Conv1D, causal": Case(
        "(keras.Conv1D(4, 3, padding = causal, dilation_rate = 2))", (9, 4),
        keras("Conv1D", 4, 3, padding="causal", dilation_rate=2),
    ),
    "Conv2D": Case("(keras.Conv2D(5, 3x2))", (7, 6, 2), keras("Conv2D", 5, (3, 2))),
    "Conv2D same": Case(
        '(keras.Conv2D(4, 3x2, 2, "same"))', (8, 7, 2), keras("Conv2D", 4, (3, 2), 2, "same")
    ),
    "Conv2D same, two strides": Case(
        "(keras.Conv2D(4, 4x5, 2x3, same))", (9, 11, 2), keras("Conv2D", 4, (4, 5), (2, 3), "same")
    ),
    "Conv2D, groups": Case(
        "(keras.Conv2D 3x3 dilation_rate 2 groups 2 same nouse_bias) 6", (6, 7, 4),
        keras("Conv2D", 6, 3, dilation_rate=2, groups=2, padding="same", use_bias=False),
    ),
    "Conv2D, groups with strides": Case(
        "(keras.Conv2D(6, 3x2, 2x1, groups = 2))", (6, 7, 4),
        keras("Conv2D", 6, (3, 2), (2, 1), groups=2),
    ),
    "DepthwiseConv2D": Case(
        "(keras.DepthwiseConv2D 3x2 strides 2 depth_multiplier 2)", (7, 6, 3),
        keras("DepthwiseConv2D", (3, 2), 2, depth_multiplier=2),
    ),
    "DepthwiseConv2D same": Case(
        "(keras.DepthwiseConv2D 3x3 same)", (5, 6, 2), keras("DepthwiseConv2D", 3, padding="same")
    ),
    "DepthwiseConv2D same, two strides": Case(
        "(keras.DepthwiseConv2D(4x5, 2x3, same))", (9, 11, 2),
        keras("DepthwiseConv2D", (4, 5), (2, 3), padding="same"),
    ),
    "Conv2DTranspose": Case(
        "(keras.Conv2DTranspose(4, 3x2, 2x1))", (4, 5, 3), keras("Conv2DTranspose", 4, (3, 2), (2, 1))
    ),
    "Conv2DTranspose same": Case(
        "(keras.Conv2DTranspose(4, 3, 2, same))", (4, 5, 3), keras("Conv2DTranspose", 4, 3, 2, "same")
    ),
    "MaxPooling2D": Case("(keras.MaxPooling2D)", (5, 6, 2), keras("MaxPooling2D"), tied),
    "MaxPooling2D same": Case(
        "(keras.MaxPooling2D(3, 2, same))", (7, 6, 2), keras("MaxPooling2D", 3, 2, "same"), tied
    ),
    "MaxPooling2D same, two strides": Case(
        "(keras.MaxPooling2D(4x5, 2x3, same))", (9, 11, 2), keras("MaxPooling2D", (4, 5), (2, 3), "same"), tied
    ),
    "AveragePooling2D same, two strides": Case(
        "(keras.AveragePooling2D(3x5, 2x3, same))", (7, 12, 2), keras("AveragePooling2D", (3, 5), (2, 3), "same")
    ),
    "AveragePooling2D": Case("(keras.AveragePooling2D 3x2)", (7, 6, 2), keras("AveragePooling2D", (3, 2))),
    "AveragePooling2D same": Case(
        "(keras.AveragePooling2D(3, 2, same))", (7, 5, 2), keras("AveragePooling2D", 3, 2, "same")
    ),
    "GlobalAveragePooling2D": Case("(keras.GlobalAveragePooling2D)", (3, 4, 2), keras("GlobalAveragePooling2D")),
    "GlobalMaxPooling2D": Case("(keras.GlobalMaxPooling2D)", (3, 4, 2), keras("GlobalMaxPooling2D"), tied),
    "Flatten": Case("(keras.Flatten)", (3, 4, 2), keras("Flatten")),
    "UpSampling2D": Case("(keras.UpSampling2D 2x3)", (3, 4, 2), keras("UpSampling2D", (2, 3))),
    "UpSampling2D, bilinear": Case(
        "(keras.UpSampling2D(2x3, interpolation = bilinear))", (3, 4, 2),
        keras("UpSampling2D", (2, 3), interpolation="bilinear"),
    ),
    "PReLU": Case("(keras.PReLU)", (3, 4, 2), keras("PReLU")),
    "PReLU of channels": Case(
        "(keras.PReLU(shared_axes = (1, 2)))", (3, 4, 2), keras("PReLU", shared_axes=[1, 2])
    ),
    "BatchNormalization": Case("(keras.BatchNormalization)", (4,), keras("BatchNormalization"), states=True),
    "BatchNormalization of images": Case(
        "(keras.BatchNormalization(momentum = 0.7) noscale)", (2, 3, 3),
        keras("BatchNormalization", momentum=0.7, scale=False), states=True,
    ),
    "LayerNormalization": Case("(keras.LayerNormalization)", (5, 7), keras("LayerNormalization")),
    "RMSNormalization": Case("(keras.RMSNormalization)", (5, 7), keras("RMSNormalization")),
    "GroupNormalization": Case(
        "(keras.GroupNormalization(2) nocenter)", (3, 4, 6), keras("GroupNormalization", 2, center=False)
    ),
    "Dropout, in use": Case("(keras.Dropout 0.3)", (7,), keras("Dropout", 0.3)),
    "Embedding": Case("(keras.Embedding(6, 4))", (5,), keras("Embedding", 6, 4), whole),
    "SimpleRNN": Case("(keras.SimpleRNN) 4", (6, 5), keras("SimpleRNN", 4)),
    "LSTM": Case("(keras.LSTM(4))", (6, 5), keras("LSTM", 4)),
    "LSTM, all steps": Case(
        "(keras.LSTM return_sequences nounit_forget_bias) 4", (6, 5),
        keras("LSTM", 4, return_sequences=True, unit_forget_bias=False),
    ),
    "GRU": Case("(keras.GRU) 4", (6, 5), keras("GRU", 4, return_sequences=False)),
    "GRU of Cho": Case(
        "(keras.GRU(4, reset_after = false) return_sequences)", (6, 5),
        keras("GRU", 4, reset_after=False, return_sequences=True),
    ),
    "MultiHeadAttention": Case(
        "(keras.MultiHeadAttention(3, 4))", (5, 6), keras("MultiHeadAttention", 3, 4), order="Q bq K bk V bv O bo"
    ),
    "MultiHeadAttention, values": Case(
        "(keras.MultiHeadAttention(2, 4, 3) nouse_bias)", (5, 6),
        keras("MultiHeadAttention", 2, 4, 3, use_bias=False), order="Q K V O",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", TORCH)
def test_a_layer_of_pytorch_is_pytorchs(name: str) -> None:
    case = TORCH[name]
    module = case.module().double()
    images = len(case.shape) == 3
    channels_second = images or isinstance(module, nn.Conv1d)

    def run(x):
        if isinstance(module, nn.Embedding):
            return module(x.detach().long())
        if isinstance(module, nn.MultiheadAttention):
            return module(x, x, x)[0]
        found = module(x.movedim(-1, 1).contiguous() if channels_second else x)
        found = found[0] if isinstance(found, tuple) else found
        return found.movedim(1, -1) if channels_second and found.ndim > 2 else found

    compare(
        case, run, list(module.parameters()), lambda: (module.running_mean, module.running_var), module.eval
    )


@pytest.mark.parametrize("name", KERAS)
@pytest.mark.usefixtures("in_float64")
def test_a_layer_of_keras_is_kerass(name: str) -> None:
    case = KERAS[name]
    layer, training = case.module(), True
    attention = name.startswith("MultiHead")

    def run(x):
        if layer.__class__.__name__ == "Embedding":
            x = x.detach().long()
        return (
            layer(x, x, training=training) if attention else layer(x, training=training and "use" not in name)
        )

    def in_use():
        nonlocal training
        training = False

    run(
        torch.zeros((SAMPLES, *case.shape), dtype=torch.float64)
    )  # Keras makes parameters for the first input
    weights = [w.value for w in layer.trainable_weights]
    for w in layer.non_trainable_weights if case.states else ():  # what the first input has moved
        w.assign(np.ones(w.shape) if "variance" in w.name else np.zeros(w.shape))
    compare(case, run, weights, lambda: (layer.moving_mean.value, layer.moving_variance.value), in_use)


def compare(case: Case, run, weights, statistics, in_use) -> None:
    made, rng = put(case.layer, case.shape), np.random.default_rng(3)
    names = case.order.split() or list(made.shapes())
    if set(names) != set(made.shapes()):
        names = list(made.shapes())
    arrays = matched(made, names, weights, rng)
    x = (
        case.draw(rng, (SAMPLES, *case.shape))
        if case.draw
        else rng.normal(0.3, 1.5, size=(SAMPLES, *case.shape))
    )
    seed = rng.normal(size=(SAMPLES, *made.shape))
    states = {"m": np.zeros(case.shape[-1]), "s": np.ones(case.shape[-1])} if case.states else None
    use = "use" in case.layer or "Dropout" in case.layer
    value, slopes, after = made.run(arrays, x, seed, training=not use, states=states)
    given = torch.tensor(x, requires_grad=True)
    expected = run(given)
    close(value, expected)
    total = (expected * torch.tensor(seed)).sum()
    if case.draw is not whole:
        close(slopes["x"], torch.autograd.grad(total, given, retain_graph=True)[0])
    right = torch.autograd.grad(total, weights) if weights else ()
    found = np.concatenate([np.ravel(slopes[n]) for n in names]) if names else np.zeros(0)
    close(found, torch.cat([g.flatten() for g in right]) if right else torch.zeros(0))
    if case.states:
        for state, moved in zip(("m", "s"), statistics(), strict=True):
            close(after[state], moved)
        in_use()
        value, _, _ = made.run(arrays, x, seed, training=False, states=after)
        close(value, run(given))


def matched(made, names, weights, rng) -> dict[str, np.ndarray]:
    """New numbers for all parameters; the library's arrays one after the other are ours one after the other."""
    shapes = made.shapes()
    total = sum(int(np.prod(shapes[n])) for n in names)
    assert total == sum(w.numel() for w in weights)
    numbers, at, arrays = rng.normal(size=total), 0, {}
    for n in names:
        size = int(np.prod(shapes[n]))
        arrays[n], at = numbers[at : at + size].reshape(shapes[n]), at + size
    at = 0
    for w in weights:
        with torch.no_grad():
            w.copy_(torch.tensor(numbers[at : at + w.numel()]).reshape(w.shape))
        at += w.numel()
    return arrays


def close(found, expected) -> None:
    expected = expected.detach().numpy()
    assert np.shape(found) == expected.shape
    np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-11)


# -- where they start ----------------------------------------------------------------------------------


def test_one_sample_in_a_batch_is_what_pytorch_refuses_and_images_are_not() -> None:
    def warned(network: str, batch: int) -> bool:
        text = f"data given\nnetwork [{network}]\nloss mse\noptimizer gd(eta = 0.1)\ntrain steps = 1, batch = {batch}\n"
        checked = to_spec(to_ast(Source("<test>", text)), None, Path())
        return [d.code for d in checked.warnings] == ["E0241"]

    flat, image = "3 (torch.BatchNorm1d) (torch.Linear) 1", "2x2x3 (torch.BatchNorm2d) (torch.Linear) 1"
    assert [warned(flat, 1), warned(flat, 2), warned(image, 1)] == [True, False, False]
    with pytest.raises(ValueError, match="more than 1 value"):
        nn.BatchNorm1d(3)(torch.ones(1, 3))
    nn.BatchNorm2d(3)(torch.ones(1, 3, 2, 2))


def test_every_layer_of_the_libraries_is_here() -> None:
    for shelf, cases in (("torch", TORCH), ("keras", KERAS)):
        called = {
            name.partition("(")[0] for case in cases.values() for name in case.layer.strip("(").split()[:1]
        }
        named = {n for n in library.names("layer") if library.shelf("layer", n) == f"{shelf}_layers"}
        assert named == {name.rstrip(")") for name in called}


STARTS = {
    "Linear": ("(torch.Linear) 40", (30,), lambda: nn.Linear(30, 40)),
    "Conv1d": ("(torch.Conv1d 3) 40", (9, 10), lambda: nn.Conv1d(10, 40, 3)),
    "Conv2d": ("(torch.Conv2d(8, 60, 3, groups = 4))", (5, 5, 8), lambda: nn.Conv2d(8, 60, 3, groups=4)),
    "ConvTranspose2d": (
        "(torch.ConvTranspose2d 3x3) 40", (5, 5, 8), lambda: nn.ConvTranspose2d(8, 40, 3)
    ),
    "torch.Embedding": ("(torch.Embedding(50, 40))", (5,), lambda: nn.Embedding(50, 40)),
    "RNN": ("(torch.RNN) 20", (5, 12), lambda: nn.RNN(12, 20)),
    "torch.LSTM": ("(torch.LSTM) 20", (5, 12), lambda: nn.LSTM(12, 20)),
    "torch.GRU": ("(torch.GRU) 20", (5, 12), lambda: nn.GRU(12, 20)),
    "MultiheadAttention": ("(torch.MultiheadAttention(3))", (5, 24), lambda: nn.MultiheadAttention(24, 3)),
    "Dense": ("(keras.Dense) 40", (30,), keras("Dense", 40)),
    "Conv1D": ("(keras.Conv1D 3) 40", (9, 10), keras("Conv1D", 40, 3)),
    "Conv2D": ("(keras.Conv2D(60, 3, groups = 4))", (5, 5, 8), keras("Conv2D", 60, 3, groups=4)),
    "DepthwiseConv2D": (
        "(keras.DepthwiseConv2D(5, depth_multiplier = 3))", (6, 6, 10),
        keras("DepthwiseConv2D", 5, depth_multiplier=3),
    ),
    "Conv2DTranspose": ("(keras.Conv2DTranspose 3x3) 40", (5, 5, 8), keras("Conv2DTranspose", 40, 3)),
    "keras.Embedding": ("(keras.Embedding(50, 40))", (5,), keras("Embedding", 50, 40)),
    "SimpleRNN": ("(keras.SimpleRNN) 20", (5, 32), keras("SimpleRNN", 20)),
    "keras.LSTM": ("(keras.LSTM) 20", (5, 12), keras("LSTM", 20)),
    "keras.GRU": ("(keras.GRU) 20", (5, 12), keras("GRU", 20)),
    "MultiHeadAttention": ("(keras.MultiHeadAttention(3, 16, 8))", (5, 24), keras("MultiHeadAttention", 3, 16, 8)),
}  # fmt: skip


@pytest.mark.parametrize("name", STARTS)
@pytest.mark.usefixtures("in_float64")
def test_a_layer_starts_as_the_library_starts_it(name: str) -> None:
    """Without `init`: the law, its bounds, the zeros and the ones are those of a new layer of the library."""
    import keras as of_keras

    stages, shape, make = STARTS[name]
    of_keras.utils.set_random_seed(7)  # PyTorch's, too
    layer = make()
    if isinstance(layer, nn.Module) and not isinstance(layer, of_keras.Layer):
        theirs = [p.detach().numpy() for p in layer.parameters()]
    else:
        x = torch.zeros((2, *shape), dtype=torch.int64 if "Embedding" in name else torch.float64)
        layer(x, x) if name.startswith("MultiHead") else layer(x)
        theirs = [w.value.detach().numpy() for w in layer.trainable_weights]
    if name == "keras.LSTM":
        theirs = [*theirs[:2], *np.split(theirs[2], 4)]
    if name == "keras.GRU":
        theirs = [*theirs[:2], *theirs[2]]
    problem, fills = started(f"network [{'x'.join(map(str, shape))} {stages} (torch.Linear) 1]")
    first = problem.weights[0].name.partition(".")[0]
    ours = [
        f for f in fills for t in problem.weights if t.offset == f.offset and t.name.startswith(f"{first}.")
    ]
    # drawn ones in the order of both, then constants: weights come first here
    drawn = sorted((f for f in ours), key=lambda f: (f.law == "constant", f.offset))
    for fill, other in zip(drawn, sorted(theirs, key=lambda a: not np.ptp(a)), strict=True):
        assert fill.size == other.size
        match fill.law:
            case "constant":
                assert np.all(other == fill.arguments[0])
            case "uniform":
                assert fill.arguments[0] == -fill.arguments[1]
                assert (0.7 if other.size < 100 else 0.97) < np.abs(other).max() / fill.arguments[1] <= 1
            case "normal":
                assert abs(other.mean() - fill.arguments[0]) < 0.1 > abs(other.std() - fill.arguments[1])
            case "orthogonal":
                np.testing.assert_allclose(other @ other.T, np.eye(len(other)), atol=1e-12)


def started(network: str) -> tuple[ir.Problem, tuple[ir.Fill, ...]]:
    text = f"data given\n{network}\nloss mse\noptimizer gd(eta = 0.1)\ntrain epochs = 1, seed = 3\n"
    program = to_ir(to_spec(to_ast(Source("<test>", text)), None, Path()))
    return program.problem, program.starts.fills


def test_recurrent_kernels_of_keras_have_orthonormal_rows() -> None:
    for stages in ("(keras.LSTM) 6", "(keras.GRU) 6", "(keras.SimpleRNN) 6"):
        text = f"data given\nnetwork [5x4 {stages} (torch.Linear) 1]\nloss mse\noptimizer gd(eta = 0.1)\ntrain steps = 1"
        program = to_ir(to_spec(to_ast(Source("<test>", text + "\n")), None, Path()))
        t = program.problem.weights[1]
        kernel = first_theta(program, 0, 1)[0][t.offset : t.stop].reshape(6, -1)
        np.testing.assert_allclose(kernel @ kernel.T, np.eye(6), atol=1e-12)


def test_init_of_some_layers_leaves_the_others_as_their_library_starts_them() -> None:
    _, fills = started("network [3 (torch.Linear) 4 (torch.Linear) 2]\ninit layer2: weights = 0")
    after: dict[int, tuple[str, tuple[float, ...]]] = {f.offset: (f.law, f.arguments) for f in fills}
    bound = 1 / np.sqrt(3)
    assert after == {
        0: ("uniform", (-bound, bound)), 12: ("uniform", (-bound, bound)), 16: ("constant", (0.0,)),
        24: ("uniform", (-0.5, 0.5)),
    }  # fmt: skip
