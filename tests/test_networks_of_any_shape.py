"""Networks that nobody would draw, against PyTorch and against their own spec as text: any layers behind one another,
windows of any size, stages that others join, blocks in blocks, repeated, with their numbers in their equations."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from layers_in_networks import put
from netc.compiler.meaning.spec_text import spec_text
from netc.compiler.pipeline import to_ast, to_ir, to_spec
from netc.dsl.source import Source

torch = pytest.importorskip("torch")
F, nn = torch.nn.functional, torch.nn
Shape = tuple[int, ...]
REST = "\ninit he_normal\nloss mse\noptimizer gd(eta = 0.1)\ntrain steps = 1, batch = full\n"
ACTIVATIONS = {"tanh": torch.tanh, "silu": F.silu, "sigmoid": torch.sigmoid}
SAMPLES = 3


@dataclass
class Run:
    """PyTorch's own pass: parameters by layer, in the order in which layers come."""

    arrays: dict
    layer: int = 0
    named: dict = field(default_factory=dict)
    which: tuple[int, int] = (1, 1)

    def next(self) -> dict:
        self.layer += 1
        name = f"layer{self.layer}."
        return {n.removeprefix(name): a for n, a in self.arrays.items() if n.startswith(name)}


Pass = Callable[..., object]
"""Of an array and a Run."""


@dataclass
class Stage:
    text: str
    run: Pass
    shape: Shape


def chw(x):
    return x.permute(0, 3, 1, 2)


def image(f: Pass) -> Pass:
    """Of channels in front and the layer's parameters."""
    return lambda x, run: f(chw(x), **run.next()).permute(0, 2, 3, 1)


def row(f: Pass) -> Pass:
    return lambda x, run: f(x, **run.next())


def conv(r: Random, shape: Shape) -> Stage:
    h, w, _ = shape
    size, stride, dilate = (r.randint(1, 3), r.randint(1, 2)), (r.randint(1, 2), 1), (1, r.randint(1, 2))
    pad, out = (r.randint(1, 2), r.randint(0, 2)), r.randint(1, 4)
    ends = [
        (n + 2 * p - d * (k - 1) - 1) // s + 1
        for n, p, d, k, s in zip((h, w), pad, dilate, size, stride, strict=True)
    ]
    if min(ends) < 1:
        return act(r, shape)
    numbers = f"stride {stride[0]}x{stride[1]} pad {pad[0]}x{pad[1]} dilate {dilate[0]}x{dilate[1]}"
    run = image(lambda x, weight, bias: F.conv2d(x, weight, bias, stride, pad, dilate))
    return Stage(f"(conv {size[0]}x{size[1]} {numbers}) {out}", run, (*ends, out))


def grouped(r: Random, shape: Shape) -> Stage:
    groups = r.choice([g for g in range(1, shape[2] + 1) if shape[2] % g == 0])
    run = image(lambda x, weight, bias: F.conv2d(x, weight.flatten(0, 1), bias, padding=1, groups=groups))
    return Stage(f"(groupconv(groups = {groups}) 3x3 pad 1) {2 * groups}", run, (*shape[:2], 2 * groups))


def depthwise(_: Random, shape: Shape) -> Stage:
    """Of an even size `same` puts one place more at the end."""
    run = image(lambda x, weight, bias: F.conv2d(F.pad(x, (1, 1, 0, 1)), weight, bias, groups=shape[2]))
    return Stage("(depthwise 2x3 same)", run, shape)


def pooling(r: Random, shape: Shape) -> Stage:
    size = (r.randint(1, min(3, shape[0])), r.randint(1, min(3, shape[1])))
    words = f"{size[0]}x{size[1]} stride 1"
    ends = (shape[0] - size[0] + 1, shape[1] - size[1] + 1, shape[2])
    kind, f = r.choice([("maxpool", F.max_pool2d), ("avgpool", F.avg_pool2d)])
    return Stage(f"({kind} {words})", lambda x, run: f(chw(x), size, 1).permute(0, 2, 3, 1), ends)


