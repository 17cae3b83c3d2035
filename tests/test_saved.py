"""Models that are saved, loaded, asked for predictions, and trained further."""

import itertools
import json
import pickle
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import netc
from exported import C_FLAGS, FORTRAN_FLAGS, called, compiler, library
from exported import run as compiled
from netc.command_line import main

BAD = Path(__file__).with_name("bad_predict")
EXAMPLE = Path(__file__).parents[1] / "examples" / "export"
REGRESSION = """data "people.csv", target = y, scale = zscore, split = 75%, seed = 1
network   [2(tanh)3(lin)1]
init      glorot_uniform
loss      half_mse
optimizer torch.Adam(lr = 0.01)
train     epochs = 8, batch = 8, seed = 2
expect    steps = 32
"""
CLASSES = """data "people.csv", target = kind, inputs = (height, weight), scale = minmax, missing = mean
network   [2 (dense) 3 (lecture.batchnorm, tanh) (dense, softmax) 3]
init      glorot_uniform
loss      cross_entropy
optimizer torch.Adam(lr = 0.01)
train     epochs = 8, batch = 8, seed = 2
"""
BOWL = """objective R(x, y) = x^2 + 3*y^2
init theta ~ uniform(-1, 1)
optimizer gd(eta = 0.1)
train steps = 30, runs = 4, seed = 1, stop = R(theta[n]) < 1e-4
points minima = {(0, 0)} within 0.1
"""
RANDOM = np.random.default_rng(5)
X = RANDOM.normal(size=(40, 2)) * [10, 30] + [170, 70]
Y = X @ [1.0, -2.0]
KIND = np.where(X[:, 0] > 172, "tall", np.where(X[:, 1] > 75, "wide", "none of these"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("runs")
    rows = zip(X.tolist(), Y.tolist(), KIND.tolist(), strict=True)
    table = "\n".join(["height,weight,y,kind", *(f"{a},{b},{y},{k}" for (a, b), y, k in rows)]) + "\n"
    (place / "people.csv").write_text(table)
    inputs = "\n".join(["weight,id,height", *(f"{b},u{i},{a}" for i, (a, b) in enumerate(X.tolist()))]) + "\n"
    (place / "new.csv").write_text(inputs)
    (place / "line.net").write_text(REGRESSION.replace("target = y", "target = y, inputs = (height, weight)"))
    (place / "kinds.net").write_text(CLASSES)
    return place


def run(folder, name, out=None):
    """The folder that `netc run` makes."""
    out = out or folder / f"out-{name}"
    assert main(["run", str(folder / f"{name}.net"), "--quiet", "--json", "--out", str(out)]) == 0
    (made,) = out.iterdir()
    return made


@pytest.fixture(scope="module")
def line(folder):
    return run(folder, "line"), netc.compile(folder / "line.net")


@pytest.fixture(scope="module")
def kinds(folder):
    return run(folder, "kinds"), netc.compile(folder / "kinds.net")


@pytest.fixture(scope="module")
def all_columns(folder):
    """A model whose file chooses no columns."""
    pandas = pytest.importorskip("pandas")
    model = netc.compile(REGRESSION.replace('"people.csv"', "given"), epochs=1)
    model.train(pandas.DataFrame({"height": X[:, 0], "weight": X[:, 1], "y": Y}))
    model.save(folder / "all.safetensors")
    return folder / "all.safetensors"


# -- reading back ----------------------------------------------------------------------------------


@pytest.mark.sweep
def test_a_runs_folder_predicts_what_the_trained_model_does_without_its_data(line, kinds, folder, tmp_path):
    for path, model in (line, kinds):
        result = model.train()
        again = netc.load(path)
        np.testing.assert_array_equal(again.predict(X), model.predict(X))
        assert (again.classes, again.columns) == (model.classes, ("height", "weight"))
        assert again.target_columns == model.target_columns
        np.testing.assert_array_equal(again.result.theta, result.theta)
    gaps = np.array([[np.nan, 60.0]])
    np.testing.assert_array_equal(again.predict(gaps), again.predict([[X[:, 0].mean(), 60.0]]))
    moved = tmp_path / "elsewhere"
    moved.mkdir()
    for name in ("spec.net", "manifest.json", "theta.safetensors"):
        content = (path / name).read_bytes()
        (moved / name).write_bytes(content.replace(str(folder).encode(), b"/nowhere"))
    assert (netc.load(moved).predict(X, labels=True) == model.predict(X, labels=True)).all()
    with pytest.raises(ValueError, match=r"no readable summary\.json"):
        _ = netc.load(moved).result


def test_a_folders_result_is_that_of_the_training(line):
    path, model = line
    kept, result = netc.load(path).result, model.train()
    assert kept.history.keys() == result.history.keys()
    for name, column in result.history.items():
        np.testing.assert_array_equal(kept.history[name], column, err_msg=name)
    assert kept.final.keys() == result.final.keys()
    for name, column in result.final.items():
        np.testing.assert_allclose(kept.final[name], column, rtol=1e-15, err_msg=name)
    here, there = kept.summary, result.summary
    for summary in (here, there):
        for name in ("folder", "seconds", "file"):
            summary.pop(name, None)
    assert here == there
    assert [v.holds for v in kept.expect] == [True]
    np.testing.assert_array_equal(kept.best, result.best)
    np.testing.assert_array_equal(kept.model.predict(X), model.predict(X))


def test_several_runs_are_read_back_with_their_ends(tmp_path):
    (tmp_path / "bowl.net").write_text(BOWL)
    path, result = run(tmp_path, "bowl"), netc.compile(tmp_path / "bowl.net").train()
    kept = netc.load(path).result
    for name in (
        "theta",
        "steps",
        "epochs",
        "stopped",
        "outcome",
        "reached",
        "kind",
        "loss_train",
        "gradient_norm",
    ):
        np.testing.assert_array_equal(getattr(kept, name), getattr(result, name), err_msg=name)
    np.testing.assert_array_equal(kept.history["run"], result.history["run"])
    assert netc.load(path, 3).loss(netc.load(path, 3)._theta) == result.loss_train[3]
    with pytest.raises(ValueError, match="no run 4"):
        netc.load(path, 4)


@pytest.mark.sweep
def test_a_model_goes_through_a_file(kinds, tmp_path):
    _, model = kinds
    model.train()
    model.save(tmp_path / "kinds.safetensors")
    again = netc.load(tmp_path / "kinds.safetensors")
    np.testing.assert_array_equal(again.predict(X), model.predict(X))
    assert again.classes == ("none of these", "tall", "wide")
    assert again.result is None
    assert (pickle.loads(pickle.dumps(again)).predict(X) == model.predict(X)).all()
    with pytest.raises(ValueError, match="loaded without its data: give X and y"):
        again.loss(again._theta)
    assert again.loss(again._theta, X, KIND) == pytest.approx(model.loss(model._theta, X, KIND))
    with pytest.raises(ValueError, match=r"saved as NAME\.safetensors, not as 'kinds\.pt'"):
        model.save(tmp_path / "kinds.pt")
    with pytest.raises(ValueError, match="nothing was trained yet"):
        netc.compile(BOWL).save(tmp_path / "bowl.safetensors")


def test_single_precision_is_kept(folder, tmp_path):
    model = netc.compile(folder / "line.net", precision="f32")
    model._theta = np.float32(RANDOM.normal(size=13))
    model.save(tmp_path / "single.safetensors")
    again = netc.load(tmp_path / "single.safetensors")
    assert again._theta.dtype == np.float32
    np.testing.assert_array_equal(again._theta, model._theta)
    assert again._session.program.training.precision == "f32"


def test_what_is_no_model_is_refused_in_words(line, tmp_path):
    path, model = line
    with pytest.raises(FileNotFoundError):
        netc.load(tmp_path / "nothing")
    with pytest.raises(
        ValueError, match=r"not the folder of a run that has ended: it has no readable spec\.net"
    ):
        netc.load(tmp_path)
    with pytest.raises(ValueError, match="a part of a run: give its folder"):
        netc.load(path / "theta.safetensors")

    def damaged(name, change):
        place = tmp_path / f"d{len(list(tmp_path.iterdir()))}"
        place.mkdir()
        for file in path.iterdir():
            (place / file.name).write_bytes(file.read_bytes())
        (place / name).write_bytes(change((place / name).read_bytes()))
        return place

    newer = damaged("manifest.json", lambda b: b.replace(b'"netc": "0.', b'"netc": "9.'))
    with pytest.raises(
        ValueError,
        match=r"cannot be read: it was made by netc 9\.1\.0, this is .*: a newer netc reads it",
    ):
        netc.load(newer)
    for name in ("manifest.json", "theta.safetensors", "spec.net"):
        for change in (lambda b: b[: len(b) // 2], lambda b: b"", lambda b: b"[]"):
            with pytest.raises(
                ValueError, match=r"' is damaged: |not the folder of a run that has ended: it has no"
            ):
                netc.load(damaged(name, change))
    for name in ("summary.json", "history.csv"):
        with pytest.raises(ValueError, match=r"the tables of .* cannot be read"):
            _ = netc.load(damaged(name, lambda b: b[: len(b) // 2])).result
    fewer = damaged("manifest.json", lambda b: b.replace(b'"height",', b""))
    with pytest.raises(ValueError, match=r"' is damaged: .*the network takes 2 inputs, the data has 1"):
        netc.load(fewer)
    from safetensors.numpy import save_file

    save_file(model.unflatten(np.zeros(model.parameters)), tmp_path / "bare.safetensors")
    with pytest.raises(ValueError, match="tensors alone"):
        netc.load(tmp_path / "bare.safetensors")


# -- predictions -----------------------------------------------------------------------------------


def predicted(arguments, capsys):
    assert main(["predict", *map(str, arguments)]) == 0
    head, *rows = [line.split(",") for line in capsys.readouterr().out.splitlines()]
    return head, rows


def test_predict_finds_columns_by_name_and_speaks_raw_units(line, folder, capsys, tmp_path):
    path, model = line
    model.train()
    head, rows = predicted([path, folder / "new.csv", "--keep", "id"], capsys)
    assert head == ["id", "y"]
    assert [row[0] for row in rows] == [f"u{i}" for i in range(40)]
    np.testing.assert_array_equal([float(row[1]) for row in rows], model.predict(X)[:, 0])
    out = tmp_path / "out.csv"
    assert main(["predict", str(path), str(folder / "new.csv"), "--keep", "id", "--out", str(out)]) == 0
    assert out.read_text().splitlines()[1] == ",".join(rows[0])
    assert main(["predict", str(path), str(folder / "new.csv"), "--keep", "id", "--number", "1"]) == 2


@pytest.mark.sweep
def test_predict_leaves_out_what_the_training_left_out(line, folder, capsys, tmp_path):
    """The table of the training goes in as it is; a slip in the name of an input still has no answer."""
    path, model = line
    model.train()
    head, rows = predicted([path, folder / "people.csv"], capsys)
    assert head == ["y"]
    np.testing.assert_array_equal([float(row[0]) for row in rows], model.predict(X)[:, 0])
    slip = tmp_path / "slip.csv"
    slip.write_text("height,wieght,kind\n1,2,tall\n")
    assert main(["predict", str(path), str(slip)]) == 3
    assert "'wieght' is no column of the model: rename it to 'weight'" in capsys.readouterr().err
    weighted = tmp_path / "weighted.csv"
    rows = [
        "height,weight,y,times",
        *(f"{a},{b},{c},2" for (a, b), c in zip(X.tolist(), Y.tolist(), strict=True)),
    ]
    weighted.write_text("\n".join(rows) + "\n")
    text = REGRESSION.replace('"people.csv"', f'"{weighted}", weights = times')
    other = netc.compile(text.replace("half_mse", "half_mse, divide = samples"), epochs=1)
    other.train()
    other.save(tmp_path / "weighted.safetensors")
    head, rows = predicted([tmp_path / "weighted.safetensors", weighted], capsys)
    np.testing.assert_array_equal([float(row[0]) for row in rows], other.predict(X)[:, 0])


def test_predict_names_classes_and_their_probabilities(kinds, folder, capsys):
    path, model = kinds
    model.train()
    head, rows = predicted([path, folder / "new.csv", "--keep", "id"], capsys)
    assert head[1:] == ["kind", "probability(none of these)", "probability(tall)", "probability(wide)"]
    assert [row[1] for row in rows] == model.predict(X, labels=True).tolist()
    np.testing.assert_array_equal(np.array([row[2:] for row in rows], float), model.predict(X))


@pytest.mark.parametrize("table", sorted(BAD.glob("*.csv")), ids=lambda path: path.stem)
def test_a_table_that_does_not_fit_meets_the_pinned_message(
    table, line, all_columns, monkeypatch, capsys, update_golden
):
    monkeypatch.chdir(BAD)
    assert main(["predict", str(all_columns if table.stem.startswith("E0721") else line[0]), table.name]) == 3
    said = capsys.readouterr().err
    pinned = table.with_suffix(".out")
    if update_golden:
        pinned.write_text(said, encoding="utf-8")
    assert said == pinned.read_text(encoding="utf-8")
    assert f"[{table.stem[:5]}]" in said


def test_numbers_of_a_table_that_float64_does_not_have(line, tmp_path, capsys):
    """An input would be another number, and an id that is kept the id of another row."""
    path, model = line
    model.train()
    table = "id,height,weight\n9007199254740993,{},2\n9007199254740995,2,3\n"
    for row, height in (("id", "1"), ("height", "9007199254740993")):
        (tmp_path / "large.csv").write_text(
            table.format(height).replace("740995", "740994" if row == "height" else "740995")
        )
        assert main(["predict", str(path), str(tmp_path / "large.csv"), "--keep", "id"]) == 3
        assert "9007199254740993 would be read as 9007199254740992" in capsys.readouterr().err


def test_what_can_be_done_with_a_run_that_cannot_go_on(line, folder, tmp_path, capsys):
    made, _ = line
    assert main(["run", "--resume", str(made)]) == 2
    assert f'init from "{made / "theta.safetensors"}"' in capsys.readouterr().err
    copy = tmp_path / "killed"
    shutil.copytree(made, copy)
    for file in copy.glob("*.safetensors"):
        file.unlink()
    for command in (
        ["export", str(copy), str(tmp_path / "m.c")],
        ["replay", str(copy)],
        ["run", "--resume", str(copy)],
    ):
        assert main(command) == 2
        said = capsys.readouterr().err
        assert "it has no checkpoint to go on from: run its file anew" in said
        assert "netc run --resume" not in said


# -- training further ------------------------------------------------------------------------------


def test_a_training_that_goes_on_is_one_that_did_not_end(line):
    _, model = line
    whole = model.train(epochs=8, runs=3)
    half = model.train(epochs=5, runs=3)
    before = {name: array.copy() for name, array in half.checkpoint.items()}
    on = model.train(epochs=8, runs=3, resume=half.checkpoint)
    np.testing.assert_array_equal(on.theta, whole.theta)
    np.testing.assert_array_equal(on.history["loss_train"], whole.history["loss_train"])
    for name, array in before.items():
        np.testing.assert_array_equal(half.checkpoint[name], array, err_msg=name)
    anew = model.train(epochs=3, runs=3, theta=half.theta)  # with fresh moments it goes elsewhere
    assert not np.array_equal(anew.theta, whole.theta)
    with pytest.raises(ValueError, match="it has done 20 steps, this training ends after 4"):
        model.train(epochs=1, runs=3, resume=half.checkpoint)
    with pytest.raises(ValueError, match="the checkpoint does not fit"):
        model.train(epochs=8, resume=half.checkpoint)


def test_a_run_goes_on_from_its_folder(line, folder):
    made, model = line
    loaded = netc.load(made)
    on = loaded.train(epochs=11, resume=loaded.result.checkpoint)
    np.testing.assert_array_equal(on.theta, model.train(epochs=11).theta)
    np.testing.assert_array_equal(on.history["loss_train"], model.train(epochs=11).history["loss_train"])
    copy = folder / "gone-on"
    shutil.copytree(made, copy)
    end = copy / "end.safetensors"
    whole = end.read_bytes()
    end.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    with pytest.raises(ValueError, match=r"end\.safetensors is damaged: it is not what was written"):
        _ = netc.load(copy).result
    end.unlink()
    with pytest.raises(ValueError, match=r"the checkpoint is empty: .* too large to be kept in the folder"):
        loaded.train(epochs=11, resume=netc.load(copy).result.checkpoint)


def test_a_run_does_not_go_on_with_other_data(line, folder):
    made, _ = line
    loaded, table = netc.load(made), folder / "people.csv"
    before = table.read_text()
    try:
        table.write_text(before.replace("tall", "long"))
        loaded.train(epochs=9, resume=loaded.result.checkpoint)  # a column that is not read
        loaded = netc.load(made)
        table.write_text(before.replace("\n1", "\n2", 1))
        with pytest.raises(
            ValueError, match="the data are not those of the training that the checkpoint is of"
        ):
            loaded.train(epochs=9, resume=loaded.result.checkpoint)
    finally:
        table.write_text(before)


def test_a_given_start_is_where_the_runs_begin(line):
    _, model = line
    start = RANDOM.normal(size=(2, 13))
    at_start = []
    result = model.train(theta=start, callback=lambda r: at_start.append(r.theta) or True)
    np.testing.assert_array_equal(at_start[0], start)
    np.testing.assert_array_equal(result.theta, start)
    assert result.loss_train.tolist() == [model.loss(row) for row in start]
    named = model.train(theta=model.unflatten(start[1]), steps=2)
    np.testing.assert_array_equal(named.theta[0], model.train(theta=start[1], steps=2).theta[0])
    for wrong, words in (
        (start[:, :5], r"theta is \(13,\) or \(runs, 13\).* shape \(2, 5\)"),
        (np.full(13, np.nan), "theta holds nan"),
        ({"layer1.weight": start}, r"no layer1\.bias"),
    ):
        with pytest.raises(ValueError, match=words):
            model.train(theta=wrong)
    with pytest.raises(ValueError, match="2 rows for 3 runs"):
        model.train(theta=start, runs=3)


def test_a_callback_looks_and_may_stop(line):
    _, model = line
    seen = []

    def look(report):
        seen.append((report.epoch, float(report.figures["loss_train"][0]), report.theta[0]))
        return report.epoch >= 3

    result = model.train(callback=look)
    assert [epoch for epoch, _, _ in seen] == [0, 1, 2, 3]
    assert (result.stopped.tolist(), result.steps.tolist(), result.interrupted) == (["callback"], [12], False)
    assert [loss for _, loss, _ in seen] == result.history["loss_train"].tolist()
    np.testing.assert_array_equal(seen[-1][2], model.train(epochs=3).theta[0])
    assert seen[0][1] == pytest.approx(model.loss(seen[0][2]), rel=1e-14)
    with pytest.raises(ZeroDivisionError):
        model.train(callback=lambda report: 1 / 0)
    assert "test" in "".join(model.train(callback=None).history)


@pytest.mark.parametrize(
    ("keywords", "words"),
    [
        ({"validation": (X, Y)}, r"'validation'.*validation_data=\(X, y\)"),
        (
            {"validation_data": (X, Y, X)},
            r"validation_data is \(X, y\), the samples of a validation part, not a tuple of 3",
        ),
        ({"validation_data": X}, r"validation_data is \(X, y\), .*not a ndarray"),
        (
            {"resume": "runs/line"},
            r"resume is result.checkpoint of a training, or netc.load\(FOLDER\).*, not str",
        ),
        ({"class_weight": {0: 1}}, "'class_weight': classes have their weights in the file"),
        ({"init": np.zeros(13)}, "'init': a start is given as theta="),
        (
            {"lr": np.zeros(3)},
            r"train\(lr=...\): a hyper-parameter or setting is a number or a text, not ndarray",
        ),
        ({"callback": 3}, "callback is a function of one report"),
    ],
)
def test_keywords_of_others_are_answered(line, keywords, words):
    with pytest.raises(TypeError, match=words):
        line[1].train(**keywords)


# -- what a prompt and a notebook show -------------------------------------------------------------


def test_models_and_results_are_short_at_a_prompt(line):
    _, model = line
    result = model.train()
    assert repr(model).endswith("line.net: [2(tanh)3(lin)1], 13 parameters, torch.Adam, trained>")
    text = repr(result)
    assert len(text) < 500
    assert f"{result.loss_train[0]:.4g}" in text
    assert "32 steps, ended by: epochs" in text
    first = result.model
    model.train(seed=77)
    np.testing.assert_array_equal(first.predict(X), first.predict(X, theta=result.theta[0]))


def test_notebooks_see_the_network_the_rule_and_the_curves(line):
    from xml.etree import ElementTree

    _, model = line
    result = model.train()
    latex = model._repr_latex_()
    assert r"a_{1} &= \operatorname{tanh}(W_{1} x + b_{1}) \\" in latex
    assert latex.count(r"\begin") == latex.count(r"\end")
    assert "torch.Adam" in model._repr_html_()
    tree = ElementTree.fromstring(f"<body>{result._repr_html_()}</body>")
    curves = [e.get("points").split() for e in tree.iter() if e.tag.endswith("polyline")]
    assert [len(points) for points in curves] == [9, 9]
    heights = [float(point.split(",")[1]) for point in curves[0]]
    losses = result.history["loss_train"]
    assert [a < b for a, b in itertools.pairwise(heights)] == (losses[1:] < losses[:-1]).tolist()
    assert json.dumps(result.summary)


def test_a_cell_of_a_notebook_is_a_file(capsys):
    class Shell:
        def __init__(self):
            self.user_ns, self.cells = {}, {}

        def register_magic_function(self, function, kind, name):
            self.cells[kind, name] = function

    shell = Shell()
    netc.load_ipython_extension(shell)
    magic = shell.cells["cell", "netc"]
    assert magic("bowl", BOWL) is shell.user_ns["bowl"]
    assert isinstance(shell.user_ns["bowl"], netc.Model)
    result = magic("bowl ended", BOWL)
    np.testing.assert_array_equal(result.theta, netc.compile(BOWL).train().theta)
    assert shell.user_ns["ended"] is result
    assert magic("wrong", BOWL.replace("gd", "gdd")) is None
    assert "E0" in capsys.readouterr().err
    assert "wrong" not in shell.user_ns
    assert magic("", BOWL) is None
    assert "%%netc NAME" in capsys.readouterr().err


# -- C and Fortran ---------------------------------------------------------------------------------


@pytest.mark.parametrize("language", ["c", "f90"])
def test_exported_sources_predict_what_the_model_does(line, kinds, tmp_path, language):
    sources = {}
    for name, (path, _) in (("line", line), ("kinds", kinds)):
        file = tmp_path / f"{name}.{language}"
        assert main(["export", str(path), str(file), "--prefix", name, "--derivative"]) == 0
        sources[name] = file.read_text()
    found = library(tmp_path / "made", language, sources)
    for name, (path, _) in (("line", line), ("kinds", kinds)):
        model = netc.load(path)
        expected = model.predict(X)
        outputs = called(found, f"{name}_predict", X, expected.shape[1])
        np.testing.assert_allclose(outputs, expected, rtol=0, atol=16 * np.spacing(np.abs(expected).max()))
        slopes = called(found, f"{name}_derivative", X, 2 * expected.shape[1]).reshape(40, -1, 2)
        for column, step in enumerate(np.diag([1e-4, 1e-4])):
            differences = (model.predict(X + step) - model.predict(X - step)) / 2e-4
            np.testing.assert_allclose(slopes[:, :, column], differences, rtol=1e-6, atol=1e-8)
    assert "maybe" not in sources["kinds"]
    assert "none of these, tall, wide" in sources["kinds"]


@pytest.fixture(scope="module")
def pendulum(tmp_path_factory):
    return run(EXAMPLE, "pendulum", tmp_path_factory.mktemp("pendulum"))


@pytest.mark.parametrize("language", ["c", "f90"])
def test_the_example_swings_as_the_pendulum_does(language, pendulum, tmp_path):
    """The period of a pendulum from 1 rad is 4 K(sin 1/2), its stiffness at rest 1."""
    model = tmp_path / f"model.{language}"
    assert main(["export", str(pendulum), str(model), "--derivative"]) == 0
    flags = C_FLAGS if language == "c" else FORTRAN_FLAGS
    program = [model.name, str(EXAMPLE / f"pendulum.{language}")]
    compiled([compiler(language), *flags, *program, "-lm", "-o", "swing"], tmp_path)
    said = re.fullmatch(r"period ([\d.]+)\nstiffness at rest ([\d.]+)\n", compiled(["./swing"], tmp_path))
    assert said is not None
    assert float(said[1]) == pytest.approx(4 * 1.6750, abs=0.01)
    assert float(said[2]) == pytest.approx(1, abs=0.01)


@pytest.mark.slow
def test_a_call_is_timed_in_a_loop_of_each(pendulum):
    """The script ends where one of them gives another output."""
    pytest.importorskip("onnxruntime")
    pytest.importorskip("torch")
    compiler("c")
    command = [sys.executable, str(EXAMPLE / "per_call.py"), str(pendulum), "--calls", "40"]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    ways = [re.fullmatch(r" *\d+ ns a call   (\w+).*", line) for line in said.splitlines()]
    fortran = ["Fortran"] if shutil.which("gfortran") else []
    assert [way and way[1] for way in ways] == ["C", *fortran, "onnxruntime", "PyTorch"]


@pytest.mark.parametrize(
    ("file", "options", "words"),
    [
        ("model.pdf", [], "ends in no format that netc writes: .c, .f90"),
        ("model.c", ["--prefix", "1x"], "a name of C and Fortran"),
        ("nowhere/model.c", [], "cannot be written"),
        ("model.c", ["--number", "7"], "no run 7"),
    ],
)
def test_exports_that_cannot_be_are_said(line, file, options, words, tmp_path, capsys):
    assert main(["export", str(line[0]), str(tmp_path / file), *options]) == 2
    assert words in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_what_has_no_outputs_or_is_not_finite_is_not_exported(kinds, tmp_path, capsys):
    (tmp_path / "bowl.net").write_text(BOWL)
    path = run(tmp_path, "bowl")
    assert main(["export", str(path), str(tmp_path / "bowl.c")]) == 2
    assert "an objective: it has no inputs and outputs" in capsys.readouterr().err
    model = netc.load(kinds[0])
    model._theta = np.full(model.parameters, np.nan)
    model.save(tmp_path / "lost.safetensors")
    assert main(["export", str(tmp_path / "lost.safetensors"), str(tmp_path / "lost.c")]) == 2
    assert "not finite: the training diverged" in capsys.readouterr().err
