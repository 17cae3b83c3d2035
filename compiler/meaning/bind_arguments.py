"""A rule for its arguments: tuples become names of their own, conditions on parameters are decided.

    betas = (0.9, 0.999), betas[1]      betas_1 = 0.9, betas_2 = 0.999, betas_1
    x if nesterov else y                x, where nesterov = true
    weight_decay != none                false, where weight_decay = none

What theta does not need any more (the buffer of `momentum = 0`) is left out, so a switch costs nothing at run
time. Parameters that follow a schedule decide nothing. Checks nothing: `check/rule.py` does.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace

from netc.compiler.meaning.resolve_values import number_or_none
from netc.dsl import ast
from netc.dsl.walks import changed, names_in, rebuild, walk


def is_flag(parameter: ast.Parameter) -> bool:
    """Its default is true or false, so it is nothing else ever."""
    return isinstance(parameter.default, ast.Name) and parameter.default.id in ("true", "false")


# -- tuples ------------------------------------------------------------------------------------------


def without_tuples(rule: ast.Optimizer) -> ast.Optimizer:
    """`betas = (0.9, 0.999)` and `betas[1]` become `betas_1 = 0.9, betas_2 = 0.999` and `betas_1`."""
    tuples = tuples_of(rule.parameters)
    if not tuples:
        return rule

    def read(expr: ast.Expr) -> ast.Expr:
        match expr:
            case ast.Index(ast.Name(id), ast.Number(value)) if id in tuples and value in tuples[id]:
                return ast.Name(f"{id}_{value:g}", span=expr.span)
        return rebuild(expr, read)

    return replace(
        rule,
        parameters=tuple(component for p in rule.parameters for component in _components(p)),
        body=tuple(changed(a, read) for a in rule.body),
        settings=tuple(replace(s, value=read(s.value)) for s in rule.settings),
    )


def tuples_of(parameters: Iterable[ast.Parameter]) -> Mapping[str, range]:
    """Parameters that are tuples, and the indices of their components."""
    return {
        p.name: range(1, len(p.default.items) + 1) for p in parameters if isinstance(p.default, ast.Tuple)
    }


def _components(parameter: ast.Parameter) -> Iterator[ast.Parameter]:
    if not isinstance(parameter.default, ast.Tuple):
        yield parameter
        return
    for i, item in enumerate(parameter.default.items, start=1):
        yield ast.Parameter(f"{parameter.name}_{i}", item, span=parameter.span)


def spread_tuples(
    arguments: Iterable[ast.Argument], parameters: tuple[ast.Parameter, ...]
) -> Iterator[ast.Argument]:
    """Arguments by name, `betas = (0.5, 0.9)` as `betas_1 = 0.5, betas_2 = 0.9`; what stands without one behind one that
    has it is left as it is."""
    tuples, names = tuples_of(parameters), [p.name for p in parameters]
    by_position = True
    for position, argument in enumerate(arguments):
        by_position &= argument.name is None
        name = names[position] if by_position and position < len(names) else argument.name
        match argument.value:
            case ast.Tuple(items) if name is not None and len(items) == len(tuples.get(name, ())):
                for i, item in enumerate(items, start=1):
                    yield ast.Argument(f"{name}_{i}", item, span=argument.span)
            case _:
                yield replace(argument, name=name)


# -- conditions --------------------------------------------------------------------------------------


def with_fixed(
    rule: ast.Optimizer,
    values: Mapping[str, float],
    varying: Collection[str],
    watched: frozenset[str] = frozenset(),
) -> ast.Optimizer:
    """The rule with every condition decided that names only parameters with fixed values. Of what theta does not depend
    on only states that are `watched` are left."""
    fixed = {name: value for name, value in values.items() if name not in varying}
    body = tuple(changed(a, lambda e: decided(e, fixed)) for a in _chosen(rule.body, fixed))
    if body == rule.body:
        return rule
    body = _live(_without_copies(body), watched)
    read = {name for action in body for name in names_in(action)} | set(varying)
    return replace(rule, body=body, parameters=tuple(p for p in rule.parameters if p.name in read))


def _chosen(body: Iterable[ast.Action], fixed: Mapping[str, float]) -> Iterator[ast.Action]:
    """Without the branches that are never taken."""
    for action in body:
        match action:
            case ast.If(condition, then, otherwise):
                found = _truth(condition, fixed)
                if isinstance(found, bool):
                    yield from _chosen(then if found else otherwise, fixed)
                else:
                    yield ast.If(
                        found, tuple(_chosen(then, fixed)), tuple(_chosen(otherwise, fixed)), span=action.span
                    )
            case ast.For(body=inner) | ast.Repeat(body=inner):
                yield replace(action, body=tuple(_chosen(inner, fixed)))
            case _:
                yield action


def decided(expr: ast.Expr, fixed: Mapping[str, float]) -> ast.Expr:
    """The expression without choices that the fixed names decide."""

    def inside(part: ast.Expr) -> ast.Expr:
        return decided(part, fixed)

    match expr:
        case ast.Choose(then, condition, otherwise):
            found = _truth(condition, fixed)
            if isinstance(found, bool):
                return inside(then if found else otherwise)
            return ast.Choose(inside(then), found, inside(otherwise), span=expr.span)
    return rebuild(expr, inside)


def _truth(condition: ast.Expr, fixed: Mapping[str, float]) -> bool | ast.Expr:
    """Whether it holds, or what is left of it."""
    match condition:
        case ast.Logic(op, left, right):
            parts = [_truth(left, fixed), _truth(right, fixed)]
            if (op == "or") in [p for p in parts if isinstance(p, bool)]:
                return op == "or"
            match [p for p in parts if not isinstance(p, bool)]:
                case []:
                    return op == "and"
                case [one]:
                    return one
                case [first, second, *_]:
                    return ast.Logic(op, first, second, span=condition.span)
        case ast.Not(operand):
            found = _truth(operand, fixed)
            return not found if isinstance(found, bool) else ast.Not(found, span=condition.span)
    holds = number_or_none(condition, fixed)
    return decided(condition, fixed) if holds is None else bool(holds)


def _without_copies(body: tuple[ast.Action, ...]) -> tuple[ast.Action, ...]:
    """`step = v[n+1]` is read as v[n+1] itself, in rules without loops that set each name once."""
    equations = [a for a in body if isinstance(a, ast.Equation)]
    local = [e.name for e in equations if not e.indices]
    if len(equations) < len(body) or len(set(local)) < len(local):
        return body
    copies: dict[str, ast.Expr] = {}

    def read(expr: ast.Expr) -> ast.Expr:
        if isinstance(expr, ast.Name):
            return copies.get(expr.id, expr)
        return rebuild(expr, read)

    kept = []
    for equation in equations:
        value = read(equation.value)
        if not equation.indices and isinstance(value, ast.Name | ast.Index):
            copies[equation.name] = value
        kept.append(replace(equation, value=value))
    return tuple(kept)


def _live(body: tuple[ast.Action, ...], watched: frozenset[str]) -> tuple[ast.Action, ...]:
    """Without equations that nothing reads on the way to theta."""
    return tuple(_kept(body, live_names(body, watched)))


def live_names(body: tuple[ast.Action, ...], watched: frozenset[str] = frozenset()) -> set[str]:
    """What theta depends on, or the end of a search or loop, or what is `watched`."""
    nodes = [n for a in body for n in walk(a)]
    reads: dict[str, set[str]] = {}
    live, found = {"theta"} | watched, set[str]()
    for node in nodes:
        match node:
            case ast.Equation(name, _, value):
                reads.setdefault(name, set()).update(names_in(value))
            case ast.Until(condition) | ast.If(condition) | ast.End(_, condition):
                live |= names_in(condition)
            case ast.For(_, values):
                live |= names_in(values)
    while live != found:
        found = set(live)
        live |= {n for name in found for n in reads.get(name, ())}
    return live


def _kept(body: Iterable[ast.Action], live: Collection[str]) -> Iterator[ast.Action]:
    """Nothing is left of a loop or a branch that holds nothing."""
    for action in body:
        match action:
            case ast.Equation(name) if name not in live:
                continue
            case ast.For() | ast.Repeat():
                if inner := tuple(_kept(action.body, live)):
                    yield replace(action, body=inner)
            case ast.If(condition, then, otherwise):
                then, otherwise = tuple(_kept(then, live)), tuple(_kept(otherwise, live))
                if then:
                    yield replace(action, body=then, otherwise=otherwise)
                elif otherwise:
                    opposite = ast.Not(condition, span=condition.span)
                    yield replace(action, condition=opposite, body=otherwise, otherwise=())
            case _:
                yield action
