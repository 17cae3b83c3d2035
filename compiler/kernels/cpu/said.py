"""The plan of a network -> what its samples, products and lets are to the CPU and why, in words. Chooses nothing."""

from __future__ import annotations

from netc.compiler.calculus import ir
from netc.compiler.kernels.cpu.lets_plan import Lets
from netc.compiler.kernels.cpu.plan import LARGEST_BLOCK, WORTH_A_THREAD, Plan, block_of, heavy, most_rows
from netc.compiler.kernels.cpu.steps import Nest
from netc.compiler.kernels.machine import Machine
from netc.compiler.kernels.sweeps import ahead, waits

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


def together(plan: Plan | Lets, machine: Machine) -> str:
    """How many go through the network together."""
    chosen = plan.plan if isinstance(plan, Lets) else plan
    half = f"half the second cache ({machine.cache // 2048} kB)"
    if isinstance(plan, Lets) and waits(problem := plan.modes[0].problem, ahead(problem)):
        why = "all of an evaluation, since a sum over them is used for each"
    elif chosen.block == block_of(1, machine, chosen.lanes):
        why = (
            f"their values in all layers fit in {half}, and beyond {LARGEST_BLOCK} samples sums gain nothing"
        )
    elif isinstance(plan, Plan) and heavy([s.layer.product for s in plan.stages], machine, plan.lanes):
        why = f"the weights do not fit in {half}, and they and their sums come from beyond it once a block"
    else:
        why = f"the values of more in all layers do not fit in {half}"
    if chosen.panels:
        why += f"; they lie together, as the rows of {chosen.panels} inputs would be in as many pages"
    return f"vectors of {chosen.lanes} samples, {chosen.block} samples go through the network together: {why}"


def gradients(plan: Plan) -> tuple[str, ...]:
    """Of a chain of dense layers: tiles, how the gradient by the weights is summed, and what threads share."""
    heights = f"of 1 to {most_rows(plan.registers)}, which {plan.registers} registers hold"
    tile = f"products by tiles of {plan.height} rows and {plan.vectors} vectors: {heights}, the fewest cycles"
    wide = [stage.layer.product.name for stage in plan.stages if stage.wide]
    others = [stage.layer.product.name for stage in plan.stages if not stage.wide]
    found = (
        [f"{', '.join(wide)}: vectors of inputs, as turning samples takes fewer cycles than folding sums"]
        if wide
        else []
    )
    if others:
        found.append(
            f"{', '.join(others)}: vectors of samples, as folding sums at a block's end takes fewer cycles"
        )
    large = f"{WORTH_A_THREAD:,} parameters times samples".replace(",", " ")
    shared = f"{plan.chunks} threads at most share an evaluation: each has {large} or more"
    alone = f"one thread for an evaluation: two are worth it from twice {large} on"
    return tile, f"gradient by the weights of {'; of '.join(found)}", shared if plan.chunks > 1 else alone


def _shapes(nests: tuple[Nest, ...]) -> str:
    """Of the tiles that do most of it: those of the costliest part."""
    most = max(nests, key=lambda n: n.cost)
    return f"{most.parts[0].height}x{most.parts[0].vectors}"


def _each(value: ir.Expr) -> bool:
    return not any(isinstance(node, ir.Reduce | ir.View | ir.Pick) for node in ir.postorder(value))
