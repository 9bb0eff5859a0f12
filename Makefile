# Two commands do everything on a fresh machine: `make run` and `make test`.
PYTHON ?= python3
PORT ?= 8501
BIN := .venv/bin

.PHONY: run test test-jax lint format bench audit constraints kit from-kit clean
.DELETE_ON_ERROR:

# After a segmentation fault of a native library the server starts again, and open pages reconnect.
run: .venv/run.stamp
	@until status=0; $(BIN)/streamlit run streamlit_app.py --server.port $(PORT) || status=$$?; \
		[ $$status -ne 139 ]; do echo "The server has crashed. It starts again."; done; exit $$status

# Two processes: one drives the browser, which is mostly waiting, one computes.
test: .venv/dev.stamp chromium
	$(BIN)/pytest -n 2

# The engine's own tests on the other Keras backend; needs nothing but one more package.
test-jax: .venv/dev.stamp
	$(BIN)/pip install -q "jax>=0.10,<0.12"
	KERAS_BACKEND=jax $(BIN)/pytest tests/engine

lint: .venv/dev.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright engine

format: .venv/dev.stamp
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# Known vulnerabilities of what is installed; asks the advisory database.
audit: .venv/dev.stamp
	$(BIN)/pip-audit --local --progress-spinner off

# The exact versions of a fresh environment, for the container.
constraints:
	$(PYTHON) -m venv .venv-constraints
	.venv-constraints/bin/pip install -q -r requirements.txt
	echo "# The exact versions that the container is built with; \`make constraints\` writes them anew." > constraints.txt
	.venv-constraints/bin/pip freeze >> constraints.txt
	rm -rf .venv-constraints

# The offline kit: weights and photos of this machine to a stick, and from the stick to another.
kit: .venv/run.stamp
	$(BIN)/python -m engine.storage.offline pack "$(STICK)"
from-kit: .venv/run.stamp
	$(BIN)/python -m engine.storage.offline unpack "$(STICK)"

bench: .venv/dev.stamp chromium
	$(BIN)/python -m benchmarks.run

# The same beside its peers, in an environment of their own. PHOTOS: a folder of ImageNet photos;
# PETS: Oxford-IIIT Pets in its original layout; TINY_IMAGENET: its tar.
.PHONY: bench-peers
bench-peers: .venv-bench/stamp
	.venv-bench/bin/python -m benchmarks.ideal_images
	.venv-bench/bin/python -m benchmarks.attacks $(PHOTOS)
	.venv-bench/bin/python -m benchmarks.transfer $(PETS)
	.venv-bench/bin/python -m benchmarks.robust $(TINY_IMAGENET) $(PETS)
	.venv-bench/bin/python -m benchmarks.recognition $(PHOTOS)

.PHONY: figures
figures: bench bench-peers

.venv-bench/stamp: requirements-bench.txt requirements-dev.txt requirements.txt
	$(PYTHON) -m venv .venv-bench
	.venv-bench/bin/pip install -q -r requirements-dev.txt
	.venv-bench/bin/pip install -q --no-deps -r requirements-bench.txt
	@touch $@

.PHONY: chromium
chromium: .venv/dev.stamp
	@$(BIN)/python -m harness.chromium --install

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Ideal Cat needs Python 3.11 or later; set PYTHON=python3.12, say."; exit 1; }
	$(PYTHON) -m venv .venv || \
		{ echo "The venv module is missing: apt-get install python3-venv"; exit 1; }

.venv/run.stamp: requirements.txt | .venv/bin/python
	$(BIN)/pip install -q -r requirements.txt
	@touch $@

.venv/dev.stamp: requirements-dev.txt requirements-cluster.txt requirements-postgres.txt requirements-maps.txt requirements.txt | .venv/bin/python
	$(BIN)/pip install -q -r requirements-dev.txt
	@touch .venv/run.stamp $@

clean:
	rm -rf .venv .venv-bench .pytest_cache .ruff_cache
