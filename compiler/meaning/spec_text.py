"""spec -> text of a `.net` file that stands alone: every default and every definition is written out."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from functools import reduce

from netc.compiler.meaning.bind_arguments import is_flag
from netc.compiler.meaning.layer_parameters import choices
from netc.compiler.meaning.resolve_tree import names_in
from netc.compiler.meaning.spec import (
    GIVEN_WEIGHTS,
    Activation,
    Block,
    DataSpec,
    Init,
    Join,
    Judged,
    Law,
    Loss,
    Monitor,
    Named,
    Network,
    Operation,
    Schedule,
    Spec,
    TargetDomain,
    Training,
    Use,
    Values,
    uses_of,
)
from netc.dsl import ast, library
from netc.dsl.format import format_program
from netc.dsl.source import NOWHERE, Source

DENSE = "dense"
Defined = Activation | Use | Block
"""The layer whose size makes it: (tanh) 15."""


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
        yield _network(spec.network)
        yield _loss(spec.loss)
    yield from _init(spec.init)
    yield from spec.optimizer.searches
    yield from spec.attacks
    definition = spec.optimizer.definition
    yield replace(definition, parameters=_defaults(definition.parameters, spec.optimizer.arguments))
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
        yield from (others[name] for name in sorted(others) if not _is_dense(others[name]))


def _number(value: float) -> ast.Expr:
    if math.isnan(value):
        return ast.Name("none")
    if math.isinf(value):
        return ast.Name("inf") if value > 0 else ast.Unary("-", ast.Name("inf"))
    return ast.Number(value) if math.copysign(1.0, value) > 0 else ast.Unary("-", ast.Number(-value))


def _defaults(parameters: tuple[ast.Parameter, ...], values: Values) -> tuple[ast.Parameter, ...]:
    """The parameters with the numbers they have as defaults."""
    given = dict(values)
    return tuple(ast.Parameter(p.name, _number(given[p.name])) for p in parameters)


def _arguments(values: Values) -> tuple[ast.Argument, ...]:
    return tuple(ast.Argument(name, _number(value)) for name, value in values)


def _word(name: str, word: str) -> ast.Setting:
    return ast.Setting(name, ast.Name(word))


def _data(data: DataSpec, program: ast.Program) -> ast.Data:
    given = ast.Data((ast.Name("given"),), None, (), ())
    written = next((s for s in program.statements if isinstance(s, ast.Data)), given)
    sources = tuple(ast.Text(path) for path in data.origin) if data.kind == "files" else written.sources
    made = [s for s in written.settings if s.name == "inputs" and data.kind == "generated"]
    scale: ast.Expr = ast.Name(data.scale) if data.factor == 1 else _number(data.factor)
    settings = [
        *_target(data),
        *([ast.Setting("inputs", _columns(data.inputs))] if data.inputs else made),
        ast.Setting("scale", scale),
        _word("scale_target", data.scale_target),
        ast.Setting("split", _number(data.split)),
        *_validation(data),
        ast.Setting("seed", _number(data.seed)),
        *(ast.Setting(n, _number(v)) for n, v in (("classes", data.classes), ("limit", data.limit)) if v),
        *_chosen(data),
        *([_word("order", data.order)] if data.order == "time" and not data.window else []),
        *([ast.Setting("window", _number(data.window))] if data.window else []),
        *([ast.Setting("weights", _weights(data.weights))] if data.weights else []),
        *_reading(data),
    ]
    return replace(written, sources=sources, settings=tuple(settings))


def _validation(data: DataSpec) -> Iterator[ast.Setting]:
    if data.folds:
        yield ast.Setting("folds", _number(data.folds))
        yield ast.Setting("fold", _number(data.fold))
    if data.validation_files:
        yield ast.Setting("validation", _columns(data.validation_files))
    elif data.validation:
        yield ast.Setting("validation", _number(data.validation))


def _chosen(data: DataSpec) -> Iterator[ast.Setting]:
    if data.only:
        yield ast.Setting("only", ast.Set(tuple(ast.Text(label) for label in data.only)))
    if data.each:
        yield ast.Setting("each", _number(data.each))
    if data.label_noise:
        yield ast.Setting("label_noise", _number(data.label_noise))


def _weights(column: str) -> ast.Expr:
    return ast.Name(column) if column == GIVEN_WEIGHTS else ast.Text(column)


def _target(data: DataSpec) -> Iterator[ast.Setting]:
    if data.of_inputs:
        yield _word("target", "inputs")
    elif data.computed:
        made = data.computed
        yield ast.Setting("target", made[0] if len(made) == 1 else ast.Tuple(made))
    elif data.target:
        yield ast.Setting("target", _columns(data.target))


def _reading(data: DataSpec) -> Iterator[ast.Setting]:
    """How a table is read: what the file states, and what a guess might not find again."""
    if data.style.header is not None:
        yield _word("header", str(data.style.header).lower())
    if data.style.separator:
        text = data.style.separator
        yield ast.Setting("separator", ast.Name("tab") if text == "\t" else ast.Text(text))
    if data.style.decimal != "point":
        yield _word("decimal", data.style.decimal)
    if data.kind not in ("inline", "generated"):
        yield _word("missing", data.missing)
    if data.stratify:
        yield _word("stratify", "true")


def _columns(names: tuple[str, ...]) -> ast.Expr:
    texts = tuple(ast.Text(name) for name in names)
    return texts[0] if len(texts) == 1 else ast.Tuple(texts)


def _network(network: Network) -> ast.Network:
    size: ast.Expr = ast.Shape(network.input) if len(network.input) > 1 else _number(network.input[0])
    return ast.Network(ast.Architecture(size, tuple(_stages(network.operations))))


def _stages(operations: tuple[Operation, ...]) -> Iterator[ast.Stage]:
    """Each layer with the activations behind it; the size of a dense layer stands behind the parentheses."""
    groups: list[list[Operation]] = []
    for operation in operations:
        ended = bool(groups) and any(isinstance(o, Named) for o in groups[-1])
        if isinstance(operation, Activation | Named) and groups and not ended:
            groups[-1].append(operation)
        else:
            groups.append([operation])
    while groups:
        times = _times(groups)
        first, *rest = groups[0]
        groups = groups[times:]
        called = next((o.name for o in (first, *rest) if isinstance(o, Named)), "")
        rest = [o for o in rest if not isinstance(o, Named)]
        if isinstance(first, Join):
            words = (ast.Name(first.name),)
            yield ast.Stage((ast.Operation(first.kind, (), words), *_after(rest)), None, called=called)
            continue
        assert not isinstance(first, Named)
        size, written = _sized(first)
        if isinstance(first, Block) and times == 1:
            written = replace(written, arguments=(*written.arguments, *_which(first)))
        yield ast.Stage((written, *_after(rest)), size, times, called=called)


def _times(groups: list[list[Operation]]) -> int:
    """A block that stands there again and again, first of so many: what is in it may ask for its number."""
    match groups[0]:
        case [Block(definition, arguments) as first]:
            count = int(dict(arguments).get("L", 1))
            others = [g[0] for g in groups[:count] if len(g) == 1 and isinstance(g[0], Block)]
            numbers = [dict(o.arguments).get("l") for o in others if o.definition == definition]
            same = all(_written(o) == _written(first) for o in others)
            return count if same and numbers == [*range(1, count + 1)] else 1
    return 1


def _which(block: Block) -> tuple[ast.Argument, ...]:
    """Of a repetition that is written one by one; a block that stands alone is the first of one."""
    own = {p.name for p in block.definition.parameters}
    numbers = [(n, v) for n, v in block.arguments if n in ("l", "L") and n not in own]
    return _arguments(tuple(numbers)) if any(v != 1 for _, v in numbers) else ()


def _after(rest: list[Operation]) -> Iterator[ast.Operation]:
    for o in rest:
        assert isinstance(o, Activation)
        yield ast.Operation(o.definition.name, _arguments(o.arguments), ())


def _sized(operation: Defined) -> tuple[ast.Expr | None, ast.Operation]:
    name, arguments = operation.definition.name, dict(operation.arguments)
    if _is_dense(operation.definition):
        words = () if arguments["bias"] else (ast.Name("nobias"),)
        return _number(arguments["units"]), ast.Operation(DENSE, (), words)
    return None, ast.Operation(name, _written(operation), ())


def _is_dense(definition: ast.Statement) -> bool:
    """The library's; a file may have a dense layer of its own."""
    return definition == library.lookup("layer", DENSE)


