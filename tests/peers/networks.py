"""Whole networks of layers in netc's text and in PyTorch's functions, with the same parameters under the same names.

Images are height x width x channels in netc, and rows of numbers; shapes of parameters are PyTorch's. A flattened image
has its channels fastest, as in netc, so that weights behind it are the same numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

Parameters = Mapping[str, Tensor]
Outputs = Callable[[Parameters, Tensor, bool], Tensor]
"""Of parameters and states by name, of inputs (samples, numbers), in training or not: logits; running statistics change."""


@dataclass(frozen=True)
class Network:
    name: str
    text: str
    """Blocks, network, init and loss."""
    inputs: tuple[int, ...]
    classes: int
    outputs: Outputs

    def data(self, samples: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
        """Random, but such that something can be learnt."""
        rng = np.random.default_rng(seed)
        y = rng.integers(0, self.classes, samples)
        middles = rng.normal(size=(self.classes, int(np.prod(self.inputs))))
        return 0.5 * middles[y] + rng.normal(size=(samples, middles.shape[1])), y


def image(x: Tensor, height: int, width: int, channels: int) -> Tensor:
    return x.reshape(-1, height, width, channels).permute(0, 3, 1, 2)


def flat(x: Tensor) -> Tensor:
    return x.permute(0, 2, 3, 1).flatten(1)


def conv(p: Parameters, name: str, x: Tensor, stride: int = 1, padding: int = 0) -> Tensor:
    return F.conv2d(x, p[f"{name}.weight"], p.get(f"{name}.bias"), stride, padding)


def dense(p: Parameters, name: str, x: Tensor) -> Tensor:
    return F.linear(x, p[f"{name}.weight"], p.get(f"{name}.bias"))


def norm(p: Parameters, name: str, x: Tensor, training: bool) -> Tensor:
    mean, variance = p[f"{name}.m"], p[f"{name}.s"]
    return F.batch_norm(x, mean, variance, p[f"{name}.gamma"], p[f"{name}.beta"], training, 0.1, 1e-5)


def layer_norm(p: Parameters, name: str, x: Tensor) -> Tensor:
    gamma = p[f"{name}.gamma"]
    return F.layer_norm(x, gamma.shape, gamma, p[f"{name}.beta"])


def attention(p: Parameters, name: str, x: Tensor) -> Tensor:
    def of(word: str) -> Tensor:
        weight, bias = p[f"{name}.{word}"], p[f"{name}.b{word.lower()}"]
        found = F.linear(x, weight.flatten(0, 1), bias.flatten())
        return found.unflatten(2, weight.shape[:2]).transpose(1, 2)

    seen = F.scaled_dot_product_attention(of("Q"), of("K"), of("V")).transpose(1, 2).flatten(2)
    return F.linear(seen, p[f"{name}.O"].flatten(1), p[f"{name}.bo"])


# -- LeCun's, of 1989 and 1998 -------------------------------------------------------------------------


def lenet1() -> Network:
    def outputs(p: Parameters, x: Tensor, training: bool) -> Tensor:
        x = F.avg_pool2d(torch.tanh(conv(p, "layer1", image(x, 28, 28, 1))), 2)
        x = F.avg_pool2d(torch.tanh(conv(p, "layer2", x)), 2)
        return dense(p, "layer3", flat(x))

    text = (
        "network [28x28x1 (conv 5x5, tanh) 4 (avgpool 2x2) (conv 5x5, tanh) 12 (avgpool 2x2) (softmax) 10]\n"
    )
    return Network("LeNet-1", text, (28, 28, 1), 10, outputs)


def lenet5() -> Network:
    def outputs(p: Parameters, x: Tensor, training: bool) -> Tensor:
        x = F.avg_pool2d(torch.tanh(conv(p, "layer1", image(x, 28, 28, 1), padding=2)), 2)
        x = F.avg_pool2d(torch.tanh(conv(p, "layer2", x)), 2)
        x = torch.tanh(dense(p, "layer3", flat(x)))
        return dense(p, "layer5", torch.tanh(dense(p, "layer4", x)))

    text = (
        "network [28x28x1 (conv 5x5 pad 2x2, tanh) 6 (avgpool 2x2) (conv 5x5, tanh) 16 (avgpool 2x2)\n"
        "         (tanh) 120 (tanh) 84 (softmax) 10]\n"
    )
    return Network("LeNet-5", text, (28, 28, 1), 10, outputs)


# -- of 3 x 3 windows ------------------------------------------------------------------------------------


def vgg(side: int = 28, width: int = 8) -> Network:
    """Pairs of convolutions of 3x3 before each pooling (Simonyan, Zisserman 2015), small."""

    def outputs(p: Parameters, x: Tensor, training: bool) -> Tensor:
        x = image(x, side, side, 1)
        for first, second in ((1, 2), (3, 4)):
            x = torch.relu(conv(p, f"layer{first}", x, padding=1))
            x = F.max_pool2d(torch.relu(conv(p, f"layer{second}", x, padding=1)), 2)
        return dense(p, "layer6", torch.relu(dense(p, "layer5", flat(x))))

    text = (
        f"network [{side}x{side}x1 (conv 3x3 same, relu) {width} (conv 3x3 same, relu) {width} (maxpool 2x2)\n"
        f"         (conv 3x3 same, relu) {2 * width} (conv 3x3 same, relu) {2 * width} (maxpool 2x2)\n"
        f"         (relu) {4 * width} (softmax) 10]\n"
    )
    return Network("VGG", text, (side, side, 1), 10, outputs)


def resnet(blocks: int = 2, side: int = 28, width: int = 8) -> Network:
    """Blocks of two convolutions with batch norm, before and behind a convolution with stride 2."""

    def outputs(p: Parameters, x: Tensor, training: bool) -> Tensor:
        at = iter(range(1, 10**6))

        def next_name() -> str:
            return f"layer{next(at)}"

        def normed(x: Tensor, stride: int = 1) -> Tensor:
            x = conv(p, next_name(), x, stride, 1)
            return norm(p, next_name(), x, training)

        x = torch.relu(normed(image(x, side, side, 1)))
        for stage in range(2):
            for _ in range(blocks):
                x = torch.relu(x + normed(torch.relu(normed(x))))
            x = torch.relu(normed(x, 2)) if stage == 0 else x
        return dense(p, next_name(), x.mean((2, 3)))

    text = (
        "block   res(c):\n"
        "    y = [c (conv 3x3 pad 1x1 nobias, torch.BatchNorm2d, relu)"
        " c (conv 3x3 pad 1x1 nobias, torch.BatchNorm2d) c](x)\n"
        "    z = relu(x + y)\n"
        f"network [{side}x{side}x1 (conv 3x3 pad 1x1 nobias, torch.BatchNorm2d, relu) {width} (res) x {blocks}\n"
        f"         (conv 3x3 pad 1x1 stride 2x2 nobias, torch.BatchNorm2d, relu) {2 * width} (res) x {blocks}\n"
        "         (globalavgpool) (softmax) 10]\n"
    )
    return Network(f"ResNet-{4 * blocks + 3}", text, (side, side, 1), 10, outputs)


# -- tokens and steps ------------------------------------------------------------------------------------


def vit(blocks: int = 2, side: int = 28, patch: int = 7, width: int = 16, heads: int = 2) -> Network:
    def outputs(p: Parameters, x: Tensor, training: bool) -> Tensor:
        x = conv(p, "layer1", image(x, side, side, 1), patch).flatten(2).transpose(1, 2)
        x = torch.cat([p["layer2.e"].expand(len(x), 1, -1), x], 1) + p["layer3.p"]
        for block in range(blocks):
            first = 4 + 5 * block
            x = x + attention(p, f"layer{first + 1}", layer_norm(p, f"layer{first}", x))
            inner = F.gelu(dense(p, f"layer{first + 3}", layer_norm(p, f"layer{first + 2}", x)))
            x = x + dense(p, f"layer{first + 4}", inner)
        last = 4 + 5 * blocks
        return dense(p, f"layer{last + 1}", layer_norm(p, f"layer{last}", x)[:, 0])

    text = (
        "block   vit(heads, hidden, D):\n"
        "    r = x + [(layernorm 1e-5, attention(heads))](x)\n"
        "    z = r + [(layernorm 1e-5, dense, gelu) hidden (dense) D](r)\n"
        f"network [{side}x{side}x1 (conv {patch}x{patch} stride {patch}x{patch}) {width} (tokens) (classtoken) (positions)\n"
        f"         (vit({heads}, {2 * width})) x {blocks} (layernorm 1e-5) (first) (softmax) 10]\n"
    )
    return Network(f"ViT-{blocks}", text, (side, side, 1), 10, outputs)


def lstm(steps: int = 50, units: int = 32, features: int = 3) -> Network:
    def outputs(p: Parameters, x: Tensor, training: bool) -> Tensor:
        weights = [p[f"layer1.{word}"].flatten(0, 1) for word in ("W", "U", "b", "c")]
        start = x.new_zeros(1, len(x), units)
        h, *_ = torch._VF.lstm(
            x.reshape(-1, steps, features), (start, start), weights, True, 1, 0.0, training, False, True
        )
        return dense(p, "layer2", h[:, -1])

    text = f"network [{steps}x{features} (torch.LSTM) {units} (last) (softmax) 5]\n"
    return Network("LSTM", text, (steps, features), 5, outputs)
