"""Networks of layers: blocks, repetition, leading indices, a layer of one's own; names, starts, counts, the spec as text.

Values and derivatives against PyTorch in float64, counts against those that papers and lectures print.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from layers_in_networks import against, put
from netc.compiler.calculus import ir
from netc.compiler.calculus.evaluate import loss_and_gradient, predict
from netc.compiler.explain_layers import explain_layers, rows
from netc.compiler.kernels.machine import Machine
from netc.compiler.meaning.spec import Spec
from netc.compiler.meaning.spec_text import spec_text
from netc.compiler.pipeline import show, to_ast, to_ir, to_spec
from netc.dsl.source import Source

torch = pytest.importorskip("torch")
F, nn = torch.nn.functional, torch.nn

REST = """
init      glorot_uniform
loss      cross_entropy
optimizer gd(eta = 0.1)
train     epochs = 2
"""
LENET = "network [28x28x1 (conv 5x5, tanh) 4 (avgpool 2x2) (conv 5x5, tanh) 12 (avgpool 2x2) (softmax) 10]"
CALLING = """
activation twice(z) = 2*relu(z)
block      gated:
    y = [(dense nobias) 2](x)
    z = twice(x - y)*sigmoid(y)
network    [2 (gated)]
init       zeros
loss       half_mse
optimizer  gd(eta = 0.1)
train      steps = 1
"""
RES = """
block norm = [(lecture.batchnorm)]
block res(c) = x + [c (conv 3x3 same nobias, norm, relu) c (conv 3x3 same nobias, norm) c]
"""
VIT = """
block vit(heads, hidden, D):
    r = x + [(layernorm(1e-5), attention(heads))](x)
    z = r + [(layernorm(1e-5), dense, gelu) hidden (dense) D](r)
"""


def convnext(channels: tuple[int, ...], depths: tuple[int, ...]) -> str:
    """On 224 x 224; each stage is made smaller by two, the last one feeds 1000 classes."""
    blocks, stages = [], ["(conv 4x4 stride 4)", str(channels[0]), "(layernorm(1e-6))"]
    branch = "(depthwise 7x7 same, layernorm(1e-6)) (conv 1x1, gelu) {wide} (conv 1x1) c (scale(1e-6))"
    for i, (c, depth) in enumerate(zip(channels, depths, strict=True)):
        blocks.append(f"block next{i}(c) = x + [c {branch.format(wide=4 * c)}]")
        stages += [f"(layernorm(1e-6)) (conv 2x2 stride 2) {c}"] if i else []
        stages.append(f"(next{i}) x {depth}")
    return (
        "\n".join(blocks)
        + f"\nnetwork [224x224x3 {' '.join(stages)} (globalavgpool) (layernorm(1e-6)) (softmax) 1000]"
    )


def spec(text: str) -> Spec:
    return to_spec(to_ast(Source("<test>", text + REST)), None, Path())


def test_lenet_1_has_the_parameters_of_the_lecture_and_the_shapes_of_the_paper() -> None:
    found = rows(spec(LENET))
    assert [(r.shape, r.parameters, r.products) for r in found] == [
        ((24, 24, 4), 104, 24 * 24 * 4 * 25), ((12, 12, 4), 0, 0), ((8, 8, 12), 1212, 8 * 8 * 12 * 4 * 25),
        ((4, 4, 12), 0, 0), ((10,), 1930, 1920),
    ]  # fmt: skip
    assert spec(LENET).parameters == 3246


VIT_B = VIT + (
    "network [384x384x3 (conv 16x16 stride 16) 768 (tokens) (classtoken) (positions)"
    " (vit(12, 3072)) x 12 (layernorm(1e-6)) (first) (softmax) 1000]"
)
COUNTS = {
    "network [784(relu)24(softmax)10]": 19_090,
    "network [784(relu)300(softmax)10]": 238_510,
    "network [784(relu)1000(softmax)10]": 795_010,
    "network [784(relu)300(relu)100(softmax)10]": 266_610,
    VIT_B: 86.9e6,
    LENET: 3_246,
    convnext((96, 192, 384, 768), (3, 3, 9, 3)): 28.6e6,
    convnext((96, 192, 384, 768), (3, 3, 27, 3)): 50.2e6,
    convnext((128, 256, 512, 1024), (3, 3, 27, 3)): 88.6e6,
    convnext((192, 384, 768, 1536), (3, 3, 27, 3)): 197.8e6,
    convnext((256, 512, 1024, 2048), (3, 3, 27, 3)): 350.2e6,
}
"""Of the lectures, of LeNet-1, ViT-B/16 and ConvNeXt T, S, B, L, XL: exact, or as the papers round them."""


@pytest.mark.parametrize("text", COUNTS, ids=[f"{n:,.0f}" for n in COUNTS.values()])
def test_parameters_of_lectures_and_papers(text: str) -> None:
    found, said = spec(text).parameters, COUNTS[text]
    assert found == said if said < 1e6 else round(found / 1e5) * 1e5 == said


# -- blocks --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(5, 4, 3), (2, 1, 3), (1, 1, 3)])
def test_a_residual_block_with_batch_norm(shape: tuple[int, int, int]) -> None:
    def reference(x, first, g1, b1, second, g2, b2):
        def norm(z, g, b):
            return F.batch_norm(z, None, None, g, b, training=True)

        z = x.permute(0, 3, 1, 2)
        inside = F.relu(norm(F.conv2d(z, first, padding=1), g1, b1))
        return (z + norm(F.conv2d(inside, second, padding=1), g2, b2)).permute(0, 2, 3, 1)

    against(put("(res)", shape, RES), reference, shape)


def test_a_block_that_is_repeated_knows_its_number() -> None:
    """Stochastic depth: Huang et al. 2016, sec. 3.2, print 40 of 54 blocks; and once more from the spec as text."""
    text = (
        """
