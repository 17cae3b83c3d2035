"""What the shipped examples' CUDA kernels take of a GPU, by the offline compiler and ptxas: a table for docs/cuda.md.

`PYTHONPATH=tests .venv/bin/python -m cuda_table` writes it, `--check` only looks whether a kernel spills more than it
says, as `.ci/run` does. Needs netc[cuda], no GPU.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

from netc.dsl.diagnostics import SpecError
from netc.runtime import opening, program_file
from netc.runtime.devices.cuda_types import CAPABILITIES, Resources, assembled, ptx

ROOT = Path(__file__).parent.parent
DOCUMENT = ROOT / "docs" / "cuda.md"
FLOAT_ATOMIC = re.compile(r"\b(atom|red)\.\S*\.f(16|32|64)")
TOO_LONG = ("layers/resnet", "layers/vgg", "lopes_quintas/stochastic_depth")
"""Deep networks of convolutions: the offline compiler takes minutes and gigabytes for each."""
BEGIN, END = "<!-- table -->\n", "<!-- end of table -->\n"


def name(path: Path) -> str:
    return str(path.relative_to(ROOT / "examples").with_suffix(""))


EXAMPLES = [path for path in sorted((ROOT / "examples").rglob("*.net")) if name(path) not in TOO_LONG]


def compiled(path: Path) -> tuple[str, str, list[Resources]]:
    """Shape, precision, and what each compute capability takes. Raises SpecError where there are no data."""
    module = opening.open_session(program_file.read_file(path), {}).cuda_module()
    texts = {c: ptx(module, c) for c in CAPABILITIES}
    assert not any(FLOAT_ATOMIC.search(text) for text in texts.values()), (
        "sums must not depend on who comes first"
    )
    return module.SHAPE, module.REAL, [assembled(text, c, module.THREADS) for c, text in texts.items()]


def row(path: Path) -> tuple[str, int] | str:
    """A line of the table, and the bytes that are spilled; or why there is none: no data here, no kernels for CUDA."""
    try:
        shape, real, found = compiled(path)
    except SpecError as error:
        return error.diagnostics[0].message
    cells = [str(n) for r in found for n in (r.registers, r.shared, r.spills)]
    line = f"| {name(path)} | {shape} | {real} | {' | '.join(cells)} |"
    return line, sum(r.spills for r in found)


def known() -> dict[str, int]:
    """The bytes that each kernel spills by the table of the document."""
    table = DOCUMENT.read_text(encoding="utf-8").partition(BEGIN)[2].partition(END)[0]
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in table.splitlines()[2:]]
    return {cells[0]: sum(int(n) for n in cells[5::3]) for cells in rows}


def rows() -> Iterator[tuple[Path, tuple[str, int] | str]]:
    """Of all examples, in order, on all cores."""
    with ProcessPoolExecutor(mp_context=get_context("spawn")) as pool:
        yield from zip(EXAMPLES, pool.map(row, EXAMPLES), strict=True)


def main() -> int:
    """With `--check` status 1 if registers of a kernel spill more than the document says."""
    heads = [f"{major}.{minor}: registers | shared | spills" for major, minor in CAPABILITIES]
    lines = [f"| example | shape | precision | {' | '.join(heads)} |", "|---" * (3 + 3 * len(heads)) + "|"]
    said, more = known(), list[str]()
    for path, found in rows():
        print(f"{name(path)}: {found}" if isinstance(found, str) else found[0], flush=True)
        if not isinstance(found, str):
            lines.append(found[0])
            more += [name(path)] * (found[1] > said.get(name(path), 0))
    if "--check" not in sys.argv:
        before, _, rest = DOCUMENT.read_text(encoding="utf-8").partition(BEGIN)
        after = rest.partition(END)[2]
        text = before + BEGIN + "\n".join(lines) + "\n" + END + after
        DOCUMENT.write_text(text, encoding="utf-8")
    print(
        f"{len(lines) - 2} kernels; more is spilled than {DOCUMENT.name} says by: {', '.join(more) or 'none'}"
    )
    return 1 if more and "--check" in sys.argv else 0


if __name__ == "__main__":
    sys.exit(main())
