"""Words held still: what `explain`, `diff` and `show` print, of a choice that reaches every kind of answer.

`--update-golden` accepts those of this run.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from exported import model_of, network
from kernel_texts import CASES, LAYERS
from netc.command_line import main
from netc.compiler.explain_plan import explain_plan
from netc.compiler.export.c import c_source
from netc.compiler.export.fortran import fortran_source
from netc.compiler.export.model import Exported, Scale
from netc.compiler.kernels.cuda.plan import Card
from netc.compiler.kernels.machine import Machine
from netc.compiler.show_ir import show
from netc.dsl import library
from netc.dsl.library import KINDS
from sweeps import one_in
from test_analysis_diff import FILE

Write = Callable[[Exported, str, bool], str]
GOLDEN = Path(__file__).with_name("golden") / "words"
EXAMPLES = Path(__file__).parents[1] / "examples"
AFTER = "    theta[n+1] = theta[n] - eta*"
OWN = {
    "gradients": f"optimizer a(eta = 0.1):\n{AFTER}grad R",
    "twice": "optimizer b(eta = 0.1):\n    p = theta[n] - eta*grad R(theta[n])\n    theta[n+1] = p - eta*grad R(p)",
    "loss": f"optimizer c(eta = 0.1):\n    until_now = R(theta[n])\n{AFTER}min(1, until_now)*grad R",
    "sign": f"optimizer d(eta = 0.1):\n{AFTER}sign(grad R)",
    "unit": f"optimizer e(eta = 0.1):\n    g = grad R\n{AFTER}g/norm(g)",
    "layers": f"optimizer f(eta = 0.1):\n    g = grad R\n{AFTER}g/max(1, norm(g, per = layer))",
    "tensors": f"optimizer h(eta = 0.1):\n    g = grad R\n{AFTER}g/max(1, norm(g, per = tensor))",
    "biases": f"optimizer k(eta = 0.1, lambda = 0.01):\n{AFTER}(grad R + lambda*weights*theta[n])",
    "all": f"optimizer l(eta = 0.1, lambda = 0.01):\n{AFTER}(grad R + lambda*theta[n])",
    "late": f"optimizer o(eta = 0.1):\n    v[n+1] = grad R\n{AFTER}v[n]",
    "squares": "optimizer q(eta = 0.1):\n    g = grad R\n    s[n+1] = 0.9*s[n] + g^2\n"
    f"{AFTER}g/(1 + sqrt(s[n+1]^2))",
    "size": f"optimizer w(eta = 0.1):\n    g = grad R\n    s[n+1] = 0.9*s[n] + g^2\n{AFTER}g/(1 + s[n+1])",
    "nothing": f"optimizer p(eta = 0.1):\n{AFTER}theta[n]",
}
PAIRS = {
    "momentum": ("momentum.ema", "momentum.heavy_ball"),
    "momentum_numbers": ("momentum.ema(eta = 0.1, beta1 = 0.1)", "momentum.velocity(eta = 0.01, alpha = 0.9)"),
    "momentum_rates": ("momentum.heavy_ball", "momentum.double_rate"),
    "nesterov": ("nesterov.shifted", "torch.SGD(momentum = 0.9, nesterov = true)"),
    "sgd": ("torch.SGD(0.1, momentum = 0.9)", "keras.SGD(0.1, momentum = 0.9)"),
    "decay": ("torch.SGD(weight_decay = 0.01)", "optax.sgd"),
    "adam": ("torch.Adam", "keras.Adam"),
    "adam_bias": ("adam.paper", "adam.no_bias_correction"),
    "adamw": ("torch.AdamW", "optax.adamw"),
    "rmsprop": ("torch.RMSprop", "keras.RMSprop"),
    "ema_of_adam": ("adam.paper(beta1 = 0)", "torch.RMSprop(alpha = 0.999)"),
    "adagrad": ("torch.Adagrad", "keras.Adagrad"),
    "lion": ("keras.Lion", "optax.lion"),
    "search": ("turpault.LC", "turpault.LCD"),
    "asks": (OWN["gradients"], OWN["twice"]),
    "asks_loss": (OWN["gradients"], OWN["loss"]),
    "sign": (OWN["sign"], OWN["unit"]),
    "per": (OWN["layers"], OWN["tensors"]),
    "biases": (OWN["biases"], OWN["all"]),
    "late": (OWN["gradients"], OWN["late"]),
    "nothing": (OWN["gradients"], OWN["nothing"]),
    "signs": (OWN["squares"], OWN["size"]),
    "norm_of_layer": ("torch.BatchNorm2d(8)", "keras.BatchNormalization()"),
    "layer_norm": ("torch.LayerNorm(6)", "keras.LayerNormalization"),
    "lstm": ("torch.LSTM(4)", "keras.LSTM(4)"),
    "gru": ("torch.GRU(4)", "keras.GRU(4, reset_after = true)"),
    "dropout": ("dropout.inverted(0.3)", "dropout.srivastava(0.7)"),
    "conv": ("conv(out = 4)", "keras.Conv2D(4, 3)"),
    "pools": ("torch.MaxPool2d(2)", "torch.AvgPool2d(2)"),
    "blocks": ("transformer.prenorm(heads = 2)", "transformer.postnorm(heads = 2)"),
}  # fmt: skip
CHANGES = {
    "loss": ("half_mse", "mse"),
    "loss_of_sums": ("half_mse", "half_mse, reduce = sum"),
    "other_loss": ("half_mse", "huber(delta = 1)"),
    "start": ("glorot_uniform", "he_normal"),
    "network": ("(tanh)4(lin)", "(relu)5 (dense nobias, lin) "),
    "data": ("x^2", "x^3, scale = zscore"),
    "treatment": ("x^2", "x^2, inputs = (x, x^3), split = 2, seed = 1, scale = minmax, scale_target = zscore"),
    "part": ("x^2", "x^2, split = 2"),
    "validated": ("x^2", "x^2, validation = 2"),
    "rule": ("momentum.ema(eta = 0.1, beta1 = 0.1)", "adam.paper(eta = 0.1)"),
    "same_for_a_rate": ("momentum.ema(eta = 0.1, beta1 = 0.1)", "momentum.velocity(eta = 0.1, alpha = 0.9)"),
    "schedule": ("until 75, 0.01", "until 76, 0.02"),
    "schedule_named": ("0.1 until 75, 0.01 until 125, 0.001", "cosine(max = 0.1, period = 200)"),
    "train": ("epochs = 200, batch = 2, seed = 1", "epochs = 100, batch = full, seed = 2, runs = 3, precision = f32"),
}  # fmt: skip
EXPLAINED = {
    "momentum": "momentum", "nesterov": "torch.SGD(momentum = 0.9, nesterov = true, weight_decay = 0.01)",
    "amsgrad": "torch.Adam(amsgrad = true)", "search": "turpault.LCD", "batches": "turpault.RAG", "unknown": "torch.LBFGS",
    "own": OWN["loss"], "blocks": "residual", "layers": "dropout", "lstm": "torch.LSTM", "block": "vit.block",
    "layer": "conv", "loss": "huber", "schedule": "cosine", "start": "glorot_uniform", "activation": "gelu",
    "clip": "clip.by_norm", "attack": "pgd", "code": "E0103", "no_code": "E9999",
}  # fmt: skip
SHOWN = {
    "quadratic": "quadratic_gd.net", "oscillating": "oscillating.net", "neuron": "one_neuron.net", "iris": "iris.net",
}  # fmt: skip


def said(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    status = main([*arguments])
    out, err = capsys.readouterr()
    ended = f"\n(ends with {status})" if status else ""
    return f"{out}{err}{ended}"


def pinned(name: str, found: str, update: bool) -> None:
    path = GOLDEN / f"{name}.txt"
    if update:
        path.write_text(found, encoding="utf-8")
    assert found == path.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", one_in(3, PAIRS))
def test_of_pairs(name: str, capsys: pytest.CaptureFixture[str], update_golden: bool) -> None:
    pinned(f"diff_{name}", said(capsys, "diff", *PAIRS[name]), update_golden)


@pytest.mark.parametrize("name", ["momentum", "signs", "sgd", "adam", "late", "search"])
def test_of_arguments(name: str, capsys: pytest.CaptureFixture[str], update_golden: bool) -> None:
    pinned(f"why_{name}", said(capsys, "diff", *PAIRS[name], "--why"), update_golden)


@pytest.mark.parametrize("name", CHANGES)
def test_of_files(
    name: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    update_golden: bool,
) -> None:
    monkeypatch.chdir(tmp_path)
    old, new = CHANGES[name]
    assert old in FILE
    for file, text in (("a.net", FILE), ("b.net", FILE.replace(old, new))):
        Path(file).write_text(text, encoding="utf-8")
    pinned(f"files_{name}", said(capsys, "diff", "a.net", "b.net"), update_golden)


@pytest.mark.parametrize("name", one_in(3, EXPLAINED))
def test_of_explanations(name: str, capsys: pytest.CaptureFixture[str], update_golden: bool) -> None:
    pinned(f"explain_{name}", said(capsys, "explain", EXPLAINED[name]), update_golden)


def test_of_equations_for_latex(capsys: pytest.CaptureFixture[str], update_golden: bool) -> None:
    """A rule whose searches are written out below."""
    pinned("latex_search", said(capsys, "explain", "turpault.LCD", "--latex"), update_golden)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "optimizer"])
def test_of_the_library(kind: str, capsys: pytest.CaptureFixture[str], update_golden: bool) -> None:
    """All of a kind; the rules are parsed back elsewhere, and their neighbours take a second each."""
    texts = [f"$ {name}\n{said(capsys, 'explain', name)}" for name in library.names(kind)]
    pinned(f"library_{kind}", "\n".join(texts), update_golden)


@pytest.mark.parametrize("name", one_in(3, [*CASES, *LAYERS]))
def test_of_plans(name: str, update_golden: bool) -> None:
    """On a processor with AVX2 and one with AVX-512, and on a GPU."""
    case = (CASES | LAYERS)[name]
    sections = [
        *explain_plan(case.program(), Machine(4, 16), Card(), case.samples),
        *explain_plan(case.program(), Machine(8, 32), Card(), 20 * case.samples),
    ]
    lines = [line for s in sections for line in (f"{s.title}", *(f"  {words}" for words in s.lines))]
    pinned(f"plan_{name}", "\n".join(lines) + "\n", update_golden)


@pytest.mark.parametrize("name", [*CASES, *LAYERS])
def test_of_computations(name: str, update_golden: bool) -> None:
    pinned(f"ir_{name}", show((CASES | LAYERS)[name].program()), update_golden)


@pytest.mark.parametrize("name", one_in(2, SHOWN))
def test_of_stages(name: str, capsys: pytest.CaptureFixture[str], update_golden: bool) -> None:
    file = str(EXAMPLES / SHOWN[name])
    texts = [f"$ {stage}\n{said(capsys, 'show', file, '--stage', stage)}" for stage in ("ast", "spec", "ir")]
    texts += [
        f"$ {option}\n{said(capsys, 'explain', file, option)}" for option in ("--latex", "--layers", "--init")
    ]
    texts.append(f"$ explain\n{said(capsys, 'explain', file)}")
    pinned(f"show_{name}", "\n".join(texts).replace(str(EXAMPLES), "examples"), update_golden)


@pytest.mark.parametrize(("language", "write"), [("c", c_source), ("f90", fortran_source)])
@pytest.mark.parametrize("precision", ["f64", "f32"])
def test_of_source_texts(language: str, write: Write, precision: str, update_golden: bool) -> None:
    """Scaled, with what stands in for missing inputs, and their derivative."""
    problem = network("[3(tanh)4(relu)12(softmax)2]")
    model = replace(
        model_of(problem, np.linspace(-1, 1, problem.parameters), precision),
        inputs=Scale(np.array([1.5, 0.0, -2.0]), np.array([3.0, 1.0, 0.1])),
        fill=np.array([0.5, 0.25, -1.0]),
        about=("inputs: a, b, c", "classes: no, yes"),
    )
    pinned(f"source_{language}_{precision}", write(model, "small", True), update_golden)
