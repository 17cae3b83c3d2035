"""spec -> text of a `.net` file that stands alone: every default and every definition is written out."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from functools import reduce

from netc.compiler.meaning.spec import (
    GIVEN_WEIGHTS,
    Activation,
    Block,
    DataSpec,
    Init,
    Judged,
    Law,
    Loss,
    Monitor,
    Schedule,
    Spec,
    TargetDomain,
    Training,
    Use,
    uses_of,
)
from netc.compiler.meaning.spec_text_network import is_dense, written_network
from netc.compiler.meaning.spec_text_values import arguments_of, defaults, number, word
from netc.dsl import ast
from netc.dsl.format import format_program
from netc.dsl.source import NOWHERE, Source
from netc.dsl.walks import names_in


def spec_text(spec: Spec) -> str:
    """Of a sweep the file as it was written, since every point has a spec of its own; likewise of one with phases, in
    which what was set from outside has its place."""
    if spec.sweep is not None or spec.finder is not None or spec.phases:
        return format_program(spec.program, Source("spec.net", ""))
    return format_program(spec_program(spec), Source("spec.net", ""))


def spec_program(spec: Spec) -> ast.Program:
    return ast.Program(tuple(_bare(s) for s in _statements(spec)))


def _statements(spec: Spec) -> Iterator[ast.Statement]:
    yield from _definitions(spec)
    if spec.objective:
        yield next(s for s in spec.program.statements if isinstance(s, ast.Objective))
    if spec.network and spec.loss:
        yield _data(spec.data, spec.program)
        yield written_network(spec.network)
        yield _loss(spec.loss)
    yield from _init(spec.init)
    yield from spec.optimizer.searches
    yield from spec.attacks
    definition = spec.optimizer.definition
    yield replace(definition, parameters=defaults(definition.parameters, spec.optimizer.arguments))
    yield from spec.schedule_functions
    for schedule in (*spec.schedules, *spec.layer_schedules):
        yield from _schedule(schedule)
    yield _train(spec.training)
    yield _monitor(spec.monitor)
    yield from (
        s
        for s in spec.program.statements
        if isinstance(s, ast.Augment | ast.Ensemble | ast.Points | ast.Expect)
    )


def _definitions(spec: Spec) -> Iterator[ast.Activation | ast.Layer | ast.Block]:
    """Of all that the network uses, but for the dense layer, which every file has."""
    used = list(uses_of(spec.network.operations)) if spec.network else []
    found = {o.definition.name: o.definition for o in used if isinstance(o, Activation)}
    found |= {a.name: a for a in spec.functions}
    yield from (found[name] for name in sorted(found))
    for kind in (Use, Block):
        others = {o.definition.name: o.definition for o in used if isinstance(o, kind)}
        yield from (others[name] for name in sorted(others) if not is_dense(others[name]))


def _data(data: DataSpec, program: ast.Program) -> ast.Data:
    given = ast.Data((ast.Name("given"),), None, (), ())
    written = next((s for s in program.statements if isinstance(s, ast.Data)), given)
    sources = tuple(ast.Text(path) for path in data.origin) if data.kind == "files" else written.sources
    made = [s for s in written.settings if s.name == "inputs" and data.kind == "generated"]
    scale: ast.Expr = ast.Name(data.scale) if data.factor == 1 else number(data.factor)
    settings = [
        *_target(data),
        *([ast.Setting("inputs", _columns(data.inputs))] if data.inputs else made),
        ast.Setting("scale", scale),
        word("scale_target", data.scale_target),
        ast.Setting("split", number(data.split)),
        *_validation(data),
        ast.Setting("seed", number(data.seed)),
        *(ast.Setting(n, number(v)) for n, v in (("classes", data.classes), ("limit", data.limit)) if v),
        *_chosen(data),
        *([word("order", data.order)] if data.order == "time" and not data.window else []),
        *([ast.Setting("window", number(data.window))] if data.window else []),
        *([ast.Setting("weights", _weights(data.weights))] if data.weights else []),
        *_reading(data),
    ]
    return replace(written, sources=sources, settings=tuple(settings))


def _validation(data: DataSpec) -> Iterator[ast.Setting]:
    if data.folds:
        yield ast.Setting("folds", number(data.folds))
        yield ast.Setting("fold", number(data.fold))
    if data.validation_files:
        yield ast.Setting("validation", _columns(data.validation_files))
    elif data.validation:
        yield ast.Setting("validation", number(data.validation))


def _chosen(data: DataSpec) -> Iterator[ast.Setting]:
    if data.only:
        yield ast.Setting("only", ast.Set(tuple(ast.Text(label) for label in data.only)))
    if data.each:
        yield ast.Setting("each", number(data.each))
    if data.label_noise:
        yield ast.Setting("label_noise", number(data.label_noise))


def _weights(column: str) -> ast.Expr:
    return ast.Name(column) if column == GIVEN_WEIGHTS else ast.Text(column)


def _target(data: DataSpec) -> Iterator[ast.Setting]:
    if data.of_inputs:
        yield word("target", "inputs")
    elif data.computed:
        made = data.computed
        yield ast.Setting("target", made[0] if len(made) == 1 else ast.Tuple(made))
    elif data.target:
        yield ast.Setting("target", _columns(data.target))


def _reading(data: DataSpec) -> Iterator[ast.Setting]:
    """How a table is read: what the file states, and what a guess might not find again."""
    if data.style.header is not None:
        yield word("header", str(data.style.header).lower())
    if data.style.separator:
        text = data.style.separator
        yield ast.Setting("separator", ast.Name("tab") if text == "\t" else ast.Text(text))
    if data.style.decimal != "point":
        yield word("decimal", data.style.decimal)
    if data.kind not in ("inline", "generated"):
        yield word("missing", data.missing)
    if data.stratify:
        yield word("stratify", "true")


def _columns(names: tuple[str, ...]) -> ast.Expr:
    texts = tuple(ast.Text(name) for name in names)
    return texts[0] if len(texts) == 1 else ast.Tuple(texts)


def _loss(loss: Loss) -> ast.Loss:
    kept = tuple(
        s for s in loss.definition.settings if s.name not in ("reduce", "targets", "weight", "divide")
    )
    kept += (ast.Setting("targets", _domain(loss.targets)),) if loss.targets else ()
    kept += (ast.Setting("weight", loss.weight),) if loss.weight is not None else ()
    kept += (word("divide", loss.divide),) if loss.divide else ()
    parameters = defaults(loss.definition.parameters, loss.arguments)
    return replace(loss.definition, parameters=parameters, settings=(*kept, word("reduce", loss.reduce)))


def _domain(targets: TargetDomain) -> ast.Expr:
    if targets.sum_is_one:
        return ast.Name("distribution")
    if targets.values:
        return ast.Set(tuple(map(number, targets.values)))
    return ast.Range(number(targets.low), number(targets.high))


def _init(init: Init) -> Iterator[ast.Init]:
    if init.file:
        yield ast.Init(None, (), None, (), ast.Text(init.file), ())
    for law in init.laws:
        layers = tuple(map(ast.Name, law.layers))
        yield ast.Init(None, (), None, (_law(law),), None, _helpers(law), layers)
    for file in init.files:
        names = ast.Tuple(tuple(ast.Text(name) for _, name in file.layers))
        settings = (ast.Setting("names", names),) if file.named else ()
        layers = tuple(ast.Name(layer) for layer, _ in file.layers)
        yield ast.Init(None, (), None, (), ast.Text(file.path), settings, layers)


def _law(law: Law) -> ast.Expr:
    target = ast.Name(law.target)
    return ast.Drawn(target, law.law) if law.drawn else ast.Compare("=", target, law.law)


def _helpers(law: Law) -> tuple[ast.Setting, ...]:
    values = tuple(ast.Setting(name, number(value)) for name, value in law.arguments)
    helpers = (*values, *(ast.Setting(name, value) for name, value in law.helpers))
    read, kept = names_in(law.law), list[ast.Setting]()
    for helper in reversed(helpers):  # what the law does not read is an error in a file
        if helper.name in read:
            read |= names_in(helper.value)
            kept.insert(0, helper)
    return tuple(kept)


def _schedule(schedule: Schedule) -> Iterator[ast.Schedule]:
    if schedule.recursion is None:
        pieces = tuple(
            ast.Piece(p.value, None if math.isinf(p.until) else number(p.until)) for p in schedule.pieces
        )
        yield ast.Schedule(schedule.name, False, (), pieces, (), (word("unit", schedule.unit),))
        return
    definition = schedule.recursion.definition
    yield definition
    call = ast.Call(ast.Name(definition.name), arguments_of(schedule.recursion.arguments))
    yield ast.Schedule(schedule.name, False, (), (ast.Piece(call, None),), (), ())


def _train(training: Training) -> ast.Train:
    batch: ast.Expr = ast.Name("full")
    if training.batch == "size":
        batch = number(training.count)
    elif training.batch == "parts":
        batch = ast.Counted(number(training.count), "parts")
    settings = [
        ast.Setting(n, number(v))
        for n, v in (("epochs", training.epochs), ("steps", training.steps))
        if v > 0
    ]
    settings += [
        ast.Setting("batch", batch),
        word("shuffle", str(training.shuffle).lower()),
        *([word("sampling", "replacement")] if training.replacement else []),
        word("precision", training.precision),
        ast.Setting("seed", number(training.seed)),
        ast.Setting("runs", number(training.runs)),
        word("target", training.target),
    ]
    settings += [ast.Setting("threads", number(training.threads))] if training.threads else []
    if training.against:
        call = ast.Call(ast.Name(training.against.definition.name), arguments_of(training.against.arguments))
        settings.append(ast.Setting("against", call))
    criteria = (("stop", _stop(training)), ("diverged", training.diverged), ("keep", _keep(training)))
    settings += [ast.Setting(name, criterion) for name, criterion in criteria if criterion]
    return ast.Train(tuple(settings))


def _stop(training: Training) -> ast.Expr | None:
    conditions = [training.stop] if training.stop else []
    conditions += [ast.Compare(r.op, _judged(r.judged), number(r.bound)) for r in training.goals]
    if patience := training.patience:
        conditions.append(ast.Gain(_judged(patience.judged), number(patience.epochs), "epochs"))
    return reduce(lambda left, right: ast.Logic("or", left, right), conditions) if conditions else None


def _keep(training: Training) -> ast.Expr | None:
    if training.keep is None:
        return None
    return ast.Call(ast.Name("best"), (ast.Argument(None, _judged(training.keep)),))


def _judged(judged: Judged) -> ast.Expr:
    if judged.figure == "gradient_norm":
        return ast.Call(ast.Name("norm"), (ast.Argument(None, ast.Gradient("R", None, None)),))
    under = (ast.Argument(None, judged.attack),) if judged.attack else ()
    return ast.Call(ast.Name(judged.figure), (ast.Argument(None, ast.Name(judged.part)), *under))


def _monitor(monitor: Monitor) -> ast.Monitor:
    every = ast.Counted(number(monitor.every), f"{monitor.unit}s")
    settings = [ast.Setting("every", every)] if monitor.every else []
    settings += [word("history", monitor.history)] if monitor.history != "auto" else []
    functions = (ast.Setting(w.name, w.written) for w in monitor.watched)
    return ast.Monitor(monitor.figures, (*functions, *settings))


def _bare(statement: ast.Statement) -> ast.Statement:
    """Without its place in the text, which is not this one."""
    return replace(statement, span=NOWHERE)
