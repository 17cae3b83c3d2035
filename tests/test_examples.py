"""The examples: each has the canonical layout, as the library, is one page, and reaches what it expects."""

from __future__ import annotations

from pathlib import Path

import pytest

from netc.command_line import main
from netc.dsl import ast, library
from netc.dsl.format import format_program
from netc.dsl.parser import parse
from netc.dsl.source import Source
from sweeps import one_in

FOLDER = Path(__file__).parent.parent / "examples"
ALL = sorted(FOLDER.rglob("*.net"))
QUICK = ("boston", "turpault2024/benchmark1_lcd")
"""`.ci/run` has `netc reproduce` run them all."""


@pytest.mark.parametrize("path", ALL, ids=lambda p: p.stem)
def test_it_states_its_result_on_one_page(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    program = parse(Source(path.name, text))
    assert any(isinstance(s, ast.Expect) for s in program.statements)
    assert text.startswith("# ")
    assert len(text.splitlines()) <= 40


SOURCES = [*(Source(p.name, p.read_text(encoding="utf-8")) for p in ALL), *library.sources()]


@pytest.mark.parametrize("source", SOURCES, ids=lambda s: s.name)
def test_its_layout_is_canonical(source: Source) -> None:
    assert format_program(parse(source), source) == source.text


@pytest.mark.parametrize("name", one_in(2, QUICK))
def test_it_reaches_its_result(name: str, tmp_path: Path) -> None:
    assert main(["reproduce", str(FOLDER / f"{name}.net"), "--out", str(tmp_path)]) == 0


@pytest.mark.parametrize("path", one_in(4, ALL), ids=lambda p: p.stem)
def test_it_passes_the_check(path: Path) -> None:
    assert main(["check", str(path)]) == 0
