"""What a check finds in every example, with all defaults written out, has the pinned fingerprint.

`--update-golden` accepts those of this run; `netc show --stage spec FILE` prints one, for a diff with a checkout of before.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from kernel_texts import EXAMPLES, fingerprint
from netc.compiler import pipeline
from netc.compiler.show import show_tree
from netc.dsl.parser import parse
from netc.dsl.source import Source

PINNED = Path(__file__).with_name("golden") / "specs.txt"
DEEP = ("layers/convnext", "layers/resnet", "layers/vgg", "lopes_quintas/stochastic_depth")
"""Seconds each, for more of the same."""
FILES = {str(path.relative_to(EXAMPLES).with_suffix("")): path for path in sorted(EXAMPLES.rglob("*.net"))}
FILES = {name: path for name, path in FILES.items() if name not in DEEP}


def pinned() -> dict[str, str]:
    return dict(line.split() for line in PINNED.read_text(encoding="utf-8").splitlines())


@pytest.mark.parametrize("name", FILES)
def test_the_spec_is_the_pinned_one(name: str, update_golden: bool) -> None:
    """No data are read: what is asked of them is compared elsewhere."""
    path = FILES[name]
    spec = pipeline.to_spec(parse(Source(path.name, path.read_text(encoding="utf-8"))), None, path.parent)
    text = show_tree(replace(spec, program=None)).replace(str(EXAMPLES.resolve()), "examples")
    found = fingerprint(text.replace(str(EXAMPLES), "examples"))
    known = pinned()
    if update_golden:
        known[name] = found
        PINNED.write_text("".join(f"{n} {known[n]}\n" for n in FILES if n in known), encoding="utf-8")
    assert known.get(name) == found, (
        f"another spec than the pinned one: netc show --stage spec examples/{name}.net"
    )


def test_all_examples_are_pinned() -> None:
    assert [*pinned()] == [*FILES]
