# What a developer runs. Every target installs what it needs first, once, into .venv.

PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin/python
PIP := $(RUN) -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable
ALL := classifier,training,s3,dev

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help setup demo test lint bench chaos

help: ## Say what there is
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-8s%s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(VENV)/.all ## Install everything, for development too, into .venv (6 GB)

demo: $(VENV)/.base ## Hear sample broadcasts and show what is flagged (0.5 GB; neither Kafka nor torch)
	@$(VENV)/bin/pinocchio demo

test: $(VENV)/.all ## Run all tests
	$(RUN) -m pytest

lint: $(VENV)/.all ## Check style and types
	$(RUN) -m ruff check .
	$(RUN) -m ruff format --check .
	$(RUN) -m mypy

bench: $(VENV)/.all ## Measure speed and quality
	$(RUN) -m tests.benchmarks

chaos: $(VENV)/.all ## Kill workers and brokers under load, for some minutes
	$(RUN) -m pytest tests/chaos

# A venv whose making failed half way has no pip, and is made again.
$(VENV)/bin/pip:
	@$(PYTHON) -c 'import sys; sys.exit("Pinocchio needs Python 3.11 or newer: make PYTHON=...") if sys.version_info < (3, 11) else None'
	$(PYTHON) -m venv --clear $(VENV)

$(VENV)/.base: pyproject.toml constraints.txt | $(VENV)/bin/pip
	$(PIP) .
	@touch $@

$(VENV)/.all: pyproject.toml constraints.txt | $(VENV)/bin/pip
	$(PIP) '.[$(ALL)]'
	@touch $@ $(VENV)/.base
