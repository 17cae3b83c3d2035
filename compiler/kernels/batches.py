"""What the sizes of batches are, for planners; who cuts them is the runtime."""

from __future__ import annotations

from netc.compiler.calculus import ir
from netc.compiler.calculus.modes import evaluations


def batch_size(batches: ir.Batches, samples: int) -> int:
    """Samples of one evaluation."""
    match batches.mode:
        case "full":
            return samples
        case "size":
            return min(batches.count, samples)
        case "parts":
            return -(-samples // batches.count)


def largest_batch(program: ir.Program, samples: int, tested: bool = False) -> int:
    """Samples of the largest evaluation that the rule asks for in training mode; `tested`: or in test mode."""
    rule, batches = program.rule, program.training.batches
    asked = (s for s in evaluations((*rule.body, *rule.test)) if tested or not s.tested)
    whole = any(s.batch == "full" for s in asked)
    return samples if whole else batch_size(batches, samples)


def number_of_batches(batches: ir.Batches, samples: int) -> int:
    """m."""
    return {"full": 1, "size": -(-samples // batches.count), "parts": batches.count}[batches.mode]
