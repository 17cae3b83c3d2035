"""`netc play`: it trains as `netc run` does, other numbers compile nothing, strangers are refused, a browser shows it."""

from __future__ import annotations

import base64
import http.client
import json
import math
import os
import socket
import subprocess
import sys
from pathlib import Path
from threading import Thread

import numpy as np
import pytest

import browser
import netc
from netc.command_line import main
from netc.dsl.diagnostics import SpecError
from netc.play import Playground
from netc.play.server import Server
from netc.play.shown import frame, setup
from netc.runtime import program_file

PLANE = """data i in 0..39 -> (1 - cos(pi*i))/2:
    inputs = (cos(pi*i)*(1 + i/40), sin(i))
    split = 30
network   [2(tanh)4(sigmoid)1]
init      glorot_uniform
loss      half_mse
optimizer torch.SGD(lr = 0.3, momentum = 0.5)
schedule  lr = 0.3 until 2, 0.1
train     epochs = 5, batch = 8, seed = 3
"""
BOWL = """objective R(x, y) = x^2 + 2*y^2
init      theta = (1, -1)
optimizer heavy(eta = 0.1, beta = 0.5):
    require    = 0 <= beta and beta < 1 and eta > 0
    v[n+1]     = beta*v[n] + grad R(theta[n])
    theta[n+1] = theta[n] - eta*v[n+1]
train     steps = 6
"""


