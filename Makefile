# 保客 baoke. `make` alone shows this list. Needs Python 3.11, make and a C compiler.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.PHONY: help setup run test test-clocks test-scaled faults lint format lock train bench bench-nlu clean python

PORT ?=
KILLS ?= 200
SEED ?= 1
HOST ?=
PYTEST_ARGS ?=

# The first of these that really is Python 3.11 (a pyenv shim may not be).
PYTHON ?= $(shell for name in python3.11 python3 python /usr/local/bin/python3.11 /usr/bin/python3.11; do \
	"$$name" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' 2>/dev/null \
	&& { command -v "$$name"; break; }; done)

help: ## show this list
	@echo "baoke (保客), an insurer's customer-service bot"
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1|\2/p' Makefile | column -t -s '|' 2>/dev/null \
		|| grep '## ' Makefile
	@echo "  PORT=9000 make run moves the port; RASA_FULL=1 make setup adds TensorFlow to Rasa"

python:
	@test -n "$(PYTHON)" || { echo "baoke needs Python 3.11 (python3.11 or python3); none was found on the PATH." >&2; exit 1; }

setup: python ## tools, both environments, trained model, database with demo data
	@"$(PYTHON)" scripts/setup.py

run: python ## set up what is missing and serve http://127.0.0.1:8080
	@"$(PYTHON)" scripts/setup.py --environments-only
	@exec .venv/bin/baoke up $(if $(PORT),--port "$(PORT)") $(if $(HOST),--host "$(HOST)")

test: python ## set up, check style and types, run every test
	@"$(PYTHON)" scripts/setup.py --dev
	@"$(PYTHON)" scripts/setup.py --test-tools
	@$(MAKE) --no-print-directory lint
	@exec .venv/bin/python -m pytest $(PYTEST_ARGS)

test-scaled: python ## only the tests on many processes (needs PostgreSQL and redis-server)
	@"$(PYTHON)" scripts/setup.py --dev
	@"$(PYTHON)" scripts/setup.py --test-tools
	@exec .venv/bin/python -m pytest tests/integration/test_dispatchers.py tests/faults \
		-k "not one_machine and not full_disk" $(PYTEST_ARGS)

test-clocks: python ## unit and integration tests at seven moments (hours; MOMENTS="night …" for some)
	@"$(PYTHON)" scripts/setup.py --dev
	@"$(PYTHON)" scripts/setup.py --test-tools
	@for moment in $(or $(MOMENTS),$$(.venv/bin/python -c \
		'import sys; sys.path.insert(0, "tests"); import clocks; print(*clocks.MOMENTS)')); do \
		echo "== $$moment"; BAOKE_TEST_CLOCK=$$moment .venv/bin/python -m pytest -q \
		tests/unit tests/integration $(PYTEST_ARGS) || failed="$${failed:-} $$moment"; done; \
		test -z "$${failed:-}" || { echo "red at:$$failed" >&2; exit 1; }

faults: python ## long fault run: KILLS=200 SEED=1
	@"$(PYTHON)" scripts/setup.py --dev
	@"$(PYTHON)" scripts/setup.py --test-tools
	@BAOKE_FAULT_KILLS=$(KILLS) BAOKE_FAULT_SEED=$(SEED) \
		exec .venv/bin/python -m pytest -s tests/faults $(PYTEST_ARGS)

lint: python ## style and types only
	@"$(PYTHON)" scripts/setup.py --dev --environments-only
	@.venv/bin/ruff check .
	@.venv/bin/ruff format --check .
	@.venv/bin/mypy

format: python ## put the code into the agreed layout
	@"$(PYTHON)" scripts/setup.py --dev --environments-only
	@.venv/bin/ruff check --fix-only --quiet .
	@.venv/bin/ruff format .

lock: python ## write requirements/*.txt anew (KEEP=1: without newer versions)
	@"$(PYTHON)" scripts/setup.py --lock

train: python ## train the model if its data changed
	@"$(PYTHON)" scripts/setup.py --environments-only
	@.venv/bin/baoke train

bench: python ## measure load, sockets, old ledgers, crashes (ARGS="load crash" for some)
	@"$(PYTHON)" scripts/setup.py --dev
	@"$(PYTHON)" scripts/setup.py --test-tools
	@exec .venv/bin/python tests/bench/bench_load.py $(or $(ARGS),--write docs/load.md)

bench-nlu: python ## measure understanding beside its ablations (RASA_FULL=1: and DIET)
	@"$(PYTHON)" scripts/setup.py --environments-only
	@exec bot/assistant/.venv/bin/python tests/bench/bench_nlu.py --write docs/understanding.md $(ARGS)

clean: ## remove environments, tools and caches; var/ (data, models) stays
	@rm -rf .venv bot/assistant/.venv .tools .mypy_cache .ruff_cache .pytest_cache bot/assistant/.rasa
	@find . -name __pycache__ -type d -not -path './var/*' -prune -exec rm -rf {} +
