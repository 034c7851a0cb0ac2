# Each target makes the virtual environment itself; Python 3.11 or newer, pip and make are enough.
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
JOBS ?= auto

.PHONY: demo test test-slow twins test-tensorflow fuzz settings lint types check clean

demo: .venv/.user  ## the whole pipeline on a generated corpus
	$(BIN)/emocli demo

test: .venv/.dev  ## the test suite
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $(JOBS) --dist loadfile

test-slow: .venv/.dev  ## the checks that take minutes
	$(BIN)/python -m pytest -m slow

twins: .venv/.dev  ## every table of every paper, some killed, on generated corpora: ten minutes at most
	OMP_NUM_THREADS=1 timeout 600 $(BIN)/python -m pytest -n $(JOBS) --maxschedchunk=1 -m slow \
		tests/experiments/test_from_clips.py tests/experiments/synthetic \
		-k 'every_experiment or other_corpus or killed'

test-tensorflow: .venv/.dev .venv-tensorflow/.done  ## faces against the mtcnn package
	EMOCLI_TENSORFLOW_PYTHON=$(CURDIR)/.venv-tensorflow/bin/python $(BIN)/python -m pytest -m tensorflow

fuzz: .venv/.dev  ## damaged files and odd command lines; SEED=0 BUDGET=500 (or 300s) JOBS=2, CASE=n repeats one
	$(BIN)/python -m tests.fuzz

settings: .venv/.user  ## docs/settings.md, from the code
	$(BIN)/emocli info settings --markdown > docs/settings.md

lint: .venv/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: .venv/.dev
	$(BIN)/mypy

check: lint types test

clean:
	rm -rf .venv .venv-tensorflow

.venv/.user: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(PIP) install -q -c constraints.txt -e .
	touch $@

.venv/.dev: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(PIP) install -q -c constraints.txt -e '.[dev,cluster,onnx,tune]'
	touch .venv/.user $@

.venv-tensorflow/.done:
	$(PYTHON) -m venv .venv-tensorflow
	.venv-tensorflow/bin/python -m pip --disable-pip-version-check install -q tensorflow-cpu mtcnn==1.0.0 opencv-python-headless
	touch $@
