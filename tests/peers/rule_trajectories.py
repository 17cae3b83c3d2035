"""What other libraries' rules do with given gradients, written to tests/data/rule_trajectories.json.

Run where torch, torch_optimizer, lion_pytorch, jax, optax and keras are installed; netc's tests read the file only.
The parameters are two tensors, of 4 and 2 numbers. Everything is float64.
"""

from __future__ import annotations

import json
import os
import re
import sys
from pathlib import Path
from typing import Any

os.environ["KERAS_BACKEND"] = "jax"

import jax

jax.config.update("jax_enable_x64", True)

import keras  # noqa: E402
import lion_pytorch  # noqa: E402
import numpy as np  # noqa: E402
import optax  # noqa: E402
import torch  # noqa: E402
import torch_optimizer  # noqa: E402

keras.backend.set_floatx("float64")
torch.set_default_dtype(torch.float64)
DATA = Path(__file__).parents[1] / "data"
STEPS, CUT = 25, 4
TORCH = """
torch.SGD(lr=0.02, momentum=0.9, dampening=0.3, weight_decay=0.1, maximize=True)
torch.Adagrad(lr=0.1, lr_decay=0.1, weight_decay=0.1, initial_accumulator_value=0.5, eps=1e-3)
torch.RMSprop(lr=0.02, alpha=0.9, eps=1e-3, weight_decay=0.1, momentum=0.5, centered=True)
torch.Adadelta(lr=0.5, rho=0.8, eps=1e-4, weight_decay=0.1)
torch.Adam(lr=0.1, betas=(0.8, 0.95), eps=1e-3, weight_decay=0.1, amsgrad=True, decoupled_weight_decay=True)
torch.AdamW(lr=0.1, betas=(0.8, 0.95), eps=1e-3, weight_decay=0.2, amsgrad=True)
torch.Adamax(lr=0.1, betas=(0.8, 0.95), eps=1e-2, weight_decay=0.1)
torch.NAdam(lr=0.1, betas=(0.8, 0.95), eps=1e-3, weight_decay=0.1, momentum_decay=0.1)
torch.RAdam(lr=0.1, betas=(0.8, 0.9), eps=1e-3, weight_decay=0.1)
torch.Rprop(lr=0.05, etas=(0.4, 1.5), step_sizes=(1e-3, 0.5))
torch_optimizer.Yogi(lr=0.1, eps=1e-3, weight_decay=0.1)
torch_optimizer.Lamb(lr=0.1, betas=(0.8, 0.95), eps=1e-3, weight_decay=0.1)
torch_optimizer.Lamb(lr=0.1, betas=(0.8, 0.95), eps=1e-3, clamp_value=1.5, debias=True)
torch_optimizer.Lamb(lr=0.1, betas=(0.8, 0.95), eps=1e-3, adam=True)
torch_optimizer.LARS(lr=0.5, momentum=0.9, weight_decay=0.1, trust_coefficient=0.1)
torch_optimizer.LARS(lr=0.5, momentum=0.9, dampening=0.5, weight_decay=0.1, trust_coefficient=0.1)
torch_optimizer.LARS(lr=0.05, momentum=0.9, nesterov=True)
torch_optimizer.SGDW(lr=0.05, momentum=0.9, dampening=0.5, weight_decay=0.1)
torch_optimizer.QHM(lr=0.05, momentum=0.9, nu=0.7, weight_decay=0.1)
torch_optimizer.QHAdam(lr=0.05, betas=(0.9, 0.95), nus=(0.7, 0.8), weight_decay=0.1, eps=1e-3)
torch_optimizer.QHAdam(lr=0.05, weight_decay=0.1, decouple_weight_decay=True, eps=1e-3)
torch_optimizer.AggMo(lr=0.02, weight_decay=0.1)
torch_optimizer.DiffGrad(lr=0.1, eps=1e-3, weight_decay=0.1)
torch_optimizer.AdaMod(lr=0.1, beta3=0.9, eps=1e-3, weight_decay=0.1)
lion_pytorch.Lion(lr=0.02, weight_decay=0.1)
lion_pytorch.Lion(lr=0.02, betas=(0.95, 0.98), weight_decay=0.1, decoupled_weight_decay=True)
"""
OPTAX = """
optax.sgd(learning_rate=0.05, momentum=0.9, nesterov=True)
optax.rmsprop(learning_rate=0.02, decay=0.8, eps=1e-3, centered=True, momentum=0.9, nesterov=True)
optax.rmsprop(learning_rate=0.02, decay=0.8, eps=1e-3, initial_scale=0.5, eps_in_sqrt=False, bias_correction=True)
optax.rmsprop(learning_rate=0.02, eps=1e-3, centered=True, bias_correction=True, eps_in_sqrt=False)
optax.adadelta(learning_rate=0.5, rho=0.8, eps=1e-4, weight_decay=0.1)
optax.adam(learning_rate=0.1, b1=0.8, b2=0.95, eps=1e-3, eps_root=1e-4, nesterov=True)
optax.nadamw(learning_rate=0.1, eps=1e-3, weight_decay=0.1)
optax.amsgrad(learning_rate=0.1, b2=0.9, eps=1e-3, eps_root=1e-3, bias_correction_nu=False)
optax.amsgrad(learning_rate=0.1, b2=0.9, eps=1e-3, bias_correction_mu=False)
optax.adamaxw(learning_rate=0.1, eps=1e-2, weight_decay=0.1)
optax.adabelief(learning_rate=0.1, b2=0.9, eps=1e-3, eps_root=1e-3, nesterov=True)
optax.radam(learning_rate=0.1, b1=0.8, b2=0.9, eps=1e-3, threshold=4.5)
optax.lion(learning_rate=0.02, b1=0.8, b2=0.95, weight_decay=0.1)
optax.rprop(learning_rate=0.05, eta_minus=0.4, eta_plus=1.5, min_step_size=1e-2, max_step_size=0.1)
optax.sign_sgd(learning_rate=0.05)
optax.lamb(learning_rate=0.1, b1=0.8, b2=0.95, eps=1e-3, eps_root=1e-4, weight_decay=0.1)
optax.lars(learning_rate=0.5, weight_decay=0.1, trust_coefficient=0.1, eps=1e-3, nesterov=True)
optax.lars(learning_rate=0.5, trust_coefficient=0.05, momentum=0.8)
optax.adan(learning_rate=0.05, b1=0.9, b2=0.8, b3=0.95, eps=1e-3, weight_decay=0.1)
optax.novograd(learning_rate=0.05, b2=0.5, eps=1e-3, weight_decay=0.1)
optax.fromage(learning_rate=0.05)
optax.optimistic_gradient_descent(learning_rate=0.02, alpha=0.8, beta=0.5)
optax.chain(optax.add_decayed_weights(0.1), optax.clip_by_global_norm(0.5), optax.adam(0.1))
optax.chain(optax.clip_by_block_rms(0.5), optax.clip(0.3), optax.rmsprop(0.02))
"""
KERAS = """
keras.SGD(learning_rate=0.05, momentum=0.9, nesterov=True, weight_decay=0.1, clipnorm=0.5)
keras.SGD(learning_rate=0.05, clipvalue=0.3)
keras.RMSprop(learning_rate=0.02, rho=0.8, momentum=0.5, epsilon=1e-3, centered=True, global_clipnorm=0.5)
keras.Adam(learning_rate=0.1, beta_1=0.8, beta_2=0.95, epsilon=1e-3, amsgrad=True, weight_decay=0.1, clipnorm=0.7)
keras.Adamax(learning_rate=0.1, beta_2=0.9, epsilon=1e-2, weight_decay=0.1, clipvalue=0.5)
keras.Nadam(learning_rate=0.1, beta_1=0.8, beta_2=0.95, epsilon=1e-3, global_clipnorm=1.0)
keras.Adagrad(learning_rate=0.1, initial_accumulator_value=0.2, epsilon=1e-3, clipnorm=1.0)
keras.Adadelta(learning_rate=0.5, rho=0.8, epsilon=1e-4, weight_decay=0.1)
keras.Lion(learning_rate=0.02, beta_1=0.8, beta_2=0.95, weight_decay=0.1, clipnorm=0.5)
keras.Lamb(learning_rate=0.1, beta_1=0.8, beta_2=0.95, epsilon=1e-3, weight_decay=0.1)
keras.Lamb(learning_rate=0.05, clipnorm=0.5)
keras.Ftrl(learning_rate=0.1, beta=0.2, l1_regularization_strength=0.05, l2_regularization_strength=0.1)
keras.Ftrl(learning_rate=0.1, learning_rate_power=-0.7, l2_shrinkage_regularization_strength=0.1, weight_decay=0.1)
"""


