"""`netc explain WHAT`: an update rule, the rule of a file, a family of rules, any other name, or the code of an error."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from netc.command_line import DONE
from netc.dsl.diagnostics import render
from netc.terminal import paint

if TYPE_CHECKING:
    from netc.compiler.meaning.spec import Axis, Spec, Sweep, Training
    from netc.compiler.rules.explain import Section

CODE = re.compile(r"[A-Za-z]\d{4}")
SHOWN = 12
"""Values of an axis that are listed; of more, the first ones and the last."""


@click.command("explain")
@click.argument("what")
@click.option("--latex", is_flag=True, help="Only the equations, as LaTeX.")
@click.option("--plan", is_flag=True, help="How the kernels of a file are laid out on each target, and why.")
@click.option("--layers", is_flag=True, help="The network of a file: shapes, parameters, memory, work.")
@click.option(
    "--init", is_flag=True, help="Whether the start of a file keeps the variance from layer to layer."
)
def command(what: str, latex: bool, plan: bool, layers: bool, init: bool) -> int:
    """Explain an update rule: its equations as they will run, symbols, cost, equal rules, pitfalls.

    WHAT is a rule (`momentum.ema`, `"torch.SGD(lr=0.1)"`), a file, a family of rules (`momentum`), a layer
    (`batchnorm`), any other name of the library (`gelu`, `huber`, `torch.OneCycleLR`), or the code of an error (`E0103`).
    """
    if CODE.fullmatch(what):
        click.echo(_story(what.upper()))
    elif plan:
        click.echo(_text(_plan(what)))
    elif layers:
        click.echo(_text(_layers(what)))
    elif init:
        click.echo(_text(_init(what)))
    elif found := [*_defined(what), *_layers_named(what)]:
        if latex:
            raise click.UsageError(f"--latex writes the equations of an update rule, and '{what}' is none")
        click.echo("\n".join(found).rstrip())
    elif latex:
        click.echo(_latex(what))
    elif _is_family(what):
        click.echo("\n".join(_family(what)).rstrip())
    else:
        from netc.compiler.pipeline import to_warnings

        spec = checked(what)
        if warnings := to_warnings(spec):
            click.echo(render(warnings) + "\n", err=True)
        click.echo(_text(_sections(spec)))
    return DONE


def _layers_named(what: str) -> list[str]:
    from netc.compiler.rules.explain_layers_named import explain_layers_named

    return [] if is_file(what) else explain_layers_named(what)


def _defined(what: str) -> list[str]:
    """A name of the library, or of a family there, that is no rule and no layer: definitions as they stand."""
    from netc.commands.list import KINDS, definitions
    from netc.dsl import library

    name = what.partition("(")[0].strip()
    if is_file(what) or name in library.names("optimizer"):
        return []
    family = None if name in library.libraries() else f"{name}."
    kinds = [kind for kind in KINDS.values() if kind not in ("optimizer", "layer", "block")]
    chosen = {
        k: [n for n in library.names(k) if n == name or (family and n.startswith(family))] for k in kinds
    }
    return [line for kind, names in chosen.items() for line in definitions(kind, names)]


def _story(code: str) -> str:
    from netc.dsl.names import nearest
    from netc.dsl.stories.codes import CODES

    story = CODES.get(code)
    if story is None:
        close = ", ".join(nearest(code, CODES)) or "E0001, E0103, ..."
        raise click.UsageError(f"there is no code '{code}'; there are {close}")
    return f"{code}: {story.title}\n\n{story.text.strip()}"


def checked(what: str) -> Spec:
    """The file, or the smallest file with that rule. No data are read."""
    from netc.commands.run import read
    from netc.compiler import pipeline
    from netc.compiler.rules.rule_text import read_rule

    if is_file(what):
        file = read(Path(what))
        spec = pipeline.to_spec(file.program, None, file.folder)
        if spec.sweep is not None:
            click.echo(f"netc: '{what}' sweeps; this is about {first(spec.sweep)}", err=True)
        return spec
    return read_rule(what).spec


def first(sweep: Sweep) -> str:
    """`its first point, eta = 0.1, width = 4, of eta in {0.1, 0.01}, width in {4, 8}: 2 x 2 = 4 points`"""
    from netc.compiler.check.several.sweep import described, first_values, told

    values = described(first_values(sweep), sweep)
    point = ", ".join(f"{name} = {value}" for name, value in values.items())
    return f"its first point, {point}, of {', '.join(map(_axis, sweep.axes))}: {told(sweep)}"


def _axis(axis: Axis) -> str:
    """`width in {2, 4, 8}`, with the numbers that dots stand for; `eta ~ log_uniform(0.001, 0.1)`"""
    from netc.dsl.printer import print_expr

    if axis.law:
        return f"{axis.name} ~ {axis.law}({axis.low:.4g}, {axis.high:.4g})"
    values = [print_expr(value) for value in axis.values]
    if len(values) > SHOWN:
        values = [*values[: SHOWN - 1], "...", values[-1]]
    return f"{axis.name} in {{{', '.join(values)}}}"


def is_file(what: str) -> bool:
    return os.path.isfile(what) or ("\n" not in what and what.endswith(".net"))


def _is_family(what: str) -> bool:
    from netc.compiler.rules.families import compared, variants
    from netc.dsl import library

    return len(variants(what)) > 1 or (what not in library.names("optimizer") and bool(compared(what)))


def _family(what: str) -> list[str]:
    from netc.compiler.rules.families import side_by_side

    return side_by_side(what, unicode())


def unicode() -> bool:
    """Can standard output show Greek letters?"""
    return (sys.stdout.encoding or "").lower().startswith("utf")


def _latex(what: str) -> str:
    from netc.compiler.rules.families import variants
    from netc.compiler.rules.latex import latex_rule, latex_search

    rules = variants(what)
    if len(rules) > 1:
        return "\n\n".join(f"% {rule.name}\n{latex_rule(rule.body)}" for rule in rules)
    optimizer = checked(what).optimizer
    searches = (f"% where {s.name}\n{latex_search(s)}" for s in optimizer.searches)
    return "\n\n".join([latex_rule(optimizer.definition.body), *searches])


def _plan(what: str) -> Iterable[Section]:
    from netc.commands.run import read
    from netc.compiler.explain_plan import explain_plan
    from netc.compiler.kernels.cuda.plan import Card
    from netc.compiler.rules.explain import Section, wrap
    from netc.runtime import host, opening

    if not is_file(what):
        raise click.UsageError(f"--plan is about a file, and '{what}' is none")
    session = opening.open_session(read(Path(what)), {})
    plan = explain_plan(session.program, host.machine(), Card(), session.samples)
    return [*plan, Section("samples that change", tuple(wrap(_changing(session.spec.training))))]


def _changing(training: Training) -> Iterator[str]:
    """What it costs that the host changes samples."""
    if training.augment:
        names = ", ".join(one.name for one in training.augment)
        yield f"{names}: NumPy makes all training samples of an epoch before it begins, for each run."
    if training.against:
        name = training.against.definition.name
        yield f"{name}: each iteration waits for its batch to be attacked, a gradient by inputs for each round."
    if training.augment or training.against:
        yield "Runs are trained one after the other, each with samples of its own: threads are of no use."


def _layers(what: str) -> Iterable[Section]:
    from netc.compiler.explain_layers import explain_layers

    spec = checked(what) if is_file(what) else None
    if spec is None or spec.network is None:
        raise click.UsageError(f"--layers is about a file with a network, and '{what}' is none")
    return explain_layers(spec)


def _init(what: str) -> Iterable[Section]:
    from netc.commands.run import read
    from netc.explain_init import explain_init
    from netc.runtime.opening import open_session

    session = open_session(read(Path(what)), {}) if is_file(what) else None
    if session is None or session.spec.network is None:
        raise click.UsageError(f"--init is about a file with a network, and '{what}' is none")
    return explain_init(session)


def _sections(spec: Spec) -> Iterable[Section]:
    from netc.compiler.rules.explain import Section, explain, source, wrap
    from netc.compiler.rules.penalties_told import penalties_told
    from netc.compiler.rules.pitfalls import pitfalls
    from netc.compiler.rules.weights_told import weights_told

    return [
        *explain(spec, unicode()),
        Section("the same rule, for constant parameters", tuple(_same(spec))),
        Section("penalties in the loss", tuple(wrap(penalties_told(spec)))),
        Section("weights of samples", tuple(wrap(weights_told(spec)))),
        Section("pitfalls here", tuple(wrap(pitfalls(spec)))),
        source(spec.optimizer.definition),
    ]


def _same(spec: Spec) -> Iterator[str]:
    from netc.compiler.rules.equivalent_rules import equivalents
    from netc.compiler.rules.explain import wrap
    from netc.compiler.rules.pitfalls import changes
    from netc.compiler.rules.rule_text import standalone
    from netc.compiler.rules.sides import side
    from netc.runtime.devices.answer_cache import remembered

    rule = side(standalone(spec))
    question = f"relatives of {rule.text.optimizer.definition} {rule.values} {rule.rule}"
    here = [changes(s) for s in spec.schedules]
    groups: dict[tuple[str, ...], list[str]] = {}
    for same, *breaks in remembered(question, lambda: [[r.call, *r.breaks] for r in equivalents(rule)]):
        heads = (words.split(" (")[0].split(":")[0] for words in breaks)
        told = (f"{h} (here {here[0]})" if here and h.startswith("a schedule") else h for h in heads)
        groups.setdefault(tuple(told), []).append(same)
    for broken, calls in sorted(groups.items(), key=lambda group: len(group[0])):
        if broken:
            yield from wrap([f"this breaks under {'; '.join(broken)}:"])
        yield from (f"  {line}" for line in wrap(calls, 98))


def _text(sections: Iterable[Section]) -> str:
    (first, *others), lines = sections, []
    lines += [paint(first.title, bold=True), *first.lines]
    for section in others:
        if section.lines:
            lines += ["", *([paint(section.title, bold=True)] if section.title else [])]
            lines += [f"  {line}" for line in section.lines]
    return "\n".join(lines)
