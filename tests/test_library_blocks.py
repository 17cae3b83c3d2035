"""The blocks of dsl/library/blocks.net against modules of PyTorch written from the papers: values, next states, derivatives
by parameters and inputs, in training and in use, float64, 1e-10; and against published numbers of parameters."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from layers_in_networks import Put, put
from netc.compiler.rules.block_parameters import parameters_told
from netc.dsl import library
from netc.dsl.diagnostics import SpecError

torch = pytest.importorskip("torch")
nn = torch.nn


def conv(here: int, there: int, size: int, stride: int = 1):
    return nn.Conv2d(here, there, size, stride, padding=size // 2, bias=False)


class Basic(nn.Module):
    """He et al. 2016, fig. 2; with `stride` the way past is a convolution."""

    def __init__(self, here: int, there: int, stride: int = 0):
        super().__init__()
        self.way = nn.Sequential(
            conv(here, there, 3, stride or 1), nn.BatchNorm2d(there), nn.ReLU(),
            conv(there, there, 3), nn.BatchNorm2d(there),
        )  # fmt: skip
        self.past = (
            nn.Sequential(conv(here, there, 1, stride), nn.BatchNorm2d(there)) if stride else nn.Identity()
        )

    def forward(self, x):
        return torch.relu(self.past(x) + self.way(x))


class Bottleneck(Basic):
    """Fig. 5, right."""

    def __init__(self, here: int, there: int, stride: int = 0):
        super().__init__(here, there, stride)
        inner = there // 4
        self.way = nn.Sequential(
            conv(here, inner, 1), nn.BatchNorm2d(inner), nn.ReLU(),
            conv(inner, inner, 3, stride or 1), nn.BatchNorm2d(inner), nn.ReLU(),
            conv(inner, there, 1), nn.BatchNorm2d(there),
        )  # fmt: skip


class Preact(nn.Module):
    """He et al. 2016, Identity mappings, fig. 4e."""

    def __init__(self, here: int, there: int, stride: int = 0):
        super().__init__()
        self.first = nn.Sequential(nn.BatchNorm2d(here), nn.ReLU())
        self.way = nn.Sequential(
            conv(here, there, 3, stride or 1), nn.BatchNorm2d(there), nn.ReLU(), conv(there, there, 3)
        )
        self.past = conv(here, there, 1, stride) if stride else None

    def forward(self, x):
        r = self.first(x)
        return (x if self.past is None else self.past(r)) + self.way(r)


class ConvNext(nn.Module):
    """Liu et al. 2022, fig. 4, with linear layers over the channels, as the authors' code."""

    def __init__(self, dim: int, size: int, ratio: int):
        super().__init__()
        self.depthwise = nn.Conv2d(dim, dim, size, padding=size // 2, groups=dim)
        self.norm = nn.LayerNorm(dim, eps=1e-6)
        self.up, self.down = nn.Linear(dim, ratio * dim), nn.Linear(ratio * dim, dim)
        self.gamma = nn.Parameter(1e-6 * torch.ones(dim))

    def forward(self, x):
        y = self.norm(self.depthwise(x).permute(0, 2, 3, 1))
        y = self.gamma * self.down(nn.functional.gelu(self.up(y)))
        return x + y.permute(0, 3, 1, 2)


class Patches(nn.Module):
    """Each patch as a row of numbers, times one matrix: no convolution."""

    def __init__(self, here: int, dim: int, size: tuple[int, int]):
        super().__init__()
        self.size, self.embed = size, nn.Linear(here * size[0] * size[1], dim)

    def forward(self, x):
        (n, c, h, w), (p, q) = x.shape, self.size
        cut = x.reshape(n, c, h // p, p, w // q, q).permute(0, 2, 4, 1, 3, 5)
        return self.embed(cut.reshape(n, (h // p) * (w // q), c * p * q))


class Encoder(nn.Module):
    """torch's own, with the mask of the causal one."""

    def __init__(self, dim: int, heads: int, ratio: int, causal: bool = False, **more: object):
        super().__init__()
        self.layer = nn.TransformerEncoderLayer(dim, heads, ratio * dim, 0.0, batch_first=True, **more)
        self.causal = causal

    def forward(self, x):
        mask = nn.Transformer.generate_square_subsequent_mask(x.shape[1], dtype=x.dtype)
        return self.layer(x, mask if self.causal else None)


# -- parameters from here to there ---------------------------------------------------------------------

NOTHING_DROPPED = {"droppath1.b": np.ones(3)}
ATTENTION = ("Q", "K", "V", "O", "bq", "bk", "bv", "bo")


def in_order(arrays, order):
    """The module's parameters, named in the order of the network's arrays."""
    return {name: array.reshape(shape) for (name, shape), array in zip(order, arrays, strict=True)}


def of_module(module, names: list[str], arrays):
    shapes = [(n, p.shape) for n, p in module.named_parameters()]
    if isinstance(module, ConvNext):  # a parameter of the module itself is named first
        shapes = [*shapes[1:], shapes[0]]
    if isinstance(module, Preact) and module.past is not None:
        return in_order(arrays, shapes)
    return of_encoder(module, names, arrays) if isinstance(module, Encoder) else in_order(arrays, shapes)


def of_encoder(module, names: list[str], arrays):
    """Attention has its matrices in one, the norms stand where the block has them."""
    e = module.layer.self_attn.embed_dim
    mine = dict(zip((n.partition(".")[2] for n in names), arrays, strict=True))  # of attention
    whole = {
        "layer.self_attn.in_proj_weight": torch.cat([mine[w].reshape(e, e) for w in ATTENTION[:3]]),
        "layer.self_attn.in_proj_bias": torch.cat([mine[b].reshape(e) for b in ATTENTION[4:7]]),
        "layer.self_attn.out_proj.weight": mine["O"].reshape(e, e),
        "layer.self_attn.out_proj.bias": mine["bo"],
    }
    rest = [a for n, a in zip(names, arrays, strict=True) if n.partition(".")[2] not in ATTENTION]
    linear, norm1, norm2 = ["linear1", "linear2"], ["norm1"], ["norm2"]
    order = [*norm1, *norm2, *linear] if module.layer.norm_first else [*norm1, *linear, *norm2]
    if module.layer.norm_first:
        assert names[0].endswith("gamma")
    for name, k in zip(order, range(0, len(rest), 2), strict=True):
        whole |= {f"layer.{name}.weight": rest[k], f"layer.{name}.bias": rest[k + 1]}
    return whole


@dataclass
class Case:
    stages: str
    shape: tuple[int, ...]
    module: object


def compare(case: Case, seed: int, training: bool) -> None:
    made, rng = put(case.stages, case.shape), np.random.default_rng(seed)
    module = case.module.double().train(training)
    arrays = {n: rng.normal(size=s) for n, s in made.shapes().items()}
    x = rng.normal(size=(3, *case.shape))
    seeds = rng.normal(size=(3, *made.shape))
    norms = [m for m in module.modules() if isinstance(m, nn.BatchNorm2d)]
    states = in_norms(made, norms, rng)
    value, slopes, after = made.run(arrays, x, seeds, training, states, NOTHING_DROPPED)

    image = len(case.shape) == 3
    leaves = [torch.tensor(a, requires_grad=True) for a in (x, *arrays.values())]
    taken = of_module(module, list(arrays), leaves[1:])
    given = leaves[0].permute(0, 3, 1, 2) if image else leaves[0]
    expected = torch.func.functional_call(module, taken, (given,))
    expected = expected.permute(0, 2, 3, 1) if expected.ndim == 4 else expected
    np.testing.assert_allclose(value, expected.detach().numpy(), rtol=1e-10, atol=1e-10)
    right = torch.autograd.grad((expected * torch.tensor(seeds)).sum(), leaves)
    for n, g in zip(("x", *arrays), right, strict=True):
        size = max(1.0, float(g.abs().max()))
        np.testing.assert_allclose(slopes[n] / size, g.numpy() / size, rtol=1e-10, atol=1e-10, err_msg=n)
    if training:
        for name, norm in zip(sorted(states, key=place)[::2], norms, strict=True):
            layer = name.partition(".")[0]
            np.testing.assert_allclose(after[f"{layer}.m"], norm.running_mean.numpy(), rtol=1e-10, atol=1e-12)
            np.testing.assert_allclose(after[f"{layer}.s"], norm.running_var.numpy(), rtol=1e-10, atol=1e-12)


def place(name: str) -> int:
    return int(name.partition(".")[0].removeprefix("layer"))


def in_norms(made: Put, norms: list, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Running statistics, the same in both."""
    states = {t.name: rng.uniform(0.5, 1.5, t.shape) for t in made.flow.tensors if t.role == "state"}
    layers = sorted({name.partition(".")[0] for name in states}, key=place)
    for layer, norm in zip(layers, norms, strict=True):
        norm.running_mean.copy_(torch.tensor(states[f"{layer}.m"]))
        norm.running_var.copy_(torch.tensor(states[f"{layer}.s"]))
    return states


# -- cases of random shapes ----------------------------------------------------------------------------


def residual(name: str, kind: Callable[..., object], of: int) -> Callable[..., Case]:
    def case(draw) -> Case:
        c, (h, w) = of * draw(st.integers(1, 2)), draw(st.tuples(st.integers(2, 6), st.integers(2, 6)))
        return Case(f"(residual.{name})", (h, w, c), kind(c, c))

    return case


def projected(name: str, kind: Callable[..., object], of: int) -> Callable[..., Case]:
    def case(draw) -> Case:
        here, there = draw(st.integers(1, 4)), of * draw(st.integers(1, 2))
        h, w, stride = draw(st.integers(2, 7)), draw(st.integers(2, 7)), draw(st.integers(1, 3))
        text = f"(residual.{name}(stride = {stride})) {there}"
        return Case(
            text if stride != 2 else f"(residual.{name}) {there}", (h, w, here), kind(here, there, stride)
        )

    return case


def convnext(name: str, more: str = "") -> Callable[..., Case]:
    def case(draw) -> Case:
        c, h, w = draw(st.integers(1, 3)), draw(st.integers(1, 5)), draw(st.integers(1, 5))
        size, ratio = draw(st.sampled_from([3, 5, 7])), draw(st.integers(1, 4))
        words = f"size = {size}x{size}, ratio = {ratio}{more}"
        return Case(f"(convnext.{name}({words}))", (h, w, c), ConvNext(c, size, ratio))

    return case


def patches(draw) -> Case:
    p, q, c, dim = (draw(st.integers(1, 3)) for _ in range(4))
    shape = (p * draw(st.integers(1, 3)), q * draw(st.integers(1, 3)), c)
    return Case(f"(patches {p}x{q}) {dim}", shape, Patches(c, dim, (p, q)))


def encoder(name: str, words: str = "", **more: object) -> Callable[..., Case]:
    def case(draw) -> Case:
        heads, steps, ratio = draw(st.integers(1, 3)), draw(st.integers(1, 5)), draw(st.integers(1, 4))
        dim = heads * draw(st.integers(1, 3))
        return Case(
            f"({name}(heads = {heads}, ratio = {ratio}){words})",
            (steps, dim),
            Encoder(dim, heads, ratio, **more),
        )

    return case


CASES: dict[str, Callable[..., Case]] = {
    "residual.basic": residual("basic", Basic, 1),
    "residual.basic_down": projected("basic_down", Basic, 1),
    "residual.bottleneck": residual("bottleneck", Bottleneck, 4),
    "residual.bottleneck_down": projected("bottleneck_down", Bottleneck, 4),
    "residual.preact": residual("preact", Preact, 1),
    "residual.preact_down": projected("preact_down", Preact, 1),
    "convnext.block": convnext("block"),
    "convnext.droppath": convnext("droppath", ", p = 0"),
    "patches": patches,
    "vit.block": encoder("vit.block", norm_first=True, activation="gelu", layer_norm_eps=1e-6),
    "transformer.prenorm": encoder("transformer.prenorm", norm_first=True),
    "transformer.prenorm, causal": encoder("transformer.prenorm", " causal", norm_first=True, causal=True),
    "transformer.postnorm": encoder("transformer.postnorm"),
    "transformer.postnorm, causal": encoder("transformer.postnorm", " causal", causal=True),
}


def test_every_block_of_the_library_has_a_case() -> None:
    assert {name.partition(",")[0] for name in CASES} == set(library.names("block"))


@pytest.mark.parametrize("name", CASES)
@given(data=st.data(), training=st.booleans(), seed=st.integers(0, 99))
@settings(max_examples=5, deadline=None)
def test_a_block_is_that_of_the_paper(name: str, data: st.DataObject, training: bool, seed: int) -> None:
    compare(CASES[name](data.draw), seed, training)


# -- numbers of parameters -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("stages", "shape", "count"),
    [
        ("(vit.block 12)", (197, 768), 7_087_872),  # of ViT-B/16, 12*768^2 + 13*768
        ("(convnext.block)", (56, 56, 96), 79_296),  # the first stage of ConvNeXt-T
        ("(patches 16x16) 768", (224, 224, 3), 590_592),  # 768*(16*16*3 + 1)
        ("(residual.basic)", (56, 56, 64), 73_984),  # layer1.0 of ResNet-18
        ("(residual.basic_down) 128", (56, 56, 64), 230_144),  # layer2.0 of ResNet-18
        ("(residual.bottleneck_down(stride = 1)) 256", (56, 56, 64), 75_008),  # layer1.0 of ResNet-50
        ("(residual.bottleneck)", (56, 56, 256), 70_400),  # layer1.1 of ResNet-50
    ],
)
def test_parameters(stages: str, shape: tuple[int, ...], count: int) -> None:
    assert sum(t.size for t in put(stages, shape).tensors) == count


@pytest.mark.parametrize(
    ("call", "told"),
    [
        ("vit.block(heads = 12)", "12*c^2 + 13*c,"),
        ("vit.block(768, heads = 12)", "7 087 872, where 768 "),
        ("convnext.block", "8*c^2 + 58*c,"),
        ("residual.bottleneck", "17/16*c^2 + 3*c,"),
        ("residual.basic_down(128)", "1280*c + 148224,"),
        ("vit.block", ""),
    ],
)
def test_parameters_as_a_formula(call: str, told: str) -> None:
    assert told in parameters_told(call)
    assert bool(told) == bool(parameters_told(call))


# -- names and faults ----------------------------------------------------------------------------------


def test_a_definition_of_the_file_does_not_change_a_block_of_the_library() -> None:
    with pytest.raises(SpecError) as found:
        put("(vit.block 2)", (3, 4), "activation gelu(z) = z")
    assert {d.code for d in found.value.diagnostics} == {"E0270"}


def test_the_library_s_own_words_written_into_the_file_change_nothing() -> None:
    text = library.text("activation", "gelu").partition("\n\n")[0]
    assert put("(vit.block 2)", (3, 4), text).flow.steps == put("(vit.block 2)", (3, 4)).flow.steps


def test_a_fault_in_a_block_of_the_library_is_told_at_its_use() -> None:
    with pytest.raises(SpecError) as found:
        put("(residual.bottleneck)", (3, 3, 6))
    (fault,) = found.value.diagnostics
    assert (fault.span.source.name, fault.span.text) == ("<test>", "residual.bottleneck")
