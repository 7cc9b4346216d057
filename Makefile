# Seven words: dev demo test check policy docs bench.
SHELL := /bin/bash
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# What must be covered whole, every branch; measured on these tests alone, so that a test elsewhere cannot hide a hole.
WHOLE := tests/audit tests/gateway/core tests/gateway/test_parking.py $(wildcard tests/gateway/test_pipeline*.py)
COVER := $(addprefix --cov=,audit gateway.core gateway.pipeline gateway.acting gateway.judging gateway.reconciling)
REST := $(addprefix --ignore=,$(WHOLE))
FAST := -m "not slow and not soak" -n 2
SLOW := -m "slow and not soak" -n 2

.PHONY: help dev demo test check policy docs bench

help:
	@echo "make dev     install everything into $(VENV)"
	@echo "make demo    the whole story on this machine, about a minute"
	@echo "make test    check, fast suite, slow suite (FULL=1 adds soaks)"
	@echo "make check   format, lint, types, imports, policy lint, generated files"
	@echo "make policy  test and build the policy library"
	@echo "make docs    regenerate schemas, reference pages, pictures"
	@echo "make bench   speed, side by side with the bare thing"

$(VENV)/.ready: requirements-dev.lock pyproject.toml
	@echo "Installing locked dependencies into $(VENV) …"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed: make PYTHON=python3.11 …"; exit 1; }
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

dev: $(VENV)/.ready
	@$(BIN)/python -m gateway.adapters.opa.binary >/dev/null
	@echo "Ready. Next: make demo"

demo: dev
	@$(BIN)/loopgate demo

check: dev
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/loopgate policy check policies
	@$(BIN)/python -m gateway.cli.generate --check

policy: dev
	@$(BIN)/loopgate policy check policies
	@$(BIN)/loopgate policy test policies
	@$(BIN)/loopgate policy build policies --out build/policy

docs: dev
	@$(BIN)/python -m gateway.cli.generate
	@$(BIN)/loopgate demo --svg docs/images/demo.svg

bench: dev
	@$(BIN)/python -m tests.bench

test: check
	@$(BIN)/pytest -q $(WHOLE) -m "not soak" -n 2 $(COVER) --cov-branch --cov-report=term:skip-covered --cov-fail-under=100
	@$(BIN)/pytest -q $(FAST) $(REST)
	@$(BIN)/pytest -q $(SLOW) $(REST) --durations=10
ifdef FULL
	@$(BIN)/pytest -m soak
endif
