"""Data of float32 stay so until they are laid out: the room that is held, and that nothing else hangs on it."""

import tracemalloc

import numpy as np

import netc

TEXT = """data given, scale = zscore, split = 0.7
network [50(tanh)4(lin)1]
init glorot_uniform
loss mse
optimizer gd(eta = 0.01)
train epochs = 1, batch = 32, precision = f32
"""


def _samples(count: int) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(3)
    return generator.random((count, 50), dtype=np.float32) * 50 + 7, generator.random(count)


def test_room_and_numbers_of_float32() -> None:
    """Besides the data that are given: a copy of them, the samples of the kernels, and what is of some columns only.
    The same numbers as float64 train the same, to the bit."""
    x, y = _samples(200_000)
    model = netc.compile(TEXT)
    model.train(*_samples(64))
    tracemalloc.start()
    single = model.train(x, y)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most / x.nbytes < 3  # in float64 the copy and the samples of the kernels are 3 already
    double = netc.compile(TEXT).train(x.astype(np.float64), y)
    np.testing.assert_array_equal(single.theta, double.theta)
