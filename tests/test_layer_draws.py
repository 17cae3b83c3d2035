"""What layers draw: on average the values in training are those in use."""

from __future__ import annotations

import numpy as np
import pytest

from layers_in_networks import put
from netc.compiler.calculus import ir

SHAPE = (6, 6, 2)
LAYERS = (
    "dropout.inverted 0.3", "dropout.srivastava 0.3", "stochasticdepth 0.3", "droppath 0.3", "torch.Dropout 0.3",
    "keras.Dropout 0.3", "convnext.droppath(p = 0.3)",
)  # fmt: skip


@pytest.mark.parametrize("layer", LAYERS)
def test_the_mean_in_training_is_the_value_in_use(layer: str) -> None:
    """All are linear in what they draw: with its mean in its place, the mean comes out."""
    made, rng = put(f"({layer})", SHAPE), np.random.default_rng(5)
    arrays = {name: rng.normal(size=shape) for name, shape in made.shapes().items()}
    x, seed = rng.normal(size=(6, *SHAPE)), rng.normal(size=(6, *SHAPE))
    draws = {d for step in made.flow.steps for d in ir.postorder(step.value) if isinstance(d, ir.Draw)}
    assert draws
    means = {d.purpose: np.full([a.size or 6 for a in d.axes], d.arguments[0]) for d in draws}
    in_training, slopes, _ = made.run(arrays, x, seed, draws=means)
    in_use, other_slopes, _ = made.run(arrays, x, seed, training=False)
    np.testing.assert_allclose(in_training, in_use, rtol=1e-12)
    np.testing.assert_allclose(slopes["x"], other_slopes["x"], rtol=1e-12, atol=1e-14)
