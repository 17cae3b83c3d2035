"""The page of the Python interface, made from docstrings: `python -m netc.api_page` prints it. Examples run in tests,
after `BEGINNING`, on the same model.
"""

from __future__ import annotations

import doctest
import inspect
import re
from collections.abc import Iterator
from typing import Any

import netc
from netc.runtime.results.judgement import Judgement

BEGINNING = """
import netc
import numpy as np

X = np.linspace(-1, 1, 20)[:, None]
y = 3*X[:, 0] - 1
model = netc.compile('''
network   [1(tanh)3(lin)1]
init      glorot_uniform
loss      half_mse
optimizer gd(eta = 0.1)
train     epochs = 50, seed = 1
''')
result = model.train(X, y)
"""
SHOWN: dict[str, Any] = {name: getattr(netc, name) for name in netc.__all__} | {"Judgement": Judgement}


def members(thing: Any) -> dict[str, Any]:
    """Public methods and properties that a class defines, and then those that it takes over."""
    if not inspect.isclass(thing) or issubclass(thing, Exception):
        return {}
    found = dict[str, Any]()
    for one in thing.__mro__[:-1]:
        found = found | {name: value for name, value in vars(one).items() if name not in found}
    return {
        name: value
        for name, value in found.items()
        if not name.startswith("_") and (inspect.isfunction(value) or isinstance(value, property))
    }


def documented() -> Iterator[tuple[str, Any]]:
    """`Model.train` and the function."""
    for name, thing in SHOWN.items():
        yield name, thing
        yield from ((f"{name}.{member}", value) for member, value in members(thing).items())


def text_of(thing: Any) -> str:
    return inspect.getdoc(thing) or ""


def page() -> str:
    lines = ["# Python", "", "Made from docstrings; every example is run. They begin with", "", "```text"]
    lines += [BEGINNING.strip(), "```", ""]
    for name, thing in documented():
        level, call = "###" if "." in name else "##", _signature(thing)
        lines += [
            f"{level} {name}",
            "",
            *([f"`{name.rpartition('.')[2]}{call}`", ""] if call else []),
            _body(thing),
            "",
        ]
    return "\n".join(lines)


def _signature(thing: Any) -> str:
    if not inspect.isfunction(thing):
        return ""
    shown = inspect.signature(thing)
    others = [p for p in shown.parameters.values() if p.name != "self"]
    return str(shown.replace(parameters=others)).replace("'", "")


def _body(thing: Any) -> str:
    """The docstring with its examples as code."""
    text, parts = text_of(thing), []
    for piece in doctest.DocTestParser().parse(text):
        if isinstance(piece, str):
            parts.append(re.sub(r"\n{3,}", "\n\n", piece))
        else:
            source = piece.source.rstrip().replace("\n", "\n... ")
            parts.append(f"\n```text\n>>> {source}\n{piece.want.rstrip()}\n```\n")
    return "".join(parts).replace("\n```\n\n\n```text\n", "\n").replace("\n```\n\n```text\n", "\n").strip()


if __name__ == "__main__":
    print(page())
