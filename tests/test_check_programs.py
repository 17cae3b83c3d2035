"""What the checker makes of right programs, and that a wrong one never gives a traceback."""

from __future__ import annotations

import random
import re
from pathlib import Path

import numpy as np
import pytest

from netc.compiler.calculus.evaluate import predict
from netc.compiler.check.parts.expressions import Kinds
from netc.compiler.check.program import check, data_spec
from netc.compiler.lower.program import lower
from netc.compiler.meaning.findings import Report
from netc.compiler.meaning.kinds import OUTPUT, SCALAR, THETA, Scope, Type
from netc.compiler.meaning.resolve import Definitions
from netc.compiler.meaning.spec import DataSpec, Facts, Spec
from netc.dsl import library
from netc.dsl.diagnostics import SpecError
from netc.dsl.parser import parse, parse_expression
from netc.dsl.source import Source

ROOT = Path(__file__).parent.parent
OBJECTIVE = "objective R(x, y) = x^2 + 3*y^2\ninit theta = (2, -1)\ntrain steps = 10\n"
IRIS = Facts(4, 1, 120, ("setosa", "versicolor", "virginica"))
SONAR = Facts(60, 1, 166, ("M", "R"))


def spec(text: str, facts: Facts | None = None, folder: Path = ROOT) -> Spec:
    return check(parse(Source("test.net", text)), facts, folder)


def network(architecture: str, loss: str = "half_mse") -> str:
    return f"network {architecture}\nloss {loss}\ninit glorot_uniform\noptimizer gd\ntrain epochs = 1\n"


def data(statement: str) -> DataSpec:
    return data_spec(parse(Source("test.net", statement)), ROOT)


# -- kinds -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2*a", SCALAR),
        ("v*a + 1", THETA),
        ("norm(v)", SCALAR),
        ("norm(v, per = layer)", THETA),
        ("mean(v, per = tensor)", THETA),
        ("dot(v, v)/a", SCALAR),
        ("max(v)", SCALAR),
        ("max(v, a)", THETA),
        ("v > 0", Type("theta", truth=True)),
        ("norm(v) > 0 and a < 1", Type("scalar", truth=True)),
        ("a if v > 0 else 1", THETA),
        ("R(v)", SCALAR),
        ("grad R(v + a*v)", THETA),
        ("swish(v, beta = a)", THETA),
        ("exp(|v|)^2", THETA),
        ("50%", SCALAR),
        ("v%", THETA),
    ],
)
def test_kinds(text: str, expected: Type) -> None:
    scope = Scope("a test", {"a": SCALAR, "v": THETA}, Definitions().activations, frozenset({"R"}))
    report = Report()
    assert Kinds(scope, report).of(parse_expression(text)) == expected
    assert not report.errors


@pytest.mark.parametrize("name", library.names("activation"))
def test_activations_of_the_library_are_over_the_outputs(name: str) -> None:
    definition = Definitions().activations[name]
    names = {definition.variable: OUTPUT} | {p.name: SCALAR for p in definition.parameters}
    assert Kinds(Scope("a test", names, Definitions().activations)).of(definition.value) == OUTPUT


# -- names and definitions ---------------------------------------------------------------------------


def test_names_of_activations_are_case_insensitive() -> None:
    made = spec(network("[60(GELU)30(Sigmoid)1]")).network
    assert made is not None
    found = [o.definition.name for o in made.operations]
    assert found == ["dense", "gelu", "dense", "sigmoid"]


def test_a_definition_of_the_file_stands_before_the_librarys() -> None:
    made = spec("activation tanh(z) = 2*z\n" + network("[3(tanh)1]")).network
    assert made is not None
    assert made.activations[0].definition.span.source.name == "test.net"


def test_definitions_of_a_used_file(tmp_path: Path) -> None:
    (tmp_path / "mine.net").write_text(
        "optimizer half(eta = 0.5):\n    theta[n+1] = theta[n] - eta/2*grad R(theta[n])\n"
        "activation g(z) = z^2\n"
    )
    made = spec('use "mine.net"\n' + OBJECTIVE.replace("3*y^2", "g(y)") + "optimizer half\n", folder=tmp_path)
    assert made.optimizer.arguments == (("eta", 0.5),)
    assert [f.name for f in made.functions] == ["g"]


def test_a_loss_that_is_defined_is_used_unless_another_one_is() -> None:
    own = "R = sum((u - y)^2), reduce = sum"
    assert spec(network("[3(lin)1]", own)).loss.reduce == "sum"  # type: ignore[union-attr]
    both = spec(network("[3(lin)1]", own) + "loss mse\n").loss
    assert both is not None
    assert (both.definition.name, both.reduce) == ("mse", "mean")


def test_defaults_may_be_in_terms_of_parameters_before_them() -> None:
    rule = "optimizer mine(a = 0.5, b = a/2):\n    theta[n+1] = theta[n] - a*b*grad R(theta[n])\n"
    assert spec(OBJECTIVE + rule).optimizer.arguments == (("a", 0.5), ("b", 0.25))


