# The README's commands under short names, and what a contributor runs.
python := .venv/bin/python

.PHONY: boston test check bench tables mutants site clean

boston: .venv
	.venv/bin/netc run examples/boston.net

test: .venv
	$(python) -m pytest

check: .venv
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy -p netc

bench: .venv
	.venv/bin/pip install --quiet -e '.[test,peers]'
	PYTHONPATH=tests $(python) -m bench --write docs/performance.md --excerpt README.md
	PYTHONPATH=tests $(python) -m bench.launch --write docs/performance.md
	PYTHONPATH=tests $(python) -m bench.starts --write docs/performance.md
	PYTHONPATH=tests $(python) -m bench.windows
	PYTHONPATH=tests $(python) -m bench.layers

tables: .venv
	PYTHONPATH=tests $(python) -m tables --write

# Planted faults: an hour or two; goes on where it was left.
mutants: .venv
	PYTHONPATH=tests nice -n 19 $(python) -m mutants --sample 300 --seed 1

site: .venv
	.venv/bin/pip install --quiet -e '.[docs]'
	.venv/bin/mkdocs build --strict -f .ci/mkdocs.yml

clean:
	rm -rf .venv build *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis

# An editable install sees a new source file only when it is made again.
.venv: pyproject.toml $(shell find grammar dsl compiler runtime -name "*.py" -o -name "*.net" -o -name "*.lark")
	python3 -m venv .venv
	.venv/bin/pip install --quiet -e '.[test]'
	touch .venv
