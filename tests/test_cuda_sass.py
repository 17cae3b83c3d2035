"""The static model of a kernel's speed: its parser on a disassembly made by hand, and on a kernel with a known loop."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

import cuda_sass
from netc.runtime.devices.cuda_missing import installed

CODE = """
	//## File "/somewhere/kernel.py", line 1001
        /*0000*/                   LDC R1, c[0x0][0x28] ;
	//## File "/somewhere/kernel.py", line 1004 inlined at "/somewhere/kernel.py", line 1009
	//## File "/somewhere/kernel.py", line 1009
.L_x_1:
        /*0010*/                   LDS.64 R2, [R3] ;
.L_x_0:
        /*0020*/                   FFMA R4, R2, R3, R4 ;
	//## File "/somewhere/else.py", line 31
        /*0030*/                   FFMA.FTZ R5, R2.reuse, R3, R5 ;
        /*0040*/                   UIADD3 UR4, UR4, 0x1, URZ ;
        /*0050*/              @!P0 BRA `(.L_x_0) ;
	//## File "/somewhere/kernel.py", line 1009
        /*0060*/               @P1 BRA `(.L_x_1) ;
        /*0070*/                   IADD3 R0, R0, 0x1, RZ ;
        /*0080*/                   EXIT ;
.L_x_2:
        /*0090*/                   BRA `(.L_x_2);
"""


def test_loops_units_and_lines_of_a_disassembly() -> None:
    code, labels = cuda_sass.parsed(CODE, "/somewhere/kernel.py")
    assert [i.unit for i in code] == [
        "LDG", "LDS", "FFMA", "FFMA", "uniform", "jumps", "jumps", "integer", "jumps", "jumps",
    ]  # fmt: skip
    assert labels == {".L_x_1": 0x10, ".L_x_0": 0x20, ".L_x_2": 0x90}
    assert [i.line for i in code] == [1001, *[1004] * 5, *[1009] * 4], (
        "a line of another file is the one before"
    )
    assert cuda_sass.innermost(code, labels) == [cuda_sass.Loop(0x20, 0x50)]


def test_the_busiest_unit_bounds_the_share_of_the_peak() -> None:
    """By hand: eight FFMA and two LDS: the loads take as long as all ten are issued, less is left of 64-bit ones."""
    assert cuda_sass.shares(Counter(FFMA=8, LDS=2), "f32") == (0.8, 0.8)
    assert cuda_sass.shares(Counter(FFMA=8, LDS=4), "f32") == (8 / 12, 0.5)
    assert cuda_sass.shares(Counter(DFMA=8, LDS=2), "f64") == (0.8, 1.0)
    assert cuda_sass.shares(Counter(FFMA=8, integer=8), "f32") == (0.5, 0.5)


DOT = '''"""A kernel"""
from numba import cuda, float32

REAL = "f32"
THREADS = 32


@cuda.jit(device=True)
def dot(x, y):
    """Of the rows of two matrices."""
    total = float32(0.0)
    k = 0
    # the products
    while k < x.shape[1]:
        total = total + x[0, k] * y[0, k]
        k = k + 1
    return total


@cuda.jit()
def advance({arguments}):
    """A dot product of arguments that are matrices."""
    a1[0, 0] = dot(a7, a8)
'''  # fmt: skip


@pytest.mark.skipif(not installed(), reason="needs netc[cuda]")
def test_the_loop_of_a_dot_product_is_found_under_its_comment() -> None:
    from netc.runtime.devices.cuda_types import ptxas, signature
    from netc.runtime.devices.load import load_kernels

    if not Path(ptxas()).with_name("nvdisasm").exists():
        pytest.skip("needs nvidia-cuda-nvdisasm")
    arguments = ", ".join(f"a{n}" for n in range(len(signature("f32"))))
    module = load_kernels(cuda_sass.with_lines(DOT.format(arguments=arguments)))
    said = cuda_sass.table(module, 1)
    loops = [line for line in said.splitlines() if line.startswith("| the products (loop")]
    assert loops
    fma, loads = (max(int(line.split("|")[n].strip() or 0) for line in loops) for n in (3, 9))
    assert fma >= 1
    assert loads == 2 * fma, "two numbers read for each product"
