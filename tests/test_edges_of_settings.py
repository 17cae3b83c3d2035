"""Every number that a program states has its edge: the last that is taken, and the first that is not, with its code."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import pytest

from netc.compiler.pipeline import to_ast, to_data_spec, to_spec
from netc.dsl.diagnostics import Diagnostic, SpecError
from netc.dsl.source import Source

DATA, SIZES, TRAIN = "boston, target = medv, scale = zscore", "13(tanh)15(lin)1", "epochs = 200, batch = 32"
FUNCTION = "objective R(x) = x^2\ninit theta ~ uniform(-1, 1)\noptimizer gd(eta = 0.1)\ntrain steps = 9\n"


def net(data: str = DATA, sizes: str = SIZES, train: str = TRAIN, more: str = "", first: str = "") -> str:
    return (
        f"{first}data {data}\nnetwork [{sizes}]\ninit glorot_uniform\nloss half_mse\noptimizer gd(eta = 0.1)\n"
        f"train {train}\n{more}"
    )


class Edge(NamedTuple):
    text: str
    """With `?` for the number."""
    taken: tuple[str, ...]
    refused: tuple[str, ...]
    code: str
    fraction: str = ""
    """Where it is another one."""


HUGE = 2**53
SEARCH = """objective R(x) = x^2
init theta = (1)
train steps = 9
optimizer a(eta = 0.1):
    h = eta
    repeat at most ?:
        until R(theta[n] - h*grad R(theta[n])) < R(theta[n])
        h = h/2
    theta[n+1] = theta[n] - h*grad R(theta[n])
