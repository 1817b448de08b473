.DEFAULT_GOAL := help
.PHONY: help install run parts test check proto lock load clean

VENV   := .venv
PYTHON ?= $(shell sh ops/python/fastest.sh)
BIN    := $(VENV)/bin
DATA   ?= data
PORT_OFFSET ?=
PARTS  ?=
WORKERS ?= 2
PROTOS := $(shell find proto -name '*.proto')

help:  ## show this list
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-9s %s\n", $$1, $$2}'

install: $(VENV)/.installed  ## install the Python packages of requirements.lock into .venv

$(VENV)/.installed: requirements.lock pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	$(BIN)/python -m compileall -q mailfold services shared
	@touch $@

run: install  ## start Mailfold with a demo domain and two users
	$(BIN)/mailfold demo --data $(DATA) $(if $(PORT_OFFSET),--port-offset $(PORT_OFFSET))

parts:  ## install the programs that some tests use: mail clients, PostgreSQL (as root, on Debian)
	bash ops/parts/install.sh

test: install  ## run all tests in WORKERS processes; with PARTS=required none is skipped
	PARTS=$(PARTS) $(BIN)/pytest -n $(WORKERS)

check: install  ## run ruff and mypy, and compare the generated code with proto/
	$(BIN)/ruff check .
	$(BIN)/mypy
	bash ops/proto/generate.sh --check

proto: install  ## generate shared/rpc from proto/
	bash ops/proto/generate.sh

lock: install  ## pin every dependency by hash, keeping the versions that are pinned
	$(BIN)/uv pip compile --quiet --universal --extra dev --generate-hashes --no-header --no-annotate pyproject.toml -o requirements.lock
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-header --no-annotate -c requirements.lock pyproject.toml -o ops/docker/requirements.lock

load: install  ## run load tests against servers that they start: mail from outside, IMAP, mail to other servers, reading, finding
	$(BIN)/python -m loadtest run --start
	$(BIN)/python -m loadtest sending --peers
	$(BIN)/python -m loadtest reading --peers
	$(BIN)/python -m loadtest finding --peers

clean:  ## remove everything that was installed or built
	rm -rf $(VENV) build *.egg-info .mypy_cache .ruff_cache .pytest_cache
