"""What is meant by a count with a unit, `epochs = 10 steps`, and by a word for nothing, `stop = never`, where a setting
takes neither. Reports nothing by itself."""

from __future__ import annotations

from netc.dsl import ast
from netc.dsl.printer import print_expr

UNITS = {"epoch": "epochs", "iteration": "steps", "iter": "steps", "step": "steps", "update": "steps"}
"""What is counted, in the singular, and the setting of `train` that counts it."""
NOTHING = ("none", "never", "null", "nothing", "auto", "default", "off", "false", "no")
ENDLESS = ("inf", "infinity", "infinite", "forever", "max")
ENDS = ("epochs", "steps")


def count_meant(name: str, value: ast.Expr) -> str:
    """What is meant by the `value` of a setting of this name; empty where it is neither of the two."""
    if name == "seed" and isinstance(value, ast.Name):
        return "the same seed gives the same run, and another number another one, seed = 2"
    match value:
        case ast.Counted(ast.Number() as count, unit):
            other = UNITS.get(unit.lower().removesuffix("s"), "")
            number = count.span.text or print_expr(count)
            if unit.startswith("_"):
                return f"digits stand together, {name} = {number}{unit.replace('_', '')}"
            if name in ENDS and other and other != name:
                return f"what is counted is the name of the setting, train {other} = {number}"
            return f"the number stands alone, {name} = {number}"
        case ast.Name(word) if name in ENDS and word.lower() in (*NOTHING, *ENDLESS):
            return f"it is a number, {name} = 200, and 'stop' may end the training before"
        case ast.Name(word) if word.lower() in NOTHING:
            return f"what is not wanted is left out, '{name}' and its value"
    return ""


def end_meant(value: ast.Expr) -> str:
    """What is meant by a `stop`, or a `diverged`, that is no condition."""
    match value:
        case ast.Name(word) if word.lower() in NOTHING:
            return "leave it out, and no condition ends the training"
        case ast.Counted(ast.Name("no"), "gain"):
            return "say in which figure, stop = no gain in loss(validation) for 20 epochs"
        case ast.Counted(count, unit) if unit.lower().removesuffix("s") in UNITS:
            return f"how long it trains is train {UNITS[unit.lower().removesuffix('s')]} = {count.span.text}"
        case ast.Number():
            return f"how long it trains is train epochs = {value.span.text}"
    return ""
