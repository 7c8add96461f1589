#!/usr/bin/env bash
# Provides a bitcoind (28 or later) and prints its path on standard output; everything else goes to standard error.
# In this order: $BITCOIND_EXE, one on PATH, one built before, one built now from the source bundled with the
# libbitcoinkernel-sys crate (no download beyond crates.io, 6 to 12 minutes on two cores).
#   scripts/bitcoind.sh          find or build
#   scripts/bitcoind.sh --find   find only; exit 1 when there is none
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf '%s\n' "$*" >&2; }

if [ -n "${BITCOIND_EXE:-}" ]; then
    [ -x "$BITCOIND_EXE" ] || { say "BITCOIND_EXE=$BITCOIND_EXE is not an executable file"; exit 2; }
    echo "$BITCOIND_EXE"
    exit 0
fi
if command -v bitcoind >/dev/null; then
    command -v bitcoind
    exit 0
fi

cache=${XDG_CACHE_HOME:-$HOME/.cache}/btcstake
# The daemon is kept per version of the bundled source, so that an update of the crate builds a new one.
version=$(sed -n '/^name = "libbitcoinkernel-sys"$/{n;s/^version = "\(.*\)"$/\1/p}' Cargo.lock)
[ -n "$version" ] || { say "Cargo.lock names no libbitcoinkernel-sys"; exit 2; }
exe=$cache/bitcoind-$version/bitcoind
if [ -x "$exe" ]; then
    echo "$exe"
    exit 0
fi
if [ "${1:-}" = --find ]; then
    exit 1
fi

scripts/install-deps.sh daemon >&2
cargo fetch --locked >&2
source_dir=$(cargo metadata --locked --format-version 1 |
    tr ',' '\n' | sed -n 's/^"manifest_path":"\(.*libbitcoinkernel-sys-[^/]*\)\/Cargo.toml"$/\1\/bitcoin/p' | head -n 1)
[ -f "$source_dir/CMakeLists.txt" ] || { say "no bundled Bitcoin Core source at '$source_dir'"; exit 2; }

build=$cache/bitcoind-$version/build
log=$cache/bitcoind-$version/build.log
mkdir -p "$build"
say "building bitcoind $version from its bundled source: 6 to 12 minutes on two cores, log in $log"
cmake -S "$source_dir" -B "$build" -DCMAKE_BUILD_TYPE=Release -DBUILD_DAEMON=ON \
    -DENABLE_WALLET=OFF -DENABLE_IPC=OFF -DWITH_EMBEDDED_ASMAP=OFF -DWITH_ZMQ=OFF -DWITH_USDT=OFF \
    -DBUILD_CLI=OFF -DBUILD_TX=OFF -DBUILD_UTIL=OFF -DBUILD_BITCOIN_BIN=OFF -DBUILD_WALLET_TOOL=OFF \
    -DBUILD_TESTS=OFF -DBUILD_BENCH=OFF -DBUILD_FUZZ_BINARY=OFF -DENABLE_EXTERNAL_SIGNER=OFF -DBUILD_GUI=OFF \
    >"$log" 2>&1 || { tail -n 30 "$log" >&2; exit 1; }
cmake --build "$build" --target bitcoind --parallel "$(getconf _NPROCESSORS_ONLN)" >>"$log" 2>&1 ||
    { tail -n 30 "$log" >&2; exit 1; }
# Moved into place last: a build that was cut off is never taken for a finished one.
built=$(find "$build" -type f -name bitcoind -perm -u+x | head -n 1)
cp "$built" "$exe.new"
mv "$exe.new" "$exe"
rm -rf "$build"
say "built $("$exe" -version | head -n 1)"
echo "$exe"
