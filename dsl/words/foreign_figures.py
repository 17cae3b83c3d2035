"""Figures as other tools call them: `val_loss`, `loss.val`, `acc`, `rmse`, `grad_norm`, and how they are written here.

They are asked for in five places, which do not know the same: `monitor` writes down every part, an `expect` has figures of
runs that have ended, `stop` has conditions, and `keep`, `no gain in` and a sweep's `figure` judge by one of few. Looks
nothing up in a program.
"""

from __future__ import annotations

from typing import Literal

from netc.dsl import ast

FigurePlace = Literal["monitor", "expect", "stop", "judge"]

PARTS = {
    "train": "train training tr fit trn learn",
    "validation": "val valid validation dev eval vali cv",
    "test": "test testing holdout tst heldout",
}
KINDS = {
    "loss": "loss cost error objective err losses risk criterion score r",
    "accuracy": "accuracy acc accuracyscore categoricalaccuracy binaryaccuracy sparsecategoricalaccuracy top1 top1accuracy"
    " accuracies",
    "r2": "r2 r2score rsquared rsquare rsq explainedvariance coefficientofdetermination",
}
LOSSES = {
    "mse": "mse meansquarederror",
    "mae": "mae meanabsoluteerror l1",
    "half_mse": "halfmse sse",
    "msle": "msle meansquaredlogarithmicerror",
    "cross_entropy": "crossentropy categoricalcrossentropy sparsecategoricalcrossentropy ce nll nllloss",
    "binary_cross_entropy": "binarycrossentropy bce logloss",
    "huber": "huber huberloss",
    "kl_divergence": "kl kldivergence kld",
    "hinge": "hinge hingeloss",
    "poisson": "poisson",
    "quantile": "pinball pinballloss",
}
"""Losses that others have as metrics."""
GRADIENT = "gradnorm gradientnorm normgrad gradient gradients grads normgradient gradl2 gradsnorm gnorm"
PARAMETERS = (
    "weightsnorm weightnorm paramnorm paramsnorm thetanorm normweights weights params l2norm wnorm biases"
)
RATE = "learningrate lr rate eta stepsize lrate currentlr"
TIME = "time epochtime seconds duration elapsed walltime wallclock runtime steptime traintime trainingtime"
COUNTS = (
    "epoch epochs step steps iteration iterations iter globalstep nepochs nsteps niter numepochs numsteps"
)
COUNTED = (
    "params",
    "numparams",
    "nparams",
    "numparameters",
    "nparameters",
    "paramcount",
    "countparams",
    "size",
)
INSIDE = "activations histogram histograms hist deadneurons deadunits sparsity activationhistogram"
NONE = {
    "netc has none, of classes it has accuracy; its probabilities are written by netc predict RUN table.csv": "auc rocauc"
    " rocaucscore prauc averageprecision auroc aucroc auprc gini",
    "netc has none, of classes it has accuracy; netc judge RUN shows the confusion matrix": "f1 f1score precision recall"
    " specificity sensitivity macrof1 microf1 f1macro fscore fbeta precisionscore recallscore balancedaccuracy mcc kappa"
    " matthews cohenkappa tp fp tn fn confusion confusionmatrix classificationreport errorrate iou dice jaccard",
    "netc has none: an accuracy counts the class of the largest output": "top5 top5accuracy topk topkaccuracy top5acc top3"
    " topkcategoricalaccuracy top5error top1error",
    "netc has none, of numbers it has r2; netc judge RUN tells rmse, mae, bias and r2 in the units of the data": "mape smape"
    " meanabsolutepercentageerror medianabsoluteerror maxerror correlation pearson pearsonr spearman bias",
    "netc does not write it down: netc data show FILE tells what a training needs": "memory gpumemory ram throughput"
    " samplespersecond utilization",
    "second derivatives are not followed: model.hessian() of netc.compile(FILE) has them at any theta": "hessian sharpness"
    " eigenvalues curvature lambdamax maxeigenvalue",
}


WRITTEN = "here it is written "


def figure_meant(figure: ast.Expr, place: FigurePlace) -> str:
    """How the figure of another tool is written at this place, or that there is none; empty for what is not known."""
    word, part = _read(figure)
    if not word:
        return ""
    plain = word.replace("_", "").replace("-", "").lower()
    kind = next((k for k, words in KINDS.items() if plain in words.split()), "")
    if kind and (part or plain != kind):
        return _of_part(kind, part, place)
    loss = next((k for k, words in LOSSES.items() if plain in words.split()), "")
    if loss:
        return _of_loss(loss, part, place)
    if plain in ("rmse", "rootmeansquarederror", "rms"):
        return _root(part, place)
    if place == "expect" and plain in COUNTED:
        return "here it is called 'parameters'"
    if plain in ("perplexity", "ppl"):
        return _exponential(part, place)
    for words, said in ((GRADIENT, _GRADIENT), (PARAMETERS, _PARAMETERS), (RATE, _RATE), (TIME, _TIME), (COUNTS, _COUNTS),
                        (INSIDE, _INSIDE)):  # fmt: skip
        if plain in words.split():
            return said[place]
    return next((says for says, words in NONE.items() if plain in words.split()), "")


def part_meant(word: str) -> str:
    """`validation` for `val`, `dev`, ...; empty for what is no part."""
    return next((part for part, words in PARTS.items() if word.lower() in words.split()), "")


