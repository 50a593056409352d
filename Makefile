# The only door: CI calls the same targets. `make` alone lists them.
.DEFAULT_GOAL := help
SHELL := bash
VENV := .venv
BIN := $(VENV)/bin
# Tests wait more than they compute: a worker more than a small machine has cores. `-n 0` in ARGS: one process.
WORKERS ?= 3
# Some machines ask Python to keep no bytecode; then each of the hundreds of processes that tests start compiles anew.
unexport PYTHONDONTWRITEBYTECODE
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$p; break; }; done)

.PHONY: help setup tools demo test lint types contracts schemas check mutation fuzz bench fault-tests lock clean
help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{ printf "  %-12s %s\n", $$1, $$2 }'

$(VENV)/.installed: requirements.lock pyproject.toml
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed: install it, or call make PYTHON=/path/to/python3.11"; exit 1; }
	@echo "setting up $(VENV) with $(PYTHON) (once; about a minute)"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

setup: $(VENV)/.installed ## make the virtual environment, from the lock file with hashes

tools: setup ## Prometheus, promtool and kcat for the operations tests (Debian packages)
	@bash ops/tools.sh || echo "some operations tests will be skipped (in CI they fail)"

demo: setup ## a real day of requests through the whole mesh; ARGS="--all", "--fast", "--input FILE"
	@$(BIN)/hotline demo $(ARGS)

test: check tools ## everything that CI checks: lint, types, contracts, schemas, all tests
	@$(BIN)/python -m pytest -n $(WORKERS) $(ARGS)

check: lint types contracts schemas ## the static checks

lint: setup ## ruff
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --quiet --check .

types: setup ## mypy, strict
	@$(BIN)/mypy --no-error-summary

contracts: setup ## who may import whom
	@$(BIN)/lint-imports

schemas: setup ## generated JSON Schemas, AsyncAPI and OpenAPI agree with the models
	@$(BIN)/python -m schemas check
	@$(BIN)/python -m services.intake.gateway check
	@$(BIN)/python -m services.cli.explain_schema check

# 250 valid cases per operation made 16,115 requests in all, in half an hour beside other work (docs/gateway.md).
fuzz: setup ## at least 10,000 hostile requests to the gateway, checked by schemathesis; half an hour
	@HOTLINE_FUZZ_CASES=250 $(BIN)/python -m pytest -q -s tests/mesh/test_fuzz.py --timeout 3600

mutation: setup ## mutation testing of the core, an hour or two, resumable; ARGS="--seconds 4", "--again", "--report"
	@nice $(BIN)/python -m tests.mutate $(ARGS)

bench: setup ## benchmarks, against a broker of their own; ARGS="NAME --quick", "--list"
	@$(BIN)/python -m bench $(ARGS)

fault-tests: setup ## the driver against a real broker, with 100 rounds of kill -9 instead of 3; half an hour
	@HOTLINE_KILL_ROUNDS=100 $(BIN)/python -m pytest -q tests/runtime/driver --timeout 3600

lock: setup ## resolve requirements.lock anew, without hosts
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
		--no-emit-find-links --no-header --extra embedded --extra rocksdb --extra dev --upgrade -o requirements.lock pyproject.toml

clean: ## remove the virtual environment and local data
	@rm -rf $(VENV) .hotline .mypy_cache .ruff_cache .pytest_cache .import_linter_cache *.egg-info
