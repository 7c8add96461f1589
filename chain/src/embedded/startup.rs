//! Keeps Bitcoin Core's engine asleep until a node is opened.
//!
//! The engine's library constructs a global `kernel::Context` before `main` runs. All that its constructor
//! does is to choose the fastest SHA-256 and to seed the engine's random numbers, which takes 100
//! milliseconds on purpose: in every program that this crate is linked into, even one that only prints its
//! version. A constructor of our own, of the same linker name, takes its place and does nothing. What is lost
//! is the choice of SHA-256 (the portable one serves a regtest chain well); the random numbers (salts of hash
//! tables) are seeded when they are first used, as the engine's `ProcRand` provides for.
//!
//! Should a later version of the library name its constructor otherwise, the one here is simply not called,
//! and a test of the command line's start-up time says so; should it need the object file for something else,
//! linking fails with a duplicate symbol.
#![expect(unsafe_code, reason = "a symbol of C++ is replaced, which the language cannot check")]

use std::ffi::c_void;

/// `kernel::Context::Context()`: the class has no members, so there is nothing to construct.
#[unsafe(export_name = "_ZN6kernel7ContextC1Ev")]
extern "C" fn construct_nothing(_this: *mut c_void) {}

/// Makes the linker see this file before it looks for the constructor in the engine's library.
pub(super) fn link() {
    let constructor: extern "C" fn(*mut c_void) = construct_nothing;
    std::hint::black_box(constructor);
}
