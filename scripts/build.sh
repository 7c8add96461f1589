#!/usr/bin/env bash
# Runs cargo with the arguments given. Where Bitcoin Core's engine has not been compiled yet, says so first, and shows how far it is.
set -euo pipefail
cd "$(dirname "$0")/.."

target=${CARGO_TARGET_DIR:-target}
# The engine's library has about this many object files.
objects=133

engine_is_built() {
    compgen -G "$target/debug/build/libbitcoinkernel-sys-*/out/install/lib*/libbitcoinkernel.a" >/dev/null
}

show_progress() {
    local done last=-1
    while sleep 10; do
        done=$(find "$target"/debug/build/libbitcoinkernel-sys-*/out/bitcoin -name '*.o' 2>/dev/null | wc -l)
        if [ "$done" -ne "$last" ] && [ "$done" -gt 0 ] && ! engine_is_built; then
            printf 'Bitcoin Core: %d of about %d files compiled\n' "$done" "$objects" >&2
        fi
        last=$done
    done
}

if ! engine_is_built; then
    echo "Compiling Bitcoin Core's validation engine first: 3 to 10 minutes on two cores, once." >&2
    show_progress &
    progress=$!
    trap 'kill "$progress" 2>/dev/null || true' EXIT
fi
command=$1
shift
cargo "$command" --locked "$@"
