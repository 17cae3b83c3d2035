"""The right sides of the equations of an update rule: names become variables, wrong indices are told."""

from __future__ import annotations

from dataclasses import replace

from netc.compiler.meaning.kinds import BATCHWISE
from netc.compiler.meaning.resolve_complaints import Complaints
from netc.compiler.meaning.resolve_moments import BEFORE, NEXT, NOW, START, SUB, Moment, moment
from netc.compiler.meaning.rule_body import equations
from netc.compiler.meaning.rule_names import RuleNames
from netc.dsl import ast
from netc.dsl.source import Span
from netc.dsl.walks import rebuild


class Reading:
    """Expressions of a rule at a place in it: what has a value there, and which variable has it."""

    def __init__(
        self, rule: ast.Optimizer, losses: frozenset[str], complain: Complaints, watched: frozenset[str]
    ) -> None:
        self.rule, self.losses, self.complain = rule, losses, complain
        self.counter = complain.n
        self.names = RuleNames(rule, self.counter)
        self.read_now: dict[str, Span] = dict.fromkeys(watched & self.names.indexed, rule.span)
        """States whose value at n is read, and where first."""
        self.defined: dict[tuple[str, Moment | None], Span] = {}
        """What has an equation above the present place; locals have no moment."""
        self.blamed: set[tuple[str, Moment | None]] = set()
        """What has been complained about already."""
        self.loops: dict[str, ast.Expr] = {}
        """Index of each loop around the present place, and its last value."""
        self.halves: dict[str, Span] = {}
        """Locals that only one branch of an `if` has set, and where."""
        self.late: set[str] = set()
        """Running locals of the present loop whose former value is still read after the new one is set."""

    def read_in(self, expr: ast.Expr, initial: bool = False) -> ast.Expr:
        """`initial`: on the right of the first value of a state, `v[0] = ...`."""

        def read(part: ast.Expr) -> ast.Expr:
            return self.read_in(part, initial)

        match expr:
            case ast.Index(ast.Name(name), index) if name in self.losses:
                return replace(expr, index=read(index))
            case ast.Index(ast.Name(name), index):
                return self._indexed(expr, name, index, initial)
            case ast.Name(id):
                if initial and id in self.names.locals and (id, None) in self.defined:
                    self.complain.not_at_start(id, expr.span)
                else:
                    self._named(expr, id)
                return expr
            case ast.Call(ast.Name(function), (ast.Argument(None, ast.Name(id)),)) if (
                function in BATCHWISE and id in self.names.memories
            ):
                return expr
            case ast.Call(ast.Name("argmax")):
                self.complain.argmax(expr)
                return ast.Number(1.0, span=expr.span)
            case ast.Call(ast.Name(), arguments):
                # The function's name is no value, nor is `layer` or `tensor` in `per = layer`.
                values = (a if a.name == "per" else replace(a, value=read(a.value)) for a in arguments)
                return replace(expr, arguments=tuple(values))
        return rebuild(expr, read)

    def _named(self, name: ast.Name, id: str) -> None:
        if id in self.names.memories:
            self.complain.all_batches(id, name.span)
        elif id in self.names.indexed:
            self.complain.index_missing(id, name.span)
        elif id in self.halves and not {(id, None)} & (self.defined.keys() | self.blamed):
            self.complain.half_set(id, name.span, self.halves[id])
            self.blamed.add((id, None))
        elif id in self.names.locals and not {(id, None)} & (self.defined.keys() | self.blamed):
            later = next(e for e in equations(self.rule.body) if e.name == id)
            self.complain.local_too_early(id, name.span, later.span)
            self.blamed.add((id, None))

    def _indexed(self, expr: ast.Index, name: str, index: ast.Expr, initial: bool) -> ast.Expr:
        if name in self.names.memories:
            return replace(expr, index=self.batch(index, name))
        if name not in self.names.indexed:
            self._unknown(name, expr.span)
            return ast.Number(0.0, span=expr.span)
        when = self.moment_of(index)
        if when is None:
            self.complain.bad_index(index, name, writing=False)
        elif initial and when in (START, NOW):
            self.read_now.setdefault(name, expr.span)
            when = NOW
        elif initial and (name, when) in self.defined:
            self.complain.not_at_start(expr.span.text, expr.span)
        elif when == START:
            self.complain.start_read(name, expr.span)
        elif when == NOW and ((name, NOW) not in self.names.targets or (name, NEXT) in self.names.targets):
            self.read_now.setdefault(name, expr.span)
        else:
            self._available(name, SUB if when == BEFORE else when, expr.span)
        if when == BEFORE and name not in self.late:
            when = SUB
        return ast.Name(self.names.variable(name, when or NOW), span=expr.span)

    def _available(self, name: str, when: Moment, span: Span) -> None:
        if (name, when) in self.defined or (name, when) in self.blamed:
            return
        if (name, when) in self.names.targets or when == SUB:
            self.complain.too_early(name, span)
        else:
            self.complain.no_equation(name, span)
        self.blamed.add((name, when))

    def _unknown(self, name: str, span: Span) -> None:
        if name in self.names.locals:
            self.complain.index_of_local(name, span)
        elif name in self.names.hypers:
            self.complain.index_of_parameter(name, span)
        else:
            self.complain.never_updated(name, span, self.names.indexed)

    def moment_of(self, index: ast.Expr) -> Moment | None:
        return moment(index, self.counter, self.loops)

    def now(self, name: str, span: Span) -> str:
        """The variable of a state's value at n, which is read."""
        self.read_now.setdefault(name, span)
        return self.names.variable(name, NOW)

    def batch(self, index: ast.Expr, name: str) -> ast.Expr:
        """The number of a batch: of a loop around, or a number from 1."""
        outside = isinstance(index, ast.Name) and index.id not in {*self.loops, *self.names.locals}
        if outside or (isinstance(index, ast.Number) and not (index.value >= 1 and index.value % 1 == 0)):
            self.complain.batch_index(index, name)
            return ast.Number(1.0, span=index.span)
        return self.read_in(index)
