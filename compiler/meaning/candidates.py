"""What a bare name may mean: the rules that bear it, as equations in common names, what differs marked.

    'adam' -> adam.paper, torch.Adam, keras.Adam, ...

Rules are written with g for the gradient at theta[n], their locals put in place, their parameters under usual names
(lr -> eta, beta_1 -> beta1), their switches as by default; rules that then read the same stand together. Whether
two rules mean the same is decided in `equivalence.py`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from textwrap import wrap
from zlib import crc32

from netc.compiler.meaning.bind_arguments import with_fixed, without_tuples
from netc.compiler.meaning.resolve import usual
from netc.compiler.meaning.resolve_values import number_or_none
from netc.compiler.meaning.rule_equations import put as with_number
from netc.dsl import ast, library
from netc.dsl.printer import print_expr
from netc.dsl.record import record
from netc.dsl.walks import names_in, rebuild

WIDTH = 112
GRADIENT = ast.Gradient("R", None, ast.Index(ast.Name("theta"), ast.Name("n")))
SWITCHES: Mapping[str, Mapping[str, Mapping[str, float]]] = {
    "momentum": {
        "torch.SGD": {"momentum": 0.9}, "keras.SGD": {"momentum": 0.9}, "optax.sgd": {"momentum": 0.9},
        "tf1.MomentumOptimizer": {}, "jax.momentum": {}, "sklearn.SGDOptimizer": {"nesterov": 0.0},
        "autograd.sgd": {}, "chainer.MomentumSGD": {}, "mxnet.SGD": {"momentum": 0.9}, "paddle.Momentum": {},
        "mlx.SGD": {"momentum": 0.9}, "tinygrad.SGD": {"momentum": 0.9}, "optimisers_jl.Momentum": {},
    },
    "nesterov": {
        "torch.SGD": {"momentum": 0.9, "nesterov": 1.0}, "keras.SGD": {"momentum": 0.9, "nesterov": 1.0},
        "optax.sgd": {"momentum": 0.9, "nesterov": 1.0}, "tf1.MomentumOptimizer": {"use_nesterov": 1.0},
        "jax.nesterov": {}, "sklearn.SGDOptimizer": {}, "chainer.NesterovAG": {}, "mxnet.NAG": {"momentum": 0.9},
        "paddle.Momentum": {"use_nesterov": 1.0}, "mlx.SGD": {"momentum": 0.9, "nesterov": 1.0},
        "optimisers_jl.Nesterov": {},
    },
}  # fmt: skip
"""Bare names that no library's rule bears, or not as its own: with which parameters they are meant."""


@record
class Candidate:
    """Rules that read the same, and their equations: left side -> right side."""

    names: tuple[str, ...]
    equations: Mapping[str, str]


def spellings(name: str, rules: Iterable[str]) -> Mapping[str, Mapping[str, float]]:
    """The library's rules that bear the name, and the switches by which they do; families come first."""
    word, known = _plain(name), list(rules)
    meant = {n: values for n, values in SWITCHES.get(word, {}).items() if n in known}
    family = [n for n in known if n.lower().rpartition(".")[0] == name.lower()]
    shelves = set(library.libraries())
    same = [n for n in known if _plain(n.rpartition(".")[2]) == word and n.partition(".")[0] in shelves]
    found = {n: meant.get(n, {}) for n in [*family, *meant, *(() if meant else same)]}
    papers = [n for n in known if _plain(n.rpartition(".")[2]) == word and n not in shelves]
    return found if len(found) > 1 else {n: {} for n in [*found, *papers]}


def _plain(name: str) -> str:
    return re.sub(r"optimizer$|_", "", name.lower())


def candidates(rules: Mapping[str, tuple[ast.Optimizer, Mapping[str, float]]]) -> list[Candidate]:
    """Rules that read the same together, whatever the order of their terms and factors."""
    groups: dict[tuple[object, ...], list[str]] = {}
    texts: dict[tuple[object, ...], dict[str, str]] = {}
    for name, (rule, switches) in rules.items():
        equations = list(_equations(rule, switches))
        key = tuple((left, start, _fingerprint(value)) for left, value, start in equations)
        groups.setdefault(key, []).append(_label(name, switches))
        texts.setdefault(key, {left: print_expr(value) + start for left, value, start in equations})
    return [Candidate(tuple(names), texts[key]) for key, names in groups.items()]


