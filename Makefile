# Forecall: `make run` starts everything, `make test` runs every test. Both set up what they need.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
PIP    = $(shell $(BIN)/python -m pip --version >/dev/null 2>&1 && echo $(BIN)/python -m pip \
           || echo $(PYTHON) -m pip --python $(BIN)/python) --disable-pip-version-check

# Where this is set, each of the hundreds of programs that tests start compiles all that it imports.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: run test lab chaos check format lock clean

run: $(VENV)/.ready
	@exec $(BIN)/forecall up --demo

# A process for each core, and each file of tests in one of them; they begin in the order of
# tests/conftest.py, which puts the longest first.
test: $(VENV)/.ready-dev
	$(BIN)/python -m pytest -n auto --dist loadfile --no-loadscope-reorder

# What the notebooks need; any editor that knows Jupyter opens them.
lab: $(VENV)/.ready-dev
	@echo "Ready: open notebooks/01-explore.ipynb with the kernel $(abspath $(BIN))/python."

# Kills and starves every part under full load, for some minutes, and counts.
chaos: $(VENV)/.ready-dev
	$(BIN)/python -m tests.chaos

check: $(VENV)/.ready-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# What runs side by side in one benchmark can be compared; figures of different runs can't.
bench: $(VENV)/.ready-dev
	$(BIN)/python -m benchmarks.ingest --kill
	$(BIN)/python -m benchmarks.clocks
	$(BIN)/python -m benchmarks.features
	$(BIN)/python -m benchmarks.backtest
	$(BIN)/python -m benchmarks.alerts
	$(BIN)/python -m benchmarks.rules --devices 100
	$(BIN)/python -m benchmarks.promises
	$(BIN)/python -m benchmarks.outbox
	$(BIN)/python -m benchmarks.uptime

format: $(VENV)/.ready-dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# Two locks: what runs, and what develops. No index address is written into them.
lock:
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	  --extra build pyproject.toml -o requirements.lock
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	  --extra build --extra dev -c requirements.lock pyproject.toml -o requirements-dev.lock

# Debian keeps ensurepip in python3-venv: without it, the system's pip fills the environment instead.
$(BIN)/python:
	@$(PYTHON) -m venv $(VENV) >/dev/null 2>&1 || $(PYTHON) -m venv --clear --without-pip $(VENV)
	@$(PIP) --version >/dev/null 2>&1 || { rm -rf $(VENV); \
	  echo "No pip: install it first (Debian: apt-get install python3-venv)." >&2; exit 1; }

$(VENV)/.ready: requirements.lock pyproject.toml | $(BIN)/python
	@echo "Installing what Forecall needs into $(VENV) (once; about a minute) ..."
	@$(PIP) install --quiet --no-compile --require-hashes -r requirements.lock
	@$(PIP) install --quiet --no-build-isolation --no-deps --no-index -e .
	@touch $@

$(VENV)/.ready-dev: requirements-dev.lock $(VENV)/.ready
	@$(PIP) install --quiet --no-compile --require-hashes -r requirements-dev.lock
	@touch $@

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
