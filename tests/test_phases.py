"""Phases: one that changes nothing changes no bit; what is frozen stays; trajectories against NumPy and PyTorch."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import netc
from netc.command_line import main
from netc.compiler.meaning.spec_text import spec_text
from netc.dsl.diagnostics import SpecError
from netc.runtime import opening, program_file
from netc.runtime.training import train as training
from netc.runtime.training.task import Watcher

NETWORK = """
data      x in linspace(-1, 1, 40) -> sin(3*x) + normal(0, 0.2):
    validation = 25%
network   [1(lecture.batchnorm)(tanh)4(dropout.inverted(0.2))(lin)1]
init      glorot_uniform
loss      half_mse
optimizer torch.Adam(lr = 0.1)
train     batch = 8, seed = 3
monitor   loss, every = 1
"""
DENSE = NETWORK.replace("(lecture.batchnorm)", "").replace("(dropout.inverted(0.2))", "")
VALLEY = """
objective R(x, y) = x^2 + 3*y^2
init      theta = (2, 1)
optimizer momentum.heavy_ball(eta = 0.1, alpha = 0.5)
train     steps = 4
"""


def trained(text: str, length: str, **overrides: float) -> netc.Result:
    """As one training."""
    return netc.compile(text.replace("train    ", f"train {length},"), **overrides).train()


def same(a: netc.Result, b: netc.Result) -> None:
    np.testing.assert_array_equal(a.theta, b.theta)
    np.testing.assert_array_equal(a.states, b.states)


@pytest.mark.slow
def test_a_phase_that_changes_nothing_changes_no_bit():
    """Adam's moments and clock, batch norm's states, draws, shuffling and a schedule over all epochs go on."""
    cosine = NETWORK + "schedule lr = 0.05*(1 + cos(pi*epoch/epochs)) + 0.001\n"
    whole = trained(cosine, "epochs = 6")
    parts = netc.compile(cosine + "phase a: epochs = 2\nphase b: epochs = 3\nphase c: epochs = 1\n").train()
    same(whole, parts)
    assert parts.steps == whole.steps == 24
    history = parts.history
    assert history["phase"].tolist() == [1, 1, 1, 2, 2, 2, 2, 3, 3]
    assert history["epoch"].tolist() == [0, 1, 2, 2, 3, 4, 5, 5, 6]
    once = np.append(True, np.diff(history["epoch"]) > 0)
    np.testing.assert_array_equal(history["loss_train"][once], whole.history["loss_train"])


def test_phases_may_end_within_an_epoch():
    whole = trained(DENSE, "steps = 11")
    same(whole, netc.compile(DENSE + "phase a: steps = 6\nphase b: steps = 5\n").train())


def _heavy_ball(theta, v, eta, steps):
    for _ in range(steps):
        v = 0.5 * v + np.array([2, 6]) * theta
        theta = theta - eta * v
    return theta, v


@pytest.mark.parametrize("restart", [False, True])
def test_a_rule_goes_on_or_begins_anew(restart):
    """Against NumPy: the second phase keeps the velocity, or has none."""
    more = ", restart = true" if restart else ""
    found = netc.compile(f"{VALLEY}phase a: steps = 4\nphase b: eta = 0.02, steps = 3{more}\n").train()
    theta, v = _heavy_ball(np.array([2.0, 1.0]), 0.0, 0.1, 4)
    np.testing.assert_allclose(found.phases[0].theta[0], theta, rtol=1e-13)
    theta, _ = _heavy_ball(theta, 0.0 if restart else v, 0.02, 3)
    np.testing.assert_allclose(found.theta[0], theta, rtol=1e-13)


def test_another_rule_begins_with_its_own_states():
    """Against NumPy: heavy ball, then Adam of PyTorch, whose bias correction counts from the phase's start."""
    found = netc.compile(
        f"{VALLEY}phase a: steps = 4\nphase b: optimizer = torch.Adam(lr = 0.1), steps = 3\n"
    ).train()
    theta, _ = _heavy_ball(np.array([2.0, 1.0]), 0.0, 0.1, 4)
    m, v = np.zeros(2), np.zeros(2)
    for n in range(1, 4):
        g = np.array([2, 6]) * theta
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g * g
        theta = theta - 0.1 * (m / (1 - 0.9**n)) / (np.sqrt(v / (1 - 0.999**n)) + 1e-8)
    np.testing.assert_allclose(found.theta[0], theta, rtol=1e-12)


