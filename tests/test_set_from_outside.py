"""`--set NAME=VALUE`: what is refused, and where its carets stand; nothing of what is given is left out."""

from __future__ import annotations

from pathlib import Path

import pytest

from netc.compiler.pipeline import to_ast, to_ir, to_spec
from netc.dsl.diagnostics import Diagnostic, SpecError
from netc.dsl.source import Source

TEXT = """objective R(x) = x^2
init theta = (1)
optimizer gd(eta = 0.1)
train steps = 10
"""
MORE = "takes one value, and this is more"
REFUSED = [  # name, value, code, part of the message, what the carets are under
    ("steps", "3, runs=5", "E0502", f"'steps' {MORE}", "3, runs=5"),
    ("runs", "runs, runs=runs", "E0502", f"'runs' {MORE}", "runs, runs=runs"),
    ("steps", "3 # three", "E0502", f"'steps' {MORE}", "3 # three"),
    ("eta", "0.2, steps=3", "E0502", f"'eta' {MORE}", "0.2, steps=3"),
    ("steps", "3\ntrain runs = 2", "E0502", f"'steps' {MORE}", "3\ntrain runs = 2"),
    ("steps", "steps", "E0502", "'steps' has no value here", "steps"),
    ("batch", "3", "E0517", "no samples to cut into batches", "batch = 3"),
]


def said(name: str, value: str) -> Diagnostic:
    with pytest.raises(SpecError) as error:
        to_spec(to_ast(Source("a.net", TEXT)), None, Path(), {name: value})
    (found,) = error.value.diagnostics
    return found


@pytest.mark.parametrize(("name", "value", "code", "words", "under"), REFUSED)
def test_what_is_refused(name: str, value: str, code: str, words: str, under: str) -> None:
    found = said(name, value)
    assert found.code == code
    assert words in found.message
    assert found.span.text == under
    assert found.span.source.name == "--set"
    before = f"train {name} = "
    assert found.span.start == (len("train ") if under.startswith(f"{name} =") else len(before))


def test_the_way_to_set_several_is_shown() -> None:
    assert said("steps", "3, runs=5").hints == (
        "several settings have an option each: --set steps=3 --set runs=5",
    )


@pytest.mark.parametrize(
    ("name", "value"), [("steps", 7), ("steps", "7"), ("steps", 7.0), (" steps ", "7"), ("eta", "0.5")]
)
def test_what_is_set_holds(name: str, value: object) -> None:
    spec = to_spec(to_ast(Source("a.net", TEXT)), None, Path(), {name: value})
    if name == "eta":
        assert [h.value for h in to_ir(spec).rule.hypers if h.name == "eta"] == [0.5]
    else:
        assert spec.training.steps == 7


def test_true_and_false_of_python_are_those_of_the_language() -> None:
    text = TEXT.replace("gd(eta = 0.1)", "torch.SGD(lr = 0.1, momentum = 0.5)").replace(
        "steps = 10", "steps = 10, runs = 2"
    )
    spec = to_spec(to_ast(Source("a.net", text)), None, Path(), {"nesterov": True})
    assert (
        spec.optimizer.switched
        == to_spec(
            to_ast(Source("a.net", text.replace("0.5)", "0.5, nesterov = true)"))), None, Path(), None
        ).optimizer.switched
    )
