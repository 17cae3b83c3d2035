"""The text of a layer for its arguments and its input: numbers in place of parameters, the lines that hold. Infers nothing.

size[1], extent(x, 2), stride      numbers
learn b[o] as biases if bias       left out where `bias` is false
p of `schedule p = ...`            a state that the rule sets
z[i] = ... if causal, ... else     one of the two
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from netc.compiler.lower.layer_faults import LayerFault, fault
from netc.compiler.lower.reads import name_of, reductions, subscripts
from netc.compiler.meaning.kinds import OVER_INDICES
from netc.compiler.meaning.layer_parameters import numbers_of_words
from netc.compiler.meaning.resolve_values import NotANumber, is_whole, number, number_or_none
from netc.compiler.meaning.spec import Use
from netc.dsl import ast
from netc.dsl.source import NOWHERE, Span
from netc.dsl.walks import names_in, rebuild

TRAINING, TIME = "training", "n"


@dataclass
class LayerText:
    learned: list[ast.Learned] = field(default_factory=list)
    formulas: list[ast.Formula] = field(default_factory=list)
    draws: list[ast.Draws] = field(default_factory=list)
    states: dict[str, float] = field(default_factory=dict)
    """What a state is at first. Its next value is the equation called like it."""
    absent: set[str] = field(default_factory=set)
    """Arrays that a condition leaves out; they read as 0."""


def settled(use: Use, extents: Sequence[int]) -> LayerText:
    """`extents` of the input, without the samples."""
    return _Settling(use, extents).run()


class _Settling:
    def __init__(self, use: Use, extents: Sequence[int]) -> None:
        self.use, self.extents = use, extents
        self.scheduled = frozenset(name for name, _ in use.scheduled)
        given = {n: v for n, v in use.arguments if n not in self.scheduled}
        self.numbers: dict[str, float] = {**numbers_of_words(use.definition), **given}
        self.quotients: dict[str, ast.Expr] = {}
        """Of those that are no whole numbers, what divides them: 6/4."""
        self.text = LayerText()
        self.held: bool | ast.Formula | None = None
        """Whether the condition of the line before held, or that line with what is left of it; None: it had none."""
        self.states = {f.name for f in use.definition.lines if isinstance(f, ast.Formula) and _is_next(f)}

    def run(self) -> LayerText:
        for name in sorted(self.scheduled):  # a state that nothing but the rule changes
            self.text.states[name] = 0.0
            self.text.formulas.append(ast.Formula(name, (), _at_now(name), span=self.use.span))
        for line in self.use.definition.lines:
            match line:
                case ast.Learn(arrays):
                    for array in arrays:
                        self._learned(array)
                case ast.Formula():
                    self._formula(line)
                case ast.Draws():
                    self._draw(line)
        if isinstance(self.held, ast.Formula):
            raise _no_else(self.held)
        for formula in self.text.formulas:
            for index in (i for _, over, _ in reductions(formula.value) for i in over):
                if name_of(index) in self.numbers:
                    raise fault(
                        "E0229",
                        index.span,
                        f"'{name_of(index)}' is a number of this layer, it cannot be an index, too",
                    )
        return self.text

    def _learned(self, array: ast.Learned) -> None:
        if array.condition is not None and not self._holds(array.condition):
            self.text.absent.add(array.name)
            return
        value, law = array.value and self._of(array.value), array.law and self._of(array.law)
        self.text.learned.append(replace(array, indices=self._all(array.indices), value=value, law=law))

    def _draw(self, line: ast.Draws) -> None:
        """A law whose numbers follow a schedule is one of fixed numbers, and what is made of it."""
        line = replace(line, indices=self._all(line.indices), law=self._of(line.law))
        if not names_in(line.law) & self.scheduled:
            self.text.draws.append(line)
            return
        drawn = ast.Index(ast.Name(f"{line.name}_drawn"), ast.Tuple(tuple(_read(i) for i in line.indices)))
        law, value = _moved(line.law, drawn)
        self.text.draws.append(replace(line, name=f"{line.name}_drawn", law=law))
        self.text.formulas.append(ast.Formula(line.name, line.indices, value, span=line.span))

    def _formula(self, line: ast.Formula) -> None:
        value = self._chosen(line)
        if value is None:
            return
        if not line.indices and (known := number_or_none(value)) is not None:
            self.numbers[line.name] = known
            if isinstance(value, ast.Binary) and value.op == "/" and not is_whole(known):
                self.quotients[line.name] = value
            return
        if line.name in self.states:
            self._state(line, value)
            return
        indices = self._all(line.indices)
        self.text.formulas.append(ast.Formula(line.name, indices, value, span=line.span))

    def _state(self, line: ast.Formula, value: ast.Expr) -> None:
        *indices, time = line.indices
        if _is_next(line):
            self.text.states.setdefault(line.name, 0.0)
            self.text.formulas.append(
                ast.Formula(line.name, self._all(tuple(indices)), value, span=line.span)
            )
            return
        first = number_or_none(value)
        if time != ast.Number(0.0) or first is None:
            raise fault(
                "E0228",
                line.span,
                f"'{line.name}' is a state: {line.name}[..., n+1] is its next value, {line.name}[..., 0] = 1 its first",
            )
        self.text.states[line.name] = first

    def _chosen(self, line: ast.Formula) -> ast.Expr | None:
        """The value of the line; None where another one holds or is still to come."""
        before, self.held = self.held, None
        if isinstance(before, ast.Formula) and not line.otherwise:
            raise _no_else(before)
        if line.otherwise:
            match before:
                case None:
                    raise fault("E0228", line.span, "this 'else' has no 'if' in the line above",
                                "as in: z[i] = 2*x[i] if twice, and below it: z[i] = x[i] else")  # fmt: skip
                case bool():
                    return None if before else self._of(line.value)
            if before.name != line.name:
                raise fault(
                    "E0228",
                    line.span,
                    f"the line above is about '{before.name}', this one about '{line.name}'",
                )
            assert before.condition is not None
            return ast.Choose(before.value, before.condition, self._of(line.value), span=line.value.span)
        if line.condition is None:
            return self._of(line.value)
        if TRAINING in names_in(line.condition):
            condition = self._of(line.condition)
            self.held = replace(line, value=self._of(line.value), condition=condition)
            return None
        self.held = self._holds(line.condition)
        return self._of(line.value) if self.held else None

    def _holds(self, condition: ast.Expr) -> bool:
        try:
            return bool(number(self._of(condition)))
        except NotANumber as error:
            raise fault("E0228", error.span, "this condition must be known from the sizes and parameters alone",
                        "a choice by numbers that are computed is an expression: x if c else y") from None  # fmt: skip

    def _all(self, exprs: tuple[ast.Expr, ...]) -> tuple[ast.Expr, ...]:
        return tuple(map(self._of, exprs))

    def _of(self, expr: ast.Expr) -> ast.Expr:
        match expr:
            case ast.Among(name, values):
                return replace(expr, name=name, values=self._of(values))
            case ast.Name(id) if id in self.quotients:
                return self.quotients[id]
            case ast.Name(id) if id in self.numbers:
                return _number(self.numbers[id], expr)
            case ast.Name(id) if id in self.scheduled:
                return _at_now(id, expr.span)
            case ast.Index(ast.Name(id), index) if f"{id}_1" in self.numbers:
                return self._component(expr, id, self._of(index))
            case ast.Call(ast.Name("extent"), arguments):
                return self._extent(expr, arguments)
            case ast.Choose(then, condition, otherwise):
                decided = self._of(condition)
                holds = number_or_none(decided)
                if holds is not None:
                    return self._of(then if holds else otherwise)
                return replace(expr, then=self._of(then), condition=decided, otherwise=self._of(otherwise))
            case ast.Call(ast.Index(ast.Name(id) as operation, over) as function, arguments) if (
                id in OVER_INDICES
            ):
                inner = tuple(replace(a, value=self._of(a.value)) for a in arguments)
                named = ast.Index(operation, self._over(over), span=function.span)
                return replace(expr, function=named, arguments=inner)
            case ast.Call(function, arguments):
                inner = tuple(replace(a, value=self._of(a.value)) for a in arguments)
                return replace(expr, function=function, arguments=inner)
            case ast.Index(ast.Name(id) as base, index) if id in self.states:
                return ast.Index(base, self._without_time(expr, id, index), span=expr.span)
            case ast.Index(base, index):
                return replace(expr, base=base, index=self._of(index))
        return rebuild(expr, self._of)

    def _over(self, indices: ast.Expr) -> ast.Expr:
        """Of a reduction: an index is no parameter."""
        match indices:
            case ast.Tuple(items):
                return replace(indices, items=tuple(map(self._over, items)))
            case ast.Among():
                return self._of(indices)
        return indices

    def _without_time(self, expr: ast.Expr, name: str, index: ast.Expr) -> ast.Expr:
        *own, time = subscripts(index)
        if time != ast.Name(TIME):
            raise fault("E0228", expr.span, f"a state is read at the iteration: {name}[..., n]")
        return ast.Tuple(self._all(tuple(own)), span=index.span)

    def _component(self, expr: ast.Expr, name: str, index: ast.Expr) -> ast.Expr:
        which = number_or_none(index)
        key = f"{name}_{which:g}" if which is not None else ""
        if key not in self.numbers:
            count = sum(n.startswith(f"{name}_") for n in self.numbers)
            raise fault("E0228", expr.span, f"'{name}' has {count} numbers: {name}[1], ...")
        return _number(self.numbers[key], expr)

    def _extent(self, expr: ast.Expr, arguments: tuple[ast.Argument, ...]) -> ast.Expr:
        match [a.value for a in arguments]:
            case [ast.Name("x"), place] if (which := number_or_none(self._of(place))) is not None:
                if 1 <= which <= len(self.extents) and which == int(which):
                    return _number(float(self.extents[int(which) - 1]), expr)
        raise fault("E0228", expr.span, f"the input has {len(self.extents)} extents: extent(x, 1), ...")


def _is_next(line: ast.Formula) -> bool:
    """`m[c, n+1] = ...`."""
    return bool(line.indices) and line.indices[-1] == ast.Binary("+", ast.Name(TIME), ast.Number(1.0))


def _at_now(name: str, span: Span = NOWHERE) -> ast.Expr:
    """A state without indices, as it is in this iteration."""
    return ast.Index(ast.Name(name, span=span), ast.Tuple(()), span=span)


def _read(index: ast.Expr) -> ast.Expr:
    return ast.Name(name_of(index), span=index.span)


def _moved(law: ast.Expr, drawn: ast.Expr) -> tuple[ast.Expr, ast.Expr]:
    """A law of fixed numbers, and what makes the wanted one of what it draws."""
    match law:
        case ast.Call(ast.Name("bernoulli"), (p,)):
            chosen = ast.Choose(_ONE, ast.Compare("<", drawn, p.value), _ZERO)
            return _law("uniform"), chosen
        case ast.Call(ast.Name("uniform"), (low, high)):
            width = ast.Binary("-", high.value, low.value)
            return _law("uniform"), ast.Binary("+", low.value, ast.Binary("*", width, drawn))
        case ast.Call(ast.Name("normal"), (mean, deviation)):
            return _law("normal"), ast.Binary("+", mean.value, ast.Binary("*", deviation.value, drawn))
    return law, drawn  # told where laws are read


def _law(name: str) -> ast.Expr:
    return ast.Call(ast.Name(name), (ast.Argument(None, _ZERO), ast.Argument(None, _ONE)))


_ZERO, _ONE = ast.Number(0.0), ast.Number(1.0)


def _no_else(line: ast.Formula) -> LayerFault:
    return fault(
        "E0228", line.span, f"'{line.name}' is given for training alone", "a line below it ends in 'else'"
    )


def _number(value: float, at: ast.Expr) -> ast.Expr:
    positive = ast.Number(abs(value), span=at.span)
    return positive if value >= 0 else ast.Unary("-", positive, span=at.span)
