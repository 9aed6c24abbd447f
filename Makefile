.DEFAULT_GOAL := help
.PHONY: help demo local test faults lint checkov permissions bench package docs format clean

PYTHON ?= python3.11
VENV   := .venv
BIN    := $(VENV)/bin
CHECKOV := build/checkov
REAL    := build/real
JUDGES  := build/judges
ENGINE ?= lambda
export PYTHONPATH := lambda:cli:.
# workers and functions are many processes: each would compile everything again
export PYTHONDONTWRITEBYTECODE :=

help: ## list the targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | sort

$(VENV)/installed: requirements/dev.txt
	$$(command -v $(PYTHON) || command -v python3) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements/dev.txt
	touch $@

demo: demo-$(ENGINE) ## one whole night on the local AWS: terraform apply, backup, report, destroy (ENGINE=emr or datapipeline)

demo-%: $(VENV)/installed
	$(BIN)/python -m local.demo --engine $*

local: $(VENV)/installed ## keep the local AWS in the foreground (ARGS="--speed 60")
	$(BIN)/python -m local.serve $(ARGS)

# Where it fails, the tests in tests/real are skipped with the reason, but not in .ci/run.
$(REAL)/installed: $(VENV)/installed $(wildcard requirements/real/*)
	-$(BIN)/python -m tools.real_servers && touch $@

$(JUDGES)/installed: requirements/judges.txt
	-$$(command -v $(PYTHON) || command -v python3) -m venv $(JUDGES) && \
	$(JUDGES)/bin/python -m pip install --quiet --disable-pip-version-check -r requirements/judges.txt && touch $@

# Two cores would do for two workers, but the Terraform files, which share an apply each, sleep most
# of their time: four leave two that work while two sleep (with six, each worker's start costs more
# than is won).
test: $(VENV)/installed $(REAL)/installed $(JUDGES)/installed ## all tests
	$(BIN)/python -m pytest -n 4 --dist loadfile --no-loadscope-reorder --durations=20 $(ARGS)

$(CHECKOV)/installed: requirements/checkov.txt
	$$(command -v $(PYTHON) || command -v python3) -m venv $(CHECKOV)
	$(CHECKOV)/bin/python -m pip install --quiet --disable-pip-version-check -r requirements/checkov.txt
	touch $@

checkov: $(CHECKOV)/installed ## security rules over the module and its submodules
	env -u PYTHONPATH $(CHECKOV)/bin/checkov --config-file .checkov.yaml

# A test of many nights has as many at once as there are cores, but ends with one; the others fill in.
faults: $(VENV)/installed ## break a night at every call, twice at random, and by every fault of the services; writes docs/faults (ENGINE=lambda, emr, datapipeline or native)
	$(if $(ARGS),,WRITE_DOCS=1) $(BIN)/python -m pytest -n 4 --dist worksteal -m faults tests/faults --engine $(ENGINE) $(ARGS)

lint: $(VENV)/installed checkov ## ruff, mypy, terraform fmt, checkov, zip and generated docs up to date
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m tools.tf fmt -check -recursive
	$(BIN)/python -m tools.build_zip --check
	$(BIN)/python -m tools.gen_docs --check

permissions: $(VENV)/installed ## prove each role's actions again, with both engines, and write docs/permissions.md
	WRITE_DOCS=1 $(BIN)/python -m pytest -q -m "faults or not faults" tests/operations/test_permissions.py

bench: $(VENV)/installed $(REAL)/installed ## tables of figures: planning, discovery and nights of 2,500 tables, exports, scans (ARGS=--small: that they run)
	$(BIN)/python -m benchmarks $(ARGS)

package: $(VENV)/installed ## build lambda/hippolyte.zip from lambda/hippolyte
	$(BIN)/python -m tools.build_zip

docs: $(VENV)/installed ## write docs/inputs.md, and the tables of the modules' READMEs
	$(BIN)/python -m tools.gen_docs

format: $(VENV)/installed ## format Python and HCL
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/python -m tools.tf fmt -recursive

clean: ## remove what the targets made
	rm -rf $(VENV) build .pytest_cache .mypy_cache .ruff_cache .hypothesis
