"""The words of other tools and what they mean here, by the place where they are typed: a table. Finds nothing in it."""

from __future__ import annotations

from typing import Literal

from netc.dsl.words.foreign_functions import FUNCTIONS, INITS, SCHEDULES
from netc.dsl.words.foreign_networks import LAYERS, LOSSES
from netc.dsl.words.foreign_parameters import (
    IN_LOSSES,
    IN_SCHEDULES,
    IN_STARTS,
    OF_INITS,
    OF_LAYERS,
    OF_LOSSES,
    OF_SCHEDULES,
)

Place = Literal[
    "statement",
    "setting",
    "optimizer",
    "parameter",
    "loss",
    "layer",
    "init",
    "schedule",
    "function",
    "of a layer",
    "of a loss",
    "of a start",
    "of a schedule",
    "in a loss",
    "in a start",
    "in a schedule",
]

RATE = "the rate is a parameter of the rule, optimizer gd(eta = 0.1)"
BATCH = "here it is called 'batch', train batch = 32"
EPOCHS = "here it is called 'epochs', train epochs = 200"
STEPS = "here it is called 'steps', train steps = 1000"
SPLIT = "the part that trains is given, the rest tests: data ..., split = 80%"
VALIDATION = (
    "the validation part is a setting of the data, taken from what trains: data ..., validation = 20%"
)
SEED = "here it is called 'seed', train seed = 1 (and data ..., seed = 1 for the split)"
STOP = "'stop' takes a condition on the training loss, train stop = R < 1e-3 or norm(grad R) < 1e-6"
PATIENCE = "early stopping is a condition of 'stop', train stop = no gain in loss(validation) for 20 epochs"
BEST = "what is kept is a setting of 'train', train keep = best(loss(validation))"
MOMENTUM = (
    "momentum is a rule of its own, momentum.heavy_ball(eta = 0.1) or torch.SGD(lr = 0.1, momentum = 0.9)"
)
NESTEROV = "it is a parameter of torch.SGD(lr = 0.1, momentum = 0.9, nesterov = true) and of keras.SGD"
DECAY = "weight decay belongs to the rule, as in torch.AdamW(lr = 1e-3, weight_decay = 0.01)"
CLIP = "a clip belongs to the use of a rule, optimizer gd(eta = 0.1), clip = clip.by_norm(1)"
SCHEDULE = "a parameter of the rule follows a statement of its own, schedule eta = 0.1 until 75, 0.01"
MONITOR = "figures are chosen by a statement of their own, monitor loss, accuracy"
NETWORK = "layers stand in a statement of their own, network [13(tanh)15(lin)1]"
SCALE = "data are scaled by a setting of theirs, data ..., scale = zscore (or minmax)"
RULE = "the rule is a statement of its own, optimizer torch.Adam(lr = 1e-3)"
LOSS = "the loss is a statement of its own, loss mse"
DATA = 'data are a statement of their own, data "table.csv", target = price'
START = "first parameters are a statement of their own, init glorot_uniform"
CUDA = "here it is called 'target', train target = cuda"
SAMPLING = "samples of batches are drawn with replacement by train sampling = replacement"
PRECISION = "here it is called 'precision', train precision = f32"
THREADS = "here it is called 'threads', train threads = 4"
SHOWN = "progress is shown on a terminal, and not by netc run --quiet"
TRAINED = "'netc run FILE' trains what the file says, in its train statement: train epochs = 200, batch = 32"
NO_IMPORT = "a .net file is no program: names of libraries need no import, optimizer torch.Adam(lr = 1e-3)"
HOMES = {
    "train": "epochs steps batch shuffle sampling precision seed runs threads stop diverged keep against target slow",
    "data": "inputs scale scale_target split validation folds fold stratify classes only each label_noise order"
    " window weights limit missing header separator decimal",
}
"""Statements, and the settings that people write as statements of their own, or in another one."""
COUNT = "the count of iterations is n"
SETTLED = "classes and their number are read from the target: data ..., target = y, classes = 3"
GAPS = "missing values are a setting of the data, data ..., missing = drop (or mean)"
LAYER = "it is a layer: netc list layers, as in [10 (relu) 5 (dropout.inverted) 1]"
SECOND = "it needs second derivatives or a memory of many steps, which the equations of a rule do not have"

