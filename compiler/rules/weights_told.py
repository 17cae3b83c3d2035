"""What `netc explain FILE` says of a loss whose samples have weights: what divides their sum, what has no weights."""

from __future__ import annotations

from collections.abc import Iterator

from netc.compiler.meaning.spec import GIVEN_WEIGHTS, Spec

DIVIDED = {
    "weights": "The sum of a batch's weighted losses is divided by the sum of its weights, as PyTorch's"
    " CrossEntropyLoss(weight = ...) does: a sample of weight 0 is as if it were not there, one of weight 2 as if it"
    " were there twice. Where all weights of a batch are 0 that is 0/0.",
    "samples": "The sum of a batch's weighted losses is divided by the number of its samples, as Keras' sample_weight and"
    " class_weight are: weights twice as large are a loss and a gradient twice as large.",
    "": "The weighted losses of a batch are summed, and divided by nothing.",
}


def weights_told(spec: Spec) -> Iterator[str]:
    """Sentences; none where nothing is weighted."""
    loss, data = spec.loss, spec.data
    if loss is None or (loss.weight is None and not loss.by_sample):
        return
    if loss.by_sample:
        given = data.weights == GIVEN_WEIGHTS
        where = "what sample_weight brings" if given else f"the column '{data.weights}'"
        yield f"Each sample has a weight of its own, {where}, in every part of the data."
    yield DIVIDED[loss.divide]
    scaled = ", mean and deviation of zscore are those of the weighted samples" if loss.by_sample else ""
    yield f"All figures of the loss are weighted{scaled}; accuracy and r2 count every sample once."
