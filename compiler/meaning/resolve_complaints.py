"""What can be wrong with the equations of an update rule, in the user's terms. Finds nothing by itself."""

from __future__ import annotations

from collections.abc import Iterable

from netc.compiler.meaning.findings import Report, first_line
from netc.compiler.meaning.implicit_equations import literal_reading
from netc.dsl import ast
from netc.dsl.names import did_you_mean, latin, strange
from netc.dsl.source import Span
from netc.dsl.walks import names_in, walk
from netc.dsl.words.vocabulary import joined

OTHERS_FOR_THETA = ("w", "W", "x", "p", "params", "weight", "parameters", "phi", "omega")
"""What papers call the parameters."""
MEANINGS = {
    "n": "n counts the iterations from 0",
    "m": "m is the number of batches",
    "epoch": "epoch is n divided by the iterations of one epoch",
    "samples": "samples is the number of training samples",
    "rounding": "rounding is the distance from 1 to the next number: 2.2e-16, in f32 1.2e-7",
    "weights": "weights is the vector with 1 at every weight and 0 at every bias",
    "biases": "biases is the vector with 1 at every bias and 0 at every weight",
    "ones": "ones is the vector with 1 at every parameter",
    "R": "R is the loss",
    "pi": "pi is 3.14159...",
    "inf": "inf is infinity",
    "true": "true is a truth value",
    "false": "false is a truth value",
}
"""Names that a rule may read and not define."""


def target(equation: ast.Equation) -> Span:
    """The left side of an equation."""
    span = equation.span
    left = span.text.split("=", 1)[0].rstrip()
    return Span(span.source, span.start, span.start + len(left)) if left else span


