#!/usr/bin/env bash
# Provides a babylond, a node of Babylon Genesis, and prints its path on standard output; everything else goes
# to standard error. In this order: $BABYLOND_EXE, one on PATH, one built before, one built now by Go from the
# module that tests/interop/go names (about 30 minutes of CPU, a few gigabytes of module and build cache).
#   scripts/babylond.sh          find or build
#   scripts/babylond.sh --find   find only; exit 1 when there is none, 2 when the one named is unfit
set -euo pipefail

say() { printf '%s\n' "$*" >&2; }
fit() { "$1" version >/dev/null 2>&1; }

if [ -n "${BABYLOND_EXE:-}" ]; then
    case $BABYLOND_EXE in /*) ;; *) BABYLOND_EXE=$PWD/$BABYLOND_EXE ;; esac
    fit "$BABYLOND_EXE" || { say "BABYLOND_EXE=$BABYLOND_EXE is not a babylond that runs"; exit 2; }
    echo "$BABYLOND_EXE"
    exit 0
fi
if command -v babylond >/dev/null && fit "$(command -v babylond)"; then
    command -v babylond
    exit 0
fi

cd "$(dirname "$0")/.."
# The node is kept per version of the module.
module=github.com/babylonlabs-io/babylon/v4
version=$(awk -v module="$module" '$1 == module { print $2; exit }' tests/interop/go/go.mod)
[ -n "$version" ] || { say "tests/interop/go/go.mod names no $module"; exit 2; }
cache=$(scripts/cache-dir.sh)/babylond-$version
exe=$cache/babylond
if [ -x "$exe" ]; then
    echo "$exe"
    exit 0
fi
if [ "${1:-}" = --find ]; then
    exit 1
fi
command -v go >/dev/null || { say "Go is not here; it builds babylond from its module"; exit 2; }

mkdir -p "$cache"
log=$cache/build.log
say "building babylond $version from its Go module: about 15 minutes on two cores, log in $log"
# A module of its own, so that nothing in the checkout changes.
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
sed 's/^module .*/module btcstake-babylond/' tests/interop/go/go.mod >"$work/go.mod"
cp tests/interop/go/go.sum "$work/go.sum"
# The sums are those of the module beside; whom else to ask about them is not needed.
(cd "$work" && GONOSUMDB='*' GOFLAGS=-mod=mod go build -o "$exe.new" "$module/cmd/babylond") \
    >"$log" 2>&1 || { tail -n 30 "$log" >&2; exit 1; }
# Moved into place last: a build that was cut off is never taken for a finished one.
mv "$exe.new" "$exe"
say "built babylond $("$exe" version 2>&1 | head -n 1)"
echo "$exe"
