"""`netc diff` and `netc explain` of layers: what is said of pairs whose relation is known from the libraries, and that
nothing false is called proved."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from netc.command_line import main
from netc.compiler.calculus.primitives import PRIMITIVES
from netc.compiler.rules.compare_layers import Compared, compare_layers
from netc.compiler.rules.layer_sides import both, read
from netc.compiler.rules.layer_verdict import diff_layers
from netc.compiler.rules.paired_parameters import pairings
from netc.compiler.rules.same_terms import SAMPLES, Atoms, written, written_out
from sweeps import one_in


def verdicts(found: Compared) -> dict[str, str]:
    return {x.name: x.verdict for x in found.aspects}


def test_batch_norm_of_pytorch_and_keras() -> None:
    """Training is the same for the same eps; running statistics are but for n/(n - 1)."""
    found = compare_layers("torch.BatchNorm2d(8)", "keras.BatchNormalization()")
    assert set(verdicts(found).values()) == {"differs"}
    assert dict(found.changes) == {"momentum": 0.9, "epsilon": 1e-5}
    assert {x.name: x.verdict for x in found.changed} == {
        "values in training": "proved", "derivatives by the input": "proved", "values in use": "proved",
        "the next m": "proved", "the next s": "differs",
    }  # fmt: skip
    text = diff_layers("torch.BatchNorm2d(8)", "keras.BatchNormalization()")
    assert "s[c, n+1] = (1 - momentum)*s[c, n] + momentum*v[c]*N/(N - 1)" in text
    assert "s[c, n+1] = momentum*s[c, n] + (1 - momentum)*v[c]" in text


@pytest.mark.parametrize("order", [1, -1])
def test_lstm_of_pytorch_has_two_biases(order: int) -> None:
    calls = ["torch.LSTM(8)", "keras.LSTM(8)"][::order]
    found = compare_layers(*calls)
    assert set(verdicts(found).values()) == {"proved"}
    text = diff_layers(*calls)
    assert "compute the same, and learn otherwise" in text
    assert "two biases, b and c" in text
    assert "twice as fast" in text
    assert "orthogonal(1)" in text


SAME = [
    ("torch.GRU", "keras.GRU", "proved"),  # with gates in another order
    ("torch.RNN", "keras.SimpleRNN", "proved"),
    ("dense", "keras.Dense", "proved"), ("torch.Linear", "keras.Dense", "proved"),
    ("torch.Embedding(4, 3)", "keras.Embedding(4, 3)", "proved"), ("torch.Dropout(0.3)", "keras.Dropout(0.3)", "proved"),
    ("conv(out = 4)", "torch.Conv2d(4, kernel_size = 3)", "proved"),
    ("torch.Conv2d(4, kernel_size = 3)", "keras.Conv2D(4, 3)", "proved"),
    ("torch.LayerNorm(6, 1e-3)", "keras.LayerNormalization", "proved"),
]  # fmt: skip


@pytest.mark.parametrize(("a", "b", "verdict"), SAME, ids=[f"{a}, {b}" for a, b, _ in SAME])
def test_layers_that_are_the_same(a: str, b: str, verdict: str) -> None:
    assert set(verdicts(compare_layers(a, b)).values()) == {verdict}


OTHERS = [
    ("torch.LSTM", "torch.GRU"), ("torch.GRU", "keras.GRU(8, reset_after = false)"), ("maxpool", "avgpool"),
    ("torch.GroupNorm(2)", "torch.GroupNorm(3)"), ("torch.LayerNorm(6, 1e-5)", "torch.LayerNorm(6, 2e-5)"),
    ("layernorm(1e-5)", "rmsnorm(1e-5)"), ("dropout.srivastava(0.3)", "torch.Dropout(0.3)"),
    ("keras.Conv2D(4, 2)", "keras.Conv2D(4, 2, padding = same)"), ("geglu(4, 6)", "swiglu(4, 6)"),
    ("attention(2)", "attention(2, causal = true)"), ("minmax", "torch.GLU"), ("snake", "prelu(0.25)"),
]  # fmt: skip


@pytest.mark.parametrize(("a", "b"), one_in(2, OTHERS), ids=[f"{a}, {b}" for a, b in OTHERS])
def test_layers_that_are_others_are_refuted(a: str, b: str) -> None:
    found = compare_layers(a, b)
    assert "differs" in verdicts(found).values() or found.pairing is None


@pytest.mark.parametrize(
    "call", ["torch.LSTM(3)", "keras.GRU(3)", "torch.MultiheadAttention(2)", "layernorm(1e-5)"]
)
def test_what_is_written_out_is_the_layer(call: str) -> None:
    """With numbers for its atoms it gives what the layer gives."""
    side, rng = read(call, (3, 4)), np.random.default_rng(2)
    given = {t.name: rng.normal(size=t.shape) for t in side.parameters} | {
        "x": rng.normal(size=(SAMPLES, 3, 4))
    }
    atoms = Atoms()
    arrays = {name: atoms.array(name, array.shape) for name, array in given.items()}
    steps = side.steps(True, {side.value.name})
    scalars = written(atoms, steps, {**arrays, side.x.name: arrays["x"]}, SAMPLES)[side.value.name]
    names, numbers = {number: key for key, number in atoms.numbers.items()}, dict[int, float]()
    functions = {"recip": lambda v: 1 / v, "max": lambda *v: max(*v)}

    def atom(number: int) -> float:
        if number not in numbers:
            op, *rest = names[number]
            if op in given:
                numbers[number] = given[op][rest[0]]
            else:
                args = [poly(a) for a in (rest[0] if isinstance(next(iter(rest[0])), frozenset) else rest)]
                numbers[number] = functions.get(op, PRIMITIVES[op].value if op in PRIMITIVES else None)(*args)
        return numbers[number]

    def poly(key) -> float:
        return sum(float(c) * np.prod([atom(a) for a in m]) for m, c in key)

    found = np.array([poly(p.key) for p in np.ravel(scalars)]).reshape(SAMPLES, *side.shape())
    named = {**given, side.x.name: np.repeat(given["x"], 3, axis=0)[:5]}
    expected = side.run(named, True)[0]
    np.testing.assert_allclose(found[[0, 0, 0, 1, 1]], expected, rtol=1e-10, atol=1e-12)


@pytest.mark.slow
def test_the_wrong_gates_are_not_proved() -> None:
    a, b = (read(call, (2, 2), last) for call, last in (("torch.GRU(3)", True), ("keras.GRU(3)", False)))
    right = compare_layers("torch.GRU(3)", "keras.GRU(3)").pairing
    assert right is not None
    proofs = {p.gates: written_out(a, b, p) for p in pairings(a, b) if p.axes == right.axes}
    assert len(proofs) == 6
    assert [gates for gates, found in proofs.items() if found and found.training] == [(1, 0, 2)]


def test_a_maximum_with_ties_has_another_derivative() -> None:
    assert verdicts(compare_layers("torch.MaxPool2d(2)", "maxpool")) == {
        "values in training": "not distinguished", "derivatives by the input": "differs",
        "values in use": "not distinguished",
    }  # fmt: skip
    assert set(verdicts(compare_layers("keras.MaxPooling2D", "torch.MaxPool2d(2)")).values()) <= {
        "proved", "not distinguished",
    }  # fmt: skip


def test_nothing_is_proved_that_numbers_refute() -> None:
    """Of all pairs: where equations read the same, values are the same for the paired parameters."""
    calls = ["lecture.batchnorm", "torch.BatchNorm1d", "torch.LayerNorm", "keras.LayerNormalization", "rmsnorm(1e-6)",
             "scale", "torch.PReLU"]  # fmt: skip
    proved = 0
    for a, b in combinations(calls, 2):
        one, other = both(a, b)
        for pairing in list(pairings(one, other))[:4]:
            numbers = {g.tensors[0].name: np.random.default_rng(1).normal(size=g.shape) for g in pairing.a}
            numbers |= {t.name: np.ones(t.shape) for t in pairing.extra}
            mine, theirs = pairing.given(numbers)
            assert {t.name: t.shape for t in one.parameters} == {n: v.shape for n, v in mine.items()}
            assert {t.name: t.shape for t in other.parameters} == {n: v.shape for n, v in theirs.items()}
        proved += sum(x.verdict == "proved" for x in compare_layers(a, b).aspects)
    assert proved


@pytest.mark.sweep
def test_what_is_proved_of_values_alone_is_no_proof_of_the_layer() -> None:
    """The softmax of a row less its largest has no smooth terms: derivatives are tried, not proved."""
    text = " ".join(diff_layers("attention(2)", "torch.MultiheadAttention(2)").split())
    assert "values in training the same: proved, written out" in text
    assert "derivatives by the input not distinguished" in text
    assert "that is no proof" in text


def test_names_of_several_layers_stand_side_by_side(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "batchnorm"]) == 0
    shown = capsys.readouterr().out
    for words in (
        "lecture.batchnorm(rho = 0.9",
        "momentum = 0.1",
        "momentum = 0.99, epsilon = 1e-3",
        "*N/(N - 1)",
        "~~~",
    ):
        assert words in shown
    assert main(["explain", "torch.LSTM"]) == 0
    shown = capsys.readouterr().out
    assert "layer torch.LSTM(input_size, hidden_size" in shown
    assert "'netc diff torch.LSTM keras.LSTM'" in shown
    assert main(["diff", "torch.LSTM(8)", "torch.Adam"]) == 2
