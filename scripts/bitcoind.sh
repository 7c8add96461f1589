#!/usr/bin/env bash
# Provides a bitcoind (28 or later) and prints its path on standard output; everything else goes to standard
# error. In this order: $BITCOIND_EXE, one on PATH, one built before, one built now from the source bundled
# with the libbitcoinkernel-sys crate (no download beyond crates.io, 6 to 12 minutes on two cores).
#   scripts/bitcoind.sh          find or build
#   scripts/bitcoind.sh --find   find only; exit 1 when there is none, 2 when the one named is unfit
set -euo pipefail

say() { printf '%s\n' "$*" >&2; }

# Version 28 has all that we call.
recent_enough() {
    local version
    version=$("$1" -version 2>/dev/null | sed -n '1s/^[^0-9]*\([0-9]*\).*/\1/p')
    [ "${version:-0}" -ge 28 ]
}

if [ -n "${BITCOIND_EXE:-}" ]; then
    # From here on the working folder is another.
    case $BITCOIND_EXE in /*) ;; *) BITCOIND_EXE=$PWD/$BITCOIND_EXE ;; esac
    recent_enough "$BITCOIND_EXE" || { say "BITCOIND_EXE=$BITCOIND_EXE is not a bitcoind of version 28 or later"; exit 2; }
    echo "$BITCOIND_EXE"
    exit 0
fi
if command -v bitcoind >/dev/null && recent_enough "$(command -v bitcoind)"; then
    command -v bitcoind
    exit 0
fi

cd "$(dirname "$0")/.."
cache=$(scripts/cache-dir.sh)
# The daemon is kept per version of the bundled source, so that an update of the crate builds a new one.
version=$(awk -F'"' '/^name = "libbitcoinkernel-sys"$/ { getline; print $2 }' Cargo.lock)
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
