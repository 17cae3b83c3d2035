"""From the text of a program to its ir, for tests that look at what a text means."""

from __future__ import annotations

from pathlib import Path

from netc.compiler.calculus import ir
from netc.compiler.check.program import check
from netc.compiler.lower.program import lower
from netc.dsl.parser import parse
from netc.dsl.source import Source


def lowered(text: str) -> ir.Program:
    return lower(check(parse(Source("<test>", text)), None, Path(), given=True))
