# Cartwright: `make` lists the targets; `make demo` shows the system at work.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

VERSION := 3.13
BIN := .venv/bin
TOOLS := $(BIN)/python -m tools
export SAM_CLI_TELEMETRY := 0
# Trust the certificates that this machine trusts (of a company's proxy, say), as pip does.
export UV_SYSTEM_CERTS := 1
# If it is set, as images for containers set it, each of a run's processes compiles all that it imports: seconds of a core.
unexport PYTHONDONTWRITEBYTECODE
CODE := shared_layer services tools tests benchmarks

# A stack on AWS (STACK=... REGION=...) is there already; without STACK it is the one in the embedded cloud.
DEPLOYED := $(if $(STACK),.venv/installed,up)

# $(call do,<command>): prints the command, runs it, and prints how long it took (tools/lanes.py reads both lines).
do = @echo "$$ $(strip $(1))"; TIMEFORMAT='took %1R s, and %1U + %1S s of a core'; time ( $(1) )

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-18s %s\n", $$1, $$2} /^## / {printf "\n%s\n", substr($$0, 4)}' Makefile

## Prepare
.PHONY: setup lock
setup: .venv/installed .venv-sam/installed .venv-cloud/installed ## Install the tools and the embedded cloud (nothing outside this folder)

lock: .venv/installed ## Renew requirements/*.txt from requirements/*.in
	$(call do,cd requirements && for list in dev runtime live-authorizer image-processor sam cloud lambda-image scan load docs; do \
		../$(BIN)/uv pip compile --quiet --upgrade --universal --python-version $(VERSION) --generate-hashes \
		$$(case $$list in runtime|live-authorizer|image-processor) echo --constraint dev.txt;; esac) $$list.in --output-file $$list.txt; done)

# Each installs again when its locked list has changed. pip installs uv at the locked version; uv installs the rest.
.venv/installed: requirements/dev.txt
	@python="$$($(find-python))"; echo "Installing the tools into .venv"; "$$python" -m venv .venv
	@awk '/^uv==/ {found = 1} found {print} found && !/\\$$/ {exit}' $< > .venv/uv.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement .venv/uv.txt
	@$(BIN)/uv pip sync --quiet --python $(BIN)/python --require-hashes $<
	@touch $@

# SAM CLI wants older packages than the tools have, and pins some that ship with the functions.
.venv-sam/installed: requirements/sam.txt | .venv/installed
	@echo "Installing SAM CLI into .venv-sam"
	@$(BIN)/uv venv --quiet --clear --python $(BIN)/python .venv-sam
	@$(BIN)/uv pip sync --quiet --python .venv-sam/bin/python --require-hashes $<
	@touch $@

.venv-cloud/installed: requirements/cloud.txt | .venv/installed
	@echo "Installing the embedded cloud into .venv-cloud"
	@$(BIN)/uv venv --quiet --clear --python $(BIN)/python .venv-cloud
	@$(BIN)/uv pip sync --quiet --python .venv-cloud/bin/python --require-hashes $<
	@touch $@

# Checkov wants older packages than the tools have.
.venv-scan/installed: requirements/scan.txt | .venv/installed
	@echo "Installing the scanners into .venv-scan"
	@$(BIN)/uv venv --quiet --clear --python $(BIN)/python .venv-scan
	@$(BIN)/uv pip sync --quiet --python .venv-scan/bin/python --require-hashes $<
	@touch $@

# Locust patches sockets and threads of its process.
.venv-load/installed: requirements/load.txt | .venv/installed
	@echo "Installing Locust into .venv-load"
	@$(BIN)/uv venv --quiet --clear --python $(BIN)/python .venv-load
	@$(BIN)/uv pip sync --quiet --python .venv-load/bin/python --require-hashes $<
	@touch $@