def test_what_is_frozen_stays_and_the_rest_is_as_torch_trains_it():
    """Weight decay, gradient norm and moments see what is trained alone, as in an optimizer that was given it alone."""
    torch = pytest.importorskip("torch")
    text = DENSE.replace("batch = 8", "batch = full").replace("torch.Adam(lr = 0.1)", "torch.AdamW(lr = 0.1)")
    text += "phase a: epochs = 3\nphase b: epochs = 5, freeze = {layer1, layer2.bias}, restart = true\nphase c: epochs = 2\n"
    model = netc.compile(text)
    found = model.train()
    ends = [model.unflatten(end.theta[0]) for end in found.phases]
    data = model._session.scaled_training
    x, y = (torch.tensor(a) for a in data)
    net = torch.nn.Sequential(torch.nn.Linear(1, 4), torch.nn.Tanh(), torch.nn.Linear(4, 1)).double()
    for name, p in zip(
        ("layer1.weight", "layer1.bias", "layer2.weight", "layer2.bias"), net.parameters(), strict=True
    ):
        p.data = torch.tensor(ends[0][name])
    rule = torch.optim.AdamW([net[2].weight], lr=0.1)
    for _ in range(5):
        rule.zero_grad()
        (((net(x) - y) ** 2).sum(1) / 2).mean().backward()
        rule.step()
    np.testing.assert_allclose(ends[1]["layer2.weight"], net[2].weight.detach(), rtol=1e-10)
    for name in ("layer1.weight", "layer1.bias", "layer2.bias"):
        np.testing.assert_array_equal(ends[1][name], ends[0][name])
        assert (ends[2][name] != ends[1][name]).any()


@pytest.mark.slow
@pytest.mark.parametrize("word", ["weights", "biases", "layer2"])
def test_what_freeze_can_name(word):
    model = netc.compile(f"{DENSE}phase a: epochs = 1, freeze = {word}\n")
    start = trained(DENSE, "steps = 1", lr=1e-300).theta[0]
    found, first = model.unflatten(model.train().theta[0]), model.unflatten(start)
    still = {name for name in found if (abs(found[name] - first[name]) < 1e-200).all()}
    meant = {"weights": ".weight", "biases": ".bias", "layer2": "layer2"}[word]
    assert still == {name for name in found if meant in name}


class Snapshots(Watcher):
    def __init__(self) -> None:
        self.found: list[dict] = []

    def checkpoint(self, arrays):
        self.found.append({name: np.array(array) for name, array in arrays.items()})


