# make search    sets up .venv and finds a cell on handwritten digits
# make test      sets up .venv with what tests need and runs them; make test-slow runs the long ones
# make install   leaves a `nastk` command in BINDIR that works from any directory
# make lint      style (ruff) and types (mypy); make format mends the style
PYTHON ?= python3
VENV ?= .venv
BINDIR ?= $(HOME)/.local/bin

# Two threads that wait for one another by spinning waste a busy machine; sleeping costs nothing.
export OMP_WAIT_POLICY ?= PASSIVE

.PHONY: search test test-slow install lint format clean

search: $(VENV)/installed
	$(VENV)/bin/nastk search --method relativenas

# A process a core, each with one thread (tests/conftest.py); PYTEST_XDIST_AUTO_NUM_WORKERS=N sets another number.
PYTEST = $(VENV)/bin/python -m pytest -n auto --dist worksteal

test: $(VENV)/installed-dev
	$(PYTEST) -m "not slow"

test-slow: $(VENV)/installed-dev
	$(PYTEST) -m slow

install: $(VENV)/installed
	mkdir -p $(BINDIR)
	ln -sf $(abspath $(VENV))/bin/nastk $(BINDIR)/nastk
	@case ":$$PATH:" in *":$(BINDIR):"*) echo "installed: nastk" ;; \
	*) echo "installed: $(BINDIR)/nastk (add $(BINDIR) to your PATH to call it nastk)" ;; esac

lint: $(VENV)/installed-dev
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy

format: $(VENV)/installed-dev
	$(VENV)/bin/ruff check --fix .
	$(VENV)/bin/ruff format .

clean:
	rm -rf $(VENV) build *.egg-info

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/installed: $(VENV)/bin/python setup.cfg
	$(VENV)/bin/python -m pip install --quiet --editable .
	touch $@

$(VENV)/installed-dev: $(VENV)/bin/python setup.cfg
	$(VENV)/bin/python -m pip install --quiet --editable ".[dev]"
	touch $@ $(VENV)/installed
