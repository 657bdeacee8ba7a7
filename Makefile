# Two commands do everything: `make demo` and `make test`. `make help` lists the rest.

CARGO    ?= cargo
PACKAGES := runc containernetworking-plugins busybox-static iptables conntrack iproute2 util-linux tar docker-registry minisign
SUDOLESS := $(shell [ "$$(uname -s)" = Linux ] && [ "$$(id -u)" = 0 ] && echo yes)

.DEFAULT_GOAL := help
.PHONY: help demo test check unit e2e crds docs dist bench packages up down status deny clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: packages ## Tell the whole story on a real Kubernetes on this machine
	$(CARGO) build --workspace --bins
	$(CARGO) run --quiet -p extension-registry-e2e --bin demo

test: packages check unit e2e ## Run everything: format, lints, unit, property, snapshot, CRD drift, cluster tests

check: ## Check format, lints and the dependency tree
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets -- -D warnings
	@for name in aws-lc-rs openssl-sys; do \
	  if $(CARGO) tree --workspace -i $$name >/dev/null 2>&1; then echo "$$name is in the tree: keep ring alone" >&2; exit 1; fi; \
	done
	@for name in kube k8s-openapi; do \
	  [ "$$(grep -c "^name = \"$$name\"$$" Cargo.lock)" = 1 ] || { echo "more than one version of $$name in Cargo.lock" >&2; exit 1; }; \
	done

unit: export INSTA_UPDATE = no
unit: ## Run the tests that need no cluster
	$(CARGO) test --workspace --exclude extension-registry-e2e
	$(CARGO) test --workspace --doc

e2e: export EXTENSION_REGISTRY_REQUIRE_NODE = $(if $(SUDOLESS),1,)
e2e: packages ## Run the tests on a real Kubernetes
	$(CARGO) build --workspace --bins
	$(CARGO) test -p extension-registry-e2e --no-fail-fast

crds: ## Write the definitions in crds/ and in the chart anew
	$(CARGO) run --quiet -p extension-registry-api --bin crdgen -- crds charts/extension-registry/files/crds

docs: ## Write the reference of commands, the man pages and the schemas anew
	$(CARGO) run --quiet -p extension-registry-cli --bin docgen -- docs

dist: ## Pack kubectl-ext for this machine into dist/, with a manifest for krew
	@CARGO="$(CARGO)" .ci/dist

bench: packages ## Measure: tables here, bench-results.json and bench-packages.json
	$(CARGO) build --release --workspace --bins
	$(CARGO) bench -p extension-registry-core --bench resolve
	$(CARGO) bench -p extension-registry-packages
	$(CARGO) bench -p extension-registry-e2e --bench packages
	$(CARGO) bench -p extension-registry-e2e --bench cluster

packages: ## Install the Debian packages that a node and the tests of packages need
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

up: packages ## Start a local Kubernetes that stays, and print its KUBECONFIG
	@$(CARGO) run --quiet -p extension-registry-e2e --bin local-kubernetes -- up

down: ## End it
	@$(CARGO) run --quiet -p extension-registry-e2e --bin local-kubernetes -- down

status: ## Say what of it runs
	@$(CARGO) run --quiet -p extension-registry-e2e --bin local-kubernetes -- status

deny: ## Check licences and advisories, where cargo-deny is installed
	@command -v cargo-deny >/dev/null || { echo "cargo-deny is missing: cargo install --locked cargo-deny" >&2; exit 1; }
	$(CARGO) deny check licenses bans sources

clean: ## Remove what was built here; the cached Kubernetes stays
	$(CARGO) clean
