# Each target builds .venv by itself when it is missing or older than the requirements.
PYTHON ?= python3
BIN := .venv/bin

# A .venv without its Python (the system was updated, or is another one) is made anew, and one that
# was moved or copied with the project is told where it lies.
DEAD := $(shell test ! -e .venv/installed || $(BIN)/python -I -c "" 2> /dev/null || \
  { echo "The Python of .venv is gone: it is made anew." >&2; rm -rf .venv; })
MOVED := $(shell test ! -e .venv/installed || $(BIN)/python -I .ci/this_folder.py)

# This project's packages and kernel, also where the machine's settings name others.
export PYTHONPATH := $(CURDIR)
export JUPYTER_PREFER_ENV_PATH := 1
unexport PYTHONHOME PYTHONSAFEPATH JUPYTER_PATH

# make run DATASET=flickr8k ENCODER=efficientnet_lite0
export CAPTION_DATASET := $(or $(DATASET),$(CAPTION_DATASET))
export CAPTION_ENCODER := $(or $(ENCODER),$(CAPTION_ENCODER))
export CAPTION_PROFILE := $(or $(PROFILE),$(CAPTION_PROFILE))
# make run DATASET=holiday START=nothing trains without what the shipped captioner knows.
export CAPTION_START := $(or $(START),$(CAPTION_START))
# make run RUN=wide keeps a retraining beside the model that is there.
export CAPTION_RUN := $(or $(RUN),$(CAPTION_RUN))

# File names reach the caption command as they are typed: no make and no shell reads them.
export CAPTION_PHOTOS := $(value PHOTOS)
unexport PHOTOS

.PHONY: help run reward runs caption app lab test drill browser-test site bench ablation results
.PHONY: publish clean packages

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile | expand -t 16

run: .venv/installed ## run notebooks 01 to 06; DATASET=, ENCODER=, PROFILE=, START=, RUN= choose
	$(BIN)/python -m commands.notebooks

reward: .venv/installed ## notebook 07 on top of a finished run
	$(BIN)/python -m commands.notebooks --reward

runs: .venv/installed ## what differs in the settings of each run, and what it scores
	$(BIN)/python -m commands.notebooks --runs

caption: .venv/installed ## captions for PHOTOS="a.jpg holiday"; with options: .venv/bin/caption
	@$(BIN)/caption

app: .venv/installed ## notebook 08 as a web page, for this machine alone
	cd commands/app && JUPYTER_PATH=. ../../$(BIN)/voila ../../notebooks/08_your_photographs.ipynb

lab: .venv/installed ## step through the notebooks; OPTIONS="--no-browser --port 9000" go to JupyterLab
	@test $$(id -u) != 0 || echo "As root, JupyterLab can change every file of this machine."
	$(BIN)/jupyter lab notebooks $$(test $$(id -u) != 0 || echo --allow-root) $(OPTIONS)

test: .venv/installed ## check everything, the notebooks included
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -n 2 --dist loadfile

drill: .venv/installed ## what takes longer: every notebook from every heading, and more
	$(BIN)/python -m pytest tests/drill -v

browser-test: .venv/installed ## notebooks and page in a true browser (Chromium)
	$(BIN)/python -m pytest tests/browser -v -rs

site: .venv-docs/installed ## the course as a static book with search, in build/site
	.venv-docs/bin/python -m sphinx -q -n -W --keep-going -c docs . build/site
	@! grep -rlE '<(script|link|img)[^>]+(src|href)="https?://' build/site --include=*.html

.venv-docs/installed: docs/requirements.txt
	$(PYTHON) -m venv .venv-docs
	.venv-docs/bin/python -m pip install --disable-pip-version-check -r docs/requirements.txt
	touch $@

bench: .venv/installed ## time training and decoding beside the usual tutorials
	$(BIN)/python -m benchmarks

# Hours, over Flickr8k; what is finished is not repeated. See benchmarks/README.md.
ablation: .venv/installed ## hours: what each choice of the Flickr8k settings is worth
	$(BIN)/python -m benchmarks.ablation

results: .venv/installed ## hours: three seeds of each captioner on Flickr8k's test pictures
	$(BIN)/python -m benchmarks.results

publish: .venv/installed ## run everything on scenes and replace the committed notebooks
	$(BIN)/python -m commands.notebooks --publish

clean: ## remove .venv and all runs
	rm -rf .venv .venv-docs build data/runs

# At its first start JupyterLab would ask whether to fetch news.
OVERRIDES := .venv/share/jupyter/lab/settings/overrides.json

# Copied files have new dates: only what says something new is installed.
.venv/installed: requirements.txt pyproject.toml
	@cat $^ | cmp -s - $@ || $(MAKE) --no-print-directory packages
	@cat $^ > $@

packages:
	$(PYTHON) .ci/check_system.py
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --disable-pip-version-check -r requirements.txt
	mkdir -p $(dir $(OVERRIDES))
	echo '{"@jupyterlab/apputils-extension:notification": {"fetchNews": "false"}}' > $(OVERRIDES)
