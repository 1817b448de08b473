.DEFAULT_GOAL := help
.PHONY: help install run parts test check proto lock load clean

VENV   := .venv
PYTHON ?= python3
BIN    := $(VENV)/bin
DATA   ?= data
PORT_OFFSET ?=
PARTS  ?=
PROTOS := $(shell find proto -name '*.proto')

help:  ## this list
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-9s %s\n", $$1, $$2}'

install: $(VENV)/.installed  ## everything Python into .venv, pinned by hash

$(VENV)/.installed: requirements.lock pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	$(BIN)/python -m compileall -q mailfold services shared
	@touch $@

run: install  ## start Mailfold here, with a demo domain and two users
	$(BIN)/mailfold demo --data $(DATA) $(if $(PORT_OFFSET),--port-offset $(PORT_OFFSET))

parts:  ## real parts for the tests: mail clients, PostgreSQL (root, Debian)
	bash ops/parts/install.sh

test: install  ## every test; PARTS=required skips nothing
	PARTS=$(PARTS) $(BIN)/pytest

check: install  ## ruff, mypy, generated code up to date
	$(BIN)/ruff check .
	$(BIN)/mypy
	bash ops/proto/generate.sh --check

proto: install  ## generate shared/rpc from proto/
	bash ops/proto/generate.sh

lock: install  ## pin every dependency by hash, keeping the versions that are pinned
	$(BIN)/uv pip compile --quiet --universal --extra dev --generate-hashes --no-header --no-annotate pyproject.toml -o requirements.lock

load: install  ## load test against a server of its own
	$(BIN)/python -m loadtest run --start

clean:  ## remove what was installed and built
	rm -rf $(VENV) build *.egg-info .mypy_cache .ruff_cache .pytest_cache
