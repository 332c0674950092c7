# Everything a developer, or the machine that checks, needs. Wants python3 (3.11 or newer) with pip, make and git; the
# targets that need the environment make it first, and a second call costs nothing.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory
.DELETE_ON_ERROR:

VENV := .venv
BIN := $(VENV)/bin
JOBS ?= $(shell nproc 2>/dev/null || echo 2)
ARGS ?=

# Tests that need no database, and those of the repository itself.
PURE = tests/text tests/imports/formats tests/web/test_cursors.py tests/reading/test_jsonld.py \
	tests/content/test_renditions.py tests/content/test_validation_errors.py \
	tests/related/test_vectors.py tests/related/test_near_duplicates.py tests/related/test_ranking.py tests/architecture

export PIP_DISABLE_PIP_VERSION_CHECK := 1
# Programs that are started many times want their bytecode kept.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help
help: ## This list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-11s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

.PHONY: demo
demo: $(VENV)/.runtime ## Serve the reference page and its neighbours on port 8000 (NEWSAPI_PORT)
	@$(BIN)/newsapi demo

.PHONY: run
run: $(VENV)/.runtime ## Serve what NEWSAPI_* and .env say
	@$(BIN)/newsapi serve

.PHONY: site-demo
site-demo: $(VENV)/.runtime ## Serve the demo with the settings of the example site (examples/site/demo.env)
	@set -f; exec env $$(cat examples/site/demo.env) $(BIN)/newsapi demo

.PHONY: site
site: $(VENV)/.runtime ## Serve the example site on port 4321 (SITE_PORT), while `make site-demo` runs
	@npm --prefix clients/typescript ci --ignore-scripts --no-audit --no-fund --silent
	@npm --prefix clients/typescript run build --silent
	@npm --prefix examples/site ci --ignore-scripts --no-audit --no-fund --silent
	@npm --prefix examples/site run build --silent
	@export SITE_API_URL=http://127.0.0.1:$${NEWSAPI_PORT:-8000} NEWSAPI_DATABASE_URL=sqlite:///newsapi-demo.sqlite3; \
	export SITE_API_KEY=$$($(BIN)/newsapi keys create site --scope webhooks --scope admin | tail -1); \
	export SITE_WEBHOOK_SECRET=$$(node examples/site/dist/register.js); \
	exec env -u SITE_API_KEY SITE_STORE=examples/site/store node examples/site/dist/main.js

.PHONY: topology
topology: $(VENV)/.dev ## Run two nodes, a worker, PostgreSQL with a replica, PgBouncer, Redis, Varnish, Prometheus: ARGS=FOLDER
	@$(BIN)/python -m tests.support.topology $(ARGS)

.PHONY: test
test: $(VENV)/.dev lint types ## Style, types, import contracts and all tests, on SQLite and PostgreSQL
	@$(BIN)/pytest -q -n $(JOBS) --dist worksteal -m "not long" $(ARGS)

.PHONY: test-long
test-long: $(VENV)/.dev ## The tests that take minutes: kills, generated clients, linters of the document
	@$(BIN)/pytest -q -n $(JOBS) --dist worksteal -m long $(ARGS)

.PHONY: check
check: $(VENV)/.dev lint types ## The quick part of it: style, types, import contracts, tests without a database
	@$(BIN)/pytest -q -n $(JOBS) --dist worksteal -m "not long" $(PURE) $(ARGS)

.PHONY: bench
bench: $(VENV)/.dev ## What reading costs at 10k, 100k, 1M articles; loads them first: ARGS="--sizes 10k" for a start
	@$(BIN)/python -m bench.reads $(ARGS)

.PHONY: bench-cache
bench-cache: $(VENV)/.dev ## Speed of cached responses as ratios to a bare application, and the effect of publishing. Needs wrk
	@$(BIN)/python -m bench.cache_hits $(ARGS)
	@$(BIN)/python -m bench.invalidation

.PHONY: faults
faults: $(VENV)/.dev ## Kill, stop, overload and attack it, one fault after the other, and print a table: ARGS="F06 L01" for some
	@$(BIN)/python -m tests.faults $(ARGS)

.PHONY: lint
lint: $(VENV)/.dev ## Style alone
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

.PHONY: types
types: $(VENV)/.dev ## Types alone
	@$(BIN)/mypy

.PHONY: secrets
secrets: $(VENV)/.dev ## Find passwords and keys in the repository that .secrets.baseline does not list
	@# Status 3: the scan found nothing new and corrected line numbers in the baseline.
	@$(BIN)/detect-secrets-hook --baseline .secrets.baseline $$(git ls-files) || [ $$? = 3 ]

