"""What the shipped examples' CUDA kernels take of a GPU, by the offline compiler and ptxas: a table for docs/cuda.md.

`PYTHONPATH=tests .venv/bin/python -m cuda_table` writes it. Needs netc[cuda], no GPU.
"""

from __future__ import annotations

import re
from pathlib import Path

from netc.dsl.diagnostics import SpecError
from netc.runtime import session as sessions
from netc.runtime.cuda_types import CAPABILITIES, Resources, assembled, ptx

ROOT = Path(__file__).parent.parent
EXAMPLES = sorted((ROOT / "examples").rglob("*.net"))
DOCUMENT = ROOT / "docs" / "cuda.md"
FLOAT_ATOMIC = re.compile(r"\b(atom|red)\.\S*\.f(16|32|64)")
BEGIN, END = "<!-- table -->\n", "<!-- end of table -->\n"


def name(path: Path) -> str:
    return str(path.relative_to(ROOT / "examples").with_suffix(""))


def compiled(path: Path) -> tuple[str, str, list[Resources]]:
    """Shape, precision, and what each compute capability takes. Raises SpecError where there are no data."""
    module = sessions.open_session(sessions.read_file(path), {}).cuda_module()
    texts = {c: ptx(module, c) for c in CAPABILITIES}
    assert not any(FLOAT_ATOMIC.search(text) for text in texts.values()), (
        "sums must not depend on who comes first"
    )
    return module.SHAPE, module.REAL, [assembled(text, c) for c, text in texts.items()]


def table() -> str:
    heads = [f"{major}.{minor}: registers | shared | spills" for major, minor in CAPABILITIES]
    rows = [f"| example | shape | precision | {' | '.join(heads)} |", "|---" * (3 + 3 * len(heads)) + "|"]
    for path in EXAMPLES:
        try:
            shape, real, found = compiled(path)
        except SpecError:
            print(f"{name(path)}: its data are not here")
            continue
        cells = [str(n) for r in found for n in (r.registers, r.shared, r.spills)]
        rows.append(f"| {name(path)} | {shape} | {real} | {' | '.join(cells)} |")
    return "\n".join(rows) + "\n"


if __name__ == "__main__":
    before, _, rest = DOCUMENT.read_text(encoding="utf-8").partition(BEGIN)
    after = rest.partition(END)[2]
    DOCUMENT.write_text(before + BEGIN + table() + END + after, encoding="utf-8")