# The site's generator wants other releases of Markdown libraries than the tools have.
.venv-docs/installed: requirements/docs.txt | .venv/installed
	@echo "Installing the generator of the site into .venv-docs"
	@$(BIN)/uv venv --quiet --clear --python $(BIN)/python .venv-docs
	@$(BIN)/uv pip sync --quiet --python .venv-docs/bin/python --require-hashes $<
	@touch $@

# Prints a Python of the Lambda runtime's version, or an error with advice.
define find-python
for python in python3 python$(VERSION) python; do \
	if [ "$$("$$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null)" = "$(VERSION)" ]; \
	then echo "$$python"; exit 0; fi; done; \
echo "Python $(VERSION) is needed, the version of the Lambda runtime; python3 here is $$(python3 --version 2>&1)." >&2; \
echo "Install it, for example with 'pyenv install $(VERSION)' or 'uv python install $(VERSION)', and try again." >&2; exit 1
endef

## Check
.PHONY: format lint types unit component contracts singles faults defects attack weaknesses break tutorial template scan system fuzz browser screenshots sam-local checks test permissions permissions-needed leaks slowest
format: .venv/installed ## Format the code
	$(call do,$(BIN)/ruff format $(CODE))
	$(call do,$(BIN)/ruff check --fix --select I $(CODE))

