"""What the layers of a problem draw, for the interpreter: the numbers that kernels draw for themselves."""

from __future__ import annotations

from collections.abc import Callable
from math import prod

import numpy as np

from netc.compiler.calculus import ir
from netc.compiler.calculus.evaluate import Draws
from netc.runtime.parameters import Array
from netc.runtime.random import of_layer


def draws_of(problem: ir.Problem, seed: int, run: int) -> Callable[[int, Array], Draws]:
    """From an iteration and the numbers of samples in the data to an array for each purpose."""

    def drawn(iteration: int, samples: Array) -> Draws:
        return {
            draw.purpose: _array(draw, (seed, run, iteration, number), samples)
            for number, draw in enumerate(problem.draws)
        }

    return drawn


def _array(draw: ir.Draw, key: tuple[int, int, int, int], samples: Array) -> Array:
    others = [a.size or 1 for a in draw.axes if a != ir.SAMPLES]
    each = ir.SAMPLES in draw.axes
    numbers = samples.astype(np.int64) if each else np.zeros(1, np.int64)
    found = of_layer(draw.law, draw.arguments, prod(others), key, numbers)
    if not each:
        return found.reshape(others)
    return np.moveaxis(found.reshape(len(numbers), *others), 0, draw.axes.index(ir.SAMPLES))
