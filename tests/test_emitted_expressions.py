"""The text of an expression means what its tree means: brackets stand where Python needs them."""

from __future__ import annotations

import operator
import random
from typing import Any

from netc.compiler.kernels import loops as L
from netc.compiler.kernels.emit import INFIX, PREFIX, Spelling, emit

MEANING = {
    "add": operator.add, "sub": operator.sub, "mul": operator.mul, "div": operator.truediv, "floordiv": operator.floordiv,
    "mod": operator.mod, "lt": operator.lt, "le": operator.le, "gt": operator.gt, "ge": operator.ge, "eq": operator.eq,
    "ne": operator.ne, "and": lambda a, b: a and b, "or": lambda a, b: a or b, "neg": operator.neg, "not": operator.not_,
}  # fmt: skip
ARITHMETIC = ("add", "sub", "mul", "div", "floordiv", "mod")
COMPARISONS = ("lt", "le", "gt", "ge", "eq", "ne")


def number(dice: random.Random, depth: int) -> L.Expr:
    if depth == 0:
        return dice.choice(
            [L.Int(dice.randint(1, 9)), L.Real(dice.choice((0.5, 2.5))), L.Name(dice.choice("ab"))]
        )
    if dice.random() < 0.2:
        return L.call("neg", number(dice, depth - 1))
    return L.call(dice.choice(ARITHMETIC), number(dice, depth - 1), number(dice, dice.randrange(depth)))


def truth(dice: random.Random, depth: int) -> L.Expr:
    if depth == 0 or dice.random() < 0.2:
        return L.call(dice.choice(COMPARISONS), number(dice, 1), number(dice, 2))
    if dice.random() < 0.3:
        return L.call("not", truth(dice, depth - 1))
    return L.call(dice.choice(("and", "or")), truth(dice, depth - 1), truth(dice, dice.randrange(depth)))


def value(e: L.Expr, names: dict[str, float]) -> Any:
    match e:
        case L.Int(number) | L.Real(number):
            return number
        case L.Name(name):
            return names[name]
        case L.Call(function, arguments):
            return MEANING[function](*(value(a, names) for a in arguments))
    raise AssertionError(e)


def test_every_operator_has_a_meaning_here() -> None:
    assert {*MEANING} == {*INFIX, *PREFIX}


def test_texts_mean_what_trees_mean() -> None:
    dice, told = random.Random(4), 0
    names = {"a": 3.0, "b": 7}
    for _ in range(400):
        e = dice.choice((number, truth))(dice, dice.randint(1, 4))
        try:
            expected = value(e, names)
        except ZeroDivisionError:
            continue
        text = emit(
            L.Module("", (), (L.Function("f", ("a", "b"), (L.Return(e),)),)), Spelling("", "", "", "", {})
        )
        made: dict[str, Any] = {}
        exec(text, made)
        assert made["f"](**names) == expected, text
        told += 1
    assert told > 300
