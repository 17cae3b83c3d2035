"""What the parser could not read, in the user's terms: what is there, what may be there, the likely fix.

Gets the token at which a statement stopped making sense and what the grammar would have taken there instead.
"""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import pairwise

from netc.dsl.diagnostics import Diagnostic
from netc.dsl.failure import Failure
from netc.dsl.names import did_you_mean
from netc.dsl.source import Span
from netc.dsl.tokens import ACTIONS, LAYOUT, RESERVED, STATEMENTS, Lexeme
from netc.dsl.words.foreign_words import NETWORK, Place
from netc.dsl.words.forms import FORMS, OF_WORDS
from netc.dsl.words.slips import CHOICE, COMMENT, POWER, certain, habit
from netc.dsl.words.slips_of_images import image_network_meant
from netc.dsl.words.slips_of_papers import network_meant
from netc.dsl.words.token_words import VALUE, expected, found_there
from netc.dsl.words.vocabulary import at_home, joined, meant

EXTENSIONS = ["csv", "tsv", "npy", "npz", "parquet", "net", "safetensors", "gz", "txt"]


def explain(failure: Failure) -> Diagnostic:
    """The most particular thing that can be said."""
    for story in (
        _no_statement,
        _block,
        _path,
        _hyphen,
        _product,
        _equals_or_colon,
        _reserved,
        _network,
        _end,
    ):
        diagnostic = story(failure)
        if diagnostic is not None:
            return _in_our_words(diagnostic, failure)
    message = f"expected {expected(failure.accepts)}, found {found_there(failure.token)}"
    if failure.token == "*" == failure.before():
        return Diagnostic("E0009", joined(message, POWER), failure.token.span)
    if failure.token.type == "TEXT" and "NAME" in failure.accepts and str(failure.token).isidentifier():
        message = joined(message, f"a name has no quotes, {failure.token}")
    return _in_our_words(Diagnostic("E0009", message, failure.token.span, hints=_hints(failure)), failure)


NO_EQUALS = "'=' is not expected here"
PLACES: dict[str, Place] = {
    "network": "layer", "block": "layer", "loss": "loss", "init": "init", "optimizer": "optimizer", "train": "setting",
    "data": "setting",
}  # fmt: skip


def _in_our_words(diagnostic: Diagnostic, failure: Failure) -> Diagnostic:
    """With what a word of another tool on this line means."""
    if diagnostic.message.startswith(NO_EQUALS) or (
        diagnostic.code == "E0015" and ": " in diagnostic.message
    ):
        return diagnostic  # it is said already
    place = PLACES.get(str(failure.tokens[0]))
    words = [t for t in (*failure.line[1:], *failure.tokens[failure.at : failure.at + 2]) if t.type == "NAME"]
    found = ((w.span.text, meant(w.span.text, place)) for w in reversed(words) if place)
    says = next((s for word, s in found if s and f"'{word}'" not in s), "")
    if diagnostic.code in ("E0008", "E0009", "E0013", "E0016"):
        after = failure.tokens[failure.at + 1 : failure.at + 2]
        sure = certain(failure.line, failure.token, after, failure.accepts)
        if sure and (diagnostic.code == "E0013" or failure.tokens[0] == "optimizer"):
            diagnostic = replace(diagnostic, hints=())  # which are about products and lists
        says = sure or says
    if (
        not says and diagnostic.code == "E0009" and [str(t) for t in failure.tokens[1:2]] == ["."]
    ):  # `loss.backward()`
        says = _said(failure)
    form = FORMS[str(failure.tokens[0])] if failure.tokens[0] in OF_WORDS else ""
    general = not diagnostic.hints or f"for example: {form}" in diagnostic.hints or diagnostic.code == "E0016"
    if not says and form and general:
        return replace(diagnostic, message=joined(diagnostic.message, f"the form is {form}"), hints=())
    return replace(diagnostic, message=joined(diagnostic.message, says))


def _no_statement(failure: Failure) -> Diagnostic | None:
    """`optimiser gd`, `epochs = 200` at the margin."""
    word = failure.tokens[0]
    if failure.at > 0 or "network" not in failure.accepts:
        return None
    message = f"no statement begins with '{word.span.text}'"
    if says := at_home(str(word), ""):
        return Diagnostic("E0007", joined(message, says), word.span)
    if str(word) in "/%-":
        hints: tuple[str, ...] = (COMMENT,)
    elif word in ACTIONS:
        hints = (f"'{word}' stands inside the block of an optimizer",)
    elif says := _said(failure):
        return Diagnostic("E0007", joined(message, says), word.span)
    else:
        hints = did_you_mean(str(word), STATEMENTS)
    notes = () if hints else (f"a line begins with one of: {', '.join(STATEMENTS)}",)
    return Diagnostic("E0007", message, word.span, notes=notes, hints=hints)


def _said(failure: Failure) -> str:
    """What the first word of the line means, or the last one of its path: `torch.nn.Linear`."""
    parts = [t.span.text for t in failure.tokens[:6]]
    last = parts[0]
    for sign, word in pairwise(parts):
        last = word if sign == "." else last
    return meant(last, "statement") or meant(parts[0], "statement")


