"""A CUDA kernel's text under the checker of races, and whether it trains as the interpreter does."""

from __future__ import annotations

import dataclasses
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from cuda_races import Machine
from netc.compiler import pipeline
from netc.compiler.calculus import interpret, ir
from netc.compiler.kernels.cuda.plan import Card
from netc.compiler.kernels.cuda.target import Cuda
from netc.runtime import opening, program_file
from netc.runtime.random import order_of_epoch
from netc.runtime.training.layer_draws import draws_of
from netc.runtime.training.sample_layout import bounds, lay_out
from netc.runtime.training.start import first_states, first_theta

STEPS = 4
Samples = tuple[np.ndarray, np.ndarray]


class Kernel:
    """A program's kernel, and the arrays of its runs as docs/kernels.md lists them."""

    def __init__(
        self,
        text: str,
        shape: str,
        threads: int,
        blocks: int,
        samples: Samples | None = None,
        **options: int,
    ) -> None:
        file = program_file.read_text(text, "races.net", Path.cwd())
        given = program_file.from_arrays(file, *samples) if samples else None
        session = opening.open_session(file, {}, given)
        self.program = program = session.program
        training = program.training
        sizes = {f.name: threads for f in dataclasses.fields(Card) if f.name in ("threads", "crowd")}
        chosen = Cuda(Card(blocks=blocks, **sizes, **options))
        module = pipeline.to_loops(program, chosen, session.samples)
        self.text, constants = pipeline.to_text(module, chosen), dict(module.constants)
        assert constants["SHAPE"] == shape
        assert constants["BLOCKS"] == (blocks if shape == "grid" else 1)
        self.size = blocks, threads
        self.real = real = np.dtype(f"f{int(str(constants['REAL'])[1:]) // 8}")
        self.x, self.y = session.scaled_training if session.data else (np.zeros((1, 0)), np.zeros((1, 0)))
        self.shuffled = bool(training.batches.order)
        self.bounds = bounds(training.batches, len(self.x))
        self.first = first_theta(program, 0, training.runs)
        states = [started(program, theta, self.x, self.y, self.bounds) for theta in self.first]
        laid_out = lay_out(self.x, self.y, 1, real.type, self.shuffled)
        runs = training.runs
        self.states = first_states(program, 0, runs)
        width = self.first.shape[1] + self.states.shape[1]
        vectors = np.zeros((runs, len(states[0][0]), width), real)
        for row, (found, _) in zip(vectors, states, strict=True):
            for state, value in zip(row, found, strict=True):
                state[: len(value)] = value
        self.arrays: dict[str, Any] = {
            "rows": np.arange(runs),
            "theta": np.hstack([self.first, self.states]).astype(real),
            "vectors": vectors,
            "scalars": np.array([s[1] for s in states]).reshape(runs, -1),
            "counters": np.pad(np.arange(runs)[:, None], ((0, 0), (4, 0))),
            "figures": np.zeros((runs, 3)),
            "hyper": np.array([h.value for h in program.rule.hypers]),
            "x": laid_out.x,
            "y": laid_out.y,
            "bounds": self.bounds,
            "order": np.zeros((runs, len(self.x) * self.shuffled), np.int64),
            "scratch": np.zeros((blocks, int(constants["SCRATCH"])), real),
        }
        self.places = np.zeros((blocks, int(constants["PLACES"])), np.int32)

    def looked_at(self) -> list[str]:
        """What is found while all runs are trained, in two launches."""
        machine = Machine()
        for last in (STEPS // 2, STEPS):
            sums = {"partials": np.zeros(self.size[0]), "turns": np.zeros(1, np.int64), "places": self.places}
            given = self.arrays | {"key": self.program.training.seed, "last": last} | sums
            machine.launch(self.text, *self.size, given, ("scratch", "partials", "places"))
        return machine.findings

    def does_what_the_equations_say(self) -> bool:
        """It was trained as the interpreter trains."""
        for r, theta in enumerate(self.first):
            seed = self.program.training.seed
            order = partial(order_of_epoch, self.program.training.batches.order, len(self.x), seed, r)
            drawn = draws_of(self.program.problem, seed, r)
            end = interpret.run(
                self.program, theta, self.x, self.y, STEPS, self.bounds, order, None, drawn, self.states[r]
            )
            bound = 1e-9 if self.real == np.float64 else 1e-4
            expected = np.concatenate([end.trajectory[-1], end.layers])
            np.testing.assert_allclose(self.arrays["theta"][r], expected, rtol=bound, atol=bound)
            counts = [end.iterations, end.loss_evaluations, end.gradient_evaluations, end.status, r]
            assert self.arrays["counters"][r].tolist() == counts
        return True


def started(program: ir.Program, *given: Any) -> tuple[list[Any], list[Any]]:
    """First values of the states: vectors and numbers, those of each batch behind the others."""
    states = interpret.run(program, *given[:3], 0, given[3]).states
    whole = sorted(program.rule.states, key=lambda s: s.per_batch)
    values = [(s, v) for s in whole for v in (states[s.name] if s.per_batch else [states[s.name]])]
    return (
        [v for s, v in values if s.axes and s.name != "theta"],
        [v for s, v in values if not s.axes],
    )


def good(
    text: str, shape: str, threads: int = 8, blocks: int = 2, samples: Samples | None = None, **options: int
) -> bool:
    kernel = Kernel(text, shape, threads, blocks, samples, **options)
    assert kernel.looked_at() == []
    return kernel.does_what_the_equations_say()
