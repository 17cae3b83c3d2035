"""What people type from Keras, PyTorch, scikit-learn, optax, NumPy and MATLAB: the netc word is in the first line."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from netc.compiler.pipeline import to_spec
from netc.dsl import library
from netc.dsl.ast import Program
from netc.dsl.diagnostics import SpecError, render
from netc.dsl.parser import parse
from netc.dsl.source import Source
from netc.dsl.words.foreign_words import TABLES
from sweeps import one_in

OBJECTIVE = "objective R(x) = x^2\ninit theta = (1)\ntrain steps = 2{}\n{}\n"
NETWORK = """
data inline{data}:
    1 -> 2
network [1{layer}1]
init {init}
loss {loss}
optimizer gd(eta = 0.1)
train steps = 2
"""
RULE = "optimizer mine(eta = 0.1):\n    g = grad R(theta[n])\n    theta[n+1] = theta[n] - eta*"
GD = "optimizer gd(eta = 0.1)\n"

TRAIN = {
    "num_iter = 3": "'epochs'", "checkpoint = true": "--resume", "log_dir = out": "--out", "beta_1 = 0.9": "in its call",
    "max_time = 10": "no limit of time", "pin_memory = true": "nothing is to be set",
    "jit_compile = true": "always compiled",
    "deterministic = true": "same bits", "reduction = mean": "reduce = sum", "ema = true": "evaluate at avg[n]",
    "label_smoothing = 0.1": "smoothed_cross_entropy", "mixup = 0.2": "augment mixup(0.2)", "grad_accum = 2": "batch = 128",
    "OutputNetwork = best": "keep = best", "LearnRateDropFactor = 0.1": "schedule eta", "save = true": "netc export",
    "learning_rate = 0.1": "gd(eta = 0.1)", "lr = 0.1": "gd(eta = 0.1)", "batch_size = 32": "'batch'",
    "minibatch_size = 32": "'batch'", "epoch = 3": "'epochs'", "n_epochs = 3": "'epochs'",
    "max_iter = 200": "'epochs'",
    "iterations = 10": "'steps'", "validation_split = 0.2": "validation = 20%", "test_size = 0.2": "split = 80%",
    "random_state = 0": "'seed'", "tol = 1e-4": "'stop'",
    "patience = 5": "no gain in", "early_stopping = true": "no gain in",
    "momentum = 0.9": "momentum.heavy_ball", "nesterov = True": "torch.SGD", "weight_decay = 1e-4": "torch.AdamW",
    "clipnorm = 1": "clip.by_norm", "lr_scheduler = cosine": "schedule eta", "metrics = accuracy": "monitor",
    "hidden_layer_sizes = (10, 5)": "network [", "normalize = true": "scale = zscore", "device = cuda": "'target'",
    "dtype = f32": "'precision'", "n_jobs = 2": "'threads'", "verbose = 1": "--quiet", "solver = adam": "optimizer",
    "initial_learning_rate = 0.1": "gd(eta = 0.1)",
    "eta = 0.1": "gd(eta = 0.1)",
    "ValidationPatience = 5": "no gain in",
    "use_gpu = True": "target = cuda",
    "fp16 = True": "'precision'",
    "class_weight = balanced": "weights = w",
    "n_splits = 5": "folds = 5",
    "l1 = 0.1": "sum(|weights|)",
    "dropout = 0.5": "dropout.inverted",
    "amsgrad = True": "torch.Adam",
    "steps_per_epoch = 9": "batch = 32",
    "gtol = 1e-6": "'stop'",
    "monitor = val_loss": "statement of its own",
    "stratify = true": "setting of 'data'",
}  # fmt: skip
OF_TRAIN = {
    "validation_freq = 2": "monitor loss, every = 1", "divideFcn = dividerand": "split = 80%",
    "min_grad = 1e-7": "norm(grad R)", "n_epochs_no_change = 3": "no gain in", "warmup_epochs = 3": "linear_warmup(",
    "limit_train_batches = 0.1": "limit = 100", "devices = 2": "--on dask", "strategy = ddp": "target = cuda",
    "clip = 1": "clip.by_norm(1)", "Epochs = 3": "'epochs'", "accumulate = 4": "batch = 128",
    "showWindow = true": "--quiet", "logging = true": "monitor loss", "loss = mse": "loss mse",
    "optimizer = adam": "optimizer torch.Adam", "schedule = cosine": "schedule eta = cosine(",
    "mu = 0.1": "does not have", "precision = double": "'f64'", "precision = float32": "'f32'",
    "precision = 32": "'f32'", "target = gpu": "'cuda'", "sampling = with_replacement": "'replacement'",
    "batch = all": "'full'", "stop = EarlyStopping(patience = 3)": "no gain in",
}  # fmt: skip
SWEEPS = {
    "eta in {0.1}, n_trials = 3": "'trials'", "eta in {0.1}, n_iter = 3": "'trials'",
    "eta in {0.1}, scoring = accuracy": "'figure'", "eta in {0.1}, direction = minimize": "lower losses",
    "eta in {0.1}, n_jobs = 2": "--on dask", "eta in {0.1}, sampler = tpe": "by = tpe",
    "eta in {0.1}, cv = 5": "folds = 5", "eta in {0.1}, by = random": "without 'by'",
    "eta in {0.1}, by = grid": "without 'by'", "eta in {0.1}, by = optuna": "by = tpe",
    "eta in {0.1}, by = hyperband": "halving", "eta = {0.1, 0.2}": "eta in {0.1, 0.2}",
    "eta in (0.1, 0.2)": "eta in {0.1, 0.2}", "eta in logspace(-4, -1, 5)": "log_uniform",
    "learning_rate in {0.1, 0.2}": "'eta'", "batch_size in {16, 32}": "'batch'",
    "hidden_size in {4, 8}": "[13(tanh)width", "activation in {relu, tanh}": "[13(act)10",
    "dropout in {0.1, 0.2}": "(dropout.inverted(p))", "random_state in {1, 2}": "'seed'",
    "n_epochs in {1, 2}": "'epochs'", "eta ~ loguniform(1e-4, 1e-1), trials = 2": "log_uniform",
}  # fmt: skip
MORE = {
    "monitor loss, freq = 10": "'every'", "monitor loss, interval = 10": "'every'",
    "monitor loss, patience = 3": "no gain in", "phase a: steps = 2, learning_rate = 0.1": "'eta'",
    "phase a: steps = 2, batch_size = 4": "'batch'", "expect loss < 1, tol = 1": "within 0.01",
}  # fmt: skip
FORMULAS = {
    "1/2x": "2*x",
    "2x^2": "2*x",
    "exp x": "exp(x)",
    "x x": "x*x",
    "|x||x|": "abs(x)",
    "x//2": "floor(a/b)",
    "1.e-3*x": "1.0e-3",
    "x mod 2": "a - b*floor(a/b)",
    "1 if 0 < x < 2 else 0": "a < x and x < b",
}
FORMS = {
    "expect 0.9 < loss < 1": "two claims",
    "expect not diverged": "expect diverged = 0% of runs",
    "monitor [loss, x]": "monitor loss, accuracy",
    "monitor {loss, x}": "monitor loss, x",
    "monitor loss every 10": "every = 10",
    "schedule eta = [0.1, 0.01]": "0.1 until 75, 0.01",
    "schedule eta = torch.MultiStepLR(0.1, milestones=[30, 80])": "(30, 80)",
    "sweep eta in [0.1, 0.2]": "{0.1, 0.01}",
    "monitor norm(grad)": "norm(grad R)",
}
QUOTED = {
    "mse, reduction = 'sum'": "reduce = sum",
    "mse + l2": "loss L = mean",
    "mse + 0.01*l2": "loss L = mean",
    "L(u, y) = mean((u - y)^2)": "loss L =",
}
LINES = {
    "loss.backward()": "netc run", "optimizer.step()": "netc run", "optimizer.zero_grad()": "netc run",
    "plt.plot(x)": "netc plot", "wandb": "MLflow", "grid lr = 1": "sweep eta", "self.fc = nn.Linear(2, 3)": "netc run",
    "learning_rate = 0.1": "gd(eta = 0.1)", "batch_size = 32": "train batch = 32",
    "Adam(lr = 1e-3)": "optimizer torch.Adam",
    "model = Sequential()": "network [", "Dense(10, activation='relu')": "network [", "nn.Linear(10, 5)": "network [",
    "torch.nn.Linear(10, 5)": "network [", "hidden_layer_sizes = (100, 50)": "network [", "import torch": "no import",
    "criterion = nn.CrossEntropyLoss()": "loss mse", "net = feedforwardnet(10)": "network [", "fit(x, y)": "netc run",
    "scheduler = StepLR(opt, 30)": "schedule eta", "x_train = load(3)": "data", "solver = lbfgs": "optimizer",
    "initializer = he": "init glorot_uniform", "patience = 5": "'stop'", "callbacks = none": "monitor",
    "loss = mse": "loss mse",
    "optimizer = Adam(lr=0.1)": "optimizer Adam(lr=0.1)",
    "activation = relu": "network [",
    "epochs = 10": "'train'",
    "seed = 0": "'train'",
    "validation = 0.2": "'data'",
    "clf = MLPClassifier(3)": "netc run",
    "loss: mse": "loss mse",
}  # fmt: skip
RULES = {
    "fminsearch": "without derivatives", "nelder_mead": "without derivatives", "Prodigy(lr = 1)": "writing-a-rule.md",
    "AdamWScheduleFree(lr = 0.1)": "Schedule-Free", "fminunc": "second derivatives",
    "Adam(learning_rate = 1e-3)": "keras.Adam(learning_rate = 1e-3)",
    "Adam(lr=1e-3)": "torch.Adam(lr=1e-3)",
    "optim.Adam(lr=1e-3, betas=(0.9, 0.99))": "torch.Adam(lr=1e-3, betas=(0.9, 0.99))",
    "tf.keras.optimizers.Adam(learning_rate=0.01)": "keras.Adam(learning_rate=0.01)",
    "SGD(lr=0.01, momentum=0.9, nesterov=True)": "torch.SGD(lr=0.01, momentum=0.9, nesterov=True)",
    "RMSprop(lr=0.01, alpha=0.99)": "torch.RMSprop(lr=0.01, alpha=0.99)",
    "adam(learning_rate=0.01, b1=0.9)": "optax.adam(learning_rate=0.01, b1=0.9)",
    "Adam": "torch.Adam, keras.Adam",
    "gd(lr = 0.1)": "'eta'", "gd(learning_rate = 0.1)": "'eta'",
    "gd(eta = 0.1, momentum = 0.9)": "momentum.heavy_ball",
    "torch.Adam(learning_rate = 0.1)": "'lr'", "keras.Adam(lr = 0.1)": "'learning_rate'",
    "torch.Adam(lr = 0.1, beta_1 = 0.9)": "betas = (0.9, 0.999)",
    "keras.Adam(learning_rate = 0.1, beta1 = 0.9)": "'beta_1'",
    "torch.SGD(lr = 0.1, clipnorm = 1)": "clip.by_norm", "traingd": "gd(eta = 0.01)", "sgdm": "momentum.heavy_ball",
    "trainlm": "second derivatives", "gd, learning_rate = 0.1": "gd(eta = 0.1)",
    "adam.paper(eta = 1e-3, weight_decay = 0.1)": "torch.AdamW",
    "sgd(0.1)": "torch.SGD, keras.SGD or optax.sgd",
    "nag(eta = 0.1)": "nesterov = true",
    "GradientDescentOptimizer(0.1)": "gd(eta",
    "optax.adam(lr = 0.1)": "'learning_rate'",
    "Lookahead": "wraps a rule",
    "'adam'": "a name has none: adam",
    "\"adam\"": "no quotes, adam",
}  # fmt: skip
LOSSES = {
    "CTCLoss": "netc has none", "nn.CTCLoss()": "netc has none", "gan": "second network", "perplexity": "cross_entropy",
    "r2": "monitor r2", "f1": "netc judge", "perceptron": "max(0, -u*y)", "ridge": "0.01*sum(weights^2)",
    "CrossEntropyLoss": "cross_entropy", "nn.CrossEntropyLoss()": "cross_entropy",
    "categorical_crossentropy": "cross_entropy",
    "sparse_categorical_crossentropy": "cross_entropy", "NLLLoss": "cross_entropy", "BCELoss": "binary_cross_entropy",
    "BCEWithLogitsLoss": "binary_cross_entropy", "binary_crossentropy": "binary_cross_entropy",
    "log_loss": "binary_cross_entropy",
    "MSELoss": "'mse'", "mean_squared_error": "'mse'", "nn.L1Loss()": "'mae'", "SmoothL1Loss": "smooth_l1",
    "HuberLoss": "'huber'",
    "LogCosh": "log_cosh", "KLDivLoss": "kl_divergence", "PoissonNLLLoss": "'poisson'", "pinball_loss": "'quantile'",
    "SoftMarginLoss": "'logistic'", "MultiMarginLoss": "'multi_margin'", "rmse": "'mse'",
    "focal_loss": "'binary_focal'",
    "KLDivergence": "'kl_divergence'",
    "tf.keras.losses.Huber(delta=1.0)": "'huber'",
    "mae_loss": "'mae'",
    "L2": "'mse'",
    "GaussianNLLLoss": "'gaussian_nll'",
    "tweedie": "loss tweedie(p = 1.5) =",
    "CosineEmbeddingLoss": "dot(u, y)",
    "DiceLoss": "sum(u*y)",
    "TripletMarginLoss": "of one sample",
    "accuracy": "monitor accuracy",
}  # fmt: skip
LAYERS = {
    "(atan)": "'arctan'", "(celu)": "activation celu(z)", "(square)": "z^2", "(skip)": "(add a)",
    "(ResBlock)": "residual.basic", "(TransformerEncoderLayer)": "transformer.postnorm",
    "(bilstm)": "netc has none", "(Reshape)": "at the input", "(ZeroPadding2D)": "3x3 same",
    "(GaussianNoise)": "augment noise",
    "(LeakyReLU)": "leaky_relu", "(logsig)": "'sigmoid'", "(tansig)": "'tanh'", "(purelin)": "'lin'",
    "(identity)": "'lin'",
    "(logistic)": "'sigmoid'", "(Conv2d)": "'conv'", "(HardSigmoid)": "'hard_sigmoid'", "(MaxPool2d)": "'maxpool'",
    "(nn.ReLU())": "'relu'", "(exponential)": "'exp'",
    "(jax.nn.relu)": "'relu'",
    "(radbas)": "exp(-z^2)",
    "(hardlim)": "1 if z > 0",
    "(BatchNorm1d)": "torch.BatchNorm1d",
    "(sin)": "'sine'",
}  # fmt: skip
INITS = {
    "xavier": "glorot_uniform", "he": "he_normal", "GlorotUniform": "'glorot_uniform'",
    "kaiming_normal_": "'he_normal'",
    "RandomNormal": "'normal'", "ones": "constant(1)", "random_uniform": "'uniform'", "default": "torch_default",
    "VarianceScaling": "sqrt(2/fan_in)",
    "trunc_normal_": "normal(0, 0.02)",
    "initzero": "'zeros'",
}  # fmt: skip
SCHEDULES = {
    "constant": "schedule eta = 0.1", "1/t": "'step'", "inverse_sqrt": "0.1/sqrt(1 + step)", "warmup_cosine": "warmup = 10",
    "ReduceLROnPlateau": "plateau(start = 0.1)",
    "StepLR(0.1, step_size = 30)": "torch.StepLR", "cosine_decay(0.1, 100)": "cosine(max = 0.1, period = 100)",
    "warmup": "linear_warmup(", "invscaling": "inverse_time(", "adaptive": "plateau(", "cosine": "cosine(max",
}  # fmt: skip
DATA = {
    "test = 0.2": "split = 80%", "val = 0.1": "validation = 20%", "lookback = 3": "window = 10",
    "oversample = true": "weights = w",
    "target_scale = zscore": "scale_target", "encode = true": "columns of 0 and 1", "y = a": "target = y",
    "normalize = true": "scale = zscore", "num_classes = 3": "classes = 3", "features = (a, b)": "inputs = (a, b)",
    "dropna = true": "missing = drop", "skiprows = 1": "header = true", "nrows = 9": "limit = 100",
    "shuffle = true": "'train'",
    "groups = a": "a file of its own", "GroupKFold = a": "a file of its own", "horizon = 3": "window = 10",
    "steps_ahead = 2": "column whose values are so many rows ahead", "stride = 2": "by one row",
    "skip = 2": "begin with #", "skiprows = 2": "header = true", "skipfooter = 1": "begin with #", "comment = c": "#",
    "parse_dates = true": "a date is text", "index_col = 0": "left out", "usecols = (a, b)": "inputs = (a, b)",
    "names = (a, b)": "c1, c2", "nrows = 10": "limit = 100", "na_values = x": "missing = drop",
    "fill_value = 0": "missing = mean", "dtype = f32": "precision = f32", "encoding = latin1": "UTF-8",
    "drop_last = true": "batch = 32", "num_workers = 4": "nothing is to be set", "stratify = a": "stratify = true",
    "stratify = (a, b)": "no other column", 'stratify = "y"': "stratify = true", "thousands = 1": "decimal = comma",
    "quotechar = q": "quoted by", "delim_whitespace = true": "separator = blank", "sheet_name = a": "table.csv",
    "chunksize = 100": "in memory", "compression = gzip": "first bytes", "true_values = yes": "1 and 0",
    "frac = 0.1": "limit = 100", "download = true": "netc data get",
}  # fmt: skip
FUNCTIONS = {
    "atan2(g, g)": "no angle", "asinh(g)": "sqrt(x^2 + 1)", "median(g)": "no sorting", "cbrt(g)": "|x|^(1/3)",
    "exp2(g)": "2^x", "isnan(g)": "ends the run", "arcsin(g)": "netc has none", "trace(g)": "no matrices",
    "mod(g, 2)": "a - b*floor(a/b)", "clip(g, -1, 1)": "min(max(a, low), high)",
    "clamp(g, -1, 1)": "min(max(a, low), high)",
    "np.sqrt(g)": "sqrt(...)", "torch.abs(g)": "abs(...)", "square(g)": "x^2", "pow(g, 2)": "x^n",
    "maximum(g, 0)": "max(a, b)",
    "rsqrt(g)": "1/sqrt(x)", "std(g)": "sqrt(mean(", "m_t": "m[n]", "v_t*g": "v[n]", "lr*g": "'eta'",
    "theta[n-1]": "old[n+1] = theta[n]", "normal(0, 1)": "no random numbers", "l2_norm(g)*g": "'norm'",
    "hessian(g)": "second", "v_(t-1)": "v[n]", "0*gradient": "grad R(theta[n])", "g_t": "grad R(theta[n])",
    "ln(g)": "log(x)",
    "fabs(g)": "|x|",
    "sgn(g)": "'sign'",
    "t*g": "is n",
    "grad_t": "grad R(theta[n])",
    "beta1*g": "head of its rule",
    "g**2": "x^2",
    "hypot(g, g)": "sqrt(x^2 + y^2)",
    "zeros_like(g)": "0, 1, or ones",
}  # fmt: skip


def first_lines(text: str) -> list[str]:
    try:
        program: Program = parse(Source("<test>", text))
        to_spec(program, None, Path())
    except SpecError as error:
        return [render([d]).splitlines()[0] for d in error.diagnostics]
    return []


def network(layer: str = "(lin)", init: str = "zeros", loss: str = "mse", data: str = "") -> str:
    return NETWORK.format(layer=layer, init=init, loss=loss, data=data)


CASES = {
    **{f"train {w}": (OBJECTIVE.format(f", {w}", GD), says) for w, says in TRAIN.items()},
    **{f"train {w}": (OBJECTIVE.format(f", {w}", GD), says) for w, says in OF_TRAIN.items()},
    **{w: (OBJECTIVE.replace("x^2", w).format("", GD), says) for w, says in FORMULAS.items()},
    **{w: (OBJECTIVE.format("", f"{GD}{w}"), says) for w, says in FORMS.items()},
    **{f"quoted {w}": (network(loss=w), says) for w, says in QUOTED.items()},
    "quoted init": (network(init="he_normal(mode='fan_in')"), "he_normal_fan_out"),
    "quoted layer": (network(layer="(lin, activation='relu')"), "(dense, relu) 32"),
    "train 10": ("objective R(x) = x^2\ntrain 10\n", "train epochs = 10"),
    "no gain": (OBJECTIVE.format(", stop = no gain for 5 epochs", GD), "no gain in loss(validation)"),
    **{f"sweep {w}": (OBJECTIVE.format("", f"{GD}sweep {w}"), says) for w, says in SWEEPS.items()},
    **{w: (OBJECTIVE.format("", f"{GD}{w}"), says) for w, says in MORE.items()},
    **{f"line {w}": (OBJECTIVE.format("", GD + w), says) for w, says in LINES.items()},
    **{f"optimizer {w}": (OBJECTIVE.format("", f"optimizer {w}"), says) for w, says in RULES.items()},
    **{f"loss {w}": (network(loss=w), says) for w, says in LOSSES.items()},
    **{f"layer {w}": (network(layer=w), says) for w, says in LAYERS.items()},
    **{f"init {w}": (network(init=w), says) for w, says in INITS.items()},
    **{f"rule {w}": (OBJECTIVE.format("", RULE + w), says) for w, says in FUNCTIONS.items()},
    **{f"data {w}": (network(data=f", {w}"), says) for w, says in DATA.items()},
    **{
        f"schedule {w}": (OBJECTIVE.format("", f"{GD}schedule eta = {w}"), says)
        for w, says in SCHEDULES.items()
    },
}


@pytest.mark.parametrize("case", one_in(2, CASES))
def test_the_netc_word_is_in_the_first_line(case: str) -> None:
    text, says = CASES[case]
    lines = first_lines(text)
    assert lines, "it is an error"
    assert says in lines[0]


WRITTEN_OUT = {
    "activation": "data inline:\n    1 -> 2\n    2 -> 1\n{0}\nnetwork [1({1})1]\ninit zeros\nloss mse\n",
    "init": "data inline:\n    1 -> 2\n    2 -> 1\nnetwork [1(tanh)2(lin)1]\n{0}\nloss mse\n",
    "loss": "data inline:\n    1, 2 -> 2, 1\n    2, 1 -> 1, 3\nnetwork [2(exp)2]\ninit constant(0.1)\n{0}\n",
    "schedule": "objective R(x) = x^2\ninit theta = (1)\nschedule eta = {0}\n",
}
"""A program around each kind of text that a message says to write."""


def texts_to_write() -> list[tuple[str, str]]:
    said = [s for table in TABLES.values() for s in table]
    texts = [
        m[1]
        for s in said
        if (m := re.search(r"(?:written out: |written in the loss or the rule: )(.*?)(?:, after .*)?$", s))
    ]
    calls = [
        ("schedule", s.removeprefix("here it is ")) for s in TABLES["schedule"] if s.startswith("here it is ")
    ]
    return calls + [
        (t.split()[0], t)
        for t in texts
        if t.split()[0] in WRITTEN_OUT and "..." not in t and not t.startswith("schedule")
    ]


@pytest.mark.parametrize(("kind", "text"), texts_to_write())
def test_what_is_to_be_written_is_a_program(kind: str, text: str) -> None:
    name = re.split(r"[ (]", text)[1] if " " in text else ""
    program = WRITTEN_OUT[kind].format(text, name) + GD + "train epochs = 2, runs = 2\n"
    assert not first_lines(program)


def test_a_call_of_python_can_be_copied() -> None:
    assert not first_lines(
        OBJECTIVE.format(", shuffle = False", "optimizer torch.SGD(lr=0.01, momentum=0.9, nesterov=True)")
    )


def test_a_rule_that_is_nowhere_is_answered_with_the_nearest_and_the_page() -> None:
    with pytest.raises(SpecError) as error:
        to_spec(parse(Source("<test>", OBJECTIVE.format("", "optimizer adabound(lr = 1e-3)"))), None, Path())
    (diagnostic,) = error.value.diagnostics
    assert "the nearest names are" in diagnostic.hints[0]
    assert "docs/writing-a-rule.md" in diagnostic.hints[-1]
    assert (Path(__file__).parent.parent / "docs" / "writing-a-rule.md").exists()


@pytest.mark.parametrize(
    ("word", "says"), [("batch_size", "'batch'"), ("random_state", "'seed'"), ("lr", "eta")]
)
def test_settings_from_outside_are_told_their_names(word: str, says: str) -> None:
    """`--set batch_size=32`, `model.train(batch_size=32)`"""
    program = parse(Source("a.net", OBJECTIVE.format("", GD)))
    with pytest.raises(SpecError) as error:
        to_spec(program, None, Path(), {word: 1})
    (found,) = error.value.diagnostics
    assert (found.code, says in found.message) == ("E0512", True)


def test_the_network_that_a_message_says_to_write_is_one() -> None:
    (said,) = (s for s in TABLES["layer"] if "(add a)" in s)
    network = said.partition(": ")[2]
    data = "data inline:\n    1, 2, 3, 4 -> 2\n    2, 3, 4, 4 -> 1\n"
    assert not first_lines(f"{data}network {network}\ninit zeros\nloss mse\n{GD}train steps = 2\n")


def test_no_word_of_the_language_is_called_foreign() -> None:
    for place, kind in (
        ("loss", "loss"),
        ("layer", "activation"),
        ("init", "init"),
        ("optimizer", "optimizer"),
    ):
        words = {w for listed in TABLES[place].values() for w in listed.split()}
        assert not words & {name for name in library.names(kind) if name != "linear"}


def test_what_is_said_names_things_that_exist() -> None:
    """Every `LIBRARY.Rule(...)` in the table is a rule or a clip."""
    known = {n for kind in ("optimizer", "clip", "layer", "schedule") for n in library.names(kind)}
    said = {s for table in TABLES.values() for s in table}
    for name in {
        m for s in said for m in re.findall(r"\b(?:torch|keras|momentum|clip|riedmiller1993)\.\w+", s)
    }:
        assert name in known, name
