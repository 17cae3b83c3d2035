"""A point of a sweep: the file with the values in their places, a file like any other. Checks nothing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from netc.compiler.meaning.spec import Sweep
from netc.dsl import ast
from netc.dsl.printer import print_expr
from netc.dsl.walks import dotted, rebuild

Values = tuple[ast.Expr, ...]
"""Of a point, one for each axis."""
Changed = dict[str, str | float | ast.Expr]
"""What is set from outside, as with --set."""
MOST_FOLDS = 10_000
USES = ("optimizer", "init", "loss")
"""Statements of which a sweep replaces the use."""


def with_folds(program: ast.Program) -> ast.Program:
    """`folds = 5` in the data is an axis of the sweep: fold in {1, ..., 5}. As it is where a fold is chosen already."""
    data = data_of(program)
    given = {s.name: s for s in data.settings} if data else {}
    if data is None or "folds" not in given or "fold" in given:
        return program
    folds = given["folds"]
    number = folds.value.value if isinstance(folds.value, ast.Number) else 0
    if not 2 <= number <= MOST_FOLDS or number != int(number):
        return program  # the check of the data says what is wrong
    chosen = ast.Setting("fold", ast.Name("fold", span=folds.span), span=folds.span)
    values = tuple(ast.Number(float(i), span=folds.span) for i in range(1, int(number) + 1))
    axis = ast.Among(ast.Name("fold", span=folds.span), ast.Set(values, span=folds.span), span=folds.span)
    sweeps = [s for s in program.statements if isinstance(s, ast.Sweep)]
    sweep = sweeps[0] if sweeps else ast.Sweep((), (), span=folds.span)
    whole = replace(sweep, axes=(*sweep.axes, axis))
    statements = [replace(s, settings=(*s.settings, chosen)) if s is data else s for s in program.statements]
    statements = [whole if s is sweep else s for s in statements]
    return replace(program, statements=(*statements, *(() if sweeps else (whole,))))


def data_of(program: ast.Program) -> ast.Data | None:
    return next((s for s in program.statements if isinstance(s, ast.Data)), None)


def at_point(program: ast.Program, sweep: Sweep, values: Values) -> tuple[ast.Program, Changed]:
    """The file with the values in their places, and those that are set from outside. It claims nothing: what the
    file expects is about the sweep, and so is an ensemble of folds."""
    statements: list[ast.Statement] = [
        s for s in program.statements if not isinstance(s, ast.Sweep | ast.Expect) and not of_folds(s)
    ]
    changed: Changed = {}
    for axis, value in zip(sweep.axes, values, strict=True):
        match axis.kind:
            case "statement":
                statements = with_use(statements, axis.name, value)
            case "name":
                statements = [with_name(s, axis.name, value) for s in statements]
            case _:
                changed[axis.name] = value
    return ast.Program(tuple(statements), span=program.span), changed


def of_folds(statement: ast.Statement) -> bool:
    return isinstance(statement, ast.Ensemble) and statement.members == ast.Name("folds")


def with_use(statements: Iterable[ast.Statement], name: str, value: ast.Expr) -> list[ast.Statement]:
    """With the use of `optimizer`, `init` or `loss` replaced."""
    return [*(s for s in statements if not _is_use(s, name)), _use(name, value)]


def _is_use(statement: ast.Statement, name: str) -> bool:
    match statement:
        case ast.Optimizer(use=use) | ast.Loss(use=use):
            return type(statement).__name__.lower() == name and use is not None
        case ast.Init(name=defined):
            return name == "init" and defined is None
    return False


def _use(name: str, value: ast.Expr) -> ast.Statement:
    called = dotted(value.function if isinstance(value, ast.Call) else value) or print_expr(value)
    match name:
        case "optimizer":
            return ast.Optimizer(called, (), value, (), (), span=value.span)
        case "loss":
            return ast.Loss(called, (), value, None, (), span=value.span)
        case _:
            return ast.Init(None, (), value, (), None, (), span=value.span)


def with_name(statement: ast.Statement, name: str, value: ast.Expr) -> ast.Statement:
    """With the value in each place where the name stands; names that a definition binds are its own."""

    def put(node: ast.Expr) -> ast.Expr:
        match node:
            case ast.Name(id) if id == name:
                return value
            case ast.Setting("target" | "inputs" | "weights"):  # names of columns
                return node
            case ast.Operation(name=word) if word == name.lower():
                return _operation(node, value)  # type: ignore[return-value]
        return rebuild(node, put)

    match statement:
        case ast.Network() | ast.Data() | ast.Train() | ast.Augment() | ast.Phase() | ast.Init(name=None):
            return rebuild(statement, put)
        case ast.Objective(variables=variables) if all(v.name != name for v in variables):
            return rebuild(statement, put)
        case ast.Optimizer(use=use) | ast.Loss(use=use) if use is not None:
            return rebuild(statement, put)
        case ast.Schedule(defines=False):
            return rebuild(statement, put)
    return statement


def _operation(operation: ast.Operation, value: ast.Expr) -> ast.Operation:
    match value:
        case ast.Call(ast.Name(word), arguments):
            return replace(operation, name=word.lower(), arguments=arguments, span=value.span)
        case ast.Name(word):
            return replace(operation, name=word.lower(), span=value.span)
    return replace(operation, words=(*operation.words, value), span=value.span)
