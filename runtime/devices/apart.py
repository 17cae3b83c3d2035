"""Functions of kernels that are compiled once and called from outside, not linked into what calls them.

Numba takes all that a function calls into the function's own machine code, optimizes it again and writes it again, at each
level of calls. What is made here is found by the name of its module and its own: the machine code of a caller, also
from the cache, holds that name and no more. The name stands before any caller is loaded, for modules are loaded in
the order in which they import each other. Raises nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from inspect import Parameter, Signature
from typing import Any

from llvmlite import binding
from numba import njit, types
from numba.core import cgutils
from numba.core.typing.templates import signature
from numba.extending import intrinsic


def apart(declared: Any, **options: Any) -> Callable[[Any], Any]:
    """A decorator with the types of the parameters, as a call of the type that is given back where there is one, and
    numba's options; only compiled functions may call the result."""
    given, back = (
        (declared, types.void) if isinstance(declared, tuple) else (declared.args, declared.return_type)
    )

    def made(function: Any) -> Any:
        without: dict[str, Any] = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}
        kept: Any = njit(back(*given), **(options | without))(function)
        compiled = kept.overloads[given]
        name = f"{function.__module__}.{function.__name__}"
        binding.add_symbol(name, compiled.library.get_pointer_to_function(compiled.fndesc.llvm_func_name))

        def code(context: Any, builder: Any, sig: Any, arguments: Any) -> Any:
            convention = context.call_conv
            shape = convention.get_function_type(back, given)
            there = cgutils.get_or_insert_function(builder.module, shape, name)
            status, found = convention.call_function(builder, there, back, given, arguments)
            with cgutils.if_unlikely(builder, status.is_error):
                convention.return_status_propagate(builder, status)
            return context.get_dummy_value() if back == types.void else found

        def typed(typing: Any, *arguments: Any) -> Any:
            return signature(back, *given), code

        numbered = [
            "typing",
            *(f"a{i}" for i in range(len(given))),
        ]  # numba asks for its parameters one by one
        typed.__signature__ = Signature([Parameter(n, Parameter.POSITIONAL_ONLY) for n in numbered])  # type: ignore[attr-defined]
        call: Any = intrinsic(typed)
        call.kept, call.overloads, call.__module__ = kept, kept.overloads, function.__module__
        return call

    return made
