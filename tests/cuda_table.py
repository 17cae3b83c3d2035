"""What the shipped examples' CUDA kernels take of a GPU, by the offline compiler and ptxas: a table for docs/cuda.md.

`PYTHONPATH=tests .venv/bin/python -m cuda_table` writes it, `--check` only looks whether a kernel spills more than it
says, as `.ci/run` does: it compiles the kernels whose text is another one than that of the table, and all of them where
the compiler is another one. Needs netc[cuda], no GPU.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from importlib.metadata import version
from multiprocessing import get_context
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

from kernel_texts import fingerprint
from netc.dsl.diagnostics import SpecError
from netc.runtime import opening, program_file
from netc.runtime.devices.cuda_types import CAPABILITIES, Resources, assembled, ptx
from netc.runtime.session import Session

ROOT = Path(__file__).parent.parent
DOCUMENT = ROOT / "docs" / "cuda.md"
MEASURED = Path(__file__).with_name("data") / "cuda_table.txt"
"""The compiler that the table is by, and the fingerprint of each kernel's text."""
COMPILER = ("numba-cuda", "nvidia-cuda-nvrtc", "nvidia-nvvm", "nvidia-cuda-nvcc")
DEVICES = ROOT / "runtime" / "devices"
FLOAT_ATOMIC = re.compile(r"\b(atom|red)\.\S*\.f(16|32|64)")
TOO_LONG = ("layers/resnet", "layers/vgg", "lopes_quintas/stochastic_depth")
"""Deep networks of convolutions: the offline compiler takes minutes and gigabytes for each."""
BEGIN, END = "<!-- table -->\n", "<!-- end of table -->\n"


def name(path: Path) -> str:
    return str(path.relative_to(ROOT / "examples").with_suffix(""))


EXAMPLES = [path for path in sorted((ROOT / "examples").rglob("*.net")) if name(path) not in TOO_LONG]


class Row(NamedTuple):
    """A line of the table, or none where the kernel is that of the table; why there is no kernel, if there is none."""

    text: str = ""
    line: str = ""
    spilled: int = 0
    missing: str = ""


def session_of(path: Path) -> Session:
    """Raises SpecError where there are no data."""
    return opening.open_session(program_file.read_file(path), {})


def compiled(module: ModuleType) -> tuple[str, str, list[Resources]]:
    """Shape, precision, and what each compute capability takes."""
    texts = {c: ptx(module, c) for c in CAPABILITIES}
    assert not any(FLOAT_ATOMIC.search(text) for text in texts.values()), (
        "sums must not depend on who comes first"
    )
    return module.SHAPE, module.REAL, [assembled(text, c, module.THREADS) for c, text in texts.items()]


def row(path: Path, measured: dict[str, str]) -> Row:
    """Of an example, compiled if its kernel is none of those that are `measured`."""
    try:
        session = session_of(path)
    except SpecError as error:
        return Row(missing=error.diagnostics[0].message)
    text = fingerprint(session.cuda_text())
    if measured.get(name(path)) == text:
        return Row(text)
    shape, real, found = compiled(session.cuda_module())
    cells = [str(n) for r in found for n in (r.registers, r.shared, r.spills)]
    line = f"| {name(path)} | {shape} | {real} | {' | '.join(cells)} |"
    return Row(text, line, sum(r.spills for r in found))


def known() -> dict[str, int]:
    """The bytes that each kernel spills by the table of the document."""
    table = DOCUMENT.read_text(encoding="utf-8").partition(BEGIN)[2].partition(END)[0]
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in table.splitlines()[2:]]
    return {cells[0]: sum(int(n) for n in cells[5::3]) for cells in rows}


def compiler() -> str:
    """What makes machine code of a kernel's text: NVIDIA's compiler, and the functions of the runtime that kernels call."""
    own = "".join(path.read_text(encoding="utf-8") for path in sorted(DEVICES.glob("cuda_*.py")))
    return ", ".join([*(f"{part} {version(part)}" for part in COMPILER), f"runtime {fingerprint(own)}"])


def measured() -> dict[str, str]:
    """The texts that the table is of, if its compiler is the one here."""
    by, *lines = MEASURED.read_text(encoding="utf-8").splitlines()
    return dict(line.rsplit(" ", 1) for line in lines) if by == compiler() else {}  # type: ignore[misc]


def rows(measured: dict[str, str]) -> Iterator[tuple[Path, Row]]:
    """Of all examples, in order, on all cores."""
    with ProcessPoolExecutor(mp_context=get_context("spawn")) as pool:
        yield from zip(EXAMPLES, pool.map(partial(row, measured=measured), EXAMPLES), strict=True)


def check() -> int:
    """Status 1 if registers of a kernel spill more than the document says."""
    said, more, count = known(), list[str](), 0
    for path, found in rows(measured()):
        print(
            f"{name(path)}: {found.missing or 'as in the table'}" if not found.line else found.line,
            flush=True,
        )
        count += not found.missing
        more += [name(path)] * (found.spilled > said.get(name(path), 0))
    print(f"{count} kernels; more is spilled than {DOCUMENT.name} says by: {', '.join(more) or 'none'}")
    return 1 if more else 0


def write() -> int:
    heads = [f"{major}.{minor}: registers | shared | spills" for major, minor in CAPABILITIES]
    lines = [f"| example | shape | precision | {' | '.join(heads)} |", "|---" * (3 + 3 * len(heads)) + "|"]
    texts = [compiler()]
    for path, found in rows({}):
        print(found.line or f"{name(path)}: {found.missing}", flush=True)
        if found.line:
            lines.append(found.line)
            texts.append(f"{name(path)} {found.text}")
    before, _, rest = DOCUMENT.read_text(encoding="utf-8").partition(BEGIN)
    DOCUMENT.write_text(
        before + BEGIN + "\n".join(lines) + "\n" + END + rest.partition(END)[2], encoding="utf-8"
    )
    MEASURED.write_text("\n".join(texts) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(check() if "--check" in sys.argv else write())
