"""Every program in tests/bad meets the message pinned beside it, and every code has a program."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from netc.compiler.check.training.counts import wrong_counts
from netc.compiler.meaning.spec import Facts
from netc.compiler.pipeline import to_spec, to_warnings
from netc.dsl.diagnostics import SpecError, render
from netc.dsl.parser import parse
from netc.dsl.source import Source
from netc.dsl.stories.codes import CODES

BAD = Path(__file__).with_name("bad")
PROGRAMS = sorted(BAD.glob("*.net"))


def diagnose(path: Path) -> str:
    """What `netc check` has to say about the file. Its comments tell of the data, and what `--set` says."""
    source = Source(path.name, path.read_bytes().decode())
    facts = re.search(r"# facts (.*)", source.text)
    overrides = re.search(r"# set (.*)", source.text)
    try:
        checked = to_spec(
            parse(source),
            _facts(**_pairs(facts[1])) if facts else None,
            path.parent,
            {**_pairs(overrides[1])} if overrides else None,
        )
    except SpecError as error:
        return render(error.diagnostics)
    return render(list(wrong_counts(checked)) or to_warnings(checked))


def _pairs(text: str) -> dict[str, str]:
    return dict(pair.split("=") for pair in text.split())


def _facts(inputs: str, targets: str, samples: str, labels: str = "") -> Facts:
    return Facts(int(inputs), int(targets), int(samples), tuple(labels.split(",")) if labels else ())


@pytest.mark.parametrize("path", PROGRAMS, ids=lambda path: path.stem)
def test_message_is_the_pinned_one(path: Path, update_golden: bool) -> None:
    said = diagnose(path) + "\n"
    pinned = path.with_suffix(".out")
    if update_golden:
        pinned.write_text(said, encoding="utf-8")
    assert said == pinned.read_text(encoding="utf-8")
    assert f"[{path.stem[:5]}]" in said


def test_every_code_has_a_bad_program() -> None:
    """Those of the data (E06xx) have folders of their own, pinned by their own tests."""
    pinned = "".join(path.read_text(encoding="utf-8") for path in BAD.parent.glob("bad*/*.out"))
    assert set(CODES) <= set(re.findall(r"\[(E\d{4})\]", pinned))


def test_every_pinned_message_has_its_program() -> None:
    assert {path.stem for path in BAD.glob("*.out")} == {path.stem for path in PROGRAMS}
