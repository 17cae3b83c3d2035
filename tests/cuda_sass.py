"""What a multiprocessor issues for a CUDA kernel, from its machine code: a model of its speed that needs no GPU.

`PYTHONPATH=tests .venv/bin/python -m cuda_sass examples/boston.net --runs 10000 --precision f32` compiles the kernel
for compute capability 9.0, disassembles it and prints a row for each innermost loop (a backward branch that holds
no other) and for the straight code of each part of the kernel: parts are the comments of its text, `netc show FILE
--stage cuda`. Loops of few turns are unrolled by then, so that most of a small network is straight code.

`issued` is the share of fused multiply-adds (FFMA, or DFMA where the kernel is f64) among all instructions;
`bound` the share of their peak that the busiest unit allows: no kernel is faster, most are slower, since nothing is
said of latencies, bank conflicts and barriers. Needs netc[cuda] and nvidia-cuda-nvdisasm.
"""

from __future__ import annotations

import argparse
import linecache
import re
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest import mock

from netc.compiler import pipeline
from netc.compiler.kernels.cuda.target import Cuda
from netc.runtime import opening, program_file
from netc.runtime.devices.cuda_types import ptx, ptxas
from netc.runtime.devices.load import load_kernels
from netc.runtime.session import Session
from netc.runtime.training.cuda_stretches import card

INSTRUCTION = re.compile(r"/\*([0-9a-f]{4,})\*/\s+(?:@!?U?P\w+\s+)?([A-Z]\w*)(\S*)\s*(.*?);")
LABEL = re.compile(r"^(\.L\w+):")
LINE = re.compile(r'//## File "([^"]+)", line (\d+)')
VARIABLE = re.compile(r'^.*call void @"?llvm\.dbg\..*$', re.MULTILINE)
TARGET = re.compile(r"`\((\.L\w+)\)")

UNITS = {
    "FFMA": ("FFMA",),
    "DFMA": ("DFMA",),
    "other f32": ("FADD", "FMUL"),
    "other f64": ("DADD", "DMUL", "DSETP"),
    "special": ("MUFU", "F2F", "F2I", "I2F", "F2FP", "FRND", "POPC", "FLO"),
    "LDS": ("LDS",),
    "LDG": ("LDG", "LD", "LDC"),
    "LDL": ("LDL", "STL"),
    "stores": ("STS", "STG", "ST"),
    "shuffles": ("SHFL", "ATOM", "ATOMG", "RED"),
    "IMAD": ("IMAD",),
    "barriers": ("BAR", "BSYNC", "BSSY", "WARPSYNC", "MEMBAR", "DEPBAR"),
    "jumps": ("BRA", "EXIT", "CALL", "RET", "BREAK", "NOP", "YIELD", "S2R", "S2UR", "CS2R", "ERRBAR", "CCTL"),
}
UNIT = {opcode: unit for unit, opcodes in UNITS.items() for opcode in opcodes}
"""All others are integer, logical, comparing and moving instructions: `integer`; or those of a warp: `uniform`."""
COLUMNS = (
    "FFMA", "DFMA", "other f32", "other f64", "special", "LDS", "LDG", "LDL", "stores", "IMAD", "integer",
    "uniform", "barriers",
)  # fmt: skip


@dataclass(frozen=True)
class Instruction:
    address: int
    unit: str
    line: int
    """Of the kernel's text."""
    target: str
    """The label that it may jump to, or nothing."""


@dataclass(frozen=True)
class Loop:
    first: int
    last: int
    """Addresses."""

    def holds(self, other: Loop) -> bool:
        return self != other and self.first <= other.first and other.last <= self.last


def with_lines(text: str) -> str:
    """A kernel's text whose functions, inlined by NVIDIA's compiler, are told apart by their lines."""
    return text.replace("cuda.jit(device=True)", "cuda.jit(device=True, lineinfo=True)")


