.DEFAULT_GOAL := help
.PHONY: help setup models browser promtool demo test long trials fuzz kills serve lint lock clean
PYTHON_IN_VENV := .venv/bin/python

help: ## Show this list
	@sed -n 's/^\([a-z]*\):.*## /make \1\t/p' Makefile | expand -t 14

setup: ## Create or update .venv (all other targets do so where it is needed)
	@scripts/setup.sh

models: setup ## Build the tiny models into models/
	@$(PYTHON_IN_VENV) -m vgate.models.tiny

browser: # Debian's Chromium for the tests of pages; who may not install it is told by the test that lacks it
	@scripts/browser.sh

promtool: setup # which checks the rules of monitoring/; as for the browser
	@scripts/promtool.sh

demo: models ## Measure three batching strategies on real vLLM on this CPU, with a report
	$(PYTHON_IN_VENV) -m vgate.bench +experiment=demo -m

test: models browser promtool ## Run all tests but those of `make long`, two files at a time (ARGS=... goes to pytest)
	$(PYTHON_IN_VENV) -m pytest --numprocesses 2 --no-loadscope-reorder -m "not long" $(ARGS)

long: models ## The tests that start vLLM several times: under Ray, and two workers of it (four minutes)
	$(PYTHON_IN_VENV) -m pytest -m long $(ARGS)

trials: setup ## A million tagged requests through every batch strategy, each answer to its own caller (ten minutes)
	B5_TRIALS=1000000 $(PYTHON_IN_VENV) -m pytest tests/contracts/test_many_trials.py $(ARGS)

fuzz: setup ## A hundred thousand requests and streams that are nearly right (a few minutes; FUZZ_SEED=... for others)
	FUZZ_CASES=$(or $(FUZZ_CASES),100000) $(PYTHON_IN_VENV) -m pytest -s tests/fuzz tests/api/test_openapi.py $(ARGS)

kills: setup ## A hundred times `kill -9` of a worker under 32 streaming clients: nobody may notice (five minutes)
	$(PYTHON_IN_VENV) experiments/kills.py $(ARGS)

serve: models ## Start the server (ARGS='+preset=cpu' unless given)
	$(PYTHON_IN_VENV) -m vgate.serve $(or $(ARGS),+preset=cpu)

lint: setup ## Check style, types, spelling and packaging
	.venv/bin/ruff check
	.venv/bin/ruff format --check
	.venv/bin/mypy
	git ls-files -z | xargs -0 .venv/bin/codespell
	.venv/bin/validate-pyproject pyproject.toml clients/python/pyproject.toml

lock: setup ## Resolve the newest versions into constraints.txt
	$(PYTHON_IN_VENV) scripts/lock.py

clean: ## Remove .venv, models/, dist/ and caches; results/ stays
	rm -rf .venv models dist test-artifacts .hypothesis .mypy_cache .pytest_cache .ruff_cache