def _fingerprint(value: ast.Expr) -> object:
    """The value where every name has some number of its own; the text where it has none."""

    def named(expr: ast.Expr) -> ast.Expr:
        match expr:
            case ast.Index() | ast.Gradient():
                return ast.Name(print_expr(expr))
            case ast.Call(function, arguments):
                if any(a.name is not None for a in arguments):
                    return ast.Name(print_expr(expr))
                return ast.Call(function, tuple(ast.Argument(None, named(a.value)) for a in arguments))
        return rebuild(expr, named)

    flat = named(value)
    numbers = {n: 0.1 + crc32(n.encode()) / 2**33 for n in names_in(flat)}
    found = number_or_none(flat, numbers)
    return print_expr(value) if found is None else round(found, 10)


def _label(name: str, switches: Mapping[str, float]) -> str:
    inside = ", ".join(
        f"{n} = {'true' if v == 1 else 'false' if v == 0 else f'{v:g}'}" for n, v in switches.items()
    )
    return f"{name}({inside})" if inside else name


def table(found: list[Candidate]) -> Iterator[str]:
    """The candidates; of those with the states of the first one, only the equations that it has otherwise."""
    first = found[0].equations
    for candidate in found:
        yield from wrap(", ".join(candidate.names), WIDTH, break_long_words=False, break_on_hyphens=False)
        alike = candidate is not found[0] and candidate.equations.keys() == first.keys()
        for left, right in candidate.equations.items():
            if alike and right == first[left]:
                continue
            line = f"{left} = {right}"
            if len(line) > WIDTH:
                yield from _folded(f"    {line}", "        ")
                continue
            yield f"    {line}"
            marks = "" if candidate is found[0] else _marks(left, right, first.get(left, ""))
            if marks:
                yield f"    {marks}"


def _folded(line: str, indent: str) -> list[str]:
    return wrap(line, WIDTH, subsequent_indent=indent, drop_whitespace=True, break_long_words=False)


def _marks(left: str, right: str, reference: str) -> str:
    """`~` below the words of the right side that the reference has not at this place."""
    if right == reference:
        return ""
    head = len(left) + 3
    words, known = _words(right), _words(reference)
    start = next(
        (i for i, (a, b) in enumerate(zip(words, known, strict=False)) if a != b), min(len(words), len(known))
    )
    end = next(
        (i for i, (a, b) in enumerate(zip(words[::-1], known[::-1], strict=False)) if a != b),
        min(len(words), len(known)),
    )
    end = min(end, min(len(words), len(known)) - start)
    before, different = "".join(words[:start]), "".join(words[start : len(words) - end])
    shown = different.strip() or right[len(before) : len(before) + 1]
    gap = len(different) - len(different.lstrip())
    return " " * (head + len(before) + gap) + "~" * len(shown)


def _words(text: str) -> list[str]:
    return re.findall(r"\s*(?:\w+|[^\w\s])", text)


# -- equations in common names -----------------------------------------------------------------------


def _equations(rule: ast.Optimizer, switches: Mapping[str, float]) -> Iterator[tuple[str, ast.Expr, str]]:
    """Those of states, then that of theta, with the locals in place; (left side, right side, start)."""
    rule = without_tuples(rule)
    values = dict(_values(rule, switches))
    body = [a for a in with_fixed(rule, values, ()).body if isinstance(a, ast.Equation)]
    off = {n: v for n, v in values.items() if v == 0}
    known: dict[str, ast.Expr] = {}
    starts = {e.name: e.value for e in body if e.indices and e.indices[0] == ast.Number(0.0)}
    for equation in body:
        if equation.indices and equation.indices[0] == ast.Number(0.0):
            continue
        value = _put(with_number(equation.value, off), known)
        if not equation.indices:
            known[equation.name] = value
            continue
        start = number_or_none(starts[equation.name], values) if equation.name in starts else 0
        note = "" if start == 0 or start is None else f"   ({equation.name}[0] = {start:g})"
        index = print_expr(equation.indices[0]).replace(" ", "")
        yield f"{equation.name}[{index}]", value, note


def _values(rule: ast.Optimizer, switches: Mapping[str, float]) -> Iterator[tuple[str, float]]:
    known: dict[str, float] = {}
    for parameter in rule.parameters:
        default = None if parameter.default is None else number_or_none(parameter.default, known)
        known[parameter.name] = switches.get(parameter.name, 0.5 if default is None else default)
        yield parameter.name, known[parameter.name]


def _put(expr: ast.Expr, known: Mapping[str, ast.Expr]) -> ast.Expr:
    match expr:
        case ast.Gradient() if expr == GRADIENT:
            return ast.Name("g")
        case ast.Index(ast.Name(), _):
            return expr
        case ast.Name(id) if id in known:
            return known[id]
        case ast.Name(id):
            return ast.Name(usual(id))
        case ast.Call(function, arguments):
            return ast.Call(function, tuple(ast.Argument(a.name, _put(a.value, known)) for a in arguments))
    return rebuild(expr, lambda part: _put(part, known))