block     res(c) = x + [(dense nobias, tanh) c (stochasticdepth(1 - l/L*(1 - 0.5)))]
network   [4 (tanh) 3 (res) x 54 (softmax) 2]"""
        + REST
    )
    spec = to_spec(to_ast(Source("<test>", text)), None, Path())
    again = to_spec(to_ast(Source("<test>", spec_text(spec))), None, Path())
    for found in (spec, again):
        words = [line for section in explain_layers(found) for line in section.lines]
        assert "branches left out by chance: 54, of which 40.25 stay on average" in words
    assert "(res(c = 3)) x 54" in spec_text(spec)


@pytest.mark.parametrize(("layer", "said"), [
    ("droppath(0.1)", "3, of which 2.7"),  # of each sample
    ("stochasticdepth(0.5)", "3, of which 1.5"),  # of all samples of a batch together
    ("dropout.inverted(0.1)", ""),  # of each unit: no branch is left out
])  # fmt: skip
def test_branches_that_are_left_out_are_counted(layer: str, said: str) -> None:
    text = f"block res(c) = x + [(dense nobias, tanh) c ({layer})]\nnetwork [4 (tanh) 3 (res) x 3 (softmax) 2]{REST}"
    found = to_spec(to_ast(Source("<test>", text)), None, Path())
    words = [line for section in explain_layers(found) for line in section.lines if "by chance" in line]
    assert words == ([f"branches left out by chance: {said} stay on average"] if said else [])


@pytest.mark.parametrize(("precision", "item"), [("f64", 8), ("f32", 4)])
@pytest.mark.parametrize("width", [1, 60, 2000, 3_000_000, 900_000_000])
def test_what_the_table_of_layers_counts(width: int, precision: str, item: int) -> None:
    """A dense layer keeps a sum and what the activation makes of it, for each unit; sizes are those of SI units."""
    rest = f"{REST.rstrip()}, precision = {precision}\n"
    spec = to_spec(to_ast(Source("<test>", f"network [4 (tanh) {width} (softmax) 2]{rest}")), None, Path())
    taken = 2 * item * width
    shown = next(
        f"{taken / size:.1f} {unit}" if size > 1 else f"{taken} bytes"
        for unit, size in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3), ("bytes", 1))
        if taken >= size
    )
    row = next(line for s in explain_layers(spec) for line in s.lines if line.strip().startswith("layer1"))
    words = re.split(r"  +", row.strip())
    parameters, products = (f"{count:,}".replace(",", " ") for count in (5 * width, 4 * width))
    assert words == ["layer1", "dense, tanh", str(width), parameters, shown, products]


def test_a_spec_as_text_ends_with_the_table() -> None:
    text = show(Source("<test>", LENET + REST), "spec", None, Path(), Machine())
    assert re.search(r"^# layer2  conv, tanh +8 x 8 x 12 +1 212 +12\.3 kB +76 800$", text, re.MULTILINE)
    assert to_ir(to_spec(to_ast(Source("<test>", text)), None, Path())) == to_ir(spec(LENET))


def test_a_line_of_a_block_calls_activations() -> None:
    """As a residual block does behind its sum: those that the rest of the file does not use, and those they call."""
    problem = to_ir(to_spec(to_ast(Source("<test>", CALLING)), None, Path())).problem
    theta, x = np.array([0.5, -2.0, 3.0, -1.0]), np.array([1.0, 2.0])
    y = theta.reshape(2, 2) @ x
    expected = 2 * np.maximum(x - y, 0.0) / (1 + np.exp(-y))
    np.testing.assert_allclose(predict(problem, theta, x[None]), [expected], rtol=1e-14)


def test_a_block_of_a_vision_transformer_is_torchs_encoder_layer() -> None:
    module = nn.TransformerEncoderLayer(12, 3, 20, 0.0, "gelu", batch_first=True, norm_first=True).double()

    def reference(x, g1, c1, q, k, v, o, bq, bk, bv, bo, g2, c2, w1, b1, w2, b2):
        packed = torch.cat([w.reshape(12, 12) for w in (q, k, v)])
        named = {
            "norm1.weight": g1, "norm1.bias": c1, "norm2.weight": g2, "norm2.bias": c2,
            "self_attn.in_proj_weight": packed, "self_attn.out_proj.weight": o.reshape(12, 12),
            "self_attn.in_proj_bias": torch.cat([b.reshape(12) for b in (bq, bk, bv)]), "self_attn.out_proj.bias": bo,
            "linear1.weight": w1, "linear1.bias": b1, "linear2.weight": w2, "linear2.bias": b2,
        }  # fmt: skip
        return torch.func.functional_call(module, named, (x,))

    against(put("(vit(3, 20))", (5, 12), VIT), reference, (5, 12))


def test_brackets_are_values_and_a_repetition_is_as_many_layers() -> None:
    definitions = "block gate(c) = [(dense) c] * [(dense, sigmoid) c]\nblock twice = 0.5*x + [(gate) x 2]\n"

    def reference(x, *p):
        z = x
        for a, b, c, d in (p[:4], p[4:]):
            z = (z @ a.T + b) * torch.sigmoid(z @ c.T + d)
        return 0.5 * x + z

    against(put("(twice)", (6,), definitions), reference, (6,))


# -- a layer of one's own ------------------------------------------------------------------------------


def test_a_layer_acts_on_the_last_index_for_each_of_the_others() -> None:
    own = """
