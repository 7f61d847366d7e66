# From a fresh clone: `make demo` shows what cmp does, `make test` checks all of it, `make setup` prepares both.
# Needed: Python 3.11 or newer, git, make and a network.  Outside the checkout, CACHE is written, and pip's and Go's own.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --quiet
CACHE := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/argocd-cmp

export CMP_TEST_TOOLS ?= $(CACHE)/tools
export CMP_TOOLS_DIR := $(CMP_TEST_TOOLS)
export CMP_TEST_HELPERS ?= $(CACHE)/test-tools
# Compiled modules are kept: else each process of the tests compiles all that it imports.
unexport PYTHONDONTWRITEBYTECODE
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PIP_NO_INPUT := 1

SHOWN := helm@4.3.2 sops@3.13.3
SOURCES := cmp tests scripts bench examples ci

.PHONY: help venv setup demo test whole tests test-fast unit lint types pythons bench programs shown tools test-tools newest lifecycle lock clean

help:
	@echo "make demo | test | test-fast | lint | bench | venv | setup | newest | lifecycle | lock | clean   (CONTRIBUTING.md)"

venv: $(VENV)/.complete

setup: tools test-tools

demo: shown
	@$(BIN)/python scripts/demo.py

# Lint goes on beside the tests, and is printed as a whole when it is done.
test: programs setup
	@$(MAKE) --no-print-directory --jobs 2 --output-sync lint whole

whole:
	@$(MAKE) --no-print-directory --output-sync=none tests

# Four workers for two cores: some tests wait for deadlines, and for servers that work in other processes.
tests: $(VENV)/.complete
	$(BIN)/python -m pytest -n 4 $(PYTEST)
	@$(BIN)/python -m scripts.pythons $(CACHE)/pythons

# What starts no tool, and a render by each engine, by the newer Pythons that Debian has.
pythons: programs setup
	@$(BIN)/python -m scripts.pythons $(CACHE)/pythons

# What can be told at once: no program of the set-up is needed, nor root; laws are tried with a tenth of their examples,
# and what takes long by its nature, or is the same on most days as types for macOS, is left to `make test`.
test-fast: $(VENV)/.complete
	@$(MAKE) --no-print-directory --jobs 2 --output-sync types unit

unit: export CMP_TEST_QUICK := 1
unit: $(VENV)/.complete
	$(BIN)/python -m pytest -n 2 -m "not tools and not slow" $(PYTEST)

lint: types
	$(BIN)/mypy --platform darwin --python-version 3.14 --cache-dir .mypy_cache/laptop cmp

types: $(VENV)/.complete
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/ruff format --check $(SOURCES)
	$(BIN)/mypy $(SOURCES)

bench: programs setup
	$(BIN)/python -m bench

programs:
	@sh scripts/need.sh gpg=gnupg git=git redis-server=redis-server setpriv=util-linux \
		zsh=zsh fish=fish mmdebstrap=mmdebstrap buildah=buildah runc=runc

# The Go that the Dockerfile names, so that the digests in image/tools.lock are checked by what is built here; it may
# fetch a newer one for a module that requires that.
shown tools test-tools: export GOTOOLCHAIN := $(shell sed -n 's/.*GOTOOLCHAIN=//p' Dockerfile)
shown: $(VENV)/.complete
	@$(BIN)/cmp tools install $(SHOWN) >/dev/null

tools: $(VENV)/.complete
	@tools=`$(BIN)/python -m tests.support.versions` && $(BIN)/cmp tools install $$tools >/dev/null

test-tools: $(VENV)/.complete
	@$(BIN)/python -m scripts.build_helpers "$(CMP_TEST_HELPERS)"
	@$(BIN)/python -m scripts.build_renovate "$(CMP_TEST_HELPERS)"

# A virtual environment with what requirements/ pins by hash, Go where the machine has none, and cmp itself, editable.
$(VENV)/.complete: requirements/dev.txt requirements/go.txt pyproject.toml
	@echo "make: preparing $(VENV)" >&2
	@$(PYTHON) -c 'import sys; sys.exit(None if sys.version_info >= (3, 11) else "make: Python 3.11 or newer is needed")'
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || sh scripts/need.sh ensurepip=python3-venv
	@$(PYTHON) -m venv --clear $(VENV)
	@$(PIP) install --require-hashes --requirement requirements/dev.txt
	@command -v go >/dev/null || $(PIP) install --require-hashes --requirement requirements/go.txt
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

# The newest version of each tool, and whether it is tested: a look at the world, which fails nothing.
newest: $(VENV)/.complete
	@$(BIN)/python -m scripts.newest

# The deprecated and removed versions of the Kubernetes API, from the Go modules that scripts/lifecycle.py names.
lifecycle: $(VENV)/.complete
	@$(BIN)/python -m scripts.lifecycle

# Newest versions of everything that is not the product: run it, run the tests, commit both files.
lock: $(VENV)/.complete
	$(PIP) install uv
	$(LOCK) pyproject.toml --group dev requirements/build.in --output-file requirements/dev.txt
	$(LOCK) requirements/go.in --output-file requirements/go.txt
	$(LOCK) requirements/node.in --output-file requirements/node.txt
	$(LOCK) --constraint requirements/dev.txt pyproject.toml --output-file requirements/runtime.txt
	$(LOCK) --constraint requirements/dev.txt --extra check pyproject.toml --output-file requirements/check.txt
	$(LOCK) --constraint requirements/dev.txt requirements/build.in --output-file requirements/build.txt
	$(BIN)/python -m scripts.build_renovate "$(CMP_TEST_HELPERS)" --lock
LOCK := $(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --custom-compile-command "make lock"

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage* dist
