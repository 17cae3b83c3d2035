"""The Pygments lexer: every text of the project is cut whole, its words have their kinds."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_by_name, get_lexer_for_filename
from pygments.token import Comment, Error, Keyword, Name, Number, String

from netc.dsl import library
from netc.dsl.tokens import STATEMENTS

ROOT = Path(__file__).parents[1]
EXAMPLES = sorted((ROOT / "examples").rglob("*.net"))
TEXT = """# a comment
data "house.csv", target = price, split = 80%
network [2(tanh)8(lin)1]
optimizer torch.Adam(lr = 0.01)
train epochs = 20, shuffle = false
activation bump(z; width = 1) = exp(-z²/width) if z > 0 else 0
"""


def kinds(text):
    return {(word, kind) for kind, word in get_lexer_by_name("netc").get_tokens(text)}


def test_pygments_finds_it_by_the_ending_of_a_file():
    assert type(get_lexer_for_filename("house.net")).__name__ == "NetcLexer"


def test_the_fences_of_the_documents_have_their_colours():
    pages = (p.read_text() for p in sorted((ROOT / "docs").glob("*.md")))
    named = {word for page in pages for word in re.findall(r"^```(\w+)", page, re.MULTILINE)}
    assert {"net", "console", "python"} <= named
    found = {word: type(get_lexer_by_name(word)).__name__ for word in named}
    assert found["net"] == "NetcLexer"


@pytest.mark.parametrize("text", [*(p.read_text() for p in EXAMPLES), *(s.text for s in library.sources())])
def test_every_text_of_the_project_is_cut_whole(text):
    tokens = list(get_lexer_by_name("netc", stripnl=False, ensurenl=False).get_tokens(text))
    assert "".join(word for _, word in tokens) == text.replace("\r\n", "\n")
    assert not [word for kind, word in tokens if kind is Error]


def test_words_have_their_kinds():
    found = kinds(TEXT)
    for word in ("data", "network", "optimizer", "train", "activation"):
        assert word in STATEMENTS
        assert (word, Keyword.Declaration) in found
    for word, kind in (
        ("# a comment", Comment.Single), ('"house.csv"', String.Double), ("target", Name.Attribute), ("0.01", Number.Float),
        ("false", Keyword.Constant), ("if", Keyword), ("else", Keyword), ("exp", Name.Function), ("torch", Name.Class),
    ):  # fmt: skip
        assert (word, kind) in found, word
    assert ("train", Name.Attribute) in kinds("data x, train = 1\n")  # a setting, not a statement


def test_it_makes_html():
    page = highlight(TEXT, get_lexer_by_name("netc"), HtmlFormatter())
    assert '<span class="kd">network</span>' in page