class Complaints:
    """One method a mistake; `n` is the name of the counter."""

    def __init__(self, rule: ast.Optimizer, report: Report, n: str) -> None:
        self.rule = rule
        self.report = report
        self.n = n

    def never_set(self, name: str) -> None:
        step = f"{name}[{self.n}+1]"
        message = f"the rule never says what {step} is"
        others = {
            e.name: e for a in self.rule.body for e in walk(a) if isinstance(e, ast.Equation) and e.indices
        }
        if alike := next((n for n in others if latin(n) == name != n), ""):
            message += f": '{alike}' looks the same, but has {strange(alike)}"
        elif own := next((n for n in others if n in OTHERS_FOR_THETA and name == "theta"), ""):
            message += f": the parameters are called theta, not {own}"
        hint = f"add the equation '{step} = {name}[{self.n}] - ...'"
        self.report.error("E0404", first_line(self.rule.span), message, hints=(hint,))

    def never_updated(self, name: str, span: Span, known: Iterable[str] = ()) -> None:
        hint = f"add an equation '{name}[{self.n}+1] = ...'; a constant needs no index"
        hints = did_you_mean(name, known) or (hint,)
        self.report.error("E0403", span, f"the state '{name}' is read but never updated", hints=hints)

    def parameter_set(self, equation: ast.Equation) -> None:
        message = f"'{equation.name}' is a parameter of the rule, it cannot be set"
        hint = f"give the local another name; 'schedule {equation.name} = ...' lets the parameter change"
        self.report.error("E0407", target(equation), message, hints=(hint,))

    def fixed_name_set(self, equation: ast.Equation) -> None:
        message = f"'{equation.name}' has a fixed meaning, it cannot be set"
        self.report.error("E0407", target(equation), message, notes=(MEANINGS[equation.name],))

    def index_missing_left(self, equation: ast.Equation) -> None:
        message = f"'{equation.name}' needs an index here: its new value is {equation.name}[{self.n}+1]"
        self.report.error("E0406", target(equation), message)

    def index_missing(self, name: str, span: Span) -> None:
        hint = f"{name}[{self.n}] is its value now, {name}[{self.n}+1] its next one"
        self.report.error("E0406", span, f"'{name}' needs an index", hints=(hint,))

    def index_of_local(self, name: str, span: Span) -> None:
        hint = f"write {name}, or make it a state by an equation for {name}[{self.n}+1]"
        self.report.error("E0406", span, f"'{name}' is a local: it has no index", hints=(hint,))

    def index_of_parameter(self, name: str, span: Span) -> None:
        hint = f"write {name}; 'schedule {name} = ...' lets it change"
        self.report.error(
            "E0406", span, f"'{name}' is a parameter of the rule: it has no index", hints=(hint,)
        )

    def bad_index(self, index: ast.Expr, name: str, writing: bool) -> None:
        n = self.n
        forms = f"{n}, {n}+1, substeps such as {n}+1/2, and {n}+(i-1)/m in a loop over 1..m"
        if writing:
            forms = f"{n}+1, a substep {n}+1/2, {n}+i/m in a loop over 1..m, and 0 for the start"
        says = ""
        if isinstance(index, ast.Binary) and index.op == "-" and not writing:
            says = f"an older value is a state, old[{n}+1] = {name}[{n}], read as old[{n}]"
        elif writing and index == ast.Name(n):
            says = f"the new value is {name}[{n}+1]"
        elif other := next((i for i in sorted(names_in(index)) if i in ("t", "k", "i", "j", "n")), ""):
            says = f"the iterations are counted by {n}, from 0, {name}[{n}+1]" if other != n else ""
        verb = "set" if writing else "read"
        message = joined(f"'{name}' cannot be {verb} at [{index.span.text}]", says)
        self.report.error("E0402", index.span, message, notes=(f"indices are {forms}",))

    def present_set(self, equation: ast.Equation) -> None:
        name = equation.name
        message = f"the equation should be that of {name}[{self.n}+1]"
        note = f"{name}[{self.n}] is the value from the iteration before"
        self.report.error("E0402", target(equation), message, notes=(note,))

    def start_read(self, name: str, span: Span) -> None:
        hint = f"keep it in a state: old[0] = {name}[0] and old[{self.n}+1] = old[{self.n}]"
        self.report.error("E0402", span, f"{name}[0] can be read in initial values only", hints=(hint,))

    def not_at_start(self, written: str, span: Span) -> None:
        message = f"'{written}' has no value yet where a state starts: an iteration sets it"
        hint = "choose in the equation: '... if n == 0 else ...'"
        note = "a start is made of parameters, theta[0] and other starts"
        self.report.error("E0426", span, message, notes=(note,), hints=(hint,))

    def start_of_itself(self, name: str, span: Span) -> None:
        hint = f"a number, a parameter or theta[0]: {name}[0] = 0"
        self.report.error("E0426", span, f"the start of '{name}' is made of itself", hints=(hint,))

    def batch_index(self, index: ast.Expr, name: str) -> None:
        message = f"'{index.span.text}' is no batch: '{name}' has one value for each, from 1 to m"
        hint = f"read and set it inside 'for i in 1..m:' as {name}[i]"
        self.report.error("E0418", index.span, message, hints=(hint,))

    def all_batches(self, name: str, span: Span) -> None:
        message = f"'{name}' has one value for each batch"
        hint = f"say which: {name}[i]; or take all: sum({name}), max({name}), argmax({name})"
        self.report.error("E0418", span, message, hints=(hint,))

    def argmax(self, call: ast.Expr) -> None:
        message = "argmax is the batch whose value is largest, of something kept per batch"
        hint = "keep it: L[i] = ... in 'for i in 1..m:', then argmax(L)"
        self.report.error("E0418", call.span, message, hints=(hint,))

    def no_range(self, loop: ast.For) -> None:
        hint = f"write 'for {loop.name} in 1..m:'"
        self.report.error(
            "E0402", loop.values.span, "a loop runs over whole numbers, first..last", hints=(hint,)
        )

    def two_equations(self, equation: ast.Equation, first: Span) -> None:
        hint = "name one of them differently, or make one equation of both"
        message = f"{target(equation).text} has two equations"
        related = ((first, "the first one"),)
        self.report.error("E0412", target(equation), message, related=related, hints=(hint,))

    def defined_by_itself(self, equation: ast.Equation, span: Span) -> None:
        """An equation that reads what it defines: v[n+1] = (1 - beta1)*v[n+1] + ..."""
        shown, now = target(equation).text, f"{equation.name}[{self.n}]"
        unknown = ast.Index(ast.Name(equation.name), equation.indices[0])
        read = literal_reading(equation, unknown, self.rule)
        self.report.error(
            "E0401",
            span,
            f"{shown} is defined by itself",
            label=f"likely meant: {now}",
            related=((target(equation), "the equation for it"),),
            notes=(
                read or f"read literally, {shown} is the solution of this equation",
                "netc computes, it does not solve",
            ),
            hints=(f"write {now}, the value from the iteration before",),
        )

    def implicit_local(self, name: str, span: Span) -> None:
        state = name.removesuffix("_t")
        says = f"{name} of a paper is a state, {state}[{self.n}+1]" if state not in (name, "") else ""
        note = "a name without index is a local: it has no value from the iteration before"
        hint = f"a state has indices: {state}[{self.n}+1] = ... {state}[{self.n}] ..."
        message = joined(f"'{name}' is defined by itself", says)
        self.report.error("E0401", span, message, notes=(note,), hints=(hint,))

    def local_too_early(self, name: str, span: Span, later: Span) -> None:
        self.report.error("E0405", span, f"'{name}' is read before it is set", related=((later, "set here"),))

    def no_equation(self, name: str, span: Span) -> None:
        hint = f"{name}[{self.n}] is the value from the iteration before"
        self.report.error("E0405", span, f"no equation says what {span.text} is", hints=(hint,))

    def too_early(self, name: str, span: Span) -> None:
        hint = f"move its equation up, or read {name}[{self.n}]"
        self.report.error("E0405", span, f"{span.text} is read before its equation", hints=(hint,))

    def endless(self, loop: ast.Repeat) -> None:
        hint = "add a line 'until CONDITION' to its block"
        self.report.error("E0408", first_line(loop.span), "this 'repeat:' never ends", hints=(hint,))

    def unchanging(self, loop: ast.Repeat) -> None:
        hint = "change something in every round: h = h/2"
        message = "this 'repeat:' cannot end: its 'until' asks the same in every round"
        self.report.error("E0408", first_line(loop.span), message, hints=(hint,))

    def until_alone(self, until: ast.Until, searching: bool) -> None:
        message = "'until' ends a 'repeat:', there is none around it"
        hints: tuple[str, ...] = ()
        if searching:
            message = "'until' stands in the block of its 'repeat:' itself, not in an 'if'"
            hints = ("join the conditions: until A and B",)
        self.report.error("E0408", until.span, message, hints=hints)

    def half_set(self, name: str, span: Span, where: Span) -> None:
        hint = f"give {name} a value before the 'if', or in its 'else:' too"
        self.report.error("E0405", span, f"only one branch of the 'if' sets '{name}'",
                          related=((where, "set here"),), hints=(hint,))  # fmt: skip
