"""What a call of a trained network takes, one sample at a time: the exported C and Fortran, onnxruntime, PyTorch.

    python per_call.py RUN [--calls 200000]

The loops in C and Fortran are in these languages; onnxruntime and PyTorch are called from Python, on one thread, as a
simulation written in Python would. What is not installed is left out. All must give the same outputs, else nothing is said.
"""

from __future__ import annotations

import argparse
import importlib.util
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

import netc

C = """#include <stdio.h>
#include <time.h>
void netc_predict(const double *inputs, double *outputs);
int main(void) {{
    double x[{inputs}] = {{{values}}}, u[{outputs}], sum = 0;
    const clock_t start = clock();
    for (long i = 0; i < {calls}L; i++) {{
        netc_predict(x, u);
        sum += u[0];
        x[0] += 1e-9 * u[0]; /* so that no call can be left out */
    }}
    const double seconds = (double)(clock() - start) / CLOCKS_PER_SEC;
    x[0] = {first};
    netc_predict(x, u);
    printf("%.17g %.17g %g\\n", 1e9 * seconds / {calls}, u[0], sum);
    return 0;
}}
"""
FORTRAN = """program per_call
    use netc_model, only: predict
    use, intrinsic :: iso_fortran_env, only: real64, int64
    implicit none
    real(real64) :: x({inputs}), u({outputs}), total, seconds
    integer(int64) :: i, start, finish, rate
    {values}
    total = 0
    call system_clock(start, rate)
    do i = 1, {calls}_int64
        call predict(x, u)
        total = total + u(1)
        x(1) = x(1) + 1e-9_real64 * u(1)
    end do
    call system_clock(finish)
    seconds = real(finish - start, real64) / real(rate, real64)
    x(1) = {first}
    call predict(x, u)
    print '(3(es26.17e3, 1x))', 1e9_real64 * seconds / {calls}_real64, u(1), total
end program
"""
Way = tuple[str, float, float]
"""Its name, nanoseconds a call, and the first output at the sample."""


def export(run: Path, file: Path) -> str:
    command = [sys.executable, "-m", "netc", "export", str(run), file.name]
    return subprocess.run(command, check=True, cwd=file.parent, capture_output=True, text=True).stdout


def in_a_program(run: Path, place: Path, x: np.ndarray, outputs: int, calls: int) -> Iterator[Way]:
    """A loop in C, and one in Fortran."""
    for name, compiler, ending, text, kind in (
        ("C", "cc", "c", C, ""), ("Fortran", "gfortran", "f90", FORTRAN, "_real64"),
    ):  # fmt: skip
        if shutil.which(compiler) is None:
            continue
        export(run, place / f"model.{ending}")
        values = [f"{v!r}{kind}" for v in x.tolist()]
        each = "\n    ".join(
            f"x({i}) = {v}" for i, v in enumerate(values, start=1)
        )  # a line has 132 characters
        given = each if kind else ", ".join(values)
        main = text.format(inputs=len(x), outputs=outputs, values=given, first=values[0], calls=calls)
        (place / f"main.{ending}").write_text(main)
        command = [compiler, "-O2", f"model.{ending}", f"main.{ending}", "-lm", "-o", name]
        subprocess.run(command, check=True, cwd=place)
        said = subprocess.run([place / name], check=True, capture_output=True, text=True).stdout.split()
        yield f"{name} ({compiler} -O2)", float(said[0]), float(said[1])


def with_onnxruntime(run: Path, place: Path, x: np.ndarray, calls: int) -> Iterator[Way]:
    try:
        import onnxruntime
    except ImportError:
        return
    export(run, place / "model.onnx")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(place / "model.onnx", options, providers=["CPUExecutionProvider"])
    single = "float)" in session.get_inputs()[0].type
    given = {"inputs": x[None].astype(np.float32 if single else np.float64)}
    yield timed(f"onnxruntime {onnxruntime.__version__}", lambda: session.run(None, given)[0], calls)


def with_torch(run: Path, place: Path, x: np.ndarray, calls: int) -> Iterator[Way]:
    """The module that `netc export` prints."""
    try:
        import torch
    except ImportError:
        return
    torch.set_num_threads(1)
    text = export(run, place / "weights.safetensors")
    (place / "in_torch.py").write_text(
        text.replace("weights.safetensors", str(place / "weights.safetensors"))
    )
    spec = importlib.util.spec_from_file_location("in_torch", place / "in_torch.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    given = torch.tensor(x[None], dtype=next(module.model.parameters()).dtype)
    with torch.no_grad():
        yield timed(f"PyTorch {torch.__version__}", lambda: module.predict(given).numpy(), calls)


def timed(name: str, call: Callable[[], np.ndarray], calls: int) -> Way:
    call()
    start = time.perf_counter()
    for _ in range(calls):
        found = call()
    return name, 1e9 * (time.perf_counter() - start) / calls, float(found[0, 0])


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("run", type=Path)
    parser.add_argument("--calls", type=int, default=200_000)
    given = parser.parse_args()
    model = netc.load(given.run)
    x = np.linspace(0.3, 0.7, max(1, len(model.columns)))
    expected = model.predict(x[None])[0]
    run, calls = given.run.absolute(), given.calls
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        fewer = max(1, calls // 20)
        ways = [*in_a_program(run, place, x, len(expected), calls),
                *with_onnxruntime(run, place, x, fewer), *with_torch(run, place, x, fewer)]  # fmt: skip
    for name, nanoseconds, found in ways:
        if not np.isclose(found, expected[0], rtol=1e-5, atol=1e-6):
            raise SystemExit(f"{name} gives {found}, netc {expected[0]}")
        print(f"{nanoseconds:10.0f} ns a call   {name}")


if __name__ == "__main__":
    main()
