"""Boston in C, as one would write it: `boston.c` beside this, by `gcc -Ofast -march=native`."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import numpy as np

from bench.workloads import Workload
from peers.problems import Arrays

SOURCE = Path(__file__).with_name("boston.c")
SIZES = (13, 15, 15, 1)


def takes_part(work: Workload) -> bool:
    """The text is of one network, one rule and one run."""
    of_boston = work.problem.name == "boston" and work.problem.sizes == SIZES
    return of_boston and work.rule == "gd" and work.runs == 1 and shutil.which("gcc") is not None


class C:
    name = "C, -Ofast"
    runs = 1

    def __init__(self, work: Workload) -> None:
        self.work, self.start = work, work.start()
        self.theta = np.concatenate([value.ravel() for value in self.start.values()]).astype(work.dtype)
        self.x, self.y = (np.ascontiguousarray(a, work.dtype) for a in (work.problem.x, work.problem.y))
        self.real = ctypes.c_float if work.precision == "f32" else ctypes.c_double
        self.train = _compiled(work).train

    def advance(self, steps: int) -> None:
        arrays = (a.ctypes.data_as(ctypes.c_void_p) for a in (self.theta, self.x, self.y))
        numbers = (ctypes.c_long(n) for n in (self.work.batches, steps))
        self.train(*arrays, *numbers, self.real(self.work.rate))

    def weights(self) -> Arrays:
        ends = np.cumsum([value.size for value in self.start.values()])
        parts = np.split(self.theta.astype(np.float64), ends[:-1])
        return {
            name: part.reshape(value.shape)
            for (name, value), part in zip(self.start.items(), parts, strict=True)
        }


def _compiled(work: Workload) -> ctypes.CDLL:
    real, tanh = ("float", "tanhf") if work.precision == "f32" else ("double", "tanh")
    sizes = (f"-DREAL={real}", f"-DTANH={tanh}", f"-DBATCH={work.batch}")
    with tempfile.TemporaryDirectory() as folder:
        library = Path(folder) / "boston.so"
        flags = (
            "-Ofast",
            f"-march={os.environ.get('NETC_BENCH_MARCH', 'native')}",
            "-shared",
            "-fPIC",
            "-o",
            str(library),
        )
        subprocess.run(["gcc", *flags, *sizes, str(SOURCE), "-lm"], check=True)
        return ctypes.CDLL(str(library))