lint: .venv/installed ## Check style, imports between services, and formatting
	$(call do,$(BIN)/ruff format --check $(CODE))
	$(call do,$(BIN)/ruff check $(CODE))
	$(call do,PYTHONPATH=shared_layer:$$(echo services/* | tr ' ' ':') $(BIN)/lint-imports)

types: .venv/installed ## Check types
	$(call do,$(BIN)/mypy)

unit: .venv/installed .venv-sam/installed ## Test the rules (no AWS)
	$(call do,$(BIN)/python -m pytest --numprocesses auto tests/unit)

component: .venv/installed ## Test each service against moto, in process
	$(call do,$(BIN)/python -m pytest --numprocesses auto tests/component)

contracts: .venv/installed ## Test the adapters of other systems against independent servers of their protocols (a Stripe mock)
	$(call do,$(BIN)/python -m pytest tests/contracts)

singles: .venv/installed ## Test the shop under every single fault, a sample of pairs (FAULTS_SEED=...), and with many orders
	$(call do,$(BIN)/python -m pytest --numprocesses auto tests/faults tests/growth)

faults: .venv/installed ## Test the shop under every pair of faults (minutes; WORKERS=2)
	@$(BIN)/python -W ignore -m tests.faults pairs --workers $(or $(WORKERS),2)

defects: .venv/installed ## Plant each known defect, and check that the faults find it (some minutes)
	@$(BIN)/python -W ignore -m tests.faults defects --workers $(or $(WORKERS),2)

attack: $(DEPLOYED) ## Attack the deployed stack, and count attacks and findings by group (STACK=... REGION=...; minutes)
	$(call do,$(BIN)/python -m pytest tests/attacks $(ARGS))

weaknesses: up ## Plant each known weakness, and check that the attacks find it (20 minutes; ONLY=<words of some names>)
	@$(BIN)/python -W ignore -m tests.attacks --only "$(ONLY)"

break: lab-cloud ## Take a pattern away in a cloud of its own, and see the damage (PATTERN=outbox; all without, two minutes)
	@CLOUD=lab $(BIN)/python -W ignore -m tests.patterns $(PATTERN)

tutorial: .venv/installed ## Do what docs/tutorial.md tells its reader, in a clone of the last commit (minutes)
	@$(BIN)/python -m tests.tutorial

template: .venv/installed .venv-sam/installed ## Count the resources that each service takes (`make scan` checks the template)
	$(call do,$(TOOLS) resources)

scan: .venv/installed .venv-scan/installed ## Scan the template, code, workflows and locked packages for known mistakes
	$(call do,$(TOOLS) scan $(if $(WITHIN_TEST),--warn-of-vulnerabilities))
	$(call do,$(BIN)/python -m pytest tests/scan)

# Three workers share out the test files in their order. Each has an embedded cloud of its own, where it meets no test of
# another. Without --no-loadscope-reorder a file of a few long tests would come last.
WORKERS_CLOUDS := second third
SIDE_BY_SIDE := --dist loadfile --no-loadscope-reorder --tx popen $(WORKERS_CLOUDS:%=--tx popen//env:CLOUD=%)

# All at once, since each waits for sam; the first one builds.
.PHONY: clouds
clouds: setup
	@$(MAKE) --jobs --output-sync seed $(WORKERS_CLOUDS:%=%-cloud)

%-cloud: setup
	@CLOUD=$* $(TOOLS) up
	@CLOUD=$* $(TOOLS) seed

system: $(if $(STACK),seed,clouds) ## Test the deployed system (STACK=... REGION=... for any stack but one for production)
	$(call do,$(BIN)/python -m pytest --no-fold-skipped tests/system $(if $(STACK),,$(SIDE_BY_SIDE)))

fuzz: fuzz-cloud ## Try the API with generated requests, a sample of the attacks, and a pattern less (EXAMPLES=100 for a long run)
	$(call do,CLOUD=fuzz $(BIN)/python -m pytest --capture=no tests/fuzz --examples $(or $(EXAMPLES),25))
	$(call do,CLOUD=fuzz $(BIN)/python -m pytest --short tests/attacks)
	$(call do,CLOUD=fuzz $(BIN)/python -W ignore -m tests.patterns --short)

# These use the embedded cloud alone, whatever stack STACK names.
.PHONY: embedded-seed
embedded-seed:
	@$(MAKE) seed STACK=

browser: embedded-seed node_modules/.package-lock.json ## Use the shop and the reference in a real browser (Debian's chromium)
	$(call do,$(BIN)/python -m pytest --no-fold-skipped tests/browser)

screenshots: embedded-seed ## Take the pictures of the docs from the running system (Debian's chromium)
	$(call do,$(BIN)/python -m tests.browser.screenshots)

# Node's packages check the web app: its types, and its accessibility. Nothing else needs them.
node_modules/.package-lock.json: package-lock.json
	@if command -v npm > /dev/null; then npm ci --no-audit --no-fund; else echo "Without Node the web app's types and accessibility are not checked."; fi

sam-local: embedded-seed ## Test `sam local` with Docker against the embedded cloud (some minutes)
	$(call do,$(BIN)/python -m pytest tests/sam_local)

checks: lint types template scan unit component contracts singles ## Check and test everything that needs no cloud

test: setup .venv-scan/installed ## Run every check and every test, in three lanes side by side (SEED=... for the order of an earlier run)
	@STACK= WITHIN_TEST=yes $(TOOLS) lanes checks system fuzz

permissions: .venv/installed ## Show what each function may do, and what the last run of the system's tests needed of it
	@$(TOOLS) permissions

# A search that was killed leaves roles without a permission, and any search leaves orders that are stuck. So each run has
# new clouds.
permissions-needed: setup ## Take each permission away in turn, and see a test fail that needed it in the last run, in new embedded clouds (MINUTES=18; again goes on)
	@$(MAKE) down
	@$(MAKE) clouds
	@$(BIN)/python -W ignore -m tests.system --minutes $(or $(MINUTES),18)

leaks: .venv/installed ## Search the embedded cloud for personal data and secrets where the data map allows none
	@$(TOOLS) leaks

slowest: .venv/installed ## Show the stages and the slowest tests of the last run
	@$(TOOLS) slowest

.PHONY: budgets bench bill benchmark benchmark-live benchmark-pictures growth load
budgets: build ## Measure the modules, sizes and calls that tests hold to their budgets, and renew the budgets
	@$(BIN)/python -W ignore -m tests.budgets

bench: build ## Measure how fast each function starts, and what a request takes (ROUNDS=15; ten minutes at most)
	@$(BIN)/python -m benchmarks.starts --rounds $(or $(ROUNDS),15)

bill: up ## Count and price what orders cost on AWS (two minutes; ORDERS=20, ARGS=--json; fails above the budget)
	@$(TOOLS) bill --orders $(or $(ORDERS),20) $(ARGS)

benchmark: up ## Measure a flash sale of one product with many writers (a minute; benchmarks/README.md)
	@$(BIN)/python -m benchmarks.flash_sale

benchmark-live: up ## Measure how soon an order is confirmed, and customers see each change (a minute)
	@$(BIN)/python -m benchmarks.live_latency

benchmark-pictures: .venv/installed ## Measure memory and time of the largest accepted pictures (a minute)
	@$(BIN)/python -m benchmarks.pictures

growth: .venv/installed ## Measure what an order costs with 100, 10,000 and 100,000 orders in the tables (eight minutes)
	@$(BIN)/python -m benchmarks.growth

load: $(DEPLOYED) .venv-load/installed ## Load the shop with a shopping mix, and audit its books (USERS=10 MINUTES=1; STACK=... REGION=... for any stack but one for production)
	@$(BIN)/python -m benchmarks.load --users $(or $(USERS),10) --minutes $(or $(MINUTES),1)

## Describe
.PHONY: openapi openapi-release asyncapi events events-release data-map services agents decisions docs release-notes
openapi: .venv/installed ## Renew the OpenAPI document and the authorization matrix from the routes
	@$(TOOLS) openapi write

openapi-release: .venv/installed ## Make the document the one that later versions may not break
	@$(TOOLS) openapi release

asyncapi: .venv/installed ## Renew the AsyncAPI document of the live updates from their messages
	@$(TOOLS) asyncapi write

events: .venv/installed ## Renew the events' schemas and their catalogue from the payload classes
	@$(TOOLS) events write

data-map: .venv/installed ## Renew the map of all personal data from the marks in the code
	@$(TOOLS) data-map write

services: .venv/installed ## Renew the lists of the services in pyproject.toml from their folders
	@$(TOOLS) services write

events-release: .venv/installed ## Make the events the ones whose readers later versions may not break
	@$(TOOLS) events release

agents: .venv/installed ## Renew AGENTS.md from CONTRIBUTING.md and the Makefile
	@$(TOOLS) agents

decisions: .venv/installed ## Renew the contents of the decisions, by topic and status
	@$(TOOLS) decisions

docs: .venv/installed .venv-docs/installed ## Build the docs as a site with search, in build/site; a warning fails it
	@$(TOOLS) docs-pages
	$(call do,.venv-docs/bin/zensical build --clean --strict)

release-notes: .venv/installed ## Compare the contracts of two versions (FROM=v0.6.0 TO=v0.7.0; without, since the last tag)
	@$(TOOLS) release-notes $(if $(FROM),--from "$(FROM)") $(if $(TO),--to "$(TO)")

## Extend
.PHONY: new-service new-route new-event new-consumer
new-service: .venv/installed .venv-scan/installed ## Make a service (NAME=gift-cards ROUTES=yes CONSUMES=order.fulfilled ...: docs/new-service.md; asks without options)
	@$(TOOLS) new-service "$(or $(NAME),$(error NAME=... names the service))" $(if $(THING),--thing "$(THING)") $(if $(ROUTES),--routes) \
		$(if $(TABLE),--table) $(if $(CONSUMES),--consumes "$(CONSUMES)") $(if $(PROJECTS),--projects "$(PROJECTS)") \
		$(if $(SCHEDULE),--schedule "$(SCHEDULE)") $(if $(STEPS),--steps) $(if $(BEYOND_BUDGET),--beyond-budget)
	@$(MAKE) budgets
	@$(TOOLS) scan write

new-route: .venv/installed ## Make a route that reads (SERVICE=gift_cards ROUTE=/gift-cards/{gift_card_id}/history OPERATION=read_history)
	@$(TOOLS) new-route "$(or $(SERVICE),$(error SERVICE=... names the service))" "$(or $(ROUTE),$(error ROUTE=/... names its path))" \
		--operation "$(or $(OPERATION),$(error OPERATION=... names its function))" $(if $(ACCESS),--access $(ACCESS))
	@$(MAKE) budgets

new-event: .venv/installed ## Make a type of event (SERVICE=gift_cards NAME=gift_card.spent MEANING="The card has no money left.")
	@$(TOOLS) new-event "$(or $(SERVICE),$(error SERVICE=... names the service))" "$(or $(NAME),$(error NAME=... names the type))" \
		--meaning "$(or $(MEANING),$(error MEANING=... says what has happened))"

new-consumer: .venv/installed .venv-scan/installed ## Make a consumer with a queue of its own (SERVICE=gift_cards NAME=erase EVENTS=user.deleted)
	@$(TOOLS) new-consumer "$(or $(SERVICE),$(error SERVICE=... names the service))" "$(or $(NAME),$(error NAME=... names its module))" \
		--events "$(or $(EVENTS),$(error EVENTS=... names types of events))" $(if $(BEYOND_BUDGET),--beyond-budget)
	@$(MAKE) budgets
	@$(TOOLS) scan write

## Make it yours
.PHONY: rename without fork-tried
rename: .venv/installed ## Give the product another name in all files (NAME="Your Shop"; DOMAIN=your-shop.com PREFIX=YS; ARGS=--check only shows what would change)
	@$(TOOLS) rename "$(or $(NAME),$(error NAME="Your Shop" is the new name))" $(if $(DOMAIN),--domain "$(DOMAIN)") $(if $(PREFIX),--prefix "$(PREFIX)") $(ARGS)

without: .venv/installed .venv-scan/installed ## Take a service out of the tree (SERVICE=live: docs/fork.md)
	@$(TOOLS) without "$(or $(SERVICE),$(error SERVICE=... names the service))"
	@$(MAKE) budgets
	@$(TOOLS) scan write

fork-tried: setup .venv-scan/installed ## Rename a copy (NAME=...), or take a service out of it (SERVICE=...), and run its tests and its demo (many minutes)
	@$(TOOLS) fork-tried $(if $(NAME),--name "$(NAME)") $(if $(SERVICE),--service "$(SERVICE)") $(ARGS)

## Run
.PHONY: build up dev sync debug demo smoke seed token watch down clean
build: .venv/installed .venv-sam/installed ## Build the functions and the layer
	$(call do,.venv-sam/bin/sam build)

up: setup ## Start the embedded cloud and deploy to it (PORT=... if 4566 is taken)
	@$(TOOLS) up

dev: setup ## Deploy each change to the embedded cloud as you save it, and run the tests that it concerns
	@$(TOOLS) dev

sync: .venv/installed ## Deploy what changed to the running embedded cloud, once (SERVICE=orders, or SERVICE=shared, for that alone)
	@$(TOOLS) sync $(SERVICE)

debug: .venv/installed ## Let a debugger attach to a function of the embedded cloud (FUNCTION=OrdersApi; DEBUG_PORT=5678)
	@$(TOOLS) debug $(or $(FUNCTION),$(error FUNCTION=OrdersApi names a function, as `make logs` shows it)) --port $(or $(DEBUG_PORT),5678)

demo: $(DEPLOYED) ## Place real orders and follow them to the mail (OPEN=1 opens the shop at the end)
	@$(TOOLS) demo $(if $(OPEN),--open)

smoke: $(if $(STACK),.venv/installed,seed) ## See one order confirmed over HTTP, and cancel it again (SKU=... REVISION=<commit>)
	@$(TOOLS) smoke $(if $(SKU),--sku "$(SKU)") $(if $(REVISION),--revision "$(REVISION)")

seed: $(DEPLOYED) ## Fill the catalogue and the stock
	@$(TOOLS) seed

token: .venv/installed ## Print a new customer's token (ROLE=admin for an admin; EMAIL=... PASSWORD=... for your own)
	@$(TOOLS) token $(if $(ROLE),--role "$(ROLE)") $(if $(filter command,$(origin EMAIL)),--email "$(EMAIL)")

watch: .venv/installed ## Show the changes of a customer's orders as they happen (TOKEN=..., or a new customer)
	@$(TOOLS) watch

down: .venv/installed ## Stop the embedded cloud; its data is gone
	@$(TOOLS) down
	@$(foreach cloud,$(WORKERS_CLOUDS) fuzz,CLOUD=$(cloud) $(TOOLS) down; )true

clean: ## Stop the embedded cloud and remove everything that was built (the tools stay)
	@[ ! -x $(BIN)/python ] || $(MAKE) down
	$(call do,rm -rf .aws-sam .local build .cache .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache)
	$(call do,find $(CODE) -name __pycache__ -type d -prune -exec rm -rf {} +)

## Operate (the embedded cloud, or a stack on AWS: STACK=... REGION=...)
.PHONY: url logs trace attention resume dlq redrive rebuild report rotate sign-out checkpoint rollback
url: .venv/installed ## Print the addresses of the APIs, as exports for a shell
	@$(TOOLS) url

logs: .venv/installed ## Show the log lines of the functions (ARGS="--follow --grep <order id>"; --raw for whole lines)
	@$(TOOLS) logs $(ARGS)

trace: .venv/installed ## Draw the whole path of one order (ORDER=ord_...), or list who looked at a person's data (PERSON=<id or address>; ARGS=--json)
	@$(TOOLS) trace $(or $(ORDER),$(addprefix --person=,$(PERSON)),$(error ORDER=ord_... names an order, PERSON=... a person)) $(ARGS)

attention: .venv/installed ## List the orders that are parked, stuck, late or unsettled (on AWS: TOKEN=..., an admin's)
	@$(TOOLS) attention

resume: .venv/installed ## Undo everything of a parked order again, or capture its money again (ORDER=ord_...; on AWS: TOKEN=...)
	@$(TOOLS) resume $(or $(ORDER),$(error ORDER=ord_... names the order))

dlq: .venv/installed ## Show what waits in the dead-letter queues, by reason (QUEUE=OrdersStartExecutions for each message)
	@$(TOOLS) dlq $(QUEUE)

redrive: .venv/installed ## Send the messages of a dead-letter queue to their source again (QUEUE=OrdersStartExecutions)
	@$(TOOLS) redrive $(or $(QUEUE),$(error QUEUE=... names the queue, as `make dlq` shows it))

rebuild: .venv/installed ## Rebuild a projection from its source (PROJECTION=reports-sales; without, list them)
	@$(TOOLS) rebuild $(PROJECTION)

report: .venv/installed ## Report on a week's sales, and save the page (WEEK=2026-W10; on AWS: TOKEN=...)
	@$(TOOLS) report $(WEEK)

rotate: .venv/installed ## Replace a secret while requests go on (SECRET=payment-webhook, then STEP=finish; without, list them)
	@$(TOOLS) rotate $(SECRET) $(if $(STEP),--step $(STEP))

sign-out: .venv/installed ## End all sessions of an account (EMAIL=...; ROLE=admin takes that role from it)
	@$(TOOLS) sign-out $(or $(EMAIL),$(error EMAIL=... names the account)) $(if $(ROLE),--role $(ROLE))

checkpoint: .venv/installed ## Keep the deployed version of a stack, before a deployment (STACK=... REGION=...)
	@$(TOOLS) checkpoint

rollback: .venv/installed ## Deploy the version that `make checkpoint` kept (STACK=... REGION=...)
	@$(TOOLS) rollback
