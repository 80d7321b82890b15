# Each target installs what it needs: a fresh clone needs only make and Python 3.11, and Debian and root if Docker is
# missing.

PYTHON := .venv/bin/python
RUNTIME := .venv/.runtime
DEV := .venv/.dev
TOOLS := .venv/.tools
PARALLEL := -n 5 --dist loadfile --no-loadscope-reorder
TEACHING := $(patsubst %,tests/sandbox/test_%.py,collect files returns rules suites trace turtle)
CLIENTS := clients/nextjs/node_modules/.installed

.PHONY: help run cluster test test-fast test-reuse test-gvisor check fuzz image service-image client-types catalogues badges bench corpora sabotage soak constraints audit clean engine
.DEFAULT_GOAL := help

help: ## show these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: image ## install what is missing and serve on PORT (default 8000)
	@exec scripts/serve

cluster: image ## serve on PORT with two workers, each with its own engine, as docs/scale.md says
	@scripts/ensure-test-tools postgresql redis-server haproxy
	@exec $(PYTHON) -m tests.small_cluster

# Else each of the hundreds of processes would compile what it imports.
test: export PYTHONDONTWRITEBYTECODE =
test: $(DEV) image service-image $(CLIENTS) ## run every test, with real containers, servers and a browser
	@scripts/ensure-test-tools
	@scripts/ensure-gvisor
	$(PYTHON) -m pytest $(PARALLEL) -m "not alone" $(TEACHING:%=--ignore=%) || $(PYTHON) -m tests.retry $$?
	SANDBOX_REUSE=pressure $(PYTHON) -m pytest $(PARALLEL) $(TEACHING) || SANDBOX_REUSE=pressure $(PYTHON) -m tests.retry $$?
	$(PYTHON) -m pytest -m alone $$(grep -lr --include='test_*.py' 'mark\.alone' tests) || $(PYTHON) -m tests.retry $$?

test-fast: $(DEV) .env ## run the tests that need no containers, servers or browser, within a minute
	$(PYTHON) -m pytest -n auto --dist loadfile --no-loadscope-reorder -m "not docker and not server"

sabotage: $(DEV) image ## remove each protection in turn; only the tests that name it must fail (FAST=1: the main ones)
	$(PYTHON) -m tests.sabotage $(if $(FAST),--fast) $(WALLS)

test-reuse: $(DEV) image ## run all container tests without reuse and under pressure
	SANDBOX_REUSE=never $(PYTHON) -m pytest $(PARALLEL) -m "not alone" tests/sandbox
	SANDBOX_REUSE=pressure $(PYTHON) -m pytest $(PARALLEL) -m "not alone" tests/sandbox

test-gvisor: $(DEV) image ## run the container tests under gVisor: docs/gvisor.md
	@scripts/ensure-gvisor
	SANDBOX_RUNTIME=runsc $(PYTHON) -m pytest --timeout=180 tests/sandbox tests/e2e/test_gvisor.py \
		--ignore=tests/sandbox/test_engine_faults.py

check: $(DEV) .env $(CLIENTS) ## check formatting, lint, types, shell scripts and migrations
	scripts/check

fuzz: $(DEV) image ## test with many new generated inputs, for about a quarter of an hour
	$(PYTHON) -m pytest -m hypothesis --hypothesis-profile=fuzz --timeout=3600

image: $(RUNTIME) .env engine ## build the image in which programs run
	@scripts/base-image
	@$(PYTHON) manage.py build_image

service-image: image ## build the service's own image, as a deployment does
	@scripts/service-image

client-types: $(DEV) .env $(CLIENTS) ## generate the types of the TypeScript client from the OpenAPI schema
	@scripts/client-types

catalogues: $(DEV) ## bring the translations up to date with the sentences, and name what is missing
	@$(PYTHON) scripts/make-catalogues

badges: ## redraw the README's badges
	scripts/make-badges

bench: $(DEV) image ## measure a learner's wait and a class's, beside bare Python and Docker, in eight minutes
	$(PYTHON) -m benchmarks

corpora: $(DEV) image ## run thousands of programs that others wrote, in the service and without it (CPYTHON=DIR …)
	$(PYTHON) -m benchmarks.corpora $(if $(EXERCISM),--exercism $(EXERCISM)) $(if $(CPYTHON),--cpython $(CPYTHON)) $(if $(QUIXBUGS),--quixbugs $(QUIXBUGS))

soak: $(DEV) image ## run honest and hostile load for MINUTES (default 10), or restart the workers of a CLUSTER=1 under load
	$(PYTHON) -m benchmarks.soak$(if $(CLUSTER),.restarts) $(MINUTES)

constraints: $(TOOLS) ## lock the newest versions that the requirements allow, and their hashes (KEEP=1: no newer ones)
	@scripts/pin-constraints $(if $(KEEP),-k)

audit: $(TOOLS) ## look for known vulnerabilities in everything that we install
	@scripts/audit

clean: ## remove the virtual environment and all generated files, but no data and no .env
	rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis staticfiles clients/*/node_modules clients/typescript/dist clients/nextjs/.next
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

engine:
	@scripts/ensure-docker

.env:
	@scripts/make-env

$(RUNTIME): requirements.lock
	@scripts/ensure-venv $<
	@touch $@

$(DEV): requirements-dev.lock $(RUNTIME)
	@scripts/ensure-venv $<
	@touch $@

$(TOOLS): requirements-tools.lock $(RUNTIME)
	@scripts/ensure-venv $< .venv/tools
	@touch $@

$(CLIENTS): $(wildcard clients/*/package-lock.json clients/typescript/src/*)
	@scripts/ensure-client-tools
	@touch $@
