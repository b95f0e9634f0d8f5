# Cartwright: `make` lists what there is; `make demo` shows it all.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

VERSION := 3.13
BIN := .venv/bin
export SAM_CLI_TELEMETRY := 0
# Trust what this machine trusts (a company's proxy, say), as pip does.
export UV_SYSTEM_CERTS := 1
CODE := shared_layer services tools tests benchmarks

# $(call do,<command>): prints the command, then runs it.
do = @echo "$$ $(strip $(1))"; $(1)

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-15s %s\n", $$1, $$2} /^## / {printf "\n%s\n", substr($$0, 4)}' Makefile

## Prepare
.PHONY: setup lock
setup: .venv/installed .venv-cloud/installed ## Install the tools and the embedded cloud (nothing outside this folder)

lock: .venv/installed ## Renew requirements/*.txt from requirements/*.in
	$(call do,cd requirements && for list in dev runtime live-authorizer image-processor cloud lambda-image; do \
		../$(BIN)/uv pip compile --quiet --upgrade --universal --python-version $(VERSION) --generate-hashes --no-header \
		$$(case $$list in runtime|live-authorizer|image-processor) echo --constraint dev.txt;; esac) $$list.in --output-file $$list.txt; done)

# Each installs from its locked list again when that has changed. pip brings uv, at the locked version; uv does the rest.
.venv/installed: requirements/dev.txt
	@python="$$($(find-python))"; echo "Installing the tools into .venv"; "$$python" -m venv .venv
	@awk '/^uv==/ {found = 1} found {print} found && !/\\$$/ {exit}' $< > .venv/uv.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement .venv/uv.txt
	@$(BIN)/uv pip sync --quiet --python $(BIN)/python --require-hashes $<
	@touch $@

.venv-cloud/installed: requirements/cloud.txt | .venv/installed
	@echo "Installing the embedded cloud into .venv-cloud"
	@$(BIN)/uv venv --quiet --clear --python $(BIN)/python .venv-cloud
	@$(BIN)/uv pip sync --quiet --python .venv-cloud/bin/python --require-hashes $<
	@touch $@

# Prints a Python of the Lambda runtime's version, or says what is missing.
define find-python
for python in python3 python$(VERSION) python; do \
	if [ "$$("$$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null)" = "$(VERSION)" ]; \
	then echo "$$python"; exit 0; fi; done; \
echo "Python $(VERSION) is needed, the version of the Lambda runtime; python3 here is $$(python3 --version 2>&1)." >&2; \
echo "Install it, for example with 'pyenv install $(VERSION)' or 'uv python install $(VERSION)', and try again." >&2; exit 1
endef

## Check
.PHONY: format lint types unit component contracts singles faults defects template system fuzz browser sam-local test
format: .venv/installed ## Format the code
	$(call do,$(BIN)/ruff format $(CODE))
	$(call do,$(BIN)/ruff check --fix --select I $(CODE))

