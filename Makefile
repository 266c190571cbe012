# One verb each. `make` alone lists them.
.DEFAULT_GOAL := help
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
MAKEFLAGS += --no-print-directory

export RASA_TELEMETRY_ENABLED := false
export SPINEBOT_DATA_DIR ?= $(CURDIR)/var

APP := .venv/app/bin
RASA := .venv/rasa/bin

.PHONY: help setup run demo cluster test quick train bench check format pictures weaknesses lock clean

help: ## list the verbs
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /  make \1\t/' | expand -t 16

setup: .venv/app/.ready .venv/rasa/.ready .venv/encoder/.ready ## build the two environments and the sentence encoder

.venv/tools/.ready: requirements/tools.txt scripts/setup.sh
	@scripts/setup.sh tools
.venv/app/.ready: requirements/app.txt pyproject.toml .venv/tools/.ready
	@scripts/setup.sh app
.venv/rasa/.ready: requirements/rasa.txt pyproject.toml .venv/tools/.ready
	@scripts/setup.sh rasa
.venv/encoder/.ready: .venv/app/.ready .venv/rasa/.ready spinebot/training/encoder_graph.py spinebot/bot/encoder_tuning.py
	@scripts/setup.sh encoder

run: setup ## set everything up, train if there is no model, start the bot and print its address
	@exec $(APP)/spinebot run

cluster: setup ## the topology of several machines as processes: 2 web, 2 Rasa, 2 action servers, nginx, PostgreSQL, Redis
	@exec $(APP)/python -m bench.cluster

test: setup ## every test that this machine can run
	@$(APP)/python -m tests.run

quick: setup ## the tests that take seconds
	@$(APP)/python -m tests.run --quick

demo: export SPINEBOT_DATA_DIR := $(CURDIR)/var/demo
demo: setup ## the bot and the console with sample conversations, in var/demo
	@if [ ! -e var/demo/spinebot.db ]; then \
	  mkdir -p var/demo; if [ -e var/models/live ]; then cp -r var/models var/demo/; fi; \
	  $(APP)/spinebot demo; fi
	@exec $(APP)/spinebot run

train: setup ## train a model and put it live
	@$(APP)/spinebot train

bench: setup ## measure against Rasa's defaults and against the floor
	@$(APP)/python -m bench

check: setup ## lint, types, format, content
	@$(APP)/ruff check .
	@$(APP)/ruff format --check .
	@$(APP)/mypy
	@$(APP)/spinebot articles check
	@$(APP)/spinebot clinic check
	@$(APP)/spinebot red-flags check
	@$(APP)/spinebot data check

format: setup ## put the code in shape
	@$(APP)/ruff check --fix .
	@$(APP)/ruff format .

pictures: setup ## take the screenshots of the documents anew
	@$(APP)/python -m tests.pictures

ADVISORIES ?= var/advisories
weaknesses: setup ## list the known weaknesses of the locked packages, from the advisories of the day
	@if [ ! -e "$(ADVISORIES)" ]; then git clone -q --depth 1 https://github.com/pypa/advisory-database "$(ADVISORIES)"; \
	  elif [ -e "$(ADVISORIES)/.git" ]; then git -C "$(ADVISORIES)" pull -q; fi
	@$(APP)/python scripts/weaknesses.py "$(ADVISORIES)"

lock: .venv/tools/.ready ## compile the locked requirements anew from pyproject.toml
	@scripts/setup.sh lock

clean: ## remove the environments; what visitors said (var/) stays
	rm -rf .venv .rasa
