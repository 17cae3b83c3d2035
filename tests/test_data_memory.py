"""What data take: the arrays of the caller, the samples of the kernels, and little besides; and that no bit hangs on it."""

import tracemalloc

import numpy as np
import pytest

import netc
from netc.runtime.data import blocks, borrowed

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


def _most(text: str, x: np.ndarray, y: np.ndarray) -> float:
    """What is allocated at once in a training besides what was given, as a share of the inputs."""
    model = netc.compile(text)
    model.train(x[:1000], y[:1000])
    tracemalloc.start()
    model.train(x, y)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return most / x.nbytes


CLASSES = """data given, scale = {scale}
network [100(tanh)8(softmax)10]
init glorot_uniform
loss cross_entropy
optimizer adam.paper
train steps = 2, batch = 64, precision = {precision}
"""


@pytest.mark.slow
@pytest.mark.parametrize(("precision", "kind"), [("f32", np.float32), ("f64", np.float64)])
@pytest.mark.parametrize("scale", ["none", "zscore, split = 0.7"])
def test_room(precision: str, kind: type[np.floating], scale: str) -> None:
    """One time the inputs for the samples of the kernels, a tenth for ten outputs of each, a tenth for what is of each
    sample once, and blocks of some megabytes: another copy of anything would be seen."""
    x = np.random.default_rng(3).random((100_000, 100)).astype(kind)
    assert _most(CLASSES.format(scale=scale, precision=precision), x, np.arange(len(x)) % 10) < 1.32


@pytest.mark.sweep
def test_float32_trains_as_float64_does() -> None:
    """The same numbers, to the bit."""
    x, y = _samples(5_000)
    single, double = (netc.compile(TEXT).train(x.astype(t), y) for t in (np.float32, np.float64))
    np.testing.assert_array_equal(single.theta, double.theta)


def test_blocks_cover_all_rows_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks, "NUMBERS", 10)
    for rows, width in ((0, 3), (1, 3), (7, 3), (9, 3), (5, 100), (12, 0)):
        found = [i for at in blocks.blocks(rows, width) for i in range(rows)[at]]
        assert found == list(range(rows))
        assert all(
            (at.stop - at.start) * width <= 10 or at.stop - at.start == 1 for at in blocks.blocks(rows, width)
        )


def test_blocks_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    x, y = _samples(500)
    whole = netc.compile(TEXT).train(x, y).theta
    monkeypatch.setattr(blocks, "NUMBERS", 333)
    np.testing.assert_array_equal(netc.compile(TEXT).train(x, y).theta, whole)


@pytest.mark.sweep
def test_ranges_of_samples_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    """An accuracy that is counted range by range is that of all samples."""
    from netc.runtime.training import report

    x, _ = _samples(3_000)
    y = x[:, :5].argmax(axis=1)
    text = TEXT.replace("4(lin)1", "4(softmax)5").replace("loss mse", "loss cross_entropy")
    for shuffle in ("true", "false"):
        model = netc.compile(text.replace("batch = 32", f"batch = 32, shuffle = {shuffle}"))
        whole = model.train(x, y)
        monkeypatch.setattr(report, "RANGE", 1)
        parts = model.train(x, y)
        monkeypatch.undo()
        assert whole.final["accuracy_train"] == parts.final["accuracy_train"]
    assert 0 < whole.final["accuracy_train"][0] < 1


def test_a_write_between_two_calls_is_told() -> None:
    """What is read again where it lies is what was given, or an error says that it is not."""
    x, y = _samples(300)
    model = netc.compile(TEXT)
    theta = model.train(x, y).theta
    kept = model.hessian(theta[0])
    x[17, 3] += 1
    with pytest.raises(ValueError, match="written to"):
        model.hessian(theta[0])
    with pytest.raises(ValueError, match="written to"):
        model.train(precision="f64")
    x[17, 3] = _samples(300)[0][17, 3]
    np.testing.assert_array_equal(model.hessian(theta[0]), kept)


def test_within_a_call_an_array_is_looked_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    times, sums = [], borrowed._sums
    monkeypatch.setattr(borrowed, "_sums", lambda array: times.append(array.shape) or sums(array))
    x, y = _samples(300)
    model = netc.compile(TEXT)
    model.train(x, y)
    model.train(x, y, batch=16)
    assert times.count(x.shape) == 2
