"""Settings and their values as other tools call them, where they mean something else than in other statements: tables for
`vocabulary.py`. What is meant wherever it stands is in `foreign_words.py`."""

from __future__ import annotations

from netc.dsl.words.foreign_data import DATA_SETTINGS
from netc.dsl.words.foreign_parameters import OF_LOSSES, OF_SCHEDULES

DRAWN = "values are drawn without 'by': sweep eta ~ log_uniform(1e-3, 1e-1), trials = 50"
EVERY = "here it is called 'every', monitor loss, every = 10 epochs (or 10 steps)"
NEXT_DECAY = "a drop of the rate is a schedule, schedule eta = plateau(0.1, patience = 10)"

OF_STATEMENTS: dict[str, dict[str, str]] = {
    "data": DATA_SETTINGS,
    "sweep": {
        "here it is called 'trials', the number of points that are drawn: trials = 50": "n_iter n_trials num_samples"
        " max_trials max_evals num_trials iterations n_points count samples budget",
        "here it is called 'figure', figure = loss(validation)": "scoring metric objective refit monitor criterion score",
        "lower losses and higher accuracies are better, by the figure itself: figure = loss(validation)": "direction mode"
        " maximize minimize goal",
        "points are trained on all cores by netc run FILE --on dask": "n_jobs num_workers workers parallel n_workers",
        "points are chosen by what is known of others with by = tpe (or halving)": "sampler search algorithm method strategy"
        " optimizer search_alg tuner scheduler pruner",
        "the points of a grid stand in braces, sweep eta in {0.1, 0.01}": "grid param_grid params parameters values space",
    },
    "train": {
        "figures of all parts are written down by monitor loss, every = 1": "validation_freq val_check_interval"
        " check_val_every_n_epoch validation_steps logging log_interval log_freq logger",
        "the part that trains is given by the data: data ..., split = 80%, validation = 20%": "divide_fcn divide_mode"
        " cv_folds eval_set",
        "it is a condition of 'stop', train stop = norm(grad R) < 1e-6": "min_grad gradient_tolerance",
        "early stopping is a condition, train stop = no gain in loss(validation) for 20 epochs": "n_epochs_no_change"
        " min_epochs early_stopping_rounds early_stopping_patience early_stop",
        NEXT_DECAY: "reduce_lr factor cooldown reduce_lr_patience",
        "a warmup is a schedule, schedule eta = linear_warmup(0.1, warmup = 10)": "warmup_epochs warmup_proportion",
        "fewer samples are a setting of the data: data ..., limit = 100": "limit_train_batches overfit_batches limit"
        " max_samples subsample fast_dev_run",
        "runs are spread over machines by netc run FILE --on dask, and a GPU is train target = cuda": "devices strategy"
        " distributed num_nodes nodes ddp num_gpus world_size",
        "a clip belongs to the use of a rule, optimizer gd(eta = 0.1), clip = clip.by_norm(1)": "clip clipping max_grad",
        "gradients of batches are not added up: a larger batch does the same, train batch = 128": "accumulate accumulation"
        " accumulation_steps grad_accumulation",
        "progress is shown on a terminal, and not by netc run --quiet": "show_window show_command_line enable_progress_bar",
        "it is of Levenberg and Marquardt's rule, which netc does not have": "mu mu_dec mu_inc mu_max",
        "a rule with its parameters is a statement of its own, optimizer torch.Adam(lr = 1e-3)": "optimizer rule updater",
        "layers stand in a statement of their own, network [13(tanh)15(lin)1]": "network",
        "the loss is a statement of its own, loss mse": "loss",
        "a start is a statement of its own, init glorot_uniform": "init",
        "a schedule is a statement of its own, schedule eta = cosine(0.1, 200)": "schedule",
        "what is written down is a statement of its own, monitor loss, every = 10 epochs": "monitor",
        'data are a statement of their own, data "table.csv", target = price': "data",
        "samples are changed by a statement of its own, augment shift(2), flip": "augment",
    },
    "loss": {
        "a parameter stands in parentheses, loss focal(gamma = 2)": "gamma delta beta q epsilon tau",
        **OF_LOSSES,
        "a penalty is written in the loss: loss R = mean((u - y)^2) + 0.01*sum(weights^2)": "l2 l1 regularization penalty",
    },
    "schedule": OF_SCHEDULES,
    "monitor": {
        EVERY: "freq frequency interval log_every period step steps each save_freq update_freq log_interval every_n_epochs"
        " every_n_steps log_every_n_steps",
        "all figures stand in one line, monitor loss, accuracy, norm(grad R)": "metrics figures metric names values",
        "curves are drawn by netc plot RUN": "plot plots display",
    },
    "expect": {
        "a tolerance stands behind the claim: expect loss(test) = 0.1 within 0.01": "tol rtol atol tolerance rel abs delta"
        " margin places",
    },
    "points": {
        "a distance stands behind the list: points minima = {(-2, 1)} within 0.05": "tol radius distance eps",
    },
}

AXES = {
    "a size stands in the network by its name, [13(tanh)width(lin)1], sweep width in {4, 8}": "units hidden_size width"
    " hidden_layer_sizes n_hidden hidden neurons n_units hidden_units filters num_filters size",
    "an activation stands in the network by its name, [13(act)10(lin)1], sweep act in {tanh, relu}": "activation act_fn"
    " activations nonlinearity",
    "a number of a layer stands there by its name, (dropout.inverted(p)), sweep p in {0.1, 0.5}": "dropout dropout_rate rate"
    " drop_rate p",
    "a sweep has numbers and names for axes, and the number of layers is none: a file for each": "layers n_layers num_layers"
    " depth",
}

VALUES = {
    "f64": "double float64 fp64 64 doubleprecision f8",
    "f32": "single float float32 fp32 32 singleprecision f4",
    "cuda": "gpu cuda:0 cuda0 nvidia",
    "replacement": "with_replacement bootstrap withreplacement",
    "permutation": "without_replacement shuffled",
    "full": "all full_batch batch_gd whole everything -1 0",
    "true": "yes on 1 always each_epoch",
    "false": "no off 0 never none null",
    "step": "steps iteration iterations batch batches update",
    "epoch": "epochs",
    "mean": "average avg soft batchmean",
    "vote": "hard majority",
    "sum": "total add",
    "zscore": "standard standardize standardized standardscaler standardscaler() zscorescaler normalize normalization",
    "minmax": "minmaxscaler minmaxscaler() min_max range rescale unit mapminmax",
    "none": "false no off null nothing never identity raw",
}
"""Values of settings that are words, and what they are called elsewhere."""

SEARCHES = {
    "all points of a grid are trained without 'by': sweep eta in {0.1, 0.01}": "grid grid_search gridsearchcv exhaustive"
    " product parameter_grid full_factorial",
    "values are drawn without 'by': eta ~ log_uniform(1e-3, 1e-1), trials = 50": "random random_search randomizedsearchcv"
    " randomized uniform monte_carlo montecarlo sampling",
    "here it is called 'tpe', by = tpe": "bayes bayesian bayes_opt bayesian_optimization optuna hyperopt gp smac smbo",
    "here it is called 'halving', by = halving": "hyperband asha sha bohb successive_halving",
}
"""Ways to choose the points of a sweep."""
