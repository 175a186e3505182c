# Every target works in a fresh clone: it makes what it needs first.
#   PYTHON        the interpreter that .venv is made with: 3.11 or later
#   TIEBACK_HOME  where services keep their data; default .tieback
#   UNITS         how many units `make demo` mints
#   ARGS          further arguments of pytest, bench or chaos
#   LANES         which lanes of `make test-matrix` to run; default all
#   SEED          of `make fuzz`; default the time
#   OLD           commit that `make test-rolling` deploys from

PYTHON ?= python3
TIEBACK_HOME ?= .tieback
UNITS ?= 1000000
ARGS ?=
LANES ?=
SEED ?= $(shell date +%s)
OLD ?=
export TIEBACK_HOME
# Some machines keep Python from writing what it has compiled, and each of our many processes would
# compile all of tieback anew.
unexport PYTHONDONTWRITEBYTECODE

BIN := .venv/bin
STACK := $(BIN)/python -m tieback.stack
TESTS := $(STACK) with --temporary --free-ports --template tests/emptying.sql -- env TIEBACK_PLANE=web
PIP := $(BIN)/python -m pip install -qq --disable-pip-version-check --no-input --require-hashes
PLANES := web console resolver worker

# A .venv that lost its interpreter holds nothing that its stamps promise.
$(shell test -x $(BIN)/python || rm -f .venv/.runtime .venv/.dev)

.PHONY: help setup demo up test coverage test-browser chromium test-matrix test-rolling fuzz prove check check-django bench \
	bench-peers chaos
.NOTPARALLEL:
.DEFAULT_GOAL := help

help:
	@echo "make demo [UNITS=1000000]   mint, export, scan and verify from nothing; leaves nothing running"
	@echo "make up                     run everything until Ctrl-C; prints addresses and passwords"
	@echo "make test [ARGS=…]          the tests"
	@echo "make coverage               the tests, held to the share of code that they must reach"
	@echo "make test-browser           the public pages in Chromium: accessibility, width, policy,"
	@echo "                            asked from another site"
	@echo "make test-matrix [LANES=…]  the tests on each Python, behind PgBouncer, on PostgreSQL 15"
	@echo "make test-rolling [OLD=…]   a deploy under load, from the last release or another commit"
	@echo "make fuzz [SEED=…]          more than 10,000 generated requests"
	@echo "make prove [ARGS=…]         the proofs of reliability at full size; takes hours"
	@echo "make check                  format, lint, types, imports, migrations, settings, locks"
	@echo "make bench [ARGS=…]         performance figures, into \$$TIEBACK_HOME/bench.json; ARGS=\"--only resolver\""
	@echo "make bench-peers            what the resolver is measured beside, into \$$TIEBACK_HOME/peers"
	@echo "make chaos [ARGS=…]         fault injection, into \$$TIEBACK_HOME/chaos.json; ARGS=--small, or FULL=1"
	@echo "make setup                  only .venv, with the tools of development"

setup: .venv/.dev

demo: .venv/.runtime
	@$(STACK) with --apps --home "$(TIEBACK_HOME)/demo" --fresh --free-ports -- \
		$(BIN)/python -m demo --units $(UNITS)

up: .venv/.runtime
	@$(STACK) up

test: .venv/.dev
	@TIEBACK_POSTGRES_SHARED_BUFFERS=128MB $(TESTS) $(BIN)/python -m pytest -n 2 $(ARGS)

# Only a run of all tests can be held to the share of code that they must reach; watching each line
# takes a third longer.
coverage:
	@$(MAKE) --no-print-directory test ARGS="--cov --cov-report=term:skip-covered"

test-browser: .venv/.dev chromium
	@TIEBACK_POSTGRES_SHARED_BUFFERS=128MB $(TESTS) \
		DJANGO_ALLOW_ASYNC_UNSAFE=true \
		$(BIN)/python -m pytest tests/resolver/browser -m browser $(ARGS)

# A browser comes as no wheel: Debian's is installed where there is none.
chromium: ROOT = $(if $(filter 0,$(shell id -u)),,sudo)
chromium:
	@test -n "$$CHROMIUM" || command -v chromium > /dev/null || { \
		echo "installing Debian's chromium and fonts-noto-core …"; \
		$(ROOT) apt-get -qq update && \
		$(ROOT) apt-get -qq install --yes --no-install-recommends chromium fonts-noto-core; \
	} || { echo "install Chromium, or name one: make test-browser CHROMIUM=/path/to/it"; exit 1; }

test-matrix: .venv/.dev
	@$(BIN)/python -m matrix $(LANES)

test-rolling: .venv/.dev
	@TIEBACK_POSTGRES_SHARED_BUFFERS=128MB $(BIN)/python -m rolling $(if $(OLD),--old $(OLD))

fuzz: .venv/.dev
	@$(TESTS) \
		TIEBACK_FUZZ_SEED=$(SEED) TIEBACK_FUZZ_EXAMPLES=300 TIEBACK_FUZZ_AT_LEAST=10000 TIEBACK_FUZZ_SHARE=1 \
		$(BIN)/python -m pytest tests/fuzz tests/api/test_bad_input.py tests/platform/test_isolation.py \
			tests/console/test_pages.py $(ARGS)

prove: .venv/.dev
	@TIEBACK_POSTGRES_SHARED_BUFFERS=128MB $(TESTS) \
		TIEBACK_PROVE=full $(BIN)/python -m pytest -n 2 --dist loadfile \
		$(or $(ARGS),tests/reliability tests/replay tests/platform/test_pooled_connections.py \
		tests/resolver/test_server.py)

check: .venv/.dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports
	! grep -nE 'https?://' requirements*.lock
	$(BIN)/check-jsonschema --builtin-schema vendor.compose-spec docker-compose.yml docker-compose.chain.yml
	@$(STACK) with --temporary --free-ports -- $(MAKE) --no-print-directory check-django

# What loads the settings, and so needs a database to name: run by `check`, inside the stack.
check-django:
	$(BIN)/mypy .
	$(BIN)/python manage.py makemigrations --check --dry-run
	for plane in $(PLANES); do \
		TIEBACK_ENV=production TIEBACK_PLANE=$$plane METRICS_TOKEN=$$SECRET_KEY \
		$(BIN)/python manage.py check --deploy --fail-level WARNING || exit 1; \
	done

bench: .venv/.dev
	@$(BIN)/python -m bench $(ARGS)

bench-peers: .venv/.dev
	@$(BIN)/python -m bench.peers.install

chaos: .venv/.dev
	@$(BIN)/python -m chaos $(ARGS)

.venv/.runtime: requirements.lock | $(BIN)/python
	@echo "installing into .venv …"
	@$(PIP) -r requirements.lock
	@touch $@

.venv/.dev: requirements-dev.lock requirements.lock | $(BIN)/python
	@echo "installing into .venv, with the tools of development …"
	@$(PIP) -r requirements-dev.lock
	@touch .venv/.runtime $@

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "tieback needs Python 3.11 or later; say which: make PYTHON=/path/to/python3"; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2> /dev/null || { \
		echo "$(PYTHON) comes without venv: install it (Debian, Ubuntu: apt install python3-venv)"; exit 1; }
	@$(PYTHON) -m venv --clear .venv
