"""The grammar is LALR(1) without conflicts, and reading a file needs nothing heavy."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import lark
import pytest
from lark.exceptions import GrammarError

import netc.grammar
from netc.dsl.builder.build import callbacks
from netc.dsl.parser import Tokens, literals
from netc.dsl.tokens import ACTIONS, AFTER, RESERVED, STATEMENTS

TEXT = Path(netc.grammar.__file__).with_name("netc.lark").read_text(encoding="utf-8")


def conflicts(text: str, caplog: pytest.LogCaptureFixture) -> list[str]:
    """What lark resolves silently unless asked: shift/reduce conflicts (reduce/reduce ones raise)."""
    caplog.set_level("DEBUG", logger=lark.logger.name)
    lark.logger.propagate = True
    lark.Lark(text, parser="lalr", lexer=Tokens, start=["statement", "expression", "rule"], debug=True)
    return [record.message for record in caplog.records if "conflict" in record.message.lower()]


def test_grammar_has_no_conflicts(caplog: pytest.LogCaptureFixture) -> None:
    assert conflicts(TEXT, caplog) == []


def test_a_conflict_would_be_seen(caplog: pytest.LogCaptureFixture) -> None:
    try:
        found = conflicts(
            TEXT.replace("?span:      sum |", "?span:      sum | span PLUS span -> binary |"), caplog
        )
    except GrammarError as error:
        found = [str(error)]
    assert found


def test_every_rule_that_makes_a_node_has_its_method() -> None:
    parser = lark.Lark(TEXT, parser="lalr", lexer=Tokens, start=["statement", "expression", "rule"])
    made = {
        rule.alias or rule.origin.name
        for rule in parser.rules
        if rule.alias or not (rule.options.expand1 or rule.origin.name.startswith("_"))
    }
    assert {str(name) for name in made} == set(vars(callbacks()))


def test_lexer_and_grammar_agree_on_the_words() -> None:
    words = {text for text in literals() if text.isidentifier()}
    assert words == {*STATEMENTS, *ACTIONS, *RESERVED, *AFTER}


def test_reading_a_file_imports_nothing_heavy() -> None:
    code = (
        "import sys\n"
        "from netc.dsl.parser import parse\n"
        "from netc.dsl.source import Source\n"
        "parse(Source('t', 'network [13(tanh)15(lin)1]'))\n"
        "print(*sorted({name.partition('.')[0] for name in sys.modules}))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert "lark" in loaded
    assert not loaded & {"numpy", "numba", "click", "rich", "difflib", "scipy"}


@pytest.mark.sweep
def test_unreadable_table_is_made_anew(tmp_path: Path) -> None:
    """Whatever lies in the cache, or if there can be none, files are read."""
    code = "from netc.dsl.parser import parse_expression; print(parse_expression('1'))"

    def run(cache: Path) -> str:
        environment = {"XDG_CACHE_HOME": str(cache), "HOME": str(cache), "PATH": ""}
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment)
        assert done.stderr == ""
        return done.stdout

    expected = "Number(value=1.0, text='1')\n"
    assert run(tmp_path) == expected
    (table,) = tmp_path.rglob("grammar.table")
    whole = table.read_bytes()
    for damaged in (b"", b"junk", whole[: len(whole) // 2], whole[:-7], b"0" * 64 + whole[64:]):
        table.write_bytes(damaged)
        assert run(tmp_path) == expected
    blocked = tmp_path / "file"
    blocked.write_text("a file where a folder is due")
    assert run(blocked) == expected
