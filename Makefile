# Two commands matter to a user: `make demo` and `make test`. Each sets up what it needs in .venv.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready
BROWSING := $(VENV)/.browsing

.PHONY: demo test check system browser screenshots crash bench matrix constraints clean help

help:
	@echo "make demo    a real Airflow waits for exports on an emulated CGC (KEEP=1 leaves the UI up)"
	@echo "make test    unit, contract and Airflow tests"
	@echo "make check   ruff, mypy --strict, import directions, docs tests"
	@echo "make system  tests on a real scheduler and triggerer"
	@echo "make browser tests of the \"CGC jobs\" tab in Chromium (apt-get install chromium)"
	@echo "make screenshots  the README's images of that tab, made anew"
	@echo "make crash   exports killed at every step (about 15 minutes; make test takes every fourth)"
	@echo "make bench   requests, lag, CPU and memory of waiting, beside the usual scripts (about 20 minutes)"
	@echo "make matrix  the tests on every supported Airflow (VERSIONS=\"2.11 3.3\" for some)"

demo: $(READY)
	$(BIN)/python -m dev.demo

# A file's tests stay in one process, which has an Airflow home and a database of its own.
test: $(READY)
	$(BIN)/python -m pytest --numprocesses auto --dist loadfile $(ARGS)

check: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -q tests/unit/test_layers.py tests/unit/test_docs.py

system: $(READY)
	$(BIN)/python -m pytest tests/system $(ARGS)

browser: $(BROWSING)
	$(BIN)/python -m pytest tests/browser $(ARGS)

screenshots: $(BROWSING)
	$(BIN)/python -m dev.screenshots $(ARGS)

bench: $(READY)
	$(BIN)/python -m bench $(ARGS)

crash: $(READY)
	CRASH_AT="every step" $(BIN)/python -m pytest tests/crash $(ARGS)

matrix: $(READY)
	$(BIN)/python -m dev.matrix $(VERSIONS)

# Resolve everything anew; commit the result.
constraints: $(READY)
	$(BIN)/python -m dev.constraints

$(READY): setup.cfg constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "airflow-provider-cgc needs Python 3.11 or newer, $(PYTHON) is older; run: make PYTHON=/path/to/python3.11"; exit 1; }
	@echo "Installing Airflow and the provider into $(VENV); this takes a few minutes the first time ..."
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt uv
	$(BIN)/uv pip install --quiet --python $(BIN)/python --constraint constraints.txt --editable '.[emulator,test,dev]'
	@touch $@

# Playwright drives the Chromium that is there; only these two targets need it.
$(BROWSING): $(READY)
	@command -v chromium >/dev/null || command -v chromium-browser >/dev/null || test -n "$(CHROMIUM)" \
	  || { echo "There is no Chromium: apt-get install chromium, or set CHROMIUM=/path/to/it"; exit 1; }
	$(BIN)/uv pip install --quiet --python $(BIN)/python --constraint constraints.txt --editable '.[browser]'
	@touch $@

clean:
	rm -rf $(VENV) .venv-* .demo build *.egg-info .pytest_cache .mypy_cache .ruff_cache
