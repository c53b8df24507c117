# Every verb sets up the environment first; it does nothing when that is up to date.
PY := .venv/bin/python
RUN := .venv/bin/tunemark
export HF_HUB_OFFLINE ?= 0

.DEFAULT_GOAL := help
.PHONY: help setup demo demo-zh view test test-fast check fmt lint types layers bench schemas lock clean

help: ## Show the verbs
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

setup: ## Create the environment (.venv), for CPU or GPU, found by itself
	@python3 scripts/setup_env.py

demo: setup ## Fine-tune a small model in three ways and say which to keep (~10 min)
	@$(RUN) demo

demo-zh: setup ## The same in Chinese, on a base model (~20 min)
	@$(RUN) demo --language zh

view: setup ## Open the report viewer
	@$(RUN) view

test: setup ## Everything that CI runs: code checks, then all tests
	@$(MAKE) --no-print-directory check
	@$(PY) -m pytest -m "" --durations=10

test-fast: setup ## The tests that need neither model nor browser
	@$(PY) -m pytest -m "not model and not browser and not slow and not postgres"

check: lint types layers ## Format, lint, types and layers

fmt: setup ## Format the code
	@$(PY) -m ruff format . && $(PY) -m ruff check --fix .

lint: setup ## Check format and lint
	@$(PY) -m ruff format --check . && $(PY) -m ruff check .

types: setup ## Check types
	@$(PY) -m basedpyright

layers: setup ## Check that imports only point downwards
	@.venv/bin/lint-imports

bench: setup ## Run the benchmarks against peers; each prints its ratio
	@for file in benchmarks/*/run.py; do echo "== $$file"; $(PY) $$file || exit 1; done

schemas: setup ## Write the JSON Schemas of the file formats and README's table of metrics
	@PYTHONPATH=. $(PY) scripts/schemas.py
	@PYTHONPATH=. $(PY) scripts/metric_table.py

lock: setup ## Write the constraints file from what is installed
	@$(PY) scripts/lock.py

clean: ## Remove caches (not runs/, not .venv)
	@rm -rf .pytest_cache .ruff_cache .hypothesis .coverage
