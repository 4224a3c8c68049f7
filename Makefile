# Each of these sets up what it needs by itself; see scripts/setup.sh.
.PHONY: setup livekit talk serve test test-fast test-real test-steady check bench soak format blocking lock

# Two at a time; those with devices one by one, beside those that only wait.
PYTEST_TWO = .venv/bin/pytest --numprocesses=2 --dist=loadgroup
PYTEST_FAST = $(PYTEST_TWO) --ignore=tests/real

define PYTEST_REAL
	$(PYTEST_TWO) -m "not devices and not waits" tests/real
	$(PYTEST_TWO) -m "devices or waits" tests/real
endef

setup:
	@scripts/setup.sh test

livekit:  ## Build the LiveKit server for calls over WebRTC, once; needs Go
	@scripts/setup.sh run
	@.venv/bin/python -m duologue.agent.rooms.livekit_server

talk:  ## Hold a conversation with an agent on this machine: make talk ARGS="--text"
	@scripts/setup.sh run
	@.venv/bin/duologue talk $(ARGS)

serve:  ## Let others talk with an agent on this machine: make serve ARGS="--port 8080"
	@scripts/setup.sh run
	@.venv/bin/duologue serve $(ARGS)

test: setup  ## All tests; or some of them: make test ARGS=tests/audio
ifdef ARGS
	.venv/bin/pytest $(ARGS)
else
	$(PYTEST_FAST)
	$(PYTEST_REAL)
endif

test-fast: setup
	$(PYTEST_FAST) $(ARGS)

test-real: setup  ## Those with real parts: devices, browsers, models, networks
	$(PYTEST_REAL)

test-steady: setup  ## All tests again and again: make test-steady ARGS="--runs 10 --loaded 3"
	.venv/bin/python -m scripts.steady $(ARGS)

check: setup
	.venv/bin/ruff check
	.venv/bin/ruff format --check
	.venv/bin/mypy
	.venv/bin/lint-imports --no-logo

bench: setup
	.venv/bin/python -m benchmarks $(ARGS)

soak: setup  ## See what grows or hangs in minutes: make soak ARGS="conversations --seconds 600"
	.venv/bin/python -m soak $(ARGS)

format: setup
	.venv/bin/ruff check --fix
	.venv/bin/ruff format

blocking: setup  ## Write the generated part of duologue.blocking anew
	.venv/bin/python -m scripts.generate_blocking

lock: setup  ## Lock every package anew, newest versions first
	scripts/lock.sh
