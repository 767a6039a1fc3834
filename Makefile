# `make demo` and `make test` are all that a fresh Debian machine needs; `make help` lists the rest.

SHELL := /bin/bash
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

# Where rustup puts cargo: a shell that is older than the installation does not know it.
export PATH := $(HOME)/.cargo/bin:$(PATH)

liberty   := /usr/share/qflow/tech/osu018/osu018_stdcells.lib
branching := examples/branching
templates := examples/templates

.PHONY: help
help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## /  make \1\t/p' $(MAKEFILE_LIST) | expand -t 18

.PHONY: setup
setup: ## bring what is missing: Debian packages by apt, Rust by rustup
	@scripts/setup.sh

.PHONY: demo
demo: build netlist ## run a study with two branches at once and show what it found
	@scripts/demo.sh

.PHONY: ray
ray: setup ## bring Ray into target/ray, and what else only tests need
	@scripts/setup.sh test
	@scripts/ray.sh >/dev/null

.PHONY: axe
axe: setup ## bring axe-core into target/axe, which judges the pages in tests
	@scripts/setup.sh test
	@scripts/axe.sh >/dev/null

.PHONY: tables
tables: setup ## bring pandas and DuckDB into target/tables, for the tests of exports
	@scripts/tables.sh >/dev/null || printf 'tables: SKIPPED: the tests that read exports with pandas and DuckDB do nothing\n' >&2

.PHONY: test
test: lint licences netlist ray axe tables ## check formatting, lints and licences, and run every test
	@scripts/test.sh

.PHONY: test-openroad
test-openroad: setup ## run the contract tests against the openroad on the PATH; they say so where there is none
	cargo test --package noodle2 --test openroad_contract --locked -- --nocapture --test-threads 1

.PHONY: bench
bench: build ## measure against the same scripts run by other means; TRIALS=500, and PEERS=1 for other systems
	@scripts/bench.sh

.PHONY: bench-ray
bench-ray: build ray ## measure runs on Ray clusters of this machine, over bare Ray and with more nodes
	python3 bench/ray.py target/release/noodle2 target/ray --json target/bench/ray.json

.PHONY: measure
measure: build ## measure what the control plane itself costs; HYPERQUEUE=PYTHON to compare
	cargo build --release --package noodle2-measure --locked
	python3 bench/controller.py target/release/noodle2 target/release/noodle2-measure $(if $(HYPERQUEUE),--hyperqueue $(HYPERQUEUE))

.PHONY: build
build: setup ## build target/release/noodle2
	cargo build --release --package noodle2 --locked

.PHONY: lint
lint: setup ## check formatting and lints
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- -D warnings

.PHONY: reference
reference: setup ## write the pages of docs/reference from the code
	cargo run --quiet --package noodle2 --locked -- reference docs/reference

.PHONY: book
book: setup ## build the book of docs/ into target/book, with mdBook
	@scripts/book.sh

.PHONY: licences
licences: setup ## check the licence of every dependency
	@scripts/check_licences.sh

.PHONY: netlist
netlist: setup ## synthesise the design of the demo
	@$(MAKE) --no-print-directory --silent $(branching)/build/netlist.v

# A recursive call, so that the tools are there before the library's age is looked at.
$(branching)/build/netlist.v: $(branching)/synthesise.ys $(wildcard $(branching)/rtl/*.v) $(liberty)
	@echo "synthesising $(branching)"
	@mkdir -p $(@D)
	@cd $(branching) && yosys -q -l build/yosys.log -s synthesise.ys >/dev/null

.PHONY: templates
templates: setup ## write the netlist of the templates anew
	cd $(templates) && yosys -q -s synthesise.ys

.PHONY: clean
clean: ## remove what was built; runs are kept
	cargo clean
	rm -rf $(branching)/build
