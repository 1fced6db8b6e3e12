# Everything runs in .venv, which `make` builds with uv from constraints.txt.
# PYTHON=... names the interpreter to build it on, CURVES=... the folder of real curves.

# Otherwise each of the tests' many processes would compile all libraries anew.
unexport PYTHONDONTWRITEBYTECODE

BIN := .venv/bin
READY := .venv/.ready
DOCS_READY := .venv/.ready-docs
PROOF_READY := .venv/.ready-proof
SCRIPTS := docs/_build/gallery
DOCS_FIT := $(SCRIPTS)/palm_fit_out/trace.nc
PYTHON ?=
CURVES ?= $(PALM_BAYES_CURVES)

# Asked for its version, not only found: a pyenv shim may exist and not run.
UV := $(shell uv --version >/dev/null 2>&1 && command -v uv || echo .venv-bootstrap/bin/uv)

.DEFAULT_GOAL := help
.PHONY: help demo test lint types unit smoke slow check-notebooks check-loops notebooks docs proof release versions \
	format constraints clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-16s %s\n", $$1, $$2}' Makefile

demo: $(READY) ## example runs, a fit on their first 12 episodes, a forecast of the other 18: demo/
	$(BIN)/palm-bayes demo --out demo

test: lint types unit smoke ## all that must pass before a commit

lint: $(READY) ## ruff: rules and format
	$(BIN)/ruff check
	$(BIN)/ruff format --check

types: $(READY) ## mypy, strict
	$(BIN)/mypy

unit: $(READY) ## pytest without the slow tests, on all cores
	$(BIN)/pytest -n auto --dist loadfile

smoke: $(READY) ## build the wheel and use it outside the checkout
	scripts/smoke_wheel.sh $(UV) $(BIN)/python

slow: $(READY) ## the slow tests; CURVES=dir lets those on real curves run
	PALM_BAYES_CURVES="$(CURVES)" $(BIN)/pytest -m slow

check-notebooks: $(READY) ## execute the notebooks, quickly, and store nothing
	$(BIN)/pytest -m notebooks

check-loops: $(READY) ## execute the labelling loops of the documentation, with their libraries
	$(UV) pip install --quiet --python $(BIN)/python --constraints constraints.txt --group loops
	$(BIN)/pytest -m loops tests/test_loops.py

notebooks: $(READY) ## execute the notebooks and store their outputs
	$(BIN)/python scripts/run_notebooks.py

docs: $(DOCS_FIT) ## build the site of the documentation: docs/_build/html/index.html
	cp docs/gallery/* $(SCRIPTS)
	$(BIN)/python docs/site/stage.py docs/_build/source
	$(BIN)/sphinx-build -c docs/site -b html -j auto -q -W --keep-going docs/_build/source docs/_build/html

proof: $(PROOF_READY) ## all that proves SECURITY.md, many hours; QUICK=1: a part, minutes; CURVES=dir
	$(BIN)/python scripts/proof.py $(if $(QUICK),--quick) $(if $(CURVES),--curves "$(CURVES)")

release: $(READY) ## build the wheel and the sdist in dist/, check both, run the demo by uvx
	rm -rf dist
	$(UV) build --quiet --build-constraints constraints.txt --out-dir dist .
	$(BIN)/python scripts/check_dists.py dist
	$(UV) tool run --quiet --constraints constraints.txt twine check --strict dist/*
	$(UV) tool run --quiet cffconvert --validate -i CITATION.cff
	scripts/smoke_wheel.sh $(UV) $(BIN)/python demo

versions: | $(UV) ## the quick tests on each Python found, and on the lowest versions; TESTS=...
	scripts/versions.sh $(UV) $(TESTS)

format: $(READY) ## let ruff rewrite what it can
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

constraints: | $(UV) ## resolve constraints.txt anew (ARGS=--upgrade for newer versions)
	printf 'hatchling\nhatch-fancy-pypi-readme\ntwine\nuv\n' | $(UV) pip compile --quiet --all-extras --group dev --group docs --group loops --group proof $(ARGS) \
		--python-version 3.12 --no-header --no-annotate --output-file constraints.txt pyproject.toml -

clean: ## remove what make made, the environments too
	rm -rf .venv .venv-bootstrap demo dist docs/_build .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find palm_bayes tests -name __pycache__ -type d -prune -exec rm -rf {} +

$(READY): pyproject.toml constraints.txt | $(BIN)/python $(UV)
	$(UV) pip install --quiet --python $(BIN)/python --constraints constraints.txt \
		--build-constraints constraints.txt --editable . --group dev
	@touch $@

# What the documentation needs, apart, so that no test waits for it.
$(DOCS_READY): $(READY)
	$(UV) pip install --quiet --python $(BIN)/python --constraints constraints.txt --group docs
	@touch $@

$(PROOF_READY): $(READY)
	$(UV) pip install --quiet --python $(BIN)/python --constraints constraints.txt --group proof
	@touch $@

# The fit that the gallery's scripts load, made anew when the package changed.
$(DOCS_FIT): $(shell find palm_bayes -name '*.py' -o -name '*.json' -o -name '*.csv') $(DOCS_READY)
	rm -rf docs/_build/source/gallery $(SCRIPTS)
	mkdir -p $(SCRIPTS)
	cd $(SCRIPTS) && $(abspath $(BIN))/palm-bayes example runs
	cd $(SCRIPTS) && $(abspath $(BIN))/palm-bayes fit runs/runs.csv --episodes 12 --quiet

# 3.13, as .python-version asks, found or fetched; else what else is here that PyMC runs on.
$(BIN)/python: | $(UV)
	@rm -rf .venv
	@$(if $(PYTHON),$(UV) venv --quiet --python $(PYTHON) .venv,\
	$(UV) venv --quiet .venv \
	|| $(UV) venv --quiet --no-python-downloads --python '>=3.12,<3.15' .venv) \
	&& $@ -c 'import sys; sys.exit(sys.version_info < (3, 12))' \
	|| { rm -rf .venv; \
	     echo 'palm_bayes needs Python 3.12 or newer, 3.13 best: uv could not find or fetch it.'; \
	     echo 'Install it (pyenv install 3.13), or name one: make PYTHON=/path/to/python3.13'; \
	     exit 1; } >&2

# Into a folder of its own, not a venv: Debian's python3 may lack ensurepip, and `venv` fails there.
# More than one python3 is tried since pyenv's refuses to run where it lacks the 3.13 asked for.
.venv-bootstrap/bin/uv: | constraints.txt
	@for python in $(PYTHON) python3 /usr/bin/python3 /usr/local/bin/python3; do \
		$$python -m pip --version >/dev/null 2>&1 && \
		PIP_USER=0 PIP_ROOT_USER_ACTION=ignore exec $$python -m pip install --quiet \
			--constraint constraints.txt --upgrade --target .venv-bootstrap uv; \
	done; \
	echo 'No uv on PATH and no python3 with pip to install it with.' >&2; \
	echo 'Install uv (https://docs.astral.sh/uv), or pip (Debian: apt install python3-pip).' >&2; \
	exit 1
