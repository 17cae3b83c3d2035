"""Colours and signs, where the terminal has them: `NO_COLOR` is honoured, a pipe gets plain text."""

from __future__ import annotations

import os
import sys
from math import isfinite
from typing import TextIO

import click


def paint(text: str, stream: TextIO | None = None, **style: object) -> str:
    """The text in a style of `click.style`, on a terminal that may be coloured."""
    stream = stream or sys.stdout
    return click.style(text, **style) if _coloured(stream) else text  # type: ignore[arg-type]


def signs(stream: TextIO | None = None) -> tuple[str, str]:
    """For what holds and what does not."""
    encoding = (stream or sys.stdout).encoding or "ascii"
    return ("✓", "✗") if encoding.lower().replace("-", "").startswith("utf") else ("holds", "FAILS")


def _coloured(stream: TextIO) -> bool:
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def number(value: object) -> str:
    """Four digits are enough for an eye."""
    match value:
        case None:
            return "not finite"
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case float() if not isfinite(value):
            return "not finite"
        case float():
            return f"{value:.4g}" if value != int(value) or abs(value) >= 1e6 else f"{value:g}"
        case [*items]:
            shown = ", ".join(number(i) for i in items[:6])
            return f"({shown}{', ...' if len(items) > 6 else ''})"
        case _:
            return str(value)


def counted(count: int, noun: str) -> str:
    """`1 step`, `3 steps`."""
    return f"{count} {noun}" + ("" if count == 1 else "s")


def percent(value: float | None) -> str:
    return "not finite" if value is None else f"{100 * value:.1f}%"


def duration(seconds: float) -> str:
    if seconds < 0.01:
        return f"{1000 * seconds:.2g} ms"
    if seconds < 1:
        return f"{1000 * seconds:.0f} ms"
    if seconds < 100:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"
