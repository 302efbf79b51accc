# `make demo` and `make test` set up everything they need in .venv; `make help` lists the words.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
TORCH := torch==2.13.0

.DEFAULT_GOAL := help
.PHONY: help setup check fix test demo bench docs clean

help:  ## say what each word does
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 10

setup: $(VENV)/.ready  ## make .venv with modelhub and everything the demo, tests and checks need

$(VENV)/.ready: pyproject.toml setup.py constraints.txt $(wildcard modelhub/store/loops/*.[ch] modelhub/weights/*.c)
	$(PYTHON) -c 'import sys; sys.exit("modelhub needs Python 3.11 or newer, set PYTHON=python3.12 or so") if sys.version_info < (3, 11) else None'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade "pip>=25.1"
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt $(TORCH)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[torch,arrow,demo]' --group test --group check
	touch $@

check: setup  ## lint, format, types, layers, spelling, generated pages
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/codespell modelhub docs examples benchmarks README.md CONTRIBUTING.md CHANGELOG.md

fix: setup  ## let ruff mend what it can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

test: setup  ## run all tests
	$(BIN)/python -m compileall -q modelhub
	$(BIN)/python -m pytest -n 2 --dist worksteal

demo: setup  ## train a small network, version it, ask about it (under two minutes after setup)
	$(BIN)/python examples/digits/demo.py

bench: setup  ## print the benchmarks (MODELS=folder made by a fetch of real files, PEERS_BIN=bin with dvc and others)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[bench]'
	$(BIN)/python benchmarks/run.py --models "$(MODELS)" --checkpoints "$(CHECKPOINTS)" --peers-bin "$(PEERS_BIN)"

docs: setup  ## write the generated reference pages anew
	$(BIN)/python -m modelhub.cli.reference
	$(BIN)/python -m modelhub.catalog.views > docs/reference/sql-views.md
	$(BIN)/python -m modelhub.catalog.schema > modelhub/catalog/schema.sql

clean:  ## remove .venv and caches
	rm -rf $(VENV) .mypy_cache .ruff_cache .hypothesis .import_linter_cache build dist modelhub/store/loops/*.so modelhub/weights/*.so