layer cosine(units; eps = 1e-6):
    learn W[o in units, i] as weights, s[o] = 10
    size = sqrt(sum[i](x[i]^2) + eps)
    z[o] = s[o]*sum[i](W[o, i]*x[i])/(size*sqrt(sum[i](W[o, i]^2) + eps))
"""

    def reference(x, w, s):
        return s * (x @ w.T) / ((x * x).sum(-1, keepdim=True) + 1e-6).sqrt() / ((w * w).sum(-1) + 1e-6).sqrt()

    for shape in ((5,), (3, 5), (2, 3, 5)):
        against(put("(cosine) 4", shape, own), reference, shape)


def test_a_recurrence_from_the_end_and_a_layer_over_pairs_of_steps() -> None:
    own = """
layer suffix(units):
    learn W[k in units, i], U[k, j in units]
    h[t, k] = tanh(sum[i](W[k, i]*x[t, i]) + sum[j](U[k, j]*h[t+1, j]))
layer distances:
    z[t, s in extent(x, 1)] = sum[i]((x[t, i] - x[s, i])^2)
"""

    def reference(x, w, u):
        h, found = torch.zeros(len(x), len(u), dtype=x.dtype), []
        for t in reversed(range(x.shape[1])):
            h = torch.tanh(x[:, t] @ w.T + h @ u.T)
            found.insert(0, h)
        z = torch.stack(found, 1)
        return ((z[:, :, None] - z[:, None]) ** 2).sum(-1)

    against(put("(suffix) 4 (distances)", (5, 3), own), reference, (5, 3))


def test_states_of_libraries_move_as_they_do() -> None:
    """Two batches: torch keeps the variance with n - 1 and weighs the new one by its momentum."""
    made, rng = put("(torch.BatchNorm2d(momentum = 0.3))", (3, 4, 2)), np.random.default_rng(2)
    module = nn.BatchNorm2d(2, momentum=0.3).double()
    arrays = {"gamma": np.ones(2), "beta": np.zeros(2)}
    states = {"m": np.zeros(2), "s": np.ones(2)}
    for _ in range(2):
        x = rng.normal(1.0, 2.0, size=(5, 3, 4, 2))
        _, _, states = made.run(arrays, x, np.ones_like(x), states=states)
        module(torch.tensor(x).permute(0, 3, 1, 2))
    np.testing.assert_allclose(states["m"], module.running_mean.numpy(), rtol=1e-12)
    np.testing.assert_allclose(states["s"], module.running_var.numpy(), rtol=1e-12)
    value, _, _ = made.run(arrays, x, np.ones_like(x), training=False, states=states)
    expected = module.eval()(torch.tensor(x).permute(0, 3, 1, 2)).permute(0, 2, 3, 1)
    np.testing.assert_allclose(value, expected.detach().numpy(), rtol=1e-12)


# -- what the rest of a file knows of layers -----------------------------------------------------------


def test_starts_are_by_fans_and_gains_have_their_own() -> None:
    program = to_ir(
        spec("network [9x9x3 (conv 3x3) 8 (lecture.batchnorm, relu) (depthwise 3x3) (softmax) 10]")
    )
    at = {t.offset: t for t in program.problem.weights}
    found = {at[f.offset].name: (f.law, f.arguments) for f in program.starts.fills}

    def glorot(fan_in: int, fan_out: int) -> tuple[str, tuple[float, ...]]:
        return "uniform", pytest.approx((-((6 / (fan_in + fan_out)) ** 0.5), (6 / (fan_in + fan_out)) ** 0.5))

    assert found["layer1.weight"] == glorot(27, 72)  # as Keras: the receptive field on either side
    assert found["layer3.weight"] == glorot(9, 9)
    assert found["layer4.weight"] == glorot(5 * 5 * 8, 10)
    embedded = to_ir(spec("network [9 (embedding(50)) 4 (keras.LSTM) 6 (softmax) 10]")).problem.weights
    assert {t.name: t.fans for t in embedded if t.role == "weight"} == {
        "layer1.weight": (1, 4), "layer2.W": (4, 24), "layer2.U": (6, 24),
        "layer3.weight": (6, 10),
    }  # fmt: skip
    assert found["layer2.gamma"] == ("constant", (1.0,))
    assert found["layer2.beta"] == found["layer1.bias"] == ("constant", (0.0,))


ALONE = {
    "lenet": LENET,
    "residual, dropout": RES
    + "network [8x8x3 (conv 3x3 same, relu) 4 (res) x 2 (dropout.inverted 0.3) (globalavgpool) (softmax) 10]",
    "transformer": VIT + "network [5x12 (vit(3, 20)) (last) (leaky_relu(0.1)) 6 (softmax) 10]",
    "recurrent": "network [20x3 (keras.LSTM return_sequences) 8 (torch.GRU) 5 (last) (softmax) 10]",
}


@pytest.mark.parametrize("name", ALONE)
def test_a_spec_written_out_is_the_same_network(name: str) -> None:
    first = spec(ALONE[name])
    again = to_spec(to_ast(Source("spec.net", spec_text(first))), None, Path())
    assert to_ir(again) == to_ir(first)


def test_outputs_may_be_images() -> None:
    """The loss of a sample is over all of them; a softmax is over the channels of each place."""
    text = "network [4x4x2 (conv 3x3 same, tanh) 3 (conv 1x1, softmax) 2]"
    problem = to_ir(
        to_spec(to_ast(Source("<test>", text + REST.replace("cross_entropy", "mse"))), None, Path())
    ).problem
    rng = np.random.default_rng(0)
    theta, x, y = rng.normal(size=problem.parameters), rng.normal(size=(5, 32)), rng.uniform(size=(5, 32))
    u = predict(problem, theta, x)
    np.testing.assert_allclose(u.reshape(5, 16, 2).sum(2), 1.0)
    loss, gradient = loss_and_gradient(problem, theta, x, y)
    assert loss == pytest.approx(np.mean((u - y) ** 2), rel=1e-12)
    step = 1e-6 * np.eye(problem.parameters)[7]
    up, down = (loss_and_gradient(problem, theta + s * step, x, y)[0] for s in (1, -1))
    assert gradient[7] == pytest.approx((up - down) / 2e-6, rel=1e-6)


def test_an_image_that_is_read_as_a_row_is_one_from_the_start() -> None:
    image, row = (to_ir(spec(f"network [{size} (tanh) 15 (softmax) 10]")) for size in ("28x28x1", "784"))
    assert image == row


def test_parameters_have_names_and_the_order_of_pytorch() -> None:
    problem = to_ir(spec("network [6x5 (torch.LSTM) 4 (conv1d 3) 2 (dense) 3 (last) (softmax) 10]")).problem
    names = [(t.name, t.shape) for t in problem.weights]
    assert names[0] == ("layer1.W", (4, 4, 5))
    assert ("layer2.weight", (2, 4, 3)) in names
    assert ("layer3.weight", (3, 2)) in names
    weights = [t.role == "weight" for t in problem.layers[0]]
    assert weights == sorted(weights, reverse=True), "the weights of a layer lie before its biases"
    assert isinstance(problem.forward[1], ir.Scan)
