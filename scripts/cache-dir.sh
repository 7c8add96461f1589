#!/usr/bin/env bash
# Prints the folder in which what took long to build is kept: outside the checkout where that is possible,
# else under target.
set -euo pipefail
cd "$(dirname "$0")/.."

cache=${XDG_CACHE_HOME:-${HOME:-/nonexistent}/.cache}/btcstake
if mkdir -p "$cache" 2>/dev/null && [ -w "$cache" ]; then
    echo "$cache"
else
    mkdir -p target/cache
    echo "$PWD/target/cache"
fi
