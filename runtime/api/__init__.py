"""netc: a declarative language and compiler for small neural networks and their optimizers.

    model = netc.compile("boston.net")
    result = model.train()

Importing it is cheap: what is heavy comes with the first name that is used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from netc.compiler.rules.equivalence import Verdict, equivalent
    from netc.dsl.diagnostics import SpecError
    from netc.model import Model, compile
    from netc.rules import UpdateRule, update_rule
    from netc.runtime.results.result import Result
    from netc.runtime.results.sweep_result import SweepResult

__all__ = [
    "Model",
    "Result",
    "SpecError",
    "SweepResult",
    "UpdateRule",
    "Verdict",
    "compile",
    "equivalent",
    "update_rule",
]

_HOMES = {
    "Model": "netc.model",
    "Result": "netc.runtime.results.result",
    "SpecError": "netc.dsl.diagnostics",
    "SweepResult": "netc.runtime.results.sweep_result",
    "UpdateRule": "netc.rules",
    "Verdict": "netc.compiler.rules.equivalence",
    "compile": "netc.model",
    "equivalent": "netc.compiler.rules.equivalence",
    "update_rule": "netc.rules",
}


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("netc")
    if name not in _HOMES:
        raise AttributeError(f"module 'netc' has no attribute '{name}'")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
