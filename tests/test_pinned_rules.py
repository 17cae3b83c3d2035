"""What the rules of the library compute has the pinned fingerprints, each as it is and with each of its flags set.

`--update-golden` accepts those of this run. Whether it is right is judged elsewhere, by recordings, oracles and papers.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from kernel_texts import fingerprint
from lowering import lowered
from netc.compiler.meaning.bind_arguments import is_flag
from netc.compiler.show_ir import show
from netc.dsl import ast, library
from netc.dsl.diagnostics import SpecError
from sweeps import one_in

PINNED = Path(__file__).with_name("golden") / "rules.txt"
NETWORK = """data x in {0, 1, 2, 3} -> x^2
network [1(tanh)2(lin)1]
init glorot_uniform
loss half_mse
train epochs = 9, batch = 2 parts, shuffle = false
"""
NAMES = library.names("optimizer")


def calls(name: str) -> Iterator[str]:
    """Each number that has no default is said, and one flag after the other."""
    rule = library.lookup("optimizer", name)
    assert isinstance(rule, ast.Optimizer)
    needed = [f"{p.name} = 0.1" for p in rule.parameters if p.default is None]
    yield f"{name}({', '.join(needed)})"
    for p in filter(is_flag, rule.parameters):
        other = "false" if p.default == ast.Name("true") else "true"
        yield f"{name}({', '.join([*needed, f'{p.name} = {other}'])})"


def computation(call: str) -> str:
    """Of one call; or why it is refused, as `nesterov` is without momentum."""
    try:
        return show(lowered(f"{NETWORK}optimizer {call}\n"))
    except SpecError as error:
        return str(error)


@pytest.mark.parametrize("name", one_in(4, NAMES))
def test_the_rule_computes_what_is_pinned(name: str, update_golden: bool) -> None:
    lines = PINNED.read_text(encoding="utf-8").splitlines()
    known = dict(line.rsplit(" ", 1) for line in lines)
    found = {call: fingerprint(computation(call)) for call in calls(name)}
    if update_golden:
        known |= found
        kept = [call for n in NAMES for call in calls(n) if call in known]
        PINNED.write_text("".join(f"{call} {known[call]}\n" for call in kept), encoding="utf-8")
    assert found == {call: known.get(call) for call in found}


def test_all_rules_are_pinned() -> None:
    lines = PINNED.read_text(encoding="utf-8").splitlines()
    assert [line.rsplit(" ", 1)[0] for line in lines] == [call for name in NAMES for call in calls(name)]
