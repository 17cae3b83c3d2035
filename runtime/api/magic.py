"""`%load_ext netc`, then `%%netc NAME` in a notebook: the cell is the text of a `.net` file. Knows no more of IPython."""

from __future__ import annotations

import sys
from typing import Any

from netc.dsl.diagnostics import SpecError
from netc.model import Model, compile

USE = "%%netc NAME compiles the cell to the model NAME; %%netc NAME RESULT trains it as well"


def load_ipython_extension(shell: Any) -> None:
    """Asked for by `%load_ext netc`."""

    def netc(line: str, cell: str) -> Any:
        return run(shell.user_ns, line, cell)

    netc.__doc__ = USE
    shell.register_magic_function(netc, "cell", "netc")


def run(names: dict[str, Any], line: str, cell: str) -> Any:
    """The model or the result, which the notebook shows. An error of the file is said as `netc check` says it."""
    given = line.split()
    if not 1 <= len(given) <= 2 or not all(name.isidentifier() for name in given):
        print(USE, file=sys.stderr)
        return None
    try:
        model: Model = compile(cell)
        names[given[0]] = model
        if len(given) == 1:
            return model
        names[given[1]] = result = model.train()
    except (SpecError, ValueError) as error:
        print(error, file=sys.stderr)
        return None
    return result
