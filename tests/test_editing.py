"""The language server, over the protocol with pygls' own client; half a file never crashes; editors' words are current."""

from __future__ import annotations

import asyncio
import json
import re
import sys
from pathlib import Path

import pytest

from netc.dsl import library
from netc.dsl.lexer import Lexer
from netc.dsl.parser import literals
from netc.dsl.source import Source
from netc.dsl.tokens import LAYOUT, STATEMENTS, comments
from netc.editors import editing, textmate

VSCODE = Path(__file__).parents[1] / "editors" / "vscode"
EXAMPLES = Path(__file__).parents[1] / "examples"
BOSTON = (EXAMPLES / "boston.net").read_text(encoding="utf-8")
OWN = """objective R(x) = x^2
init theta = 1
optimizer mine(η = 0.1):
    θ[n+1] = θ[n] - η·∇R(θ[n])
train steps = 3
"""


@pytest.mark.parametrize("text", [BOSTON, OWN], ids=["boston", "own"])
def test_half_a_file_never_crashes(text):
    path = Path("x.net")
    for end in range(0, len(text) + 1, 7):
        half = text[:end]
        editing.diagnostics(half, path, with_data=False)
        editing.formatted(half, path)
        assert editing.completion(half, end)
        editing.hover(half, end)
        editing.definition(half, path, end)


def test_hover_has_equations_and_sources():
    text = "optimizer torch.Adam(lr = 0.1)"
    told = editing.hover(text, text.index("Adam"))
    assert library.text("optimizer", "torch.Adam").rstrip() in told
    assert "torch/optim/adam.py" in told
    assert "mine(η = 0.1)" in editing.hover(OWN, OWN.index("mine"))
    assert editing.hover(text, text.index("0.1")) == ""


def test_a_definition_is_found_in_the_file_and_in_the_library():
    path, span = editing.definition(BOSTON, Path("x.net"), BOSTON.index("momentum.ema") + 3)
    assert path.read_text(encoding="utf-8")[span.start :].startswith("optimizer momentum.ema")
    path, span = editing.definition(OWN, Path("x.net"), OWN.index("mine"))
    assert (path, span.start) == (Path("x.net"), OWN.index("optimizer"))


def offered(text):
    return {offer.word for offer in editing.completion(text, len(text))}


def test_completion_goes_by_the_statement():
    assert offered("tr") == {*STATEMENTS}
    assert {"torch.Adam", "momentum.ema"} <= offered("optimizer to")
    assert {"lr", "eps"} <= offered("optimizer torch.Adam(lr = 0.1, ")
    for begun in ("train ", "train epo", "train epochs = 3, "):
        assert {"epochs", "batch", "stop"} <= offered(begun)
    assert "epochs" not in offered("train epochs = ")
    assert {"target", "scale", "split"} <= offered("data boston,\n     ta")
    assert {"tanh", "conv"} <= offered("network [3(ta")
    assert "boston" in offered("data bo")
    assert "half_mse" in offered("loss ")


def test_the_words_of_editors_are_those_of_the_language():
    """`python -m netc.editors.textmate > editors/vscode/syntaxes/netc.tmLanguage.json`"""
    made = VSCODE / "syntaxes" / "netc.tmLanguage.json"
    assert made.read_text(encoding="utf-8") == textmate.text(), "make it anew"
    package = json.loads((VSCODE / "package.json").read_text())
    for path in (package["main"], *(g["path"] for g in package["contributes"]["grammars"])):
        assert (VSCODE / path).is_file()


MORE = """\
init layer1: from "a.safetensors"
optimizer my:
    evaluate at avg[n]
    repeat at most 20:
        until x < 1e−3
    z[n+1] = β₁*x² + 1..m + .5 + ½
"""
"""What no example has."""
SCOPES = {
    "comment": r"comment", "TEXT": r"string", "NUMBER": r"constant\.numeric", "SHAPE": r"constant\.numeric",
    "NAME": r"variable|support|constant\.language", "sign": r"keyword\.operator|variable|constant|punctuation|$",
    "word": r"keyword",
}  # fmt: skip
"""Of each kind of token. A dot stands within a name, a percent sign behind a number."""


