#!/usr/bin/env bash
# Fuzzes each target for FUZZ_SECONDS (60), one after the other, guided by coverage on stable Rust. The
# arguments name targets; without any, all run. What a target found stays in fuzz/corpus, and an input that
# breaks a promise in fuzz/artifacts.
set -euo pipefail
cd "$(dirname "$0")/.."

if ! cargo fuzz --version >/dev/null 2>&1; then
    echo "installing cargo-fuzz" >&2
    cargo install cargo-fuzz --locked
fi
if [ $# -eq 0 ]; then
    read -r -d '' -a targets < <(cargo fuzz list && printf '\0')
    set -- "${targets[@]}"
fi
# No sanitizer: they need nightly Rust, and the one `unsafe` of ours (SECURITY.md) is in no fuzz target.
cargo fuzz build -s none
failed=()
for target in "$@"; do
    printf '\n== %s, %s s\n' "$target" "${FUZZ_SECONDS:-60}"
    cargo fuzz run -s none "$target" -- -max_total_time="${FUZZ_SECONDS:-60}" -timeout=10 -print_final_stats=1 || failed+=("$target")
done
[ ${#failed[@]} -eq 0 ] || { echo "broken promises: ${failed[*]}" >&2; exit 1; }
