# The two commands: `make run` and `make test`. Both install what they need into .venv first.
# The newest Python here that can make an environment, since newer ones are quicker. For another one:
# `make PYTHON=python3.11 …`, after `make clean` where there is an environment already.
PYTHON ?= $(shell for name in python3.13 python3.12 python3.11; do \
	$$name -c 'import ensurepip' >/dev/null 2>&1 && echo $$name && exit; done; echo python3)
VENV := .venv
BIN := $(VENV)/bin
QUICK := $(addprefix tests/,text parse config store render curate publish audience newsletter report)
INSTALLED := $(VENV)/.installed
INSTALLED_DEV := $(VENV)/.installed-dev
COMPILED := $(VENV)/.compiled

.PHONY: run test quick check bench soak clean help
help:
	@echo "make run    install, then the guided tour: collect, publish, mail to the outbox, serve"
	@echo "make test   install, then every check: format, lint, types, import rules, tests"
	@echo "make quick  the tests that need no process, browser or PostgreSQL: after each edit"
	@echo "make bench  speed runs, by hand"
	@echo "make soak   by hand: all cases of what make test tries a sample of, then hundreds of"
	@echo "            kills while mail goes out; PostgreSQL too with BANTIN_TEST_POSTGRES"

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(INSTALLED): pyproject.toml constraints.txt | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e .
	@touch $@

$(INSTALLED_DEV): pyproject.toml constraints.txt | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@ $(INSTALLED)

run: $(INSTALLED)
	$(BIN)/bantin demo

check: $(INSTALLED_DEV)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# The tests start hundreds of processes: where the environment forbids Python to keep what it
# compiles, each of them would do it anew, and each worker would rewrite all tests.
test soak quick: export PYTHONDONTWRITEBYTECODE =

# Tests wait for one another here and there: types are checked meanwhile, and told at the end.
test: $(INSTALLED_DEV)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	@{ $(BIN)/mypy && $(BIN)/lint-imports; } >$(VENV)/types.txt 2>&1 & types=$$!; \
	$(MAKE) --no-print-directory $(COMPILED) && $(BIN)/pytest -n 4 --dist worksteal; tests=$$?; \
	wait $$types; types=$$?; cat $(VENV)/types.txt; exit $$((tests ? tests : types))

# Once: what an edit changes is soon compiled anew.
$(COMPILED): | $(INSTALLED_DEV)
	@$(BIN)/python -m compileall -q service
	@$(BIN)/pytest -q --collect-only >/dev/null || true  # what is wrong is told by the run
	@touch $@

quick: $(INSTALLED_DEV)
	$(BIN)/pytest -q -n 2 --dist worksteal -m quick $(QUICK)

bench: $(INSTALLED_DEV)
	$(BIN)/python -m tests.bench

soak: $(INSTALLED_DEV)
	BANTIN_TEST_WHOLE=1 $(BIN)/pytest -n 2 --dist worksteal -m 'sampled or hypothesis'
	$(BIN)/python -m tests.bench.soak

clean:
	rm -rf $(VENV) bantin-demo .mypy_cache .ruff_cache .pytest_cache .hypothesis