SETTINGS = {
    "a checkpoint is written now and then by itself, and at Ctrl-C; netc run --resume goes on": "checkpoint ckpt save_steps"
    " save_every checkpoint_every model_checkpoint save_weights_only",
    "a run's folder holds its weights, and netc export RUN model.pt writes them for others": "save save_model save_path",
    "netc run --out names the folder": "log_dir output_dir out_dir logdir out save_dir",
    "the parameters of a rule stand in its call, optimizer adam.paper(eta = 1e-3)": "betas beta beta1 beta2 eps epsilon"
    " alpha"
    " rho adam_epsilon",
    "there is no limit of time: train epochs, steps, or stop = R < 1e-3; Ctrl-C ends a run with what is there": "time_limit"
    " max_time timeout max_seconds budget",
    "it is a condition of 'stop', train stop = R < 1e-3": "stop_when until_loss stop_if",
    "data are in memory, and kernels take them from there: nothing is to be set": "pin_memory persistent_workers prefetch"
    " shuffle_buffer max_queue_size use_multiprocessing prefetch_factor",
    "kernels are always compiled: nothing is to be set": "compile jit jit_compile run_eagerly steps_per_execution benchmark",
    "the same file and seed give the same bits: nothing is to be set": "deterministic",
    "a loss sums over a sample, and 'reduce' is a setting of it, loss mse, reduce = sum": "reduction size_average",
    "here it is the loss smoothed_cross_entropy(epsilon = 0.1)": "label_smoothing",
    "averages of parameters are states of a rule: avg[n+1] = ..., evaluate at avg[n]": "ema swa polyak_averaging",
    "samples are changed by a statement of its own, augment mixup(0.2), noise(0.05)": "mixup noise jitter",
    "labels of text become classes by themselves; other text is written as columns of 0 and 1": "encode dummies get_dummies"
    " onehot",
    "a window over a series is a setting of the data, data ..., window = 10": "lag lags lookback window_size look_back"
    " time_series timesteps",
    "a name that nothing reads is a comment, # like this": "name title description",
    "the target has its own scaling, data ..., scale_target = zscore": "target_scale scale_y y_scale",
    "components are computed before, and are columns then": "pca",
    RATE: "learning_rate lr learning_rate_init initial_learn_rate init_lr base_lr step_size lrate alpha0 lr0 eta0"
    " max_lr initial_learning_rate eta",
    "an epoch is all batches of the training part: train batch = 32": "steps_per_epoch drop_last",
    BATCH: "batch_size mini_batch_size minibatch mini_batch bs train_batch_size n_batch per_device_train_batch_size",
    EPOCHS: "epoch n_epochs num_epochs max_epochs nb_epoch max_iter max_iterations maxiter num_train_epochs n_iter"
    " num_iter max_epoch epochs_num",
    STEPS: "iterations num_steps max_steps n_steps iters num_iterations total_steps maxfun n_iterations max_fun",
    SPLIT: "test_size train_size train_fraction test_split train_split divide_param test test_fraction random_split holdout",
    VALIDATION: "validation_split validation_fraction val_split validation_data valid_size val valid dev",
    SEED: "random_state random_seed manual_seed set_seed rng",
    STOP: "min_delta tol tolerance goal ftol gtol xtol",
    PATIENCE: "patience early_stopping n_iter_no_change max_fail validation_patience",
    BEST: "restore_best_weights save_best_only load_best_model_at_end output_network save_best",
    MOMENTUM: "momentum",
    NESTEROV: "nesterov nesterovs_momentum use_nesterov",
    DECAY: "weight_decay l2 l2_regularization kernel_regularizer regularization regularizer decay reg_lambda",
    CLIP: "clipnorm clipvalue global_clipnorm gradient_clip_val max_grad_norm grad_clip gradient_threshold"
    " clip_grad_norm max_norm"
    " gradient_clipping",
    SCHEDULE: "lr_scheduler scheduler lr_schedule learning_rate_schedule learn_rate_schedule lr_decay warmup_steps warmup"
    " learn_rate_drop_factor learn_rate_drop_period warmup_ratio lr_decay_steps min_lr gamma power_t",
    MONITOR: "metrics callbacks callback history log_every print_every logging_steps eval_every eval_steps log_every_n_steps"
    " validation_frequency show display plots",
    NETWORK: "hidden_layer_sizes hidden_layers hidden_units hidden_size units layers activation n_hidden",
    SCALE: "normalize standardize normalization standardization scaler preprocessing standard_scaler min_max_scaler"
    " standardise normalise mean std",
    RULE: "optim solver algorithm train_fcn",
    LOSS: "criterion loss_fn loss_function objective_function perform_fcn",
    START: "initializer kernel_initializer weight_init bias_initializer init_method",
    CUDA: "device accelerator gpu gpus use_gpu cuda execution_environment",
    SAMPLING: "replacement replace with_replacement sampler bootstrap",
    PRECISION: "dtype floatx mixed_precision fp16 fp32 bf16 amp",
    THREADS: "n_jobs num_workers workers",
    SHOWN: "verbose verbosity progress_bar",
    LAYER: "dropout dropout_rate batch_norm",
    "weights of samples are a column of the data, data ..., weights = w": "sample_weight class_weight sample_weights balance"
    " oversample smote loss_weights",
    "runs are resampled by the data: data ..., folds = 5, fold = 1": "n_splits cv k_fold kfold cross_validation n_folds"
    " cross_val kfolds",
    "a fit begins anew; a run goes on with netc run --resume": "warm_start resume"
    " resume_from_checkpoint initial_epoch",
    "a switch of a rule is its parameter, torch.Adam(lr = 1e-3, amsgrad = true)": "amsgrad use_ema ema_momentum",
    "runs with other starts are train runs = 10": "n_estimators n_init restarts n_restarts repeat repeats"
    " trials seeds",
    "a penalty is written in the loss or the rule: loss R = mean((u - y)^2) + 0.01*sum(|weights|)": "l1 l1_ratio penalty",
    "gradients of batches are not added up: a larger batch does the same, train batch = 128": "accumulate_grad_batches"
    " gradient_accumulation_steps grad_accum",
    SETTLED: "num_classes n_classes one_hot class_names label_encoder",
    GAPS: "na_values dropna impute imputer fillna nan na",
    "the text's separator is a setting of the data, data ..., separator = semicolon": "delimiter sep",
    "columns are chosen by name: data ..., inputs = (a, b), target = y": "features usecols columns label labels x_cols"
    " feature_names response drop y x output outputs predictors index id",
    "rows are chosen by data ..., limit = 100": "nrows n_rows max_rows",
    "the header is a setting of the data, data ..., header = false": "skiprows names header_row skip_header",
    "text is read as UTF-8": "encoding",
    "a first column without a name that counts the rows is left out": "index_col",
    "the statement is called 'augment', augment shift(2), flip": "augmentation transforms transform data_augmentation",
    "there are no constraints; a penalty is a term of the objective": "subject subject_to constraints bounds",
}
STATEMENTS = {
    **SETTINGS,
    NETWORK: f"{SETTINGS[NETWORK]} model net layer dense linear sequential mlp feedforwardnet patternnet mlp_classifier"
    " mlp_regressor input flatten dropout conv2d relu softmax sigmoid feature_input_layer fully_connected_layer"
    " fully_connected hidden activations hidden_layer lstm class output bias",
    RULE: f"{SETTINGS[RULE]} opt adam sgd rmsprop adagrad adadelta adamw nadam trainlm traingd traingdm"
    " traingdx trainrp training_options options param_group",
    LOSS: f"{SETTINGS[LOSS]} cross_entropy_loss mse_loss mse bce_loss nll_loss cost",
    DATA: "dataset dataloader data_loader x_train y_train x y features inputs train_data load read_csv csv",
    TRAINED: "fit compile run train_network training trainer evaluate predict main clf regressor estimator for def if"
    " self super with score cross_validate"
    " while return print backward"
    " zero_grad step",
    "pictures are drawn by netc plot RUN": "plot plt figure matplotlib",
    "a run's folder has its history; docs/models-elsewhere.md has TensorBoard, MLflow and W&B": "tensorboard"
    " wandb mlflow log logger",
    "many values are a statement of their own, sweep eta in {0.1, 0.2}": "grid tune hyperparameter grid_search"
    " param_grid optuna",
    NO_IMPORT: "import from torch tf tensorflow keras nn np numpy jax jnp optax sklearn using pip pd pandas",
    SCHEDULE: f"{SETTINGS[SCHEDULE]}"
    " step_lr multi_step_lr exponential_lr cosine_annealing_lr reduce_lr_on_plateau one_cycle_lr",
}
OPTIMIZERS = {
    "netc has none that works without derivatives: a rule has equations for theta[n+1] in grad R(theta[n])": "fminsearch"
    " nelder_mead genetic ga pso particle_swarm simulated_annealing cma_es cobyla powell differential_evolution",
    "it is written in a few lines; docs/writing-a-rule.md has Schedule-Free, Lookahead, SAM and Prodigy": "prodigy"
    " schedule_free schedule_free_sgd sgd_schedule_free adamw_schedule_free adam_w_schedule_free",
    "as 'traingd' it is gd(eta = 0.01)": "traingd gradient_descent vanilla batch_gradient_descent steepest_descent"
    " gradient_descent_optimizer",
    MOMENTUM: "traingdm sgdm sgd_momentum sgdmomentum",
    "here it is nesterov.shifted(eta = 0.1) or torch.SGD(lr = 0.1, momentum = 0.9, nesterov = true)": "nag nesterov_momentum"
    " nesterov_accelerated_gradient",
    "its two parts are torch.RAdam and a lookahead, whose equations are written out": "ranger",
    "its two parts are momentum.heavy_ball(eta = 0.01, alpha = 0.9) and a schedule of eta": "traingdx traingda",
    "here it is torch.Rprop(lr = 0.01) or riedmiller1993.Rprop": "trainrp resilient_backpropagation",
    SECOND: "trainlm trainbr trainbfg trainscg traincgf traincgp traincgb trainoss lm levenberg_marquardt lbfgs bfgs newton"
    " gauss_newton conjugate_gradient cg natural_gradient kfac hessian_free trust_region dogleg tnc fminunc fmincg minimize",
    "a rule that wraps a rule is written out: its equations, and those of the inner rule": "lookahead swa ema_weights sam"
    " gradient_accumulation",
}
PARAMETERS = {
    CLIP: SETTINGS[CLIP],
    SCHEDULE: "decay lr_decay scheduler schedule warmup warmup_steps decay_steps",
    BATCH: SETTINGS[BATCH],
    EPOCHS: SETTINGS[EPOCHS] + " epochs",
    MOMENTUM: "momentum",
    NESTEROV: "nesterov",
    SHOWN: "name verbose",
    "a rule has all parameters in theta": "params parameters model",
}
TABLES: dict[Place, dict[str, str]] = {
    "statement": STATEMENTS,
    "setting": SETTINGS,
    "optimizer": OPTIMIZERS,
    "parameter": PARAMETERS,
    "loss": LOSSES,
    "layer": LAYERS,
    "init": INITS,
    "schedule": SCHEDULES,
    "function": FUNCTIONS,
    "of a layer": OF_LAYERS,
    "of a loss": OF_LOSSES,
    "of a start": OF_INITS,
    "of a schedule": OF_SCHEDULES,
    "in a loss": IN_LOSSES,
    "in a start": IN_STARTS,
    "in a schedule": IN_SCHEDULES,
}
