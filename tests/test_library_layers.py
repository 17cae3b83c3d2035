"""The layers of dsl/library/layers.net against PyTorch: values, and derivatives by parameters and inputs, float64, 1e-10.

Images are height x width x channels here and channels x height x width there; parameters have PyTorch's order.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from layers_in_networks import put

torch = pytest.importorskip("torch")
F, nn = torch.nn.functional, torch.nn
SAMPLES = 3
UNIFORM = np.random.default_rng(6).uniform(size=(SAMPLES, 7))
U, V = np.array([0.6, 0.0, -0.8]), np.array([0.5, -0.5, 0.5, 0.5])


@dataclass(frozen=True)
class Case:
    layer: str
    shape: Sequence[int]
    reference: Callable[..., object]
    """Of the input, as it is here, and the parameters by name."""
    draw: Callable[..., np.ndarray] | None = None
    """Of the input, where it is no normal number."""
    inputs: bool = True
    """Whether there is a derivative by the input."""
    draws: dict[str, np.ndarray] = field(default_factory=dict)
    states: dict[str, np.ndarray] = field(default_factory=dict)
    training: bool = True


def chw(x):
    return x.permute(0, 3, 1, 2)


def hwc(x):
    return x.permute(0, 2, 3, 1)


def image(f):
    """A function of images with the channels in front."""
    return lambda x, **p: hwc(f(chw(x), **p))


def sequence(f):
    return lambda x, **p: f(x.transpose(1, 2), **p).transpose(1, 2)


def same(x, size, stride=(1, 1), dilate=(1, 1)):
    """TensorFlow's padding."""
    pads = []
    for n, k, s, d in zip(
        reversed(x.shape[2:]), reversed(size), reversed(stride), reversed(dilate), strict=True
    ):
        total = max((-(-n // s) - 1) * s + d * (k - 1) + 1 - n, 0)
        pads += [total // 2, total - total // 2]
    return F.pad(x, pads)


def attention(causal: bool):
    def reference(x, Q, K, V, bq, bk, bv, bo, **p):
        e = x.shape[-1]
        packed = torch.cat([w.reshape(e, e) for w in (Q, K, V)])
        biases = torch.cat([b.reshape(e) for b in (bq, bk, bv)])
        mask = torch.triu(torch.ones(x.shape[1], x.shape[1], dtype=torch.bool), 1) if causal else None
        found, _ = F.multi_head_attention_forward(
            *(x.transpose(0, 1),) * 3, e, len(Q), packed, biases, None, None, False, 0.0, p["O"].reshape(e, e), bo,
            need_weights=False, attn_mask=mask,
        )  # fmt: skip
        return found.transpose(0, 1)

    return reference


def recurrent(kind: str, gates: str, double: bool):
    """torch.nn's own module with these parameters; all h."""

    def reference(x, **p):
        units = len(next(iter(p.values())))
        module = getattr(nn, kind)(x.shape[-1], units, batch_first=True, dtype=torch.float64)
        stacked = {
            "weight_ih_l0": torch.cat([p[f"W{g}"] for g in gates]) if gates else p["W"],
            "weight_hh_l0": torch.cat([p[f"U{g}"] for g in gates]) if gates else p["U"],
            "bias_ih_l0": torch.cat([p[f"b{g}"] for g in gates]) if gates else p["bias"],
        }
        other = torch.cat([p[f"c{g}"] for g in gates]) if double else torch.zeros_like(stacked["bias_ih_l0"])
        return torch.func.functional_call(module, stacked | {"bias_hh_l0": other}, (x,))[0]

    return reference


def torch_lstm(x, W, U, b, c):
    """Both of its biases."""
    module = nn.LSTM(x.shape[-1], W.shape[1], batch_first=True, dtype=torch.float64)
    found = {"weight_ih_l0": W, "weight_hh_l0": U, "bias_ih_l0": b, "bias_hh_l0": c}
    return torch.func.functional_call(module, {n: w.flatten(0, 1) for n, w in found.items()}, (x,))[0]


def minmax(x):
    a, b = x[:, 0::2], x[:, 1::2]
    return torch.cat([torch.maximum(a, b), torch.minimum(a, b)], 1)


def batch_norm(x, gamma, beta):
    return F.batch_norm(x, None, None, gamma, beta, training=True, eps=1e-5)


def half_drawn(shape: Sequence[int]) -> np.ndarray:
    return np.random.default_rng(5).integers(0, 2, (SAMPLES, *shape)).astype(float)


def thinned(now: float):
    """Where the draw is below `now`, nothing is left."""
    return lambda x: x * torch.tensor(now <= UNIFORM) / (1 - now)


def orthonormal(x, weight, bias):
    """Björck's iteration as in Anil et al., by autograd."""
    a = weight / torch.sqrt(weight.abs().sum(0).max() * weight.abs().sum(1).max())
    for _ in range(15):
        a = a @ (torch.eye(len(a.T)) + (torch.eye(len(a.T)) - a.T @ a) / 2)
    return x @ a.T + bias


def whole(rng, shape):
    return rng.integers(0, 6, shape).astype(float)


CASES = {
    "dense": Case("(dense) 4", (7,), lambda x, weight, bias: x @ weight.T + bias),
    "dense on tokens": Case("(dense nobias) 4", (5, 7), lambda x, weight: x @ weight.T),
    "dense on an image": Case(
        "(dense) 4", (3, 4, 2), lambda x, weight, bias: x.flatten(1) @ weight.flatten(1).T + bias
    ),
    "conv": Case("(conv 3x2) 5", (7, 6, 2), image(lambda x, weight, bias: F.conv2d(x, weight, bias))),
    "conv, stride, pad, dilation": Case(
        "(conv 3x2 stride 2x1 pad 1x2 dilate 2) 4", (9, 7, 3),
        image(lambda x, weight, bias: F.conv2d(x, weight, bias, (2, 1), (1, 2), 2)),
    ),
    "conv same": Case(
        "(conv 4x3 same nobias) 3", (6, 5, 2), image(lambda x, weight: F.conv2d(same(x, (4, 3)), weight))
    ),
    "conv same, stride 2": Case(
        "(conv 3x5 same stride 2) 3", (8, 7, 2),
        image(lambda x, weight, bias: F.conv2d(same(x, (3, 5), (2, 2), (1, 1)), weight, bias, 2)),
    ),
    "conv1d": Case(
        "(conv1d 3 stride 2 pad 1) 4", (9, 3), sequence(lambda x, weight, bias: F.conv1d(x, weight, bias, 2, 1))
    ),
    "conv1d same": Case(
        "(conv1d 4 same dilate 2) 4", (9, 3),
        sequence(lambda x, weight, bias: F.conv1d(F.pad(x, (3, 3)), weight, bias, dilation=2)),
    ),
    "groupconv": Case(
        "(groupconv(groups = 2) 3x3 pad 1) 6", (5, 4, 4),
        image(lambda x, weight, bias: F.conv2d(x, weight.flatten(0, 1), bias, padding=1, groups=2)),
    ),
    "depthwise": Case(
        "(depthwise 3x3 stride 2 pad 1)", (7, 6, 3),
        image(lambda x, weight, bias: F.conv2d(x, weight, bias, 2, 1, groups=3)),
    ),
    "depthwise same": Case(
        "(depthwise 5x4 same)", (7, 6, 3),
        image(lambda x, weight, bias: F.conv2d(same(x, (5, 4)), weight, bias, groups=3)),
    ),
    "tconv": Case(
        "(tconv 3x2 stride 2x1 pad 1x0) 4", (4, 5, 3),
        image(lambda x, weight, bias: F.conv_transpose2d(x, weight, bias, (2, 1), (1, 0))),
    ),
    "maxpool": Case("(maxpool 2x3)", (6, 7, 2), image(lambda x: F.max_pool2d(x, (2, 3)))),
    "maxpool, stride and pad": Case(
        "(maxpool 3x3 stride 2 pad 1)", (7, 6, 2), image(lambda x: F.max_pool2d(x, 3, 2, 1))
    ),
    "avgpool": Case("(avgpool 2)", (6, 7, 2), image(lambda x: F.avg_pool2d(x, 2))),
    "globalavgpool": Case("(globalavgpool)", (4, 5, 3), lambda x: x.mean((1, 2))),
    "globalmaxpool": Case("(globalmaxpool)", (4, 5, 3), lambda x: x.amax((1, 2))),
    "upsample": Case("(upsample 2x3)", (3, 4, 2), image(lambda x: F.interpolate(x, scale_factor=(2, 3)))),
    "upsample.bilinear": Case(
        "(upsample.bilinear 2x3)", (3, 4, 2),
        image(lambda x: F.interpolate(x, scale_factor=(2, 3), mode="bilinear", align_corners=False)),
    ),
    "flatten": Case("(flatten)", (3, 4, 2), lambda x: x.flatten(1)),
    "torch.Flatten": Case("(torch.Flatten)", (3, 4, 2), lambda x: chw(x).flatten(1)),
    "layernorm": Case("(layernorm 1e-5)", (5, 7), lambda x, gamma, beta: F.layer_norm(x, (7,), gamma, beta)),
    "rmsnorm": Case("(rmsnorm(1e-6))", (3, 2, 7), lambda x, gamma: F.rms_norm(x, (7,), gamma, 1e-6)),
    "groupnorm": Case(
        "(groupnorm(2) eps 1e-5)", (3, 4, 6), image(lambda x, gamma, beta: F.group_norm(x, 2, gamma, beta))
    ),
    "lecture.batchnorm": Case("(lecture.batchnorm)", (5,), batch_norm),
    "lecture.batchnorm of images": Case("(lecture.batchnorm)", (3, 4, 2), image(batch_norm)),
    "dropout.inverted": Case(
        "(dropout.inverted 0.25)", (7,), lambda x: x * torch.tensor(half_drawn((7,))) / 0.75,
        draws={"dropout_inverted1.r": half_drawn((7,))},
    ),
    "dropout, in use": Case("(dropout.inverted 0.25)", (7,), lambda x: x, training=False),
    "dropout.srivastava, in use": Case("(dropout.srivastava 0.25)", (7,), lambda x: x / 4, training=False),
    "earlydropout": Case(
        "(earlydropout(10) p 0.5)", (7,), thinned(0.3),
        draws={"earlydropout1.u": UNIFORM}, states={"k": np.array(4.0)},
    ),
    "earlydropout, at its end": Case(
        "(earlydropout(10))", (7,), lambda x: x, draws={"earlydropout1.u": UNIFORM}, states={"k": np.array(10.0)}
    ),
    "earlydropout, in use": Case("(earlydropout(10))", (7,), lambda x: x, training=False),
    "latedropout": Case(
        "(latedropout(4) p 0.4)", (7,), thinned(0.4), draws={"latedropout1.u": UNIFORM}, states={"k": np.array(4.0)}
    ),
    "latedropout, before": Case(
        "(latedropout(4) p 0.4)", (7,), lambda x: x, draws={"latedropout1.u": UNIFORM}, states={"k": np.array(3.0)}
    ),
    "stochasticdepth": Case(
        "(stochasticdepth 0.25)", (3, 4, 2), lambda x: 0 * x, draws={"stochasticdepth1.b": np.array(0.0)}
    ),
    "stochasticdepth, in use": Case("(stochasticdepth 0.25)", (3, 4, 2), lambda x: x / 4, training=False),
    "droppath": Case(
        "(droppath 0.2)", (3, 4, 2), lambda x: x * torch.tensor([1.0, 0.0, 1.0])[:, None, None, None] / 0.8,
        draws={"droppath1.b": np.array([1.0, 0.0, 1.0])},
    ),
    "droppath, in use": Case("(droppath 0.2)", (3, 4, 2), lambda x: x, training=False),
    "prelu": Case("(prelu 0.25)", (3, 4, 2), image(lambda x, a: F.prelu(x, a))),
    "snake": Case("(snake)", (5,), lambda x, a: x + torch.sin(a * x) ** 2 / a),
    "glu": Case(
        "(glu) 4", (5, 7), lambda x, W, V, b, c: (x @ W.T + b) * torch.sigmoid(x @ V.T + c)
    ),
    "torch.GLU": Case("(torch.GLU)", (5, 8), lambda x: F.glu(x)),
    "geglu": Case("(geglu(hidden = 6)) 4", (5, 7), lambda x, W, V, U: (F.gelu(x @ W.T) * (x @ V.T)) @ U.T),
    "swiglu": Case("(swiglu(6)) 4", (5, 7), lambda x, W, V, U: (F.silu(x @ W.T) * (x @ V.T)) @ U.T),
    "minmax": Case("(minmax)", (8,), minmax),
    "bjorck": Case("(bjorck) 4", (6,), orthonormal),
    "bjorck, more outputs than inputs": Case("(bjorck) 5", (2, 3), orthonormal),
    "spectral, in use": Case(
        "(spectral) 3", (4,),
        lambda x, weight, bias: x @ weight.T / (torch.tensor(U) @ weight @ torch.tensor(V)) + bias,
        states={"u": U, "v": V}, training=False,
    ),
    "embedding": Case(
        "(embedding(6)) 4", (5,), lambda x, weight: F.embedding(x.detach().long(), weight), whole, inputs=False
    ),
    "attention": Case("(attention(3))", (5, 12), attention(causal=False)),
    "causal attention": Case("(attention(2) causal)", (5, 8), attention(causal=True)),
    "torch.LSTM": Case("(torch.LSTM) 4", (6, 5), torch_lstm),
    "scale": Case("(scale)", (3, 2, 4), lambda x, s: x * s),
    "tokens": Case("(tokens)", (3, 4, 2), lambda x: x.flatten(1, 2)),
    "classtoken": Case(
        "(classtoken)", (4, 3), lambda x, e: torch.cat([e.expand(len(x), 1, -1), x], 1)
    ),
    "positions": Case("(positions)", (4, 3), lambda x, p: x + p),
    "first": Case("(first)", (6, 5), lambda x: x[:, 0]),
    "last": Case("(last)", (6, 5), lambda x: x[:, -1]),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_values_and_derivatives_are_those_of_pytorch(name: str) -> None:
    compare(CASES[name])


def test_spectral_norm_is_torchs() -> None:
    """Values, derivatives and the vectors of the power iteration in three training steps, and then in use."""
    made, rng = put("(spectral) 4", (5,)), np.random.default_rng(2)
    weight, bias, x, seed = (rng.normal(size=s) for s in ((4, 5), (4,), (SAMPLES, 5), (SAMPLES, 4)))
    module = nn.utils.parametrizations.spectral_norm(nn.Linear(5, 4, dtype=torch.float64))
    norm = module.parametrizations.weight[0]
    states = {"u": np.ones(4), "v": np.ones(5)}
    with torch.no_grad():
        module.parametrizations.weight.original.copy_(torch.tensor(weight))
        module.bias.copy_(torch.tensor(bias))
        norm._u.copy_(torch.ones(4)), norm._v.copy_(torch.ones(5))
    for training in (True, True, True, False):
        module.train(training)
        given = torch.tensor(x, requires_grad=True)
        expected = module(given)
        learnt = (module.parametrizations.weight.original, module.bias)
        right = torch.autograd.grad((expected * torch.tensor(seed)).sum(), [given, *learnt])
        value, slopes, after = made.run({"weight": weight, "bias": bias}, x, seed, training, states)
        np.testing.assert_allclose(value, expected.detach(), rtol=1e-10, atol=1e-12)
        for name, found in zip(("x", "weight", "bias"), right, strict=True):
            np.testing.assert_allclose(slopes[name], found, rtol=1e-10, atol=1e-12)
        if training:
            states = after
            np.testing.assert_allclose(states["u"], norm._u, rtol=1e-10)
            np.testing.assert_allclose(states["v"], norm._v, rtol=1e-10)


def compare(case: Case) -> None:
    made, rng = put(case.layer, case.shape), np.random.default_rng(1)
    arrays = {n: rng.normal(size=s) for n, s in made.shapes().items()}
    x = case.draw(rng, (SAMPLES, *case.shape)) if case.draw else rng.normal(size=(SAMPLES, *case.shape))
    seed = rng.normal(size=(SAMPLES, *made.shape))
    value, slopes, _ = made.run(arrays, x, seed, case.training, case.states, case.draws)
    given = {n: torch.tensor(a, requires_grad=True) for n, a in {"x": x, **arrays}.items()}
    expected = case.reference(**given)
    assert value.shape == tuple(expected.shape)
    np.testing.assert_allclose(value, expected.detach().numpy(), rtol=1e-10, atol=1e-12)
    wanted = [n for n in given if case.inputs or n != "x"]
    right = torch.autograd.grad((expected * torch.tensor(seed)).sum(), [given[n] for n in wanted])
    for n, g in zip(wanted, right, strict=True):
        np.testing.assert_allclose(slopes[n], g.numpy(), rtol=1e-10, atol=1e-11, err_msg=n)


SMALL = st.integers(1, 3)


@given(st.data())
@settings(max_examples=12)
def test_windows_of_any_shape(data: st.DataObject) -> None:
    """Sizes, strides, pads and dilations drawn anew; images at least as large as the window."""
    two = st.tuples(SMALL, SMALL)
    size, stride, dilate = data.draw(two), data.draw(two), data.draw(two)
    pad = tuple(data.draw(st.integers(0, n // 2)) for n in size)
    reach = [d * (n - 1) + 1 for n, d in zip(size, dilate, strict=True)]
    h, w = (n + data.draw(st.integers(0, 4)) for n in reach)
    words = "x".join(map(str, size)), "x".join(map(str, stride)), "x".join(map(str, pad))
    kind = data.draw(st.sampled_from(["conv", "conv same", "tconv", "maxpool", "avgpool"]))
    text, reference = {
        "conv": (f"(conv {words[0]} stride {words[1]} pad {words[2]} dilate {dilate[0]}x{dilate[1]}) 2",
                 lambda x, weight, bias: F.conv2d(x, weight, bias, stride, pad, dilate)),
        "conv same": (f"(conv {words[0]} stride {words[1]} same dilate {dilate[0]}x{dilate[1]}) 2",
                      lambda x, weight, bias: F.conv2d(same(x, size, stride, dilate), weight, bias, stride, 0, dilate)),
        "tconv": (f"(tconv {words[0]} stride {words[1]}) 2",
                  lambda x, weight, bias: F.conv_transpose2d(x, weight, bias, stride)),
        "maxpool": (f"(maxpool {words[0]} stride {words[1]} pad {words[2]})",
                    lambda x: F.max_pool2d(x, size, stride, pad)),
        "avgpool": (f"(torch.AvgPool2d {words[0]} stride {words[1]} padding {words[2]})",
                    lambda x: F.avg_pool2d(x, size, stride, pad)),
    }[kind]  # fmt: skip
    compare(Case(text, (h, w, 2), image(reference)))


# -- activations that learn ----------------------------------------------------------------------------

LEARNT = """
activation parametric(z; start = 0.25):
    source = "He, Zhang, Ren, Sun 2015"
    learn a[i] = start
    y = z if z > 0 else a[i]*z
activation shared(z):
    learn a = 0.25
    y = z if z > 0 else a*z
activation mine(z):
    learn a[c] = 1
    s = sin(a[c]*z)
    y = z + s^2/a[c]
"""


@pytest.mark.parametrize("shape", [(4,), (3, 4), (2, 3, 4)])
@pytest.mark.parametrize("name", ["parametric", "shared", "mine"])
def test_an_activation_that_learns(name: str, shape: tuple[int, ...]) -> None:
    """Forward, backward and the start, of each unit or shared, against torch.nn.PReLU and the formula of Snake."""
    made, rng = put(f"({name})", shape, LEARNT), np.random.default_rng(4)
    module = nn.PReLU(1 if name == "shared" else 4).double()
    (tensor,) = made.tensors
    assert (tensor.role, tensor.start, tensor.size) == (
        "gain",
        1.0 if name == "mine" else 0.25,
        module.weight.numel(),
    )
    a, x = rng.normal(size=module.weight.numel()), rng.normal(size=(SAMPLES, *shape))
    seed = rng.normal(size=x.shape)
    value, slopes, _ = made.run({made.word(tensor): a}, x, seed)
    given, weight = torch.tensor(x, requires_grad=True), torch.tensor(a, requires_grad=True)
    if name == "mine":
        expected = given + torch.sin(weight * given) ** 2 / weight
    else:
        expected = F.prelu(given.movedim(-1, 1), weight).movedim(1, -1)
    np.testing.assert_allclose(value, expected.detach().numpy(), rtol=1e-12)
    right = torch.autograd.grad((expected * torch.tensor(seed)).sum(), [given, weight])
    np.testing.assert_allclose(slopes["x"], right[0].numpy(), rtol=1e-10)
    np.testing.assert_allclose(np.ravel(slopes[made.word(tensor)]), right[1].numpy(), rtol=1e-10)


def test_an_activation_that_learns_stands_behind_a_dense_layer() -> None:
    short, long = (
        put(s, (3,), LEARNT) for s in ("(mine) 5 (parametric) 2", "(dense) 5 (mine) (dense) 2 (parametric)")
    )
    assert short.flow.steps == long.flow.steps
    assert [t.size for t in short.tensors] == [15, 5, 5, 10, 2, 2]
