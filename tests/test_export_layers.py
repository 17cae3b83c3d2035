"""Every layer of the library in C and Fortran, in test mode: what it computes, and its derivative by the inputs.

The layers themselves are compared with PyTorch in test_library_layers.py; here with the interpreter of lets.
"""

from __future__ import annotations

import numpy as np
import pytest

import test_library_layers as layers
from exported import called, library, model_of
from layers_in_networks import put
from netc.compiler.calculus import ir
from netc.compiler.calculus.evaluate import initial_states, predict
from netc.compiler.export.c import c_source
from netc.compiler.export.fortran import fortran_source
from netc.compiler.lower.network import problem
from netc.dsl import library as dsl_library

WRITE = {"c": c_source, "f90": fortran_source}
FIRST = list(
    {
        case.layer.split()[0].strip("()").partition("(")[0]: name
        for name, case in reversed(layers.CASES.items())
    }.values()
)
"""A case of each layer."""


def as_problem(name):
    case = layers.CASES[name]
    made = put(case.layer, case.shape)
    x = ir.Tensor("x", made.x.axes, "input")
    y = ir.Tensor("y", made.value.axes, "target")
    loss = ir.Let("loss", (), ir.total("sum", made.value))
    tensors = [*made.flow.tensors, x, y]
    return made, problem(tensors, [*made.flow.steps, loss], made.value.name, updates=made.flow.updates)


def test_every_layer_of_the_library_has_a_case():
    named = {layers.CASES[name].layer.split()[0].strip("()").partition("(")[0] for name in FIRST}
    ours = {n for n in dsl_library.names("layer") if dsl_library.shelf("layer", n) == "layers"}
    assert ours <= named  # those of libraries are made of the same parts


@pytest.mark.parametrize("language", ["c", "f90"])
def test_every_layer_of_the_library(language, tmp_path):
    rng = np.random.default_rng(2)
    made = {}
    for n, name in enumerate(FIRST):
        where, made_problem = as_problem(name)
        theta = rng.normal(size=made_problem.parameters)
        states = initial_states(made_problem) + rng.uniform(0.1, 1, size=made_problem.state_numbers)
        model = model_of(made_problem, theta)
        model.parameters.update(
            {t.name: states[t.offset : t.stop].reshape(t.shape) for t in made_problem.states}
        )
        made[f"m{n}"] = name, where, made_problem, theta, states, WRITE[language](model, f"m{n}", True)
    found = library(tmp_path / language, language, {name: m[-1] for name, m in made.items()})
    for file, (name, where, made_problem, theta, states, _) in made.items():
        case = layers.CASES[name]
        x = case.draw(rng, (2, *case.shape)) if case.draw else rng.normal(size=(2, *case.shape))
        expected = predict(made_problem, theta, x.reshape(2, -1), states)
        outputs = called(found, f"{file}_predict", x.reshape(2, -1), made_problem.outputs)
        np.testing.assert_allclose(outputs, expected, rtol=1e-12, atol=1e-13, err_msg=name)
        seed = rng.normal(size=(2, made_problem.outputs))
        arrays = {t.name.partition(".")[2]: theta[t.offset : t.stop] for t in made_problem.weights}
        own = {t.name.partition(".")[2]: states[t.offset : t.stop] for t in made_problem.states}
        _, slopes, _ = where.run(arrays, x, seed, training=False, states=own)
        rows = called(
            found, f"{file}_derivative", x.reshape(2, -1), made_problem.outputs * made_problem.inputs
        )
        mixed = np.einsum("no,noi->ni", seed, rows.reshape(2, made_problem.outputs, made_problem.inputs))
        np.testing.assert_allclose(mixed, slopes["x"].reshape(2, -1), rtol=1e-9, atol=1e-11, err_msg=name)