lint: .venv/installed ## Check style, imports between services, and formatting
	$(call do,$(BIN)/ruff format --check $(CODE))
	$(call do,$(BIN)/ruff check $(CODE))
	$(call do,PYTHONPATH=shared_layer:$$(echo services/* | tr ' ' ':') $(BIN)/lint-imports)

types: .venv/installed ## Check types
	$(call do,$(BIN)/mypy)

unit: .venv/installed ## Test the rules (no AWS)
	$(call do,$(BIN)/python -m pytest --numprocesses auto tests/unit)

component: .venv/installed ## Test each service against moto, in process
	$(call do,$(BIN)/python -m pytest --numprocesses auto tests/component)

contracts: .venv/installed ## Test what is spoken to others against servers that speak it (a Stripe of somebody else's)
	$(call do,$(BIN)/python -m pytest tests/contracts)

singles: .venv/installed ## Test the shop under every single fault, and under a sample of pairs (FAULTS_SEED=...)
	$(call do,$(BIN)/python -m pytest --numprocesses auto tests/faults)

faults: .venv/installed ## Test the shop under every pair of faults (minutes; WORKERS=2)
	@$(BIN)/python -W ignore -m tests.faults pairs --workers $(or $(WORKERS),2)

defects: .venv/installed ## Plant each of the listed defects, and see that the faults find it (some minutes)
	@$(BIN)/python -W ignore -m tests.faults defects --workers $(or $(WORKERS),2)

template: .venv/installed ## Check the template
	$(call do,$(BIN)/cfn-lint template.yaml)
	$(call do,AWS_DEFAULT_REGION=us-east-1 $(BIN)/sam validate --lint)

system: seed ## Test the deployed system in the embedded cloud
	$(call do,$(BIN)/python -m pytest tests/system)

fuzz: seed ## Try the API with made-up requests, as customer and admin (EXAMPLES=100 for long)
	$(call do,$(BIN)/python -m pytest --capture=no tests/fuzz --examples $(or $(EXAMPLES),25))

browser: seed ## Use the API's reference in a real browser (Debian's chromium)
	$(call do,$(BIN)/python -m pytest tests/browser)

sam-local: seed ## Test `sam local` with Docker against the embedded cloud (some minutes)
	$(call do,$(BIN)/python -m pytest tests/sam_local)

test: lint types template unit component contracts singles system ## Run every check and test there is
	$(call do,$(BIN)/python -m pytest tests/fuzz)

.PHONY: benchmark benchmark-live benchmark-pictures
benchmark: up ## Measure a flash sale of one product with many writers (a minute; benchmarks/README.md)
	@$(BIN)/python -m benchmarks.flash_sale

benchmark-live: up ## Measure how soon customers are told of a change (a minute)
	@$(BIN)/python -m benchmarks.live_latency

benchmark-pictures: .venv/installed ## Measure memory and time of the largest pictures that are taken (a minute)
	@$(BIN)/python -m benchmarks.pictures

## Describe
.PHONY: openapi openapi-release asyncapi events events-release
openapi: .venv/installed ## Renew the OpenAPI document and the authorization matrix from the routes
	$(call do,$(BIN)/python -m tools.contracts.openapi write)

openapi-release: .venv/installed ## Make the document the one that later versions may not break
	$(call do,$(BIN)/python -m tools.contracts.openapi release)

asyncapi: .venv/installed ## Renew the AsyncAPI document of the live updates from their messages
	$(call do,$(BIN)/python -m tools.contracts.asyncapi)

events: .venv/installed ## Renew the events' schemas and their catalogue from the payload classes
	$(call do,$(BIN)/python -m tools.contracts.events write)

events-release: .venv/installed ## Make the events the ones whose readers later versions may not break
	$(call do,$(BIN)/python -m tools.contracts.events release)

## Run
.PHONY: build up demo seed token logs watch attention resume report trace dlq redrive rebuild down clean
build: .venv/installed ## Build the functions and the layer
	$(call do,$(BIN)/sam build)

up: setup ## Start the embedded cloud and deploy to it (PORT=... if 4566 is taken)
	@$(BIN)/python -m tools up

demo: up ## Place real orders and follow them to the mail
	@$(BIN)/python -m tools demo

seed: up ## Fill the catalogue and the stock
	@$(BIN)/python -m tools seed

token: .venv/installed ## Sign up somebody new and print their token (ROLE=admin for who runs the shop)
	@$(BIN)/python -m tools token $(if $(filter admin,$(ROLE)),--admin)

logs: .venv/installed ## Show what the functions logged (ARGS="--follow --grep <order id>")
	@$(BIN)/python -m tools logs $(ARGS)

watch: .venv/installed ## Show what becomes of a customer's orders as it happens (TOKEN=..., or somebody new)
	@$(BIN)/python -m tools watch $(if $(TOKEN),--token "$(TOKEN)")

attention: .venv/installed ## List the orders that are parked, stuck or late
	@$(BIN)/python -m tools attention

resume: .venv/installed ## Undo what is left of a parked order, and end it (ORDER=ord_...)
	@$(BIN)/python -m tools resume $(ORDER)

report: .venv/installed ## Report on a week's sales, by a job, and save the page (WEEK=2026-W10; the last one that is over)
	@$(BIN)/python -m tools report $(WEEK)

trace: .venv/installed ## Draw the whole path of one order (ORDER=ord_...; ARGS=--json; STACK=... for a stack on AWS)
	@$(BIN)/python -m tools trace $(or $(ORDER),$(error ORDER=ord_... names the order)) $(ARGS)

dlq: .venv/installed ## Show the dead letters and why they are (STACK=... for a stack on AWS)
	@$(BIN)/python -m tools dlq

redrive: .venv/installed ## Give dead letters back to where they came from (QUEUE=OrdersStartExecutions; STACK=...)
	@$(BIN)/python -m tools redrive $(or $(QUEUE),$(error QUEUE=... names the queue, as `make dlq` shows it))

rebuild: .venv/installed ## Make a projection again from its source (PROJECTION=reports-sales; without, it lists them; STACK=...)
	@$(BIN)/python -m tools rebuild $(PROJECTION)

down: .venv/installed ## Stop the embedded cloud; its data is gone
	@$(BIN)/python -m tools down

clean: ## Stop the embedded cloud and remove all that was built (the tools stay)
	@[ ! -x $(BIN)/python ] || $(BIN)/python -m tools down
	$(call do,rm -rf .aws-sam .local .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache)
	$(call do,find $(CODE) -name __pycache__ -type d -prune -exec rm -rf {} +)
