"""The examples: each has the canonical layout, as the library, is one page, and reaches what it expects."""

from __future__ import annotations

from pathlib import Path

import pytest

from netc.command_line import main
from netc.dsl import ast, library
from netc.dsl.format import format_program
from netc.dsl.parser import parse
from netc.dsl.source import Source

FOLDER = Path(__file__).parent.parent / "examples"
EXAMPLES = sorted(FOLDER.glob("*.net"))
ALL = sorted(FOLDER.rglob("*.net"))
FETCHED = ("mnist", "lenet1")
"""They need data that do not come with the project."""
OF_THE_TALK = (
    "splitting_a",
    "splitting_speth",
    "three_points_rag",
    "benchmark1_lcd",
    "benchmark2_lc",
    "benchmark2_awb",
)
"""Of `examples/turpault2024`, the quick ones; `netc reproduce` runs them all."""


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


@pytest.mark.parametrize("path", [p for p in EXAMPLES if p.stem not in FETCHED], ids=lambda p: p.stem)
def test_it_reaches_its_result(path: Path, tmp_path: Path) -> None:
    assert main(["reproduce", str(path), "--out", str(tmp_path)]) == 0


def test_every_file_passes_the_check() -> None:
    assert main(["check", *map(str, ALL)]) == 0


@pytest.mark.parametrize("name", OF_THE_TALK)
def test_the_talk(name: str, tmp_path: Path) -> None:
    assert main(["reproduce", str(FOLDER / "turpault2024" / f"{name}.net"), "--out", str(tmp_path)]) == 0
