"""What a check finds in every example, with all defaults written out, and what is computed have the pinned fingerprints.

`--update-golden` accepts those of this run; `netc show --stage spec FILE`, or `ir`, is for a diff with a checkout of before.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from kernel_texts import EXAMPLES, fingerprint
from netc.compiler import pipeline
from netc.compiler.show import show_tree
from netc.compiler.show_ir import show
from netc.dsl.parser import parse
from netc.dsl.source import Source
from sweeps import one_in

PINNED = Path(__file__).with_name("golden") / "specs.txt"
DEEP = ("layers/convnext", "layers/resnet", "layers/vgg", "lopes_quintas/stochastic_depth")
"""Seconds each, for more of the same."""
FILES = {str(path.relative_to(EXAMPLES).with_suffix("")): path for path in sorted(EXAMPLES.rglob("*.net"))}
FILES = {name: path for name, path in FILES.items() if name not in DEEP}


def pinned() -> dict[str, tuple[str, ...]]:
    lines = PINNED.read_text(encoding="utf-8").splitlines()
    return {name: tuple(found) for name, *found in map(str.split, lines)}


@pytest.mark.parametrize("name", one_in(4, FILES))
def test_the_spec_and_the_computation_are_the_pinned_ones(name: str, update_golden: bool) -> None:
    """No data are read: what is asked of them is compared elsewhere."""
    path = FILES[name]
    spec = pipeline.to_spec(parse(Source(path.name, path.read_text(encoding="utf-8"))), None, path.parent)
    text = show_tree(replace(spec, program=None)).replace(str(EXAMPLES.resolve()), "examples")
    computation = show(pipeline.to_ir(spec)).replace(str(EXAMPLES.resolve()), "examples")
    found = tuple(fingerprint(t.replace(str(EXAMPLES), "examples")) for t in (text, computation))
    known = pinned()
    if update_golden:
        known[name] = found
        PINNED.write_text(
            "".join(f"{n} {' '.join(known[n])}\n" for n in FILES if n in known), encoding="utf-8"
        )
    before = known.get(name, ("", ""))
    stages = [stage for stage, old, new in zip(("spec", "ir"), before, found, strict=True) if old != new]
    assert not stages, f"not as pinned: netc show --stage {stages[0]} examples/{name}.net"


def test_all_examples_are_pinned() -> None:
    assert [*pinned()] == [*FILES]
