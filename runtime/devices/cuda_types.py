"""The types of a CUDA kernel's arguments, as docs/kernels.md lists them, and what ptxas says of its machine code.

Works without a GPU: that is how kernels are looked at where there is none. Needs `netc[cuda]`.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

from netc.compiler.kernels.cuda.plan import most_registers

CAPABILITIES = ((8, 0), (9, 0))
"""Of the GPUs that kernels are compiled for without one: Ampere and Hopper."""


def signature(real: str) -> tuple[Any, ...]:
    """Of `advance`."""
    from numba import float32, float64, int32, int64

    number: Any = {"f64": float64, "f32": float32}[real]
    return (
        int64[::1],  # rows
        number[:, ::1],  # theta
        number[:, :, ::1],  # vectors
        float64[:, ::1],  # scalars
        int64[:, ::1],  # counters
        float64[:, ::1],  # figures
        float64[::1],  # hyper
        number[:, ::1],  # x
        number[:, ::1],  # y
        int64[::1],  # bounds
        int64[:, ::1],  # order
        number[:, ::1],  # scratch
        int64,  # key
        int64,  # last
        float64[::1],  # partials
        int64[::1],  # turns
        int32[:, ::1],  # places
    )


def signature_of_report(real: str) -> tuple[Any, ...]:
    """Of `report`."""
    from numba import float64, int64

    rows, theta, _, _, _, _, _, x, y, _, _, scratch, *_ = signature(real)
    return (rows, theta, x, y, int64[::1], int64, float64[:, ::1], scratch)


def ptx(module: ModuleType, capability: tuple[int, int], name: str = "advance", lines: bool = False) -> str:
    """What the NVIDIA compiler makes of a kernel of a module: `advance` or `report`; with its lines, if asked."""
    from numba import cuda

    compiler: Any = cuda
    made = signature if name == "advance" else signature_of_report
    kernel: Any = vars(module)[name]
    with as_if(capability):
        text, _ = compiler.compile_ptx(kernel.py_func, made(module.REAL), cc=capability, lineinfo=lines)
    return str(text)


@contextmanager
def as_if(capability: tuple[int, int]) -> Iterator[None]:
    """Device functions are compiled for the GPU at hand; as if it were one of this compute capability."""
    from numba.cuda import dispatcher

    asked: Any = dispatcher
    own = asked.get_current_device
    asked.get_current_device = lambda: SimpleNamespace(compute_capability=capability)
    try:
        yield
    finally:
        asked.get_current_device = own


@dataclass(frozen=True)
class Resources:
    """What a kernel takes of a multiprocessor."""

    registers: int
    shared: int
    """Bytes of a block."""
    stack: int
    """Bytes of a thread in local memory."""
    spills: int
    """Bytes that registers had no room for."""


def assembled(text: str, capability: tuple[int, int], threads: int) -> Resources:
    """By `ptxas -v`, for blocks of so many threads."""
    with tempfile.TemporaryDirectory(prefix="netc-") as folder:
        source = Path(folder) / "kernel.ptx"
        source.write_text(text)
        arch = f"-arch=sm_{capability[0]}{capability[1]}"
        most = f"-maxrregcount={most_registers(threads)}"
        command = [ptxas(), "-v", arch, most, str(source), "-o", str(source.with_suffix(".cubin"))]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"ptxas: {done.stderr.strip()}")
    return resources(done.stderr)


def resources(said: str) -> Resources:
    def number(pattern: str) -> int:
        return sum(int(n) for n in re.findall(pattern, said))

    spills = number(r"(\d+) bytes spill stores") + number(r"(\d+) bytes spill loads")
    return Resources(
        number(r"Used (\d+) registers"),
        number(r"(\d+) bytes smem"),
        number(r"(\d+) bytes stack frame"),
        spills,
    )


def ptxas() -> str:
    """The assembler of the extra, or the one on the PATH."""
    spec = find_spec("nvidia.cu13")
    homes = [Path(p) / "bin" / "ptxas" for p in (spec.submodule_search_locations or ())] if spec else []
    found = next((str(p) for p in homes if p.exists()), shutil.which("ptxas"))
    if found is None:
        raise FileNotFoundError("ptxas")
    return found
