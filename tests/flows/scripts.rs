//! The scripts behind the make targets, on machines that lack things.

use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::{Command, Output};

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

/// A folder of programs: links to those of this machine, and scripts.
struct Programs(tempfile::TempDir);

impl Programs {
    /// What the scripts need of any machine.
    fn new() -> Self {
        let programs = Self(tempfile::tempdir().unwrap());
        for name in
            ["bash", "sed", "sort", "head", "printf", "awk", "id", "tr", "cat", "env", "dirname", "mkdir"]
        {
            let found = Command::new("sh").args(["-c", &format!("command -v {name}")]).output().unwrap();
            let found = String::from_utf8(found.stdout).unwrap();
            if Path::new(found.trim()).is_absolute() {
                symlink(found.trim(), programs.0.path().join(name)).unwrap();
            }
        }
        programs
    }

    fn script(&self, name: &str, body: &str) -> &Self {
        let path = self.0.path().join(name);
        std::fs::write(&path, format!("#!/usr/bin/env bash\n{body}\n")).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        self
    }

    /// Runs a script of the project with these programs only.
    fn run(&self, script: &str) -> (Option<i32>, String) {
        let output: Output = Command::new(self.0.path().join("bash"))
            .arg(format!("{ROOT}/scripts/{script}"))
            .env_clear()
            .env("PATH", self.0.path())
            .env("HOME", self.0.path())
            .output()
            .unwrap();
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    }
}

#[test]
fn a_machine_without_rust_or_with_an_old_one() {
    let programs = Programs::new();
    let (code, said) = programs.run("install-deps.sh");
    assert!(code == Some(1) && said.contains("Rust is not installed") && said.contains("rustup"), "{said}");
    programs.script("cargo", "exit 0").script("rustc", "echo 'rustc 1.63.0 (4b91a6ea7 2022-08-08)'");
    let (code, said) = programs.run("install-deps.sh");
    assert!(
        code == Some(1) && said.contains("Rust 1.63.0 is too old") && said.contains("rustup update"),
        "{said}"
    );
}

#[test]
fn a_machine_without_a_compiler_is_told_the_packages() {
    let programs = Programs::new();
    programs.script("cargo", "exit 0").script("rustc", "echo 'rustc 1.95.0 (59807616e 2026-04-14)'");
    let (code, said) = programs.run("install-deps.sh");
    assert_eq!(code, Some(1), "{said}");
    for words in [
        "apt-get install cmake make g++ libboost-dev",
        "dnf install cmake make gcc-c++ boost-devel",
        "brew install",
    ] {
        assert!(said.contains(words), "{words:?} is absent in\n{said}");
    }
    // Where apt is there but cannot install, the same is said.
    programs.script("apt-get", "exit 100").script("sudo", "shift; exec \"$@\"").script("true", "exit 0");
    let (code, said) = programs.run("install-deps.sh");
    assert!(
        code == Some(1) && said.contains("installing cmake") && said.contains("missing: cmake"),
        "{said}"
    );
}

#[test]
fn a_bitcoind_that_is_too_old_is_not_taken() {
    let programs = Programs::new();
    programs.script("bitcoind", "echo 'Bitcoin Core daemon version v22.0.0'");
    let find = |exe: &str| {
        let output = Command::new("bash")
            .args([&format!("{ROOT}/scripts/bitcoind.sh"), "--find"])
            .env("BITCOIND_EXE", exe)
            .env("XDG_CACHE_HOME", programs.0.path())
            .env("PATH", format!("{}:{}", programs.0.path().display(), std::env::var("PATH").unwrap()))
            .output()
            .unwrap();
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    assert_eq!(find("").0, Some(1), "the one on PATH is not good enough");
    for unfit in [programs.0.path().join("bitcoind").display().to_string(), "/nowhere".to_owned()] {
        let (code, said) = find(&unfit);
        assert!(code == Some(2) && said.contains("28 or later") && said.contains(&unfit), "{said}");
    }
}

#[test]
fn make_help_lists_every_target() {
    let makefile = std::fs::read_to_string(format!("{ROOT}/Makefile")).unwrap();
    let output = Command::new("make").args(["-C", ROOT, "help"]).output().unwrap();
    let help = String::from_utf8(output.stdout).unwrap();
    let targets: Vec<_> = makefile.lines().filter_map(|line| line.strip_prefix(".PHONY: ")).collect();
    assert!(targets.len() >= 8);
    for target in targets {
        assert!(help.contains(&format!("make {target} ")), "{target} is absent in\n{help}");
    }
}
