"""Whether kernels can run on a GPU here; if not, what is missing and how to get it. Imports no numba.

The driver is asked through its own library, so that the answer does not depend on what else is installed.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

from netc.dsl import ast
from netc.dsl.diagnostics import Diagnostic, SpecError
from netc.dsl.parser import parse
from netc.dsl.source import Source, Span

EXTRA = "pip install 'netc[cuda]'"
LEAST_VERSION = 13000
"""Of CUDA, as the driver counts: 1000*major + 10*minor. The toolkit parts of the extra are 13.0."""
LEAST_CAPABILITY = (7, 5)
"""Turing, the oldest architecture that the 13.0 toolkit compiles for."""
BEYOND_NUMPY = (2, 5)
"""numba-cuda 0.30 uses what NumPy 2.5 no longer has, and does not say so to pip."""
MULTIPROCESSORS, MAJOR, MINOR = 16, 75, 76
"""Numbers of the attributes in cuda.h."""


class DeviceLost(SpecError):
    """A launch failed; the runs are as they were before it."""


@dataclass(frozen=True)
class Missing:
    what: str
    hint: str


def missing() -> Missing | None:
    """None where everything is there, or numba's simulator was asked for."""
    if not installed():
        return Missing("the Python package numba-cuda is not installed", f"install the extra: {EXTRA}")
    if _numpy() >= BEYOND_NUMPY:
        beyond = ".".join(map(str, BEYOND_NUMPY))
        return Missing(
            f"numba-cuda does not work with NumPy {beyond} or newer",
            f"install an older one: {EXTRA} brings it",
        )
    if simulated():
        return None
    return driver(_library())


def installed() -> bool:
    return find_spec("numba_cuda") is not None


def _numpy() -> tuple[int, ...]:
    from importlib.metadata import version

    return tuple(int(part) for part in version("numpy").split(".")[:2])


def simulated() -> bool:
    return os.environ.get("NUMBA_ENABLE_CUDASIM", "0") not in ("", "0")


def _library() -> Any:
    for name in ("libcuda.so.1", "nvcuda.dll"):
        try:
            return ctypes.CDLL(name)
        except OSError:
            continue
    return None


def driver(library: Any) -> Missing | None:
    """What the driver, a library with the functions of cuda.h, says of itself and its devices."""
    if library is None:
        return Missing(
            "there is no NVIDIA driver on this machine",
            "run it on a machine with an NVIDIA GPU, or leave out 'target = cuda'",
        )
    version = ctypes.c_int()
    if library.cuDriverGetVersion(ctypes.byref(version)) == 0 and version.value < LEAST_VERSION:
        have, need = (f"{v // 1000}.{v % 1000 // 10}" for v in (version.value, LEAST_VERSION))
        return Missing(
            f"the NVIDIA driver is too old: it runs CUDA {have}, the kernels are made for {need}",
            "update the driver to version 580 or newer",
        )
    count = ctypes.c_int()
    error = library.cuInit(0) or library.cuDeviceGetCount(ctypes.byref(count))
    if error or count.value == 0:
        return Missing(
            "the NVIDIA driver finds no GPU" + (f" (error {error})" if error else ""),
            "'nvidia-smi' lists the GPUs; CUDA_VISIBLE_DEVICES may hide them",
        )
    found = tuple(_attribute(library, number) for number in (MAJOR, MINOR))
    if found < LEAST_CAPABILITY:
        have, need = (".".join(map(str, c)) for c in (found, LEAST_CAPABILITY))
        return Missing(f"the GPU has compute capability {have}, the kernels need {need}", "use a newer GPU")
    return None


def multiprocessors() -> int | None:
    """Of the GPU at hand; None where there is none that will do."""
    library = _library() if installed() and not simulated() else None
    return _attribute(library, MULTIPROCESSORS) if driver(library) is None else None


def _attribute(library: Any, number: int) -> int:
    value = ctypes.c_int()
    library.cuDeviceGetAttribute(ctypes.byref(value), number, 0)
    return value.value


def require_gpu(program: ast.Program) -> None:
    """Raises SpecError where `target = cuda` cannot be had."""
    if found := missing():
        message = f"target = cuda cannot run here: {found.what}"
        raise SpecError([Diagnostic("E0904", message, span_of_target(program), hints=(found.hint,))])


def span_of_target(program: ast.Program) -> Span:
    """Of `target = cuda` in the file, or on the command line."""
    return next(s.value.span for s in (*_targets(program), *_targets(parse(OPTION))))


OPTION = Source("--target", "train target = cuda\n")


def _targets(program: ast.Program) -> Iterator[ast.Setting]:
    for statement in program.statements:
        if isinstance(statement, ast.Train):
            yield from (s for s in statement.settings if s.name == "target" and s.value == ast.Name("cuda"))
