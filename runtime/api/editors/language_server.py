"""The language server: the questions of an editor (LSP) -> `editing.py`, and its answers back."""

from __future__ import annotations

from pathlib import Path

from lsprotocol import types
from pygls.lsp.server import LanguageServer
from pygls.uris import to_fs_path
from pygls.workspace import TextDocument

from netc import __version__
from netc.dsl.diagnostics import Diagnostic
from netc.dsl.source import Source, Span
from netc.editors import editing

SORTS = {
    "keyword": types.CompletionItemKind.Keyword,
    "definition": types.CompletionItemKind.Class,
    "setting": types.CompletionItemKind.Property,
    "function": types.CompletionItemKind.Function,
}

Asked = types.HoverParams | types.CompletionParams | types.DefinitionParams
"""About a place in a text."""


def make_server() -> LanguageServer:
    server = LanguageServer("netc", __version__)
    typed = types.CompletionOptions(trigger_characters=[".", " ", "("])
    for question, answer, options in (
        (types.TEXT_DOCUMENT_DID_OPEN, _opened, None),
        (types.TEXT_DOCUMENT_DID_SAVE, _opened, None),
        (types.TEXT_DOCUMENT_DID_CHANGE, _changed, None),
        (types.TEXT_DOCUMENT_DID_CLOSE, _closed, None),
        (types.TEXT_DOCUMENT_HOVER, _hover, None),
        (types.TEXT_DOCUMENT_COMPLETION, _completion, typed),
        (types.TEXT_DOCUMENT_DEFINITION, _definition, None),
        (types.TEXT_DOCUMENT_FORMATTING, _formatting, None),
    ):
        server.feature(question, options)(answer)
    return server


def _opened(
    ls: LanguageServer, params: types.DidOpenTextDocumentParams | types.DidSaveTextDocumentParams
) -> None:
    _tell(ls, params.text_document.uri, with_data=True)


def _changed(ls: LanguageServer, params: types.DidChangeTextDocumentParams) -> None:
    """As one types, data are not read."""
    _tell(ls, params.text_document.uri, with_data=False)


def _tell(ls: LanguageServer, uri: str, with_data: bool) -> None:
    document = ls.workspace.get_text_document(uri)
    found = editing.diagnostics(document.source, _path(document), with_data)
    own = [_diagnostic(d, document) for d in found]
    ls.text_document_publish_diagnostics(types.PublishDiagnosticsParams(uri, own, document.version))


def _closed(ls: LanguageServer, params: types.DidCloseTextDocumentParams) -> None:
    ls.text_document_publish_diagnostics(types.PublishDiagnosticsParams(params.text_document.uri, []))


def _hover(ls: LanguageServer, params: types.HoverParams) -> types.Hover | None:
    document, at = _place(ls, params)
    text = editing.hover(document.source, at)
    return types.Hover(types.MarkupContent(types.MarkupKind.Markdown, text)) if text else None


def _completion(ls: LanguageServer, params: types.CompletionParams) -> list[types.CompletionItem]:
    document, at = _place(ls, params)
    _, start, _ = editing.word_at(document.source[:at], at)
    place = _range(Span(Source("", document.source), start, at))
    return [
        types.CompletionItem(
            o.word, kind=SORTS[o.sort], detail=o.about or None, text_edit=types.TextEdit(place, o.word)
        )
        for o in editing.completion(document.source, at)
    ]


def _definition(ls: LanguageServer, params: types.DefinitionParams) -> types.Location | None:
    document, at = _place(ls, params)
    found = editing.definition(document.source, _path(document), at)
    if found is None:
        return None
    path, span = found
    uri = document.uri if path == _path(document) else path.as_uri()
    return types.Location(uri, _range(span))


def _formatting(ls: LanguageServer, params: types.DocumentFormattingParams) -> list[types.TextEdit] | None:
    document = ls.workspace.get_text_document(params.text_document.uri)
    text = editing.formatted(document.source, _path(document))
    if text is None or text == document.source:
        return None
    whole = Span(Source("", document.source), 0, len(document.source))
    return [types.TextEdit(_range(whole), text)]


def _place(ls: LanguageServer, params: Asked) -> tuple[TextDocument, int]:
    document = ls.workspace.get_text_document(params.text_document.uri)
    return document, document.offset_at_position(params.position)


def _path(document: TextDocument) -> Path:
    """Of a text that is not saved yet: a name in the working directory."""
    found = to_fs_path(document.uri)
    return Path(found) if found and document.uri.startswith("file:") else Path.cwd() / "untitled.net"


def _diagnostic(d: Diagnostic, document: TextDocument) -> types.Diagnostic:
    """What lies in another text, such as a data file, stands at the beginning, with its place in words."""
    own = d.span.source.text == document.source
    where = "" if own else f"{d.span.source.name}:{d.span.source.position(d.span.start)[0]}: "
    lines = [where + d.message, *d.notes, *(f"hint: {hint}" for hint in d.hints)]
    span = d.span if own else Span(Source("", document.source), 0, len(document.source.split("\n")[0]))
    severity = types.DiagnosticSeverity.Error if d.severity == "error" else types.DiagnosticSeverity.Warning
    return types.Diagnostic(_range(span), "\n".join(lines), severity=severity, code=d.code, source="netc")


def _range(span: Span) -> types.Range:
    return types.Range(_position(span.source.text, span.start), _position(span.source.text, span.end))


def _position(text: str, at: int) -> types.Position:
    """Columns are counted in units of UTF-16, as the protocol has it."""
    start = text.rfind("\n", 0, at) + 1
    return types.Position(text.count("\n", 0, at), len(text[start:at].encode("utf-16-le")) // 2)
