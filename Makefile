# `make help` is the index. Two commands need nothing else: `make nightly` and `make test`.
PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python
SETUP_INPUTS := pyproject.toml constraints.txt tools/setup_machine.py lake/jars.py
LIMIT ?= 5000

.DEFAULT_GOAL := help
.PHONY: help setup setup-store dist nightly demo test test-fast test-anywhere lint docs docs-check sweep try-feature ablation report replay bench chaos loop mutate serve clean wipe

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  \1|\2/' | awk -F'|' '{printf "  make %-12s %s\n", $$1, $$2}'

setup: $(VENV)/ready ## virtual environment, pinned packages, Java and Delta's JARs (once)

$(VENV)/ready: $(SETUP_INPUTS)
	@$(PYTHON) tools/setup_machine.py

nightly: setup ## the whole night: [CATALOG=FILE] [LOGS=DIR] [RUN_DATE=YYYY-MM-DD] [ARGS="key=value …"]
	@$(PY) -m tools.nightly $(if $(CATALOG),catalog=$(CATALOG)) $(if $(LOGS),logs=$(LOGS)) $(if $(RUN_DATE),run_date=$(RUN_DATE)) $(ARGS)

demo: setup ## ask the newest release a few requests in both languages
	@printf '%s\n' "play hello" "happy music" "rock from the 90's" "play music" | $(PY) -m serving.lookup --locale en-US
	@printf '%s\n' "ponme algo para correr" "rock de los noventa" "musica alegre" | $(PY) -m serving.lookup --locale es-ES

test: setup ## every test, two processes with a Spark session each
	@timeout $(LIMIT) $(PY) -m pytest -n 2 --dist loadscope --no-loadscope-reorder

test-fast: setup ## what needs no night and no Spark, for the inner loop: about two minutes
	@timeout $(LIMIT) $(PY) -m pytest -n 2 --dist loadscope --no-loadscope-reorder --fast

test-anywhere: setup-store ## clusters, S3, Airflow and two nights compared, in environments of their own under var/anywhere (45 minutes at most; best as root)
	@PLAYFIRST_ANYWHERE=1 timeout 2700 $(PY) -m pytest -p no:xdist tests/anywhere

lint: setup docs-check ## ruff, mypy --strict on our packages, generated documents
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check .
	@$(PY) -m mypy

docs: setup ## write the pages of features, tables and steps, and the schedulers' graph, anew from the declarations
	@$(PY) -m tools.generate_docs

docs-check: setup ## fail if a generated document is not what the declarations say
	@$(PY) -m tools.generate_docs --check

sweep: setup ## a sweep on the last night's training examples: [RUN_DATE=…] [ARGS="search_space=wide tuning.trials=200"]
	@$(PY) -m jobs.tune run_date=$(or $(RUN_DATE),$(shell $(PY) -m tools.nightly --last-run-date)) $(ARGS)

try-feature: setup ## what a feature is worth on the last night's training pairs: NAME=column, feature or family [RUN_DATE=…]
	@$(PY) -m jobs.try_feature run_date=$(or $(RUN_DATE),$(shell $(PY) -m tools.nightly --last-run-date)) 'features.tried=[$(NAME)]' $(ARGS)

ablation: setup ## what each feature family is worth on the last night, against the simulator's truth: [RUN_DATE=…]
	@$(PY) -m jobs.ablate run_date=$(or $(RUN_DATE),$(shell $(PY) -m tools.nightly --last-run-date)) $(ARGS)

replay: setup ## past nights run with what was known then, each judged beside every arm on what came after it: [NIGHTS=7] [RUN_DATE=…]
	@$(PY) -m jobs.replay nights=$(or $(NIGHTS),7) run_date=$(or $(RUN_DATE),$(shell $(PY) -m tools.nightly --last-run-date)) $(ARGS)

report: setup ## the last night as one HTML page for a browser, with the figures against the simulator's truth if there is one: [RUN_DATE=…]
	@$(PY) -m jobs.report run_date=$(or $(RUN_DATE),$(shell $(PY) -m tools.nightly --last-run-date)) $(ARGS)

setup-store: ## set up for lakes in S3: the extra `store` and Hadoop's client (640 MB)
	@$(PYTHON) tools/setup_machine.py store

dist: setup ## the wheel, and the environment archive for the executors of a cluster, into dist/
	@$(PY) -m tools.dist

chaos: setup ## kill -9 ingest and count 20 times and compare with an undisturbed run
	@$(PY) -m tools.chaos --times 20

loop: setup ## a simulated world served by our own releases for weeks, with and without exploration (hours; goes on where it stopped): [NIGHTS=28] [SEEDS=7,8,9]
	@$(PY) -m tools.loop --nights $(or $(NIGHTS),28) --seeds $(or $(SEEDS),7,8,9) --json var/loop.json

mutate: setup ## deliberate errors in metrics, estimators, labels, joins and audit, each of which a test must catch: [ONLY=area, file or words]
	@$(PY) -m tools.mutate --only "$(ONLY)"

bench: setup ## every world against every baseline (hours; see benchmarks/)
	@$(PY) -m benchmarks.worlds

serve: setup ## answer over HTTP on 127.0.0.1:8080
	@$(PY) -m serving.http

clean: ## remove the environment; the next make sets it up again. What the nights made in var/ stays
	@rm -rf $(VENV) build *.egg-info

wipe: ## remove var/ for good, CONFIRM=var: the lake, every release and the pseudonym key, which nothing can bring back
	@[ "$(CONFIRM)" = var ] || { echo "make wipe: removes var/ with lake, releases and pseudonym key for good. Say make wipe CONFIRM=var." >&2; exit 2; }
	@rm -rf var