def larger(r: Random, shape: Shape) -> Stage:
    if shape[0] * shape[1] > 20:
        return pooling(r, shape)
    if r.random() < 0.5:
        run = image(lambda x, weight, bias: F.conv_transpose2d(x, weight, bias, (2, 1)))
        return Stage("(tconv 3x2 stride 2x1) 2", run, (2 * shape[0] + 1, shape[1] + 1, 2))
    twice = (2 * shape[0], shape[1], shape[2])
    return Stage(
        "(upsample 2x1)",
        lambda x, run: F.interpolate(chw(x), scale_factor=(2, 1)).permute(0, 2, 3, 1),
        twice,
    )


def norm(_: Random, shape: Shape) -> Stage:
    run = row(lambda x, gamma, beta: F.layer_norm(x, shape[-1:], gamma, beta, 0.1))
    return Stage("(layernorm(0.1))", run, shape)


def batch_norm(_: Random, shape: Shape) -> Stage:
    def run(x, gamma, beta):
        flat = x.reshape(-1, shape[-1])
        return F.batch_norm(flat, None, None, gamma, beta, training=True, eps=0.1).reshape(x.shape)

    return Stage("(lecture.batchnorm eps 0.1)", row(run), shape)


def tokens(_: Random, shape: Shape) -> Stage:
    return Stage("(tokens)", lambda x, run: x.flatten(1, 2), (shape[0] * shape[1], shape[2]))


def act(r: Random, shape: Shape) -> Stage:
    name = r.choice([*ACTIVATIONS])
    return Stage(f"(scale, {name})", row(lambda x, s: ACTIVATIONS[name](s * x)), shape)


def dense(r: Random, shape: Shape) -> Stage:
    units, name = r.randint(1, 4), r.choice([*ACTIVATIONS])
    lead = () if len(shape) == 3 else shape[:-1]

    def run(x, weight, bias):
        flat = x.flatten(1) if len(shape) == 3 else x
        return ACTIVATIONS[name](flat @ weight.flatten(1).T + bias)

    return Stage(f"({name}) {units}", row(run), (*lead, units))


def lstm(r: Random, shape: Shape) -> Stage:
    units = r.randint(1, 3)

    def run(x, W, U, b, c):
        module = nn.LSTM(shape[1], units, batch_first=True, dtype=torch.float64)
        names = {"weight_ih_l0": W, "weight_hh_l0": U, "bias_ih_l0": b, "bias_hh_l0": c}
        return torch.func.functional_call(module, {n: a.flatten(0, 1) for n, a in names.items()}, (x,))[0]

    return Stage(f"(torch.LSTM) {units}", row(run), (shape[0], units))


def attention(r: Random, shape: Shape) -> Stage:
    heads = r.choice([n for n in range(1, shape[1] + 1) if shape[1] % n == 0])

    def run(x, Q, K, V, O, bq, bk, bv, bo):  # noqa: E741
        q, k, v = (torch.einsum("bti,aki->batk", x, w) + b[:, None] for w, b in ((Q, bq), (K, bk), (V, bv)))
        seen = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        return torch.einsum("batk,oak->bto", seen, O) + bo

    return Stage(f"(attention({heads}) causal)", row(run), shape)


KINDS: dict[int, tuple[Callable[[Random, Shape], Stage], ...]] = {
    3: (conv, conv, grouped, depthwise, pooling, larger, norm, batch_norm, tokens, dense, act),
    2: (dense, lstm, attention, norm, batch_norm, act),
    1: (dense, norm, batch_norm, act),
}


