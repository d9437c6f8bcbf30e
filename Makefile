# Terrace: `make` lists what one can do. Needs Python 3.11, pip and (for LightGBM) the system's libgomp1.
PYTHON ?= $(shell command -v python3.11 || command -v python3 || echo python3.11)
VENV := .venv
BIN := $(VENV)/bin
INSTALL := $(PYTHON) -m pip --python $(BIN)/python install --quiet --disable-pip-version-check --no-input
STAMP := $(VENV)/.installed
RIVALS := .bench
SPARK_STAMP := $(VENV)/.spark
BANK ?= configs/banks/demo.yaml
HOME_DIR ?= var
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help setup nightly test lint types layers tests bench clean

help: ## what one can do
	@echo "make TARGET, where TARGET is"
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):[^#]*## (.*)/  \1\t\2/' | expand -t 12
	@echo "Afterwards: $(BIN)/terrace --help"

setup: $(STAMP) $(if $(SPARK),$(SPARK_STAMP)) ## the environment, pinned and hashed, made again only when requirements change (SPARK=1: with PySpark)

$(STAMP): requirements.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' || \
		{ echo "Python 3.11 is needed; name it with: make $(MAKECMDGOALS) PYTHON=/path/to/python3.11" >&2; exit 40; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) 2>/dev/null || $(PYTHON) -m venv --clear --without-pip $(VENV)
	@echo "Installing pinned requirements into $(VENV) (once; some minutes)"
	@$(INSTALL) --no-deps --require-hashes -r requirements.txt	# the file is whole: nothing is left to resolve
	@$(INSTALL) --no-deps --no-build-isolation --editable .
	@$(PYTHON) -m pip --python $(BIN)/python --disable-pip-version-check check >/dev/null || \
		{ echo "requirements.txt does not fit together; compile it anew (CONTRIBUTING.md)" >&2; exit 40; }
	@$(BIN)/python -c 'import lightgbm' 2>/dev/null || \
		{ echo "LightGBM cannot start: install the system's libgomp1 (apt-get install libgomp1)" >&2; exit 40; }
	@touch $(STAMP)

$(SPARK_STAMP): requirements-spark.txt $(STAMP)
	@echo "Installing PySpark into $(VENV) (once; half a gigabyte, some minutes)"
	@$(INSTALL) --no-deps --no-build-isolation --require-hashes -r requirements-spark.txt
	@touch $(SPARK_STAMP)

nightly: setup ## tonight's lists: makes a demo bank where none is configured (BANK=..., HOME_DIR=..., ARGS=...)
	@$(BIN)/terrace nightly --bank $(BANK) --home $(HOME_DIR) $(ARGS); code=$$?; \
		if [ $$code -eq 3 ]; then exit 0; fi; exit $$code

test: setup lint types layers tests ## lint, types, layers and all tests

lint: setup ## ruff, rules and layout
	$(BIN)/ruff check .
	$(BIN)/ruff format --check --quiet . || { echo "run: $(BIN)/ruff format ." >&2; exit 1; }

types: setup ## mypy, strict
	$(BIN)/mypy

layers: setup ## import-linter: the rooms import downward only
	$(BIN)/lint-imports

tests: setup $(if $(shell command -v java),$(SPARK_STAMP)) ## pytest, all of it, on all cores; those of Spark where there is Java 17
	$(BIN)/python -m pytest --numprocesses auto --dist loadfile --no-loadscope-reorder

bench: setup $(RIVALS)/rivals/.installed $(RIVALS)/featuretools/.installed ## ratios against floors and rivals, over the home of a bank after a night (ARGS="features --rounds 5")
	@$(BIN)/python -m bench --bank $(BANK) --home $(HOME_DIR) --environments $(RIVALS) $(ARGS)

$(RIVALS)/%/.installed: bench/requirements-%.txt
	@$(PYTHON) -m venv --without-pip $(@D)
	@echo "Installing what the benchmark compares with into $(@D) (once)"
	@$(PYTHON) -m pip --python $(@D)/bin/python install --quiet --disable-pip-version-check --no-input --no-deps --require-hashes -r $<
	@touch $@

clean: ## the environment and caches; the bank's home with its lists stays
	rm -rf $(VENV) $(RIVALS) build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