def machine_code(module: ModuleType, capability: tuple[int, int] = (9, 0)) -> str:
    """What nvdisasm says of a module's `advance`, with the lines of its text."""
    from numba.cuda.cudadrv import nvvm

    compile_ir = nvvm.compile_ir

    def without_variables(sources: list[str], **options: Any) -> bytes:
        """numba also describes its variables; with some of their names NVVM refuses the whole."""
        return bytes(compile_ir([VARIABLE.sub("", source) for source in sources], **options))

    with mock.patch.object(nvvm, "compile_ir", without_variables):
        text = ptx(module, capability, lines=True)
    with tempfile.TemporaryDirectory(prefix="netc-") as folder:
        source, cubin = Path(folder) / "kernel.ptx", Path(folder) / "kernel.cubin"
        source.write_text(text)
        arch = f"-arch=sm_{capability[0]}{capability[1]}"
        subprocess.run([ptxas(), "-lineinfo", arch, str(source), "-o", str(cubin)], check=True)
        disassembler = Path(ptxas()).with_name("nvdisasm")
        if not disassembler.exists():
            raise SystemExit("cuda_sass: no nvdisasm beside ptxas: pip install nvidia-cuda-nvdisasm")
        command = [str(disassembler), "-c", "-gi", str(cubin)]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def parsed(code: str, file: str) -> tuple[list[Instruction], dict[str, int]]:
    """Instructions in their order, and the address behind each label. Lines are those of `file`; of several above an
    instruction the first is its own, the others are the calls that it was inlined from."""
    found: list[Instruction] = []
    labels: dict[str, int] = {}
    line, open_labels, above = 0, list[str](), False
    for text in code.splitlines():
        if said := LINE.search(text):
            line = int(said[2]) if said[1] == file and not above else line
            above = True
            continue
        above = False
        if label := LABEL.match(text):
            open_labels.append(label[1])
        elif match := INSTRUCTION.search(text):
            opcode, rest = match[2], match[4]
            target = TARGET.search(rest) if opcode == "BRA" else None
            address = int(match[1], 16)
            labels |= dict.fromkeys(open_labels, address)
            open_labels.clear()
            found.append(Instruction(address, unit(opcode), line, target[1] if target else ""))
    return found, labels


def unit(opcode: str) -> str:
    return UNIT.get(opcode) or ("uniform" if opcode.startswith(("U", "R2UR")) else "integer")


def innermost(code: Sequence[Instruction], labels: dict[str, int]) -> list[Loop]:
    """A jump to itself, with which code ends, is no loop."""
    jumps = [(labels[i.target], i.address) for i in code if i.target]
    loops = {Loop(to, at) for to, at in jumps if to < at}
    ends = {
        first: max(loop.last for loop in loops if loop.first == first) for first in {x.first for x in loops}
    }
    merged = {Loop(first, last) for first, last in ends.items()}
    return sorted((x for x in merged if not any(x.holds(y) for y in merged)), key=lambda x: x.first)


def part(file: str, line: int) -> str:
    """The comment in the kernel's text that is above a line, or the function it is in."""
    for at in range(line, 0, -1):
        text = linecache.getline(file, at).strip()
        if text.startswith("# "):
            return text[2:]
        if text.startswith("def "):
            return text.partition("(")[0][4:]
    return ""


def rows(
    code: Sequence[Instruction], labels: dict[str, int], file: str
) -> Iterator[tuple[str, Counter[str]]]:
    """What is counted together: the innermost loops, and what is straight in a part; in the order of the code."""
    loops = innermost(code, labels)
    groups: dict[tuple[str, int], Counter[str]] = {}
    for instruction in code:
        own = [loop for loop in loops if loop.first <= instruction.address <= loop.last]
        inside = [i.line for i in code if own and own[0].first <= i.address <= own[0].last]
        line = Counter(inside).most_common(1)[0][0] if inside else instruction.line
        key = part(file, line), own[0].first if own else -1
        groups.setdefault(key, Counter())[instruction.unit] += 1
    for (name, first), counts in groups.items():
        yield f"{name}{f' (loop at {first:#x})' if first >= 0 else ''}", counts