@pytest.fixture(autouse=True, scope="module")
def patient():
    """A busy machine does no fewer iterations."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("netc.play.PATIENCE", math.inf)
        yield


def test_an_answer_is_not_waited_for(monkeypatch):
    """Whatever was asked for, and however long an iteration takes: one at least is done."""
    play = played(BOWL)
    monkeypatch.setattr("netc.play.PATIENCE", -1.0)
    play.go(5)
    assert play.step == 1


def played(text: str, **overrides) -> Playground:
    return Playground(program_file.read_text(text, "it.net", Path.cwd()), overrides)


def theta(play: Playground) -> np.ndarray:
    return play.live.state.theta[0, : play.session.program.problem.parameters].copy()


def bowl(pairs) -> np.ndarray:
    """The same rule in NumPy, a pair (eta, beta) for each iteration."""
    point, v = np.array([1.0, -1.0]), np.zeros(2)
    for eta, beta in pairs:
        v = beta * v + np.array([2.0, 4.0]) * point
        point = point - eta * v
    return point


# -- what is trained -------------------------------------------------------------------------------


def test_it_trains_what_a_run_trains():
    play, model = played(PLANE), netc.compile(PLANE)
    for steps in (1, 3, 4, 5):
        play.go(steps)
    assert play.step == 13
    result = model.train(steps=13)
    np.testing.assert_array_equal(theta(play), result.theta[0])
    figures = frame(play)["figures"]
    assert figures["loss_test"] == result.loss_test[0]
    assert figures["metric_train"] == result.accuracy_train[0]
    play.go(1000)
    assert play.step == play.total == 20, "the file's end is a place to stop"
    play.go(2)
    assert play.step == 22


def test_numbers_change_on_the_way_and_nothing_is_compiled():
    play, model = played(PLANE), netc.compile(PLANE)
    kernels = play.session.kernels
    play.go(6)
    assert play.set({"lr.0": 0.2, "momentum": 0.25}) == ""
    play.go(7)
    assert play.session.kernels is kernels
    assert [m.name for m in play.numbers if m.value != play.written[m.name]] == ["momentum", "lr.0"]
    first = model.train(steps=6)
    changed = netc.compile(PLANE.replace("lr = 0.3 until", "lr = 0.2 until"), momentum=0.25)
    on = changed.train(resume=first.checkpoint, steps=13)
    np.testing.assert_array_equal(theta(play), on.theta[0])
    assert play.now == {"lr": 0.1}, "epoch 13/4 is behind the first part"


def test_an_objective_follows_its_equations():
    play = played(BOWL)
    play.go(2)
    play.set({"eta": 0.05, "beta": 0.9})
    play.go(3)
    np.testing.assert_allclose(theta(play), bowl([(0.1, 0.5)] * 2 + [(0.05, 0.9)] * 3), rtol=1e-14)
    assert play.marks == [(2, "eta = 0.05, beta = 0.9")]
    play.reset()
    assert (play.step, play.marks) == (0, [])
    play.go(2)
    np.testing.assert_allclose(theta(play), bowl([(0.05, 0.9)] * 2), rtol=1e-14)


def test_a_rule_with_other_states_begins_anew_and_says_so():
    play = played(PLANE)
    play.go(3)
    assert "begins anew" in play.set({"momentum": 0.0})
    assert play.step == 0
    play.go(4)
    np.testing.assert_array_equal(theta(play), netc.compile(PLANE, momentum=0).train(steps=4).theta[0])


def test_what_the_rule_requires_is_kept():
    play = played(BOWL)
    by_name = {m.name: m for m in play.numbers}
    assert (by_name["beta"].low, by_name["beta"].logarithmic) == (0.0, False)
    assert by_name["beta"].high == 0.999
    assert by_name["eta"].low > 0
    adam = played(
        BOWL.partition("optimizer")[0] + "optimizer torch.Adam(lr = 0.1)\ntrain steps = 6\n"
    ).numbers
    assert [m.label for m in adam] == ["lr", "betas[1]", "betas[2]", "eps"]
    play.go(1)
    with pytest.raises(SpecError, match="requires beta < 1; beta is 1"):
        play.set({"beta": 1.0})
    play.go(1)
    np.testing.assert_allclose(theta(play), bowl([(0.1, 0.5)] * 2), rtol=1e-14)
    assert play.marks == []


def test_the_end_of_a_run_is_told():
    play = played(BOWL)
    play.set({"eta": 1e300})
    play.go(1000)
    assert play.ended == "diverged"
    shown = json.dumps(frame(play), allow_nan=False)
    assert '"ended": "diverged"' in shown


# -- what is shown ---------------------------------------------------------------------------------


def test_the_picture_is_what_the_model_says():
    play = played(PLANE)
    play.go(9)
    shown, still = frame(play)["picture"], setup(play)["picture"]
    fine = shown["fine"]
    (left, right), (low, high) = still["window"]
    x, y = (a + (b - a) * (np.arange(fine) + 0.5) / fine for a, b in ((left, right), (low, high)))
    model = netc.compile(PLANE)
    model.train(steps=9)
    said = model.predict(np.stack([a.ravel() for a in np.meshgrid(x, y)], axis=1))[:, 0]
    classes = np.frombuffer(base64.b64decode(shown["classes"]), np.uint8)
    np.testing.assert_array_equal(classes, said > 0.5)
    sure = np.frombuffer(base64.b64decode(shown["cells"]), np.uint8)
    np.testing.assert_allclose(sure / 255, 2 * np.abs(said - 0.5), atol=0.5 / 255 + 1e-12)
    assert {name: len(part["y"]) for name, part in still["parts"].items()} == {"train": 30, "test": 10}
    assert [layer["units"] for layer in frame(play)["layers"]] == [[2, 4], [4, 1]]


def test_the_surface_is_ranked_by_the_objective():
    still = setup(played(BOWL))["picture"]
    ranks = np.frombuffer(base64.b64decode(still["cells"]), np.uint8).reshape(still["fine"], -1)
    x, y = (a + (b - a) * (np.arange(still["fine"]) + 0.5) / still["fine"] for a, b in still["window"])
    values = x[None, :] ** 2 + 2 * y[:, None] ** 2
    shares = np.searchsorted(np.sort(values, axis=None), values) / (values.size - 1)
    mirrored = 4 / values.size  # points that rounding alone tells apart
    np.testing.assert_allclose(ranks / 255, shares, atol=0.5 / 255 + mirrored)


def test_the_graph_of_one_number_stays_where_the_run_began():
    play = played("objective f(x) = (x - 1)^2\ninit theta = 2\noptimizer gd(eta = 0.25)\ntrain steps = 9\n")
    still = setup(play)["picture"]
    np.testing.assert_allclose(still["y"], (np.array(still["x"]) - 1) ** 2, rtol=1e-13)
    play.go(2)
    assert frame(play)["picture"]["theta"] == [[1.25, 0.0625]]
    play.set({"eta": 0.5})
    assert setup(play)["picture"] == still


def test_curves_are_thinned_out_and_keep_their_ends():
    play = played(BOWL)
    for step in range(3000):
        play.curve.add(step, np.zeros(8))
    steps = [step for step, _ in play.curve.rows]
    assert steps[0] == 0
    assert steps[-1] == 2999
    assert steps == sorted(set(steps))
    assert len(steps) <= 1200


# -- over HTTP -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def server(cache):
    with Server(played(BOWL)) as server:
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def asked(server: Server, path: str, body: object = None, host: str = "") -> tuple[int, dict[str, str], str]:
    link = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=60)
    text = None if body is None else body if isinstance(body, str) else json.dumps(body)
    headers = {"Host": host or f"127.0.0.1:{server.server_port}"}
    link.request("GET" if body is None else "POST", path, text, headers)
    answer = link.getresponse()
    found = answer.status, dict(answer.getheaders()), answer.read().decode()
    link.close()
    return found


def test_strangers_are_refused(server):
    own = f"/{server.token}/"
    assert server.server_address[0] == "127.0.0.1"
    assert len(server.token) >= 32
    step = server.play.step
    for path, host in (
        ("/", ""), ("/setup", ""), (f"/{server.token[:-1]}/", ""), (f"/?{server.token}", ""), ("/%C3%A9/go", ""),
        (own, "evil.example"), (own, f"evil.example:{server.server_port}"), (own, "127.0.0.1"),
        (f"{own}setup", "127.0.0.1:1"),
    ):  # fmt: skip
        status, _, text = asked(server, path, host=host)
        assert (status, "whole address" in text) == (403, True), (path, host)
        assert asked(server, path + "go", {"steps": 1}, host)[0] == 403
    assert server.play.step == step, "nothing was trained for them"
    assert asked(server, own, host=f"localhost:{server.server_port}")[0] == 200


def test_the_page_is_whole_and_may_fetch_from_nowhere_else(server):
    status, headers, text = asked(server, f"/{server.token}/")
    assert status == 200
    policy = dict(part.strip().split(" ", 1) for part in headers["Content-Security-Policy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert policy["connect-src"] == "'self'"
    assert policy["script-src"] == policy["style-src"] == f"'nonce-{server.nonce}'"
    assert "://" not in text
    assert "@" not in text.split("<script")[0].split("</style>")[1], "every mark is filled in"


def test_questions_and_what_is_wrong_with_them(server):
    own = f"/{server.token}/"
    shown = json.loads(asked(server, own + "setup")[2])
    assert shown["setup"]["rule"] == "heavy"
    assert [m["name"] for m in shown["frame"]["numbers"]] == ["eta", "beta"]
    asked(server, own + "reset", {})
    after = json.loads(asked(server, own + "go", {"steps": 2})[2])["frame"]
    assert after["step"] == 2
    np.testing.assert_allclose(after["picture"]["theta"][0], bowl([(0.1, 0.5)] * 2), rtol=1e-14)
    status, _, text = asked(server, own + "set", {"beta": 2})
    assert status == 422
    assert "requires beta < 1; beta is 2" in json.loads(text)["refused"]
    for what, body, status in (
        ("go", {"steps": 0}, 400), ("go", {"steps": "1"}, 400), ("go", {"steps": 10**9}, 400), ("go", {}, 400),
        ("go", "{", 400), ("go", "[1]", 400), ("go", "é" * 2**16, 400),
        ("set", {"eta": "x"}, 400), ("set", "{\"eta\": NaN}", 400),
        ("reset", {"seed": -1}, 400), ("reset", {"seed": 1.5}, 400), ("nothing", {}, 404),
    ):  # fmt: skip
        assert asked(server, own + what, body)[0] == status, (what, body)
    assert asked(server, own + "go")[0] == 404
    assert json.loads(asked(server, own + "setup")[2])["frame"]["step"] == 2


def test_a_port_in_use_is_told_with_the_way_out(tmp_path, capsys):
    (tmp_path / "bowl.net").write_text(BOWL)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert main(["play", str(tmp_path / "bowl.net"), "--port", str(port)]) == 2
    said = capsys.readouterr().err
    assert f"port {port} " in said
    assert "--port NUMBER chooses another one" in said


BAD = Path(__file__).with_name("bad_play")


@pytest.mark.parametrize("path", sorted(BAD.glob("*.net")), ids=lambda path: path.stem)
def test_message_is_the_pinned_one(path, update_golden):
    with pytest.raises(SpecError) as caught:
        Playground(program_file.read_text(path.read_text(), path.name, BAD), {})
    pinned, said = path.with_suffix(".out"), f"{caught.value}\n"
    if update_golden:
        pinned.write_text(said)
    assert said == pinned.read_text()
    assert f"[{path.stem[:5]}]" in said


# -- in a browser ----------------------------------------------------------------------------------


@pytest.mark.sweep
def test_a_browser_plays(tmp_path):
    if browser.PROGRAM is None:
        pytest.skip("needs a browser")
    (tmp_path / "plane.net").write_text(PLANE)
    command = [sys.executable, "-m", "netc", "play", "plane.net"]
    with subprocess.Popen(
        command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as serving:
        assert serving.stdout is not None
        try:
            address = serving.stdout.readline().strip()
            with browser.Browser(tmp_path / "profile") as page:
                page.open(address)
                plays(page, tmp_path)
                assert page.faults == []
                assert page.fetched
                assert all(url.startswith(address) for url in page.fetched)
        finally:
            serving.terminate()
        _, told = serving.communicate()
    assert serving.returncode == 0, told
    assert "Traceback" not in told


def plays(page: browser.Browser, folder: Path) -> None:
    page.until("frame !== null")
    assert page.value("document.querySelector('h1').textContent") == "plane.net"
    assert page.value("document.getElementById('rule').textContent") == "torch.SGD"
    assert page.value("document.querySelectorAll('#equations math').length") > 2
    page.value("document.getElementById('step').click()")
    page.until("frame.step === 1")
    assert "iteration 1 " in page.value("document.getElementById('figures').textContent")
    page.value("document.getElementById('speed').value = 1")
    page.value("document.getElementById('run').click()")
    page.until("frame.step > 4")
    page.value("document.getElementById('run').click()")
    page.until("document.getElementById('run').textContent === 'Run'")
    labels = page.value("[...document.querySelectorAll('.slider span')].map((s) => s.textContent)")
    assert labels == ["momentum", "lr, part 1", "end of part 1", "lr, part 2"]
    page.value(
        "{ const s = document.querySelector('.slider input'); s.value = 800; s.dispatchEvent(new Event('change')); }"
    )
    page.until("frame.numbers[0].value !== 0.5")
    assert math.isclose(page.value("frame.numbers[0].value"), 0.8, rel_tol=1e-6)
    assert page.value("document.querySelector('.slider').classList.contains('moved')")
    page.picture(folder / "page.png")
    if matplotlib := pytest.importorskip("matplotlib.image"):
        assert matplotlib.imread(folder / "page.png").std() > 0.05, "something is drawn"
    page.value("document.getElementById('reset').click()")
    page.until("frame.step === 0")
    page.value("document.getElementById('written').click()")
    page.until("frame.numbers[0].value === 0.5")
    assert os.environ.get("NETC_CACHE")
