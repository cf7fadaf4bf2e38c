# Every target has one line of help behind `##`; `make` alone prints them.
SHELL := /bin/bash
VENV := .venv
PYTHON = $(VENV)/bin/python
# The first of these that runs and is 3.11, 3.12 or 3.13; PYTHON3=... chooses another.
PYTHON3 ?= $(shell for p in python3.13 python3.12 python3.11 python3; do $$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null && echo $$p && break; done)
INSTALLED := $(VENV)/installed
UV := 0.13.9
FREQTRADE := 2026.9
MARKET ?=
ONCE ?=
TIMEFRAME ?=
TIER ?= free
EMAIL ?=
CLOUD ?=
export PYTHONPATH := layers/signalbox/python:.
export PYTHONDONTWRITEBYTECODE :=

.DEFAULT_GOAL := help
.PHONY: help install run reset test prove check template lock format clean backtest account mail withdraw rebuild bench rivals

help:  ## Show what can be done
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /\1\t/' | awk -F'\t' '{printf "  make %-9s %s\n", $$1, $$2}'

install: $(INSTALLED)  ## Install everything into .venv (the other targets do it by themselves)

$(INSTALLED): requirements.lock
	@if ! "$(PYTHON3)" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null; then \
	  found=$$("$(or $(PYTHON3),python3)" --version 2>&1) || found="no $(or $(PYTHON3),python3)"; \
	  echo "signalbox: needs Python 3.11, 3.12 or 3.13, found $$found; install one of them, or name it: make PYTHON3=/path/to/python3.12 ..." >&2; \
	  exit 1; fi
	@echo "Installing into $(VENV) with $$($(PYTHON3) --version) ..."
	@test -x $(PYTHON) || $(PYTHON3) -m venv $(VENV)
	@$(PYTHON) -m pip --disable-pip-version-check --quiet install uv==$(UV)
	@$(VENV)/bin/uv pip install --quiet --python $(PYTHON) --require-hashes -r requirements.lock \
	  || $(PYTHON) -m pip --disable-pip-version-check --quiet install --require-hashes -r requirements.lock
	@touch $@

run: $(INSTALLED)  ## Start the whole system here and let it work (ONCE=1: 48 turns, then stop; MARKET=live|simulated|FILE; TIMEFRAME=5m)
	@exec $(PYTHON) -m infra.local run $(if $(ONCE),--once) $(if $(MARKET),--market '$(MARKET)') $(if $(TIMEFRAME),--timeframe '$(TIMEFRAME)')

account: $(INSTALLED)  ## Make an account and show its key (TIER=free|pro|premium [EMAIL=...] [CLOUD=aws])
	@$(PYTHON) -m infra.account --tier '$(TIER)' $(if $(EMAIL),--email '$(EMAIL)') $(if $(CLOUD),--cloud '$(CLOUD)')

withdraw: $(INSTALLED)  ## Withdraw an open signal, with the reason for its record (SIGNAL= REASON= [CLOUD=aws])
	@$(PYTHON) -m infra.withdraw --signal '$(SIGNAL)' --reason '$(REASON)' $(if $(CLOUD),--cloud '$(CLOUD)')

mail: $(INSTALLED)  ## Say whether SES mails everybody from your AWS account, or is in its sandbox
	@$(PYTHON) -m infra.mail

rebuild: $(INSTALLED)  ## Make the statistics anew from the stored signals ([CLOUD=aws])
	@$(PYTHON) -m infra.rebuild $(if $(CLOUD),--cloud '$(CLOUD)')

reset: $(INSTALLED)  ## Forget what earlier runs stored
	@$(PYTHON) -m infra.local reset

bench: $(INSTALLED)  ## Measure ratios against named rivals, write BENCHMARKS.md and build/bench.json (SUBJECT=)
	@$(PYTHON) -m infra.bench $(SUBJECT)

rivals: $(INSTALLED)  ## Install the rivals that need an environment of their own, for make bench
	@test -x build/rivals/freqtrade/bin/python || $(VENV)/bin/uv venv --quiet --python $(PYTHON) build/rivals/freqtrade
	@$(VENV)/bin/uv pip install --quiet --python build/rivals/freqtrade/bin/python freqtrade==$(FREQTRADE)

backtest: $(INSTALLED)  ## Live through stored candles, judge every strategy (STRATEGY= DATA= FROM= TO=)
	@$(PYTHON) -m infra.backtest $(if $(STRATEGY),--strategy '$(STRATEGY)') $(if $(DATA),--data '$(DATA)') $(if $(FROM),--from '$(FROM)') $(if $(TO),--to '$(TO)')

test: $(INSTALLED)  ## Run the whole test suite
	@$(PYTHON) -m pytest -q -n 2

prove: $(INSTALLED)  ## Run the long proofs, each as large as its claim (an hour and a half)
	@PROVE=1 $(PYTHON) -m pytest -q -m prove

check: $(INSTALLED)  ## Check formatting, lint, types and templates
	@$(VENV)/bin/ruff format --check .
	@$(VENV)/bin/ruff check .
	@$(VENV)/bin/mypy
	@$(PYTHON) -m infra.assemble --check

template: $(INSTALLED)  ## Write build/template.yaml, which sam build and sam deploy take
	@$(PYTHON) -m infra.assemble

format: $(INSTALLED)  ## Rewrite the code in the one format
	@$(VENV)/bin/ruff format .
	@$(VENV)/bin/ruff check --fix .

lock: $(INSTALLED)  ## Resolve the dependency groups anew into requirements.lock
	@$(VENV)/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate --no-header \
	  $$(sed -nE '/^\[dependency-groups\]/,/^\[tool/ s/^([a-z]+) = \[.*/--group \1/p' pyproject.toml) -o requirements.lock

clean:  ## Remove everything that was built or installed
	rm -rf $(VENV) build var