def cycles(counts: Counter[str]) -> float:
    """Of one of the four parts of a multiprocessor, for a warp, where its units all work at once.

    "Throughput of Native Arithmetic Instructions", CUDA C++ Programming Guide, compute capability 9.0: 128 results of
    float32 in a cycle of the multiprocessor, 64 of float64, of integers, of integer products; 16 of special functions
    and conversions. 32 loads or stores in a cycle serve all four parts; wider ones take longer.
    """
    memory = sum(counts[u] for u in ("LDS", "LDG", "LDL", "stores", "shuffles"))
    return float(
        max(
            counts.total(),
            counts["FFMA"] + counts["other f32"] + counts["IMAD"],
            2 * counts["IMAD"],
            2 * (counts["DFMA"] + counts["other f64"]),
            2 * counts["integer"],
            8 * counts["special"],
            4 * memory,
        )
    )


def shares(counts: Counter[str], real: str) -> tuple[float, float]:
    """`issued` and `bound` of the module's docstring."""
    fma, each = (counts["DFMA"], 2) if real == "f64" else (counts["FFMA"], 1)
    return fma / counts.total(), each * fma / cycles(counts)


def table(module: ModuleType, least: int) -> str:
    kernel: Any = module.advance
    file = kernel.py_func.__code__.co_filename
    code, labels = parsed(machine_code(module), file)
    lines = [f"| part | all | {' | '.join(COLUMNS)} | issued | bound |", "|---" * (len(COLUMNS) + 4) + "|"]
    for name, counts in (*rows(code, labels, file), ("all code", Counter(i.unit for i in code))):
        if counts.total() >= least:
            figures = " | ".join(str(counts[c] or "") for c in COLUMNS)
            issued, bound = shares(counts, module.REAL)
            lines.append(f"| {name} | {counts.total()} | {figures} | {issued:.0%} | {bound:.0%} |")
    return "\n".join(lines)


def of_bench(title: str, precision: str | None) -> Session:
    """The first workload of the bench whose title contains this."""
    from bench.cuda_cases import cases
    from bench.cuda_netc import opened

    works = (case.work for case in cases(1e8) if title in case.work.title)
    with tempfile.TemporaryDirectory() as folder:
        return opened(next(w for w in works if precision in (None, w.precision)), "cpu", Path(folder))[1]


def main() -> None:
    parser = argparse.ArgumentParser(prog="cuda_sass", description=__doc__)
    parser.add_argument("file", type=Path, nargs="?")
    parser.add_argument("--bench", metavar="TITLE", help="in the place of a file: a workload of bench.cuda")
    parser.add_argument("--runs", type=int)
    parser.add_argument("--precision", choices=("f32", "f64"))
    parser.add_argument("--batch", help="a number, or full")
    parser.add_argument("--least", type=int, default=20, help="instructions that a row must have")
    arguments = parser.parse_args()
    asked = {"runs": arguments.runs, "precision": arguments.precision, "batch": arguments.batch}
    changed: dict[str, Any] = {name: value for name, value in asked.items() if value is not None}
    if arguments.bench:
        session = of_bench(arguments.bench, arguments.precision)
    else:
        session = opening.open_session(program_file.read_file(arguments.file), changed)
    target = Cuda(card())
    text = pipeline.to_text(pipeline.to_loops(session.program, target, session.samples), target)
    module = sys.modules[load_kernels(with_lines(text)).__name__]
    print(
        f"{arguments.bench or arguments.file.stem}: {module.SHAPE}, {module.THREADS} threads, {module.REAL}\n"
    )
    print(table(module, arguments.least))


if __name__ == "__main__":
    main()
