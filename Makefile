# Each target builds .venv by itself when it is missing or older than the requirements.
PYTHON ?= python3
BIN := .venv/bin

# make run DATASET=flickr8k ENCODER=efficientnet_lite0
export CAPTION_DATASET := $(or $(DATASET),$(CAPTION_DATASET))
export CAPTION_ENCODER := $(or $(ENCODER),$(CAPTION_ENCODER))
export CAPTION_PROFILE := $(or $(PROFILE),$(CAPTION_PROFILE))
# make run RUN=wide keeps a retraining beside the model that is there.
export CAPTION_RUN := $(or $(RUN),$(CAPTION_RUN))

.PHONY: run reward runs caption test drill lab bench ablation results publish clean

run: .venv/installed
	$(BIN)/python -m commands.notebooks

# Notebook 07 on top of a finished run.
reward: .venv/installed
	$(BIN)/python -m commands.notebooks --reward

# What differs in the settings of each run, and what it scores.
runs: .venv/installed
	$(BIN)/python -m commands.notebooks --runs

# make caption PHOTOS="a.jpg b.png"
caption: .venv/installed
	$(BIN)/python -m utils $(PHOTOS)

test: .venv/installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest

# What takes longer than a cup of coffee: every notebook from every heading, and more.
drill: .venv/installed
	$(BIN)/python -m pytest tests/drill -v

lab: .venv/installed
	$(BIN)/jupyter lab notebooks

bench: .venv/installed
	$(BIN)/python -m benchmarks

# Hours, over Flickr8k; what is finished is not repeated. See benchmarks/README.md.
ablation: .venv/installed
	$(BIN)/python -m benchmarks.ablation

results: .venv/installed
	$(BIN)/python -m benchmarks.results

# Run on scenes and commit-ready: executed notebooks and figures go to notebooks/ and figures/.
publish: .venv/installed
	$(BIN)/python -m commands.notebooks --publish

clean:
	rm -rf .venv data/runs

.venv/installed: requirements.txt pyproject.toml
	$(PYTHON) .ci/check_system.py
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --disable-pip-version-check -r requirements.txt
	touch $@
