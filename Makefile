# Two commands on a fresh machine: `make demo` and `make test`. Each sets up what it needs in .venv.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: help setup browser demo test lint format types unit coverage api docs inspect bench bench-stats faults faults-workers clean

help:
	@echo "make demo   visual leakage in one table, on this machine alone"
	@echo "make test   lint, types and all tests"
	@echo "make format  lay the code out, and mend what can be mended without thinking"
	@echo "make coverage  all tests, and the share of lines and branches they reach"
	@echo "make api    docs/api.md, anew from the docstrings"
	@echo "make docs   the documentation as a site, in site/; every link is checked"
	@echo "make inspect  the newest Inspect in .venv-inspect: does it read our logs, run vlsbench, ask its providers?"
	@echo "make bench  speed and memory beside the raw limit and beside peers (takes a while, on an idle machine)"
	@echo "make bench-stats  do the intervals cover what they say? Writes the table in docs/statistics.md"
	@echo "make faults  ten minutes of misbehaving servers, kills, damaged files and full disks: what does not hold?"
	@echo "make faults-workers  the same for workers on Ray: kills of workers, nodes and drivers"
	@echo "make clean  remove the virtual environment and caches"

setup: $(READY)

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[align,dev,report]'
	touch $(READY)

demo: $(READY)
	$(BIN)/vlsbench demo

test: lint types unit

lint: $(READY)
	$(BIN)/ruff check
	$(BIN)/ruff format --check

format: $(READY)
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

types: $(READY)
	$(BIN)/mypy

# The report is tested in Chromium: installed where that is allowed; elsewhere those tests are skipped, in CI they fail.
browser:
	@command -v chromium chromium-browser google-chrome >/dev/null || { test "$$(id -u)" = 0 && command -v apt-get >/dev/null \
	  && { apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium >/dev/null; }; } \
	  || echo "no Chromium here, and no right to install it: apt-get install chromium"

unit: $(READY) browser
	$(BIN)/python -m pytest --numprocesses auto

# Workers and processes that tests start are measured too; what is reached, and the floor, is set in pyproject.toml.
coverage: $(READY) browser
	$(BIN)/python -m coverage erase
	$(BIN)/python -m coverage run -m pytest --numprocesses auto
	$(BIN)/python -m coverage combine --quiet
	$(BIN)/python -m coverage report

api: $(READY)
	$(BIN)/python docs/make_api.py

# Strict: a link that leads nowhere, or a page that no menu names, is an error.
docs: $(READY) api
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[docs]'
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict
	@echo "open site/index.html"

# Inspect wants other versions of shared packages than constraints.txt: an environment of its own.
inspect: $(READY)
	$(PYTHON) -m venv .venv-inspect
	.venv-inspect/bin/python -m pip install --quiet --disable-pip-version-check --upgrade --editable '.[inspect]' openai
	INSPECT_PYTHON=$(CURDIR)/.venv-inspect/bin/python $(BIN)/python -m pytest tests/interchange/test_with_inspect.py tests/models/providers/test_through_inspect.py

# Inspect AI wants older packages than constraints.txt has: the peers have an environment of their own.
PEERS_READY := .venv-peers/.ready

peers: $(PEERS_READY)

$(PEERS_READY): benchmarks/peers.txt
	$(PYTHON) -m venv .venv-peers
	.venv-peers/bin/python -m pip install --quiet --disable-pip-version-check --requirement benchmarks/peers.txt
	touch $(PEERS_READY)

bench: $(READY) $(PEERS_READY)
	$(BIN)/python -m benchmarks --peers $(BENCH)

bench-stats: $(READY)
	$(BIN)/python -m benchmarks.bench_stats --write

faults: $(READY)
	$(BIN)/python -m benchmarks.faults $(FAULTS)

faults-workers: $(READY)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[ray]' psutil
	$(BIN)/python -m benchmarks.faults_workers $(FAULTS)

clean:
	rm -rf $(VENV) .venv-inspect site dist .mypy_cache .ruff_cache .pytest_cache .coverage .coverage.*
