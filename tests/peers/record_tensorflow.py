"""The rules of tf.compat.v1.train, of tf_keras' legacy optimizers and of TensorFlow Addons, recorded.

`pip install tensorflow-cpu==2.21.0 tf_keras==2.21.0`, then `pip install --no-deps tensorflow-addons==0.23.0 "typeguard<3"`.
TensorFlow casts Python's numbers to float32 first: those of the calls lose nothing. tf1's Adam keeps the powers
of its decays in float32.
"""

from __future__ import annotations

import os
import sys

os.environ["TF_USE_LEGACY_KERAS"] = "1"
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import numpy as np
import tensorflow as tf
import tf_keras
import tf_keras.src.engine.keras_tensor

sys.modules["keras.src.engine"] = tf_keras.src.engine  # where Addons look for Keras 2
import tensorflow_addons as tfa  # noqa: E402

from peers.recording import record, signature  # noqa: E402

TF1 = """
tf1.GradientDescentOptimizer(learning_rate=0.125) in steps
tf1.MomentumOptimizer(learning_rate=0.0625, momentum=0.75, use_nesterov=True) in steps
tf1.AdagradOptimizer(learning_rate=0.125, initial_accumulator_value=0.5) in steps
tf1.AdadeltaOptimizer(learning_rate=0.5, rho=0.875, epsilon=0.0009765625) in steps
tf1.RMSPropOptimizer(learning_rate=0.0625, decay=0.875, epsilon=0.0009765625) in steps
tf1.RMSPropOptimizer(learning_rate=0.0625, decay=0.875, momentum=0.75, epsilon=0.0078125, centered=True) in steps
tf1.AdamOptimizer(learning_rate=0.125, beta1=0.75, beta2=0.875, epsilon=0.0009765625) in steps to 1e-7
"""
TF_KERAS = """
tf_keras.SGD(learning_rate=0.125) in steps
tf_keras.SGD(learning_rate=0.0625, momentum=0.75) in steps
tf_keras.SGD(learning_rate=0.0625, momentum=0.75, nesterov=True) in steps
tf_keras.Adagrad(learning_rate=0.125, initial_accumulator_value=0.25, epsilon=0.0009765625) in steps
tf_keras.RMSprop(learning_rate=0.0625, rho=0.875, epsilon=0.0009765625) in steps
tf_keras.RMSprop(learning_rate=0.0625, rho=0.875, momentum=0.75, epsilon=0.0009765625) in steps
tf_keras.RMSprop(learning_rate=0.0625, rho=0.875, epsilon=0.0078125, centered=True) in steps
tf_keras.RMSprop(learning_rate=0.0625, rho=0.875, momentum=0.75, epsilon=0.0078125, centered=True) in steps
tf_keras.Adam(learning_rate=0.125, beta_1=0.75, beta_2=0.875, epsilon=0.0009765625) in steps
tf_keras.Adam(learning_rate=0.125, beta_1=0.75, beta_2=0.875, epsilon=0.0009765625, amsgrad=True) in steps
"""
TFA = """
tfa.Yogi(learning_rate=0.125, beta1=0.75, beta2=0.875, epsilon=0.0009765625, initial_accumulator_value=0.5) in steps
tfa.AdamW(weight_decay=0.015625, learning_rate=0.125, beta_1=0.75, beta_2=0.875, epsilon=0.0009765625) in steps
tfa.SGDW(weight_decay=0.015625, learning_rate=0.0625) in steps
tfa.SGDW(weight_decay=0.015625, learning_rate=0.0625, momentum=0.75) in steps
tfa.SGDW(weight_decay=0.015625, learning_rate=0.0625, momentum=0.75, nesterov=True) in steps
"""
SPACES = {"tf1": tf.compat.v1.train, "tf_keras": tf_keras.optimizers.legacy, "tfa": tfa.optimizers}


class Keras:
    def __init__(self, call, parts):
        self.variables = [tf.Variable(p, dtype=tf.float64) for p in parts]
        self.optimizer = eval(call, SPACES)
        self.start()

    def start(self):
        self.first = float(self.optimizer.learning_rate.numpy())

    def scale(self, factor):
        self.optimizer.learning_rate = self.first * factor

    def step(self, gradients):
        given = [tf.constant(g, dtype=tf.float64) for g in gradients]
        self.optimizer.apply_gradients(list(zip(given, self.variables, strict=True)))

    def values(self):
        return [v.numpy() for v in self.variables]


class First(Keras):
    def start(self):
        self.name = "_lr" if hasattr(self.optimizer, "_lr") else "_learning_rate"
        self.first = getattr(self.optimizer, self.name)

    def scale(self, factor):
        setattr(self.optimizer, self.name, self.first * factor)


def signatures(text):
    names = sorted({line.split("(")[0] for line in text.split("\n") if line})
    skip = ("name", "use_locking", "use_own_namescope_for_non_slot_vars")
    return {n: signature(getattr(SPACES[n.split(".")[0]], n.split(".")[1]), skip) for n in names}


if __name__ == "__main__":
    versions = {
        "tensorflow": tf.__version__,
        "tf_keras": tf_keras.__version__,
        "tensorflow-addons": tfa.__version__,
    }
    versions["numpy"] = np.__version__
    for name, make, text in (("tf1", First, TF1), ("tf_keras", Keras, TF_KERAS), ("tfa", Keras, TFA)):
        found = signatures(text)
        record(name, versions, make, text, found, found)
