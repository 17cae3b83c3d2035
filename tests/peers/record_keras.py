"""Keras 3's rules under its JAX backend, recorded, in float64: `pip install keras==3.15.1 jax==0.10.2`."""

from __future__ import annotations

import os

os.environ["KERAS_BACKEND"] = "jax"

import jax

jax.config.update("jax_enable_x64", True)

import keras  # noqa: E402
import numpy as np  # noqa: E402

from peers.recording import raised, record, signature  # noqa: E402

keras.backend.set_floatx("float64")
RUNS = """
keras.SGD(learning_rate=0.05, momentum=0.9, nesterov=True, weight_decay=0.1, clipnorm=0.5) in steps
keras.SGD(learning_rate=0.05, clipvalue=0.3)
keras.SGD(learning_rate=0.05, global_clipnorm=0.5)
keras.RMSprop(learning_rate=0.02, rho=0.8, momentum=0.5, epsilon=1e-3, centered=True, global_clipnorm=0.5) in steps
keras.RMSprop(learning_rate=0.02, weight_decay=0.1, clipvalue=0.5)
keras.RMSprop(learning_rate=0.02, clipnorm=0.5)
keras.Adam(learning_rate=0.1, beta_1=0.8, beta_2=0.95, epsilon=1e-3, amsgrad=True, weight_decay=0.1, clipnorm=0.7) in steps
keras.Adam(clipvalue=0.5)
keras.Adam(global_clipnorm=0.5)
keras.AdamW(learning_rate=0.1, beta_1=0.8, beta_2=0.95, epsilon=1e-3, amsgrad=True, weight_decay=0.1, clipnorm=0.7) in steps
keras.AdamW(clipvalue=0.5)
keras.AdamW(global_clipnorm=0.5)
keras.AdamW()
keras.Adamax(learning_rate=0.1, beta_1=0.8, beta_2=0.9, epsilon=1e-2, weight_decay=0.1, clipvalue=0.5) in steps
keras.Adamax(clipnorm=0.5)
keras.Adamax(global_clipnorm=0.5)
keras.Adamax()
keras.Nadam(learning_rate=0.1, beta_1=0.8, beta_2=0.95, epsilon=1e-3, weight_decay=0.1, global_clipnorm=1.0) in steps
keras.Nadam(clipnorm=0.5)
keras.Nadam(clipvalue=0.5)
keras.Adagrad(learning_rate=0.1, initial_accumulator_value=0.2, epsilon=1e-3, weight_decay=0.1, clipnorm=1.0) in steps
keras.Adagrad(clipvalue=0.5)
keras.Adagrad(global_clipnorm=0.5)
keras.Adadelta(learning_rate=0.5, rho=0.8, epsilon=1e-4, weight_decay=0.1, clipnorm=0.5) in steps
keras.Adadelta(clipvalue=0.5)
keras.Adadelta(global_clipnorm=0.5)
keras.Lion(learning_rate=0.02, beta_1=0.8, beta_2=0.95, weight_decay=0.1, clipnorm=0.5) in steps
keras.Lion(clipvalue=0.5)
keras.Lion(global_clipnorm=0.5)
keras.Lion()
keras.Lamb(learning_rate=0.1, beta_1=0.8, beta_2=0.95, epsilon=1e-3, weight_decay=0.1) in steps
keras.Lamb(learning_rate=0.05, clipnorm=0.5)
keras.Lamb(clipvalue=0.5)
keras.Lamb(global_clipnorm=0.5)
keras.Lamb()
keras.Ftrl(learning_rate=0.1, beta=0.2, l1_regularization_strength=0.05, l2_regularization_strength=0.1)
keras.Ftrl(initial_accumulator_value=0.2)
keras.Ftrl(learning_rate=0.1, learning_rate_power=-0.7, l2_shrinkage_regularization_strength=0.1, weight_decay=0.1) in steps
keras.Ftrl(clipnorm=0.5)
keras.Ftrl(clipvalue=0.5)
keras.Ftrl(global_clipnorm=0.5)
keras.Ftrl()
"""
REFUSED = """
keras.SGD(clipnorm=1.0, clipvalue=1.0)
keras.SGD(clipnorm=1.0, global_clipnorm=1.0)
keras.SGD(clipvalue=1.0, global_clipnorm=1.0)
keras.RMSprop(clipnorm=1.0, clipvalue=1.0)
keras.RMSprop(clipnorm=1.0, global_clipnorm=1.0)
keras.RMSprop(clipvalue=1.0, global_clipnorm=1.0)
keras.Adam(clipnorm=1.0, clipvalue=1.0)
keras.Adam(clipnorm=1.0, global_clipnorm=1.0)
keras.Adam(clipvalue=1.0, global_clipnorm=1.0)
keras.AdamW(clipnorm=1.0, clipvalue=1.0)
keras.AdamW(clipnorm=1.0, global_clipnorm=1.0)
keras.AdamW(clipvalue=1.0, global_clipnorm=1.0)
keras.Adamax(clipnorm=1.0, clipvalue=1.0)
keras.Adamax(clipnorm=1.0, global_clipnorm=1.0)
keras.Adamax(clipvalue=1.0, global_clipnorm=1.0)
keras.Nadam(clipnorm=1.0, clipvalue=1.0)
keras.Nadam(clipnorm=1.0, global_clipnorm=1.0)
keras.Nadam(clipvalue=1.0, global_clipnorm=1.0)
keras.Adagrad(clipnorm=1.0, clipvalue=1.0)
keras.Adagrad(clipnorm=1.0, global_clipnorm=1.0)
keras.Adagrad(clipvalue=1.0, global_clipnorm=1.0)
keras.Adadelta(clipnorm=1.0, clipvalue=1.0)
keras.Adadelta(clipnorm=1.0, global_clipnorm=1.0)
keras.Adadelta(clipvalue=1.0, global_clipnorm=1.0)
keras.Lion(clipnorm=1.0, clipvalue=1.0)
keras.Lion(clipnorm=1.0, global_clipnorm=1.0)
keras.Lion(clipvalue=1.0, global_clipnorm=1.0)
keras.Lamb(clipnorm=1.0, clipvalue=1.0)
keras.Lamb(clipnorm=1.0, global_clipnorm=1.0)
keras.Lamb(clipvalue=1.0, global_clipnorm=1.0)
keras.Ftrl(clipnorm=1.0, clipvalue=1.0)
keras.Ftrl(clipnorm=1.0, global_clipnorm=1.0)
keras.Ftrl(clipvalue=1.0, global_clipnorm=1.0)
"""
NAMES = ["SGD", "RMSprop", "Adam", "AdamW", "Adamax", "Nadam", "Adagrad", "Adadelta", "Lion", "Lamb", "Ftrl"]
SKIP = (
    "use_ema",
    "ema_momentum",
    "ema_overwrite_frequency",
    "loss_scale_factor",
    "gradient_accumulation_steps",
    "name",
)


class Library:
    def __init__(self, call, parts):
        self.variables = [keras.Variable(p, dtype="float64") for p in parts]
        self.optimizer = eval(call, {"keras": keras.optimizers})
        self.first = float(self.optimizer.learning_rate.value)

    def scale(self, factor):
        self.optimizer.learning_rate = self.first * factor

    def step(self, gradients):
        self.optimizer.apply([jax.numpy.array(g) for g in gradients], self.variables)

    def values(self):
        return [np.asarray(v.value) for v in self.variables]


if __name__ == "__main__":
    found = {"keras." + n: signature(getattr(keras.optimizers, n), SKIP) for n in NAMES}
    record(
        "keras",
        {"keras": keras.__version__, "jax": jax.__version__},
        Library,
        RUNS,
        found,
        found,
        {"raises": raised(Library, REFUSED)},
    )
