#!/usr/bin/env bash
# Asks cargo-deny (deny.toml) about the dependencies: licences, versions that are there twice, sources,
# advisories.
#   scripts/audit.sh             all four; says so where the database of advisories cannot be fetched
#   scripts/audit.sh --offline   all but the advisories
set -euo pipefail
cd "$(dirname "$0")/.."

version=0.20.2
tools=$(scripts/cache-dir.sh)/tools
export PATH=$tools/bin:$PATH
if [ "$(cargo deny --version 2>/dev/null)" != "cargo-deny $version" ]; then
    echo "Installing cargo-deny $version: some minutes on two cores, once." >&2
    # Not optimised, which takes half the time to build and is quick enough for a few hundred packages.
    CARGO_TARGET_DIR=$tools/build CARGO_PROFILE_DEV_DEBUG=false \
        cargo install --quiet --debug cargo-deny --version "$version" --locked --root "$tools"
    rm -rf "$tools/build"
fi

# The two workspaces share one list of exceptions, so that some of it fits only one.
deny() { # $1 = manifest
    cargo deny --manifest-path "$1" --config deny.toml --locked check --hide-inclusion-graph \
        --allow unmatched-skip --allow license-exception-not-encountered "${@:2}"
}
for manifest in Cargo.toml fuzz/Cargo.toml; do
    deny "$manifest" licenses bans sources
done
[ "${1:-}" != --offline ] || exit 0

log=$(mktemp)
trap 'rm -f "$log"' EXIT
if ! cargo deny --config deny.toml --locked fetch db >"$log" 2>&1; then
    tail -n 3 "$log" >&2
    echo "advisories: NOT checked, as their database could not be fetched" >&2
    exit 0
fi
for manifest in Cargo.toml fuzz/Cargo.toml; do
    deny "$manifest" --disable-fetch advisories
done
