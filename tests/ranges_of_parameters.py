"""What netc lets a parameter of the library be, besides what the library itself refuses: intervals, by names.

Rates, decays of weights, eps and first states are not negative; what weighs an old state is below 1, or a momentum of at
most 1; thresholds of clips are above 0. A library that takes more, as optax takes any number, is not followed there.
"""

from __future__ import annotations

OPTIMIZERS = {
    "[0, inf)": """B alpha beta clamp_value daleth delta delta0 delta_min eps eps_root epsilon epsilon_hat eta gamma[1]
        initial_accumulator initial_accumulator_value initial_scale l1_regularization_strength l2_regularization_strength
        l2_shrinkage_regularization_strength lambda learning_rate learning_rate_init lr lr_decay max_learning_rate min_norm
        min_step_size momentum_decay s0 scale scaling schedule_decay step_size step_sizes[1] trust_coefficient wd
        weight_decay weight_decay_rate""",
    "(0, inf)": "b clip_gradient clipnorm clipvalue delta_max eta0 gamma[2] global_clipnorm max_step_size step_sizes[2] "
        "tolerance",
    "[0, 1)": """aleph b1 b2 b3 beta1 beta2 beta[1] beta[2] beta_1 beta_2 betas[1] betas[2] betas[3] beth decay gamma gamma1
        gamma2 mu nu p rho rho1 rho2""",
    "(0, 1]": "beta3",
    "[0, 1]": "dampening mass momentum nus[1] nus[2]",
    "(0, 1)": "ell[1] eta_minus etas[1]",
    "(1, inf)": "ell[2] eta_plus etas[2] f f1 f2",
    "(-inf, inf)": "f_min threshold",
    "(-inf, 0]": "learning_rate_power",
}  # fmt: skip
"""Of optimizers, whatever the rule."""
RULES = {
    "[0, 1)": """chainer.RMSprop.alpha chainer.RMSpropGraves.alpha lopes_quintas.Momentum.beta lopes_quintas.RMSProp.alpha
        mlx.RMSprop.alpha timm.RMSpropTF.alpha torch.RMSprop.alpha torch_optimizer.AdaMod.beta3""",
    "[0, 1]": """glo4030.SGD_Momentum.alpha glo4030.SGD_Nesterov.alpha glo4030.RMSprop_Momentum.alpha
        glo4030.RMSprop_Nesterov.alpha momentum.heavy_ball.alpha momentum.velocity.alpha nesterov.lookahead.alpha
        nesterov.shifted.alpha rmsprop.momentum.alpha rmsprop.nesterov.alpha polyak1964.heavy_ball.beta
        sutskever2013.momentum.mu sutskever2013.nesterov.mu torch.Adadelta.rho torch_optimizer.QHM.nu""",
    "(0, 1]": """keras.Lion.beta_1 momentum.ema.beta1 momentum.double_rate.beta1 adam.talk.beta1 adam.talk.beta2
        adam.no_bias_correction.beta1 adam.no_bias_correction.beta2 xie2022.Adan.beta1 xie2022.Adan.beta2
        turpault.Momentum.beta1 turpault.AWB.beta1 turpault.AWB.beta2 turpault.Adam.beta1 turpault.Adam.beta2
        turpault.Momentum_Em.beta1 turpault.RRA.beta1 turpault.RRA.beta2""",
    "[0, inf)": "you2017.LARS.gamma",
    "(0, inf)": """keras.Ftrl.learning_rate clipped_gd.by_value.alpha clipped_gd.by_norm.alpha liu2023.Sophia_clipping.gamma
        pascanu2013.clipped_gd.threshold turpault.GD.eta turpault.Momentum.eta turpault.AWB.eta turpault.Adam.eta
        turpault.backtracking.eta turpault.LC_Momentum.lambda turpault.LC_RMSProp.eps turpault.LC_clipping.gamma
        turpault.splitting.eta turpault.RRGD.eta turpault.RRA.eta turpault.RAG.eps turpault.RAGL.eps""",
    "(0, 1)": """turpault.LC.lambda turpault.LCD.lambda turpault.LC_RMSProp.lambda turpault.LC_clipping.lambda
        turpault.LC_sign.lambda turpault.LC_normalised.lambda turpault.RAG.lambda turpault.RAGL.lambda""",
}
"""Of single rules, where the same name has another part."""
SCHEDULES = {
    "(0, inf)": """torch.StepLR.step_size torch.StepLR.gamma torch.ExponentialLR.gamma torch.LinearLR.total_iters
        torch.PolynomialLR.total_iters torch.CosineAnnealingLR.T_max torch.CyclicLR.step_size_up
        torch.CyclicLR.step_size_down torch.OneCycleLR.div_factor torch.OneCycleLR.final_div_factor
        optax.exponential_decay.transition_steps optax.exponential_decay.decay_rate optax.linear_schedule.transition_steps
        optax.polynomial_schedule.transition_steps optax.warmup_constant_schedule.warmup_steps
        optax.warmup_exponential_decay_schedule.transition_steps optax.warmup_exponential_decay_schedule.decay_rate
        step_decay.every polynomial.period linear_warmup.warmup noam.d_model noam.warmup triangular.period triangular2.period
        cosine.period""",
    "[0, inf)": """torch.ConstantLR.total_iters torch.ReduceLROnPlateau.patience torch.ReduceLROnPlateau.cooldown
        keras.CosineDecay.warmup_steps keras.ReduceLROnPlateau.patience keras.ReduceLROnPlateau.cooldown
        optax.linear_schedule.transition_begin optax.polynomial_schedule.transition_begin
        optax.warmup_cosine_decay_schedule.warmup_steps optax.warmup_exponential_decay_schedule.warmup_steps
        optax.reduce_on_plateau.patience optax.reduce_on_plateau.cooldown step_decay.factor
        cosine.warmup plateau.patience""",
    "[1, inf)": "keras.CosineDecayRestarts.t_mul",
    "[0, 1)": """optax.cosine_onecycle_schedule.pct_start torch.ReduceLROnPlateau.factor keras.ReduceLROnPlateau.factor
        plateau.factor""",
    "[0, 0.85)": "optax.linear_onecycle_schedule.pct_start",
    "(0.3, 1)": "optax.linear_onecycle_schedule.pct_final",
    "(0, 1)": "torch.OneCycleLR_momentum.pct_start one_cycle.rise",
}
"""Of schedules; what is not here may be any number, as far as the library goes. pct_start is below pct_final."""
CLIPS = {
    "(0, inf)": """clip.by_value.c clip.by_norm.c clip.by_norm_per_layer.c clip.by_norm_per_tensor.c
        optax.clip_by_block_rms.threshold chainer.GradientClipping.threshold paddle.ClipGradByGlobalNorm.clip_norm
        paddle.ClipGradByNorm.clip_norm paddle.ClipGradByValue.max torch.clip_grad_norm_.norm_type""",
    "[0, inf)": """torch.clip_grad_norm_.max_norm torch.clip_grad_value_.clip_value optax.clip.max_delta
        optax.clip_by_global_norm.max_norm optax.add_decayed_weights.weight_decay mlx.clip_grad_norm.max_norm
        jax.clip_grads.max_norm""",
}


def inside(interval: str, number: float) -> bool:
    """`[0, 1)`: a bracket belongs to it, a parenthesis does not."""
    low, high = (float(end) for end in interval[1:-1].split(","))
    above = number >= low if interval[0] == "[" else number > low
    return above and (number <= high if interval[-1] == "]" else number < high)


def by_name(table: dict[str, str]) -> dict[str, str]:
    return {name: interval for interval, names in table.items() for name in names.split()}