def _block(failure: Failure) -> Diagnostic | None:
    """`train:` and nothing below it; an indented line under one that has no colon is found by the lexer."""
    if "_INDENT" not in failure.accepts:
        return None
    colon = next(t for t in reversed(failure.tokens[: failure.at]) if t == ":")
    message = "nothing is indented under this line"
    hint = "the lines of a block follow the ':', each indented by the same blanks"
    return Diagnostic("E0014", message, colon.span, "a block is due after this", hints=(hint,))


def _path(failure: Failure) -> Diagnostic | None:
    """`data boston.csv`, `use ./rules.net`: a path without its quotes."""
    tokens, at = failure.tokens, failure.at
    if tokens[0] not in ("data", "use", "init") or at == 0:
        return None
    start = max(i for i in range(at) if i == 0 or tokens[i] in ("data", "use", "from", ",")) + 1
    if start == len(tokens) or "TEXT" in [t.type for t in tokens[start : at + 1]]:
        return None
    end = start
    while (
        end + 1 < len(tokens)
        and tokens[end + 1].span.start == tokens[end].span.end
        and tokens[end + 1] not in ",:"
    ):
        end += 1
    span = tokens[start].span.to(tokens[end].span)
    if not (at <= end + 1 and (span.text.rpartition(".")[2] in EXTENSIONS or "/" in span.text)):
        return None
    return Diagnostic("E0012", "a path stands in quotes", span, hints=(f'{tokens[start - 1]} "{span.text}"',))


def _hyphen(failure: Failure) -> Diagnostic | None:
    """`data fashion-mnist`: a name with a sign of minus."""
    tokens = failure.tokens[1:]
    if failure.tokens[0] != "data" or len(tokens) < 3 or tokens[1] != "-":
        return None
    end = next((i for i, t in enumerate(tokens) if t in (",", "in") or t.type in LAYOUT), len(tokens))
    span = tokens[0].span.to(tokens[end - 1].span)
    if not re.fullmatch(r"\w+(-\w+)+", span.text):
        return None
    hint = f"data {span.text.replace('-', '_')}"
    return Diagnostic("E0009", "a name has no '-' in it, that is minus", span, hints=(hint,))


def _product(failure: Failure) -> Diagnostic | None:
    """`2 theta`, `3x`, `(a + b)(c)`: a product without its sign."""
    last, token = failure.before(), failure.token
    if last is None or failure.tokens[0] in ("network", "block") or failure.accepts >= VALUE:
        return None
    begins = token.type in ("NAME", "NUMBER") or token in ("(", "√", "‖", "grad", "grad_x")
    number = last.type in ("NUMBER", "SHAPE") or token.type == "NUMBER"
    group = last in (")", "]") and "*" in failure.accepts
    if not begins or not (number or group):
        return None
    slip = habit(failure.line, token, [], failure.accepts)
    hints = [slip or "a product is written with its sign, '*'"]
    if "," in failure.accepts:
        hints.append("the things of a list are separated by ','")
    if last == "," and token.type == "NUMBER":
        hints = ["a number has a decimal point and no other sign: 0.1, 10000"]
    elif failure.tokens[0] in OF_WORDS and not slip:
        hints = []
    message = f"nothing joins '{last.span.text}' and '{token.span.text}'"
    return Diagnostic("E0013", message, last.span.to(token.span), hints=tuple(hints))


def _equals_or_colon(failure: Failure) -> Diagnostic | None:
    """`epochs: 200`, `train = 5`, `optimizer gd(eta = 1) =`, `eta == 0.1`, `eta := 0.1`."""
    token, accepts = failure.token, failure.accepts
    if token == ":" and "=" in accepts:
        definition = failure.tokens[failure.at + 1 : failure.at + 2] == ["="]
        hint = "':=' is written '='" if definition else "settings: name = value"
        return Diagnostic("E0011", "'=' is due here, not ':'", token.span, hints=(hint,))
    if token == "==" and "=" in accepts:
        return Diagnostic("E0011", "'=' is due here, not '=='", token.span, hints=("settings: name = value",))
    if token in ("=", "==") and failure.at == 1:
        said = NETWORK if failure.tokens[0] == "activation" else _without(failure)
        message = joined(f"'{token}' is not expected after the keyword", said)
        hint = f"a statement has no '=' after its keyword: {failure.tokens[0]} ..."
        return Diagnostic("E0011", message, token.span, hints=() if said else (hint,))
    if token == "=" and ":" in accepts and "," not in accepts:
        return Diagnostic("E0011", "':' is due here, not '='", token.span, hints=("a block follows a ':'",))
    if token == "=" and "RELATION" in accepts:
        hint = "equality inside an expression is '=='; a definition has one name before its '='"
        return Diagnostic("E0011", "'=' is not expected inside an expression", token.span, hints=(hint,))
    if token == ":" and failure.at == 1:
        message = joined("':' is not expected after this keyword", _without(failure))
        hint = f"'{failure.tokens[0]}' takes what it names on its own line"
        return Diagnostic("E0011", message, token.span, hints=(hint,))
    return None


