"""The same network, start and batches by gradient descent: the one training that is the same work in every tool."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from netc.compiler import pipeline
from netc.compiler.kernels.patterns import chain
from netc.compiler.meaning.spec import Activation, Training, Use
from netc.compiler.meaning.spec_text import spec_program
from netc.dsl import ast, library
from netc.dsl.printer import print_expr
from netc.dsl.source import Source
from netc.runtime.data.dataset import Dataset
from netc.runtime.opening import open_session
from netc.runtime.parameters import Array, unflatten
from netc.runtime.session import Session
from netc.runtime.training.sample_layout import bounds
from netc.runtime.training.start import first_theta

RATE = 1e-3
STEPS = 10**9
"""More than are measured."""
REPLACED = (ast.Optimizer, ast.Train, ast.Schedule, ast.Monitor, ast.Expect, ast.Points, ast.Sweep)
ACTIVATIONS = ("lin", "tanh", "sigmoid", "relu", "softplus", "gelu", "silu", "elu")
LOSSES = ("mse", "half_mse", "cross_entropy")


@dataclass(frozen=True)
class Chain:
    """What a peer needs of a chain of dense layers."""

    layers: tuple[tuple[Array, Array], ...]
    """(out, in) and (out,) at the start."""
    activations: tuple[str, ...]
    """One of ACTIVATIONS behind each layer; the softmax of a cross entropy is the loss's."""
    loss: str
    batches: tuple[tuple[Array, Array], ...]
    """(samples, inputs) and (samples, outputs), all of one size."""
    precision: str

    @property
    def real(self) -> type[np.floating]:
        return np.float64 if self.precision == "f64" else np.float32


def by_descent(session: Session) -> Session:
    """With `gd` in the place of the file's rule, one run, one thread, no shuffling and no end."""
    kept = (s for s in spec_program(session.spec).statements if not isinstance(s, REPLACED))
    text = f"optimizer gd(eta = {RATE})\n{_train(session.spec.training)}\n"
    others = pipeline.to_ast(Source("bench.net", text)).statements
    file = replace(session.file, program=ast.Program((*kept, *others)))
    return open_session(file, {}, _whole(session), session.lanes)


def _whole(session: Session) -> Dataset | None:
    """Its data with as many training samples as fill batches of one size."""
    data, training = session.data, session.spec.training
    if data is None or training.batch == "full":
        return data
    count, size = len(data.train), training.count
    whole = count // size * size
    return replace(data, train=data.train[:whole]) if 0 < whole < count else data


def _train(training: Training) -> str:
    batch = {"full": "full", "size": training.count, "parts": f"{training.count} parts"}[training.batch]
    settings = f"precision = {training.precision}, seed = {training.seed}"
    return f"train steps = {STEPS}, batch = {batch}, shuffle = false, threads = 1, {settings}"


def as_chain(session: Session) -> Chain | str:
    """Of a session `by_descent`; a text says why peers have no part in it."""
    network, loss = session.spec.network, session.spec.loss
    if network is None or loss is None or chain(session.program.problem) is None:
        return "only chains of dense layers are written for them here"
    groups: list[list[str]] = []
    for operation in network.operations:
        if isinstance(operation, Use):
            groups.append([])
        elif isinstance(operation, Activation) and groups:
            groups[-1].append(_name(operation))
    softmax = groups[-1] == ["softmax"] and loss.definition.name == "cross_entropy"
    names = [group[0] if len(group) == 1 else "lin" if not group else "" for group in groups]
    names[-1] = "lin" if softmax else names[-1]
    if softmax != (loss.definition.name == "cross_entropy") or not {*names} <= {*ACTIVATIONS}:
        return f"of activations only {', '.join(ACTIVATIONS)}, and softmax before a cross entropy, are written for them here"
    if loss.definition.name not in LOSSES or not session.program.problem.mean:
        return f"of losses only means of {', '.join(LOSSES)} are written for them here"
    tensors = unflatten(session.program.problem, first_theta(session.program, 0, 1)[0])
    layers = [
        (tensors.get(f"layer{i}.weight"), tensors.get(f"layer{i}.bias")) for i in range(1, len(names) + 1)
    ]
    batches = _batches(session)
    if any(weight is None or bias is None for weight, bias in layers) or not batches:
        return "layers without biases and batches of several sizes are not written for them here"
    return Chain(tuple(layers), tuple(names), loss.definition.name, batches, session.spec.training.precision)  # type: ignore[arg-type]


def _name(activation: Activation) -> str:
    """Of one of the library; empty where the file has given the name another meaning, or it has other numbers."""
    name = activation.definition.name
    known = library.lookup("activation", name)
    same = isinstance(known, ast.Activation) and print_expr(known.value) == print_expr(
        activation.definition.value
    )
    return name if same and all(value == 1.0 for _, value in activation.arguments) else ""


def _batches(session: Session) -> tuple[tuple[Array, Array], ...]:
    """Nothing where their sizes differ."""
    x, y = session.scaled_training
    cuts = bounds(session.program.training.batches, len(x)).tolist()
    if len({b - a for a, b in pairwise(cuts)}) > 1:
        return ()
    return tuple((x[a:b], y[a:b]) for a, b in pairwise(cuts))
