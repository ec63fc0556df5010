# The commands people type. `make` alone lists them.
.DEFAULT_GOAL := help
.PHONY: help venv check test bench bench-correlation bench-directory bench-likeness faults folders corpora fuzz demo topics dashboard lock clean
BIN := .venv/bin
TEST_PROCESSES ?= 3

help: ## list the targets
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /|/' | awk -F'|' '{printf "make %-17s %s\n", $$1, $$2}'

venv: .venv/made ## make .venv with everything pinned, and the command .venv/bin/mailweave

.venv/made: requirements-dev.lock pyproject.toml .ci/venv
	@.ci/venv
	@touch $@

check: venv ## style, types, and who may import whom
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# The tests start hundreds of Python processes: where bytecode may not be kept, each compiles everything anew.
test: export PYTHONDONTWRITEBYTECODE =
test: venv ## all tests but the long ones, side by side, on real servers that they start and stop (TEST_PROCESSES)
	$(BIN)/python -m pytest -n $(TEST_PROCESSES) --dist loadfile --no-loadscope-reorder

faults: venv ## kill, pause, cut and poison what runs, and judge what comes of it (long; FAULT_MAILS, FAULT_COUNT, FAULT_SEED)
	$(BIN)/python -m pytest -m faults -o log_cli=true -o log_cli_level=INFO

folders: venv ## explore what can happen to the folders of a real server (long; FOLDER_EXAMPLES, FOLDER_STEPS)
	FOLDER_EXAMPLES=$${FOLDER_EXAMPLES:-300} FOLDER_STEPS=$${FOLDER_STEPS:-40} \
		$(BIN)/python -m pytest tests/component/fetcher/test_folder_machine.py

bench: venv ## speed, CPU and memory from IMAP to activities; ARGS="--help" lists what can be asked (long)
	$(BIN)/python -m tests.bench $(ARGS)

bench-likeness: venv ## the likeness index with few and with many mails, from real mail found through MAILWEAVE_CORPORA (long)
	$(BIN)/python -m tests.bench.likeness_growth

bench-correlation: venv ## precision and recall of correlation (MODE=best|compatible) on real mail, found through MAILWEAVE_CORPORA (long)
	$(BIN)/python -m tests.bench.correlation $(MODE)

bench-directory: venv ## loading the directory, and how fast late records find old mail; ARGS="--records N --mails N" (long)
	$(BIN)/python -m tests.bench.directory $(ARGS)

corpora: venv ## tests on real mail, found through MAILWEAVE_CORPORA (long)
	$(BIN)/python -m pytest -m corpora

fuzz: venv ## random and hostile input (long)
	$(BIN)/python -m pytest -m fuzz

demo: venv ## the whole way on real mail, from mailboxes to activities
	$(BIN)/mailweave demo

topics: venv ## write the Strimzi topics anew from the catalogue
	$(BIN)/python -m deploy.topics

dashboard: venv ## write the Grafana dashboard anew from the metric catalogue
	$(BIN)/python -m deploy.grafana.generate

lock: venv ## choose versions anew and write both lock files, with hashes
	@.ci/lock

clean: ## remove .venv and caches; servers and their data stay (`mailweave stack down` removes the data)
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache build dist
	find services tests -name __pycache__ -type d -prune -exec rm -rf {} +
