"""The training samples of an epoch, augmented: which numbers are drawn, of the run's own generator.

Every operation has numbers of its own, whether or not it still holds: that one ends changes nothing of the others.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from netc.compiler.meaning.spec import Augmentation
from netc.runtime.data import augment
from netc.runtime.parameters import Array
from netc.runtime.random import Purpose, normal_of_words, permutation, uniform_of_words, words


@dataclass(frozen=True, eq=False)
class Augmenter:
    operations: Sequence[Augmentation]
    x: Array
    """(N, inputs) scaled."""
    y: Array
    """(N, targets), behind them weights where there are any."""
    targets: int
    shape: tuple[int, int, int] | None
    """Of an image."""
    outside: Array
    """(inputs,): what the raw number 0 is, scaled."""
    seed: int

    def of(self, run: int, epoch: int) -> tuple[Array, Array]:
        """(N, inputs) and (N, targets) of this epoch."""
        x, y = self.x, self.y
        for number, one in enumerate(self.operations):
            if epoch < one.until:
                x, y = self._done(one, x, y, _Numbers(self.seed, run, epoch, number))
        return x, y

    def _done(self, one: Augmentation, x: Array, y: Array, drawn: _Numbers) -> tuple[Array, Array]:
        size, count = dict(one.arguments), len(x)
        match one.name:
            case "noise":
                return x + size["sigma"] * drawn.normal(x.size).reshape(x.shape), y
            case "mixup":
                shares = augment.beta(
                    drawn.uniform(2 * augment.ATTEMPTS * count).reshape(count, -1, 2), size["alpha"]
                )
                others = permutation(count, self.seed, drawn.run, Purpose.AUGMENT, drawn.epoch)
                goal = augment.mixup(y[:, : self.targets], others, shares)
                return augment.mixup(x, others, shares), np.hstack([goal, y[:, self.targets :]])
        assert self.shape is not None
        images, outside = x.reshape(count, *self.shape), self.outside.reshape(self.shape)
        match one.name:
            case "shift":
                most = int(size["pixels"])
                down, right = np.floor((2 * most + 1) * drawn.uniform(2 * count).reshape(2, count)) - most
                images = augment.shift(images, down, right, outside)
            case "flip":
                images = augment.flip(images, drawn.uniform(count) < 0.5)
            case "rotate":
                images = augment.rotate(images, size["degrees"] * (2 * drawn.uniform(count) - 1), outside)
            case "blur":
                images = augment.blur(images, size["sigma"])
            case name:
                raise AssertionError(name)
        return images.reshape(count, -1), y


@dataclass(frozen=True)
class _Numbers:
    """Of one operation in one epoch: the run's own stream with another key."""

    seed: int
    run: int
    epoch: int
    number: int

    def _words(self, size: int) -> Array:
        own = words(self.seed, self.run, Purpose.AUGMENT, self.epoch, self.number, 1)[0]
        key = int(own[0]) | int(own[1]) << 32
        return words(key, self.run, Purpose.AUGMENT, self.epoch, 0, (size + 1) // 2)

    def uniform(self, size: int) -> Array:
        return uniform_of_words(self._words(size))[:size]

    def normal(self, size: int) -> Array:
        return normal_of_words(self._words(size))[:size]