def _without(failure: Failure) -> str:
    """The line without the offending token, where a name follows it: `loss = mse` is `loss mse`."""
    after = [
        t for t in failure.tokens[failure.at + 1 :] if t.span.end <= failure.end and t.type not in LAYOUT
    ]
    if not after or (after[0].type != "NAME" and after[0] != "["):
        return ""
    if after[0] == "[" and (says := network_meant(failure.tokens[0], failure.token)):
        return says
    return f"{failure.tokens[0]} {after[0].span.to(after[-1].span).text}"


def _reserved(failure: Failure) -> Diagnostic | None:
    token = failure.token
    if token not in RESERVED or token.type in ("NAME", "TEXT") or "NAME" not in failure.accepts:
        return None
    message = f"'{token}' is a word of the language and cannot be a name"
    hint = CHOICE if token == "if" else f"another name will do: {token}_"
    return Diagnostic("E0016", message, token.span, hints=(hint,))


def _network(failure: Failure) -> Diagnostic | None:
    """`network 13(tanh)1`, `[(tanh)15]`, `[13 tanh 15]`."""
    token, last, accepts = failure.token, failure.before(), failure.accepts
    if failure.tokens[0] not in ("network", "block") or last is None:
        return None
    if token in ("=", "==") and last.type == "NAME" and not accepts & {"="}:
        return _option(failure, last)
    keyword = failure.tokens[0]
    otherwise = image_network_meant(keyword, last, token) or network_meant(keyword, token)
    if failure.at == 1 and accepts == {"["}:
        message = "a network stands in square brackets"
    elif accepts == {"NAME"} and last in ("(", ","):
        message = f"expected an activation or another operation, found {found_there(token)}"
    elif last == "[" and token == "]":
        message = "this network is empty"
    elif accepts == {"("} and token == "]":
        message = "this network has no layer"
    elif accepts == {"("}:
        message = f"expected a layer, which begins with '(', found {found_there(token)}"
    elif otherwise:
        message = f"expected a layer, found {found_there(token)}"
    else:
        return None
    slip = "" if last.type == "NAME" else habit(failure.line, token, [], accepts)
    says = otherwise or slip or ""
    hints = () if says else ("for example: network [13(tanh)15(lin)1]",)
    return Diagnostic("E0015", joined(message, says), token.span, hints=hints)


def _option(failure: Failure, name: Lexeme) -> Diagnostic:
    """`(conv 3x3 stride = 2)`, `(dropout = 0.5)`"""
    after = failure.tokens[failure.at + 1 : failure.at + 2]
    value = after[0].span.text if after and after[0].type in ("NAME", "NUMBER", "SHAPE", "TEXT") else "..."
    says = meant(name.span.text, "of a layer")
    first = failure.before(2)
    if not says and first is not None and first not in ("(", ","):
        line = failure.line
        start = max((i for i, t in enumerate(line) if t == "("), default=0)
        option = f"{name.span.text} = {value}"
        layer = line[start + 1].span.text if start + 1 < len(line) else ""
        says = f"options stand without '=', {name.span.text} {value}, or in parentheses, ({layer}({option}))"
    says = says or f"what a layer takes stands behind its name, {name.span.text}({value})"
    return Diagnostic("E0015", f"{NO_EQUALS}: {says}", failure.token.span)


def _end(failure: Failure) -> Diagnostic | None:
    """The line ends before the statement does."""
    token = failure.token
    if token.type not in LAYOUT:
        return None
    span = failure.line[-1].span if failure.line else token.span
    after = Span(span.source, span.end, span.end)
    hints = _hints(failure)
    if failure.line and failure.line[-1] in ("+", "-", "*", "/", ",", "="):
        hints = ("an expression goes on in the next line only inside brackets",)
    return Diagnostic("E0008", f"the line ends where {expected(failure.accepts)} is due", after, hints=hints)


def _hints(failure: Failure) -> tuple[str, ...]:
    """What was likely meant, else the form of the statement."""
    words = failure.line or [failure.token]
    after = failure.tokens[failure.at + 1 : failure.at + 2]
    slip = habit(failure.line, failure.token, after, failure.accepts)
    if slip is not None:
        return (slip,)
    last = failure.before()
    if last is not None and last.type == failure.token.type == "NAME" and after == ["="]:
        return (f"arguments stand in parentheses: {last.span.text}({failure.token.span.text} = ...)",)
    if "_INDENT" in (t.type for t in failure.tokens) and words[0] in STATEMENTS and words[0].type == "NAME":
        return (f"the statement '{words[0]}' begins at the margin",)
    if failure.token == ";":
        return ("things are separated by ','",)
    if failure.tokens[0] in FORMS and not any(t.type in LAYOUT for t in failure.tokens[: failure.at]):
        return (f"for example: {FORMS[failure.tokens[0]]}",)
    return ()