def torch_run(call: str, start: Any, gradients: Any) -> list[list[float]]:
    parameters = [torch.tensor(part, requires_grad=True) for part in np.split(start, [CUT])]
    name, arguments = re.fullmatch(r"([\w.]+)\((.*)\)", call).groups()  # type: ignore[union-attr]
    scope = {
        "torch": torch.optim,
        "torch_optimizer": torch_optimizer,
        "lion_pytorch": lion_pytorch,
        "p": parameters,
    }
    optimizer = eval(f"{name}(p, {arguments})", scope)
    path = [start.tolist()]
    for gradient in gradients:
        for p, g in zip(parameters, np.split(gradient, [CUT]), strict=True):
            p.grad = torch.tensor(g)
        optimizer.step()
        path.append(torch.cat([p.detach() for p in parameters]).tolist())
    return path


def optax_run(call: str, start: Any, gradients: Any) -> list[list[float]]:
    parameters = [jax.numpy.array(part) for part in np.split(start, [CUT])]
    rule = eval(call, {"optax": optax})
    state = rule.init(parameters)
    path = [start.tolist()]
    for gradient in gradients:
        parts = [jax.numpy.array(g) for g in np.split(gradient, [CUT])]
        updates, state = rule.update(parts, state, parameters)
        parameters = optax.apply_updates(parameters, updates)
        path.append(np.concatenate(parameters).tolist())
    return path


