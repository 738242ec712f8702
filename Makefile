# Daily commands. Each makes the virtual environment and installs what it needs, once; `make help` lists them.

PYTHON ?= python3
JOBS ?= 2
VENV := .venv
BIN := $(VENV)/bin
STAMPS := $(VENV)/stamps
LOWEST := $(VENV)-lowest
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet

.PHONY: help demo examples test test-all test-lowest lint types bless bench clean distclean
.DEFAULT_GOAL := help

help:
	@echo "make demo      train a classifier on handwritten digits with compiled gradients"
	@echo "make examples  run the scripts in examples/; their pictures come to build/examples"
	@echo "make test      lint, type check and tests (some seven minutes on two cores)"
	@echo "make test-all  the same with the slow tests"
	@echo "make test-lowest  the tests of what other packages are asked for, with the lowest versions of them"
	@echo "make bless     rewrite expected texts (file tests, documentation); read the diff before you commit it"
	@echo "make bench     measure against JAX, Numba, autograd and PyTorch; writes benchmarks/RESULTS.md"
	@echo "make clean     remove what was built;  make distclean: the virtual environment too"

$(VENV)/pyvenv.cfg:
	@$(PYTHON) -c 'import sys; sys.exit("gradjit needs Python 3.11 or newer, this is " + sys.version.split()[0] \
	    + "; name another one: make PYTHON=python3.12 ...") if sys.version_info < (3, 11) else None'
	$(PYTHON) -m venv $(VENV)

# One stamp for each set of extras, renewed when pyproject.toml changes. `test` contains `demo`.
$(STAMPS)/demo: $(VENV)/pyvenv.cfg pyproject.toml
	@echo "installing gradjit and the demo's packages into $(VENV) (once)"
	$(PIP) --editable '.[demo]'
	@mkdir -p $(STAMPS) && touch $@

$(STAMPS)/test: $(VENV)/pyvenv.cfg pyproject.toml
	@echo "installing gradjit and the test tools into $(VENV) (once)"
	$(PIP) --editable '.[test]'
	@mkdir -p $(STAMPS) && touch $(STAMPS)/demo $@

$(STAMPS)/bench: $(VENV)/pyvenv.cfg pyproject.toml
	@echo "installing gradjit, JAX, autograd and PyTorch into $(VENV) (once)"
	$(PIP) --editable '.[bench]'
	@mkdir -p $(STAMPS) && touch $@

demo: $(STAMPS)/demo
	$(BIN)/gradjit demo

examples: $(STAMPS)/demo
	@mkdir -p build/examples
	@for script in examples/*.py; do \
	    echo "== $$script"; (cd build/examples && ../../$(BIN)/python ../../$$script) || exit 1; done

lint: $(STAMPS)/test
	$(BIN)/ruff check .

types: $(STAMPS)/test
	$(BIN)/mypy

# One BLAS thread a worker: with more, the workers' idle threads spin on each other's cores.
# And byte code is kept, whatever the environment says: some hundred tests start Python anew.
PYTEST := OPENBLAS_NUM_THREADS=1 PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest -n $(JOBS)

test: lint types
	$(PYTEST) -m "not slow"

test-all: lint types
	GRADJIT_TEST_EFFORT=full $(PYTEST)

# The oldest packages that pyproject.toml admits, in an environment of their own.
$(LOWEST)/installed: pyproject.toml tests/lowest-versions.txt
	@echo "installing the lowest versions into $(LOWEST) (once)"
	@test -x $(LOWEST)/bin/python || $(PYTHON) -m venv $(LOWEST)
	$(LOWEST)/bin/python -m pip --disable-pip-version-check install --quiet -r tests/lowest-versions.txt \
	    pytest pytest-xdist hypothesis mpmath --editable .
	@touch $@

test-lowest: $(LOWEST)/installed
	OPENBLAS_NUM_THREADS=1 PYTHONDONTWRITEBYTECODE= $(LOWEST)/bin/python -m pytest -n $(JOBS) -m "not slow" \
	    tests/runtime tests/codegen/test_kernels.py tests/codegen/test_regions.py tests/codegen/test_effort.py \
	    tests/vecmath tests/ops/test_factorisation.py tests/ops/test_elementwise.py tests/library/test_callers.py

bless: $(STAMPS)/test
	$(BIN)/python -m tests.filetests --bless
	$(BIN)/python -m tests.docs --bless

bench: $(STAMPS)/bench
	$(BIN)/python -m benchmarks
	$(BIN)/python -m benchmarks.tensors --cold

clean:
	rm -rf build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find gradjit tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +

distclean: clean
	rm -rf $(VENV) $(LOWEST)
