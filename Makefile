# `make demo` shows what the registry does, `make test` runs all tests, `make help` lists the other targets.

CARGO    ?= cargo
PACKAGES := runc containernetworking-plugins busybox-static iptables conntrack iproute2 util-linux tar docker-registry minisign chromium chromium-driver w3m
BIN      := $(or $(CARGO_TARGET_DIR),target)/debug
# Pinned, so that a new version of a tool fails no build.
MACHETE  := cargo-machete@0.9.2
TYPOS    := typos-cli@1.52.0
DENY     := cargo-deny@0.20.2
TOOLS    := $(or $(CARGO_TARGET_DIR),target)/tools
# The cluster tests wait more than they compute.
E2E_JOBS ?= 2
E2E      := $(patsubst e2e/tests/%.rs,e2e/%,$(wildcard e2e/tests/*.rs))
# GNU make 3.81, which macOS has, mixes the output of parallel tests.
SYNC     := $(if $(filter output-sync,$(.FEATURES)),--output-sync=target)
SUDOLESS := $(shell [ "$$(uname -s)" = Linux ] && [ "$$(id -u)" = 0 ] && echo yes)

.DEFAULT_GOAL := help
.PHONY: help demo test check unit e2e crds docs book dist bench packages up down status clean $(E2E)

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# `--workspace` gives both builds the same features, so the second one compiles nothing twice.
demo: ## Run the demo: first without a cluster, then on a real Kubernetes cluster on this machine
	$(CARGO) build --workspace --bin kubectl-ext --bin demo
	@$(BIN)/demo offline
	@$(MAKE) --no-print-directory packages
	$(CARGO) build --workspace --bins
	@$(BIN)/demo cluster

test: packages check unit e2e ## Run all checks and tests

check: $(MACHETE:%=$(TOOLS)/%) $(TYPOS:%=$(TOOLS)/%) $(DENY:%=$(TOOLS)/%)
check: ## Check format, lints, spelling, wording, structure and dependencies
	$(TOOLS)/$(TYPOS)/bin/typos
	$(TOOLS)/$(MACHETE)/bin/cargo-machete crates e2e
	$(CARGO) fetch --locked --quiet
	$(TOOLS)/$(DENY)/bin/cargo-deny --offline --log-level error check licenses bans sources
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --quiet --workspace --no-deps
	$(CARGO) test --quiet -p extension-registry-cli --test language --test structure

# Unoptimized, which is fast enough for one use and compiles in half the time.
$(TOOLS)/%:
	@echo "Building $*"
	@$(CARGO) install --quiet --locked --debug --root $@ --target-dir $(TOOLS)/build $* || { rm -rf $@; exit 1; }

unit: export INSTA_UPDATE = no
unit: ## Run the tests that need no cluster
	$(CARGO) test --workspace --exclude extension-registry-e2e
	$(CARGO) test --workspace --doc

e2e: export EXTENSION_REGISTRY_REQUIRE_NODE = $(if $(SUDOLESS),1,)
e2e: packages ## Run the tests on a real Kubernetes cluster
	$(CARGO) build --workspace --bins
	$(CARGO) test -p extension-registry-e2e --lib --bins
	$(CARGO) test -p extension-registry-e2e --tests --no-run
	@$(MAKE) --no-print-directory --keep-going --jobs=$(E2E_JOBS) $(SYNC) $(E2E)

$(E2E): e2e/%:
	@$(CARGO) test -p extension-registry-e2e --test $*

crds: ## Generate the CRDs in crds/ and in the chart
	$(CARGO) run --quiet -p extension-registry-api --bin crdgen -- crds charts/extension-registry/files/crds

docs: ## Generate the reference, the man pages, the schemas, and the outputs shown in the documentation
	$(CARGO) run --quiet -p extension-registry-cli --bin docgen -- docs
	DOCS_UPDATE=1 $(CARGO) test --quiet -p extension-registry-cli --test docs -- runnable_blocks

book: ## Build the documentation as a book into target/book; requires mdbook
	@command -v mdbook >/dev/null || { echo "mdbook is not installed: cargo install --locked mdbook" >&2; exit 1; }
	mdbook build docs

dist: ## Package kubectl-ext for this machine into dist/, with a manifest for krew
	@CARGO="$(CARGO)" .ci/dist

bench: packages ## Run the benchmarks; writes bench-results.json and bench-packages.json
	$(CARGO) build --release --workspace --bins
	$(CARGO) bench -p extension-registry-core --bench resolve
	$(CARGO) bench -p extension-registry-package-solve --bench solve
	$(CARGO) bench -p extension-registry-package-cache --bench cache
	$(CARGO) bench -p extension-registry-web --bench oci
	$(CARGO) bench -p extension-registry-e2e --bench packages
	$(CARGO) bench -p extension-registry-e2e --bench cluster

packages: ## Install the Debian packages that the local node and the tests require
ifeq ($(SUDOLESS),yes)
	@missing=$$(for package in $(PACKAGES); do \
	  dpkg-query -W -f '$${Status}' $$package 2>/dev/null | grep -q 'ok installed' || echo $$package; done); \
	if [ -n "$$missing" ] && command -v apt-get >/dev/null; then \
	  echo "Installing Debian packages for the local node:" $$missing; \
	  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $$missing >/dev/null; \
	  case "$$missing" in *docker-registry*) \
	    if [ -d /run/systemd/system ]; then systemctl disable --now --quiet docker-registry; fi;; esac; \
	elif [ -n "$$missing" ]; then \
	  echo "Install these packages, or tests of containers are skipped:" $$missing; \
	fi
else
	@echo "Not root on Linux: the local Kubernetes has no node. With root and Debian: apt-get install $(PACKAGES)"
endif

up: packages ## Start a persistent local Kubernetes cluster, and print its KUBECONFIG
	@$(CARGO) run --quiet -p extension-registry-e2e --bin local-kubernetes -- up

down: ## Stop the local Kubernetes cluster
	@$(CARGO) run --quiet -p extension-registry-e2e --bin local-kubernetes -- down

status: ## Show the status of the local Kubernetes cluster
	@$(CARGO) run --quiet -p extension-registry-e2e --bin local-kubernetes -- status

clean: ## Remove build outputs; keeps the cached Kubernetes
	$(CARGO) clean