def _read(figure: ast.Expr) -> tuple[str, str]:
    """The figure's own word, and the part of the data that it is of, empty where none is said."""
    match figure:
        case ast.Text(value):
            return _split(value)
        case ast.Name(id):
            return _split(id)
        case ast.Member(ast.Name(base), name):
            return (base, part_meant(name)) if part_meant(name) else (name, part_meant(base))
        case ast.Call(ast.Name("norm"), (ast.Argument(None, ast.Name(id)),)):
            return f"norm{id}", ""
        case ast.Call(ast.Name(base), (ast.Argument(None, ast.Name(name)), *_)) | ast.Index(
            ast.Name(base), ast.Name(name)
        ):
            return base, part_meant(name)
        case ast.Index(ast.Name(base), ast.Text(name)):
            return base, part_meant(name)
        case ast.Call(ast.Name(base)):
            return base, ""
    return "", ""


def _split(word: str) -> tuple[str, str]:
    """`val_loss`, `loss_val` and `validationLoss`."""
    pieces = [p for p in word.replace("-", "_").replace("/", "_").split("_") if p]
    for mine, rest in ((pieces[:1], pieces[1:]), (pieces[-1:], pieces[:-1])):
        if rest and part_meant(mine[0]):
            return "_".join(rest), part_meant(mine[0])
    for part, words in PARTS.items():
        for before in sorted(words.split(), key=len, reverse=True):
            rest_of = word[len(before) :]
            if word.lower().startswith(before) and any(rest_of.lower() in k.split() for k in KINDS.values()):
                return rest_of, part
    return word, ""


def _of_part(kind: str, part: str, place: FigurePlace) -> str:
    if place == "monitor":
        return f"it is written down for every part of the data, monitor {kind}"
    return f"{WRITTEN}{kind}({_usual(part, place)})"


def _usual(part: str, place: FigurePlace) -> str:
    """The part that is named, or the one that is asked for there."""
    return part or ("test" if place == "expect" else "validation")


def _of_loss(loss: str, part: str, place: FigurePlace) -> str:
    usual = _usual(part, place)
    here = "monitor loss" if place == "monitor" else f"loss({usual})"
    return f"it is a figure where it is the loss of the file: loss {loss}, then {here}"


def _root(part: str, place: FigurePlace) -> str:
    usual = _usual(part, place)
    return {
        "monitor": "with loss mse it is the root of the loss, monitor loss; netc judge RUN tells it in units of the data",
        "expect": f"with loss mse it is sqrt(loss({usual})), of the scaled target; netc judge RUN tells it in its units",
        "stop": f"with loss mse the loss is its square, loss({usual}) < 0.25 for 0.5",
        "judge": f"with loss mse it is best where the loss is, loss({usual})",
    }[place]


def _exponential(part: str, place: FigurePlace) -> str:
    usual = _usual(part, place)
    return {
        "monitor": "it is the exponential of the loss cross_entropy, monitor loss",
        "expect": f"with loss cross_entropy it is exp(loss({usual}))",
        "stop": f"with loss cross_entropy the loss is its logarithm, loss({usual}) < log(20) for 20",
        "judge": f"with loss cross_entropy it is best where the loss is, loss({usual})",
    }[place]


_GRADIENT = dict.fromkeys(("monitor", "expect", "stop", "judge"), "it is written norm(grad R)")
_GRADIENT["monitor"] += ", and for each layer norm(grad R, layers)"
_PARAMETERS = {
    "monitor": "the norm of all parameters is norm(theta), that of each layer's norm(theta, layers)",
    "expect": "the norm of all parameters is norm(theta), that of a layer's norm(theta, layer1)",
    "stop": "the norm of all parameters is norm(theta)",
    "judge": "runs are judged by loss(validation), accuracy(validation) or norm(grad R); monitor norm(theta) follows it",
}
_RATE = {
    "monitor": "what follows a schedule is monitored under another name, monitor rate = eta; else it is what the file says,"
    " optimizer gd(eta = 0.1)",
    "expect": "it is a parameter of the rule, under the rule's own name, eta or lr",
    "stop": "",  # the rule's own name of it is said there
    "judge": "runs are judged by loss(validation); many rates are compared by sweep eta in {0.1, 0.01}",
}
_TIME = {
    "monitor": "the history does not have it: expect seconds < 60, and the run's summary.json, have that of the training",
    "expect": "here it is called 'seconds', of the whole training",
    "stop": "there is no limit of time: train epochs = 200, or steps = 1000",
    "judge": "runs are judged by loss(validation); expect seconds < 60 is of the whole training",
}
_COUNTS = {
    "monitor": "every row of the history has its step and its epoch: monitor loss, every = 10 steps",
    "expect": "here they are called 'steps' and 'epochs'",
    "stop": "the iterations are counted by n, the epochs by epoch; train epochs = 200 ends by itself",
    "judge": "runs are judged by a figure, loss(validation)",
}
_INSIDE = {
    "monitor": "of what each layer gives there are mean(layers), var(layers), zeros(layers) and dead(layers)",
    "expect": "of what a layer gives there are mean(layer1), var(layer1), zeros(layer1) and dead(layer1)",
    "stop": "a training stops by loss(validation), accuracy(validation) or norm(grad R)",
    "judge": "runs are judged by loss(validation), accuracy(validation) or norm(grad R)",
}
