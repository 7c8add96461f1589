#!/usr/bin/env bash
# Installs what a fresh machine lacks for building: a C++20 compiler, cmake and the boost headers (and, with the argument
# "daemon", libevent for bitcoind). Says what to do where it cannot install.
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf '%s\n' "$*" >&2; }

# --- Rust ---------------------------------------------------------------------------------------------------------
minimum=$(sed -n 's/^rust-version = "\(.*\)"$/\1/p' Cargo.toml)
if ! command -v cargo >/dev/null || ! command -v rustc >/dev/null; then
    say "Rust is not installed. btcstake needs Rust $minimum or later: install it with rustup from https://rustup.rs and try again."
    exit 1
fi
have=$(rustc --version | sed -n 's/^rustc \([0-9.]*\).*/\1/p')
if [ "$(printf '%s\n%s\n' "$minimum" "$have" | sort -V | head -n 1)" != "$minimum" ]; then
    say "Rust $have is too old: btcstake needs $minimum or later. With rustup: rustup update stable"
    exit 1
fi

# --- C++ ----------------------------------------------------------------------------------------------------------
compiler=${CXX:-c++}
compiles_cpp20() { # $1 = a header that must be found
    printf '#include <%s>\n#include <concepts>\ntemplate<std::integral T> T f(T x){return x;}\nint main(){return f(0);}\n' "$1" |
        "$compiler" -std=c++20 -x c++ -fsyntax-only - >/dev/null 2>&1
}
missing=()
command -v cmake >/dev/null || missing+=(cmake)
command -v make >/dev/null || missing+=(make)
command -v "$compiler" >/dev/null && compiles_cpp20 concepts || missing+=(compiler)
command -v "$compiler" >/dev/null && compiles_cpp20 boost/multi_index_container.hpp || missing+=(boost)
if [ "${1:-}" = daemon ]; then
    command -v "$compiler" >/dev/null && compiles_cpp20 event2/event.h || missing+=(libevent)
fi
[ ${#missing[@]} -gt 0 ] || exit 0

# the packages' names, for apt, dnf and brew
apt_packages=() dnf_packages=() brew_packages=()
for what in "${missing[@]}"; do
    case $what in
        cmake)    apt_packages+=(cmake); dnf_packages+=(cmake); brew_packages+=(cmake) ;;
        make)     apt_packages+=(make); dnf_packages+=(make); brew_packages+=(make) ;;
        compiler) apt_packages+=(g++); dnf_packages+=(gcc-c++); brew_packages+=(llvm) ;;
        boost)    apt_packages+=(libboost-dev); dnf_packages+=(boost-devel); brew_packages+=(boost) ;;
        libevent) apt_packages+=(libevent-dev pkgconf); dnf_packages+=(libevent-devel pkgconf); brew_packages+=(libevent pkgconf) ;;
    esac
done

as_root=()
if [ "$(id -u)" -ne 0 ]; then as_root=(sudo -n); fi
if command -v apt-get >/dev/null && { [ "$(id -u)" -eq 0 ] || sudo -n true 2>/dev/null; }; then
    say "installing ${apt_packages[*]}"
    "${as_root[@]}" apt-get update -qq >&2
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${apt_packages[@]}" >&2
    exit 0
fi
say "missing: ${missing[*]}. Install them and try again:"
say "  Debian, Ubuntu:  sudo apt-get install ${apt_packages[*]}"
say "  Fedora:          sudo dnf install ${dnf_packages[*]}"
say "  macOS:           brew install ${brew_packages[*]}"
exit 1
