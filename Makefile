# Two commands matter to a user: `make demo` and `make test`. Each sets up what it needs in .venv.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready
BROWSING := $(VENV)/.browsing
DOCUMENTING := $(VENV)/.documenting

.PHONY: demo test test-all check docs system triggerer browser screenshots bench matrix pythons package wheel ci all constraints clean help

help:
	@echo "make demo      a real Airflow waits for exports on an emulated CGC (4 minutes; KEEP=1 leaves the UI up,"
	@echo "               PORT=8123 chooses its port)"
	@echo "make test      unit, contract, parity, crash and Airflow tests: a sample of all combinations (4 minutes)"
	@echo "make check     ruff, mypy --strict, import directions, docs tests (1 minute)"
	@echo "make docs      the documentation site, into docs/_build/html; its links and code are checked (1 minute)"
	@echo ""
	@echo "make test-all  the same tests in all combinations, exports killed at every step (12 minutes)"
	@echo "make system    a real scheduler and triggerers (11 minutes; ARGS=--whole for all of it: 15;"
	@echo "               apt-get install postgresql)"
	@echo "make triggerer the triggerer of Airflow 3.1 outlives waits that are cancelled (3 minutes; ARGS=--whole: 7)"
	@echo "make browser   the \"CGC jobs\" tab and the site in Chromium (6 minutes; apt-get install chromium)"
	@echo "make matrix    the tests on every supported Airflow (4 minutes each; VERSIONS=\"2.11 3.3\" for some, \"lowest\" is"
	@echo "               one more: the lowest versions that setup.cfg allows; PYTHONS=\"3.12 3.13\" for other Pythons)"
	@echo "make pythons   the tests on Python 3.12 and 3.13 (14 minutes)"
	@echo "make package   sdist and wheel, into dist/; what is in them is checked (1 minute)"
	@echo "make wheel     the tests on the built wheel: the lowest versions, and the newest with the newest Python here"
	@echo "               (6 minutes)"
	@echo "make bench     requests, lag, CPU and memory of waiting, beside the usual scripts (20 minutes)"
	@echo ""
	@echo "make ci        what must hold before a change lands: check, docs, package; then test, wheel, our rows of bench"
	@echo "               and demo, beside system, triggerer and browser (25 minutes; apt-get install postgresql chromium)"
	@echo "make all       everything, before a release; writes tests/RESULTS.md (95 minutes)"
	@echo "make screenshots  the README's images of the tab, made anew"
	@echo "ARGS=... goes to pytest in test, test-all, system and browser, as in make test ARGS=tests/unit/jobs, and to bench;"
	@echo "matrix, pythons, wheel and triggerer know ARGS=--whole. Times are those of two idle cores."

demo: $(READY)
	$(BIN)/python -m dev.demo

test: $(READY)
	$(BIN)/python -m pytest --numprocesses auto $(ARGS)

test-all: $(READY)
	$(BIN)/python -m pytest --numprocesses auto --whole $(ARGS)

check: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -q tests/unit/test_layers.py tests/unit/test_docs.py

# Warnings are errors; the site needs no network, neither to be built nor to be read.
docs: $(DOCUMENTING)
	rm -rf docs/_build/html
	$(BIN)/python -m sphinx --builder html --fail-on-warning --keep-going --quiet docs docs/_build/html
	$(BIN)/python -m pytest -q tests/docs

system: $(READY)
	$(BIN)/python -m pytest tests/system $(ARGS)

# On a line of Airflow whose triggerer does not survive a message that is cancelled under way.
triggerer: $(READY)
	$(BIN)/python -m dev.matrix 3.1 --only tests/system/test_cancelled_waits.py $(ARGS)

# The site is looked at, too.
browser: $(BROWSING)
	@test -e docs/_build/html/index.html || $(MAKE) docs
	$(BIN)/python -m pytest tests/browser $(ARGS)

screenshots: $(BROWSING)
	$(BIN)/python -m dev.screenshots $(ARGS)

bench: $(READY)
	$(BIN)/python -m bench $(ARGS)

matrix: $(READY)
	$(BIN)/python -m dev.matrix $(VERSIONS) $(addprefix --python=,$(PYTHONS)) $(ARGS)

pythons: $(READY)
	$(BIN)/python -m dev.matrix 2.11 newest --python 3.12 --python 3.13 $(ARGS)

package: $(READY)
	$(BIN)/python -m dev.package

# What users install, with nothing of the tree beside it; the files in dist/ afterwards are those that were tested.
wheel: package
	$(BIN)/python -m dev.matrix lowest --wheel dist/*.whl $(ARGS)
	$(BIN)/python -m dev.matrix newest --python newest --wheel dist/*.whl \
	  --only tests/unit/test_plugin.py --only tests/unit/triggers --only tests/unit/jobs/waiting \
	  --only tests/airflow/test_example_dags.py

# They depend on everything their stages need, so that no stage installs into .venv while another one runs.
ci: $(BROWSING) $(DOCUMENTING)
	$(BIN)/python -m dev.stages ci

all: $(BROWSING) $(DOCUMENTING)
	$(BIN)/python -m dev.stages all

# Resolve everything anew; commit the result.
constraints: $(READY)
	$(BIN)/python -m dev.constraints

$(READY): setup.cfg constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "airflow-provider-cgc needs Python 3.11 or newer, $(PYTHON) is older; run: make PYTHON=/path/to/python3.11"; exit 1; }
	@echo "Installing Airflow and the provider into $(VENV); this takes a few minutes the first time ..."
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt uv
	$(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python --constraint constraints.txt --editable '.[emulator,test,dev]'
	@touch $@

# Playwright drives the Chromium that is there; what does not look at the tab needs neither.
$(BROWSING): $(READY)
	@command -v chromium >/dev/null || command -v chromium-browser >/dev/null || test -n "$(CHROMIUM)" \
	  || { echo "There is no Chromium: apt-get install chromium, or set CHROMIUM=/path/to/it"; exit 1; }
	$(BIN)/uv pip install --quiet --python $(BIN)/python --constraint constraints.txt --editable '.[browser]'
	@touch $@

$(DOCUMENTING): $(READY)
	$(BIN)/uv pip install --quiet --python $(BIN)/python --constraint constraints.txt --editable '.[docs]'
	@touch $@

clean:
	rm -rf docs/_build $(VENV) .venv-* .demo .stages build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache
