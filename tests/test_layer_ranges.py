"""Which numbers layers take: what Keras refuses is refused, with the parameter's name; what a layer divides by is not 0."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from netc.compiler.pipeline import to_ast, to_spec
from netc.dsl.diagnostics import SpecError
from netc.dsl.source import Source

pytest.importorskip("torch")
os.environ.setdefault("KERAS_BACKEND", "torch")
GOOD: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "Conv2D": ({"filters": 4}, {"kernel_size": (3, 3), "strides": (1, 1), "dilation_rate": (1, 1)}),
    "DepthwiseConv2D": (
        {},
        {"kernel_size": (3, 3), "strides": (1, 1), "dilation_rate": (1, 1), "depth_multiplier": 1},
    ),
    "Conv2DTranspose": ({"filters": 4}, {"kernel_size": (3, 3), "strides": (1, 1)}),
    "MaxPooling2D": ({}, {"pool_size": (2, 2)}),
    "AveragePooling2D": ({}, {"pool_size": (2, 2)}),
    "UpSampling2D": ({}, {"size": (2, 2)}),
    "Dropout": ({}, {"rate": 0.5}),
}


def refused(layer: str) -> list[str]:
    """The messages on parameters of one layer between an image and a unit."""
    text = f"data given\nnetwork [6x6x3 ({layer}) (flatten, dense) 1]\ninit zeros\nloss mse\noptimizer gd\ntrain steps = 1\n"
    try:
        to_spec(to_ast(Source("a.net", text)), None, Path())
    except SpecError as error:
        return [d.message for d in error.diagnostics if d.code == "E0414"]
    return []


def written(name: str, values: dict[str, Any]) -> str:
    def shown(value: Any) -> str:
        return "x".join(map(str, value)) if isinstance(value, tuple) else str(value)

    return f"keras.{name}({', '.join(f'{k} = {shown(v)}' for k, v in values.items())})"


@pytest.mark.parametrize("name", GOOD)
def test_what_keras_refuses_is_refused(name: str) -> None:
    """One number at a time, in each place of a size."""
    keras = pytest.importorskip("keras")
    fixed, good = GOOD[name]
    assert not refused(written(name, fixed | good))
    for key, value in good.items():
        if isinstance(value, tuple):
            bad = [(0, value[1]), (value[0], 0)]
        else:
            bad = [-0.1, 1.1] if isinstance(value, float) else [0]
        for wrong in bad:
            values = fixed | good | {key: wrong}
            with pytest.raises(ValueError, match=r".*"):
                getattr(keras.layers, name)(**values)(np.ones((1, 6, 6, 3), "float32"))
            (message,) = refused(written(name, values))
            assert f"requires {key}" in message


@pytest.mark.parametrize(
    ("layer", "good", "bad"),
    [
        ("dropout.inverted(p = {})", (0, 0.999), (-0.001, 1)),
        ("dropout.srivastava(p = {})", (0.001, 1), (0, 1.001)),
        ("droppath(p = {})", (0, 0.999), (-0.001, 1)),
        ("earlydropout(9, p = {})", (0, 0.999), (-0.001, 1)),
        ("latedropout(9, p = {})", (0, 0.999), (-0.001, 1)),
        ("stochasticdepth(survival = {})", (0.001, 1), (0, 1.001)),
    ],
)
def test_the_share_that_stays_is_a_divisor_or_a_probability(
    layer: str, good: tuple[float, ...], bad: tuple[float, ...]
) -> None:
    """Inverted dropout divides by 1 - p; that of the paper keeps with the probability p, which is not 0."""
    assert not any(refused(layer.format(value)) for value in good)
    assert all(refused(layer.format(value)) for value in bad)
