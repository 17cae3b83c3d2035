"""Text to tokens, with layout: brackets join lines, indentation makes blocks, signs have ASCII spellings.

Every token carries the span of what was typed. Finds stray characters, brackets that do not match and
indentation that does not fit; knows nothing of what the tokens mean together.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from netc.dsl.diagnostics import Diagnostic
from netc.dsl.names import FRACTIONS, SIGNS, SUPERSCRIPTS, WORD_SIGNS, canonical
from netc.dsl.source import Source, Span
from netc.dsl.tokens import ACTIONS, AFTER, CLOSERS, DEEPEST, RESERVED, STATEMENTS, TOKEN, Lexeme
from netc.dsl.words.foreign_words import Place
from netc.dsl.words.strays import of_stray
from netc.dsl.words.vocabulary import meant, setting_meant

HIDDEN = "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]"
"""Characters that steer a terminal or turn the order of letters round."""


@dataclass
class Chunk:
    """One statement: its tokens, of which the last ends its last line."""

    tokens: list[Lexeme]
    reported: list[int] = field(default_factory=list)
    """Where something has been reported already, so that a syntax error in that line is no news."""


@dataclass
class Lexer:
    """Reads one source; `literals` maps the text of a keyword or sign to its terminal in the grammar."""

    source: Source
    literals: dict[str, str]
    errors: list[Diagnostic] = field(default_factory=list)
    chunks: list[Chunk] = field(default_factory=list)
    _open: list[Lexeme] = field(default_factory=list)
    _indents: list[str] = field(default_factory=lambda: [""])
    _line_begins: bool = True
    _indent: str = ""
    _before: str = ""
    """The keyword or sign just read."""

    def run(self, start: int = 0, end: int | None = None, *, bare: bool = False) -> list[Chunk]:
        """The statements in order. With `bare`, the text is one expression: no keyword begins it."""
        self._bare = bare
        end = len(self.source.text) if end is None else end
        for match in TOKEN.finditer(self.source.text, start, end):
            self._take(match)
        self._end_of_text(end)
        return self.chunks

    # -- one token ----------------------------------------------------------------------------

    def _take(self, match: re.Match[str]) -> None:
        kind, text = match.lastgroup, match.group()
        span = Span(self.source, match.start(), match.end())
        match kind:
            case "newline":
                self._newline(span)
            case "comment":
                pass
            case "blank":
                if self._line_begins and self._at_line_start(span):
                    self._indent = text.strip("\ufeff")
            case _:
                if self._line_begins:
                    self._begin_line(kind, text, span)
                for token in self._lex(str(kind), text, span):
                    self._put(token)

    def _lex(self, kind: str, text: str, span: Span) -> Iterator[Lexeme]:
        match kind:
            case "shape" if "×" in text and not self._in_network():
                yield from self._product(text, span)
            case "shape":
                yield Lexeme.make("SHAPE", text.replace("×", "x"), span)
            case "number":
                yield Lexeme.make("NUMBER", text.replace("−", "-"), span)
            case "fraction":
                yield Lexeme.make("NUMBER", FRACTIONS[text], span)
            case "word_sign":
                yield Lexeme.make("NAME", WORD_SIGNS[text], span)
            case "quoted":
                hint = f'texts stand between straight double quotes: "{text[1:-1].replace(chr(34), 2 * chr(34))}"'
                bare = f", and a name has none: {text[1:-1]}" if text[1:-1].isidentifier() else ""
                bare = f": {says}" if (says := self._meant_before()) else bare
                self._report("E0002", f"{text} is not in double quotes{bare}", span, hints=(hint,))
                yield Lexeme.make("TEXT", text[1:-1], span)
            case "text":
                if (hidden := re.search(HIDDEN, text)) is not None:
                    at = span.start + hidden.start()
                    what = f"this text holds the character U+{ord(hidden[0]):04X}, which nobody can see"
                    self._report("E0001", what, Span(self.source, at, at + 1))
                yield Lexeme.make("TEXT", text[1:-1].replace('""', '"'), span)
            case "power":
                yield from self._power("".join(SUPERSCRIPTS[c] for c in text), span)
            case "name":
                yield self._word(canonical(text), span)
            case "sign":
                yield self._sign(
                    "..." if text == "…" and self._before == "," else SIGNS.get(text, text), span
                )
            case _:
                self._stray(text, span)

    def _word(self, word: str, span: Span) -> Lexeme:
        first = self._before == "" and not self._bare and not self._open
        if (
            word in RESERVED
            or (first and word in (STATEMENTS if len(self._indents) == 1 else ACTIONS))
            or (word in AFTER and self._before in AFTER[word])
        ):
            self._before = word
            return Lexeme.make(self.literals[word], word, span)
        self._before = "a name"
        return Lexeme.make("NAME", word, span)

    def _sign(self, sign: str, span: Span) -> Lexeme:
        self._before = sign
        kind = "RELATION" if sign in ("<", "<=", ">", ">=", "!=") else self.literals[sign]
        token = Lexeme.make(kind, sign, span)
        if sign in CLOSERS:
            self._open.append(token)
            if len(self._open) == DEEPEST:
                self._report("E0010", f"brackets are nested more than {DEEPEST} deep", span)
        elif sign in CLOSERS.values():
            self._close(sign, span)
        return token

    def _power(self, digits: str, span: Span) -> Iterator[Lexeme]:
        """`x²` is `x^2`, `x⁻¹` is `x^-1`."""
        yield Lexeme.make(self.literals["^"], "^", span)
        if digits[0] in "+-":
            yield Lexeme.make(self.literals[digits[0]], digits[0], span)
        if digits[-1] in "+-" or not digits.lstrip("+-").isdigit():
            self._report("E0001", f"'{span.text}' is no exponent", span)
        yield Lexeme.make("NUMBER", digits.strip("+-"), span)

    def _meant_before(self) -> str:
        """`padding='same'`: what is meant by the name that the text is given to."""
        tokens = self.chunks[-1].tokens if self.chunks else []
        if len(tokens) < 3 or tokens[-1] != "=" or tokens[-2].type != "NAME":
            return ""
        places: dict[str, Place] = {"network": "of a layer", "init": "of a start", "loss": "of a loss"}
        place = places.get(str(tokens[0]))
        name = str(tokens[-2])
        says = meant(name, place) if place else setting_meant(name, str(tokens[0]))
        return says or meant(name, "of a layer")

    def _product(self, text: str, span: Span) -> Iterator[Lexeme]:
        """`2×3` outside a network is a product."""
        at = span.start
        for piece in re.split("([x×])", text):
            here = Span(self.source, at, at + len(piece))
            at += len(piece)
            if piece in "x×":
                yield Lexeme.make(self.literals["*"], "*", here)
            else:
                yield Lexeme.make("NUMBER", piece, here)

    def _in_network(self) -> bool:
        return (
            bool(self.chunks)
            and self.chunks[-1].tokens[0] in ("network", "block", "layer")
            and bool(self._open)
        )

    def _stray(self, text: str, span: Span) -> None:
        if text != '"':
            rest = self.source.text[span.start :].partition("\n")[0]
            message, hints = of_stray(text, rest, self._before)
            self._report("E0001", message, span, hints=hints)
            return
        line_end = re.compile(r"[\r\n]|\Z").search(self.source.text, span.start)
        assert line_end is not None
        span = Span(self.source, span.start, line_end.start())
        hint = 'a text ends with " on the line where it begins'
        self._report("E0002", "this text has no closing quote", span, hints=(hint,))

    # -- layout -------------------------------------------------------------------------------

    def _at_line_start(self, span: Span) -> bool:
        return span.start == 0 or self.source.text[span.start - 1] in "\r\n\ufeff"

    def _newline(self, span: Span) -> None:
        if not self._line_begins and not self._open:
            self._end_line(span)
        self._line_begins, self._indent = True, ""

    def _end_line(self, span: Span) -> None:
        self.chunks[-1].tokens.append(
            Lexeme.make("_NL", "end of the line", Span(self.source, span.start, span.start))
        )
        self._before = ""

    def _begin_line(self, kind: str | None, text: str, span: Span) -> None:
        """The first token of a line that is neither empty nor a comment."""
        self._line_begins = False
        if self._open:
            if self._indent or not (kind == "name" and text in STATEMENTS):
                return  # the line goes on from the one before
            self._unclosed()
            self._end_line(span)
        if self._bare:
            if not self.chunks:
                self.chunks.append(Chunk([]))
        elif not self._indent:
            self._dedent_to("", span)
            self.chunks.append(Chunk([]))
        elif not self.chunks:
            self._report(
                "E0003", "the first statement is indented", span, hints=("statements begin at the margin",)
            )
            self.chunks.append(Chunk([], [span.start]))
        else:
            self._block_line(span)

    def _block_line(self, span: Span) -> None:
        """An indented line: deeper than the one before only after a colon."""
        tokens, indent = self.chunks[-1].tokens, self._indent
        here = self._indents[-1]
        opens = len(tokens) > 1 and tokens[-2] == ":"
        if indent == here or (indent.startswith(here) and opens):
            if indent != here:
                self._indents.append(indent)
                tokens.append(Lexeme.make("_INDENT", "a block", Span(self.source, span.start, span.start)))
        elif indent in self._indents:
            self._dedent_to(indent, span)
        elif indent.startswith(here):
            hint = "the line before does not end with ':', so nothing can be indented under it"
            self._report("E0003", "unexpected indentation", span, hints=(hint,))
            self.chunks[-1].reported.append(tokens[-1].span.start)
        else:
            hint = "blanks and tabs are mixed" if "\t" in indent + here and " " in indent + here else ""
            words = "this line is indented like no line above it"
            self._report("E0003", words, span, hints=(hint,) if hint else ())
            outer = [i for i in self._indents if i and len(i) <= len(indent)]
            self._dedent_to(outer[-1] if outer else self._indents[min(1, len(self._indents) - 1)], span)

    def _dedent_to(self, indent: str, span: Span) -> None:
        while self._indents[-1] != indent:
            self._indents.pop()
            end = self.chunks[-1].tokens[-1].span
            self.chunks[-1].tokens.append(Lexeme.make("_DEDENT", "the end of the block", end))

    def _end_of_text(self, end: int) -> None:
        if self._open:
            self._unclosed()
        here = Span(self.source, end, end)
        if self.chunks:
            if self.chunks[-1].tokens and self.chunks[-1].tokens[-1].type not in ("_NL", "_DEDENT"):
                last = self.chunks[-1].tokens[-1].span.end
                self._end_line(Span(self.source, last, last))
            self._dedent_to("", here)

    # -- brackets -----------------------------------------------------------------------------

    def _close(self, sign: str, span: Span) -> None:
        if not self._open:
            self._report("E0004", f"'{sign}' closes nothing", span, label="no bracket is open here")
        elif CLOSERS[str(self._open[-1])] == sign:
            self._open.pop()
        else:
            opener, openers = self._open[-1], [str(token) for token in self._open]
            message = f"'{sign}' where '{CLOSERS[str(opener)]}' is due"
            self._report("E0004", message, span, related=((opener.span, f"the '{opener}' is still open"),))
            # It closes its own bracket if there is one, with all that is open inside, else the last one.
            own = next((at for at, other in enumerate(openers) if CLOSERS[other] == sign), -1)
            del self._open[own:]

    def _unclosed(self) -> None:
        opener = self._open[-1]
        message = f"'{opener}' is never closed"
        self._report("E0005", message, opener.span, hints=(f"a '{CLOSERS[str(opener)]}' is missing",))
        self._open.clear()

    # -- output -------------------------------------------------------------------------------

    def _put(self, token: Lexeme) -> None:
        if token.type in ("NUMBER", "SHAPE", "TEXT"):
            self._before = token.type
        self.chunks[-1].tokens.append(token)

    def _report(
        self,
        code: str,
        message: str,
        span: Span,
        *,
        label: str = "",
        hints: tuple[str, ...] = (),
        related: tuple[tuple[Span, str], ...] = (),
    ) -> None:
        self.errors.append(Diagnostic(code, message, span, label, related, (), hints))
        if self.chunks:
            self.chunks[-1].reported.append(span.start)
