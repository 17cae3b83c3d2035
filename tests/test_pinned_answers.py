"""What the check says of some hundred programs, right and wrong, is held still; of right ones what they compute as well.

They go where the programs in `bad` and the examples do not. `--update-golden` accepts what is said in this run.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from kernel_texts import fingerprint
from netc.compiler.check.training.counts import wrong_counts
from netc.compiler.pipeline import to_ir, to_spec, to_warnings
from netc.compiler.show import show_tree
from netc.compiler.show_ir import show
from netc.dsl.diagnostics import SpecError, render
from netc.dsl.parser import parse
from netc.dsl.source import Source
from sweeps import one_in

PINNED = Path(__file__).with_name("golden") / "answers"
PROGRAM, ANSWER = "=== program\n", "=== answer\n"


def answer(program: str) -> str:
    try:
        checked = to_spec(parse(Source("program.net", program)), None, PINNED)
        computation = show(to_ir(checked))
    except SpecError as error:
        return render(error.diagnostics)
    spec = show_tree(replace(checked, program=None))
    ok = f"ok: spec {here(spec)}, ir {here(computation)}"
    return "\n".join(filter(None, (render(list(wrong_counts(checked)) or to_warnings(checked)), ok)))


def here(text: str) -> str:
    """The fingerprint, wherever the folder is."""
    return fingerprint(text.replace(str(PINNED.resolve()), "").replace(str(PINNED), ""))


@cache
def pairs(file: str) -> dict[str, str]:
    """Programs, and what is said of them."""
    blocks = (PINNED / file).read_text(encoding="utf-8").split(PROGRAM)[1:]
    found = (block.split(ANSWER) for block in blocks)
    return {program: said.rstrip("\n") for program, said in found}


CASES = [
    (path.name, number) for path in sorted(PINNED.glob("*.txt")) for number, _ in enumerate(pairs(path.name))
]


@pytest.mark.parametrize(("file", "number"), one_in(6, CASES))
def test_the_answer_is_the_pinned_one(file: str, number: int, update_golden: bool) -> None:
    program, pinned = [*pairs(file).items()][number]
    said = answer(program)
    if update_golden:
        pairs(file)[program] = said
        text = "".join(f"{PROGRAM}{p}{ANSWER}{a}\n\n" for p, a in pairs(file).items())
        (PINNED / file).write_text(text, encoding="utf-8")
        return
    assert said == pinned
