"""The page of the Python interface: examples of docstrings are run, what is public has words, the page is made of these."""

from __future__ import annotations

import doctest
import inspect

from netc import api_page

WITH_EXAMPLES = {
    "compile", "load", "equivalent", "update_rule", "Model.train", "Model.sweep", "Model.save", "Model.predict",
    "Model.judge", "Model.loss", "Model.gradient", "Model.hessian", "Model.unflatten", "Model.flatten",
    "UpdateRule.equations",
    "UpdateRule.trajectory",
}  # fmt: skip


def test_examples_do_what_they_say(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    exec(api_page.BEGINNING, names)
    parser, runner, tried = doctest.DocTestParser(), doctest.DocTestRunner(), set()
    for name, thing in api_page.documented():
        test = parser.get_doctest(api_page.text_of(thing), dict(names), name, None, 0)
        if test.examples:
            tried.add(name)
            said: list[str] = []
            runner.run(test, out=said.append)
            assert not said, "".join(said)
    assert tried >= WITH_EXAMPLES


def test_what_is_public_has_words():
    for name, thing in api_page.documented():
        if inspect.isfunction(thing) or inspect.isclass(thing):
            assert api_page.text_of(thing), name


def test_the_page_has_all_of_it():
    page = api_page.page()
    for name, _ in api_page.documented():
        assert f"# {name}\n" in page
    assert ">>> model.predict(X).shape\n(20, 1)" in page
    assert page.count("```") % 2 == 0
