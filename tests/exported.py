"""Exported sources, compiled and called: C by gcc, Fortran by gfortran, both through a shared library."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from netc.compiler import pipeline
from netc.compiler.calculus import ir
from netc.compiler.export.model import Exported, Scale
from netc.runtime.parameters import unflatten
from netc.runtime.program_file import read_text

C_FLAGS = ("-std=c99", "-Wall", "-Wextra", "-Werror", "-O1")
FORTRAN_FLAGS = ("-std=f2008", "-Wall", "-Werror", "-O1")
WRAPPER = """subroutine {name}_predict(i, o) bind(c)
  use, intrinsic :: iso_c_binding, only: c_double
  use {name}_model, only: predict, number_of_inputs, number_of_outputs
  real(c_double), intent(in) :: i(number_of_inputs)
  real(c_double), intent(out) :: o(number_of_outputs)
  call predict(i, o)
end subroutine
"""
DERIVATIVE = """subroutine {name}_derivative(i, o) bind(c)
  use, intrinsic :: iso_c_binding, only: c_double
  use {name}_model, only: derivative, number_of_inputs, number_of_outputs
  real(c_double), intent(in) :: i(number_of_inputs)
  real(c_double), intent(out) :: o(number_of_inputs, number_of_outputs)
  real(c_double) :: slopes(number_of_outputs, number_of_inputs)
  call derivative(i, slopes)
  o = transpose(slopes)
end subroutine
"""


def compiler(language: str) -> str:
    name = {"c": "gcc", "f90": "gfortran"}[language]
    if shutil.which(name) is None:
        pytest.skip(f"needs {name}")
    return name


def library(folder: Path, language: str, sources: Mapping[str, str]) -> ctypes.CDLL:
    """One for all sources; `NAME_predict` and `NAME_derivative` of each."""
    folder.mkdir(exist_ok=True)
    flags = C_FLAGS if language == "c" else FORTRAN_FLAGS
    objects, calls = list[str](), ""
    for name, text in sources.items():
        (folder / f"{name}.{language}").write_text(text)
        run([compiler(language), *flags, "-fPIC", "-c", f"{name}.{language}", "-o", f"{name}.o"], folder)
        objects.append(f"{name}.o")
        if language == "f90":
            calls += (WRAPPER + (DERIVATIVE if "subroutine derivative" in text else "")).format(name=name)
    if calls:
        (folder / "calls.f90").write_text(calls)
        objects.append("calls.f90")
    run([compiler(language), "-shared", "-fPIC", "-o", "models.so", *objects, "-lm"], folder)
    return ctypes.CDLL(str(folder / "models.so"))


def run(command: list[str], folder: Path) -> str:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def called(found: ctypes.CDLL, name: str, x: np.ndarray, outputs: int) -> np.ndarray:
    """(N, outputs) of rows x (N, inputs)."""
    function = getattr(found, name)
    out = np.full((len(x), outputs), np.nan)
    for row, given in zip(out, np.ascontiguousarray(x, np.float64), strict=True):
        function(given.ctypes.data_as(ctypes.c_void_p), row.ctypes.data_as(ctypes.c_void_p))
    return out


def plain(columns: int) -> Scale:
    return Scale(np.zeros(columns), np.ones(columns))


def model_of(problem: ir.Problem, theta: np.ndarray, precision: str = "f64") -> Exported:
    """Without scaling."""
    inputs, outputs = plain(problem.inputs), plain(problem.outputs)
    return Exported(problem, unflatten(problem, theta), precision, inputs, outputs, None, ())


def problem_of(text: str) -> ir.Problem:
    file = read_text(text, "<text>", Path.cwd())
    return pipeline.to_ir(pipeline.to_spec(file.program, None, file.folder)).problem


def network(layers: str) -> ir.Problem:
    return problem_of(
        f"network {layers}\ninit glorot_uniform\nloss half_mse\noptimizer gd(eta = 1)\ntrain steps = 1\n"
    )
