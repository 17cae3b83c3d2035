"""The plan of a network's lets -> what each is on a GPU, in words. Chooses nothing."""

from __future__ import annotations

from netc.compiler.calculus import ir
from netc.compiler.kernels.contractions import contraction
from netc.compiler.kernels.cuda.lets import Lets
from netc.compiler.kernels.sweeps import is_sum

DRAWN, EACH = "drawn", "element by element"
PRODUCTS = "sums of products, one thread for each element, no tiles"
OTHERS = "other sums and searches, one thread for each element"
SUMS = "sums over the samples, one thread for each element"


def patterns(lets: Lets) -> tuple[str, ...]:
    """A line for each kind, with its lets in the order in which they are computed."""
    steps = lets.modes[0].steps
    found: dict[str, list[str]] = {words: [] for words in (DRAWN, PRODUCTS, SUMS, OTHERS, EACH)}
    for let in ir.flat(s for s in steps.all if s != steps.loss):
        found[_kind(let)].append(let.name)
    return tuple(f"{words}: {', '.join(names)}" for words, names in found.items() if names)


def _kind(let: ir.Let) -> str:
    if isinstance(let.value, ir.Draw):
        return DRAWN
    if is_sum(let):
        return SUMS
    if contraction(let) is not None:
        return PRODUCTS
    reducing = any(isinstance(node, ir.Reduce | ir.Pick) for node in ir.postorder(let.value))
    return OTHERS if reducing else EACH
