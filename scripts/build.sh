#!/usr/bin/env bash
# Runs cargo with the arguments given. Where Bitcoin Core's engine is compiled on the way, says so, and shows
# how far it is.
set -euo pipefail
cd "$(dirname "$0")/.."

target=${CARGO_TARGET_DIR:-$(cargo metadata --no-deps --format-version 1 | sed -n 's/.*"target_directory":"\([^"]*\)".*/\1/p')}
# The engine's library has about this many object files.
objects=133
notice="Compiling Bitcoin Core's validation engine: 3 to 10 minutes on two cores, once."

said=no
if ! compgen -G "$target/debug/build/libbitcoinkernel-sys-*/out/install/lib*/libbitcoinkernel.a" >/dev/null; then
    echo "$notice" >&2
    said=yes
fi

# Counts the object files of an engine that is being compiled: one that has a build folder and is not
# installed yet.
show_progress() {
    set +e
    local seconds=0 last=0 out count
    while sleep 1; do
        seconds=$((seconds + 1))
        [ $((seconds % 10)) -eq 0 ] || continue
        for out in "$target"/*/build/libbitcoinkernel-sys-*/out; do
            [ -d "$out/bitcoin" ] && ! compgen -G "$out/install/lib*/libbitcoinkernel.a" >/dev/null || continue
            # A folder that a build left behind when it was stopped does not change.
            [ -n "$(find "$out/bitcoin" -newer "$stamp" -name '*.o' 2>/dev/null | head -n 1)" ] || continue
            count=$(find "$out/bitcoin" -name '*.o' 2>/dev/null | wc -l)
            [ "$said" = yes ] || echo "$notice" >&2
            said=yes
            [ "$count" -eq "$last" ] || printf 'Bitcoin Core: %d of about %d files compiled\n' "$count" "$objects" >&2
            last=$count
        done
    done
}

stamp=$(mktemp)
show_progress &
progress=$!
trap 'kill "$progress" 2>/dev/null || true; rm -f "$stamp"' EXIT
command=$1
shift
cargo "$command" --locked "$@"
