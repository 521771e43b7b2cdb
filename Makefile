# The one front door; CI uses the same verbs. `make setup` prepares a bare Debian machine.
PYTHON ?= python3
SEED   ?= 1
# So many test files at a time: most of them wait for a router, a timer, a lease.
JOBS   ?= 4
# What `make debian13` makes there.
VERBS  ?= check test
PY     := build/venv/bin/python
RUN    := PATH="$(CURDIR)/build/venv/bin:$$PATH" PYTHONPATH= $(PY)
TESTS   = $(RUN) -m pytest -n $(JOBS) --dist loadfile --no-loadscope-reorder
CODE   := pointsman manager agent cli lab standin sidecars tools tests e2e conftest.py hatch_build.py
# Pure code: its tests run under two hash seeds, because order must never leak.
PURE   := $(wildcard tests/pointsman tests/manager/planner tests/agent/planner tests/scripts)

.DEFAULT_GOAL := help
.PHONY: help setup stubs check test debian13 sim e2e bench update demo pins clean

help: ## show this list
	@sed -n 's/^\([a-z0-9]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 10

setup: ## make build/venv, unpack the parts, generate the stubs
	@$(PYTHON) -m tools.setup

stubs: setup ## generate pointsman/gobgp_api again
	@$(RUN) -m tools.stubs

check: setup ## ruff, mypy, import laws, fresh CRDs, nothing local in tracked files
	$(RUN) -m ruff check $(CODE)
	$(RUN) -m ruff format --check $(CODE)
	$(RUN) -m mypy $(CODE)
	build/venv/bin/lint-imports --no-logo
	$(RUN) -m tools.tidy
	$(RUN) -m cli crds --check

test: setup ## everything but benchmarks; the last line counts it all
	PYTHONHASHSEED=2 $(RUN) -m pytest -n $(JOBS) $(PURE)
	PYTHONHASHSEED=1 $(TESTS) -m "not bench" --durations=15 tests e2e

debian13: ## make check test in a root of Debian 13 below build/; needs root
	@$(PYTHON) -m tools.debian13 $(VERBS) JOBS=$(JOBS)

sim: setup ## the whole system on a virtual clock: make sim SEED=7
	SEED=$(SEED) $(RUN) -m pytest -m sim tests/sim

e2e: setup ## real packets, real routers
	$(TESTS) -m lab tests e2e

bench: setup ## measure; takes minutes
	$(RUN) -m pytest -m bench -s --timeout 1800 tests/bench

update: setup ## rewrite goldens, CRDs and what the documentation prints
	$(RUN) -m cli crds --write
	$(RUN) -m pytest -q -m "not lab" tests/scripts tests/docs --update

demo: setup ## a small data centre on this machine, told as a story; needs root
	@$(RUN) -m lab demo
	@echo 'The commands it used are in build/venv/bin; to have them in this shell:'
	@echo '    export PATH="$(CURDIR)/build/venv/bin:$$PATH"'

pins: setup ## resolve pyproject.toml anew into requirements/*.txt
	@$(RUN) -m tools.pins

clean: ## remove what setup and builds made
	rm -rf build dist pointsman/gobgp_api .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
