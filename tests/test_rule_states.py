"""`train(states=...)`: a rule goes on from states that are given by name, as its equations say."""

import numpy as np
import pytest

import netc

LINE = """data given
network [2(lin)1]
init glorot_uniform
loss mse
"""
HEAVY = """optimizer momentum.heavy_ball(eta = 0.05, alpha = 0.9)
train epochs = 10, seed = 1
"""
ADAM = """optimizer torch.Adam(lr = 0.01)
train epochs = 10, batch = 8, seed = 1
"""
X = np.random.default_rng(5).normal(size=(20, 2))
Y = X @ [1.0, -2.0] + 0.3 + 0.1 * np.sin(7 * X[:, 0])


def heavy_ball(theta, v, steps):
    """v[n+1] = 0.9 v + grad, theta[n+1] = theta - 0.05 v[n+1], of the mean of (x.w + b - y)^2."""
    extended = np.column_stack([X, np.ones(len(X))])
    for _ in range(steps):
        v = 0.9 * v + 2 / len(X) * extended.T @ (extended @ theta - Y)
        theta = theta - 0.05 * v
    return theta, v


def adam(theta, s, v, n, steps):
    """torch.optim.Adam(lr = 0.01) on all samples of the line, from iteration n on."""
    extended = np.column_stack([X, np.ones(len(X))])
    for k in range(n + 1, n + steps + 1):
        g = 2 / len(X) * extended.T @ (extended @ theta - Y)
        s, v = 0.9 * s + 0.1 * g, 0.999 * v + 0.001 * g * g
        theta = theta - 0.01 * (s / (1 - 0.9**k)) / (np.sqrt(v / (1 - 0.999**k)) + 1e-8)
    return theta


def test_heavy_ball_goes_on_as_its_equations_say():
    model = netc.compile(LINE + HEAVY)
    theta, v = np.array([0.5, -0.25, 2.0]), np.array([0.1, -3.0, 0.7])
    half = model.train(X, Y, theta=theta, states={"v": v})
    expected, moved = heavy_ball(theta, v, 10)
    np.testing.assert_allclose(half.theta[0], expected, rtol=1e-13)
    np.testing.assert_allclose(half.rule_states["v"][0], moved, rtol=1e-13)
    np.testing.assert_array_equal(half.rule_states["n"], [10])

    on = model.train(X, Y, theta=half.theta, states={"v": half.rule_states["v"]})
    np.testing.assert_allclose(on.theta[0], heavy_ball(theta, v, 20)[0], rtol=1e-13)
    whole = model.train(X, Y, theta=theta, states={"v": v}, epochs=20)
    np.testing.assert_array_equal(on.theta, whole.theta)
    anew = model.train(X, Y, theta=half.theta)
    np.testing.assert_allclose(anew.theta[0], heavy_ball(half.theta[0], np.zeros(3), 10)[0], rtol=1e-13)


def test_adam_without_n_begins_its_bias_corrections_anew():
    model = netc.compile(LINE + ADAM.replace(", batch = 8", ""))
    half = model.train(X, Y)
    theta, s, v = (half.rule_states[name][0] for name in ("theta", "v", "s"))  # netc's v is the first moment
    states = half.rule_states
    on = model.train(X, Y, states=states)
    np.testing.assert_allclose(on.theta[0], adam(theta, s, v, 10, 10), rtol=1e-12)
    del states["n"]
    again = model.train(X, Y, states=states)
    np.testing.assert_allclose(again.theta[0], adam(theta, s, v, 0, 10), rtol=1e-12)


LAYERS = """data given
network [2(dense, torch.BatchNorm1d, tanh, dropout.inverted 0.2)4(dense)1]
init glorot_uniform
loss mse
optimizer torch.Adam(lr = 0.01)
train epochs = 10, batch = 8, seed = 1
"""
PLATEAU = LINE + ADAM.replace(
    "train", "schedule lr = torch.ReduceLROnPlateau(lr = 0.01, patience = 1)\ntrain"
)
SCALAR = (
    LINE
    + """optimizer mine(eta = 0.05):
    c[0] = 2
    c[n+1] = 0.9*c[n] + norm(grad R(theta[n]))
    theta[n+1] = theta[n] - eta*grad R(theta[n])/c[n+1]
train epochs = 10, batch = 7, seed = 1
"""
)
SUM = (
    LINE.replace("mse", "mse, reduce = sum")
    + "optimizer turpault.RAG\ntrain epochs = 10, batch = 5, seed = 1, shuffle = false\n"
)
WATCHED = LINE + HEAVY + "monitor V = R(theta[n]) + norm(v[n])^2\n"
POLYAK = """objective R(x, y) = x^2 + 10*y^2
init theta = (3, 1)
optimizer polyak(eta = 0.05):
    theta[n+1] = theta[n] - eta*grad R(theta[n])
    avg[n+1] = avg[n] + (theta[n+1] - avg[n])/(n + 1)
    evaluate at avg[n]
train steps = 10
"""