class Drawn:
    """A network, and the blocks that are defined for it."""

    def __init__(self, r: Random) -> None:
        self.r, self.blocks, self.names = r, list[str](), 0

    def chain(self, shape: Shape, count: int, depth: int) -> Stage:
        """Some stages; what one of them gives may be added to what a later one gives."""
        stages: list[Stage] = []
        for _ in range(count):
            stages.append(self.stage(stages[-1].shape if stages else shape, depth))
        last = stages[-1].shape
        held = next((i for i, s in enumerate(stages[:-1]) if s.shape[:-1] == last[:-1]), None)
        if held is not None:
            self.names += 1
            name, kept = f"e{self.names}", stages[held]
            kind = "add" if kept.shape == last else "concat"
            stages[held] = Stage(f"{kept.text} as {name}", _keep(kept.run, name), kept.shape)
            ends = last if kind == "add" else (*last[:-1], last[-1] + kept.shape[-1])
            stages.append(Stage(f"({kind} {name})", _join(kind, name), ends))

        def run(x, state):
            for stage in stages:
                x = stage.run(x, state)
            return x

        return Stage(" ".join(s.text for s in stages), run, stages[-1].shape)

    def stage(self, shape: Shape, depth: int) -> Stage:
        if depth and self.r.random() < 0.4:
            return self.block(shape, depth)
        return self.r.choice(KINDS[len(shape)])(self.r, shape)

    def same_shape(self, shape: Shape, depth: int) -> Stage:
        found = self.chain(shape, self.r.randint(1, 2), depth)
        return found if found.shape == shape else act(self.r, shape)

    def block(self, shape: Shape, depth: int) -> Stage:
        """Alone it has the numbers of the block around it; with an activation behind it, it is repeated with that."""
        name, times = f"block{len(self.blocks)}", self.r.randint(1, 3)
        self.blocks.append("")
        one, two = self.same_shape(shape, depth - 1), self.same_shape(shape, depth - 1)
        behind = self.r.choice(["", ", tanh"])
        self.blocks[int(name.removeprefix("block"))] = (
            f"block {name}(c):\n    r = x + l/L*[{one.text}](x)\n    z = r - l*[{two.text}](r)*x\n"
        )

        def run(x, state):
            outer = state.which
            for i in range(times):
                l, L = outer if times == 1 else (i + 1, times)  # noqa: E741
                state.which = l, L
                r = x + l / L * one.run(x, state)
                x = r - l * two.run(r, state) * x
                x = torch.tanh(x) if behind else x
            state.which = outer
            return x

        return Stage(f"({name}{behind})" + (f" x {times}" if times > 1 else ""), run, shape)


def _keep(run: Pass, name: str) -> Pass:
    def kept(x, state):
        state.named[name] = run(x, state)
        return state.named[name]

    return kept


def _join(kind: str, name: str) -> Pass:
    if kind == "add":
        return lambda x, run: x + run.named[name]
    return lambda x, run: torch.cat([x, run.named[name]], -1)


@pytest.mark.slow
@given(st.randoms(use_true_random=False), st.sampled_from([(5, 4, 3), (6, 7, 1), (4, 3), (3, 2), (5,)]))
@settings(max_examples=12)
def test_a_network_of_any_layers_is_pytorchs_and_its_spec_is_the_same_network(
    r: Random, shape: Shape
) -> None:
    drawn = Drawn(r)
    chain = drawn.chain(shape, r.randint(2, 4), 2)
    blocks = "".join(reversed(drawn.blocks))
    text = f"{chain.text} (lin) 2"
    made, rng = put(text, shape, blocks), np.random.default_rng(3)
    arrays = {n: rng.normal(size=s) for n, s in made.shapes().items()}
    x, seed = rng.normal(size=(SAMPLES, *shape)), rng.normal(size=(SAMPLES, *made.shape))
    value, slopes, _ = made.run(arrays, x, seed)
    given = {n: torch.tensor(a, requires_grad=True) for n, a in {"x": x, **arrays}.items()}
    whole = {n if n == "x" or "." in n else f"layer1.{n}": a for n, a in given.items()}
    state = Run(whole)
    inside, last = chain.run(given["x"], state), state.next()
    flat = inside.flatten(1) if inside.dim() == 4 else inside
    expected = flat @ last["weight"].flatten(1).T + last["bias"]
    np.testing.assert_allclose(value, expected.detach().numpy(), rtol=1e-9, atol=1e-9)
    right = torch.autograd.grad((expected * torch.tensor(seed)).sum(), [*given.values()])
    largest = max(float(g.abs().max()) for g in right)  # some are 0 but for rounding, as by the bias of keys
    for n, g in zip(given, right, strict=True):
        np.testing.assert_allclose(slopes[n], g.numpy(), rtol=1e-8, atol=1e-9 * largest, err_msg=n)
    program = f"{blocks}network [{'x'.join(map(str, shape))} {text}]{REST}"
    spec = to_spec(to_ast(Source("<test>", program)), None, Path())
    again = to_spec(to_ast(Source("<spec>", spec_text(spec))), None, Path())
    assert to_ir(again) == to_ir(spec)
