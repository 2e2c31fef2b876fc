# Every target needs only Python >= 3.11 and make: the environment is created on first use
# and again whenever the lock changes.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help environment reproduce test lint bench clean

VENV  := .venv
BIN   := $(VENV)/bin
STAMP := $(VENV)/.installed-from-lock
PIP   := $(BIN)/python -m pip --quiet --disable-pip-version-check --no-input

help:
	@echo "make reproduce  verify every claim, draw every figure, write build/report/index.html"
	@echo "make test       all tests, with coverage and the import contracts"
	@echo "make lint       formatting, lint rules and types"
	@echo "make bench      timings as ratios to a named alternative"
	@echo "make clean      remove what these targets made, except the environment"

reproduce: $(STAMP)
	@$(BIN)/hardlimit reproduce

# Two workers are the parallelism here; a BLAS with its own threads would only fight them.
test: $(STAMP)
	@OPENBLAS_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --cov --cov-report=term

lint: $(STAMP)
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy

bench: $(STAMP)
	@$(BIN)/hardlimit bench

clean:
	rm -rf build dist .coverage .coverage.* .pytest_cache .mypy_cache .ruff_cache \
	    .hypothesis .import_linter_cache
	find theory proofs_check figures hardlimit tests -name __pycache__ -type d -prune \
	    -exec rm -rf {} +

environment: $(STAMP)

$(STAMP): requirements.lock pyproject.toml
	@if ! $(BIN)/python -c pass 2>/dev/null; then \
	    for python in $(PYTHON) python3.11 python3 python3.12 python3.13; do \
	        if $$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
	            found=$$python; break; \
	        fi; \
	    done; \
	    if [ -z "$$found" ]; then \
	        echo "hardlimit needs Python 3.11 or newer, and found none as python3.11, python3," \
	             "python3.12 or python3.13; install one, or name it: make PYTHON=/path/to/python" >&2; \
	        exit 1; \
	    fi; \
	    echo "Creating $(VENV) with $$($$found --version)"; \
	    $$found -m venv --clear $(VENV); \
	fi
	@echo "Installing requirements.lock into $(VENV) (once per lock, about a minute)"
	@$(PIP) install -r requirements.lock
	@$(PIP) install --no-deps --no-build-isolation -e .
	@touch $@