@pytest.mark.slow
@pytest.mark.parametrize("precision", ["f64", "f32"])
@pytest.mark.parametrize("text", [LAYERS, PLATEAU, SCALAR, SUM, WATCHED, LINE + ADAM])
def test_all_states_and_n_handed_on_are_a_training_that_did_not_end(text, precision):
    """Mini-batches, draws, running statistics, a schedule that follows the loss, a state per batch."""
    model = netc.compile(text, precision=precision)
    whole = model.train(X, Y, epochs=20, runs=2)
    half = model.train(X, Y, runs=2)
    on = model.train(X, Y, states=half.rule_states)
    assert on.runs == 2
    np.testing.assert_array_equal(on.theta, whole.theta)
    np.testing.assert_array_equal(on.states, whole.states)
    np.testing.assert_array_equal(on.steps, whole.steps)
    for name, found in on.rule_states.items():
        np.testing.assert_array_equal(found, whole.rule_states[name], err_msg=name)
    later = whole.history["epoch"] > 10
    np.testing.assert_array_equal(
        on.history["loss_train"][on.history["epoch"] > 10], whole.history["loss_train"][later]
    )


def test_a_schedule_that_reads_the_planned_end_sees_the_iterations_before():
    """eta of the iterations 10 to 19 of 20."""
    model = netc.compile(LINE + HEAVY.replace("train", "schedule eta = 0.05*(1 - epoch/epochs)\ntrain"))
    theta, v = np.array([0.5, -0.25, 2.0]), np.array([0.1, -3.0, 0.7])
    found = model.train(X, Y, theta=theta, states={"v": v, "n": 10})
    extended = np.column_stack([X, np.ones(len(X))])
    for n in range(10, 20):
        v = 0.9 * v + 2 / len(X) * extended.T @ (extended @ theta - Y)
        theta = theta - 0.05 * (1 - n / 20) * v
    np.testing.assert_allclose(found.theta[0], theta, rtol=1e-12)
    np.testing.assert_array_equal(found.epochs, [20])


def test_a_rule_that_is_measured_elsewhere_goes_on_from_its_own_theta():
    model = netc.compile(POLYAK)
    half = model.train()
    on = model.train(states=half.rule_states)
    np.testing.assert_array_equal(on.theta, model.train(steps=20).theta)
    with pytest.raises(ValueError, match="theta= and the 'theta' of states differ"):
        model.train(theta=half.theta, states=half.rule_states)


def test_states_by_tensor_and_one_for_all_runs():
    model = netc.compile(LINE + HEAVY)
    v = {"layer1.weight": np.array([[0.1, -3.0]]), "layer1.bias": np.array([0.7])}
    named = model.train(X, Y, runs=3, states={"v": v})
    plain = model.train(X, Y, runs=3, states={"v": [0.1, -3.0, 0.7]})
    np.testing.assert_array_equal(named.theta, plain.theta)
    assert len(np.unique(named.theta, axis=0)) == 3


@pytest.mark.sweep
def test_the_states_of_a_folder_go_on(tmp_path, monkeypatch):
    from netc.command_line import main

    monkeypatch.chdir(tmp_path)
    table = np.column_stack([X, Y])
    np.savetxt("line.csv", table, delimiter=",", header="a,b,y", comments="")
    text = LINE.replace("data given", 'data "line.csv", target = y') + ADAM
    (tmp_path / "line.net").write_text(text)
    assert main(["run", "line.net", "--quiet"]) == 0
    (folder,) = (tmp_path / "runs").glob("line-*")
    loaded = netc.load(folder)
    on = loaded.train(states=loaded.result.rule_states)
    np.testing.assert_array_equal(on.theta, netc.compile(tmp_path / "line.net").train(epochs=20).theta)


ONE = np.ones(3)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"velocity": ONE, "v": ONE}, r"states holds 'velocity', and the states here are n, theta, v"),
        ({"tehta": ONE}, r"states holds 'tehta'.*did you mean 'theta'\?"),
        ({"v": np.ones(4)}, r"'v' of states has shape \(4,\); wanted is \(3,\), or \(1, 3\) for the runs"),
        ({"v": [1.0, np.nan, 0.0]}, "'v' of states holds nan: a start is finite"),
        ({"v": ONE * np.inf}, "'v' of states holds inf: a start is finite"),
        ({"v": "fast"}, "'v' of states: could not convert"),
        ({"v": {"layer1.weight": [[1, 2]]}}, r"'v' of states: no layer1\.bias"),
        ({"v": ONE, "n": 1.5}, r"n of states is a whole number from 0 on, the iterations done; not 1\.5"),
        ({"v": ONE, "n": -1}, "n of states is a whole number"),
        ({"v": ONE, "n": None}, "n of states is a whole number"),
        ({"v": ONE, "n": [3, 4]}, "runs begin at one n, and n of states is 3, 4"),
        ({}, "states is empty"),
        ({"theta": np.ones(4)}, r"theta is \(3,\) or"),
    ],
)
def test_states_that_are_none(given, said):
    with pytest.raises(ValueError, match=said):
        netc.compile(LINE + HEAVY).train(X, Y, states=given)


def test_states_in_other_ways_than_by_name():
    model = netc.compile(LINE + ADAM)
    half = model.train(X, Y)
    with pytest.raises(TypeError, match="states are given by name"):
        model.train(X, Y, states=half.states)
    with pytest.raises(ValueError, match="states and resume are two starts, give one"):
        model.train(X, Y, states=half.rule_states, resume=half.checkpoint)
    with pytest.raises(ValueError, match=r"n = 4 of states lies within an epoch of 3 batches.*resume="):
        model.train(X, Y, states=half.rule_states | {"n": 4})
    phases = netc.compile(LINE + ADAM + "phase a: epochs = 2\nphase b: epochs = 2\n")
    with pytest.raises(ValueError, match="the file has phases"):
        phases.train(X, Y, states=half.rule_states)
    assert phases.train(X, Y).rule_states == {}
