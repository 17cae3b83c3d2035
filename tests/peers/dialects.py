"""The runs of `data/dialects`: trajectories that libraries produced, and the calls that made them, as netc spells them."""

from __future__ import annotations

import json
from typing import Any

from peers.recording import DATA

FOLDER = DATA / "dialects"
NAMES = {
    ("tf1", "momentum"): "tf1.MomentumOptimizer", ("tf1", "adagrad"): "tf1.AdagradOptimizer",
    ("tf1", "adadelta"): "tf1.AdadeltaOptimizer", ("tf1", "adam"): "tf1.AdamOptimizer",
    ("tf1", "rmsprop"): "tf1.RMSPropOptimizer", ("sklearn", "mlp_sgd"): "sklearn.SGDOptimizer",
    ("sklearn", "mlp_adam"): "sklearn.AdamOptimizer", ("chainer", "momentum_sgd"): "chainer.MomentumSGD",
}  # fmt: skip
NOT_OPTIONS = ("schedule", "hooks", "chain")
CHAINS = {
    "ema(0.9), scale_by_learning_rate": "optax.ema(0.9, learning_rate = 0.2)",
    "ema(0.9, debias=False), scale_by_learning_rate": "optax.ema(0.9, debias = false, learning_rate = 0.2)",
    "trace, add_decayed_weights(0.1), scale_by_learning_rate": """\
optimizer chain(learning_rate = 0.02, momentum = 0.9, weight_decay = 0.1):
    v[n+1]     = momentum*v[n] + grad R(theta[n])
    theta[n+1] = theta[n] - learning_rate*(v[n+1] + weight_decay*theta[n])
""",
    "add_decayed_weights(0.1) BEFORE sgd": """\
optimizer chain(learning_rate = 0.02, momentum = 0.9, weight_decay = 0.1):
    v[n+1]     = momentum*v[n] + grad R(theta[n]) + weight_decay*theta[n]
    theta[n+1] = theta[n] - learning_rate*v[n+1]
""",
}
"""Chains of optax that no alias spells."""
CLIPS = {
    "torch__clip__norm1.0": "torch.SGD(lr=0.05), clip = torch.clip_grad_norm_(max_norm=1.0)",
    "torch__clip__value1.0": "torch.SGD(lr=0.05), clip = torch.clip_grad_value_(clip_value=1.0)",
    "optax__clip__norm1.0": "optax.chain(optax.clip_by_global_norm(1.0), optax.sgd(0.05))",
    "optax__clip__value1.0": "optax.chain(optax.clip(1.0), optax.sgd(0.05))",
    "optax__clip__block_rms1.0": "optax.chain(optax.clip_by_block_rms(1.0), optax.sgd(0.05))",
}
OTHER_CLIPS = [
    ("torch__clip__norm1.0", "mlx.SGD(learning_rate=0.05), clip = mlx.clip_grad_norm(max_norm=1.0)"),
    ("optax__clip__norm1.0", "keras.SGD(learning_rate=0.05, global_clipnorm=1.0)"),
    ("optax__clip__norm1.0", "gd(eta=0.05), clip = clip.by_norm(c = 1)"),
    ("optax__clip__value1.0", "keras.SGD(learning_rate=0.05, clipvalue=1.0)"),
    ("optax__clip__value1.0", "gd(eta=0.05), clip = clip.by_value(c = 1)"),
]
"""The same clip elsewhere."""
CLOSED = {
    "optax__schedule_cosine__cosine_decay20_alpha0.1": "optax.cosine_decay_schedule(1, 20, alpha = 0.1)",
    "optax__schedule_exponential__exp0.9_per10": "optax.exponential_decay(1, 10, 0.9)",
    "optax__schedule_onecycle__cosine_onecycle20": "optax.cosine_onecycle_schedule(20, 1)",
    "optax__schedule_polynomial__poly20": "optax.polynomial_schedule(1, 0, 1, 20)",
    "optax__schedule_step__piecewise_constant_10_20": "optax.piecewise_constant_schedule(1, ((10, 0.1), (20, 0.1)))",
    "optax__schedule_warmup__linear_0_to_1_in5": "optax.linear_schedule(0, 1, 5)",
    "optax__schedule_warmup_cosine__warmup_cosine_5_20": "optax.warmup_cosine_decay_schedule(0, 1, 5, 20)",
    "torch__schedule_cosine__CosineAnnealingLR20_min0.1": "torch.CosineAnnealingLR(1, 20, eta_min = 0.1)",
    "torch__schedule_exponential__ExponentialLR0.9": "torch.ExponentialLR(1, gamma = 0.9)",
    "torch__schedule_onecycle__OneCycleLR20": "torch.OneCycleLR(1, 20)",
    "torch__schedule_polynomial__PolynomialLR20_p1": "torch.PolynomialLR(1, total_iters = 20)",
    "torch__schedule_step__MultiStepLR_10_20": "torch.MultiStepLR(1, milestones = (10, 20))",
    "torch__schedule_step__StepLR10_0.1": "torch.StepLR(1, step_size = 10)",
    "torch__schedule_warmup__LinearLR_default5": "torch.LinearLR(1)",
    "torch__schedule_warmup_cosine__SequentialLR_5_20":
        "torch.SequentialLR((torch.LinearLR(1, start_factor = 0.1), torch.CosineAnnealingLR(1, 15)), (5,))",
}  # fmt: skip
PLATEAUS = {
    "optax__schedule_plateau__patience3": "optax.reduce_on_plateau(1, patience = 3)",
    "optax__schedule_plateau__patience3_cooldown2": "optax.reduce_on_plateau(1, patience = 3, cooldown = 2)",
    "torch__schedule_plateau__patience3": "torch.ReduceLROnPlateau(1, patience = 3)",
    "torch__schedule_plateau__patience3_cooldown2": "torch.ReduceLROnPlateau(1, patience = 3, cooldown = 2)",
}


def runs() -> list[str]:
    names = sorted(p.stem for p in FOLDER.glob("*.json"))
    return [n for n in names if "__schedule_" not in n and "__clip__" not in n]


def load(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    return found


def call(run: dict[str, Any]) -> str:
    """The call that made the run, in netc's notation, which is that of Python."""
    library = run["library"].replace("jax-example-libraries", "jax")
    options = run["options"]
    if "chain" in options:
        return CHAINS[options["chain"]]
    name = NAMES.get((library, run["optimizer"]), f"{library}.{run['optimizer']}")
    given = {n: v for n, v in options.items() if n not in NOT_OPTIONS}
    if name == "optax.rprop":  # the run's first step size is the argument called learning_rate
        given = {"learning_rate": given["initial_step"]}
    return f"{name}({', '.join(f'{n}={_spelled(v)}' for n, v in given.items())})"


def _spelled(value: object) -> str:
    return f"({', '.join(map(str, value))})" if isinstance(value, list) else str(value)