def scopes(text: str) -> list[str]:
    """Of each character, as an editor has it: line by line the first match, of several the pattern that stands first."""
    patterns = [(re.compile(p["match"]), p) for p in textmate.grammar()["patterns"]]
    found: list[str] = []
    for line in text.splitlines(keepends=True):
        of, at = [""] * len(line), 0
        while matches := [(m.start(), i) for i, (r, _) in enumerate(patterns) if (m := r.search(line, at))]:
            pattern, given = patterns[min(matches)[1]]
            match = pattern.search(line, at)
            named = given.get("captures", {"0": {"name": given.get("name")}})
            for group, scope in named.items():
                start, end = match.span(int(group))
                of[start:end] = [scope["name"]] * (end - start)
            at = match.end()
        found += of
    return found


def test_an_editor_colours_what_the_lexer_reads():
    texts = [MORE, *(path.read_text(encoding="utf-8") for path in sorted(EXAMPLES.rglob("*.net")))]
    for text in texts:
        source, given = Source("t.net", text), scopes(text)
        tokens = [(t.span, str(t), t.type) for c in Lexer(source, literals()).run() for t in c.tokens]
        tokens += [(span, "", "comment") for span in comments(source)]
        for span, read, kind in tokens:
            if kind in LAYOUT or span.text == "for":  # `for 20 epochs` is coloured as `for i in 1..m`
                continue
            kind = kind if kind in SCOPES else "word" if read[0].isalpha() else "sign"
            at = set(given[span.start : span.end])
            assert all(re.match(SCOPES[kind], scope) for scope in at), (span.text, at, kind)


# -- over the protocol ----------------------------------------------------------------------------


def spoken(folder: Path, talk):
    """Starts `netc lsp` and talks to it; `talk(client, uri, told)`, where `told` are the diagnostics in order."""
    pytest.importorskip("pygls")
    from lsprotocol import types
    from pygls.lsp.client import LanguageClient

    async def session():
        client, told = LanguageClient("test", "1"), asyncio.Queue()

        @client.feature(types.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS)
        def _(params):
            told.put_nowait(params)

        await client.start_io(sys.executable, "-m", "netc", "lsp")
        asked = types.InitializeParams(types.ClientCapabilities(), root_uri=folder.as_uri())
        answer = await client.initialize_async(asked)
        client.initialized(types.InitializedParams())
        try:
            return await asyncio.wait_for(talk(client, (folder / "a.net").as_uri(), told, answer), 90)
        finally:
            await client.shutdown_async(None)
            client.exit(None)
            await client.stop()

    return asyncio.run(session())


def test_a_wrong_file_in_an_editor(tmp_path):
    from lsprotocol import types

    wrong = OWN.replace("train steps", "train stepz")

    async def talk(client, uri, told, answer):
        assert answer.capabilities.hover_provider
        client.text_document_did_open(
            types.DidOpenTextDocumentParams(types.TextDocumentItem(uri, "netc", 1, wrong))
        )
        (found,) = (await told.get()).diagnostics
        assert found.code == "E0501"
        assert (found.range.start.line, found.range.start.character) == (4, 6)
        assert "steps" in found.message
        whole = types.TextDocumentContentChangeWholeDocument(OWN.replace("θ[n+1]", "θ[n+1]   "))
        document = types.VersionedTextDocumentIdentifier(2, uri)
        client.text_document_did_change(types.DidChangeTextDocumentParams(document, [whole]))
        assert not (await told.get()).diagnostics
        here = types.TextDocumentIdentifier(uri)
        place = types.Position(2, 11)
        shown = await client.text_document_hover_async(types.HoverParams(here, place))
        assert "mine(η = 0.1)" in shown.contents.value
        where = await client.text_document_definition_async(types.DefinitionParams(here, place))
        assert (where.uri, where.range.start.line) == (uri, 2)
        items = await client.text_document_completion_async(
            types.CompletionParams(here, types.Position(4, 2))
        )
        assert {item.label for item in items} == {*STATEMENTS}
        options = types.FormattingOptions(4, True)
        (edit,) = await client.text_document_formatting_async(types.DocumentFormattingParams(here, options))
        assert "theta[n+1] = " in edit.new_text or "θ[n+1] = " in edit.new_text
        for end in (0, 20, 40, 60, 90):  # half a file
            half = types.TextDocumentContentChangeWholeDocument(OWN[:end])
            client.text_document_did_change(types.DidChangeTextDocumentParams(document, [half]))
            await told.get()
        return True

    pytest.importorskip("pygls")
    assert spoken(tmp_path, talk)