.PHONY: sbom
sbom: $(VENV)/.dev ## Write build/sbom.json: the packages of an installation with their hashes (CycloneDX)
	@mkdir -p build
	@$(BIN)/cyclonedx-py requirements --pyproject pyproject.toml --output-reproducible -o build/sbom.json requirements.lock

.PHONY: format
format: $(VENV)/.dev ## Put the code into shape
	@$(BIN)/ruff check --fix-only --quiet .
	@$(BIN)/ruff format .

.PHONY: coverage
coverage: $(VENV)/.dev ## All tests once more, with the lines they never reach
	@$(BIN)/coverage erase
	@$(BIN)/coverage run -m pytest -q -n $(JOBS) $(ARGS)
	@$(BIN)/coverage combine -q
	@$(BIN)/coverage report

.PHONY: reference
reference: $(VENV)/.runtime ## Write the tables of commands and metrics in docs/reference from the code
	@$(BIN)/python -m newsapi.cli.reference docs/reference/cli.md docs/reference/metrics.md

.PHONY: openapi
openapi: $(VENV)/.runtime ## Write openapi.yaml from the code
	@$(BIN)/newsapi openapi > openapi.yaml.new && mv openapi.yaml.new openapi.yaml || { rm -f openapi.yaml.new; exit 1; }

.PHONY: typescript
typescript: ## Write the types of the TypeScript client from openapi.yaml, and build it. Needs npm
	@cd clients/typescript && npm ci --ignore-scripts --no-audit --no-fund && npm run generate && npm run build

.PHONY: setup
setup: $(VENV)/.dev ## The environment in .venv, as the lock files say

.PHONY: lock
lock: $(BIN)/uv ## Choose new versions within the bounds of pyproject.toml
	@for which in build dev; do \
		case $$which in build) lock=requirements.lock; bound="--extra images";; dev) lock=requirements-dev.lock; bound="-c requirements.lock";; esac; \
		$(BIN)/uv pip compile --quiet --upgrade --universal --generate-hashes --no-header --python-version 3.11 \
			--extra build --extra $$which $$bound pyproject.toml -o $$lock; \
	done

.PHONY: clean
clean: ## Remove the environment and all that was made
	@rm -rf $(VENV) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis .schemathesis \
		htmlcov .coverage .coverage.*
	@find newsapi tests -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true

# --- the environment: plain pip, hashes checked, nothing built that is not in the lock ----------------------------------

$(VENV)/.runtime: requirements.lock pyproject.toml | $(BIN)/python
	$(call install,requirements.lock)
	@touch $@

# The second lock holds the first one's versions and the tools.
$(VENV)/.dev: requirements-dev.lock requirements.lock pyproject.toml | $(BIN)/python
	$(call install,requirements-dev.lock)
	@touch $(VENV)/.runtime $@

# uv where there is one (a tenth of the time), else the environment's pip, else the pip outside, which can work on it.
define install
	@echo "Installing $(1) into $(VENV)"
	@uv() { command -v uv >/dev/null && command uv pip install --quiet --python $(BIN)/python "$$@" 2>/dev/null; }; \
	pip() { $$made_by -m pip $$on install -qq --no-compile "$$@"; }; \
	made_by=$(BIN)/python; on=; \
	$$made_by -m pip --version >/dev/null 2>&1 || { made_by=$$(cat $(VENV)/.made-by); on="--python $(BIN)/python"; }; \
	for what in "--require-hashes --only-binary :all: -r $(1)" "--no-deps --no-build-isolation --editable ."; do \
		uv $$what || pip $$what; \
	done
endef

# Debian's python3 comes without ensurepip: then an environment without pip, filled by the pip outside.
$(BIN)/python:
	@for python in $(PYTHON) python3 python3.14 python3.13 python3.12 python3.11; do \
		$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && break || python=; \
	done; \
	[ -n "$$python" ] || { echo "newsapi needs Python 3.11 or newer; none found (name one: make PYTHON=/path/to/python3 ...)" >&2; exit 1; }; \
	rm -rf $(VENV); \
	if ! $$python -m venv $(VENV) >/dev/null 2>&1; then \
		rm -rf $(VENV); \
		$$python -m pip --version >/dev/null 2>&1 || { echo "$$python has neither ensurepip nor pip: install python3-venv or python3-pip" >&2; exit 1; }; \
		$$python -m venv --without-pip $(VENV); \
	fi; \
	echo "$$python" > $(VENV)/.made-by

$(BIN)/uv: | $(VENV)/.dev
	@$(BIN)/python -m pip --version >/dev/null 2>&1 && $(BIN)/python -m pip install --quiet uv \
		|| "$$(cat $(VENV)/.made-by)" -m pip --python $(BIN)/python install --quiet uv
