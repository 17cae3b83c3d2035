"""Names that a definition cannot give to what is its own: they mean something already where they are read.

optimizer mine(n = 0.1)        n counts the iterations
loss L(u = 2) = ...            u are the outputs
objective R(steps) = ...       an `expect` would read the number of iterations
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from netc.compiler.check.rule.schedule import CLOCKS
from netc.compiler.check.training.expect import TAKEN
from netc.compiler.meaning.findings import Report, first_line
from netc.compiler.meaning.kinds import FUNCTION_NAMES
from netc.compiler.meaning.resolve import Definitions, head
from netc.compiler.meaning.resolve_complaints import MEANINGS
from netc.compiler.meaning.resolve_laws import PLACE
from netc.compiler.meaning.resolve_values import CONSTANTS
from netc.dsl import ast
from netc.dsl.source import Span
from netc.dsl.walks import names_in, walk

OUTPUTS = {"u": "the outputs of the network", "y": "the targets"}
PLACES = dict.fromkeys(PLACE, "a number of the layer")
CLOCK = dict.fromkeys(CLOCKS, "the count of iterations or epochs")
RECURSION = {"k": "the count of epochs", "loss": "the loss of the epoch", "value": "the schedule's value"}
COUNTER = {"n": "the count of iterations"}
IN_FIGURES = {
    **dict.fromkeys(CONSTANTS, "a constant"),
    **dict.fromkeys(("n", "epoch"), "the count of iterations or epochs"),
    **dict.fromkeys(TAKEN, "a figure that 'expect' knows"),
    "none": "no value",
    "training": "what tells training from use in a layer",
}
"""What `expect`, `stop` and `monitor` would read in the place of a variable of an objective."""
OF_LOSSES = {
    **dict.fromkeys(FUNCTION_NAMES, "a function"),
    **dict.fromkeys(("theta", "weights", "biases", "ones"), "a vector of every rule"),
    **dict.fromkeys(("n", "m", "epoch", "samples", "rounding"), "a number of every rule"),
    **dict.fromkeys(TAKEN - {"R", "loss"}, "a figure that 'expect' knows"),
}
"""What rules and `expect` would read in the place of a loss."""
FIGURES = (ast.Expect, ast.Monitor, ast.Train, ast.Phase)
"""Statements that read figures of a training."""
HINT = "another name will do: {}_"

Found = Iterator[tuple[str, Span, str]]
"""A name, where it stands, and what it means already."""


def check_fixed_names(program: ast.Program, definitions: Definitions, report: Report) -> None:
    """Of the file and of those that it uses."""
    objectives = [s for s in program.statements if isinstance(s, ast.Objective)]
    starts = [s for s in program.statements if isinstance(s, ast.Init) and s.name is None]
    own = [d for table in definitions.tables for d in table.own.values()]
    read = _read(program, ast.Optimizer, *FIGURES)
    for statement in (*objectives, *starts, *own):
        for name, span, meaning in (*_in(statement), *_called(statement, read)):
            hints = (HINT.format(name),)
            report.error("E0663", span, f"'{name}' cannot name this: it is already {meaning}", hints=hints)


def require_apart(program: ast.Program, parameters: Collection[str], report: Report) -> None:
    """A variable of the objective and a parameter of the rule, where one of them is read: `expect eta = 0.1` would be of
    either."""
    taken = _read(program, *FIGURES).intersection(parameters)
    for statement in (s for s in program.statements if isinstance(s, ast.Objective)):
        for v in (v for v in statement.variables if v.name in taken):
            message = f"'{v.name}' cannot name this: it is already a parameter of the rule"
            report.error("E0663", v.span, message, hints=(HINT.format(v.name),))


def _read(program: ast.Program, *kinds: type[ast.Statement]) -> set[str]:
    """The names that statements of these kinds read."""
    return {name for s in program.statements if isinstance(s, kinds) for name in names_in(s)}


def _called(statement: ast.Statement, read: Collection[str]) -> Found:
    """A loss that is called like what the file reads somewhere."""
    match statement:
        case ast.Objective(name) | ast.Loss(name) if name in OF_LOSSES and name in read:
            yield name, head(statement), OF_LOSSES[name]


def _in(statement: ast.Statement) -> Found:
    match statement:
        case ast.Objective(variables=variables):
            yield from _of(variables, IN_FIGURES)
        case ast.Loss(parameters=parameters):
            yield from _of([p for p in parameters if p.default is not None], OUTPUTS)  # else E0109 tells more
        case ast.Activation(variable=variable, parameters=parameters):
            yield from _of(parameters, {variable: "what the activation is applied to"})
        case ast.Clip(variable=variable, parameters=parameters):
            yield from _of(parameters, {variable: "the gradient that is clipped"})
        case ast.Optimizer(parameters=parameters):
            yield from _of(parameters, COUNTER)
            yield from _loops(statement)
        case ast.Schedule(parameters=parameters, body=body):
            yield from _of(parameters, RECURSION if body else CLOCK)
        case ast.Init(parameters=parameters, settings=settings):
            yield from _of(parameters, PLACES)
            yield from _helpers(settings, {p.name for p in parameters})


def _of(parameters: Collection[ast.Parameter], taken: dict[str, str]) -> Found:
    return ((p.name, p.span, taken[p.name]) for p in parameters if p.name in taken)


def _loops(rule: ast.Optimizer) -> Found:
    """`for eta in 1..m:`, where eta is the rate."""
    nodes = [n for action in rule.body for n in walk(action)]
    taken = dict.fromkeys((n.name for n in nodes if isinstance(n, ast.Equation)), "set by an equation")
    taken |= dict.fromkeys(("theta", *MEANINGS), "a name of every rule")
    taken |= dict.fromkeys((p.name for p in rule.parameters), "a parameter of the rule")
    for loop in (n for n in nodes if isinstance(n, ast.For)):
        if loop.name in taken:
            yield loop.name, first_line(loop.span), taken[loop.name]


def _helpers(settings: Collection[ast.Setting], parameters: set[str]) -> Found:
    seen = {**PLACES, **dict.fromkeys(parameters, "a parameter of this start")}
    for setting in settings:
        if setting.name in seen:
            yield setting.name, setting.span, seen[setting.name]
        seen[setting.name] = "a helper that is set before"
