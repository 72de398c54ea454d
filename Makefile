# Everything a checkout offers. `make demo` and `make test` set up what they need.
PYTHON ?= python3
OBJECT ?= mustard_bottle
ROBOT ?= xarm7_ability
SEED ?= 1
BIN := .venv/bin
# every node is a Python process: let all but the first find compiled modules
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help setup demo demo-articulate test lint docs bench lock clean

help:
	@echo 'make setup   create .venv with everything in it (repeats only what changed)'
	@echo 'make demo    a simulated robot picks an object; OBJECT= SEED= ROBOT=; result in out/demo'
	@echo 'make demo-articulate  it opens a cabinet; OBJECT= others; result in out/demo-articulate'
	@echo 'make test    checks of the code and all tests'
	@echo 'make lint    checks of the code'
	@echo 'make docs    the documentation as a site in out/docs; links checked, warnings are errors'
	@echo 'make bench   start and idle load of the nodes; lifts and stage times over ten objects'
	@echo 'make lock    pin the newest versions that requirements/*.in allow'
	@echo 'make clean   remove what was built and written, not the downloaded models'

setup:
	@$(PYTHON) tools/set_up.py

demo: setup
	$(BIN)/dex1b demo --object '$(OBJECT)' --seed '$(SEED)' --robot '$(ROBOT)'

demo-articulate: OBJECT = articulated:door-left-3
demo-articulate: setup
	$(BIN)/dex1b demo-articulate --object '$(OBJECT)' --seed '$(SEED)' --robot '$(ROBOT)'

test: lint
	$(BIN)/python -m pytest

lint: setup
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

docs: setup
	$(BIN)/python tools/interface_page.py --check
	$(BIN)/sphinx-build -W --keep-going -n -q docs out/docs
	@echo 'open out/docs/index.html'

bench: setup
	$(BIN)/dex1b bench idle
	$(BIN)/dex1b bench demo

lock: setup
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --upgrade --no-header \
	  --no-annotate --output-file requirements/lock.txt requirements/*.in

clean:
	rm -rf .venv .venv.lock build dist install log out .mypy_cache .pytest_cache .ruff_cache
