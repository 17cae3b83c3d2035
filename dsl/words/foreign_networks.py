"""Losses, layers and activations as other tools call them: tables for `vocabulary.py`, joined in `foreign_words.py`."""

from __future__ import annotations

CONVOLUTION = "here it is called 'conv', (conv 5x5, relu) 16"
LOSSES = {
    "netc has none: a loss compares an output with a target of the same shape": "ctc_loss ctc"
    " crf rnnt_loss transducer",
    "netc has none: it wants a second network, and a file has one": "gan gan_loss adversarial adversarial_loss wasserstein"
    " wasserstein_loss wgan elbo vae vae_loss",
    "it is the exponential of the loss cross_entropy, which has the same minimum": "perplexity",
    "it is a figure, monitor r2; its minimum is that of the loss mse": "r2 r2_score r_squared explained_variance",
    "it is no mean over samples; netc judge RUN tells how good a model is": "f1 f1_score auc roc_auc precision recall"
    " error_rate"
    " balanced_accuracy",
    "say of which law: mse (normal), poisson, gaussian_nll, binary_cross_entropy, cross_entropy": "likelihood neg_log_lik"
    " log_likelihood deviance mle",
    "it is written out: loss h = sum(max(0, 1 - u*y)^2 if u*y > -1 else -4*u*y), targets = {-1, 1}": "modified_huber",
    "it is written out: loss perceptron = sum(max(0, -u*y))": "perceptron",
    "it is written out: loss charbonnier = mean(sqrt((u - y)^2 + 1e-6))": "charbonnier pseudo_huber",
    "it is written out: loss welsch = mean(1 - exp(-(u - y)^2/2))": "welsch",
    "a penalty is written in the loss: loss R = mean((u - y)^2) + 0.01*sum(weights^2)": "mse_l2 ridge lasso elastic_net",
    "weights of samples are a column of the data, data ..., weights = w, with the loss mse": "weighted_mse weighted_loss",
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
    "here it is called 'arctan'": "atan",
    "it is written out: activation celu(z) = max(z, 0) + min(exp(z) - 1, 0)": "celu",
    "it is written out: activation square(z) = z^2": "square quadratic sqr",
    "it is written out: activation cosine(z) = cos(z)": "cos cosine",
    "it is written out: activation absolute(z) = |z|": "abs absolute",
    "it is written out: activation tribas(z) = max(1 - |z|, 0)": "tribas",
    "it is written out: activation elliot(z) = z/(1 + |z|)": "elliotsig",
    "it adds a stage of a name: [4 (tanh) 4 as a (tanh) 4 (add a) (lin) 1]": "skip shortcut",
    "a block of the library, (residual.basic) or another: netc list blocks residual": "resblock residual_block res_net"
    " resnet basic_block bottleneck preact_block",
    "a block of the library, (transformer.postnorm(heads = 8)) or another: netc list blocks": "transformer_encoder"
    " transformer_encoder_layer encoder_block",
    "noise on inputs is a statement, augment noise(0.1)": "gaussian_noise",
    "netc has none; the layers that there are: netc list layers, others are written out, docs/layers.md": "bilstm"
    " bidirectional"
    " time_distributed masking kan gcn moe mamba maxout sparsemax"
    " gumbel_softmax weight_norm spectral_norm instance_norm instance_norm2d local_response_norm lrn compet alpha_dropout"
    " spatial_dropout2d separable_conv2d softmin lambda",
    "shapes follow from the layers: images are said at the input, [28x28x1 ...], and (flatten) makes a row": "reshape"
    " permute"
    " unflatten view squeeze unsqueeze",
    "zeros around an image are a word of the window, (conv 3x3 same)": "zero_padding2d pad padding",
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
    "layers follow one another in brackets, [13(tanh)15(lin)1]": "sequential model mlp chain serial"
    " feedforwardnet fitnet patternnet mlp_regressor mlp_classifier net feedforward hidden module_list",
}
