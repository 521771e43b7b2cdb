# The one front door; CI uses the same verbs. `make setup` prepares a bare Debian machine.
PYTHON ?= python3
SEED   ?= 1
# So many test files at a time: most of them wait for a router, a timer, a lease.
JOBS   ?= 4
# What `make image` makes, and what docker is told beside it.
IMAGE  ?= pointsman:0.1.0
BUILD_FLAGS ?=
# What `make debian13` makes there.
VERBS  ?= check test
# Which routers `make routers` tries; empty: all (tools/routers/releases.py).
BEDS   ?=
PY     := build/venv/bin/python
# Compiled modules are kept, whatever the shell says: each worker and each program of a lab
# would compile hundreds of files anew.
RUN    := PATH="$(CURDIR)/build/venv/bin:$$PATH" PYTHONPATH= PYTHONDONTWRITEBYTECODE= $(PY)
# The theme's authors advertise at every build.
SITE    = NO_MKDOCS_2_WARNING=1 $(RUN) -m mkdocs build --strict --quiet
TESTS   = $(RUN) -m pytest -n $(JOBS) --dist loadfile --no-loadscope-reorder
CODE   := pointsman manager agent cli lab standin sidecars monitoring tools tests e2e conftest.py hatch_build.py
# Pure code: its tests run under two hash seeds, because order must never leak.
PURE   := $(wildcard tests/pointsman tests/manager/planner tests/agent/planner tests/scripts)

.DEFAULT_GOAL := help
.PHONY: help setup stubs check site test debian13 netbox sim e2e docker routers bench update chart image demo pins clean

help: ## show this list
	@sed -n 's/^\([a-z0-9]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 10

setup: ## make build/venv, unpack the parts, generate the stubs
	@$(PYTHON) -m tools.setup

stubs: setup ## generate pointsman/gobgp_api again
	@$(RUN) -m tools.stubs

check: setup ## ruff, mypy, import laws, fresh CRDs, manifests and alerts, nothing local in tracked files
	$(RUN) -m ruff check $(CODE)
	$(RUN) -m ruff format --check $(CODE)
	$(RUN) -m mypy $(CODE)
	build/venv/bin/lint-imports --no-logo
	$(RUN) -m tools.tidy
	$(RUN) -m cli crds --check
	$(RUN) -m tools.chart --check
	$(RUN) -m monitoring --check
	$(SITE)

site: setup ## build the pages as a site, into build/site
	$(SITE)

test: setup ## everything but benchmarks; the last line counts it all
	PYTHONHASHSEED=2 $(RUN) -m pytest -n $(JOBS) $(PURE)
	PYTHONHASHSEED=1 $(TESTS) -m "not bench and not docker" --durations=15 tests e2e

debian13: ## make check test in a root of Debian 13 below build/; needs root
	@$(PYTHON) -m tools.debian13 $(VERBS) JOBS=$(JOBS)

netbox: setup ## a real NetBox on 127.0.0.1, the tests that want one, and nothing of it afterwards; needs root
	@$(RUN) -m tools.netbox

sim: setup ## the whole system on a virtual clock: make sim SEED=7
	SEED=$(SEED) $(RUN) -m pytest -m sim tests/sim

e2e: setup ## real packets, real routers
	$(TESTS) -m lab tests e2e

routers: setup ## the rows of e2e/bgp on routers of other Debian suites, and their table; needs root, takes an hour
	@$(RUN) -m tools.routers --jobs $(JOBS) $(BEDS)

docker: setup ## the same tests on containers; needs Docker, or root on Debian: docs/e2e.md
	@$(RUN) -m tools.docker

bench: setup ## measure; takes minutes
	$(RUN) -m pytest -m bench -s --timeout 7200 tests/bench

update: setup ## rewrite goldens, CRDs and what the documentation prints
	$(RUN) -m cli crds --write
	$(RUN) -m monitoring --write
	$(RUN) -m pytest -q -m "not lab" tests/scripts tests/docs --update

chart: setup ## render deploy/ from the Helm chart, and judge that; needs Go
	@$(RUN) -m tools.chart
	$(RUN) -m pytest -q tests/deploy

image: ## build the image, where Docker is: make image IMAGE=registry.example/pointsman:0.1.0
	docker build $(BUILD_FLAGS) --build-arg REVISION=$$(git rev-parse HEAD) -t $(IMAGE) .

demo: setup ## a small data centre on this machine, told as a story; needs root
	@$(RUN) -m lab demo
	@echo 'The commands it used are in build/venv/bin; to have them in this shell:'
	@echo '    export PATH="$(CURDIR)/build/venv/bin:$$PATH"'

pins: setup ## resolve pyproject.toml anew into requirements/*.txt
	@$(RUN) -m tools.pins

clean: ## remove what setup and builds made
	rm -rf build dist pointsman/gobgp_api .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