def _written(operation: Defined) -> tuple[ast.Argument, ...]:
    """`size_1 = 3, size_2 = 3` as `size = 3x3`."""
    given, definition = dict(operation.arguments), operation.definition
    words = choices(definition) if isinstance(definition, ast.Layer) else {}
    scheduled = dict(operation.scheduled) if isinstance(operation, Use) else {}
    return tuple(
        ast.Argument(p.name, scheduled[p.name])
        if p.name in scheduled
        else ast.Argument(
            p.name, ast.Name(words[p.name][int(given[p.name])]) if p.name in words else _value(p, given)
        )
        for p in definition.parameters
    )


def _value(p: ast.Parameter, given: dict[str, float]) -> ast.Expr:
    if is_flag(p):
        return ast.Name("true" if given[p.name] else "false")
    if not isinstance(p.default, ast.Shape):
        return _number(given[p.name])
    return ast.Shape(tuple(int(given[f"{p.name}_{i + 1}"]) for i in range(len(p.default.sizes))))


def _loss(loss: Loss) -> ast.Loss:
    kept = tuple(
        s for s in loss.definition.settings if s.name not in ("reduce", "targets", "weight", "divide")
    )
    kept += (ast.Setting("targets", _domain(loss.targets)),) if loss.targets else ()
    kept += (ast.Setting("weight", loss.weight),) if loss.weight is not None else ()
    kept += (_word("divide", loss.divide),) if loss.divide else ()
    parameters = _defaults(loss.definition.parameters, loss.arguments)
    return replace(loss.definition, parameters=parameters, settings=(*kept, _word("reduce", loss.reduce)))


