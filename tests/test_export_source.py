"""Trained networks as C and Fortran: compiled without a warning, and what they compute against NumPy and PyTorch."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import test_calculus_lets as lets
from exported import called, library, model_of, network
from netc.compiler.calculus import ir
from netc.compiler.calculus.evaluate import predict
from netc.compiler.calculus.primitives import PRIMITIVES
from netc.compiler.calculus.simplify import rebuild
from netc.compiler.export.c import c_source
from netc.compiler.export.fortran import fortran_source
from netc.compiler.export.model import Scale
from netc.dsl import library as dsl_library
from netc.dsl.diagnostics import SpecError

WRITE = {"c": c_source, "f90": fortran_source}
LANGUAGES = ("c", "f90")
ULPS = 32
"""Of the largest output of a sample, by which an output may differ: sums are taken in another order, exp and tanh are the
C library's."""
RNG = np.random.default_rng(11)
SPELLED = {"sine": "sine(0.1)", "leaky_relu": "leaky_relu(0.01)"}
ACTIVATIONS = [SPELLED.get(name, name) for name in dsl_library.names("activation")]
"""A sine of a large argument has the argument's rounding, whole: here it is of some units."""


def far(found, expected):
    """In units in the last place of the largest output of a sample."""
    unit = np.spacing(np.abs(expected).max(axis=1, keepdims=True).astype(expected.dtype))
    return float((np.abs(found - expected) / unit).max())


@pytest.fixture(scope="module")
def activations():
    """Two of them a network."""
    pairs = [ACTIVATIONS[i : i + 2] for i in range(0, len(ACTIVATIONS), 2)]
    made = {}
    for n, pair in enumerate(pairs):
        problem = network("[3" + "".join(f"({name})4" for name in pair) + "(lin)2]")
        made[f"m{n}"] = problem, RNG.normal(size=problem.parameters)
    return made


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("precision", ["f64", "f32"])
def test_every_activation_of_the_library(activations, language, precision, tmp_path):
    real = np.float64 if precision == "f64" else np.float32
    models = {name: (problem, theta.astype(real)) for name, (problem, theta) in activations.items()}
    sources = {
        name: WRITE[language](model_of(p, theta, precision), name) for name, (p, theta) in models.items()
    }
    found = library(tmp_path / language, language, sources)
    x = np.concatenate([RNG.normal(size=(40, 3)), [[0, 0, 0], [30, -30, 30]], 1e-8 * RNG.normal(size=(4, 3))])
    worst = {}
    for name, (problem, theta) in models.items():
        expected = predict(problem, theta, x.astype(real))
        outputs = called(found, f"{name}_predict", x.astype(real).astype(float), problem.outputs)
        worst[name] = far(outputs, expected)
        assert np.isfinite(outputs).all()
    print(worst)
    assert max(worst.values()) <= ULPS


# -- networks of any lets --------------------------------------------------------------------------


def as_network(name):
    """A case of the calculus with `x` (or the texts) as inputs of one sample; its samples are an axis like others."""
    case = lets.CASES[name]()
    given = "text" if name == "embedding" else "m" if name == "diagonals" else "x"
    output = list(ir.flat(case.steps))[-1]
    tensors = []
    offset = 0
    for tensor_name, axes in case.tensors.items():
        role = "input" if tensor_name == given else "weight"
        tensors.append(ir.Tensor(tensor_name, tuple(axes), role, offset))
        offset += tensors[-1].size if role == "weight" else 0
    tensors.append(ir.Tensor("goal", output.axes, "target"))
    problem = ir.Problem(tuple(tensors), tuple(case.steps), (), "", (), output.name)
    pieces = {t.name: RNG.normal(size=t.shape) for t in tensors[:-1]}
    if name == "embedding":
        pieces["text"] = RNG.integers(0, 4, size=pieces["text"].shape).astype(float)
    theta = np.concatenate([pieces[t.name].ravel() for t in problem.weights] or [np.zeros(0)])
    return case, problem, theta, pieces, given


@pytest.mark.parametrize("language", LANGUAGES)
def test_networks_of_any_lets_and_their_derivatives_are_those_of_pytorch(language, tmp_path):
    torch = pytest.importorskip("torch")
    made = {f"m{n}": as_network(name) for n, name in enumerate(lets.CASES) if name != "dropout"}
    sources = {
        name: WRITE[language](model_of(problem, theta), name, True)
        for name, (_, problem, theta, *_) in made.items()
    }
    found = library(tmp_path / language, language, sources)
    for name, (case, problem, _, pieces, given) in made.items():
        arrays = {n: torch.tensor(p) for n, p in pieces.items()}

        def reference(x, case=case, arrays=arrays, given=given):
            return case.reference(*({**arrays, given: x}[n] for n in case.tensors))

        expected = reference(arrays[given]).numpy().ravel()
        x = pieces[given].reshape(1, -1)
        outputs = called(found, f"{name}_predict", x, problem.outputs)[0]
        np.testing.assert_allclose(outputs, expected, rtol=1e-12, atol=1e-13, err_msg=str(case.tensors))
        if given == "text":
            continue
        found_slopes = called(found, f"{name}_derivative", x, problem.outputs * problem.inputs)
        leaf = arrays[given].clone().requires_grad_()
        weights = torch.tensor(RNG.normal(size=(3, problem.outputs)))
        for along in weights:  # rows of the derivative, mixed
            (mixed,) = torch.autograd.grad(reference(leaf).flatten() @ along, leaf)
            own = along.numpy() @ found_slopes.reshape(problem.outputs, problem.inputs)
            np.testing.assert_allclose(own, mixed.numpy().ravel(), rtol=1e-9, atol=1e-11, err_msg=name)


