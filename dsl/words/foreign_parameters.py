"""Parameters of layers, activations, losses, starts and schedules as other tools call them: tables for `vocabulary.py`.

`SAME` are other names of a parameter that is here; the others say where what is asked for is written, by the kind of
definition that has been called.
"""

from __future__ import annotations

SAME = {
    "size": "kernel_size pool_size kernel ksize filter_size window k f",
    "stride": "strides step subsample",
    "pad": "zero_padding pads",
    "dilate": "dilation dilation_rate dilations",
    "bias": "use_bias biases include_bias",
    "units": "out out_features output_dim output_size n_units neurons num_units features hidden_size width",
    "out": "filters units out_channels out_features output_dim channels n_filters num_filters features",
    "heads": "num_heads nhead n_head n_heads number_of_heads",
    "p": "rate dropout drop dropout_rate drop_prob drop_rate prob probability ratio",
    "eps": "epsilon variance_epsilon",
    "words": "input_dim num_embeddings vocab_size vocabulary",
    "groups": "num_groups n_groups",
    "factor": "scale_factor gamma decay_rate drop decay drop_factor size",
    "alpha": "negative_slope slope leak a leakiness",
    "slope": "a negative_slope alpha",
    "low": "minval min a lower left minimum",
    "high": "maxval max b upper right maximum",
    "mu": "mean loc center m",
    "sigma": "std stddev deviation scale sd stdev s",
    "mean": "mu loc center",
    "deviation": "std stddev sigma scale sd stdev",
    "value": "val c constant fill",
    "gain": "scale gains",
    "omega": "w0 omega_0 w",
    "delta": "beta threshold epsilon d",
    "beta": "delta threshold",
    "q": "tau alpha quantile level p",
    "epsilon": "label_smoothing smoothing eps",
    "gamma": "focusing alpha_gamma focal_gamma",
    "max": "max_lr max_value peak peak_value base_lr lr initial_learning_rate eta_max learning_rate start_lr init_value",
    "min": "min_lr eta_min end_value min_value final_lr minimum lowest",
    "period": "T_max T_0 total_steps decay_steps epochs steps max_iter total_iters T n_epochs num_epochs max_epochs length",
    "warmup": "warmup_steps warmup_epochs num_warmup_steps warmup_iters n_warmup warm_up",
    "start": "lr init_value initial_learning_rate base_lr learning_rate lr0 eta0 initial",
    "every": "step_size decay_steps drop_period period steps interval step",
    "end": "end_value end_learning_rate final min_lr eta_min lr_end",
    "lowest": "min_lr min_value min_learning_rate",
    "threshold": "min_delta tol tolerance",
    "rate": "max_lr lr learning_rate peak_value target",
    "rise": "pct_start",
    "patience": "wait n_iter_no_change",
    "power": "exponent degree",
}
"""A parameter of netc's own definitions, and what it is called elsewhere."""

OF_LAYERS = {
    "without biases it is (dense nobias, relu) 32": "bias use_bias include_bias biases",
    "an activation stands behind its layer, (dense, relu) 32": "activation act activation_fn nonlinearity activations"
    " recurrent_activation",
    "the size stands behind the parentheses, (dense, relu) 32": "units filters out_channels out_features hidden_size width"
    " n_units neurons num_filters features output_dim nodes",
    "a start is a statement of its own, init layer1: he_normal": "kernel_initializer bias_initializer weight_init init"
    " initializer recurrent_initializer embeddings_initializer weights",
    "a penalty is written in the loss, lambda*sum(layer1.weight^2)": "kernel_regularizer bias_regularizer regularizer l2 l1"
    " activity_regularizer weight_decay",
    "what goes in stands first, network [28x28x1 (conv 3x3, relu) 16 ...": "input_shape input_dim batch_input_shape"
    " in_channels in_features input_size input_length",
    "it is a layer of its own, (dropout.inverted(0.5))": "dropout recurrent_dropout dropout_rate attn_dropout drop_rate",
    "layers are named by their numbers, layer1, or a stage with 'as': (relu) 32 as hidden": "name id label",
    "a phase holds layers, phase head: epochs = 10, freeze = layer1": "trainable requires_grad frozen freeze",
    "arrays are float64, or train precision = f32": "dtype",
    "zeros around an image are 'same', or a number, 'pad 1': (conv 3x3 same)": "padding zero_padding pads valid full",
    "it is over the units, or over the channels of each place: nothing is to be said": "axis dim",
    "here it is (groupconv(groups = 2) 3x3) 16": "groups group",
    "a recurrent layer gives the whole sequence, and (last) takes its last step": "return_sequences return_state batch_first"
    " stateful",
    "a recurrent layer goes one way, and there is no other one": "bidirectional go_backwards",
    "batches come from the data, train batch = 32": "batch_size",
    "the approximation is an activation of its own, gelu_tanh, and gelu is the form with erf": "approximate approximation",
    "nothing is done in place, and nothing is to be said": "inplace",
    "here it is relu6, or written out: activation clipped(z) = min(max(z, 0), 6)": "max_value",
    "of silu it is swish(beta = 1.5); of others it is written out: activation soft(z) = softplus(2*z)/2": "beta",
    "it is written out: activation cool(z) = softmax(z/2)": "temperature tau",
    "it never overflows, and nothing is to be said": "threshold",
    "a layer is written as often as it stands, or repeated: (relu) 32 x 3": "num_layers n_layers depth layers",
    "an image is height x width x channels, [28x28x1 ...": "data_format channels_first channels_last",
}
FIRST = {"relu": "max_value", "gelu": "approximate", "softmax": "axis", "softplus": "beta", "silu": "beta"}
"""What elsewhere is the first parameter of a layer that has none here."""
OF_LOSSES = {
    "weights are a setting of the loss, weight = y[1] + 5*y[2], divide = weights": "weight class_weight pos_weight weights"
    " class_weights sample_weight scale_pos_weight balanced",
    "here it is the loss smoothed_cross_entropy(epsilon = 0.1)": "label_smoothing smoothing",
    "logits or not is said by the last activation, (softmax) or (sigmoid)": "from_logits logits with_logits sparse"
    " from_probabilities",
    "a loss sums over a sample, and 'reduce' is a setting of it, loss mse, reduce = sum": "reduction size_average reduce",
    "every sample counts, or has a weight: data ..., weights = w": "ignore_index mask ignore_value",
    "it is 1 in hinge; another one is written out: loss h = mean(max(0, 2 - u*y)), targets = {-1, 1}": "margin",
    "alpha is a weight, of each class: loss focal(gamma = 2), weight = y[1] + 5*y[2], divide = samples": "alpha",
    "outputs and targets need no name: they are u and y": "y_true y_pred u y target input output axis dim name",
}
OF_INITS = {
    "a start is drawn by the seed of the training, train seed = 1": "seed random_state generator rng",
    "by the outputs of a layer it is he_normal_fan_out or he_uniform_fan_out": "mode fan_out",
    "the slope says it: 0 for relu, 0.01 for leaky_relu(0.01)": "nonlinearity activation",
    "normal laws are whole, not truncated": "truncated distribution",
    "biases are a law of their own: init weights ~ normal(0, 0.1), biases = 0": "bias bias_initializer biases zero_bias",
    "what is drawn is multiplied in the law itself: init weights ~ normal(0, 2/sqrt(fan_in)), biases = 0": "scale gain",
    "arrays are float64, or train precision = f32": "dtype shape",
}
OF_SCHEDULES = {
    "it goes by the training loss of each epoch": "monitor mode metric",
    "a schedule begins with the training": "last_epoch initial_step offset verbose name",
    "it begins anew by itself: cosine(max, period) has a restart after each period": "restarts num_cycles cycles T_mult",
    "a warmup is a parameter of cosine(max, period, warmup = 10), or a piece: linear_warmup(0.1, 10)": "warmup_steps warmup"
    " warmup_epochs num_warmup_steps",
    "how long it lasts is what is planned, steps and epochs of 'train'": "total_steps steps_per_epoch epochs n_epochs steps",
    "after a drop it waits for no epoch; torch.ReduceLROnPlateau(0.1, cooldown = 2) does": "cooldown",
    "times a factor for each epoch is torch.ExponentialLR(0.1, gamma = 0.9)": "gamma decay_rate decay",
    "the rate that it starts from is its first parameter": "lr base_lr initial_learning_rate learning_rate optimizer",
}

