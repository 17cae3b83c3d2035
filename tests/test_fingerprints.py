"""What guards resuming: every text that decides the bits of a run, or what is noted of it, is in its fingerprint."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

import netc
from netc import sweep_run
from netc.compiler.meaning.spec_text import spec_text
from netc.kept_run import fingerprint
from netc.runtime.opening import open_session
from netc.runtime.program_file import read_text
from netc.runtime.session import Session

FILE = """
use "own.net"
data      digits, scale = minmax, limit = 300, split = 80%, validation = 20%, seed = 1
network   [8x8x1 (doubled(2), act) (flatten) (softmax) 10]
init      from "start.safetensors"
loss      ours = -sum(y*log(u))
optimizer rule(eta = 0.1)
schedule  eta = 0.1 until 5, 0.01
train:
    epochs  = 6
    batch   = 32
    against = first(5%)
    stop    = accuracy(validation, second(10%)) > 90% or no gain in loss(validation) for 5 epochs
    keep    = best(accuracy(validation, third(10%)))
augment   shift(1), noise(0.1) until 3
monitor   loss, accuracy(validation, fourth(10%)), V = norm(theta[n]), every = 2 epochs
"""
OWN = """
activation act(z) = bump(z)
activation bump(z) = tanh(z)
layer doubled(k):
    z[h, w, c] = k*x[h, w, c]
optimizer rule(eta):
    theta[n+1] = theta[n] - eta*grad R(theta[n])
attack first(eps):
    x = x + eps*sign(grad_x R)
attack second(eps):
    x = x + 2*eps*sign(grad_x R)
attack third(eps):
    x = x + 3*eps*sign(grad_x R)
attack fourth(eps):
    x = x + 4*eps*bump(grad_x R)
"""
CHANGES = {
    "activation": ("tanh(z)", "sin(z)"),
    "layer": ("k*x[", "2*k*x["),
    "rule": ("- eta*grad", "- 2*eta*grad"),
    "attack of the training": ("x + eps*", "x + 5*eps*"),
    "attack of stop": ("x + 2*eps*", "x + 5*eps*"),
    "attack of keep": ("x + 3*eps*", "x + 5*eps*"),
    "attack of monitor": ("x + 4*eps*", "x + 5*eps*"),
    "its arguments": ("fourth(10%)", "fourth(11%)"),
    "loss": ("-sum(y", "-2*sum(y"),
    "augmentation": ("shift(1)", "shift(2)"),
    "its end": ("until 3", "until 4"),
    "monitored function": ("V = norm", "V = 2*norm"),
    "reports": ("every = 2", "every = 3"),
    "bound": ("> 90%", "> 91%"),
    "patience": ("for 5", "for 6"),
    "schedule": ("until 5", "until 4"),
    "samples": ("limit = 300", "limit = 299"),
}
UNCHANGED = {
    "blanks": ("epochs  =", "epochs ="),
    "threads": ("batch   = 32", "batch = 32\n    threads = 1"),
    "an expectation": ("augment", "expect    accuracy(test, fgsm(0.1)) > 1%\naugment"),
}


Pair = tuple[str, str]


@pytest.fixture
def opened(tmp_path: Path) -> Callable[..., Session]:
    """The session of a file with changes in it and in the file that it uses."""

    def of(*changes: Pair, sweep: str = "") -> Session:
        texts = [FILE, OWN]
        for old, new in changes:
            texts = [text.replace(old, new) for text in texts]
        (tmp_path / "own.net").write_text(texts[1])
        return open_session(read_text(texts[0] + sweep, "f.net", tmp_path), {})

    weights = of(('from "start.safetensors"', "zeros")).program.problem.weights
    save_file({t.name: np.ones(t.kept_shape) for t in weights}, tmp_path / "start.safetensors")
    return of


def test_a_run_that_would_be_another_one_is_seen(opened, tmp_path: Path) -> None:
    before = opened()
    known = fingerprint(before)
    for what, change in CHANGES.items():
        assert (change[0] in FILE) != (change[0] in OWN), what
        assert fingerprint(opened(change)) != known, what
    for what, change in UNCHANGED.items():
        assert change[0] in FILE
        assert fingerprint(opened(change)) == known, what
    opened()
    written = open_session(read_text(spec_text(before.spec), "spec.net", tmp_path), {})
    assert fingerprint(written) == known
    start = tmp_path / "start.safetensors"
    save_file({name: 2 * array for name, array in load_file(start).items()}, start)
    assert fingerprint(opened()) != known


def test_so_is_a_sweep_whose_later_points_would_be_others(opened) -> None:
    """The rule of its second point stands in a file that it uses; its first point is the same."""
    sweep = "sweep optimizer in {torch.SGD(lr = 0.1), rule(eta = 0.1)}, figure = loss(validation)\n"
    plain = ("schedule  eta = 0.1 until 5, 0.01\n", "")
    before, again, other = (
        opened(plain, *more, sweep=sweep) for more in ([], [UNCHANGED["blanks"]], [CHANGES["rule"]])
    )
    assert fingerprint(before) == fingerprint(other)
    opened()
    known = sweep_run.fingerprint(before, {})
    assert sweep_run.fingerprint(again, {}) == known
    opened(CHANGES["rule"])
    assert sweep_run.fingerprint(other, {}) != known


@pytest.mark.parametrize(
    ("block", "written"),
    [
        ("for i in 1..3:\n        s = k\n    h = eta if eta > 0 else 2", "h          = eta"),
        ("if norm(g) > 1:\n        k = 2\n    else:\n        g = 2*g\n    h = eta if eta > 0 else 2", "if not norm(g) > 1:"),
    ],
)  # fmt: skip
def test_blocks_of_which_nothing_is_left(block: str, written: str) -> None:
    """What theta does not depend on is left out of the spec; a loop or a branch that is empty by that, too."""
    rule = f"optimizer r(eta = 0.1):\n    g = grad R(theta[n])\n    k = 1\n    {block}\n    theta[n+1] = theta[n] - h*g\n"
    text = f"objective R(x) = x^2\ninit theta = (1)\n{rule}train steps = 5\n"
    model = netc.compile(text)
    spec = spec_text(open_session(read_text(text, "<test>", Path()), {}).spec)
    assert written in spec
    assert "for " not in spec
    last = 0.6 if "else:" in block else 0.8  # x = 0.8^4 has the first gradient below 1: it is doubled
    assert model.train().theta.ravel() == pytest.approx([0.8**4 * last])
    assert (netc.compile(spec).train().theta == model.train().theta).all()