# -- scaling, gaps, long arrays --------------------------------------------------------------------


@pytest.mark.parametrize("language", LANGUAGES)
def test_scaling_gaps_and_long_arrays(language, tmp_path):
    """700 inputs, so that a row of weights is longer than a statement of Fortran may be."""
    problem = network("[700(tanh)6(softmax)3]")
    theta = 0.1 * RNG.normal(size=problem.parameters)
    scale = Scale(RNG.normal(size=700), RNG.uniform(0.5, 2, size=700))
    back, fill = Scale(np.array([1.0, -2, 3]), np.array([10.0, 0.1, 5])), RNG.normal(size=700)
    about = ("columns: a */ b", "x" * 300)
    model = replace(model_of(problem, theta), inputs=scale, outputs=back, fill=fill, about=about)
    text = WRITE[language](model, "wide", True)
    assert max(map(len, text.splitlines())) <= 132
    found = library(tmp_path / language, language, {"wide": text})
    raw = RNG.normal(size=(5, 700))
    raw[2, 3:600:7] = np.nan

    def whole(rows):
        filled = np.where(np.isnan(rows), fill, rows)
        return predict(problem, theta, (filled - scale.shift) / scale.divisor) * back.divisor + back.shift

    assert far(called(found, "wide_predict", raw, 3), whole(raw)) <= ULPS
    slopes = called(found, "wide_derivative", raw, 2100).reshape(5, 3, 700)
    steps = 1e-6 * np.eye(700)[[0, 13, 699]]
    x = np.where(np.isnan(raw), fill, raw)
    for column, step in zip((0, 13, 699), steps, strict=True):
        differences = (whole(x + step) - whole(x - step)) / 2e-6
        np.testing.assert_allclose(slopes[:, :, column], differences, rtol=1e-6, atol=1e-8)


def test_nothing_is_allocated_and_nothing_is_kept():
    problem = network("[2(tanh)3(softmax)2]")
    model = model_of(problem, RNG.normal(size=problem.parameters))
    c, fortran = c_source(model, "a", True), fortran_source(model, "a", True)
    assert re.findall(r"^static (?!const|double \w+\()", c, re.MULTILINE) == []
    assert not re.search(r"\b(malloc|calloc|alloca|printf)\b", c)
    assert re.findall(r"#include <(.*)>", c) == ["tgmath.h"]
    assert fortran.count("  pure recursive subroutine") == fortran.count("end subroutine") == 2
    assert not re.search(r"^[^!]*\b(allocat|save|common)", fortran, re.MULTILINE)
    assert c == c_source(model, "a", True)


def test_every_primitive_is_spelled_in_both_languages():
    for row in PRIMITIVES.values():
        assert bool(row.expansion) == (not row.c) == (not row.fortran), row.name


@pytest.mark.parametrize(
    ("name", "words"),
    [("batch norm", "'m' is made of all samples of a batch"), ("dropout", "'z' draws random numbers")],
)
def test_what_is_not_of_one_sample_is_refused(name, words, update_golden):
    case = lets.CASES[name]()

    def sampled(e):
        axes = tuple(ir.SAMPLES if a == lets.N else a for a in getattr(e, "axes", ()))
        match e:
            case ir.Var(n, _):
                return ir.Var(n, axes)
            case ir.Reduce(op, arg, over):
                return ir.Reduce(op, arg, tuple(ir.SAMPLES if a == lets.N else a for a in over))
            case ir.Draw(law, arguments, purpose, _):
                return ir.Draw(law, arguments, purpose, axes)
        return e

    steps = tuple(
        ir.Let(s.name, tuple(ir.SAMPLES if a == lets.N else a for a in s.axes), rebuild(s.value, sampled))
        for s in case.steps
    )
    x = ir.Tensor("x", tuple(ir.SAMPLES if a == lets.N else a for a in case.tensors["x"]), "input")
    weights = [ir.Tensor(n, tuple(a), "weight") for n, a in case.tensors.items() if n != "x"]
    goal = ir.Tensor("goal", steps[-1].axes, "target")
    problem = ir.Problem((*weights, x, goal), steps, (), "", (), steps[-1].name)
    with pytest.raises(SpecError, match=f"E0724.*{words}") as refused:
        c_source(model_of(problem, RNG.normal(size=problem.parameters)), "a")
    pinned = Path(__file__).parent / "bad_predict" / f"E0724-{name.replace(' ', '-')}.out"
    if update_golden:
        pinned.write_text(f"{refused.value}\n", encoding="utf-8")
    assert f"{refused.value}\n" == pinned.read_text(encoding="utf-8")
