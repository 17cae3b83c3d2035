"""`netc report`: what the page says, that it is whole in itself, and that a browser shows it."""

from __future__ import annotations

import base64
import json
import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser

import pytest

from netc.command_line import main

pytest.importorskip("matplotlib")
pytest.importorskip("latex2mathml")

FILE = """data x in linspace(-1, 1, 20) -> 3*x - 1, split = 15
network   [1(tanh)3(lin)1]
init      glorot_uniform
loss      half_mse
optimizer {rule}
train     epochs = 40, batch = 5, seed = 2
expect    loss(train) < 0
"""


class Page(HTMLParser):
    """Tags that are open, and what is on the page."""

    EMPTY = ("meta", "img", "br")

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in self.EMPTY:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data)

    @property
    def text(self) -> str:
        return "".join(self.texts)


@pytest.fixture(scope="module")
def runs(tmp_path_factory, cache):
    root = tmp_path_factory.mktemp("runs")
    found = {}
    for name, rule in (("gd", "gd(eta = 0.05)"), ("slow", "gd(eta = 0.02)")):
        (root / f"{name}.net").write_text(FILE.format(rule=rule))
        assert main(["run", str(root / f"{name}.net"), "--out", str(root / name), "-q"]) == 5, (
            "the claim is false"
        )
        (found[name],) = (root / name).iterdir()
    return found


@pytest.fixture(scope="module")
def page(runs):
    assert main(["report", str(runs["gd"]), "--title", "a < b & c"]) == 0
    return Page((runs["gd"] / "report.html").read_text(encoding="utf-8"))


def test_the_page_says_what_the_folder_holds(runs, page):
    summary = json.loads((runs["gd"] / "summary.json").read_text())
    manifest = json.loads((runs["gd"] / "manifest.json").read_text())
    assert f"{summary['loss']['test']:.4g}" in page.text
    assert manifest["data"]["sha256"] in page.text
    assert manifest["machine"]["processor"] in page.text
    assert f"netc replay {runs['gd']}" in page.text
    assert (runs["gd"] / "spec.net").read_text().strip() in page.text
    assert "✗ fails" in page.text
    assert "a < b & c" in page.text


def test_equations_are_those_of_the_network_and_the_rule(page):
    assert sum(tag == "math" for tag, _ in page.tags) >= 4
    joined = re.sub(r"\s", "", page.text)
    for wanted in ("θn+1=θn", "∇R", "tanh(W1x+b1)"):
        assert wanted in joined
    assert "&=" not in joined


def test_nothing_is_fetched_and_nothing_runs(page):
    assert not page.open, "every tag is closed"
    assert not {tag for tag, _ in page.tags} & {"script", "link", "iframe", "object", "embed", "form", "a"}
    for tag, attributes in page.tags:
        for name, value in attributes.items():
            assert not name.startswith("on")
            assert name not in ("src", "href") or (value or "").startswith("data:image/svg+xml;base64,"), (
                tag,
                name,
            )
    policy = next(a["content"] for t, a in page.tags if t == "meta" and "http-equiv" in a)
    assert policy.startswith("default-src 'none'")
    pictures = {
        a["alt"]: base64.b64decode(a["src"].partition(",")[2]).decode() for t, a in page.tags if t == "img"
    }
    assert list(pictures) == ["curves", "fit", "residuals"]
    assert all("<script" not in svg and "<svg" in svg for svg in pictures.values())


@pytest.mark.sweep
def test_several_runs_stand_side_by_side(runs, tmp_path):
    out = tmp_path / "deep" / "two.html"
    assert main(["report", str(runs["gd"]), str(runs["slow"]), "--out", str(out)]) == 0
    page = Page(out.read_text(encoding="utf-8"))
    assert page.text.index("Side by side") < page.text.index("Equations")
    assert page.text.count("The file, with every default") == 2
    assert page.text.count(runs["slow"].name) >= 2


def test_a_browser_shows_it(runs, page, tmp_path):
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None:
        pytest.skip("needs a browser")
    command = [
        browser,
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        f"--user-data-dir={tmp_path}",
        "--dump-dom",
    ]
    url = (runs["gd"] / "report.html").as_uri()
    shown = subprocess.run([*command, url], capture_output=True, text=True, timeout=120, check=True).stdout
    assert "<h1>a &lt; b &amp; c</h1>" in shown
    assert shown.count("<math") == sum(tag == "math" for tag, _ in page.tags)
    picture = tmp_path / "page.png"
    subprocess.run(
        [*command[:-1], f"--screenshot={picture}", url], capture_output=True, timeout=120, check=True
    )
    image = pytest.importorskip("matplotlib.image").imread(picture)
    assert image.std() > 0.05, "something is drawn"


def test_bad_input_meets_words(runs, tmp_path, capsys, monkeypatch):
    assert main(["report", str(tmp_path)]) == 2
    assert "is not the folder of a run" in capsys.readouterr().err
    (tmp_path / "file").write_text("")
    assert main(["report", str(runs["gd"]), "--out", str(tmp_path / "file" / "x.html")]) == 2
    assert "cannot be written" in capsys.readouterr().err
    monkeypatch.setitem(sys.modules, "latex2mathml.converter", None)
    before = (runs["gd"] / "report.html").read_bytes()
    assert main(["report", str(runs["gd"])]) == 2
    assert 'pip install "netc[report]"' in capsys.readouterr().err
    assert (runs["gd"] / "report.html").read_bytes() == before
