"""What a training calls of a network is a function of its own, not linked into rule and reports, each of which numba would
optimize and write with all of it again. Only compiled functions can call such a one; Python's way to it is compiled
when Python asks.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from netc.compiler.kernels import loops as L

ALWAYS = ("gradient_of", "gradient", "training_gradient", "predict")
"""Called in every training; `loss` is not, and is compiled where a rule or Python calls it."""
ENTRY = "_from_python"
"""Behind the function's name."""
TYPES = (
    dict.fromkeys(("theta", "grad", "scratch"), "reals")
    | dict.fromkeys(("x", "y", "out"), "tables")
    | {"order": "int64[::1]"}
)
"""Of their parameters; all others are int64."""


def entered(functions: Iterable[L.Function]) -> list[L.Function]:
    """The same functions, declared where that is possible, each with its entry."""
    made: list[L.Function] = []
    for f in functions:
        if f.name not in ALWAYS or f.parallel:
            made.append(f)
            continue
        types = tuple(TYPES.get(p, "int64") for p in f.parameters)
        made.append(replace(f, types=types, returns="float64"))
        if not f.name.endswith("_of"):
            call = L.Return(L.call(f.name, *f.parameters))
            made.append(L.Function(f.name + ENTRY, f.parameters, (call,), "The same, called from Python."))
    return made