def test_greek_and_ascii_are_the_same_program() -> None:
    equations = "    v[n+1] = (1 - β1)*v[n] + β1*∇R(θ[n])\n    θ[n+1] = θ[n] - η*v[n+1]\n"
    greek = f"optimizer ema(η = 0.1, β1 = 0.1):\n{equations}"
    ascii_ = "optimizer momentum.ema(eta = 0.1)\n"
    assert lower(spec(OBJECTIVE + greek)).rule == lower(spec(OBJECTIVE + ascii_)).rule


# -- data and sizes ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "facts"),
    [
        (network("[4(tanh)8(softmax)3]", "cross_entropy"), IRIS),
        (network("[60(gelu)30(sigmoid)1]", "binary_cross_entropy"), SONAR),
        (network("[60(gelu)30(softmax)2]", "cross_entropy"), SONAR),
        (network("[60(gelu)30(sigmoid)1]"), SONAR),
        (network("[13(tanh)15(lin)2]"), Facts(13, 2, 100)),
        (network("[28x28x1(tanh)24(softmax)10]", "cross_entropy"), Facts(784, 1, 100, tuple("0123456789"))),
        (network("[64(tanh)1]"), Facts(64, 1, 100, tuple("0123456789"))),
    ],
)
def test_networks_that_fit_their_data(text: str, facts: Facts) -> None:
    assert spec(text, facts).network is not None


def test_a_maximum_of_two_is_of_one_element() -> None:
    """In a layer's equation an activation of all units must say over which index; max(z, 0.5*z) is none."""
    head = "activation m(z) = max(z, 0.5*z)\nlayer l(c = 2):\n    z[i] = c*m(x[i])\n"
    text = head + network("[2 (l) (lin) 1]")
    problem = lower(check(parse(Source("test.net", text)), Facts(2, 1, 4), ROOT)).problem
    found = predict(problem, np.array([1.0, 10.0, 3.0]), np.array([[1.0, -1.0]]))
    np.testing.assert_allclose(found, [[2.0 * 1 + 10 * (2 * -0.5) + 3]])


def test_a_warning_does_not_stop_the_program() -> None:
    (warning,) = spec(network("[4(tanh)8(sigmoid)3]", "cross_entropy"), IRIS).warnings
    assert (warning.code, warning.severity) == ("E0204", "warning")
    assert not spec(network("[4(tanh)8(softmax)3]", "cross_entropy"), IRIS).warnings


def test_data_statement() -> None:
    made = data("data boston, target = medv, scale = zscore, split = 80%, seed = 1\n")
    assert (made.kind, made.origin, made.target) == ("named", ("boston",), ("medv",))
    assert (made.scale, made.scale_target, made.split, made.seed) == ("zscore", "zscore", 0.8, 1)
    assert data("data mnist, scale = 1/255\n").factor == pytest.approx(1 / 255)
    assert data('data "x.npy", "y.npy"\n').origin == (str(ROOT / "x.npy"), str(ROOT / "y.npy"))


def test_data_that_the_file_itself_holds() -> None:
    assert data("data inline:\n    1, 2 -> 0\n    3, 4 -> 1/2\n").rows == (((1, 2), (0,)), ((3, 4), (0.5,)))
    rows = data("data x in linspace(-1, 1, 3) -> 0.5 + 0.25*sin(3*pi*x)\n").rows
    assert [r[0][0] for r in rows] == [-1, 0, 1]
    assert rows[1][1] == (0.5,)
    assert len(data("data (a, b) in grid(0..1, 0..1, points = 3) -> a*b\n").rows) == 9


# -- robustness --------------------------------------------------------------------------------------


def test_changed_programs_never_give_a_traceback() -> None:
    """Words of good and bad programs are exchanged for others of their kind, left out or doubled."""
    folders = [sorted((ROOT / name).glob("*.net")) for name in ("examples", "tests/bad")]
    good, bad = ([f.read_text(encoding="utf-8") for f in files] for files in folders)
    token = re.compile(r"[^\W\d]\w*|[\d.]+|\s+|.", re.DOTALL)
    pool: dict[str, list[str]] = {}
    for word in (w for t in good + bad for w in token.findall(t)):
        pool.setdefault(_kind(word), []).append(word)
    draw = random.Random(5)
    understood = 0
    for _ in range(300):
        words = token.findall(draw.choice(draw.choice((good, bad))))
        for _ in range(draw.randint(1, 3)):
            at = draw.randrange(len(words))
            words[at] = draw.choice([draw.choice(pool[_kind(words[at])])] * 4 + ["", words[at] * 2])
        try:
            lower(spec("".join(words), draw.choice([None, IRIS])))
            understood += 1
        except SpecError:
            pass
    assert understood > 10


def _kind(word: str) -> str:
    for kind, pattern in (("name", r"[^\W\d]"), ("number", r"\d"), ("sign", r"\S")):
        if re.match(pattern, word):
            return kind
    return "blank"
