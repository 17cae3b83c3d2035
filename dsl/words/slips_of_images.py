"""Networks of images as others write them, known by the place where the line breaks off: `[28,28,1 (conv 3x3) 16 10]`."""

from __future__ import annotations

import re

from netc.dsl.tokens import Lexeme

IMAGE = re.compile(r"[\[(\s]*(\d+)\s*[,×*x]\s*(\d+)\s*[,×*x]\s*(\d+)")
OPERATION = re.compile(r"\b(conv|\w*pool)")
ARROWS = ("->", "=>", "→", "-", ">")


def image_network_meant(keyword: Lexeme, last: Lexeme, token: Lexeme) -> str:
    """How the place at `token` is written here; empty for a network without an image or a convolution."""
    text, start = keyword.span.source.text, token.span.start
    line = text[keyword.span.end :].partition("\n")[0].partition("#")[0].strip()
    if not re.search(r"\d+x\d+", line) and not OPERATION.search(line):
        return ""
    sizes, found = IMAGE.match(text, keyword.span.end), token.span.text
    if sizes and last.span.end <= sizes.end() and (shape := "x".join(sizes.groups())) not in line:
        return f"an image is height x width x channels, {shape}"
    if last is keyword and OPERATION.search(line):
        return f"[{line}]"
    if last.type in ("NUMBER", "SHAPE") and token.type in ("NUMBER", "SHAPE"):
        return f"between two sizes stands what leads from one to the other, {last.span.text} (relu) {found}"
    if token in ARROWS:
        return "layers follow one another without a sign, [28x28x1 (conv 3x3, relu) 16 (softmax) 10]"
    if token == "[":
        return "a window is written 3x3"
    if last in ("(", ",") and token.type == "NUMBER":
        return f"how many units or channels there are stands behind the parentheses, (...) {found}"
    if last == "," and token.type == "SHAPE":
        name = re.search(r"(\w+)\s*,\s*$", text[:start])
        return f"the window stands behind its name, ({name[1]} {found})" if name else ""
    if last.type in ("NUMBER", "SHAPE") and token.type == "NAME":
        window = re.match(r"\w+\s+\d+x\d+", text[start:])
        return f"a layer stands in parentheses, ({window[0] if window else found})"
    if (
        last.type == "NAME"
        and (token == "(" or token.type == "SHAPE")
        and re.search(r"\d\s+\w+\s*$", text[:start])
    ):
        return f"a layer stands in parentheses, ({last.span.text}{'' if token == '(' else ' ' + found})"
    return ""
