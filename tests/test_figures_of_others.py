"""Figures as Keras, PyTorch, scikit-learn and MATLAB call them: the first line says how they are written here."""

from __future__ import annotations

from pathlib import Path

import pytest

from netc.dsl.diagnostics import SpecError, render
from netc.runtime.opening import open_session
from netc.runtime.program_file import read_text
from sweeps import one_in

CLASSES = """
data iris, scale = zscore, split = 80%, validation = 20%, seed = 1
network [4(tanh)4(softmax)3]
init glorot_uniform
loss cross_entropy
optimizer torch.Adam(lr = 0.01)
train epochs = 3, batch = 32{}
{}
"""
NUMBERS = """
data boston, scale = zscore, split = 80%, validation = 20%, seed = 1
network [13(tanh)4(lin)1]
init glorot_uniform
loss mse
optimizer gd(eta = 0.1)
train epochs = 3, batch = 32{}
{}
"""
PLACES = {
    "monitor": ("", "monitor {}"),
    "expect": ("", "expect {} < 0.5"),
    "stop": (", stop = {} < 0.5", ""),
    "gain": (", stop = no gain in {} for 2 epochs", ""),
    "keep": (", keep = best({})", ""),
    "sweep": ("", "sweep seed in {{1, 2}}, figure = {}"),
}
OF_PARTS = {
    "val_loss": "loss(validation)", "loss.val": "loss(validation)", "loss[val]": "loss(validation)",
    "loss(val)": "loss(validation)", "validation_loss": "loss(validation)", "loss_validation": "loss(validation)",
    "valid_loss": "loss(validation)", "dev_loss": "loss(validation)", "valLoss": "loss(validation)",
    "train_loss": "loss(train)", "training_loss": "loss(train)", "test_loss": "loss(test)", "loss(dev)": "loss(validation)",
    "val_accuracy": "accuracy(validation)", "val_acc": "accuracy(validation)", "test_acc": "accuracy(test)",
    "acc(test)": "accuracy(test)", "train_acc": "accuracy(train)", "accuracy.test": "accuracy(test)",
}  # fmt: skip
"""In `monitor` they are one: it writes down every part."""
OTHERS = {
    "monitor": {
        "rmse": "root of the loss", "auc": "netc has none", "mae": "loss mae", "f1": "netc has none",
        "perplexity": "cross_entropy", "lr": "monitor rate = eta", "learning_rate": "monitor rate = eta",
        "grad_norm": "norm(grad R)", "weights_norm": "norm(theta)", "epoch_time": "seconds", "top5": "netc has none",
        "confusion_matrix": "netc judge RUN", "accuracy_score": "monitor accuracy", "norm(grad)": "norm(grad R)",
        "norm(weights)": "norm(theta, layers)", "gradients": "norm(grad R, layers)", "histogram(weights)": "mean(layers)",
        "epoch": "has its step and its epoch", "sharpness": "model.hessian", "r2": "monitor accuracy",
        "accuracy(validation)": "monitor accuracy", "mean_absolute_error": "loss mae", "log_loss": "binary_cross_entropy",
    },
    "expect": {
        "rmse": "sqrt(loss(test))", "auc": "netc has none", "mae": "loss mae", "perplexity": "exp(loss(test))",
        "learning_rate": "'lr'", "grad_norm": "norm(grad R)", "weights_norm": "norm(theta)", "time": "'seconds'",
        "epoch": "'epochs'", "acc": "accuracy(test)", "mse(val)": "loss(validation)", "r2": "accuracy(train)",
        "r2(test)": "accuracy(train)", "precision(test)": "netc has none", "grad": "norm(grad R)",
    },
    "stop": {
        "rmse": "loss(validation) < 0.25", "auc": "netc has none", "perplexity": "log(20)", "learning_rate": "'lr'",
        "grad_norm": "norm(grad R)", "time": "no limit of time", "step": "counted by n", "mae": "loss mae",
        "acc": "accuracy(validation)",
    },
    "keep": {
        "rmse": "loss(validation)", "auc": "netc has none", "acc": "accuracy(validation)", "time": "loss(validation)",
        "accuracy": "accuracy(validation)", "grad_norm": "norm(grad R)", "f1": "netc has none",
    },
}  # fmt: skip


def first_line(text: str) -> str:
    try:
        open_session(read_text(text, "<test>", Path()), {})
    except SpecError as error:
        return render([error.diagnostics[0]]).splitlines()[0]
    return ""


def asked(figure: str, place: str, file: str = CLASSES) -> str:
    train, more = PLACES[place]
    return first_line(file.format(train.format(figure), more.format(figure)))


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("figure", one_in(3, OF_PARTS))
def test_a_figure_of_a_part_is_told_how_it_is_written(figure: str, place: str) -> None:
    says = OF_PARTS[figure]
    wanted = f"monitor {says.partition('(')[0]}" if place == "monitor" else says
    assert wanted in asked(figure, place)


@pytest.mark.parametrize(
    ("place", "figure", "says"), [(p, f, s) for p, known in OTHERS.items() for f, s in known.items()]
)
def test_the_first_line_says_what_there_is(place: str, figure: str, says: str) -> None:
    assert says in asked(figure, place)


@pytest.mark.parametrize(
    ("place", "figure"),
    [
        ("expect", "sqrt(loss(test))"), ("expect", "norm(grad R)"), ("expect", "norm(theta)"), ("expect", "seconds"),
        ("expect", "norm(theta, layer1)"), ("expect", "mean(layer1)"), ("monitor", "norm(grad R, layers)"),
        ("monitor", "norm(theta, layers)"), ("monitor", "mean(layers), var(layers), zeros(layers), dead(layers)"),
        ("monitor", "loss, every = 10 steps"), ("stop", "loss(validation) < log(20) or R"), ("stop", "norm(theta)"),
        ("keep", "norm(grad R)"), ("expect", "exp(loss(test))"),
    ],
)  # fmt: skip
def test_what_is_said_can_be_written(place: str, figure: str) -> None:
    assert not asked(figure, place, NUMBERS)


def test_keep_says_what_its_figure_is() -> None:
    assert "best(accuracy(validation))" in first_line(CLASSES.format(", keep = val_acc", ""))
    assert "best(loss(test))" in first_line(CLASSES.format(", keep = loss(test)", ""))
