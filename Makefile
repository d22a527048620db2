# Each target builds .venv by itself when it is missing or older than the requirements.
PYTHON ?= python3
BIN := .venv/bin

# make run DATASET=flickr8k ENCODER=efficientnet_lite0
export CAPTION_DATASET := $(or $(DATASET),$(CAPTION_DATASET))
export CAPTION_ENCODER := $(or $(ENCODER),$(CAPTION_ENCODER))
export CAPTION_PROFILE := $(or $(PROFILE),$(CAPTION_PROFILE))

.PHONY: run reward caption test lab bench climb results publish clean

run: .venv/installed
	$(BIN)/python -m utils.course

# Notebook 07 on top of a finished run.
reward: .venv/installed
	$(BIN)/python -m utils.course --reward

# make caption PHOTOS="a.jpg b.png"
caption: .venv/installed
	$(BIN)/python -m utils $(PHOTOS)

test: .venv/installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/python -m pytest

lab: .venv/installed
	$(BIN)/jupyter lab notebooks

bench: .venv/installed
	$(BIN)/python -m benchmarks

# Hours, over Flickr8k; what is finished is not repeated. See benchmarks/README.md.
climb: .venv/installed
	$(BIN)/python -m benchmarks.ablation

results: .venv/installed
	$(BIN)/python -m benchmarks.results

# Run on scenes and commit-ready: executed notebooks and figures go to notebooks/ and figures/.
publish: .venv/installed
	$(BIN)/python -m utils.course --publish

clean:
	rm -rf .venv data/runs

.venv/installed: requirements.txt pyproject.toml
	$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("Python 3.11 or newer is needed: make PYTHON=python3.12 …")'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --disable-pip-version-check -r requirements.txt
	touch $@
