//! The reference implementation beside us, where Go is: a process of `tests/interop/go` that works when it is
//! asked to, so that the two sides take turns as everywhere else.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Mutex;

/// The running process. It ends when its input is closed.
pub(crate) struct Reference(Mutex<(ChildStdin, BufReader<ChildStdout>)>);

impl Reference {
    /// Builds and starts it; `None`, with a line that says why, where that cannot be.
    pub(crate) fn start() -> Option<Self> {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/interop/go");
        let program = Path::new(env!("CARGO_TARGET_TMPDIR")).join("reference-bench");
        let built =
            Command::new("go").arg("build").arg("-o").arg(&program).arg(".").current_dir(source).output();
        match built {
            Ok(output) if output.status.success() => {}
            Ok(output) => return absent(&String::from_utf8_lossy(&output.stderr)),
            Err(error) => return absent(&error.to_string()),
        }
        Self::running(Command::new(program).arg("bench"))
    }

    /// The process of this command; `None`, with a line that says why, where it cannot be started.
    pub(crate) fn running(command: &mut Command) -> Option<Self> {
        match command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn() {
            Ok(Child { stdin: Some(stdin), stdout: Some(stdout), .. }) => {
                Some(Self(Mutex::new((stdin, BufReader::new(stdout)))))
            }
            Ok(_) => absent("it has no input or output"),
            Err(error) => absent(&error.to_string()),
        }
    }

    /// A side of a row: so many calls of this work, whose seconds are those of one.
    pub(crate) fn side(&self, work: &str) -> impl FnMut(u32) -> f64 {
        move |calls| {
            let mut process = self.0.lock().expect("no thread panics while it asks");
            writeln!(process.0, "{work} {calls}").expect("it listens");
            let mut answer = String::new();
            process.1.read_line(&mut answer).expect("it answers");
            let nanoseconds: f64 = answer.trim().parse().expect("a number");
            nanoseconds / 1e9 / f64::from(calls)
        }
    }
}

/// Says why it is left out.
pub(crate) fn absent(why: &str) -> Option<Reference> {
    println!(
        "a reference implementation is not measured: {}",
        why.lines().next().unwrap_or("no reason given")
    );
    None
}