def keras_run(call: str, start: Any, gradients: Any) -> list[list[float]]:
    variables = [keras.Variable(part, dtype="float64") for part in np.split(start, [CUT])]
    optimizer = eval(call.replace("keras.", "keras.optimizers.", 1), {"keras": keras})
    path = [start.tolist()]
    for gradient in gradients:
        parts = [jax.numpy.array(g) for g in np.split(gradient, [CUT])]
        optimizer.apply(parts, variables)
        path.append(np.concatenate([np.asarray(v.value) for v in variables]).tolist())
    return path


def main() -> None:
    given = json.loads((DATA / "dialects" / "torch__clip__norm1.0.json").read_text(encoding="utf-8"))
    start, gradients = np.array(given["initial_point"]), np.array(given["gradients"])[10 : 10 + STEPS]
    runs = {}
    for text, run in ((TORCH, torch_run), (OPTAX, optax_run), (KERAS, keras_run)):
        for call in text.split("\n")[1:-1]:
            try:
                runs[call] = run(call, start, gradients)
            except Exception as error:
                print(call, repr(error)[:300], file=sys.stderr)
    modules = (torch, keras, optax, jax)
    versions = {m.__name__: m.__version__ for m in modules} | {
        "torch_optimizer": "0.3.0",
        "lion_pytorch": "0.2.5",
    }
    kept = {
        "versions": versions,
        "tensors": [CUT, len(start) - CUT],
        "initial_point": start.tolist(),
        "gradients": gradients.tolist(),
    }
    lines = [f"{json.dumps(k)}: {json.dumps(v)}" for k, v in runs.items()]
    text = json.dumps(kept)[:-1] + ', "runs": {\n' + ",\n".join(lines) + "\n}}\n"
    (DATA / "rule_trajectories.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
