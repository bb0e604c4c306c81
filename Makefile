# Two commands on a fresh machine: `make demo` and `make test`. Each sets up what it needs in .venv.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: help setup demo test lint types unit bench bench-stats clean

help:
	@echo "make demo   visual leakage in one table, on this machine alone"
	@echo "make test   lint, types and all tests"
	@echo "make bench  speed and memory beside the raw limit (about 25 minutes)"
	@echo "make bench-stats  do the intervals cover what they say? Writes the table in docs/statistics.md"
	@echo "make clean  remove the virtual environment and caches"

setup: $(READY)

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[align,dev]'
	touch $(READY)

demo: $(READY)
	$(BIN)/vlsbench demo

test: lint types unit

lint: $(READY)
	$(BIN)/ruff check
	$(BIN)/ruff format --check

types: $(READY)
	$(BIN)/mypy

unit: $(READY)
	$(BIN)/python -m pytest --numprocesses auto

bench: $(READY)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[align,dev,bench]'
	$(BIN)/python -m benchmarks

bench-stats: $(READY)
	$(BIN)/python -m benchmarks.bench_stats --write

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache
