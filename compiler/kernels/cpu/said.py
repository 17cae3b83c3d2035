"""The plan of a network's lets -> what each is to the CPU, in words: tiles, and plainly what has none. Chooses nothing."""

from __future__ import annotations

from netc.compiler.calculus import ir
from netc.compiler.kernels.cpu.lets import Lets
from netc.compiler.kernels.cpu.steps import Nest

WORDS = {
    "taps": "tiles of weights times values of samples",
    "pairs": "tiles of two values of a sample",
    "fold": "tiles summed over the samples",
}
EACH, PASS = "pass, element by element", "pass, no fast pattern"


def patterns(lets: Lets) -> tuple[str, ...]:
    """A line for each kind, with its lets in the order in which they are computed."""
    mode = lets.modes[0]
    found: dict[str, list[str]] = {words: [] for words in (*WORDS.values(), EACH, PASS)}
    for let in ir.flat(s for s in mode.steps.all if s != mode.steps.loss):
        if nests := mode.tiled.get(let.name):
            found[WORDS[nests[0].kind]].append(f"{let.name} ({_shapes(nests)})")
        else:
            found[EACH if _each(let.value) else PASS].append(let.name)
    return tuple(f"{words}: {', '.join(names)}" for words, names in found.items() if names)


def _shapes(nests: tuple[Nest, ...]) -> str:
    """Of the tiles that do most of it: those of the costliest part."""
    most = max(nests, key=lambda n: n.cost)
    return f"{most.parts[0].height}x{most.parts[0].vectors}"


def _each(value: ir.Expr) -> bool:
    return not any(isinstance(node, ir.Reduce | ir.View | ir.Pick) for node in ir.postorder(value))