IN_LOSSES = {
    "the output is u, the target y": "y_true y_pred y_hat yhat ypred ytrue t target targets output outputs pred prediction"
    " predictions preds label labels out f net model logits truth z",
    "a loss reads the output u and the target y, no inputs": "x inputs input features",
    "a loss is of one sample, and the mean over the batch is taken by itself (or reduce = sum)": "m n batch_size batch"
    " samples num_samples nsamples len size count",
    "a number is named with its value, loss L(lambda = 1e-3) = ...": "lambda lam lmbda alpha beta gamma delta l1 l2 c reg mu"
    " rho eps epsilon sigma tau k a b lr eta",
    "it is written mean((u - y)^2)": "mse mean_squared_error mse_loss squared_error",
    "it is written mean(|u - y|)": "mae l1_loss mean_absolute_error",
    "it is written sum((u - y)^2)/2": "half_mse",
    "it is written -sum(y*log(u)), after (softmax)": "cross_entropy categorical_crossentropy nll cross_entropy_loss ce",
    "it is written -mean(y*log(u) + (1 - y)*log(1 - u)), after (sigmoid)": "binary_cross_entropy bce bce_loss",
}
IN_STARTS = {
    "here it is called 'fan_in', the inputs of the layer": "n_in fanin in_features n_inputs nin input_size n n_input inputs"
    " in_channels fan",
    "here it is called 'fan_out', the outputs of the layer": "n_out fanout out_features n_outputs nout output_size units"
    " outputs",
    "a law stands behind '~', weights ~ normal(0, 0.1), biases = 0": "normal uniform randn rand random gaussian"
    " truncated_normal",
    "a start by name stands alone, init glorot_uniform, and what differs in a line of its own, init biases = 0.1": "he"
    " glorot glorot_uniform glorot_normal he_uniform he_normal xavier_uniform xavier_normal kaiming_uniform kaiming_normal"
    " zeros ones lecun_normal lecun_uniform torch_default orthogonal constant xavier kaiming",
}
IN_SCHEDULES = {
    "here it is called 'steps', what is planned": "total_steps max_steps num_steps n_steps total_iters max_iter iterations",
    "here it is called 'epochs', what is planned": "max_epochs n_epochs num_epochs total_epochs nb_epoch",
    "the count of iterations is 'step', that of epochs 'epoch'": "iter global_step current_step it iteration t n i k batch",
    "a number is written out: schedule eta = 0.1/(1 + 0.01*epoch)": "decay gamma decay_rate lr0 eta0 lr eta base_lr alpha"
    " decay_steps step_size warmup warmup_steps initial_lr learning_rate",
}
LAWS = {
    "normal": "randn gaussian n norm random_normal rnorm",
    "uniform": "rand u random_uniform runif random",
    "orthogonal": "orth qr",
}
"""Laws to draw from, and what they are called elsewhere."""
PARTS = {"weights": "w weight kernel kernels", "biases": "b bias beta offset", "gains": "g gamma gain scale"}
"""Parts of the parameters."""
