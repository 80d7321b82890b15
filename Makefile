# Each target sets up what it needs: a fresh clone asks for nothing but make and Python 3.11, and, where Docker
# has yet to be installed, for Debian and root.

PYTHON := .venv/bin/python
RUNTIME := .venv/.runtime
DEV := .venv/.dev
PARALLEL := -n 4 --dist loadfile --no-loadscope-reorder
CLIENTS := clients/nextjs/node_modules/.installed

.PHONY: help run test test-fast test-gvisor check fuzz image service-image client-types badges bench sabotage soak constraints clean engine
.DEFAULT_GOAL := help

help: ## show these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: image ## serve on PORT (default 8000), after setting up whatever is missing
	@exec scripts/serve

test: $(DEV) image service-image $(CLIENTS) ## run every test, with real containers, servers and a browser
	@scripts/ensure-test-tools
	@scripts/ensure-gvisor
	status=0; \
	$(PYTHON) -m pytest $(PARALLEL) -m "not alone" || status=$$?; \
	$(PYTHON) -m pytest -m alone || status=$$?; \
	exit $$status

test-fast: $(DEV) .env ## run the tests that need no containers, servers or browser: within a minute
	$(PYTHON) -m pytest -n auto --dist loadfile --no-loadscope-reorder -m "not docker and not server"

sabotage: $(DEV) image ## take each protection away in turn; just the tests that name it must fail (FAST=1: the main ones)
	$(PYTHON) -m tests.sabotage $(if $(FAST),--fast) $(WALLS)

test-gvisor: $(DEV) image ## run what concerns containers under gVisor: docs/gvisor.md
	@scripts/ensure-gvisor
	SANDBOX_RUNTIME=runsc $(PYTHON) -m pytest --timeout=180 tests/sandbox tests/e2e/test_gvisor.py \
		--ignore=tests/sandbox/test_engine_faults.py

check: $(DEV) .env $(CLIENTS) ## what CI checks besides: formatting, lint, types, migrations
	scripts/check

fuzz: $(DEV) image ## look long for input that breaks something: new examples each time, about a quarter of an hour
	$(PYTHON) -m pytest -m hypothesis --hypothesis-profile=fuzz --timeout=3600

image: engine $(RUNTIME) .env ## build the image that programs run in
	@scripts/base-image
	@$(PYTHON) manage.py build_image

service-image: image ## build the image of the service itself, as a deployment does
	@scripts/service-image

client-types: $(DEV) .env $(CLIENTS) ## make the types of the TypeScript client from the OpenAPI schema
	@scripts/client-types

badges: ## draw the badges of the README anew
	scripts/make-badges

bench: $(DEV) image ## measure /execute beside bare Python and a container per request
	$(PYTHON) -m benchmarks

soak: $(DEV) image ## load the service, a part of it hostile, for MINUTES (default 10), and look for what is wrong or left
	$(PYTHON) -m benchmarks.soak $(MINUTES)

constraints: ## pin what the requirements pull in, as of today
	scripts/pin-constraints

clean: ## remove the virtual environment and everything generated, but no data and no .env
	rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .hypothesis staticfiles clients/*/node_modules clients/typescript/dist clients/nextjs/.next
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

engine:
	@scripts/ensure-docker

.env:
	@scripts/make-env

$(RUNTIME): requirements.txt constraints.txt
	@scripts/ensure-venv $<
	@touch $@

$(DEV): requirements-dev.txt $(RUNTIME)
	@scripts/ensure-venv $<
	@touch $@

$(CLIENTS): $(wildcard clients/*/package-lock.json clients/typescript/src/*)
	@scripts/ensure-client-tools
	@touch $@
