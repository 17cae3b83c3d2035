"""The plan of a network -> what its products and lets are to the CPU, in words. Chooses nothing."""

from __future__ import annotations

from netc.compiler.calculus import ir
from netc.compiler.kernels.cpu.lets import Lets
from netc.compiler.kernels.cpu.plan import Plan
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


def gradients(plan: Plan) -> tuple[str, ...]:
    """Of a chain of dense layers: tiles, and how the gradient by the weights is summed."""
    tile = f"products by tiles of {plan.height} rows and {plan.vectors} vectors"
    wide = [stage.layer.product.name for stage in plan.stages if stage.wide]
    others = [stage.layer.product.name for stage in plan.stages if not stage.wide]
    found = (
        [f"{', '.join(wide)}: vectors of inputs, sample by sample, which are turned for it"] if wide else []
    )
    found += [f"{', '.join(others)}: vectors of samples, folded at a block's end"] if others else []
    return tile, f"gradient by the weights of {'; of '.join(found)}"


def _shapes(nests: tuple[Nest, ...]) -> str:
    """Of the tiles that do most of it: those of the costliest part."""
    most = max(nests, key=lambda n: n.cost)
    return f"{most.parts[0].height}x{most.parts[0].vectors}"


def _each(value: ir.Expr) -> bool:
    return not any(isinstance(node, ir.Reduce | ir.View | ir.Pick) for node in ir.postorder(value))