def _domain(targets: TargetDomain) -> ast.Expr:
    if targets.sum_is_one:
        return ast.Name("distribution")
    if targets.values:
        return ast.Set(tuple(map(_number, targets.values)))
    return ast.Range(_number(targets.low), _number(targets.high))


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
    values = tuple(ast.Setting(name, _number(value)) for name, value in law.arguments)
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
            ast.Piece(p.value, None if math.isinf(p.until) else _number(p.until)) for p in schedule.pieces
        )
        yield ast.Schedule(schedule.name, False, (), pieces, (), (_word("unit", schedule.unit),))
        return
    definition = schedule.recursion.definition
    yield definition
    call = ast.Call(ast.Name(definition.name), _arguments(schedule.recursion.arguments))
    yield ast.Schedule(schedule.name, False, (), (ast.Piece(call, None),), (), ())


def _train(training: Training) -> ast.Train:
    batch: ast.Expr = ast.Name("full")
    if training.batch == "size":
        batch = _number(training.count)
    elif training.batch == "parts":
        batch = ast.Counted(_number(training.count), "parts")
    settings = [
        ast.Setting(n, _number(v))
        for n, v in (("epochs", training.epochs), ("steps", training.steps))
        if v > 0
    ]
    settings += [
        ast.Setting("batch", batch),
        _word("shuffle", str(training.shuffle).lower()),
        *([_word("sampling", "replacement")] if training.replacement else []),
        _word("precision", training.precision),
        ast.Setting("seed", _number(training.seed)),
        ast.Setting("runs", _number(training.runs)),
        _word("target", training.target),
    ]
    settings += [ast.Setting("threads", _number(training.threads))] if training.threads else []
    if training.against:
        call = ast.Call(ast.Name(training.against.definition.name), _arguments(training.against.arguments))
        settings.append(ast.Setting("against", call))
    criteria = (("stop", _stop(training)), ("diverged", training.diverged), ("keep", _keep(training)))
    settings += [ast.Setting(name, criterion) for name, criterion in criteria if criterion]
    return ast.Train(tuple(settings))


def _stop(training: Training) -> ast.Expr | None:
    conditions = [training.stop] if training.stop else []
    conditions += [ast.Compare(r.op, _judged(r.judged), _number(r.bound)) for r in training.goals]
    if patience := training.patience:
        conditions.append(ast.Gain(_judged(patience.judged), _number(patience.epochs), "epochs"))
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
    every = ast.Counted(_number(monitor.every), f"{monitor.unit}s")
    settings = [ast.Setting("every", every)] if monitor.every else []
    settings += [_word("history", monitor.history)] if monitor.history != "auto" else []
    functions = (ast.Setting(w.name, w.written) for w in monitor.watched)
    return ast.Monitor(monitor.figures, (*functions, *settings))


def _bare(statement: ast.Statement) -> ast.Statement:
    """Without its place in the text, which is not this one."""
    return replace(statement, span=NOWHERE)
