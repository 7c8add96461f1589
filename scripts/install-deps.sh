#!/usr/bin/env bash
# Installs what a fresh machine lacks for building: a C++20 compiler, cmake and the boost headers (with the
# argument "daemon", libevent for bitcoind as well; with "checks", nothing but Python 3, for scripts/check-*;
# with "postgres", nothing but a PostgreSQL server, for tests; "--has-postgres" says whether one is there).
# Says what to do where it cannot install.
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf '%s\n' "$*" >&2; }

# The server's programs: on PATH, or where the distributions keep them.
has_postgres() {
    local folder
    for folder in ${PATH//:/ } /usr/lib/postgresql/*/bin /usr/*/bin {/opt/homebrew,/usr/local}/opt/*/bin; do
        if [ -x "$folder/initdb" ] && [ -x "$folder/pg_ctl" ] && [ -x "$folder/psql" ]; then return 0; fi
    done
    return 1
}

daemon=no checks=no postgres=no
case ${1:-} in
    daemon) daemon=yes ;;
    checks) checks=yes ;;
    postgres) postgres=yes ;;
    --has-postgres) has_postgres && exit 0 || exit 1 ;;
esac

# --- Rust ---------------------------------------------------------------------------------------------------
minimum=$(sed -n 's/^rust-version = "\(.*\)"$/\1/p' Cargo.toml)
if ! command -v cargo >/dev/null || ! command -v rustc >/dev/null; then
    say "Rust is not installed. btcstake needs Rust $minimum or later: install it with rustup from https://rustup.rs and try again."
    exit 1
fi
have=$(rustc --version | sed -n 's/^rustc \([0-9.]*\).*/\1/p')
if [ "$(printf '%s\n%s\n' "$minimum" "$have" | sort -V | head -n 1)" != "$minimum" ]; then
    say "Rust $have is too old: btcstake needs $minimum or later. With rustup (https://rustup.rs): rustup update stable"
    exit 1
fi

# --- C++ ----------------------------------------------------------------------------------------------------
# CXX may hold a launcher too: "ccache g++".
read -r -a compiler <<<"${CXX:-c++}"
include=()
if command -v brew >/dev/null; then include=(-I "$(brew --prefix)/include"); fi

compiles_cpp20() { # $1 = a header that must be found
    printf '#include <%s>\n#include <concepts>\ntemplate<std::integral T> T f(T x){return x;}\nint main(){return f(0);}\n' "$1" |
        "${compiler[@]}" ${include[@]+"${include[@]}"} -std=c++20 -x c++ -fsyntax-only - >/dev/null 2>&1
}

# What is missing, one word each.
missing() {
    if [ "$checks" = yes ]; then
        # One that is there and does not start (a shim) is none.
        python3 -c 'import sys; sys.exit(sys.version_info < (3, 9))' >/dev/null 2>&1 || echo python3
        return
    fi
    if [ "$postgres" = yes ]; then
        has_postgres || echo postgres
        return
    fi
    command -v cmake >/dev/null || echo cmake
    command -v make >/dev/null || echo make
    if ! compiles_cpp20 concepts; then
        echo compiler
        # Without a compiler there is no telling, and where it is missing the headers are too, mostly.
        echo boost
        if [ "$daemon" = yes ]; then echo libevent; fi
        return
    fi
    compiles_cpp20 boost/multi_index_container.hpp || echo boost
    if [ "$daemon" = yes ]; then compiles_cpp20 event2/event.h || echo libevent; fi
}

what=$(missing)
[ -n "$what" ] || exit 0
if [ "$checks$postgres" = nono ] && [ -n "${CXX:-}" ] && ! command -v "${compiler[0]}" >/dev/null; then
    say "CXX=$CXX names a compiler that is not there"
    exit 1
fi

packages() { # $1 = apt, dnf or brew: the packages' names
    local word
    for word in $what; do
        case $1:$word in
            *:cmake | *:make | *:python3) echo "$word" ;;
            apt:compiler) echo g++ ;;
            dnf:compiler) echo gcc-c++ ;;
            brew:compiler) echo llvm ;;
            apt:boost) echo libboost-dev ;;
            dnf:boost) echo boost-devel ;;
            brew:boost) echo boost ;;
            apt:libevent) echo libevent-dev pkgconf ;;
            dnf:libevent) echo libevent-devel pkgconf ;;
            brew:libevent) echo libevent pkgconf ;;
            apt:postgres) echo postgresql ;;
            dnf:postgres) echo postgresql-server ;;
            brew:postgres) echo postgresql@17 ;;
        esac
    done | tr '\n' ' '
}

as_root=()
if [ "$(id -u)" -ne 0 ]; then as_root=(sudo -n); fi
if command -v apt-get >/dev/null && { [ "$(id -u)" -eq 0 ] || sudo -n true 2>/dev/null; }; then
    read -r -a names <<<"$(packages apt)"
    say "installing ${names[*]}"
    ${as_root[@]+"${as_root[@]}"} apt-get update -qq >&2 || true
    ${as_root[@]+"${as_root[@]}"} env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y -qq --no-install-recommends "${names[@]}" >&2 || true
    what=$(missing)
    [ -n "$what" ] || exit 0
fi
needed="a C++20 compiler, cmake 3.22 and boost 1.74 or later are"
if [ "$checks" = yes ]; then needed="Python 3.9 or later is"; fi
if [ "$postgres" = yes ]; then needed="PostgreSQL 13 or later is"; fi
say "missing: $(echo "$what" | tr '\n' ' ')- $needed needed. Install and try again:"
say "  Debian, Ubuntu:  sudo apt-get install $(packages apt)"
say "  Fedora:          sudo dnf install $(packages dnf)"
say "  macOS:           brew install $(packages brew)  (the compiler also comes with: xcode-select --install)"
exit 1
