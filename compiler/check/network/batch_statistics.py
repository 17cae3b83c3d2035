"""Statistics of a batch that has one sample: they are that sample, its variance is 0. A warning, for it runs.

Over the places of an image there are more numbers than samples, so nothing is said of those.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import prod

from netc.compiler.calculus import ir
from netc.compiler.calculus.modes import in_mode
from netc.compiler.lower.flow import Flow
from netc.compiler.meaning.findings import Report
from netc.compiler.meaning.resolve import head
from netc.compiler.meaning.spec import Network, Training
from netc.dsl import ast


def over_samples_alone(flow: Flow) -> tuple[str, ...]:
    """Layers that reduce over the samples of a batch and over nothing else, each by its own name."""
    lets = ir.flat(in_mode(tuple(flow.steps), True))
    names = (
        let.name.partition(".")[0] for let in lets if any(map(_reduces_samples, ir.postorder(let.value)))
    )
    return tuple(dict.fromkeys(flow.of[n] for n in names))


def _reduces_samples(node: ir.Expr) -> bool:
    match node:
        case ir.Reduce(_, arg, over) if not isinstance(arg, ir.Const):  # that is how many there are
            return ir.SAMPLES in over and prod(a.size or 1 for a in over) == 1
    return False


def check_statistics(
    network: Network, training: Training, samples: int | None, statement: ast.Train, report: Report
) -> None:
    if not network.of_batch or not (which := _of_one(training, samples)):
        return
    layers = " and ".join(network.of_batch)
    given: Iterable[ast.Setting] = (s for s in statement.settings if s.name == "batch")
    report.warning(
        "E0241",
        next((s.span for s in given), head(statement)),
        f"{which} one sample, and {layers} takes mean and variance over the batch: the mean is that sample, the variance 0",
        "what comes out does not hang on the input, and a variance with n - 1 is no number; PyTorch refuses such a batch: "
        "a batch of another size, or a norm of each sample, (torch.LayerNorm)",
    )


def _of_one(training: Training, samples: int | None) -> str:
    """The batches that have one sample, in words; empty where there is none."""
    match training.batch:
        case "size" if training.count == 1:
            return "every batch has"
        case "size" if samples is not None and samples > 1 and samples % training.count == 1:
            return f"the last batch of {samples} samples has"
        case "parts" if samples is not None and samples < 2 * training.count:
            return "a batch has"
        case "full" if samples == 1:
            return "the batch has"
    return ""
