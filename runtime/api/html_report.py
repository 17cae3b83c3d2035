"""Runs -> one HTML file for somebody else: equations, data, figures, pictures, verdicts, the file, how to do it again.

No script, nothing fetched: styles stand inside, pictures are SVG inside, equations MathML. Reads folders; trains nothing
but what the distance of two runs needs (`runs_apart.py`).
"""

from __future__ import annotations

import base64
import json
import re
import shlex
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from importlib import import_module
from pathlib import Path
from typing import Any

from netc import __version__
from netc.commands.plot import apart_of, judged_of
from netc.editors.highlight import NetcLexer
from netc.model import Model
from netc.notebook import model_latex
from netc.result import Result
from netc.runtime.pictures.choose import applying, draw
from netc.runtime.pictures.material import Material
from netc.runtime.results.folder_reader import Kept
from netc.runtime.results.judgement import Judgement
from netc.terminal import counted, duration, number

MISSING = 'equations in HTML are made by latex2mathml, which is not installed: pip install "netc[report]"'
STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem; color: #222 }
h1, h2, h3 { line-height: 1.2 } h2 { border-top: 2px solid #ddd; padding-top: 1.2rem; margin-top: 2.5rem }
table { border-collapse: collapse; margin: .8rem 0 } th, td { padding: .2rem .8rem; text-align: left; vertical-align: top }
td.n { text-align: right; font-variant-numeric: tabular-nums } tr + tr { border-top: 1px solid #eee }
.holds { color: #00734f } .fails { color: #b00020; font-weight: bold } .warning { color: #8a4b00 }
img { max-width: 100%; height: auto } pre { background: #f6f7f9; padding: 1rem; overflow-x: auto; font-size: 14px }
math { font-size: 1.15em } .scroll { overflow-x: auto }
.equations tr { border: 0 } .equations td { padding: .25rem .15rem; border: 0 }
td.left { text-align: right } small, .quiet { color: #666 }
@media print { body { max-width: none } pre { white-space: pre-wrap } }
"""
POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
"""Of the page: a browser that honours it fetches nothing and runs nothing."""


@dataclass(frozen=True, eq=False)
class Told:
    """A run, as it is told of."""

    kept: Kept
    model: Model
    result: Result
    manifest: Mapping[str, Any]
    spec: str
    warnings: tuple[str, ...]
    judged: Mapping[str, Judgement]


def html(runs: Sequence[Told], title: str) -> str:
    head = f'<meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="{POLICY}">'
    head += f'<meta name="viewport" content="width=device-width"><title>{escape(title)}</title><style>{STYLE}</style>'
    parts = [f"<h1>{escape(title)}</h1>"]
    if len(runs) > 1:
        parts += _side_by_side(runs)
    for told in runs:
        parts += _one(told, 2 if len(runs) > 1 else 1)
    parts.append(f"<p class=quiet>Written by netc {escape(__version__)}.</p>")
    return f'<!DOCTYPE html><html lang="en"><head>{head}</head><body>{"".join(parts)}</body></html>\n'


def _side_by_side(runs: Sequence[Told]) -> Iterator[str]:
    names = list(dict.fromkeys(name for told in runs for name in _figures(told)))
    rows = [[t.kept.path.name, t.kept.rule, *(_figures(t).get(n, "") for n in names)] for t in runs]
    turned = [list(row) for row in zip(*rows, strict=True)]
    figures = [[name, *values] for name, values in zip(["rule", *names], turned[1:], strict=True)]
    yield "<h2>Side by side</h2>" + _table(["", *turned[0]], figures, numbers=1)
    yield from _pictures(Material([t.kept for t in runs], apart=apart_of([t.kept for t in runs])))


def _one(told: Told, level: int) -> Iterator[str]:
    kept, result = told.kept, told.result
    several = f", {counted(result.runs, 'run')}" if result.runs > 1 else ""
    if level > 1:
        yield f"<h2>{escape(kept.path.name)}</h2>"
    yield f"<p>{escape(kept.name)}: {counted(told.model.parameters, 'parameter')}{several}, seed {result.seed}. "
    yield f"{escape(_ended(result))}</p>"
    yield from (f'<p class="warning">Warning: {escape(text)}</p>' for text in told.warnings)
    if result.fault:
        yield f'<p class="fails">{escape(result.fault)}</p>'
    yield f"<h3>Equations</h3>{equations(model_latex(told.model))}"
    yield f"<p>{escape(kept.rule)}({escape(kept.settings)})</p>"
    yield from _data(told)
    yield "<h3>Figures</h3>" + _table(
        ["figure", "value"], [list(row) for row in _figures(told).items()], numbers=1
    )
    yield from _verdicts(told)
    yield "<h3>Pictures</h3>"
    yield from _pictures(Material([kept], judged=told.judged))
    yield "<h3>The file, with every default</h3>" + highlighted(told.spec)
    yield from _again(told)


def _ended(result: Result) -> str:
    ways = sorted({*result.stopped.tolist()})
    took = duration(result.seconds["train"])
    told = f"Ended by: {', '.join(ways)}; trained in {took} on the {result.target}, {result.precision}."
    if not result.keep:
        return told
    which = (
        f"epoch {result.kept_epochs[0]:g}, the best" if len(result.stopped) == 1 else "the best of each run"
    )
    return f"{told} Kept is {which} by {result.keep}."


def _figures(told: Told) -> dict[str, str]:
    """As text, medians of several runs."""
    summary, found = told.result.summary, {}
    for name in ("loss", "accuracy", "r2"):
        for part, value in summary.get(name, {}).items():
            found[f"{name}({part})"] = _value(value)
    found["norm of the gradient"] = _value(summary.get("gradient_norm"))
    found["steps"] = _value(summary["steps"])
    for part, judged in told.judged.items():
        calibrated = {"smooth_ece": judged.smooth_ece} if judged.probable else {}
        found |= {
            f"{k}({part})": number(v)
            for k, v in (judged.figures | calibrated).items()
            if f"{k}({part})" not in found
        }
    if summary["diverged"]:
        found["diverged"] = f"{100 * summary['diverged']:.1f} % of the runs"
    return found


def _value(value: Any) -> str:
    if isinstance(value, dict):
        low, high = value["quartiles"]
        return f"{number(value['median'])} (quartiles {number(low)} to {number(high)})"
    return number(value)


def _data(told: Told) -> Iterator[str]:
    data = told.manifest.get("data") or {}
    if not data:
        return
    columns, targets = data.get("columns", []), data.get("target_columns", [])
    sizes = ", ".join(f"{count} {part}" for part, count in data.get("samples", {}).items() if count)
    rows = [
        ["source", str(data.get("source", ""))],
        ["samples", sizes],
        ["inputs", f"{len(columns)}: {_listed(columns)}"],
        ["target", _listed(targets)],
        ["classes", _listed(data.get("classes", []))],
        ["sha256", str(data.get("sha256", ""))],
    ]
    yield "<h3>Data</h3>" + _table([], [row for row in rows if row[1]])


def _listed(names: Sequence[Any], most: int = 12) -> str:
    return ", ".join(map(str, names[:most])) + (", ..." if len(names) > most else "")


def _verdicts(told: Told) -> Iterator[str]:
    if not told.result.expect:
        return
    rows = []
    for v in told.result.expect:
        sign = '<span class="holds">✓ holds</span>' if v.holds else '<span class="fails">✗ fails</span>'
        rows.append([sign, escape(v.text), escape(number(v.value)), escape(v.source or "")])
    yield "<h3>What the file expects</h3>" + _table(["", "claim", "found", "source"], rows, raw=True)


def _pictures(material: Material) -> Iterator[str]:
    with tempfile.TemporaryDirectory(prefix="netc-") as place:
        for path in draw(material, list(applying(material)), Path(place), "svg"):
            encoded = base64.b64encode(path.read_bytes()).decode()
            yield f'<p><img alt="{path.stem}" src="data:image/svg+xml;base64,{encoded}"></p>'


def _again(told: Told) -> Iterator[str]:
    manifest = told.manifest
    versions = ", ".join(f"{name} {version}" for name, version in manifest.get("versions", {}).items())
    machine = manifest.get("machine", {})
    rows = [
        ["machine", f"{machine.get('processor', '')}, {counted(int(machine.get('cores') or 0), 'core')}"],
        ["system", str(machine.get("system", ""))],
        ["versions", versions],
        ["started", str(manifest.get("started", ""))],
        [
            "vectors",
            f"{counted(int(manifest.get('lanes', 0)), 'lane')}{', fused' if manifest.get('fma') else ''}",
        ],
        ["command", _command(manifest.get("command", []))],
    ]
    yield "<h3>Machine, and how to do it again</h3>" + _table([], rows)
    yield f"<pre>netc replay {escape(shlex.quote(str(told.kept.path)))}   # trains again and compares the bits\n"
    yield "netc run spec.net   # the file above, saved under that name, anywhere</pre>"


def _command(words: Sequence[Any]) -> str:
    """As typed: the program by its name alone."""
    return shlex.join([Path(str(words[0])).name, *map(str, words[1:])]) if words else ""


def _table(
    head: Sequence[str], rows: Iterable[Sequence[str]], numbers: int | None = None, raw: bool = False
) -> str:
    """Cells from the column `numbers` on stand at the right; `raw` ones are HTML already."""
    top = f"<tr>{''.join(f'<th>{escape(cell)}</th>' for cell in head)}</tr>" if head else ""

    def cell(at: int, text: str) -> str:
        kind = ' class="n"' if numbers is not None and at >= numbers else ""
        return f"<td{kind}>{text if raw else escape(text)}</td>"

    lines = ("".join(cell(i, text) for i, text in enumerate(row)) for row in rows)
    return f"<table>{top}{''.join(f'<tr>{line}</tr>' for line in lines)}</table>"


def equations(latex: str) -> str:
    """Lines of `aligned` blocks as the rows of a table, which stand at their signs of equality."""
    rows = []
    for line in re.sub(r"\\(begin|end)\{(aligned|gathered)\}", "", latex).splitlines():
        left, _, right = line.strip().removesuffix(r"\\").partition("&")
        if left.strip() or right.strip():
            rows.append(f"<tr><td class=left>{mathml(left)}</td><td>{mathml(right)}</td></tr>")
    return f"<div class=scroll><table class=equations>{''.join(rows)}</table></div>"


def mathml(latex: str) -> str:
    """Raises ImportError, whose text says what is missing."""
    try:
        convert = import_module("latex2mathml.converter").convert
    except ImportError:
        raise ImportError(MISSING) from None
    if not latex.strip():
        return ""
    made: str = convert(latex.strip())
    return re.sub(r' xmlns="[^"]*"', ' displaystyle="true"', made)


def highlighted(text: str) -> str:
    from pygments import highlight
    from pygments.formatters.html import HtmlFormatter

    made: str = highlight(text, NetcLexer(), HtmlFormatter(noclasses=True, nobackground=True))
    return made


def told(kept: Kept, model: Model) -> Told:
    """Raises OSError, ValueError where the folder is damaged."""
    assert model.result is not None
    manifest = json.loads((kept.path / "manifest.json").read_text(encoding="utf-8"))
    spec = (kept.path / "spec.net").read_text(encoding="utf-8")
    warnings = tuple(warning.message for warning in model._session.spec.warnings)
    return Told(kept, model, model.result, manifest, spec, warnings, judged_of([kept]))