@pytest.mark.slow
def test_any_checkpoint_goes_on_to_the_same_bits(monkeypatch):
    """Whatever phase it stands in, and however many threads go on."""
    monkeypatch.setattr(training, "FIRST_CHECKPOINT", 0.0)
    monkeypatch.setattr(training, "BETWEEN_CHECKPOINTS", 0.0)
    text = NETWORK.replace("seed = 3", "seed = 3, runs = 3") + (
        "phase a: epochs = 2, keep = best(loss(validation))\nphase b: epochs = 2, freeze = layer1\nphase c: epochs = 2\n"
    )
    session = opening.open_session(program_file.read_text(text, "<test>", Path()), {})
    snapshots = Snapshots()
    _, whole = session.train(snapshots)
    phases = {int(s["ended.phases"][0]) for s in snapshots.found}
    assert phases == {0, 1, 2}
    other = opening.open_session(session.file, {"threads": 1})
    for snapshot in snapshots.found[:: max(1, len(snapshots.found) // 6)]:
        _, again = other.train(Watcher(), snapshot)
        same(whole, again)
        np.testing.assert_array_equal(whole.history["loss_train"], again.history["loss_train"])
        for a, b in zip(whole.phases, again.phases, strict=True):
            np.testing.assert_array_equal(a.theta, b.theta)


def test_other_data_are_scaled_as_the_first(tmp_path):
    """The second phase sees the raw samples times ten; gradient descent on them, against NumPy."""
    rng = np.random.default_rng(0)
    x = rng.normal(2, 3, (20, 1))
    for name, factor in (("a.csv", 1), ("b.csv", 10)):
        table = np.column_stack([x * factor, x[:, 0] - 1])
        np.savetxt(tmp_path / name, table, delimiter=",", header="x,y", comments="")
    (tmp_path / "f.net").write_text(
        'data "a.csv", target = y, scale = zscore\nnetwork [1(lin)1]\ninit zeros\nloss half_mse\n'
        'optimizer gd(eta = 0.01)\ntrain epochs = 2\nphase a: epochs = 2\nphase b: data = "b.csv"\n'
    )
    model = netc.compile(tmp_path / "f.net")
    found = model.train()
    mean, deviation = x.mean(), x.std()
    target = (x - 1 - (x - 1).mean()) / (x - 1).std()
    w, b = 0.0, 0.0
    for factor in (1, 10):
        z = (x * factor - mean) / deviation
        for _ in range(2):
            error = w * z + b - target
            w, b = w - 0.01 * (error * z).mean(), b - 0.01 * error.mean()
    np.testing.assert_allclose(found.theta[0], [w, b], rtol=1e-10)
    np.testing.assert_allclose(model.predict([[mean]])[0, 0], b * (x - 1).std() + (x - 1).mean(), rtol=1e-10)


def test_a_parameter_that_a_criterion_reads_is_set_in_the_rule():
    """A name of the file and a parameter of the rule: gradient descent with another rate, in closed form."""
    plain = VALLEY.replace("momentum.heavy_ball(eta = 0.1, alpha = 0.5)", "gd(eta = 0.1)")
    text = plain.replace("steps = 4", "stop = norm(grad R) < 1e-9*eta")
    found = netc.compile(text + "phase a: steps = 2\nphase b: steps = 2, eta = 0.05\n").train()
    expected = [2 * 0.8**2 * 0.9**2, 0.4**2 * 0.7**2]
    np.testing.assert_allclose(found.theta[0], expected, rtol=1e-14)


def test_data_with_other_inputs_are_refused_at_their_place(tmp_path, capsys):
    (tmp_path / "two.csv").write_text("a,b,y\n1,2,3\n2,1,4\n")
    (tmp_path / "one.csv").write_text("a,y\n1,3\n2,4\n")
    (tmp_path / "f.net").write_text(
        'data "two.csv", target = y\nnetwork [2(lin)1]\ninit zeros\nloss half_mse\noptimizer gd(eta = 0.1)\n'
        'train epochs = 1\nphase a: epochs = 1\nphase b: epochs = 1, data = "one.csv"\n'
    )
    assert main(["check", str(tmp_path / "f.net")]) == 1
    told = capsys.readouterr().err
    assert "f.net:8:29: error[E0201]: the network takes 2 inputs, the data has 1" in told
    assert "write [1(" not in told  # of which phase a would know nothing


BESIDE = "the data of the phase 'b'"


@pytest.mark.parametrize(("before", "phase", "code", "beside"), [
    ("none.csv", "epochs = 1", "E0601", False),  # the data are the statement's
    ("two.csv", 'data = "none.csv"', "E0601", False),  # the place is the phase's own
    ("two.csv", 'data = "four.csv"', "E0615", True),  # the place is `stratify` of the statement
    ('two.csv", foo = "3', 'data = "two.csv"', "E0501", False),  # the statement's, whatever the phase has
])  # fmt: skip
def test_what_is_wrong_with_data_is_told_beside_the_phase_that_has_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], before: str, phase: str, code: str, beside: bool
) -> None:
    (tmp_path / "two.csv").write_text("a,b,y\n1,2,u\n2,1,v\n1,1,u\n2,2,v\n")
    (tmp_path / "four.csv").write_text("a,b,y\n1,2,u\n2,1,v\n1,1,u\n2,2,u\n")
    (tmp_path / "f.net").write_text(
        f'data "{before}", target = y, split = 50%, stratify = true\nnetwork [2(softmax)2]\ninit zeros\nloss cross_entropy\n'
        f"optimizer gd(eta = 0.1)\ntrain epochs = 1\nphase a: epochs = 1\nphase b: {phase}\n"
    )
    assert main(["data", "show", str(tmp_path / "f.net")]) != 0
    told = capsys.readouterr().err
    assert f"error[{code}]" in told
    assert (BESIDE in told) == beside


