# One vocabulary for people, hooks and CI. Every target sets up what it needs.
.DEFAULT_GOAL := help
.PHONY: help setup demo up test test-slow test-browser check docs bench

PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready

help:
	@echo "make setup      the environment: .venv from requirements.lock"
	@echo "make demo       the year 2013 in minutes: arrive, judge, publish, watch"
	@echo "make up         Prefect, worker, controller, MLflow, the prediction service and the status site, until Ctrl-C"
	@echo "make test       check, then every test that is not slow"
	@echo "make test-slow  the tests that take minutes"
	@echo "make test-browser  the pages, in the Chromium of this machine"
	@echo "make check      ruff, mypy --strict, import contracts, the documentation, pip-audit"
	@echo "make docs       the documentation as a site, in build/docs; docs/reference anew from the types"
	@echo "make bench      the figures of the README, measured here"

setup: $(READY)

$(READY): requirements.lock pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@test -x $(BIN)/uv || $(BIN)/python -m pip install --quiet uv
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes --compile-bytecode -r requirements.lock
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --editable .
	@touch $@

demo: $(READY)
	@$(BIN)/millrace demo

up: $(READY)
	@$(BIN)/millrace up

check: $(READY)
	@$(BIN)/ruff check . && $(BIN)/ruff format --check --quiet .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache
	@$(BIN)/python deployments/docs_reference.py --check
	@$(BIN)/zensical build --strict 
	@$(BIN)/python deployments/audit_lock.py

docs: $(READY)
	@$(BIN)/python deployments/docs_reference.py
	@$(BIN)/zensical build --strict

test: check
	@$(BIN)/python -m pytest -m "not slow and not browser"

test-slow: $(READY)
	@$(BIN)/python -m pytest -m slow

bench: $(READY)
	@$(BIN)/python -m benchmarks

# Playwright drives the Chromium of this machine; it downloads none of its own.
test-browser: $(READY)
	@$(BIN)/python -m pytest -m browser tests/browser
