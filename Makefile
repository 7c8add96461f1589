# The targets, as `make help` prints them. Whatever needs more than Rust installs it first.

SHELL := /bin/bash
.DEFAULT_GOAL := help

.PHONY: help
help: ## list the targets
	@awk -F':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: demo
demo: deps ## play a stake's life on an embedded regtest chain: stake, vote, equivocate, extract, slash
	@scripts/build.sh build --package btcstake
	@cargo run --quiet --locked --package btcstake -- demo

.PHONY: test
test: deps deps-test ## run all tests; those on a real bitcoind and on PostgreSQL where there is one
	@scripts/test.sh

.PHONY: lint
lint: deps check ## check formatting, lints and documentation, and all that `make check` does
	cargo fmt --all --check
	@scripts/build.sh clippy --workspace --all-targets -- --deny warnings
	cargo fmt --manifest-path fuzz/Cargo.toml --check
	cargo clippy --locked --manifest-path fuzz/Cargo.toml --all-targets -- --deny warnings
	RUSTDOCFLAGS="--deny warnings" cargo doc --locked --workspace --no-deps --document-private-items

.PHONY: check
check: ## check what needs no build: dependencies between crates and modules, sizes, public names, unsafe code
	@scripts/install-deps.sh checks
	@scripts/check-arrows
	@scripts/check-size
	@scripts/check-unsafe
	@scripts/test-checks

.PHONY: msrv
msrv: deps ## compare the stated Rust version with what the dependencies and our calls need
	@scripts/install-deps.sh checks
	@scripts/check-msrv

.PHONY: wasm
wasm: ## check that eots, finality, spv and staking-scripts do without what WebAssembly lacks
	@scripts/install-deps.sh checks
	@scripts/check-wasm

.PHONY: versions
versions: ## check that the least and the newest versions of the dependencies build
	@scripts/install-deps.sh checks
	@scripts/check-versions

.PHONY: audit
audit: ## ask cargo-deny about licences, duplicate versions, sources and advisories
	@scripts/audit.sh

.PHONY: bench
bench: deps ## measure, as ratios to libsecp256k1 and to a peer in the same run
	@scripts/build.sh bench --profile dev --package btcstake-eots --bench ratios
	@scripts/build.sh bench --profile dev --package btcstake-finality --bench ratios
	@scripts/build.sh bench --profile dev --package btcstake-spv --features checkpoints,test-utils \
		--bench anchors
	@scripts/build.sh bench --profile dev --package btcstake-finality --bench risk
	@scripts/build.sh bench --profile dev --package btcstake-staking-scripts --bench scan
	@scripts/build.sh bench --profile dev --package btcstake-staking-scripts --features test-utils \
		--bench delegation
	@scripts/build.sh bench --profile dev --package btcstake-store --bench rows
	@scripts/build.sh bench --profile dev --package btcstake-signer --bench store
	@scripts/build.sh bench --profile dev --package btcstake-signer --bench grpc
	@scripts/build.sh bench --profile dev --package btcstake-roles --bench votes
	@scripts/build.sh bench --profile dev --package btcstake-watch --bench slash
	@BITCOIND_EXE=$$(scripts/bitcoind.sh --find) \
		scripts/build.sh bench --profile dev --package btcstake-watch --bench track

.PHONY: timing
timing: deps ## measure whether the time of signing or deriving tells anything of the secret
	@scripts/build.sh bench --profile dev --package btcstake-eots --bench timing

.PHONY: fuzz
fuzz: deps ## fuzz every parser and verifier for FUZZ_SECONDS each (60)
	@scripts/fuzz.sh

.PHONY: chaos
chaos: export BTCSTAKE_REQUIRE_POSTGRES = 1
chaos: deps deps-test ## kill, starve and attack the signer and the store for some minutes
	@CHAOS=1 scripts/build.sh test --package btcstake-store --lib
	@CHAOS=1 scripts/build.sh test --package btcstake-signer --lib -- protection::tests session::tests
	@CHAOS=1 scripts/build.sh test --package btcstake-signer --test chaos -- --nocapture --test-threads=1

.PHONY: soak
soak: deps ## ask the signer for 2 000 votes a second for SOAK_SECONDS (600); nothing else should run
	@SOAK_SECONDS=$${SOAK_SECONDS:-600} scripts/build.sh test --package btcstake-signer --test chaos -- \
		soak:: --nocapture

.PHONY: soak-watch
soak-watch: deps ## have the watchtower pass 50 000 blocks with reorgs in SOAK_SECONDS (600); the memory must stay
	@SOAK_SECONDS=$${SOAK_SECONDS:-600} scripts/build.sh bench --profile dev --package btcstake-watch \
		--bench track -- soak --strict

.PHONY: wallets
wallets: deps ## have wallet libraries sign our PSBTs, write their vectors and the table of docs/wallets.md
	@tests/wallets/run

.PHONY: babylond
babylond: ## provide a babylond, the secured chain's node: one that is there, or one that Go builds (30 minutes of CPU)
	@scripts/babylond.sh

.PHONY: devnet
devnet: deps ## play a stake's life on a network of the secured chain's own node, and draw it in target/devnet.html
	@mkdir -p target
	@exe=$$(scripts/babylond.sh) && DEVNET_REPORT=$(CURDIR)/target/devnet.html BABYLOND_EXE=$$exe \
		scripts/build.sh test --quiet --package tests --test devnet -- play:: --nocapture

.PHONY: footprint
footprint: deps ## measure the provider's daemon at one block a second, for FOOTPRINT_SECONDS (60); nothing else should run
	@scripts/build.sh build --package btcstake
	@exe=$$(scripts/babylond.sh) && BTCSTAKE_EXE=$(CURDIR)/target/debug/btcstake BABYLOND_EXE=$$exe \
		scripts/build.sh test --package tests --test devnet -- footprint:: --nocapture

.PHONY: bitcoind
bitcoind: ## provide a bitcoind: one that is there, or one built from the bundled source
	@scripts/bitcoind.sh

.PHONY: deps
deps: ## install what a fresh machine lacks
	@scripts/install-deps.sh

.PHONY: deps-test
deps-test: ## install PostgreSQL for the tests, where that can be done
	@scripts/install-deps.sh postgres || true

.PHONY: ci
ci: ## all that must pass before a change lands
	@.ci/run
