"""What the sizes of batches are, for planners; who cuts them is the runtime."""

from __future__ import annotations

from netc.compiler.calculus import ir


def batch_size(batches: ir.Batches, samples: int) -> int:
    """Samples of one evaluation."""
    match batches.mode:
        case "full":
            return samples
        case "size":
            return min(batches.count, samples)
        case "parts":
            return -(-samples // batches.count)


def number_of_batches(batches: ir.Batches, samples: int) -> int:
    """m."""
    return {"full": 1, "size": -(-samples // batches.count), "parts": batches.count}[batches.mode]
