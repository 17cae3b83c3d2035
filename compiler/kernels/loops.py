"""The loop ast: what a kernel does, once its loops are chosen. All targets end here, `emit.py` prints it.

    module   = constants, function*
    function = name, parameter*, stmt*
    stmt     = Let | Store | Do | Loop | While | If | Break | Return | Note
    expr     = Int | Real | Name | At | Call

A Call's function is the name of a primitive (`tanh`, `add`), of a vector operation (`load`, `splat`, `fma`,
`hsum`, ...) or of another function of the module; the target's table says how each is spelled. A value is
a vector of lanes or a plain number; which one is plain from where it comes (`load`, `splat` make vectors).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from netc.dsl.record import parts, record


@record
class Int:
    """With a name: a constant of the module, `LAYER1_Z = 3824`."""

    value: int
    name: str = ""


@record
class Real:
    value: float


@record
class Name:
    id: str


@record
class At:
    """`array[index]`, one number; `array[start:stop]`, a view, where stop is given."""

    array: Expr
    index: Expr
    stop: Expr | None = None


@record
class Call:
    function: str
    args: tuple[Expr, ...]


Expr = Int | Real | Name | At | Call


@record
class Let:
    name: str
    value: Expr


@record
class Store:
    """One number into an array; vectors go through Do(Call("store", ...))."""

    array: Expr
    index: Expr
    value: Expr


@record
class Do:
    call: Call
    groups: tuple[int, ...] = ()
    """Of its arguments: so many on each line; empty: all on one."""


@record
class Loop:
    """for name in start, start + step, ... below stop; `parallel` iterations are independent."""

    name: str
    start: Expr
    stop: Expr
    step: Expr
    body: tuple[Stmt, ...]
    parallel: bool = False


@record
class While:
    condition: Expr
    body: tuple[Stmt, ...]


@record
class If:
    condition: Expr
    then: tuple[Stmt, ...]
    otherwise: tuple[Stmt, ...] = ()


@record
class Break:
    pass


@record
class Return:
    value: Expr | None = None


@record
class Note:
    """A comment in the printed kernel: the part of the file or of the method that follows."""

    text: str


Stmt = Let | Store | Do | Loop | While | If | Break | Return | Note


@record
class Function:
    name: str
    parameters: tuple[str, ...]
    body: tuple[Stmt, ...]
    note: str = ""
    parallel: bool = False
    types: tuple[str, ...] = ()
    """Of the parameters, where it is compiled by itself, once for all calls; else the calls tell."""
    returns: str = ""
    """What it gives back, where types are declared; empty: nothing."""


@record
class Module:
    """`title` heads the file; `constants` become module constants that the runtime reads."""

    title: str
    constants: tuple[tuple[str, int | float | str], ...]
    functions: tuple[Function, ...]


# -- a short hand for writing loops ------------------------------------------------------------------


def expr(value: Expr | int | float | str) -> Expr:
    """An int, a float or a name where an Expr is wanted."""
    match value:
        case bool():
            raise TypeError("a truth value is no loop expression")
        case int():
            return Int(value)
        case float():
            return Real(value)
        case str():
            return Name(value)
        case _:
            return value


def call(function: str, *args: Expr | int | float | str) -> Call:
    return Call(function, tuple(expr(a) for a in args))


def add(left: Expr | int | str, right: Expr | int | str) -> Expr:
    """Index arithmetic; constants without a name fold."""
    a, b = expr(left), expr(right)
    match a, b:
        case Int(x, ""), Int(y, ""):
            return Int(x + y)
        case Int(0, ""), _:
            return b
        case _, Int(0, ""):
            return a
        case Call("add", (rest, Int(x, ""))), Int(y, ""):
            return add(rest, x + y)
    return Call("add", (a, b))


def mul(left: Expr | int | str, right: Expr | int | str) -> Expr:
    a, b = expr(left), expr(right)
    match a, b:
        case Int(x), Int(y):
            return Int(x * y)
        case (Int(0), _) | (_, Int(0)):
            return Int(0)
        case (Int(1), other) | (other, Int(1)):
            return other
    return Call("mul", (a, b))


def loop(name: str, stop: Expr | int | str, body: Sequence[Stmt], *,
         start: Expr | int | str = 0, step: int | str = 1, parallel: bool = False) -> Loop:  # fmt: skip
    return Loop(name, expr(start), expr(stop), expr(step), tuple(body), parallel)


def let(name: str, value: Expr | int | float | str) -> Let:
    return Let(name, expr(value))


def store(array: Expr | str, index: Expr | int | str, value: Expr | str) -> Do:
    """A vector into an array, from a flat element offset on."""
    return Do(call("store", array, index, value))


def load(array: Expr | str, index: Expr | int | str) -> Call:
    return call("load", array, index)


# -- looking into loops ------------------------------------------------------------------------------


def nodes(node: object) -> Iterator[object]:
    """All nodes in a module, function, statement or expression, in the order in which they stand."""
    stack = [node]
    while stack:
        node = stack.pop()
        if isinstance(node, tuple):
            stack += reversed(node)
        elif names := parts(type(node)):
            yield node
            stack += [getattr(node, name) for name in reversed(names)]


def named(node: object) -> dict[str, int]:
    """The constants with names. No name may have two values."""
    found: dict[str, int] = {}
    for n in nodes(node):
        if isinstance(n, Int) and n.name:
            assert found.setdefault(n.name, n.value) == n.value, n.name
    return found


def calls(node: object) -> frozenset[str]:
    """The names of all functions called."""
    return frozenset(n.function for n in nodes(node) if isinstance(n, Call))