"""
BLOCK = "block res(c) = x + l/L*[(tanh) c]\n"
EDGES = {
    "epochs": Edge(net(train="epochs = ?"), ("1", f"{HUGE}"), ("0", "1.5", f"{HUGE + 2}"), "E0503", "E0502"),
    "steps": Edge(net(train="steps = ?"), ("1",), ("0", "-1"), "E0503"),
    "seed": Edge(net(train="steps = 1, seed = ?"), ("0", "1"), ("-1", "0.5"), "E0503", "E0502"),
    "runs": Edge(net(train="steps = 1, runs = ?"), ("1",), ("0",), "E0503"),
    "threads": Edge(net(train="steps = 1, threads = ?"), ("1",), ("0",), "E0503"),
    "batch": Edge(net(train="epochs = 1, batch = ?"), ("1",), ("0", "1.5"), "E0503", "E0502"),
    "parts": Edge(net(train="epochs = 1, batch = ? parts"), ("1",), ("0",), "E0503"),
    "monitor": Edge(net(more="monitor loss, every = ?\n"), ("1",), ("0",), "E0503"),
    "monitor epochs": Edge(net(more="monitor loss, every = ? epochs\n"), ("1",), ("0",), "E0503"),
    "monitor steps": Edge(net(more="monitor loss, every = ? steps\n"), ("1",), ("0",), "E0503"),
    "patience": Edge(net(DATA + ", validation = 20%", train="epochs = 9, stop = no gain in loss(validation) for ? epochs"),
                     ("1",), ("0",), "E0430"),
    "limit": Edge(net(DATA + ", limit = ?"), ("1",), ("0",), "E0503"),
    "each": Edge(net("digits, each = ?"), ("1",), ("0",), "E0503"),
    "classes": Edge(net("digits, classes = ?"), ("2",), ("1",), "E0503"),
    "folds": Edge(net(DATA + ", folds = ?, fold = 1"), ("2",), ("1",), "E0503"),
    "fold": Edge(net(DATA + ", folds = 3, fold = ?"), ("1", "3"), ("0",), "E0503"),
    "fold beyond": Edge(net(DATA + ", folds = 3, fold = ?"), ("3",), ("4",), "E0453"),
    "seed of the data": Edge(net(DATA + ", split = 80%, seed = ?"), ("0",), ("-1",), "E0503"),
    "share": Edge(net(DATA + ", split = ?%"), ("1", "100"), ("101",), "E0503"),
    "samples of the training part": Edge(net(DATA + ", split = ?"), ("0.5", "1", "2"), ("0", "1.5", "-1"), "E0503"),
    "share that validates": Edge(net(DATA + ", validation = ?%"), ("1", "99"), ("0", "100"), "E0503"),
    "samples that validate": Edge(net(DATA + ", validation = ?"), ("0.5", "2"), ("0", "1", "1.5"), "E0503"),
    "scale": Edge(net("digits, scale = ?"), ("0.1", "1", "-2"), ("0", "1e300*1e300"), "E0503"),
    "noise of labels": Edge(net("digits, label_noise = ?%", "64(softmax)10"), ("1", "100"), ("101", "-1"), "E0503"),
    "shift": Edge(net("digits", "8x8x1 (lin)1", more="augment shift(?)\n"), ("1", "2"), ("0", "1.5"), "E0474"),
    "rotate": Edge(net("digits", "8x8x1 (lin)1", more="augment rotate(?)\n"), ("0.1", "180"), ("0", "180.5"), "E0474"),
    "blur": Edge(net("digits", "8x8x1 (lin)1", more="augment blur(?)\n"), ("0.1", "100"), ("0", "100.5"), "E0474"),
    "noise": Edge(net("digits", "8x8x1 (lin)1", more="augment noise(?)\n"), ("0.1", "1000"), ("0", "-1"), "E0474"),
    "mixup": Edge(net("digits", "8x8x1 (lin)1", more="augment mixup(?)\n"), ("0.1", "1"), ("0", "1.5"), "E0474"),
    "augmented until": Edge(net("digits", "8x8x1 (lin)1", more="augment flip until ?\n"), ("1",), ("0",), "E0474"),
    "rounds of an attack": Edge(net(train=TRAIN + ", against = pgd(0.1, 0.02, rounds = ?)"),
                                ("1", "1000"), ("0", "1001", "2.5"), "E0471"),
    "rounds of a search": Edge(SEARCH, ("1", f"{2**62}"), ("0", "1.5", f"{2**63}"), "E0305"),
    "trials": Edge(FUNCTION + "sweep eta ~ log_uniform(1e-3, 1), trials = ?\n", ("1", "100000"), ("0",), "E0503"),
    "trials beyond": Edge(FUNCTION + "sweep eta ~ log_uniform(1e-3, 1), trials = ?\n", ("100000",), ("100001",), "E0442"),
    "seed of a sweep": Edge(FUNCTION + "sweep eta ~ log_uniform(1e-3, 1), trials = 9, seed = ?\n", ("0",), ("-1",), "E0503"),
    "points at once": Edge(FUNCTION + "sweep eta ~ log_uniform(1e-3, 1), trials = 9, by = tpe, at_once = ?\n",
                           ("1", "2"), ("0",), "E0503"),
    "steps of a finder": Edge(net(train="batch = 32").replace("train", "train") + "finder eta from 1e-3 to 1 in ? steps\n",
                              ("10",), ("9", "10.5"), "E0454"),
    "size of a layer": Edge(net(sizes="13(tanh)?(lin)1"), ("1", "1000000000"), ("0", "1.5", "1000000001"), "E0203"),
    "inputs": Edge(net(sizes="?(tanh)1"), ("1", "1000000000"), ("0", "1.5", "1000000001"), "E0203"),
    "number of a block": Edge(net(sizes="13(tanh)3(res(l = ?, L = 3))(lin)1", first=BLOCK), ("1", "3"), ("0", "4"), "E0305"),
}  # fmt: skip


def diagnostics(text: str) -> list[Diagnostic]:
    """What is wrong with a program, before its data are read."""
    program = to_ast(Source("edge.net", text))
    try:
        to_data_spec(program, Path())
        to_spec(program, None, Path())
    except SpecError as error:
        return list(error.diagnostics)
    return []


def codes(text: str) -> set[str]:
    return {d.code for d in diagnostics(text)}


@pytest.mark.parametrize("name", EDGES)
def test_the_edge_is_where_it_is_said_to_be(name: str) -> None:
    """What is no whole number has a code of its own, where others tell of a value."""
    edge = EDGES[name]
    for number in edge.taken:
        assert codes(edge.text.replace("?", number)) == set(), number
    for number in edge.refused:
        code = edge.fraction if edge.fraction and "." in number else edge.code
        assert code in codes(edge.text.replace("?", number)), number
