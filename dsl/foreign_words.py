"""The words of other tools and what they mean here, by the place where they are typed: a table. Finds nothing in it."""

from __future__ import annotations

from typing import Literal

Place = Literal[
    "statement", "setting", "optimizer", "parameter", "loss", "layer", "init", "schedule", "function"
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
MATRIX = "vectors have the shape of theta and are multiplied element by element; there are no matrices"
NO_CHANCE = "rules draw no random numbers"
CONVOLUTION = "here it is called 'conv', (conv 5x5, relu) 16"

SETTINGS = {
    RATE: "learning_rate lr learning_rate_init initial_learn_rate init_lr base_lr step_size lrate alpha0 lr0 eta0"
    " max_lr initial_learning_rate eta",
    "an epoch is all batches of the training part: train batch = 32": "steps_per_epoch drop_last",
    BATCH: "batch_size mini_batch_size minibatch mini_batch bs train_batch_size n_batch per_device_train_batch_size",
    EPOCHS: "epoch n_epochs num_epochs max_epochs nb_epoch max_iter max_iterations maxiter num_train_epochs n_iter",
    STEPS: "iterations num_steps max_steps n_steps iters num_iterations total_steps maxfun",
    SPLIT: "test_size train_size train_fraction test_split train_split divide_param",
    VALIDATION: "validation_split validation_fraction val_split validation_data valid_size",
    SEED: "random_state random_seed manual_seed set_seed rng",
    STOP: "min_delta tol tolerance goal ftol gtol xtol",
    PATIENCE: "patience early_stopping n_iter_no_change max_fail validation_patience",
    BEST: "restore_best_weights save_best_only load_best_model_at_end",
    MOMENTUM: "momentum",
    NESTEROV: "nesterov nesterovs_momentum use_nesterov",
    DECAY: "weight_decay l2 l2_regularization kernel_regularizer regularization regularizer decay reg_lambda",
    CLIP: "clipnorm clipvalue global_clipnorm gradient_clip_val max_grad_norm grad_clip gradient_threshold clip_grad_norm"
    " gradient_clipping",
    SCHEDULE: "lr_scheduler scheduler lr_schedule learning_rate_schedule learn_rate_schedule lr_decay warmup_steps warmup",
    MONITOR: "metrics callbacks callback history log_every print_every logging_steps eval_every eval_steps log_every_n_steps"
    " validation_frequency show display plots",
    NETWORK: "hidden_layer_sizes hidden_layers hidden_units hidden_size units layers activation n_hidden",
    SCALE: "normalize standardize normalization standardization scaler preprocessing standard_scaler min_max_scaler",
    RULE: "optim solver algorithm train_fcn",
    LOSS: "criterion loss_fn loss_function objective_function perform_fcn",
    START: "initializer kernel_initializer weight_init bias_initializer init_method",
    CUDA: "device accelerator gpu gpus use_gpu cuda execution_environment",
    SAMPLING: "replacement replace with_replacement sampler bootstrap",
    PRECISION: "dtype floatx mixed_precision fp16 fp32 bf16 amp",
    THREADS: "n_jobs num_workers workers",
    SHOWN: "verbose verbosity progress_bar",
    LAYER: "dropout dropout_rate batch_norm",
    "weights of samples are a column of the data, data ..., weights = w": "sample_weight class_weight sample_weights",
    "runs are resampled by the data: data ..., folds = 5, fold = 1": "n_splits cv k_fold kfold cross_validation n_folds",
    "a fit begins anew; a run goes on with netc run --resume": "warm_start resume",
    "a switch of a rule is its parameter, torch.Adam(lr = 1e-3, amsgrad = true)": "amsgrad use_ema ema_momentum",
    "runs with other starts are train runs = 10": "n_estimators n_init restarts n_restarts",
    "a penalty is written in the loss or the rule: loss R = mean((u - y)^2) + 0.01*sum(|weights|)": "l1 l1_ratio penalty",
    "gradients of batches are not added up: a larger batch does the same, train batch = 128": "accumulate_grad_batches"
    " gradient_accumulation_steps",
    SETTLED: "num_classes n_classes one_hot class_names label_encoder",
    GAPS: "na_values dropna impute imputer fillna nan",
    "the text's separator is a setting of the data, data ..., separator = semicolon": "delimiter sep",
    "columns are chosen by name: data ..., inputs = (a, b), target = y": "features usecols columns label labels x_cols"
    " feature_names response drop",
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
    " fully_connected hidden activations hidden_layer lstm class",
    RULE: f"{SETTINGS[RULE]} opt adam sgd rmsprop adagrad adadelta adamw nadam trainlm traingd traingdm"
    " traingdx trainrp training_options options param_group",
    LOSS: f"{SETTINGS[LOSS]} cross_entropy_loss mse_loss mse bce_loss nll_loss cost",
    DATA: "dataset dataloader data_loader x_train y_train x y features inputs train_data load read_csv csv",
    TRAINED: "fit compile run train_network training trainer evaluate predict main clf regressor estimator for def"
    " while return print backward"
    " zero_grad",
    NO_IMPORT: "import from torch tf tensorflow keras nn np numpy jax jnp optax sklearn using pip",
    SCHEDULE: f"{SETTINGS[SCHEDULE]}"
    " step_lr multi_step_lr exponential_lr cosine_annealing_lr reduce_lr_on_plateau one_cycle_lr",
}
OPTIMIZERS = {
    "as 'traingd' it is gd(eta = 0.01)": "traingd gradient_descent vanilla batch_gradient_descent steepest_descent"
    " gradient_descent_optimizer",
    MOMENTUM: "traingdm sgdm sgd_momentum sgdmomentum",
    "here it is nesterov.shifted(eta = 0.1) or torch.SGD(lr = 0.1, momentum = 0.9, nesterov = true)": "nag nesterov_momentum"
    " nesterov_accelerated_gradient",
    "its two parts are torch.RAdam and a lookahead, whose equations are written out": "ranger",
    "its two parts are momentum.heavy_ball(eta = 0.01, alpha = 0.9) and a schedule of eta": "traingdx traingda",
    "here it is torch.Rprop(lr = 0.01) or riedmiller1993.Rprop": "trainrp resilient_backpropagation",
    SECOND: "trainlm trainbr trainbfg trainscg traincgf traincgp traincgb trainoss lm levenberg_marquardt lbfgs bfgs newton"
    " gauss_newton conjugate_gradient cg natural_gradient kfac",
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
LOSSES = {
    "here it is called 'cross_entropy', after (softmax)": "cross_entropy_loss categorical_crossentropy crossentropy"
    " softmax_cross_entropy softmax_cross_entropy_with_logits nll_loss nll negative_log_likelihood crossentropyex"
    " ce cce xent neg_log_likelihood categorical_cross_entropy log_softmax",
    "here it is called 'cross_entropy', after (softmax); classes become one-hot": "sparse_categorical_crossentropy"
    " softmax_cross_entropy_with_integer_labels",
    "here it is called 'binary_cross_entropy', after (sigmoid)": "bce_loss bce bce_with_logits_loss binary_crossentropy"
    " log_loss logloss sigmoid_cross_entropy sigmoid_binary_cross_entropy binary_cross_entropy_with_logits",
    "here it is called 'mse'": "mse_loss mean_squared_error squared_error l2_loss squared_loss quadratic sse l2"
    " sum_squared_error mean_square",
    "here it is called 'mae'": "l1_loss mean_absolute_error absolute_error l1 mean_absolute_loss",
    "a root over all samples is no mean over them; 'mse' has the same minimum": "rmse root_mean_squared_error",
    "here it is called 'huber'": "huber_loss",
    "here it is called 'smooth_l1'": "smooth_l1_loss",
    "here it is called 'log_cosh'": "logcosh log_cosh_loss",
    "it is written out: loss tweedie(p = 1.5) = mean(u^(2 - p)/(2 - p) - y*u^(1 - p)/(1 - p)), after (exp)": "tweedie"
    " tweedie_loss mean_tweedie_deviance",
    "it is written out: loss cosine = 1 - dot(u, y)/(norm(u)*norm(y))": "cosine cosine_similarity cosine_distance"
    " cosine_embedding_loss",
    "it is written out: loss dice = 1 - 2*sum(u*y)/(sum(u) + sum(y))": "dice dice_loss soft_dice iou_loss jaccard",
    "it is a figure, monitor accuracy": "accuracy",
    "a loss is of one sample, and this one compares several": "triplet_margin_loss triplet_loss contrastive_loss"
    " margin_ranking_loss info_nce",
    "here it is called 'gaussian_nll', of a mean and a variance": "gaussian_nll_loss gaussian_loss normal_nll",
    "here it is called 'msle'": "mean_squared_logarithmic_error squared_log_error msle_loss",
    "it is written out: loss mape = mean(|(u - y)/y|)": "mape mean_absolute_percentage_error",
    "here it is called 'poisson', after (exp) or (softplus)": "poisson_nll_loss poisson_loss poisson_nll",
    "here it is called 'kl_divergence', after (softmax)": "kl_div kl_div_loss kld kl kullback_leibler_divergence",
    "here it is called 'quantile', quantile(q = 0.9)": "pinball pinball_loss quantile_loss mean_pinball_loss",
    "here it is called 'binary_focal', after (sigmoid)": "focal_loss sigmoid_focal_loss binary_focal_crossentropy",
    "here it is called 'focal', after (softmax)": "categorical_focal_crossentropy",
    "here it is called 'hinge', after (lin)": "hinge_loss margin_loss",
    "here it is called 'multi_margin', after (lin)": "multi_margin_loss multiclass_hinge_loss",
    "here it is called 'logistic', after (lin)": "soft_margin_loss logistic_loss sigmoid_loss",
}
LAYERS = {
    "a dense layer is its activation and its size, [10 (relu) 5]": "dense fully_connected fc fullyconnectedlayer affine"
    " input input_layer inputlayer",
    "names of libraries stand here without their module, [10 (relu) 5]": "nn layers torch keras tf f jax jnp flax",
    "here it is called 'lin'": "identity purelin none linearactivation",
    "here it is called 'sigmoid'": "logsig logistic sigmoid_layer expit sigmoidal sigm",
    "here it is called 'tanh'": "tansig tanh_layer",
    "here it is called 'sine'": "sin sinus",
    "it is written out: activation radbas(z) = exp(-z^2)": "radbas gaussian rbf",
    "it is written out: activation step(z) = 1 if z > 0 else 0": "heaviside hardlim step threshold",
    "it is written out: activation satlin(z) = min(max(z, 0), 1)": "satlin",
    "it is written out: activation e(z) = erf(z)": "erf",
    "say whose, torch.BatchNorm1d, keras.BatchNormalization or lecture.batchnorm": "batchnorm1d bn"
    " batch_normalization",
    "here it is called 'relu'": "poslin relu_layer rectify",
    "here it is called 'leaky_relu', leaky_relu(0.01)": "leakyrelu leaky_relu_layer lrelu",
    "here it is called 'hard_tanh'": "hardtanh satlins",
    "here it is called 'hard_sigmoid'": "hardsigmoid",
    "here it is called 'hard_swish'": "hardswish",
    "here it is called 'softmax'": "softmax_layer log_softmax logsoftmax",
    "here it is called 'gelu_tanh'": "gelu_new gelu_approximate",
    "here it is called 'gelu_sigmoid'": "quick_gelu",
    "here it is called 'exp'": "exponential",
    CONVOLUTION: "conv2d conv3d convolution convolution2d convolution2dlayer",
    "here it is called 'maxpool', (maxpool 2x2)": "max_pool2d maxpool2d max_pooling2d max_pool",
    "here it is called 'avgpool', (avgpool 2x2)": "avg_pool2d avgpool2d average_pooling2d avg_pool",
    "here it is called 'tconv', (tconv 2x2 stride 2) 16": "conv_transpose2d convtranspose2d conv2d_transpose deconv",
    "here it is called 'globalavgpool'": "adaptive_avg_pool2d adaptiveavgpool2d global_average_pooling2d",
    "here it is called 'layernorm'": "layer_norm layer_normalization",
    "here it is called 'groupnorm', (groupnorm(8))": "group_norm group_normalization",
    "here it is called 'rmsnorm'": "rms_norm rms_normalization",
    "here it is called 'attention', (attention(8))": "multihead_attention multi_head_attention self_attention mha",
    "here it is called 'upsample', (upsample 2x2)": "up_sampling2d upsampling2d upsample_nearest",
    "layers follow one another in brackets, [13(tanh)15(lin)1]": "sequential model mlp",
}
INITS = {
    "two laws bear it, glorot_uniform and glorot_normal": "glorot xavier glorot_init xavier_init",
    "two laws bear it, he_normal and he_uniform": "he kaiming he_init kaiming_init msra",
    "here it is called 'glorot_uniform'": "glorotuniform xavieruniform xavier_uniform_",
    "here it is called 'glorot_normal'": "glorotnormal xaviernormal xavier_normal_",
    "here it is called 'he_normal'": "henormal kaimingnormal kaiming_normal_",
    "here it is called 'he_uniform'": "heuniform kaiminguniform kaiming_uniform_",
    "here it is called 'lecun_normal'": "lecunnormal narrow_normal",
    "here it is called 'normal', normal(mu = 0, sigma = 0.05)": "random_normal randn gaussian truncated_normal normal_",
    "here it is called 'uniform', uniform(low = -0.05, high = 0.05)": "random_uniform rand rands uniform_ random",
    "here it is called 'constant', constant(1)": "ones ones_ constant_ fill",
    "here it is called 'zeros'": "zero zeros_ initzero",
    "here it is called 'torch_default'": "default pytorch pytorch_default torch",
    "it is written out: init weights ~ normal(0, sigma), sigma = sqrt(2/fan_in), biases = 0": "variance_scaling",
    "it is written out: init weights ~ normal(0, 0.02), biases = 0": "trunc_normal_ trunc_normal",
    "starts are laws of single numbers: init glorot_uniform": "eye identity sparse dirac nguyen_widrow initnw",
    "here it is called 'orthogonal'": "orthogonal_ orthogonal_init",
}
FUNCTIONS = {
    "the rest of a division is a - b*floor(a/b)": "mod fmod rem remainder",
    "within bounds is min(max(a, low), high)": "clip clamp clip_by_value saturate",
    "a square is written x^2": "square sqr",
    "a power is written x^n": "pow power",
    "the larger one is max(a, b)": "maximum fmax",
    "the smaller one is min(a, b)": "minimum fmin",
    "other bases are log(x)/log(2)": "log2 log10",
    "rounding up is -floor(-x)": "ceil",
    "the nearest whole number is floor(x + 1/2)": "round rint around",
    "it is written 1/sqrt(x)": "rsqrt invsqrt",
    "it is written 1/x": "reciprocal inv",
    "it is written log(x)": "ln natural_log",
    "it is written abs(x), or |x|": "absolute fabs",
    "it is written x + (y - x)*t": "lerp mix",
    "it is written sqrt(x^2 + y^2)": "hypot",
    "it is written |x|*sign(y)": "copysign",
    "numbers fit themselves to vectors: 0, 1, or ones": "zeros_like ones_like full_like zeros full",
    "the number of parameters is sum(ones)": "len size numel dim length shape",
    "it is written sqrt(mean((x - mean(x))^2))": "std stddev",
    "it is written mean((x - mean(x))^2)": "var variance",
    "it is written log(sum(exp(x)))": "logsumexp log_sum_exp",
    "it is written 1 - erf(x)": "erfc",
    "it is written 1 if x > 0 else 0": "heaviside step",
    "it is written x if c else y": "ifelse iif cond",
    "here it is called 'norm'": "l2norm linalg_norm magnitude vector_norm norm2 l2_norm",
    "here it is called 'sum'": "reduce_sum nansum",
    "here it is called 'mean'": "reduce_mean average avg",
    "here it is called 'sign'": "signum sgn",
    "here it is called 'dot'": "inner vdot inner_product",
    "the gradient at p is grad R(p)": "gradient nabla grad backward jacobian",
    "second derivatives are not known in a rule": "hessian hess hvp laplacian",
    MATRIX: "matmul mm transpose outer eye diag inverse solve svd qr einsum",
    NO_CHANCE: "normal uniform rand randn random noise bernoulli dropout",
    "derivatives hold what stands in stop_gradient(x)": "detach no_grad stopgradient",
}  # fmt: skip

SCHEDULES = {
    "here it is cosine(max = 0.1, period = 100)": "cosine cosine_annealing cosine_decay cosine_lr",
    "here it is step_decay(start = 0.1, every = 30)": "step steps multistep staircase",
    "here it is exponential(start = 0.1, beta = 0.01)": "exp exp_decay",
    "here it is linear_warmup(rate = 0.1, warmup = 10)": "warmup warm_up",
    "here it is polynomial(start = 0.1, period = 100)": "poly polynomial_decay linear",
    "here it is inverse_time(start = 0.1)": "invscaling inv_scaling inverse inverse_time_decay",
    "here it is plateau(start = 0.1)": "adaptive",
    "steps are written out: schedule eta = 0.1 until 75, 0.01": "piecewise piecewise_constant"
    " piecewise_constant_decay lambda_lr",
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
}