def test_a_folder_keeps_every_end(tmp_path, monkeypatch):
    """Snapshots of a cosine with restarts: each end is kept, read back, and replayed to the same bits."""
    monkeypatch.chdir(tmp_path)
    text = DENSE + "schedule lr = cosine(0.1, 3)\nphase cycle: epochs = 3, times = 2, restart = true\n"
    text += "expect loss(train, cycle2) <= loss(train, cycle1)\nexpect loss(train, cycle2) = loss(train)\n"
    Path("f.net").write_text(text)
    assert main(["run", "f.net", "-q", "--set", "seed=5"]) == 0
    (folder,) = Path("runs").iterdir()
    kept, direct = netc.load(folder).result, netc.compile("f.net", seed=5).train()
    assert [end.name for end in kept.phases] == ["cycle1", "cycle2"]
    for a, b in zip(kept.phases, direct.phases, strict=True):
        np.testing.assert_array_equal(a.theta, b.theta)
        assert a.final["loss_train"] == b.final["loss_train"]
    assert [v.holds for v in direct.expect] == [True, True]
    # A cycle alone that begins where the first one ended, with the draws of the second.
    assert (kept.phases[0].theta != kept.phases[1].theta).any()
    assert main(["replay", str(folder), "-q"]) == 0


def test_a_sweep_over_what_a_phase_does():
    swept = netc.compile(
        f"{VALLEY}phase a: steps = 2\nphase b: steps = k, eta = 0.02\nsweep k in {{1, 3}}\n"
    ).sweep()
    for k, result in zip((1, 3), swept.results, strict=True):
        alone = netc.compile(f"{VALLEY}phase a: steps = 2\nphase b: steps = {k}, eta = 0.02\n").train()
        same(result, alone)


@pytest.mark.sweep
def test_a_clock_that_cannot_go_on_is_refused():
    with pytest.raises(SpecError, match="E0450"):
        netc.compile(DENSE + "phase a: epochs = 1\nphase b: epochs = 1, batch = 4\n")
    assert (
        netc.compile(DENSE + "phase a: epochs = 1\nphase b: epochs = 1, batch = 4, restart = true\n")
        .train()
        .epochs
        == 2
    )


def test_phases_alone_are_written_out_as_they_are_read(tmp_path, capsys):
    file = tmp_path / "f.net"
    file.write_text(VALLEY.replace("train     steps = 4\n", "phase a: steps = 2\nphase b: steps = 3\n"))
    assert main(["show", str(file), "--stage", "spec"]) == 0
    file.write_text(written := capsys.readouterr().out)
    assert "phase     b: steps = 3" in written
    assert main(["show", str(file), "--stage", "spec"]) == 0
    assert capsys.readouterr().out == written


SET = """
objective R(x, y) = x^2 + 3*y^2
init      theta = (2, 1)
optimizer gd(eta = 0.1)
train     stop = norm(grad R) < eta
phase a:  steps = 2
phase b:  steps = 3, eta = 0.05
"""


def test_what_is_set_from_outside_holds_in_every_phase_also_where_a_criterion_reads_it():
    theta = netc.compile(SET, eta=0.03).train().theta[0]
    np.testing.assert_allclose(theta, (2 * 0.94**5, 0.82**5), rtol=1e-12)


def test_a_length_that_is_set_from_outside_is_that_of_every_phase():
    """Nothing is left of what phase a says itself; its text is that of what was set."""
    file = program_file.read_text(SET, "set", Path())
    session = opening.open_session(file, {"steps": 3})
    assert "phasea:steps=3" in "".join(spec_text(session.spec).split())
    theta = netc.compile(SET, steps=3).train().theta[0]
    np.testing.assert_allclose(theta, (2 * 0.8**3 * 0.9**3, 0.4**3 * 0.7**3), rtol=1e-12)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("foo", "there is no 'foo' to set"),
        ("p", "'p' is a number of layers that follows a schedule, no parameter of the rule"),
    ],
)
def test_what_cannot_be_set_is_told_once(name: str, words: str):
    text = NETWORK.replace("inverted(0.2)", "inverted(p)")
    text += "schedule p = 0.5 until 2, 0.1\nphase a: epochs = 2\nphase b: epochs = 3\n"
    with pytest.raises(SpecError) as refused:
        netc.compile(text, **{name: 0.3}).train()
    (found,) = refused.value.diagnostics
    assert (found.code, found.message) == ("E0512", words)
    assert found.span.source.name == "--set"
